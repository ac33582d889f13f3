//! The key that a credential is made for: out of a request comes the public key and nothing else.

use exchange_core::signature::PublicKey;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SubjectPublicKeyInfo};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer};

use crate::{
    Error,
    files::{self, REQUEST},
};

/// Largest request that is read, in bytes.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

const WHAT: &str = "certificate request";

/// A public key of an allowed algorithm.
#[derive(Debug, Clone)]
pub struct SubjectKey {
    der: Vec<u8>,
    info: SubjectPublicKeyInfo,
}

impl SubjectKey {
    /// Takes the key out of a PKCS#10 request (PEM or DER): its signature must be by that key. Every other field and
    /// extension is left where it is; the profile says what a credential holds.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Malformed`], [`Error::WeakKey`], [`Error::NoPossession`].
    pub fn from_request(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(Error::TooLarge { what: WHAT.to_owned(), limit: MAX_REQUEST_BYTES });
        }
        let blocks = files::blocks(bytes, REQUEST, WHAT)?;
        let [der] = blocks.as_slice() else {
            return Err(Error::malformed(WHAT, format!("{} requests; exactly one is needed", blocks.len())));
        };
        let (rest, request) =
            X509CertificationRequest::from_der(der).map_err(|e| Error::malformed(WHAT, format!("not PKCS#10: {e}")))?;
        if !rest.is_empty() {
            return Err(Error::malformed(WHAT, format!("{} bytes follow it", rest.len())));
        }
        let key = Self::from_spki_der(request.certification_request_info.subject_pki.raw)?;
        request.verify_signature().map_err(|_| Error::NoPossession)?;
        Ok(key)
    }

    /// A key that is at hand as DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`Error::WeakKey`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        PublicKey::from_spki_der(der).map_err(|e| Error::WeakKey(e.to_string()))?;
        let info = SubjectPublicKeyInfo::from_der(der).map_err(|e| Error::WeakKey(e.to_string()))?;
        Ok(Self { der: der.to_vec(), info })
    }

    /// The public half of a key pair made here, for demonstrations and tests.
    ///
    /// # Errors
    /// [`Error::WeakKey`].
    pub fn of_pair(pair: &KeyPair) -> Result<Self, Error> {
        use rcgen::PublicKeyData;
        Self::from_spki_der(&pair.subject_public_key_info())
    }

    /// DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) const fn info(&self) -> &SubjectPublicKeyInfo {
        &self.info
    }
}

/// Makes a new P-256 key (PKCS#8 DER) and a request (PEM) that proves its possession. The name in it is for people only.
///
/// # Errors
/// [`Error::Making`].
pub fn new_request(name: &str) -> Result<(crate::keyfile::Pkcs8, String), Error> {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|e| Error::making("a key", e))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let request = params.serialize_request(&pair).map_err(|e| Error::making("a request", e))?;
    Ok((pair.serialize_der().into(), files::pem(REQUEST, request.der())))
}
