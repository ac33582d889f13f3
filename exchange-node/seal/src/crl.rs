//! Revocation lists of the CAs behind seals (RFC 5280 section 5).
//!
//! Wider than what the exchange reads of its own CAs: the CAs of seals split their lists into parts (`cn=crl0003`), sign
//! with SM2, and not all number them. Delta, indirect and attribute lists are refused.

use std::{collections::BTreeMap, sync::OnceLock};

use der::{
    Decode,
    asn1::{GeneralizedTime, ObjectIdentifier},
};
use exchange_core::chain::Instant;
use x509_cert::{
    crl::{CertificateList, RevokedCert},
    ext::pkix::{CrlReason, crl::IssuingDistributionPoint},
};

use crate::{
    algorithm::PATH_ALGORITHMS,
    asn1::{Error, Fields, plain, to_der},
    certificate::{Certificate, Key, inside, instant, name, point_names},
    limits::MAX_CRL_BYTES,
    proven::Proven,
};

const WHAT: &str = "CertificateList";
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const DELTA: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");

/// An entry of a CRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawal {
    /// Revocation date.
    pub since: Instant,
    /// From when on the key is thought to be in other hands (RFC 5280 section 5.3.2).
    pub invalidity: Option<Instant>,
    /// Somebody else may have used the key (keyCompromise, cACompromise, aACompromise).
    pub is_compromise: bool,
}

/// Which of its issuer's certificates a CRL speaks about (RFC 5280 section 5.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Scope {
    points: Vec<Vec<u8>>,
    only_users: bool,
    only_cas: bool,
}

/// A CRL, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    /// The issuer's name, for messages.
    pub issuer: String,
    /// This update.
    pub this_update: Instant,
    /// When the next one is due.
    pub next_update: Instant,
    issuer_der: Vec<u8>,
    body: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    scope: Scope,
    withdrawn: BTreeMap<Vec<u8>, Withdrawal>,
    signed_by: SignedBy,
}

/// The issuer whose signature was found good: a list is asked for every certificate, and its signature stays what it is.
/// Two equal lists are equal also where only one of them was asked yet.
#[derive(Debug, Clone, Default)]
struct SignedBy(OnceLock<Key>);

impl PartialEq for SignedBy {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SignedBy {}

impl Crl {
    /// Reads one, DER.
    ///
    /// # Errors
    /// What is wrong with it, or what it has that is not read.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_CRL_BYTES {
            return Err(Error::new(WHAT, format!("{} bytes; at most {MAX_CRL_BYTES} are read", der.len())));
        }
        let wrong = |e: der::Error| Error::new(WHAT, plain(e));
        let parsed: CertificateList = CertificateList::from_der(der).map_err(wrong)?;
        if parsed.signature_algorithm != parsed.tbs_cert_list.signature {
            return Err(Error::new(WHAT, "two different signature algorithms"));
        }
        let body = &parsed.tbs_cert_list;
        let next_update = body.next_update.ok_or_else(|| Error::new("CertificateList.nextUpdate", "is missing"))?;
        let mut withdrawn = BTreeMap::new();
        for entry in body.revoked_certificates.iter().flatten() {
            if withdrawn.insert(entry.serial_number.as_bytes().to_vec(), withdrawal(entry)?).is_some() {
                return Err(Error::new(WHAT, "a serial stands twice"));
            }
        }
        let mut scope = Scope::default();
        for extension in body.crl_extensions.iter().flatten() {
            match extension.extn_id {
                DISTRIBUTION_POINT => scope = scoped(extension.extn_value.as_bytes())?,
                CRL_NUMBER | AUTHORITY_KEY => {}
                DELTA => return Err(Error::new(WHAT, "a delta CRL; only complete ones are read")),
                other if extension.critical => {
                    return Err(Error::new(WHAT, format!("critical extension {other} is not understood")));
                }
                _ => {}
            }
        }
        Ok(Self {
            issuer: name(&body.issuer),
            this_update: instant(body.this_update),
            next_update: instant(next_update),
            issuer_der: to_der(&body.issuer, WHAT)?,
            body: Fields::sequence(der, WHAT)?.raw("tbsCertList")?.to_vec(),
            algorithm: inside(&to_der(&parsed.signature_algorithm, WHAT)?)?,
            signature: parsed
                .signature
                .as_bytes()
                .ok_or_else(|| Error::new("CertificateList.signature", "has unused bits"))?
                .to_vec(),
            scope,
            withdrawn,
            signed_by: SignedBy::default(),
        })
    }

    /// The entry for a certificate of this CRL's issuer.
    #[must_use]
    pub fn entry(&self, certificate: &Certificate) -> Option<Withdrawal> {
        self.withdrawn.get(&certificate.serial).copied()
    }

    /// Past its next update and the grace period.
    #[must_use]
    pub const fn is_stale(&self, at: Instant, grace_ms: u64) -> bool {
        at.0 > self.next_update.0.saturating_add(grace_ms)
    }

    /// It is this issuer's, and speaks about this certificate.
    fn speaks_of(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let scope = &self.scope;
        let kind = if certificate.is_ca { !scope.only_users } else { !scope.only_cas };
        let part = scope.points.is_empty() || scope.points.iter().any(|name| certificate.crl_points.contains(name));
        self.issuer_der == issuer.subject_der && kind && part && self.is_signed_by(issuer)
    }

    fn is_signed_by(&self, issuer: &Certificate) -> bool {
        if issuer.usages.is_some_and(|usages| !usages.crl_sign) && !issuer.is_self_issued() {
            return false;
        }
        if self.signed_by.0.get() == Some(&issuer.key) {
            return true;
        }
        let is_good = PATH_ALGORITHMS
            .iter()
            .filter(|known| known.signature_alg_id().as_ref() == self.algorithm)
            .filter(|known| known.public_key_alg_id().as_ref() == issuer.key.algorithm)
            .any(|known| known.verify_signature(&issuer.key.bytes, &self.body, &self.signature).is_ok());
        if is_good {
            // Of two threads the first is remembered; both found the same.
            let _ = self.signed_by.0.set(issuer.key.clone());
        }
        is_good
    }
}

