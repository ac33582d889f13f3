//! The authority over seal makers and signers: its certificates are no identities of the exchange, and name no region.
//!
//! SM2 with SM3 as GB/T 38540 demands, or the ring profile. A folder like a CA's: `ca.crt`, `ca.key`, `journal.jsonl`,
//! `crl.pem`, `issued/<serial>.crt`. Its scope in the journal is `seal`, so that it is never taken for a city's CA.

mod folder;
mod make;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use exchange_core::{
    chain::{Instant, Serial, WithdrawalReason},
    spiffe::TrustDomain,
};
use exchange_seal::{
    algorithm::Algorithm,
    certificate::{Certificate, Key},
    make::{
        self as making, PrivateKey,
        pki::{self, CertificateTerms, CrlTerms, Named, Role, Withdrawn, subject_public_key_info},
    },
};
use ring::digest::{SHA256, digest};

pub use make::{SealOrder, make_seal, maker_journal, number_is_free};

use crate::{
    CaOptions, Error, Event, Record,
    files::{self, CERTIFICATE, CRL, pem},
    journal::Journal,
    keyfile::Passphrase,
    profile::{hex, unhex},
    seams,
};

/// Of the journal of such an authority.
const SCOPE: &str = "seal";
const DAY_MS: u64 = 24 * 3600 * 1000;
/// What begins now was valid five minutes ago: clocks differ.
const BACKDATE_MS: u64 = 5 * 60 * 1000;

/// What a credential of this authority is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealProfile {
    /// Makes seals (制章者); five years.
    Maker,
    /// Puts a seal on documents (签章者); three years.
    Signer,
}

impl SealProfile {
    const fn role(self) -> Role {
        match self {
            Self::Maker => Role::Maker,
            Self::Signer => Role::Signer,
        }
    }

    /// As on the command line and in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maker => "seal-maker",
            Self::Signer => "seal-signer",
        }
    }

    /// Life where none is asked for, in days.
    #[must_use]
    pub const fn days(self) -> u32 {
        match self {
            Self::Maker => 5 * 365,
            Self::Signer => 3 * 365,
        }
    }
}

/// A new credential.
#[derive(Debug, Clone)]
pub struct SealIssued {
    /// DER.
    pub certificate: Certificate,
    /// Of this authority.
    pub serial: Serial,
}

impl SealIssued {
    /// PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem(CERTIFICATE, &self.certificate.der)
    }
}

/// An authority that can sign.
pub struct SealCa {
    key: PrivateKey,
    certificate: Certificate,
    organization: String,
    journal: Journal,
    folder: Option<PathBuf>,
    crl: Option<Vec<u8>>,
}

impl std::fmt::Debug for SealCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealCa({}, {} records, key redacted)", self.certificate.subject, self.journal.records().len())
    }
}

/// A fault of the crate that makes seals.
pub(crate) fn making_failed(error: making::Error) -> Error {
    match error {
        making::Error::Signing => Error::making("a signature", error),
        making::Error::Certificate(_) | making::Error::OtherKey(_) | making::Error::Usage(_) => {
            Error::Credential(error.to_string())
        }
        making::Error::CertificatePeriod { .. } | making::Error::TooLarge { .. } => Error::Refused(error.to_string()),
        other => Error::Usage(other.to_string()),
    }
}

impl SealCa {
    /// How long such an authority and its CRLs live where nothing is asked for.
    pub const OPTIONS: CaOptions = CaOptions { days: 10 * 365, crl_days: 30 };

    /// A new one, in memory, with its first CRL.
    ///
    /// # Errors
    /// [`Error::Making`]; [`Error::Refused`] for a life of no days.
    pub fn new(domain: &TrustDomain, algorithm: Algorithm, options: CaOptions, now_ms: u64) -> Result<Self, Error> {
        let random = seams::rng();
        let key = PrivateKey::generate(algorithm, &random).map_err(making_failed)?;
        let subject = Named { organization: domain.to_string(), common_name: "Seal CA".to_owned() };
        let serial = new_serial()?;
        let (not_before, not_after) = period(options.days, now_ms, u64::MAX)?;
        let terms = CertificateTerms { serial: &serial, subject: &subject, key: key.public(), not_before, not_after };
        let der = pki::authority(&terms, &key, &random).map_err(making_failed)?;
        let certificate = read(&der)?;
        let mut journal = Journal::in_memory();
        let created = Event::Created {
            trust_domain: domain.to_string(),
            scope: SCOPE.to_owned(),
            fingerprint: hex(digest(&SHA256, &der).as_ref()),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        };
        journal.append(now_ms, created)?;
        let organization = domain.to_string();
        let mut ca = Self { key, certificate, organization, journal, folder: None, crl: None };
        ca.issue_crl(options.crl_days, now_ms)?;
        Ok(ca)
    }

