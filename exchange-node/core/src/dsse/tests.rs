#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use ring::rand::SystemRandom;

use super::*;
use crate::signature::{Algorithm, generate_pkcs8};

#[test]
fn every_bit_of_an_envelope_matters() {
    let random = SystemRandom::new();
    let der = generate_pkcs8(Algorithm::EcdsaP256Sha256, &random).unwrap();
    let key = SigningKey::from_pkcs8_der(&der, &random).unwrap();
    let good = Envelope::sign("application/x", b"payload 12".to_vec(), [1; 32], &key, &random).unwrap();
    let public = key.public_key();
    assert_eq!(good.verify(&public), Ok(()));
    let bad = Err(Error::BadSignature { algorithm: Algorithm::EcdsaP256Sha256 });
    for bit in 0..good.payload.len() * 8 {
        let mut envelope = good.clone();
        envelope.payload[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(envelope.verify(&public), bad);
    }
    for bit in 0..good.signature.len() * 8 {
        let mut envelope = good.clone();
        envelope.signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(envelope.verify(&public), bad);
    }
    let envelope = Envelope { payload_type: "application/y".to_owned(), ..good };
    assert_eq!(envelope.verify(&public), bad);
}
