//! Project Wycheproof, through the function that judges seals.

use exchange_seal::{
    algorithm::Algorithm,
    certificate::Key,
    digest::{DigestAlgorithm, Digester},
};

use crate::{
    json,
    lab::der::{oid, tlv},
    list, text, unhex, vector,
};

/// Algorithm identifier and key of a SubjectPublicKeyInfo.
fn key(spki: &[u8]) -> Key {
    let inside = |der: &[u8]| {
        let (header, length) = match der[1] {
            0x81 => (3, usize::from(der[2])),
            0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
            short => (2, usize::from(short)),
        };
        (der[header..header + length].to_vec(), header + length)
    };
    let (content, _) = inside(spki);
    let (algorithm, size) = inside(&content);
    let (bits, _) = inside(&content[size..]);
    Key { algorithm, bytes: bits[1..].to_vec() }
}

/// Valid and invalid ones as counted.
fn run(file: &str, algorithm: Algorithm, expected: (usize, usize)) {
    let Some(bytes) = vector(&format!("wycheproof/{file}")) else { return };
    let vectors = json(&bytes);
    let (mut valid, mut invalid) = (0, 0);
    for group in list(&vectors, "testGroups") {
        let key = key(&unhex(text(group, "publicKeyDer")));
        for case in list(group, "tests") {
            let found = algorithm.verify(&key, &unhex(text(case, "msg")), &unhex(text(case, "sig")));
            let good = match text(case, "result") {
                "valid" => true,
                "invalid" => false,
                // PKCS #1 without NULL: it may be refused, and is.
                "acceptable" => found.is_ok(),
                other => panic!("{other}"),
            };
            assert_eq!(found.is_ok(), good, "{file} tcId {}: {}", case["tcId"], case["comment"]);
            if good { valid += 1 } else { invalid += 1 }
        }
    }
    assert_eq!((valid, invalid), expected, "{file}");
}

#[test]
fn ecdsa() {
    run("ecdsa_secp256r1_sha256_test.json", Algorithm::EcdsaSha256, (174, 310));
    run("ecdsa_secp384r1_sha384_test.json", Algorithm::EcdsaSha384, (194, 310));
}

#[test]
fn ed25519() {
    run("ed25519_test.json", Algorithm::Ed25519, (88, 63));
}

#[test]
fn rsa() {
    run("rsa_signature_2048_sha256_test.json", Algorithm::RsaSha256, (9, 250));
    run("rsa_signature_3072_sha256_test.json", Algorithm::RsaSha256, (8, 251));
    run("rsa_signature_4096_sha256_test.json", Algorithm::RsaSha256, (7, 251));
}

/// HMAC (RFC 2104) over the digest under test; its block has 64 bytes.
fn hmac_sm3(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    let short = if key.len() > 64 { DigestAlgorithm::Sm3.digest(key) } else { key.to_vec() };
    block[..short.len()].copy_from_slice(&short);
    let pass = |pad: u8, message: &[u8]| {
        let mut digester = Digester::new(DigestAlgorithm::Sm3);
        digester.update(&block.map(|byte| byte ^ pad));
        digester.update(message);
        digester.finish()
    };
    pass(0x5c, &pass(0x36, message))
}

#[test]
fn sm3_in_hmac() {
    let Some(bytes) = vector("wycheproof/hmac_sm3_test.json") else { return };
    let vectors = json(&bytes);
    let mut count = 0;
    for group in list(&vectors, "testGroups") {
        let length = group["tagSize"].as_u64().unwrap() as usize / 8;
        for case in list(group, "tests") {
            let tag = hmac_sm3(&unhex(text(case, "key")), &unhex(text(case, "msg")));
            let same = tag[..length] == unhex(text(case, "tag"))[..];
            assert_eq!(same, text(case, "result") == "valid", "tcId {}", case["tcId"]);
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_key_of_another_algorithm() {
    let p256 = Key { algorithm: [oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")].concat(), bytes: vec![4; 65] };
    for (algorithm, ..) in Algorithm::ALL {
        let error = algorithm.verify(&p256, b"", &tlv(0x30, &[])).unwrap_err().to_string();
        let expected = if algorithm == Algorithm::EcdsaSha256 { "does not verify" } else { "is not one of" };
        assert!(error.contains(expected), "{error}");
    }
}
