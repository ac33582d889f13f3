//! Private keys, and certificates that go with them.

use der::asn1::ObjectIdentifier;
use ring::{
    rand::SecureRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair as _,
    },
};
use rustls_pki_types::SignatureVerificationAlgorithm;
use sm2::{
    SecretKey,
    dsa::{SigningKey, signature::Signer as _},
    elliptic_curve::sec1::ToSec1Point as _,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _},
};
use webpki::ring::{ECDSA_P256_SHA256, ECDSA_P384_SHA384, ED25519};
use zeroize::Zeroizing;

use super::{Error, der as write};
use crate::{
    algorithm::Algorithm,
    asn1::Fields,
    certificate::{Certificate, Key},
    proven::Proven,
    sm2::{DEFAULT_ID, Sm2Sm3},
};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const P256_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Bytes of a PKCS#8 key that is read.
const MAX_BYTES: usize = 4096;

/// A private key, wiped when it is dropped. Of the ring profile only the bytes are kept; what computes with them lives for
/// one signature, and is not wiped where it is ring's: its key pairs, and the PKCS#8 of a key that it generates.
pub struct PrivateKey {
    kind: Kind,
    public: Key,
}

enum Kind {
    Sm2(Sm2Key),
    Ecdsa(Algorithm, &'static EcdsaSigningAlgorithm, Zeroizing<Vec<u8>>),
    Ed25519(Zeroizing<Vec<u8>>),
}

/// An SM2 key. Its type wipes nothing, so it stands in one place and is written over there.
struct Sm2Key(Box<SigningKey>);

impl Sm2Key {
    fn new(key: &SecretKey) -> Result<Self, Error> {
        Ok(Self(Box::new(SigningKey::new(DEFAULT_ID, key).map_err(refused)?)))
    }

    fn secret(&self) -> SecretKey {
        SecretKey::from(self.0.as_nonzero_scalar())
    }
}

impl Drop for Sm2Key {
    fn drop(&mut self) {
        if let Ok(other) = SigningKey::from_slice(DEFAULT_ID, &[1; 32]) {
            *self.0 = other;
            // Somebody may look: what was written must be there.
            std::hint::black_box(&*self.0);
        }
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.algorithm().name())
    }
}

fn refused(detail: impl ToString) -> Error {
    Error::Key(detail.to_string())
}

impl PrivateKey {
    /// Reads a PKCS#8 key, DER (RFC 5958; GM/T 0009 for SM2).
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn from_pkcs8(der: &[u8], random: &dyn SecureRandom) -> Result<Self, Error> {
        if der.len() > MAX_BYTES {
            return Err(refused(format!("{} bytes; at most {MAX_BYTES} are read", der.len())));
        }
        let (algorithm, curve) = identify(der).map_err(refused)?;
        let kept = || Zeroizing::new(der.to_vec());
        match (algorithm, curve) {
            (EC_PUBLIC_KEY, Some(SM2_CURVE)) => Self::sm2(&SecretKey::from_pkcs8_der(der).map_err(refused)?),
            (EC_PUBLIC_KEY, Some(P256_CURVE)) => {
                let signing = &ECDSA_P256_SHA256_ASN1_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(signing, der, random).map_err(refused)?;
                let public = public(ECDSA_P256_SHA256, pair.public_key().as_ref());
                Ok(Self { kind: Kind::Ecdsa(Algorithm::EcdsaSha256, signing, kept()), public })
            }
            (EC_PUBLIC_KEY, Some(P384_CURVE)) => {
                let signing = &ECDSA_P384_SHA384_ASN1_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(signing, der, random).map_err(refused)?;
                let public = public(ECDSA_P384_SHA384, pair.public_key().as_ref());
                Ok(Self { kind: Kind::Ecdsa(Algorithm::EcdsaSha384, signing, kept()), public })
            }
            (ED25519_KEY, _) => {
                // Others than ring write no public key beside it.
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(refused)?;
                let public = public(ED25519, pair.public_key().as_ref());
                Ok(Self { kind: Kind::Ed25519(kept()), public })
            }
            (other, curve) => {
                let curve = curve.map_or(String::new(), |curve| format!(" with curve {curve}"));
                Err(refused(format!("algorithm {other}{curve}")))
            }
        }
    }