/// The CRLs that are at hand, from wherever they came: each proves itself.
///
/// Whoever verifies many documents keeps them: beside them stands which signatures of seals and certificates were found
/// good, so that a chain is computed once for each credential and a seal once, while periods and withdrawal are judged
/// every time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crls {
    all: Vec<Crl>,
    proven: Proven,
}

impl Crls {
    /// These.
    #[must_use]
    pub fn new(crls: Vec<Crl>) -> Self {
        Self { all: crls, proven: Proven::default() }
    }

    pub(crate) const fn proven(&self) -> &Proven {
        &self.proven
    }

    /// The newest that speaks about a certificate and that its issuer signed.
    #[must_use]
    pub fn newest(&self, certificate: &Certificate, issuer: &Certificate) -> Option<&Crl> {
        self.all.iter().filter(|crl| crl.speaks_of(certificate, issuer)).max_by_key(|crl| crl.this_update)
    }
}

fn scoped(value: &[u8]) -> Result<Scope, Error> {
    let wrong = |e: der::Error| Error::new("CertificateList.issuingDistributionPoint", plain(e));
    let parsed = IssuingDistributionPoint::from_der(value).map_err(wrong)?;
    if parsed.indirect_crl || parsed.only_some_reasons.is_some() || parsed.only_contains_attribute_certs {
        return Err(Error::new(WHAT, "an indirect CRL, or one of some reasons or of attribute certificates"));
    }
    let points = point_names(parsed.distribution_point.as_ref()).map_err(wrong)?;
    if points.is_empty() && parsed.distribution_point.is_some() {
        return Err(Error::new(WHAT, "a distribution point named relative to its issuer"));
    }
    Ok(Scope { points, only_users: parsed.only_contains_user_certs, only_cas: parsed.only_contains_ca_certs })
}

fn withdrawal(entry: &RevokedCert) -> Result<Withdrawal, Error> {
    let wrong = |e: der::Error| Error::new("CertificateList.revokedCertificates", plain(e));
    let mut found = Withdrawal { since: instant(entry.revocation_date), invalidity: None, is_compromise: false };
    for extension in entry.crl_entry_extensions.iter().flatten() {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            REASON => {
                let reason = CrlReason::from_der(value).map_err(wrong)?;
                found.is_compromise =
                    matches!(reason, CrlReason::KeyCompromise | CrlReason::CaCompromise | CrlReason::AaCompromise);
            }
            INVALIDITY => {
                let date = GeneralizedTime::from_der(value).map_err(wrong)?;
                let milliseconds = u64::try_from(date.to_unix_duration().as_millis()).unwrap_or(u64::MAX);
                found.invalidity = Some(Instant(milliseconds));
            }
            other if extension.critical => {
                return Err(Error::new(WHAT, format!("critical entry extension {other} is not understood")));
            }
            _ => {}
        }
    }
    Ok(found)
}