    /// Issues a credential for a key. The serial is in the journal, on the disk, before the signature is made.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that is none; [`Error::Refused`]; [`Error::Making`], [`Error::Io`].
    pub fn issue(
        &mut self,
        profile: SealProfile,
        name: &str,
        key: &Key,
        days: Option<u32>,
        now_ms: u64,
    ) -> Result<SealIssued, Error> {
        let limit = self.certificate.not_after.0;
        if key.algorithm != self.key.public().algorithm {
            let needed = self.algorithm().name();
            return Err(Error::Refused(format!("a key of another kind; {} certifies keys of {needed}", self.name())));
        }
        if now_ms > limit {
            return Err(Error::Refused(format!("{} itself has ended: it signs no more", self.name())));
        }
        let (not_before, not_after) = period(days.unwrap_or(profile.days()), now_ms, limit)?;
        let bytes = new_serial()?;
        let serial = Serial::new(&bytes);
        let subject = Named { organization: self.organization.clone(), common_name: name.to_owned() };
        let spki = subject_public_key_info(key).map_err(making_failed)?;
        let event = Event::Issued {
            serial: serial.to_string(),
            profile: profile.name().to_owned(),
            subject: name.to_owned(),
            spki_sha256: hex(digest(&SHA256, &spki).as_ref()),
            not_after_ms: not_after.0,
        };
        self.journal.append(now_ms, event)?;
        let terms = CertificateTerms { serial: &bytes, subject: &subject, key, not_before, not_after };
        let der = pki::end_entity(&terms, profile.role(), &self.certificate, &self.key, &seams::rng())
            .map_err(making_failed)?;
        if let Some(folder) = &self.folder {
            let path = folder.join(folder::ISSUED).join(format!("{serial}.crt"));
            files::write_new(&path, files::PUBLIC, pem(CERTIFICATE, &der).as_bytes())?;
        }
        Ok(SealIssued { certificate: read(&der)?, serial })
    }

    /// Withdraws a credential and signs the CRL that says so, in force for `days`; its number is returned. Withdrawn ones
    /// stay listed for ever: documents outlive credentials.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] where it is withdrawn already; [`Error::Refused`] for 0 days;
    /// [`Error::Making`], [`Error::Io`].
    pub fn revoke(&mut self, serial: &Serial, reason: WithdrawalReason, days: u32, now_ms: u64) -> Result<u64, Error> {
        // Before the journal says that it is withdrawn: else no CRL would follow.
        period(days, now_ms, u64::MAX)?;
        let text = serial.to_string();
        let known = |record: &Record| matches!(&record.event, Event::Issued { serial, .. } if *serial == text);
        if !self.records().iter().any(known) {
            return Err(Error::NotFound(format!("{} did not issue serial {text}", self.name())));
        }
        let gone = |record: &&Record| matches!(&record.event, Event::Revoked { serial, .. } if *serial == text);
        if let Some(record) = self.records().iter().find(gone) {
            return Err(Error::Conflict(format!("serial {text} is withdrawn already (journal record {})", record.seq)));
        }
        let event = Event::Revoked { serial: text, reason: reason.to_string(), invalidity_ms: None };
        self.journal.append(now_ms, event)?;
        self.issue_crl(days, now_ms)
    }

