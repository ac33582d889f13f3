//! A leaf: who it is, and what its key may be used for.

use x509_parser::{extensions::GeneralName, prelude::X509Certificate};

use super::{
    Error,
    x509::{certificate, hex, milliseconds, sha256, shown},
};
use crate::spiffe::SpiffeId;

/// Largest credential or CA certificate that is read, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 16 * 1024;

const WHAT: &str = "credential";

/// A serial number as unsigned big-endian bytes without leading zeros (RFC 5280 section 4.1.2.2: at most 20).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From big-endian bytes; leading zeros do not count.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(bytes[zeros..].to_vec())
    }

    /// Big-endian, without leading zeros.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lower-case hex.
impl std::fmt::Display for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The purposes that a credential names (RFC 5280 section 4.2.1.12).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtendedKeyUsages {
    /// Whether the extension is there at all.
    pub present: bool,
    /// 1.3.6.1.5.5.7.3.1
    pub server_auth: bool,
    /// 1.3.6.1.5.5.7.3.2
    pub client_auth: bool,
    /// 1.3.6.1.5.5.7.3.36 (RFC 9336)
    pub document_signing: bool,
    /// Anything else, by its OID; `anyExtendedKeyUsage` counts as nothing here.
    pub other: Vec<String>,
}

impl std::fmt::Display for ExtendedKeyUsages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.present {
            return f.write_str("absent");
        }
        let mut names: Vec<&str> = Vec::new();
        for (set, name) in [
            (self.server_auth, "serverAuth"),
            (self.client_auth, "clientAuth"),
            (self.document_signing, "documentSigning"),
        ] {
            if set {
                names.push(name);
            }
        }
        names.extend(self.other.iter().map(String::as_str));
        f.write_str(&names.join(" + "))
    }
}

/// A credential of a node, system, operator, department or trust key, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The bytes as they came.
    pub der: Vec<u8>,
    /// Exactly one URI, by the grammar of the exchange.
    pub spiffe: SpiffeId,
    /// DNS names, as they stand.
    pub dns_names: Vec<String>,
    /// Unique for its issuer.
    pub serial: Serial,
    /// SHA-256 of the DER `SubjectPublicKeyInfo`.
    pub spki_sha256: [u8; 32],
    /// DER `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    /// The subject's name, for messages.
    pub subject: String,
    /// The issuer's name, for messages.
    pub issuer: String,
    /// Purposes.
    pub extended_key_usages: ExtendedKeyUsages,
    /// The key usage bits, or `None` where the extension is absent.
    pub key_usage: Option<x509_parser::extensions::KeyUsage>,
    /// Milliseconds since 1970.
    pub not_before_ms: u64,
    /// Milliseconds since 1970.
    pub not_after_ms: u64,
    /// CA:TRUE; a leaf of a verified path never has it.
    pub is_ca: bool,
}

impl Credential {
    /// Reads a leaf.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::UriCount`], [`Error::Identity`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        let parsed = certificate(der, WHAT)?;
        let (uri, dns_names) = names(&parsed)?;
        Ok(Self {
            der: der.to_vec(),
            spiffe: uri,
            dns_names,
            serial: Serial::new(parsed.raw_serial()),
            spki_sha256: sha256(parsed.public_key().raw),
            spki: parsed.public_key().raw.to_vec(),
            subject: shown(parsed.subject()),
            issuer: shown(parsed.issuer()),
            extended_key_usages: purposes(&parsed)?,
            key_usage: parsed
                .key_usage()
                .map_err(|e| Error::malformed(WHAT, format!("key usage: {e}")))?
                .map(|extension| *extension.value),
            not_before_ms: milliseconds(parsed.validity().not_before, WHAT)?,
            not_after_ms: milliseconds(parsed.validity().not_after, WHAT)?,
            is_ca: parsed.is_ca(),
        })
    }

    /// SHA-256 of the DER: the key id of what its key signs.
    #[must_use]
    pub fn key_id(&self) -> [u8; 32] {
        sha256(&self.der)
    }
}

fn names(parsed: &X509Certificate<'_>) -> Result<(SpiffeId, Vec<String>), Error> {
    let names = parsed
        .subject_alternative_name()
        .map_err(|e| Error::malformed(WHAT, format!("subject alternative name: {e}")))?;
    let mut uris = Vec::new();
    let mut hosts = Vec::new();
    for name in names.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            GeneralName::DNSName(host) => hosts.push((*host).to_owned()),
            _ => {}
        }
    }
    match uris.as_slice() {
        [one] => Ok((SpiffeId::parse(one)?, hosts)),
        other => Err(Error::UriCount { found: other.len() }),
    }
}

fn purposes(parsed: &X509Certificate<'_>) -> Result<ExtendedKeyUsages, Error> {
    const DOCUMENT_SIGNING: &str = "1.3.6.1.5.5.7.3.36";
    let extension =
        parsed.extended_key_usage().map_err(|e| Error::malformed(WHAT, format!("extended key usage: {e}")))?;
    let Some(extension) = extension else {
        return Ok(ExtendedKeyUsages::default());
    };
    let value = extension.value;
    let mut found = ExtendedKeyUsages {
        present: true,
        server_auth: value.server_auth,
        client_auth: value.client_auth,
        ..ExtendedKeyUsages::default()
    };
    for (set, name) in [
        (value.any, "anyExtendedKeyUsage"),
        (value.code_signing, "codeSigning"),
        (value.email_protection, "emailProtection"),
        (value.time_stamping, "timeStamping"),
        (value.ocsp_signing, "OCSPSigning"),
    ] {
        if set {
            found.other.push(name.to_owned());
        }
    }
    for oid in &value.other {
        match oid.to_id_string() {
            id if id == DOCUMENT_SIGNING => found.document_signing = true,
            id => found.other.push(id),
        }
    }
    Ok(found)
}
