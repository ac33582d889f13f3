//! Revocation lists (RFC 5280 section 5): read strictly, proved by their issuer's key, the highest number wins.

use std::{collections::BTreeMap, sync::Arc};

use x509_parser::{
    oid_registry::{
        OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_CRL_NUMBER, OID_X509_EXT_INVALIDITY_DATE,
        OID_X509_EXT_REASON_CODE,
    },
    prelude::{CertificateRevocationList, FromDer, ParsedExtension, RevokedCertificate},
    x509::SubjectPublicKeyInfo,
};

use super::{
    Authority, Error, Serial,
    x509::{milliseconds, shown, signature_algorithm},
};
use crate::region::Region;

/// Largest CRL that is read, in bytes: some 400,000 entries.
pub const MAX_CRL_BYTES: usize = 16 * 1024 * 1024;

/// CRLs of this machine's own files and store whose issuer's certificate has not been seen yet; the oldest leaves.
const MAX_UNPROVEN: usize = 64;
/// The same of one region's log. Each carrier has room of its own: what a region says of CAs that nobody has seen can
/// push out only what it said itself before, never what another one or this machine knows.
const MAX_UNPROVEN_OF_CARRIER: usize = 4;

const WHAT: &str = "CRL";

/// Why a credential was withdrawn (RFC 5280 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WithdrawalReason {
    /// 0, or no reason given.
    Unspecified,
    /// 1
    KeyCompromise,
    /// 2
    CaCompromise,
    /// 3
    AffiliationChanged,
    /// 4
    Superseded,
    /// 5
    CessationOfOperation,
    /// 6
    CertificateHold,
    /// 9
    PrivilegeWithdrawn,
    /// 10
    AaCompromise,
}

impl WithdrawalReason {
    /// Every one, with its RFC 5280 name.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Unspecified, "unspecified"),
        (Self::KeyCompromise, "keyCompromise"),
        (Self::CaCompromise, "cACompromise"),
        (Self::AffiliationChanged, "affiliationChanged"),
        (Self::Superseded, "superseded"),
        (Self::CessationOfOperation, "cessationOfOperation"),
        (Self::CertificateHold, "certificateHold"),
        (Self::PrivilegeWithdrawn, "privilegeWithdrawn"),
        (Self::AaCompromise, "aACompromise"),
    ];

    /// Somebody else may have used the key.
    #[must_use]
    pub const fn is_compromise(self) -> bool {
        matches!(self, Self::KeyCompromise | Self::CaCompromise | Self::AaCompromise)
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => return None,
        })
    }
}

impl std::fmt::Display for WithdrawalReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = Self::ALL.iter().find(|(reason, _)| reason == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// An entry of a CRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawal {
    /// Why.
    pub reason: WithdrawalReason,
    /// Revocation date, milliseconds since 1970.
    pub since_ms: u64,
    /// From when on the key is thought to be in other hands (RFC 5280 section 5.3.2), milliseconds since 1970.
    pub invalidity_ms: Option<u64>,
}

/// A complete CRL of one CA, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    /// The bytes as they came.
    pub der: Vec<u8>,
    /// DER of the issuer's name.
    pub issuer_der: Vec<u8>,
    /// The issuer's name, for messages.
    pub issuer: String,
    /// Authority key identifier: which of the CAs of that name (RFC 5280 section 5.2.1).
    pub authority_key_identifier: Option<Vec<u8>>,
    /// Rises with every CRL of the CA.
    pub number: u64,
    /// Milliseconds since 1970.
    pub this_update_ms: u64,
    /// Milliseconds since 1970.
    pub next_update_ms: u64,
    /// What it withdraws.
    pub withdrawn: BTreeMap<Serial, Withdrawal>,
}