    /// Signs the next CRL, in force for `days`, and returns its number.
    ///
    /// # Errors
    /// [`Error::Refused`] for 0 days; [`Error::Making`], [`Error::Io`].
    pub fn issue_crl(&mut self, days: u32, now_ms: u64) -> Result<u64, Error> {
        let (this_update, next_update) = period(days, now_ms, u64::MAX)?;
        let numbers = self.records().iter().filter_map(|record| match record.event {
            Event::Crl { number, .. } => Some(number),
            _ => None,
        });
        let number = numbers.max().unwrap_or(0) + 1;
        self.journal.append(now_ms, Event::Crl { number, next_update_ms: next_update.0 })?;
        let withdrawn = self.withdrawn()?;
        let terms = CrlTerms { number, this_update, next_update, withdrawn: &withdrawn };
        let der = pki::crl(&terms, &self.certificate, &self.key, &seams::rng()).map_err(making_failed)?;
        if let Some(folder) = &self.folder {
            files::replace(&folder.join(folder::CRL_FILE), pem(CRL, &der).as_bytes())?;
        }
        self.crl = Some(der);
        Ok(number)
    }

    fn withdrawn(&self) -> Result<Vec<Withdrawn>, Error> {
        let mut list = Vec::new();
        for record in self.records() {
            let Event::Revoked { serial, reason, .. } = &record.event else { continue };
            let serial =
                unhex(serial).ok_or_else(|| Error::making("a CRL", "the journal has a serial that is not hex"))?;
            list.push(Withdrawn { serial, since: Instant(record.at_ms), reason: reason_code(reason) });
        }
        Ok(list)
    }

    /// The newest CRL, DER; `None` where its file is lost: sign the next one.
    #[must_use]
    pub fn crl(&self) -> Option<&[u8]> {
        self.crl.as_deref()
    }

    /// Its own certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// PEM of its own certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem(CERTIFICATE, &self.certificate.der)
    }

    /// SHA-256 of its certificate, hex: what people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(digest(&SHA256, &self.certificate.der).as_ref())
    }

    /// What it signs with; its credentials have keys of the same kind.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// For messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.certificate.subject
    }

    /// Everything it did.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        self.journal.records()
    }

    /// Saves it into a new folder. Its key is encrypted.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Io`].
    pub fn save(&mut self, folder: &Path, passphrase: &Passphrase) -> Result<(), Error> {
        folder::save(self, folder, passphrase)
    }

    /// Opens its folder: the key fits the certificate, and the journal is whole. Another process is kept out.
    ///
    /// # Errors
    /// As [`crate::Ca::open`].
    pub fn open(folder: &Path, passphrase: impl FnOnce() -> Result<Passphrase, Error>) -> Result<Self, Error> {
        folder::open(folder, passphrase)
    }
}

fn read(der: &[u8]) -> Result<Certificate, Error> {
    Certificate::parse(der).map_err(|e| Error::malformed("certificate", e))
}

/// 16 random bytes, the first neither zero nor with its top bit set (RFC 5280 section 4.1.2.2).
fn new_serial() -> Result<[u8; 16], Error> {
    let mut serial = seams::random::<16>()?;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    Ok(serial)
}

fn period(days: u32, now_ms: u64, limit_ms: u64) -> Result<(Instant, Instant), Error> {
    if days == 0 {
        return Err(Error::Refused("a life of 0 days".to_owned()));
    }
    let until = now_ms.saturating_add(u64::from(days).saturating_mul(DAY_MS)).min(limit_ms);
    Ok((Instant(now_ms.saturating_sub(BACKDATE_MS) / 1000 * 1000), Instant(until / 1000 * 1000)))
}

/// RFC 5280 section 5.3.1.
fn reason_code(name: &str) -> u8 {
    let known = WithdrawalReason::ALL.iter().find(|(_, known)| *known == name);
    match known.map(|(reason, _)| *reason) {
        None | Some(WithdrawalReason::Unspecified) => 0,
        Some(WithdrawalReason::KeyCompromise) => 1,
        Some(WithdrawalReason::CaCompromise) => 2,
        Some(WithdrawalReason::AffiliationChanged) => 3,
        Some(WithdrawalReason::Superseded) => 4,
        Some(WithdrawalReason::CessationOfOperation) => 5,
        Some(WithdrawalReason::CertificateHold) => 6,
        Some(WithdrawalReason::PrivilegeWithdrawn) => 9,
        Some(WithdrawalReason::AaCompromise) => 10,
    }
}
