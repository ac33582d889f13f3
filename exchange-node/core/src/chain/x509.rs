//! What credentials, CA certificates and CRLs have in common: strict reading of DER.

use ring::digest;
use x509_parser::{
    oid_registry::{OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ED25519, Oid},
    prelude::{ASN1Time, AlgorithmIdentifier, FromDer, X509Certificate, X509Name},
};

use super::{Error, credential::MAX_CREDENTIAL_BYTES};

/// The whole input is one certificate, version 3, with an algorithm that this product signs with.
pub(super) fn certificate<'a>(der: &'a [u8], what: &'static str) -> Result<X509Certificate<'a>, Error> {
    if der.len() > MAX_CREDENTIAL_BYTES {
        return Err(Error::TooLarge { what, found: der.len(), limit: MAX_CREDENTIAL_BYTES });
    }
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|e| Error::malformed(what, format!("not a certificate: {e}")))?;
    if !rest.is_empty() {
        return Err(Error::malformed(what, format!("{} bytes follow it", rest.len())));
    }
    if certificate.version().0 != 2 {
        return Err(Error::malformed(what, "not version 3"));
    }
    if certificate.signature_algorithm != certificate.tbs_certificate.signature {
        return Err(Error::malformed(what, "two different signature algorithms"));
    }
    signature_algorithm(&certificate.signature_algorithm, what)?;
    certificate.extensions_map().map_err(|_| Error::malformed(what, "an extension stands twice"))?;
    Ok(certificate)
}

/// ECDSA with SHA-256 or SHA-384, or Ed25519; nothing else signs here.
pub(super) fn signature_algorithm(found: &AlgorithmIdentifier<'_>, what: &'static str) -> Result<(), Error> {
    let allowed: [&Oid<'_>; 3] = [&OID_SIG_ECDSA_WITH_SHA256, &OID_SIG_ECDSA_WITH_SHA384, &OID_SIG_ED25519];
    if allowed.contains(&&found.algorithm) {
        return Ok(());
    }
    Err(Error::malformed(
        what,
        format!("signed with {}; ECDSA with SHA-256 or SHA-384, or Ed25519, is needed", found.algorithm),
    ))
}

/// Milliseconds since 1970; dates before that are refused.
pub(super) fn milliseconds(time: ASN1Time, what: &'static str) -> Result<u64, Error> {
    u64::try_from(time.timestamp())
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000))
        .ok_or_else(|| Error::malformed(what, "a time before 1970"))
}

/// A name for messages: printable, at most 200 characters.
pub(super) fn shown(name: &X509Name<'_>) -> String {
    name.to_string().chars().filter(|c| !c.is_control() && !is_bidi(*c)).take(200).collect()
}

/// Characters that reorder the text around them in a terminal.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
