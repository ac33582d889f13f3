//! The judgement over one path.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};

use super::{Authority, Credential, CrlSet, Error, Instant, Roots, Serial, x509::hex};
use crate::{
    bundle::TrustBundle,
    spiffe::{Kind, SpiffeId},
};

/// What a credential is about to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A city's node that calls.
    NodeClient,
    /// A city's node that is called.
    NodeServer,
    /// A calling system.
    SystemClient,
    /// An operator.
    OperatorClient,
    /// A department's signature on certificates.
    Document,
    /// The province's signature on trust bundles.
    Trust,
}

impl Purpose {
    /// As what a caller of that kind calls; `None` for kinds that never call.
    #[must_use]
    pub const fn of_caller(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Node { .. } => Some(Self::NodeClient),
            Kind::System { .. } => Some(Self::SystemClient),
            Kind::Operator { .. } => Some(Self::OperatorClient),
            _ => None,
        }
    }

    /// The word in the identity's path.
    const fn kind(self) -> &'static str {
        match self {
            Self::NodeClient | Self::NodeServer => "node",
            Self::SystemClient => "system",
            Self::OperatorClient => "operator",
            Self::Document => "department",
            Self::Trust => "trust",
        }
    }

    const fn needed(self) -> &'static str {
        match self {
            Self::NodeClient | Self::NodeServer => "serverAuth + clientAuth",
            Self::SystemClient | Self::OperatorClient => "clientAuth",
            Self::Document | Self::Trust => "documentSigning",
        }
    }
}

/// What paths are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// Pinned on this machine.
    pub roots: &'a Roots,
    /// Which CA key speaks for which region, and what is cut.
    pub bundle: &'a TrustBundle,
    /// The newest CRLs at hand.
    pub crls: &'a CrlSet,
    /// Now, milliseconds since 1970.
    pub at_ms: u64,
    /// How long past its next update a CRL still counts, milliseconds; published by the province.
    pub crl_grace_ms: u64,
    /// Let a path through whose only fault is a stale CRL, marked by [`VerifiedCredential::stale_crl`], so that a node
    /// that was away for long can come back.
    pub admit_stale_crl: bool,
}

/// A CRL that should have been replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleCrl {
    /// The CA's name.
    pub issuer: String,
    /// When the next one was due, milliseconds since 1970.
    pub next_update_ms: u64,
}

/// A credential whose path was verified for one purpose. Only the functions of this module make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCredential {
    credential: Credential,
    purpose: Purpose,
    issuer_spki_sha256: [u8; 32],
    path: Vec<([u8; 32], Serial)>,
    stale_crl: Option<StaleCrl>,
}

impl VerifiedCredential {
    pub(super) fn with_stale_crl(self, stale_crl: Option<StaleCrl>) -> Self {
        Self { stale_crl, ..self }
    }

    /// What was verified.
    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Whose it is.
    #[must_use]
    pub const fn id(&self) -> &SpiffeId {
        &self.credential.spiffe
    }

    /// What it was verified for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// SHA-256 of the public key of the CA that signed it.
    #[must_use]
    pub const fn issuer_spki_sha256(&self) -> &[u8; 32] {
        &self.issuer_spki_sha256
    }

    /// Every certificate of the path below the root as (SHA-256 of its issuer's public key, serial), leaf first: what a
    /// live connection is cut by when one of them is withdrawn.
    #[must_use]
    pub fn path(&self) -> &[([u8; 32], Serial)] {
        &self.path
    }

    /// Set where [`Basis::admit_stale_crl`] let a stale CRL pass.
    #[must_use]
    pub const fn stale_crl(&self) -> Option<&StaleCrl> {
        self.stale_crl.as_ref()
    }
}

/// Judges a node's, system's, operator's or department's credential for a purpose, now.
///
/// # Errors
/// The first fault in this order: form, kind, purpose and key usage; chain and dates; the CA's region, and whether a
/// department is one of it; the cut list; CRLs missing or withdrawing; last, CRLs that are stale. A trust credential is [`verify_trust`]'s.
pub fn verify_path(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    purpose: Purpose,
    basis: &Basis<'_>,
) -> Result<VerifiedCredential, Error> {
    let credential = fit(leaf, purpose)?;
    let links = links(&credential, intermediates, basis.roots, basis.at_ms)?;
    bound(&credential, purpose, &links, basis.bundle)?;
    cut(&links, basis.bundle)?;
    let stale_crl = revoked(&links, basis)?;
    if let (Some(stale), false) = (&stale_crl, basis.admit_stale_crl) {
        return Err(Error::CrlExpired {
            issuer: stale.issuer.clone(),
            next_update: Instant(stale.next_update_ms),
            at: Instant(basis.at_ms),
        });
    }
    Ok(verified(credential, purpose, &links, stale_crl))
}