impl Crl {
    /// Reads one. A CRL without number or next update, a delta CRL, a CRL for a part of the credentials, and unknown
    /// critical extensions are refused.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        let parsed = parsed(der)?;
        signature_algorithm(&parsed.signature_algorithm, WHAT)?;
        if parsed.signature_algorithm != parsed.tbs_cert_list.signature {
            return Err(Error::malformed(WHAT, "two different signature algorithms"));
        }
        parsed.tbs_cert_list.extensions_map().map_err(|_| Error::malformed(WHAT, "an extension stands twice"))?;
        for extension in parsed.extensions() {
            let known =
                extension.oid == OID_X509_EXT_CRL_NUMBER || extension.oid == OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER;
            if extension.critical && !known {
                return Err(Error::malformed(
                    WHAT,
                    format!("critical extension {}: only complete CRLs of one CA are read", extension.oid),
                ));
            }
        }
        let number = parsed.crl_number().ok_or_else(|| Error::malformed(WHAT, "no CRL number"))?;
        let next_update = parsed.next_update().ok_or_else(|| Error::malformed(WHAT, "no next update"))?;
        let mut withdrawn = BTreeMap::new();
        for entry in parsed.iter_revoked_certificates() {
            let serial = Serial::new(entry.raw_serial());
            if withdrawn.insert(serial, withdrawal(entry)?).is_some() {
                return Err(Error::malformed(WHAT, "a serial stands twice"));
            }
        }
        let crl = Self {
            issuer_der: parsed.issuer().as_raw().to_vec(),
            issuer: shown(parsed.issuer()),
            authority_key_identifier: parsed.extensions().iter().find_map(|e| match e.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0.to_vec()),
                _ => None,
            }),
            number: u64::try_from(number).map_err(|_| Error::malformed(WHAT, "a CRL number of more than 64 bits"))?,
            this_update_ms: milliseconds(parsed.last_update(), WHAT)?,
            next_update_ms: milliseconds(next_update, WHAT)?,
            withdrawn,
            der: der.to_vec(),
        };
        if crl.next_update_ms <= crl.this_update_ms {
            return Err(Error::malformed(WHAT, "its next update is not after its own date"));
        }
        Ok(crl)
    }

    /// Whether it says that it is this CA's. A CA's successor may have the same name: then the key identifier tells.
    fn names(&self, issuer: &Authority) -> bool {
        let same_key = match (&self.authority_key_identifier, &issuer.key_identifier) {
            (Some(found), Some(known)) => found == known,
            _ => true,
        };
        self.issuer_der == issuer.subject_der && same_key
    }

    /// Past two thirds of its life the CA should have made the next one: time for an alarm.
    #[must_use]
    pub const fn is_ageing(&self, at_ms: u64) -> bool {
        let life = self.next_update_ms - self.this_update_ms;
        at_ms >= self.this_update_ms.saturating_add(life / 3 * 2)
    }

    /// Past its next update and the grace period (milliseconds).
    #[must_use]
    pub const fn is_stale(&self, at_ms: u64, grace_ms: u64) -> bool {
        at_ms > self.next_update_ms.saturating_add(grace_ms)
    }

    /// Its name and its signature are the issuer's.
    ///
    /// # Errors
    /// [`Error::CrlNotSignedByIssuer`].
    pub fn verify(&self, issuer: &Authority) -> Result<(), Error> {
        let refused = || Error::CrlNotSignedByIssuer { issuer: issuer.subject.clone() };
        if self.issuer_der != issuer.subject_der {
            return Err(refused());
        }
        let (_, key) = SubjectPublicKeyInfo::from_der(&issuer.spki).map_err(|_| refused())?;
        parsed(&self.der)?.verify_signature(&key).map_err(|_| refused())
    }
}

fn parsed(der: &[u8]) -> Result<CertificateRevocationList<'_>, Error> {
    if der.len() > MAX_CRL_BYTES {
        return Err(Error::TooLarge { what: WHAT, found: der.len(), limit: MAX_CRL_BYTES });
    }
    let (rest, parsed) =
        CertificateRevocationList::from_der(der).map_err(|e| Error::malformed(WHAT, format!("not a CRL: {e}")))?;
    if !rest.is_empty() {
        return Err(Error::malformed(WHAT, format!("{} bytes follow it", rest.len())));
    }
    Ok(parsed)
}

fn withdrawal(entry: &RevokedCertificate<'_>) -> Result<Withdrawal, Error> {
    let mut reason = WithdrawalReason::Unspecified;
    let mut invalidity_ms = None;
    for extension in entry.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::ReasonCode(code) if extension.oid == OID_X509_EXT_REASON_CODE => {
                reason = WithdrawalReason::from_code(code.0)
                    .ok_or_else(|| Error::malformed(WHAT, format!("reason code {}", code.0)))?;
            }
            ParsedExtension::InvalidityDate(date) if extension.oid == OID_X509_EXT_INVALIDITY_DATE => {
                invalidity_ms = Some(milliseconds(*date, WHAT)?);
            }
            _ if extension.critical => {
                return Err(Error::malformed(WHAT, format!("critical entry extension {}", extension.oid)));
            }
            _ => {}
        }
    }
    Ok(Withdrawal { reason, since_ms: milliseconds(entry.revocation_date, WHAT)?, invalidity_ms })
}

