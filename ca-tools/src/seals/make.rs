//! Making a seal: recorded in the maker's journal, on the disk, before it is given away.

use std::path::{Path, PathBuf};

use exchange_core::chain::Instant;
use exchange_seal::{
    certificate::Certificate,
    make::{Credential, SealTerms, png, seal},
    ses::{SignerList, Version},
};
use ring::digest::{SHA256, digest};

use super::{DAY_MS, making_failed};
use crate::{Error, Event, Record, journal::Journal, profile::hex, seams};

/// What is asked of a seal maker.
#[derive(Debug, Clone)]
pub struct SealOrder {
    /// v4 (GB/T 38540-2020) or v5 (GM/T 0031-2025).
    pub version: Version,
    /// The seal's number (`esID`), ASCII.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Kind of seal, as numbered by the standard.
    pub kind: u16,
    /// Who may use it.
    pub signers: Vec<Certificate>,
    /// List digests of their certificates instead of the certificates.
    pub by_digest: bool,
    /// The picture, PNG.
    pub picture: Vec<u8>,
    /// Width and height of the picture, millimetres.
    pub size_mm: (u16, u16),
    /// Life in days, from now.
    pub days: u32,
}

/// The journal of a maker's seals: beside the certificate, `<certificate>.seals.jsonl`.
#[must_use]
pub fn maker_journal(certificate: &Path) -> PathBuf {
    let mut name = certificate.file_stem().unwrap_or_default().to_owned();
    name.push(".seals.jsonl");
    certificate.with_file_name(name)
}

/// The terms of an order, checked.
fn terms(order: &SealOrder, maker: &Credential, now_ms: u64) -> Result<SealTerms, Error> {
    if order.days == 0 {
        return Err(Error::Refused("a life of 0 days".to_owned()));
    }
    let algorithm = maker.key().algorithm();
    for signer in &order.signers {
        if signer.usages.is_some_and(|usages| !usages.digital_signature && !usages.non_repudiation) {
            return Err(Error::Refused(format!("the certificate \"{}\" is not one for signatures", signer.subject)));
        }
        if now_ms > signer.not_after.0 {
            return Err(Error::Refused(format!("the certificate \"{}\" has ended", signer.subject)));
        }
    }
    let ders: Vec<&[u8]> = order.signers.iter().map(|signer| signer.der.as_slice()).collect();
    let signers = if order.by_digest {
        SealTerms::digests(&ders, algorithm)
    } else {
        SignerList::Certificates(ders.into_iter().map(<[u8]>::to_vec).collect())
    };
    let now = Instant(now_ms / 1000 * 1000);
    Ok(SealTerms {
        version: order.version,
        vendor: "exchange".to_owned(),
        id: order.id.clone(),
        kind: order.kind,
        name: order.name.clone(),
        signers,
        created: now,
        valid_from: now,
        valid_to: Instant(now.0.saturating_add(u64::from(order.days).saturating_mul(DAY_MS))),
        picture: png(order.picture.clone(), order.size_mm.0, order.size_mm.1).map_err(making_failed)?,
        extensions: Vec::new(),
    })
}

/// Whether no seal of a maker's journal has this number: the number (印章标识) names one seal, and whoever
/// strikes one off by its number must not strike off two. A journal that is not there yet has none.
///
/// # Errors
/// [`Error::Conflict`] with the record that has it; [`Error::Journal`], [`Error::Io`].
pub fn number_is_free(journal: &Path, id: &str) -> Result<(), Error> {
    match Journal::look(journal) {
        Ok(found) => free(&found, journal, id),
        Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn free(journal: &Journal, path: &Path, id: &str) -> Result<(), Error> {
    let taken = |record: &&Record| matches!(&record.event, Event::Seal { id: other, .. } if other == id);
    let Some(Record { seq, at_ms, .. }) = journal.records().iter().find(taken) else { return Ok(()) };
    Err(Error::Conflict(format!(
        "the seal number {id} is taken: {} record {seq} has it, of {}; give this seal another --id",
        path.display(),
        Instant(*at_ms)
    )))
}

/// Makes a seal, DER. With a journal it is recorded there, on the disk, before it is given away; without one it is only
/// tried whether it could be made.
///
/// # Errors
/// [`Error::Usage`], [`Error::Refused`]; [`Error::Conflict`] where the journal has a seal of that number, or is in use;
/// [`Error::Journal`], [`Error::Io`].
pub fn make_seal(order: &SealOrder, maker: &Credential, journal: Option<&Path>, now_ms: u64) -> Result<Vec<u8>, Error> {
    let terms = terms(order, maker, now_ms)?;
    if let Some(path) = journal {
        // Before anything is signed with it.
        number_is_free(path, &order.id)?;
    }
    let made = seal(&terms, maker, &seams::rng()).map_err(making_failed)?;
    if let Some(path) = journal {
        let mut journal = Journal::open_or_new(path)?;
        // Once more, now that nobody else writes.
        free(&journal, path, &order.id)?;
        let sha256 = |bytes: &[u8]| hex(digest(&SHA256, bytes).as_ref());
        let event = Event::Seal {
            id: order.id.clone(),
            name: order.name.clone(),
            standard: order.version.standard().to_owned(),
            algorithm: maker.key().algorithm().name().to_owned(),
            sha256: sha256(&made),
            picture_sha256: sha256(&terms.picture.data),
            signers_sha256: order.signers.iter().map(|signer| sha256(&signer.der)).collect(),
            not_after_ms: terms.valid_to.0,
        };
        journal.append(now_ms, event)?;
    }
    Ok(made)
}