/// Judges the credential of a bundle's signer: signed by a pinned root itself, dates at the time the bundle was issued.
///
/// A withdrawal that is at hand counts; a missing or stale CRL does not hinder, because a bundle must reach a node that
/// was away for long and has nothing newer ("CRLs and bundles prove themselves").
///
/// # Errors
/// As [`verify_path`]; [`Error::TrustNotByRoot`] where a CA stands between.
pub fn verify_trust(leaf: &[u8], roots: &Roots, crls: &CrlSet, issued_at_ms: u64) -> Result<VerifiedCredential, Error> {
    let credential = fit(leaf, Purpose::Trust)?;
    let links = links(&credential, &[], roots, issued_at_ms).map_err(|error| match error {
        Error::UnknownIssuer { .. } => Error::TrustNotByRoot,
        other => other,
    })?;
    for link in &links {
        if let Some(crl) = crls.newest(&link.issuer) {
            link.withdrawn(&crl)?;
        }
    }
    Ok(verified(credential, Purpose::Trust, &links, None))
}

/// One signature of the path: which serial, by whom.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) serial: Serial,
    pub(super) issuer: Authority,
}

impl Link {
    pub(super) fn crl(&self, crls: &CrlSet) -> Result<std::sync::Arc<super::Crl>, Error> {
        crls.newest(&self.issuer)
            .ok_or_else(|| Error::CrlMissing { issuer: self.issuer.subject.clone(), serial: self.serial.to_string() })
    }

    fn withdrawn(&self, crl: &super::Crl) -> Result<(), Error> {
        match crl.withdrawn.get(&self.serial) {
            None => Ok(()),
            Some(withdrawal) => Err(Error::Revoked {
                issuer: self.issuer.subject.clone(),
                serial: self.serial.to_string(),
                since: Instant(withdrawal.since_ms),
                reason: withdrawal.reason,
            }),
        }
    }
}

pub(super) fn verified(
    credential: Credential,
    purpose: Purpose,
    links: &[Link],
    stale_crl: Option<StaleCrl>,
) -> VerifiedCredential {
    let path: Vec<_> = links.iter().map(|link| (link.issuer.spki_sha256, link.serial.clone())).collect();
    let issuer_spki_sha256 = path.first().map_or([0; 32], |(issuer, _)| *issuer);
    VerifiedCredential { credential, purpose, issuer_spki_sha256, path, stale_crl }
}

/// The leaf alone: kind, purpose, key usage. webpki lets a credential without EKU pass for anything, and ignores KU.
pub(super) fn fit(leaf: &[u8], purpose: Purpose) -> Result<Credential, Error> {
    let credential = Credential::parse(leaf)?;
    let found = credential.spiffe.kind.word();
    if found != purpose.kind() {
        return Err(Error::WrongKind { found, needed: purpose.kind() });
    }
    if credential.is_ca {
        return Err(Error::CaFlag { what: "credential", detail: "a CA's certificate is no credential" });
    }
    let usages = &credential.extended_key_usages;
    let named = match purpose {
        Purpose::NodeClient | Purpose::NodeServer => usages.server_auth && usages.client_auth,
        Purpose::SystemClient | Purpose::OperatorClient => usages.client_auth,
        Purpose::Document | Purpose::Trust => usages.document_signing,
    };
    if !named {
        return Err(Error::PurposeMissing { found: usages.to_string(), needed: purpose.needed() });
    }
    match credential.key_usage {
        Some(usage) if usage.digital_signature() => Ok(credential),
        other => Err(Error::KeyUsageMissing {
            what: "credential",
            found: other.map_or_else(|| "absent".to_owned(), |usage| usage.to_string()),
            needed: "digitalSignature",
        }),
    }
}

/// [`fit`] has judged the leaf's purpose; CAs of the exchange name none.
struct JudgedBefore;

impl ExtendedKeyUsageValidator for JudgedBefore {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        for purpose in purposes {
            purpose?;
        }
        Ok(())
    }
}

