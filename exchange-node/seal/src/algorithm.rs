//! Signature algorithms of seals: SM2 with SM3, and those of the ring profile.

use der::asn1::ObjectIdentifier;
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::ring::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
};

use crate::{certificate::Key, digest::DigestAlgorithm, sm2::Sm2Sm3};

/// What paths of certificates and CRLs may be signed with.
pub(crate) const PATH_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    &Sm2Sm3::NoParameters,
    &Sm2Sm3::NullParameters,
    ECDSA_P256_SHA256,
    ECDSA_P256_SHA384,
    ECDSA_P384_SHA256,
    ECDSA_P384_SHA384,
    ED25519,
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
];

const SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const SM2_SIGNATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301.1");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A signature algorithm that is judged here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SM2 with SM3 and the default id (GB/T 32918.2, GM/T 0009): the only one of a GB/T 38540 seal.
    Sm2Sm3,
    /// ECDSA on P-256 with SHA-256.
    EcdsaSha256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaSha384,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA of 2048 to 8192 bits, PKCS #1 v1.5 with SHA-256.
    RsaSha256,
    /// The same with SHA-384.
    RsaSha384,
    /// The same with SHA-512.
    RsaSha512,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No algorithm that is judged here.
    #[error("signature algorithm {0} is not judged here")]
    Unsupported(String),
    /// The key is of another algorithm.
    #[error("the certificate's key is not one of {}", .0.name())]
    OtherKey(Algorithm),
    /// Not made by this key over this message.
    #[error("the {} signature does not verify", .0.name())]
    BadSignature(Algorithm),
}

impl Algorithm {
    /// Every one, with object identifier and name.
    pub const ALL: [(Self, ObjectIdentifier, &'static str); 7] = [
        (Self::Sm2Sm3, ObjectIdentifier::new_unwrap("1.2.156.10197.1.501"), "SM2 with SM3"),
        (Self::EcdsaSha256, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), "ECDSA P-256 with SHA-256"),
        (Self::EcdsaSha384, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), "ECDSA P-384 with SHA-384"),
        (Self::Ed25519, ObjectIdentifier::new_unwrap("1.3.101.112"), "Ed25519"),
        (Self::RsaSha256, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), "RSA with SHA-256"),
        (Self::RsaSha384, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), "RSA with SHA-384"),
        (Self::RsaSha512, ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), "RSA with SHA-512"),
    ];

    /// By object identifier.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub fn from_oid(oid: ObjectIdentifier) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == oid)
            .map(|(algorithm, ..)| *algorithm)
            .ok_or_else(|| Error::Unsupported(oid.to_string()))
    }

    /// The object identifier.
    #[must_use]
    pub fn oid(self) -> ObjectIdentifier {
        Self::ALL.iter().find(|(known, ..)| *known == self).map_or(Self::ALL[0].1, |(_, oid, _)| *oid)
    }

    /// In CMS the signature's object identifier may be the key's alone, with the digest beside it.
    pub(crate) fn from_cms(oid: ObjectIdentifier, digest: DigestAlgorithm) -> Result<Self, Error> {
        match (oid, digest) {
            (SM2 | SM2_SIGNATURE, DigestAlgorithm::Sm3) => Ok(Self::Sm2Sm3),
            (RSA_ENCRYPTION, DigestAlgorithm::Sha256) => Ok(Self::RsaSha256),
            (RSA_ENCRYPTION, DigestAlgorithm::Sha384) => Ok(Self::RsaSha384),
            (RSA_ENCRYPTION, DigestAlgorithm::Sha512) => Ok(Self::RsaSha512),
            (EC_PUBLIC_KEY, DigestAlgorithm::Sha256) => Ok(Self::EcdsaSha256),
            (EC_PUBLIC_KEY, DigestAlgorithm::Sha384) => Ok(Self::EcdsaSha384),
            _ => Self::from_oid(oid),
        }
    }

    /// As `SignatureMethod` writes it: an object identifier, or for SM2 a name.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub fn from_method(text: &str) -> Result<Self, Error> {
        let compact: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
        if matches!(compact.as_str(), "SM3WITHSM2" | "SM2WITHSM3" | "SM2SM3" | "SM3SM2") {
            return Ok(Self::Sm2Sm3);
        }
        let oid = ObjectIdentifier::new(text).map_err(|_| Error::Unsupported(crate::report::shown(text)))?;
        Self::from_oid(oid)
    }

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(known, ..)| *known == self).map_or("", |(.., name)| name)
    }

    /// The digest of the data that a seal signature is over: SM3 for SM2, SHA-256 in the ring profile.
    #[must_use]
    pub const fn data_digest(self) -> DigestAlgorithm {
        match self {
            Self::Sm2Sm3 => DigestAlgorithm::Sm3,
            _ => DigestAlgorithm::Sha256,
        }
    }

    /// The standards' algorithm; everything else is the ring profile.
    #[must_use]
    pub const fn is_national(self) -> bool {
        matches!(self, Self::Sm2Sm3)
    }

    /// Verifies a signature over a message by a certificate's key.
    ///
    /// # Errors
    /// [`Error::OtherKey`], [`Error::BadSignature`].
    pub fn verify(self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let check: &dyn SignatureVerificationAlgorithm = match self {
            Self::Sm2Sm3 => &Sm2Sm3::NoParameters,
            Self::EcdsaSha256 => ECDSA_P256_SHA256,
            Self::EcdsaSha384 => ECDSA_P384_SHA384,
            Self::Ed25519 => ED25519,
            Self::RsaSha256 => RSA_PKCS1_2048_8192_SHA256,
            Self::RsaSha384 => RSA_PKCS1_2048_8192_SHA384,
            Self::RsaSha512 => RSA_PKCS1_2048_8192_SHA512,
        };
        if check.public_key_alg_id().as_ref() != key.algorithm {
            return Err(Error::OtherKey(self));
        }
        check.verify_signature(&key.bytes, message, signature).map_err(|_| Error::BadSignature(self))
    }
}