/// The newest CRL of each CA.
///
/// A CRL that arrives before its CA's certificate was seen waits; it counts as soon as a path shows the certificate.
#[derive(Debug, Clone, Default)]
pub struct CrlSet {
    proven: BTreeMap<[u8; 32], Arc<Crl>>,
    /// With the region whose log carried it; `None`: by this machine's files or store.
    unproven: Vec<(Option<Region>, Arc<Crl>)>,
}

/// What [`CrlSet::add`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is now the newest of its CA.
    Newest,
    /// These bytes were there before.
    Known,
    /// None of the CAs given is its issuer; it waits for that CA's certificate.
    Waiting,
}

impl CrlSet {
    /// None: with it every path is refused as [`Error::CrlMissing`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a CRL of this machine's files or store if it is newer than what is there. `issuers`: CA certificates that
    /// are at hand.
    ///
    /// # Errors
    /// [`Error::CrlNotSignedByIssuer`], [`Error::CrlRolledBack`], [`Error::CrlNumberReused`]. The set is then as before.
    pub fn add(&mut self, crl: Crl, issuers: &[Authority]) -> Result<Added, Error> {
        self.add_from(None, crl, issuers)
    }

    /// Takes a CRL that a region's log carried, by the same rules. What waits for its CA's certificate waits in that
    /// region's own room, which holds four.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_carried(&mut self, carrier: Region, crl: Crl, issuers: &[Authority]) -> Result<Added, Error> {
        self.add_from(Some(carrier), crl, issuers)
    }

    fn add_from(&mut self, carrier: Option<Region>, crl: Crl, issuers: &[Authority]) -> Result<Added, Error> {
        let mut refused = None;
        for issuer in issuers.iter().filter(|issuer| crl.names(issuer)) {
            match crl.verify(issuer) {
                Ok(()) => return self.replace(issuer, Arc::new(crl)),
                Err(error) => refused = Some(error),
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        if self.unproven.iter().any(|(_, waiting)| waiting.der == crl.der) {
            return Ok(Added::Known);
        }
        let room = if carrier.is_some() { MAX_UNPROVEN_OF_CARRIER } else { MAX_UNPROVEN };
        if self.unproven.iter().filter(|(by, _)| *by == carrier).count() >= room
            && let Some(oldest) = self.unproven.iter().position(|(by, _)| *by == carrier)
        {
            self.unproven.remove(oldest);
        }
        self.unproven.push((carrier, Arc::new(crl)));
        Ok(Added::Waiting)
    }

    /// A CA certificate became known: what waited for it counts from now on without another signature check, and what
    /// says that it is this CA's and is not signed by it is dropped.
    pub fn settle(&mut self, issuer: &Authority) {
        let (mine, rest) = std::mem::take(&mut self.unproven).into_iter().partition(|(_, crl)| crl.names(issuer));
        self.unproven = rest;
        let mine: Vec<(Option<Region>, Arc<Crl>)> = mine;
        for (_, crl) in mine {
            if crl.verify(issuer).is_ok() {
                // Older ones and second ones of a number are dropped: the newest one is what counts.
                let _ = self.replace(issuer, crl);
            }
        }
    }

    /// The CRL with the highest number that this CA has signed.
    #[must_use]
    pub fn newest(&self, issuer: &Authority) -> Option<Arc<Crl>> {
        let waiting = self.unproven.iter().map(|(_, crl)| crl);
        let waiting = waiting.filter(|crl| crl.names(issuer) && crl.verify(issuer).is_ok());
        self.proven.get(&issuer.spki_sha256).into_iter().chain(waiting).max_by_key(|crl| crl.number).cloned()
    }

    /// All that are proved, by the SHA-256 of their CA's public key.
    pub fn proven(&self) -> impl Iterator<Item = (&[u8; 32], &Arc<Crl>)> {
        self.proven.iter()
    }

    fn replace(&mut self, issuer: &Authority, crl: Arc<Crl>) -> Result<Added, Error> {
        if let Some(have) = self.proven.get(&issuer.spki_sha256) {
            if have.der == crl.der {
                return Ok(Added::Known);
            }
            if crl.number < have.number {
                return Err(Error::CrlRolledBack {
                    issuer: issuer.subject.clone(),
                    found: crl.number,
                    have: have.number,
                });
            }
            if crl.number == have.number {
                return Err(Error::CrlNumberReused { issuer: issuer.subject.clone(), number: crl.number });
            }
        }
        self.proven.insert(issuer.spki_sha256, crl);
        Ok(Added::Newest)
    }
}