/// Chain and dates by webpki, then the path that it found, leaf first.
pub(super) fn links(
    credential: &Credential,
    intermediates: &[CertificateDer<'_>],
    roots: &Roots,
    at_ms: u64,
) -> Result<Vec<Link>, Error> {
    let der = CertificateDer::from(credential.der.as_slice());
    let end_entity = EndEntityCert::try_from(&der).map_err(|e| Error::malformed("credential", e))?;
    let algorithms = [webpki::ring::ECDSA_P256_SHA256, webpki::ring::ECDSA_P384_SHA384, webpki::ring::ED25519];
    let path = end_entity
        .verify_for_usage(
            &algorithms,
            roots.anchors(),
            intermediates,
            UnixTime::since_unix_epoch(std::time::Duration::from_millis(at_ms)),
            JudgedBefore,
            None,
            None,
        )
        .map_err(|e| refused(e, credential, at_ms))?;
    let mut links = Vec::new();
    let mut serial = credential.serial.clone();
    for issuer in issuers(&path, roots)? {
        let next = issuer.serial.clone();
        links.push(Link { serial, issuer });
        serial = next;
    }
    if let Some(root) = links.last().map(|link| &link.issuer) {
        dates(root, at_ms)?;
    }
    Ok(links)
}

fn issuers(path: &VerifiedPath<'_>, roots: &Roots) -> Result<Vec<Authority>, Error> {
    let mut issuers = Vec::new();
    for certificate in path.intermediate_certificates() {
        issuers.push(Authority::parse(&certificate.der())?);
    }
    // Anchors and authorities of `Roots` stand in the same order.
    let root = roots
        .anchors()
        .iter()
        .zip(roots.authorities())
        .find(|(anchor, _)| *anchor == path.anchor())
        .map(|(_, authority)| authority.clone())
        .ok_or(Error::NoRoots)?;
    issuers.push(root);
    Ok(issuers)
}

/// webpki takes an anchor without looking at its dates.
fn dates(root: &Authority, at_ms: u64) -> Result<(), Error> {
    let what = || format!("the root \"{}\"", root.subject);
    if at_ms > root.not_after_ms {
        return Err(Error::Expired { what: what(), not_after: Instant(root.not_after_ms), at: Instant(at_ms) });
    }
    if at_ms < root.not_before_ms {
        return Err(Error::NotYetValid { what: what(), not_before: Instant(root.not_before_ms), at: Instant(at_ms) });
    }
    Ok(())
}

fn refused(error: webpki::Error, credential: &Credential, at_ms: u64) -> Error {
    let at = Instant(at_ms);
    let whose = |ms: u64, own: u64| {
        if ms / 1000 == own / 1000 { "the credential".to_owned() } else { "a CA of the chain".to_owned() }
    };
    match error {
        webpki::Error::CertExpired { not_after, .. } => {
            let not_after = Instant(not_after.as_secs().saturating_mul(1000));
            Error::Expired { what: whose(not_after.0, credential.not_after_ms), not_after, at }
        }
        webpki::Error::CertNotValidYet { not_before, .. } => {
            let not_before = Instant(not_before.as_secs().saturating_mul(1000));
            Error::NotYetValid { what: whose(not_before.0, credential.not_before_ms), not_before, at }
        }
        webpki::Error::UnknownIssuer => Error::UnknownIssuer { issuer: credential.issuer.clone() },
        webpki::Error::InvalidSignatureForPublicKey
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            Error::NotSignedByIssuer { issuer: credential.issuer.clone() }
        }
        webpki::Error::EndEntityUsedAsCa => {
            Error::CaFlag { what: "issuer", detail: "a credential that is no CA signed another one" }
        }
        webpki::Error::CaUsedAsEndEntity => {
            Error::CaFlag { what: "credential", detail: "a CA's certificate is no credential" }
        }
        webpki::Error::PathLenConstraintViolated | webpki::Error::MaximumPathDepthExceeded => Error::PathTooLong,
        webpki::Error::NameConstraintViolation => Error::NameConstraint,
        other => Error::Path { detail: other.to_string() },
    }
}

/// URI name constraints do not work in practice and DNS ones do not cover URIs: the bundle binds the CA's key to the
/// region instead, or city B's CA could name city A's node. Nor may it name city A's departments: those are told by their
/// codes.
pub(super) fn bound(
    credential: &Credential,
    purpose: Purpose,
    links: &[Link],
    bundle: &TrustBundle,
) -> Result<(), Error> {
    let id = &credential.spiffe;
    if id.trust_domain != bundle.trust_domain {
        return Err(Error::ForeignDomain {
            found: id.trust_domain.to_string(),
            needed: bundle.trust_domain.to_string(),
        });
    }
    let (Some(region), Some(link)) = (id.region(), links.first()) else {
        return Err(Error::WrongKind { found: id.kind.word(), needed: purpose.kind() });
    };
    let key = &link.issuer.spki_sha256;
    if bundle.ca_is_bound(region, key) {
        return match &id.kind {
            Kind::Department { uscc, .. } if !bundle.department_allowed(region, uscc) => {
                Err(Error::DepartmentNotOfRegion { uscc: *uscc, region })
            }
            _ => Ok(()),
        };
    }
    let bound: Vec<String> = bundle.regions_of_ca(key).map(|region| region.to_string()).collect();
    Err(Error::NotBound {
        ca: hex(&key[..8]),
        region,
        bound: if bound.is_empty() {
            "it is bound to no region".to_owned()
        } else {
            format!("bound to {}", bound.join(", "))
        },
    })
}

pub(super) fn cut(links: &[Link], bundle: &TrustBundle) -> Result<(), Error> {
    match links.iter().find(|link| bundle.is_cut(&link.issuer.spki_sha256, &link.serial)) {
        None => Ok(()),
        Some(link) => Err(Error::Cut { serial: link.serial.to_string() }),
    }
}

/// Missing and withdrawing CRLs refuse; a stale one is handed back, because it may be the only fault.
fn revoked(links: &[Link], basis: &Basis<'_>) -> Result<Option<StaleCrl>, Error> {
    let mut stale = None;
    for link in links {
        let crl = link.crl(basis.crls)?;
        link.withdrawn(&crl)?;
        if crl.is_stale(basis.at_ms, basis.crl_grace_ms) && stale.is_none() {
            stale = Some(StaleCrl { issuer: link.issuer.subject.clone(), next_update_ms: crl.next_update_ms });
        }
    }
    Ok(stale)
}
