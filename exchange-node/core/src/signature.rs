//! Signatures: ECDSA P-256 and P-384 (DER, as in RFC 3279 §2.2.3) and Ed25519 (RFC 8032), nothing
//! else. The algorithm comes from the key, never from a message.

use std::fmt;

use ring::rand::SecureRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING,
    ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

#[cfg(test)]
mod tests;

/// Object identifiers of RFC 5480 §2.1.1 and RFC 8410 §3.
const ID_EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const SECP256R1: &str = "1.2.840.10045.3.1.7";
const SECP384R1: &str = "1.3.132.0.34";
const ID_ED25519: &str = "1.3.101.112";

/// The algorithms of signatures, all there are in v1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; DER signatures.
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384; DER signatures.
    EcdsaP384Sha384,
    /// Ed25519; signatures of 64 bytes.
    Ed25519,
}

impl Algorithm {
    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384Sha384 => &ECDSA_P384_SHA384_ASN1,
            Self::Ed25519 => &ED25519,
        }
    }

    /// Bytes of a public key: an uncompressed point, or 32 bytes.
    fn key_length(self) -> usize {
        match self {
            Self::EcdsaP256Sha256 => 65,
            Self::EcdsaP384Sha384 => 97,
            Self::Ed25519 => 32,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256Sha256 => "ECDSA P-256 SHA-256",
            Self::EcdsaP384Sha384 => "ECDSA P-384 SHA-384",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// Why a key or a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not the DER of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    #[error("the public key is not a DER SubjectPublicKeyInfo")]
    MalformedPublicKey,
    /// A key of another algorithm or curve.
    #[error("public key algorithm {found}; P-256, P-384 or Ed25519 is needed")]
    UnsupportedAlgorithm {
        /// The object identifier found.
        found: String,
    },
    /// The key's bytes are not an uncompressed point, or not 32 bytes.
    #[error("the public key has {found} bytes, {needed} are needed for {algorithm}")]
    KeyLength {
        /// Bytes found.
        found: usize,
        /// Bytes that the algorithm needs.
        needed: usize,
        /// The key's algorithm.
        algorithm: Algorithm,
    },
    /// The private key is not a usable PKCS#8 key.
    #[error("the private key is refused ({reason}); PKCS#8 DER of P-256, P-384 or Ed25519 needed")]
    PrivateKey {
        /// The reason, one word from ring.
        reason: String,
    },
    /// The signature is not one of this key over this message.
    #[error("the {algorithm} signature does not verify")]
    BadSignature {
        /// The key's algorithm.
        algorithm: Algorithm,
    },
    /// The random generator failed.
    #[error("signing failed: no random bytes")]
    Random,
}

/// A public key with its algorithm.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// A key from its bytes: an uncompressed point (SEC 1 §2.3.3), or the 32 bytes of Ed25519.
    ///
    /// # Errors
    /// [`Error::KeyLength`].
    pub fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Result<Self, Error> {
        let needed = algorithm.key_length();
        if bytes.len() != needed {
            return Err(Error::KeyLength { found: bytes.len(), needed, algorithm });
        }
        Ok(Self { algorithm, bytes })
    }

    /// A key from the DER of a SubjectPublicKeyInfo, with nothing behind it.
    ///
    /// # Errors
    /// [`Error::MalformedPublicKey`], [`Error::UnsupportedAlgorithm`], [`Error::KeyLength`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        match SubjectPublicKeyInfo::from_der(der) {
            Ok((&[], spki)) => Self::from_spki(&spki),
            _ => Err(Error::MalformedPublicKey),
        }
    }

    /// A key from the SubjectPublicKeyInfo of a parsed credential.
    ///
    /// # Errors
    /// As [`Self::from_spki_der`].
    pub fn from_spki(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, Error> {
        let parameters = spki.algorithm.parameters.as_ref();
        let algorithm = match spki.algorithm.algorithm.to_id_string().as_str() {
            ID_EC_PUBLIC_KEY => {
                let curve =
                    parameters.and_then(|any| any.as_oid().ok()).ok_or(Error::MalformedPublicKey)?.to_id_string();
                match curve.as_str() {
                    SECP256R1 => Algorithm::EcdsaP256Sha256,
                    SECP384R1 => Algorithm::EcdsaP384Sha384,
                    _ => return Err(Error::UnsupportedAlgorithm { found: curve }),
                }
            }
            ID_ED25519 if parameters.is_none() => Algorithm::Ed25519,
            ID_ED25519 => return Err(Error::MalformedPublicKey),
            other => {
                return Err(Error::UnsupportedAlgorithm { found: other.to_owned() });
            }
        };
        if spki.subject_public_key.unused_bits != 0 {
            return Err(Error::MalformedPublicKey);
        }
        Self::new(algorithm, spki.subject_public_key.data.to_vec())
    }

    /// The key's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Verifies a signature over a message.
    ///
    /// # Errors
    /// [`Error::BadSignature`], also for signatures that are no DER.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        UnparsedPublicKey::new(self.algorithm.verification(), &self.bytes)
            .verify(message, signature)
            .map_err(|_| Error::BadSignature { algorithm: self.algorithm })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, …)", self.algorithm)
    }
}

