//! The signed envelope of a certificate, a bundle and other messages: one signature over the
//! pre-authentication encoding of DSSE v1 (secure-systems-lab/dsse, protocol.md).

use ring::rand::SecureRandom;

use crate::signature::{Error, PublicKey, SigningKey};

#[cfg(test)]
mod tests;

/// The bytes that are signed: `"DSSEv1" SP len(type) SP type SP len(payload) SP payload`, lengths
/// in decimal bytes.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// A payload with one signature. The payload's bytes are kept as they were signed: nothing is
/// encoded again to verify.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The media type of the payload. A reader must compare it with the one it expects.
    pub payload_type: String,
    /// The bytes that are signed.
    pub payload: Vec<u8>,
    /// SHA-256 of the DER of the signer's credential.
    pub key_id: [u8; 32],
    /// The signature: DER for ECDSA, 64 bytes for Ed25519.
    pub signature: Vec<u8>,
}

impl Envelope {
    /// Signs a payload.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn sign(
        payload_type: &str,
        payload: Vec<u8>,
        key_id: [u8; 32],
        key: &SigningKey,
        random: &dyn SecureRandom,
    ) -> Result<Self, Error> {
        let signature = key.sign(&pae(payload_type, &payload), random)?;
        Ok(Self { payload_type: payload_type.to_owned(), payload, key_id, signature })
    }

    /// Verifies the signature over type and payload. Which key `key_id` names, and whether that
    /// key may sign this, is the caller's question.
    ///
    /// # Errors
    /// [`Error::BadSignature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), Error> {
        key.verify(&pae(&self.payload_type, &self.payload), &self.signature)
    }
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Envelope({}, {} bytes)", self.payload_type, self.payload.len())
    }
}
