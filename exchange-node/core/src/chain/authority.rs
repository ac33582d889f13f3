//! CAs: the pinned roots and the cities' own.

use webpki::anchor_from_trusted_cert;
use x509_parser::prelude::ParsedExtension;

use super::{
    Error, Serial,
    x509::{certificate, milliseconds, sha256, shown},
};

const WHAT: &str = "CA certificate";

/// A CA certificate, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The bytes as they came.
    pub der: Vec<u8>,
    /// DER of the subject's name.
    pub subject_der: Vec<u8>,
    /// The subject's name, for messages.
    pub subject: String,
    /// The issuer's name, for messages.
    pub issuer: String,
    /// Issued by itself (names are equal).
    pub self_issued: bool,
    /// Unique for its issuer.
    pub serial: Serial,
    /// DER `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    /// SHA-256 of `spki`: what the trust bundle binds to a region.
    pub spki_sha256: [u8; 32],
    /// Subject key identifier: tells CAs of one name apart (RFC 5280 section 4.2.1.2).
    pub key_identifier: Option<Vec<u8>>,
    /// How many CAs may stand below it; `None` without limit.
    pub path_length: Option<u32>,
    /// Milliseconds since 1970.
    pub not_before_ms: u64,
    /// Milliseconds since 1970.
    pub not_after_ms: u64,
}

impl Authority {
    /// Reads a CA certificate: CA:TRUE, and keyCertSign and cRLSign in its key usage.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::CaFlag`], [`Error::KeyUsageMissing`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        let parsed = certificate(der, WHAT)?;
        let constraints =
            parsed.basic_constraints().map_err(|e| Error::malformed(WHAT, format!("basic constraints: {e}")))?;
        let Some(constraints) = constraints.filter(|extension| extension.value.ca) else {
            return Err(Error::CaFlag { what: WHAT, detail: "CA:TRUE is needed and not there" });
        };
        let usage = parsed.key_usage().map_err(|e| Error::malformed(WHAT, format!("key usage: {e}")))?;
        let found = usage.as_ref().map_or_else(|| "absent".to_owned(), |usage| usage.value.to_string());
        for (set, needed) in [
            (usage.as_ref().is_some_and(|u| u.value.key_cert_sign()), "keyCertSign"),
            (usage.as_ref().is_some_and(|u| u.value.crl_sign()), "cRLSign"),
        ] {
            if !set {
                return Err(Error::KeyUsageMissing { what: WHAT, found, needed });
            }
        }
        Ok(Self {
            der: der.to_vec(),
            subject_der: parsed.subject().as_raw().to_vec(),
            subject: shown(parsed.subject()),
            issuer: shown(parsed.issuer()),
            self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            serial: Serial::new(parsed.raw_serial()),
            spki: parsed.public_key().raw.to_vec(),
            spki_sha256: sha256(parsed.public_key().raw),
            key_identifier: parsed.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            }),
            path_length: constraints.value.path_len_constraint,
            not_before_ms: milliseconds(parsed.validity().not_before, WHAT)?,
            not_after_ms: milliseconds(parsed.validity().not_after, WHAT)?,
        })
    }
}

/// The roots that this machine pins. Never taken from a bundle, a peer or a log.
#[derive(Debug, Clone)]
pub struct Roots {
    authorities: Vec<Authority>,
    anchors: Vec<rustls_pki_types::TrustAnchor<'static>>,
}

impl Roots {
    /// Pins these, at least one, each self-issued.
    ///
    /// # Errors
    /// [`Error::NoRoots`]; [`Error::CaFlag`] for a CA below a root; [`Error::Malformed`].
    pub fn new(authorities: Vec<Authority>) -> Result<Self, Error> {
        if authorities.is_empty() {
            return Err(Error::NoRoots);
        }
        let mut anchors = Vec::with_capacity(authorities.len());
        for authority in &authorities {
            if !authority.self_issued {
                return Err(Error::CaFlag { what: "root", detail: "a root is issued by itself; this CA is not" });
            }
            let der = rustls_pki_types::CertificateDer::from(authority.der.as_slice());
            let anchor = anchor_from_trusted_cert(&der).map_err(|e| Error::malformed(WHAT, e))?.to_owned();
            anchors.push(anchor);
        }
        Ok(Self { authorities, anchors })
    }

    /// As pinned.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    pub(super) fn anchors(&self) -> &[rustls_pki_types::TrustAnchor<'static>] {
        &self.anchors
    }
}
