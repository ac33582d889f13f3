#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use ring::rand::SystemRandom;

use super::*;

const ALL: [Algorithm; 3] = [Algorithm::EcdsaP256Sha256, Algorithm::EcdsaP384Sha384, Algorithm::Ed25519];

#[test]
fn keys_sign_and_every_bit_matters() {
    let random = SystemRandom::new();
    for algorithm in ALL {
        let der = generate_pkcs8(algorithm, &random).unwrap();
        let key = SigningKey::from_pkcs8_der(&der, &random).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let public = key.public_key();
        let signature = key.sign(b"message", &random).unwrap();
        assert_eq!(public.verify(b"message", &signature), Ok(()));
        assert_eq!(public.verify(b"massage", &signature), Err(Error::BadSignature { algorithm }));
        for bit in 0..signature.len() * 8 {
            let mut bad = signature.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(public.verify(b"message", &bad), Err(Error::BadSignature { algorithm }));
        }
        assert_eq!(format!("{key:?}"), format!("SigningKey({algorithm}, redacted)"));
    }
}

#[test]
fn public_keys_of_credentials_are_read() {
    let random = SystemRandom::new();
    for (algorithm, rcgen_algorithm) in [
        (Algorithm::EcdsaP256Sha256, &rcgen::PKCS_ECDSA_P256_SHA256),
        (Algorithm::EcdsaP384Sha384, &rcgen::PKCS_ECDSA_P384_SHA384),
        (Algorithm::Ed25519, &rcgen::PKCS_ED25519),
    ] {
        let pair = rcgen::KeyPair::generate_for(rcgen_algorithm).unwrap();
        let spki = rcgen::PublicKeyData::subject_public_key_info(&pair);
        let public = PublicKey::from_spki_der(&spki).unwrap();
        assert_eq!(public.algorithm(), algorithm);
        let key = SigningKey::from_pkcs8_der(&pair.serialize_der(), &random).unwrap();
        assert_eq!(key.public_key(), public);
        let longer = [spki.as_slice(), &[0]].concat();
        assert_eq!(PublicKey::from_spki_der(&longer), Err(Error::MalformedPublicKey));
    }
}

#[test]
fn other_keys_are_refused() {
    // RFC 8410 §10.3: a key without its public part, as OpenSSL writes it.
    let mut v1 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    v1.extend([7; 32]);
    let random = SystemRandom::new();
    assert_eq!(SigningKey::from_pkcs8_der(&v1, &random).unwrap().algorithm(), Algorithm::Ed25519);
    v1.truncate(40);
    let error = SigningKey::from_pkcs8_der(&v1, &random).unwrap_err();
    assert_eq!(error, Error::PrivateKey { reason: "InvalidEncoding".to_owned() });
    let length = PublicKey::new(Algorithm::Ed25519, vec![0; 31]);
    let needed = Error::KeyLength { found: 31, needed: 32, algorithm: Algorithm::Ed25519 };
    assert_eq!(length, Err(needed));
    assert_eq!(PublicKey::from_spki_der(b"x"), Err(Error::MalformedPublicKey));
    // X25519 (RFC 8410 §3) agrees on keys and signs nothing.
    let mut x25519 = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00".to_vec();
    x25519.extend([7; 32]);
    let found = "1.3.101.110".to_owned();
    let error = PublicKey::from_spki_der(&x25519);
    assert_eq!(error, Err(Error::UnsupportedAlgorithm { found }));
}
