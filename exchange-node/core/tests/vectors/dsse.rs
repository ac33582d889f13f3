//! DSSE: pre-authentication encodings, and the one full vector.

use exchange_core::dsse::{Envelope, pae};
use exchange_core::signature::{Algorithm, Error, PublicKey};

use super::{json, list, text, unbase64, unhex};

#[test]
fn pre_authentication_encoding() {
    let Some(vectors) = json("dsse/dsse.json") else {
        return;
    };
    let all: Vec<_> = list(&vectors, "pae").iter().chain(list(&vectors, "vectors")).collect();
    assert_eq!(all.len(), 4);
    for case in all {
        let found = pae(text(case, "payload_type"), text(case, "payload_utf8").as_bytes());
        assert_eq!(String::from_utf8(found).unwrap(), text(case, "pae_utf8"));
    }
}

/// The upstream signature is raw r ‖ s: it verifies as DER, and only so.
#[test]
fn envelope() {
    let Some(vectors) = json("dsse/dsse.json") else {
        return;
    };
    let case = &list(&vectors, "vectors")[0];
    let point = unhex(text(case, "public_key_sec1_uncompressed_hex"));
    let key = PublicKey::new(Algorithm::EcdsaP256Sha256, point).unwrap();
    let signed = &case["envelope"];
    let raw = unbase64(text(&list(signed, "signatures")[0], "sig"));
    let mut envelope = Envelope {
        payload_type: text(signed, "payloadType").to_owned(),
        payload: unbase64(text(signed, "payload")),
        key_id: [0; 32],
        signature: raw.clone(),
    };
    let refused = Err(Error::BadSignature { algorithm: Algorithm::EcdsaP256Sha256 });
    assert_eq!(envelope.verify(&key), refused);
    envelope.signature = der(&raw);
    assert_eq!(envelope.verify(&key), Ok(()));
    envelope.payload.push(b'!');
    assert_eq!(envelope.verify(&key), refused);
}

fn der(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    let numbers = [integer(r), integer(s)].concat();
    [&[0x30, numbers.len() as u8], numbers.as_slice()].concat()
}

fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let mut digits = number[zeros..].to_vec();
    if digits[0] >= 0x80 {
        digits.insert(0, 0);
    }
    [&[0x02, digits.len() as u8], digits.as_slice()].concat()
}
