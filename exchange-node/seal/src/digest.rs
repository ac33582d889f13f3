//! Digests, taken in pieces.

use der::asn1::ObjectIdentifier;
use ring::digest as ring_digest;
use sm3::{Digest as _, Sm3};

/// A digest algorithm that is judged here. MD5 and SHA-1, which GB/T 33190 also knows, are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// SM3 (GB/T 32905).
    Sm3,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The algorithm is not judged here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("digest algorithm {0} is not judged here: SM3, SHA-256, SHA-384 or SHA-512 is needed")]
pub struct Unsupported(pub String);

impl DigestAlgorithm {
    /// Every one, with object identifier and name.
    pub const ALL: [(Self, ObjectIdentifier, &'static str); 4] = [
        (Self::Sm3, ObjectIdentifier::new_unwrap("1.2.156.10197.1.401"), "SM3"),
        (Self::Sha256, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), "SHA-256"),
        (Self::Sha384, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), "SHA-384"),
        (Self::Sha512, ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), "SHA-512"),
    ];

    /// By object identifier.
    ///
    /// # Errors
    /// [`Unsupported`].
    pub fn from_oid(oid: ObjectIdentifier) -> Result<Self, Unsupported> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == oid);
        found.map(|(algorithm, ..)| *algorithm).ok_or_else(|| Unsupported(oid.to_string()))
    }

    /// As `CheckMethod` writes it: an object identifier or a name, with or without hyphen.
    ///
    /// # Errors
    /// [`Unsupported`].
    pub fn from_name(text: &str) -> Result<Self, Unsupported> {
        let compact: String = text.chars().filter(|c| *c != '-').collect();
        Self::ALL
            .iter()
            .find(|(_, oid, name)| {
                name.chars().filter(|c| *c != '-').collect::<String>().eq_ignore_ascii_case(&compact)
                    || oid.to_string() == text
            })
            .map(|(algorithm, ..)| *algorithm)
            .ok_or_else(|| Unsupported(crate::report::shown(text)))
    }

    /// The object identifier.
    #[must_use]
    pub fn oid(self) -> ObjectIdentifier {
        Self::ALL.iter().find(|(known, ..)| *known == self).map_or(Self::ALL[0].1, |(_, oid, _)| *oid)
    }

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(known, ..)| *known == self).map_or("", |(.., name)| name)
    }

    /// The digest of bytes that are at hand.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let mut digester = Digester::new(self);
        digester.update(bytes);
        digester.finish()
    }
}

/// A digest that grows. The states are large, and there is one at a time.
pub struct Digester(State);

enum State {
    Sm3(Box<Sm3>),
    Ring(Box<ring_digest::Context>),
}

impl Digester {
    /// Of nothing yet.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        let ring = |algorithm| State::Ring(Box::new(ring_digest::Context::new(algorithm)));
        Self(match algorithm {
            DigestAlgorithm::Sm3 => State::Sm3(Box::new(Sm3::new())),
            DigestAlgorithm::Sha256 => ring(&ring_digest::SHA256),
            DigestAlgorithm::Sha384 => ring(&ring_digest::SHA384),
            DigestAlgorithm::Sha512 => ring(&ring_digest::SHA512),
        })
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            State::Sm3(state) => state.update(piece),
            State::Ring(state) => state.update(piece),
        }
    }

    /// The digest: 32, 48 or 64 bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            State::Sm3(state) => state.finalize().to_vec(),
            State::Ring(state) => state.finish().as_ref().to_vec(),
        }
    }
}
