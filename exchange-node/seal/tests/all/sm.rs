//! SM2 and SM3 as the standards' own examples have them.

use exchange_seal::{
    algorithm::Algorithm,
    certificate::{Certificate, Key},
    digest::DigestAlgorithm,
};

use sm2::dsa::{Signature, VerifyingKey, signature::Verifier};

use crate::{json, lab::der::oid, list, pinned, text, unhex, unpem, vector};

#[test]
fn sm3() {
    let Some(bytes) = vector("sm/sm3.json") else { return };
    let vectors = json(&bytes);
    let vectors = vectors.as_array().cloned().unwrap_or_else(|| list(&vectors, "vectors").to_vec());
    assert_eq!(vectors.len(), 6);
    for one in &vectors {
        let digest = DigestAlgorithm::Sm3.digest(&unhex(text(one, "message_hex")));
        assert_eq!(digest, unhex(text(one, "digest_hex")));
    }
}

#[test]
fn sm3_in_pieces() {
    let message: Vec<u8> = (0..1000_u32).map(|i| (i % 251) as u8).collect();
    for piece in [1, 7, 63, 64, 65, 999] {
        let mut digester = exchange_seal::digest::Digester::new(DigestAlgorithm::Sm3);
        message.chunks(piece).for_each(|part| digester.update(part));
        assert_eq!(digester.finish(), DigestAlgorithm::Sm3.digest(&message), "{piece}");
    }
}

fn key(one: &serde_json::Value) -> Key {
    let point = [vec![4], unhex(text(one, "xA")), unhex(text(one, "yA"))].concat();
    let algorithm = [oid("1.2.840.10045.2.1"), oid("1.2.156.10197.1.301")].concat();
    Key { algorithm, bytes: point }
}

#[test]
fn sm2() {
    let Some(bytes) = vector("sm/sm2-sign.json") else { return };
    let vectors = json(&bytes);
    let (mut valid, mut invalid, mut elsewhere) = (0, 0, 0);
    for one in list(&vectors, "vectors") {
        if text(one, "id_ascii") == "ALICE123@YAHOO.COM" {
            // The draft's example is on a curve for tests, which nothing here knows.
            elsewhere += 1;
            continue;
        }
        let (message, signature) = (text(one, "message_ascii").as_bytes(), unhex(text(one, "signature_der")));
        let expected = one["valid"].as_bool().unwrap();
        let id = text(one, "id_ascii");
        let found = if id == "1234567812345678" {
            Algorithm::Sm2Sm3.verify(&key(one), message, &signature).is_ok()
        } else {
            // Only the default id is judged here: what another one changes is the library's to know.
            library(id, &key(one)).verify(message, &value(one)).is_ok()
        };
        assert_eq!(found, expected, "{}", one["name"]);
        if expected { valid += 1 } else { invalid += 1 }
    }
    assert_eq!((valid, invalid, elsewhere), (1, 9, 1));
}

fn library(id: &str, key: &Key) -> VerifyingKey {
    VerifyingKey::from_sec1_bytes(id, &key.bytes).unwrap()
}

fn value(one: &serde_json::Value) -> Signature {
    Signature::from_slice(&[unhex(text(one, "r")), unhex(text(one, "s"))].concat()).unwrap()
}

#[test]
fn signatures_without_the_signers_id_are_not_accepted() {
    let Some(bytes) = vector("sm/sm2-sign.json") else { return };
    let vectors = json(&bytes);
    let hashed = list(&vectors, "prehashed");
    assert_eq!(hashed.len(), 2);
    for one in hashed {
        let (point, signature) = (unpem(text(one, "public_key_pem")), unhex(text(one, "signature_der")));
        let algorithm = [oid("1.2.840.10045.2.1"), oid("1.2.156.10197.1.301")].concat();
        let key = Key { algorithm, bytes: point[point.len() - 65..].to_vec() };
        assert!(Algorithm::Sm2Sm3.verify(&key, b"abc", &signature).is_err(), "{}", one["name"]);
    }
}

#[test]
fn signature_values_are_der_and_nothing_else() {
    let Some(bytes) = vector("sm/sm2-sign.json") else { return };
    let vectors = json(&bytes);
    let one = &list(&vectors, "vectors")[0];
    let (key, message) = (key(one), b"message digest");
    let good = unhex(text(one, "signature_der"));
    Algorithm::Sm2Sm3.verify(&key, message, &good).unwrap();
    let raw = [unhex(text(one, "r")), unhex(text(one, "s"))].concat();
    let long = [&[0x30, 0x81, good[1]], &good[2..]].concat();
    let behind = [&good[..], &[0]].concat();
    let third = [&[0x30, good[1] + 3], &good[2..], &[2, 1, 0]].concat();
    for bad in [raw, long, behind, third, Vec::new()] {
        assert!(Algorithm::Sm2Sm3.verify(&key, message, &bad).is_err());
    }
    let compressed = Key { bytes: [&[2 + (key.bytes[64] & 1)], &key.bytes[1..33]].concat(), ..key.clone() };
    assert!(Algorithm::Sm2Sm3.verify(&compressed, message, &good).is_err());
    let off_curve = Key {
        bytes: {
            let mut b = key.bytes.clone();
            b[64] ^= 1;
            b
        },
        ..key
    };
    assert!(Algorithm::Sm2Sm3.verify(&off_curve, message, &good).is_err());
}

#[test]
fn a_real_ca_is_read() {
    let Some(pem) = vector("sm/sm2-ca-certificate.pem") else { return };
    let der = unpem(std::str::from_utf8(&pem).unwrap());
    let ca = Certificate::parse(&der).unwrap();
    assert!(ca.is_ca && ca.subject.contains("SHECA SM2"), "{}", ca.subject);
    assert_eq!(pinned(&der).makers[0].serial, ca.serial);
}
