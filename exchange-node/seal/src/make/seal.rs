//! Building a seal (`SESeal`).

use exchange_core::chain::Instant;
use ring::rand::SecureRandom;

use super::{
    Credential, Error,
    der::{Made, bits, ia5, integer, octets, oid, printable, sequence, time, utf8},
};
use crate::{
    algorithm::Algorithm,
    digest::DigestAlgorithm,
    limits::MAX_SEAL_BYTES,
    ses::{Extension, Picture, Seal, SignerList, Version},
};

/// What a seal says (`SES_SealInfo`). Times are written to the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealTerms {
    /// [`Version::V4`] or [`Version::V5`].
    pub version: Version,
    /// Who wrote the software, `header.Vid`, ASCII.
    pub vendor: String,
    /// The seal's number (`esID`, 印章标识), ASCII.
    pub id: String,
    /// Kind of seal, as numbered by the standard.
    pub kind: u16,
    /// The seal's name (印章名称).
    pub name: String,
    /// Who may use it, 1 to [`crate::limits::MAX_LISTED_SIGNERS`].
    pub signers: SignerList,
    /// When it is made.
    pub created: Instant,
    /// First moment of use.
    pub valid_from: Instant,
    /// Last moment of use.
    pub valid_to: Instant,
    /// What is seen of it; not looked at here.
    pub picture: Picture,
    /// Extensions.
    pub extensions: Vec<Extension>,
}

impl SealTerms {
    /// The list of digests of certificates, DER each, as a seal of that algorithm has them (`certListType` 2): SM3, or
    /// SHA-256 in the ring profile.
    #[must_use]
    pub fn digests(certificates: &[&[u8]], algorithm: Algorithm) -> SignerList {
        let digest = algorithm.data_digest();
        let name = match digest {
            DigestAlgorithm::Sm3 => "SM3",
            other => other.name(),
        };
        SignerList::Digests(certificates.iter().map(|der| (name.to_owned(), digest.digest(der))).collect())
    }
}

/// Makes a seal, DER: the maker signs the terms. The maker's algorithm says whether it is one of GB/T 38540 (SM2) or of
/// the ring profile.
///
/// # Errors
/// [`Error::Terms`], [`Error::CertificatePeriod`], [`Error::Signing`].
pub fn seal(terms: &SealTerms, maker: &Credential, random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
    if terms.version == Version::V1 {
        return Err(Error::Terms(format!("{} is only read", Version::V1.standard())));
    }
    if terms.picture.width_mm == 0 || terms.picture.height_mm == 0 {
        return Err(Error::Terms("its picture has no size".to_owned()));
    }
    if terms.valid_from >= terms.valid_to || terms.created >= terms.valid_to {
        return Err(Error::Terms("its period ends before it begins".to_owned()));
    }
    if let Some(extension) = terms.extensions.iter().find(|extension| extension.critical) {
        return Err(Error::Terms(format!("the critical extension {} is understood by nobody", extension.id)));
    }
    if maker.certificate().signs_documents_only {
        return Err(Error::NotMaker(maker.certificate().subject.clone()));
    }
    maker.counts(terms.created)?;
    let unwritable = |e: der::Error| Error::Terms(crate::asn1::plain(e));
    let info = info(terms).map_err(unwritable)?;
    let signature = maker.key().sign(&info, random)?;
    let by = (octets(&maker.certificate().der), oid(maker.key().algorithm().oid()), bits(&signature));
    let der = sequence(&[&info, &by.0.map_err(unwritable)?, &by.1.map_err(unwritable)?, &by.2.map_err(unwritable)?])
        .map_err(unwritable)?;
    if der.len() > MAX_SEAL_BYTES {
        let (found, limit) = (der.len() as u64, MAX_SEAL_BYTES as u64);
        return Err(Error::TooLarge { what: "the seal in bytes", found, limit });
    }
    // What is not read again is not given away: lengths, counts and texts have their limits there.
    Seal::parse(&der).map_err(|e| Error::Terms(e.to_string()))?;
    Ok(der)
}

fn info(terms: &SealTerms) -> Made {
    let header = sequence(&[&ia5("ES")?, &integer(terms.version.number())?, &ia5(&terms.vendor)?])?;
    let (list_type, list) = match &terms.signers {
        SignerList::Certificates(all) => (1, all.iter().map(|der| octets(der)).collect::<Result<Vec<_>, _>>()?),
        SignerList::Digests(all) => {
            let one = |(name, value): &(String, Vec<u8>)| sequence(&[&printable(name)?, &octets(value)?]);
            (2, all.iter().map(one).collect::<Result<Vec<_>, _>>()?)
        }
    };
    let property = sequence(&[
        &integer(terms.kind)?,
        &utf8(&terms.name)?,
        &integer(list_type)?,
        &sequence(&[&list.concat()])?,
        &time(terms.created)?,
        &time(terms.valid_from)?,
        &time(terms.valid_to)?,
    ])?;
    let picture = &terms.picture;
    let picture = sequence(&[
        &ia5(&picture.format)?,
        &octets(&picture.data)?,
        &integer(picture.width_mm)?,
        &integer(picture.height_mm)?,
    ])?;
    let mut extensions = Vec::new();
    for extension in &terms.extensions {
        // FALSE is the default, and DER leaves it out.
        extensions.extend(sequence(&[&oid(extension.id)?, &octets(&extension.value)?])?);
    }
    let extensions = if extensions.is_empty() { Vec::new() } else { sequence(&[&extensions])? };
    sequence(&[&header, &ia5(&terms.id)?, &property, &picture, &extensions])
}