/// A private key that signs.
pub struct SigningKey {
    pair: Pair,
}

enum Pair {
    Ecdsa(Algorithm, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads a PKCS#8 key (RFC 5208; for Ed25519 also RFC 5958, which adds the public key: OpenSSL
    /// writes it without).
    ///
    /// # Errors
    /// [`Error::PrivateKey`].
    pub fn from_pkcs8_der(der: &[u8], random: &dyn SecureRandom) -> Result<Self, Error> {
        let mut reason = String::from("WrongAlgorithm");
        let mut note = |rejected: ring::error::KeyRejected| {
            // The right algorithm says more than "WrongAlgorithm".
            let text = rejected.to_string();
            if text != "WrongAlgorithm" {
                reason = text;
            }
        };
        for (algorithm, signing) in [
            (Algorithm::EcdsaP256Sha256, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (Algorithm::EcdsaP384Sha384, &ECDSA_P384_SHA384_ASN1_SIGNING),
        ] {
            match EcdsaKeyPair::from_pkcs8(signing, der, random) {
                Ok(pair) => {
                    return Ok(Self { pair: Pair::Ecdsa(algorithm, pair) });
                }
                Err(rejected) => note(rejected),
            }
        }
        match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            Ok(pair) => {
                return Ok(Self { pair: Pair::Ed25519(pair) });
            }
            Err(rejected) => note(rejected),
        }
        Err(Error::PrivateKey { reason })
    }

    /// The key's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.pair {
            Pair::Ecdsa(algorithm, _) => *algorithm,
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let bytes = match &self.pair {
            Pair::Ecdsa(_, pair) => pair.public_key().as_ref(),
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
        };
        PublicKey { algorithm: self.algorithm(), bytes: bytes.to_vec() }
    }

    /// Signs a message. Ed25519 takes no random bytes.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn sign(&self, message: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
        match &self.pair {
            Pair::Ecdsa(_, pair) => {
                pair.sign(random, message).map(|signature| signature.as_ref().to_vec()).map_err(|_| Error::Random)
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, redacted)", self.algorithm())
    }
}

/// Makes a new private key, as PKCS#8 DER.
///
/// # Errors
/// [`Error::Random`].
pub fn generate_pkcs8(algorithm: Algorithm, random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
    let document = match algorithm {
        Algorithm::EcdsaP256Sha256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, random),
        Algorithm::EcdsaP384Sha384 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, random),
        Algorithm::Ed25519 => Ed25519KeyPair::generate_pkcs8(random),
    };
    document.map(|der| der.as_ref().to_vec()).map_err(|_| Error::Random)
}