    /// Makes a new key.
    ///
    /// # Errors
    /// [`Error::Signing`] if the random generator fails; [`Error::Key`] for RSA, which is verified and not made.
    pub fn generate(algorithm: Algorithm, random: &dyn SecureRandom) -> Result<Self, Error> {
        let document = match algorithm {
            Algorithm::Sm2Sm3 => loop {
                let mut bytes = Zeroizing::new([0; 32]);
                random.fill(bytes.as_mut()).map_err(|_| Error::Signing)?;
                // Not zero and less than the curve's order; n - 1 is left out too (GB/T 32918.1 section 6.1).
                let made = SecretKey::from_slice(bytes.as_ref()).ok().and_then(|key| Self::sm2(&key).ok());
                if let Some(key) = made
                    && key.sign(b"", random).is_ok()
                {
                    return Ok(key);
                }
            },
            Algorithm::EcdsaSha256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, random),
            Algorithm::EcdsaSha384 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, random),
            Algorithm::Ed25519 => Ed25519KeyPair::generate_pkcs8(random),
            other => return Err(refused(format!("{} is not made here", other.name()))),
        };
        Self::from_pkcs8(document.map_err(|_| Error::Signing)?.as_ref(), random)
    }

    fn sm2(key: &SecretKey) -> Result<Self, Error> {
        let point = key.public_key().to_sec1_point(false);
        let public = public(&Sm2Sm3::NoParameters, point.as_bytes());
        Ok(Self { kind: Kind::Sm2(Sm2Key::new(key)?), public })
    }

    /// The key as PKCS#8, DER.
    ///
    /// # Errors
    /// [`Error::Key`] if it cannot be written.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &self.kind {
            Kind::Sm2(key) => Ok(key.secret().to_pkcs8_der().map_err(refused)?.to_bytes()),
            Kind::Ecdsa(_, _, der) | Kind::Ed25519(der) => Ok(der.clone()),
        }
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match &self.kind {
            Kind::Sm2(_) => Algorithm::Sm2Sm3,
            Kind::Ecdsa(algorithm, ..) => *algorithm,
            Kind::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The public half, as a certificate has it.
    #[must_use]
    pub const fn public(&self) -> &Key {
        &self.public
    }

    /// Signs a message: DER of r and s, or the 64 bytes of Ed25519. SM2 (with the default id) draws no randomness: its
    /// `k` comes from key and message (RFC 6979 with SM3).
    ///
    /// # Errors
    /// [`Error::Signing`].
    pub fn sign(&self, message: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::Signing;
        match &self.kind {
            Kind::Sm2(key) => {
                let signature = key.0.try_sign(message).map_err(|_| Error::Signing)?.to_bytes();
                let (r, s) = signature.split_at(32);
                let number = |bytes| der::asn1::UintRef::new(bytes).and_then(|number| der::Encode::to_der(&number));
                let made = number(r).and_then(|r| write::sequence(&[&r, &number(s)?]));
                made.map_err(|_| Error::Signing)
            }
            Kind::Ecdsa(_, signing, der) => {
                let pair = EcdsaKeyPair::from_pkcs8(signing, der, random).map_err(|_| Error::Signing)?;
                Ok(pair.sign(random, message).map_err(failed)?.as_ref().to_vec())
            }
            Kind::Ed25519(der) => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| Error::Signing)?;
                Ok(pair.sign(message).as_ref().to_vec())
            }
        }
    }
}

/// Key algorithm, and curve where there is one.
fn identify(der: &[u8]) -> Result<(ObjectIdentifier, Option<ObjectIdentifier>), crate::asn1::Error> {
    let mut info = Fields::sequence(der, "PrivateKeyInfo")?;
    info.integer("version")?;
    let mut algorithm = info.nested("privateKeyAlgorithm")?;
    let id = algorithm.oid("algorithm")?;
    let curve = match algorithm.peek() {
        Some(der::Tag::ObjectIdentifier) => Some(algorithm.oid("parameters")?),
        _ => None,
    };
    Ok((id, curve))
}

fn public(of: &dyn SignatureVerificationAlgorithm, bytes: &[u8]) -> Key {
    Key { algorithm: of.public_key_alg_id().as_ref().to_vec(), bytes: bytes.to_vec() }
}

/// Somebody who makes seals or puts them on documents: a private key and the certificate of its public half.
#[derive(Debug)]
pub struct Credential {
    key: PrivateKey,
    certificate: Certificate,
    /// Of the seals that are put on, the makers' signatures.
    proven: Proven,
}

impl Credential {
    /// Puts the two together. `certificate`: DER.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::OtherKey`], [`Error::Usage`].
    pub fn new(key: PrivateKey, certificate: &[u8]) -> Result<Self, Error> {
        let certificate = Certificate::parse(certificate).map_err(Error::Certificate)?;
        if certificate.key != key.public {
            return Err(Error::OtherKey(certificate.subject));
        }
        if certificate.usages.is_some_and(|usages| !usages.digital_signature && !usages.non_repudiation) {
            return Err(Error::Usage(certificate.subject));
        }
        Ok(Self { key, certificate, proven: Proven::default() })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(super) const fn proven(&self) -> &Proven {
        &self.proven
    }

    /// Whether the certificate counts at a time.
    pub(super) fn counts(&self, at: exchange_core::chain::Instant) -> Result<(), Error> {
        let certificate = &self.certificate;
        if at < certificate.not_before || at > certificate.not_after {
            let (from, to) = (certificate.not_before, certificate.not_after);
            return Err(Error::CertificatePeriod { subject: certificate.subject.clone(), from, to, at });
        }
        Ok(())
    }
}
