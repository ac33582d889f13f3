//! Project Wycheproof: ECDSA in DER, in IEEE P1363 form (refused here) and Ed25519.

use exchange_core::signature::{Algorithm, Error, PublicKey};

use super::{json, list, text, unhex};

/// Runs a file; returns how many were valid and invalid.
fn run(file: &str, algorithm: Algorithm, accept_valid: bool) -> Option<(usize, usize)> {
    let vectors = json(&format!("wycheproof/{file}"))?;
    let (mut valid, mut invalid) = (0, 0);
    for group in list(&vectors, "testGroups") {
        let key = PublicKey::from_spki_der(&unhex(text(group, "publicKeyDer"))).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        for case in list(group, "tests") {
            let found = key.verify(&unhex(text(case, "msg")), &unhex(text(case, "sig")));
            let expected = match text(case, "result") {
                "valid" => {
                    valid += 1;
                    accept_valid
                }
                "invalid" => {
                    invalid += 1;
                    false
                }
                other => panic!("{other}"),
            };
            let expected = if expected { Ok(()) } else { Err(Error::BadSignature { algorithm }) };
            assert_eq!(found, expected, "{file} tcId {}", case["tcId"]);
        }
    }
    Some((valid, invalid))
}

#[test]
fn ecdsa_p256() {
    let counts = run("ecdsa_secp256r1_sha256_test.json", Algorithm::EcdsaP256Sha256, true);
    assert!(matches!(counts, None | Some((174, 310))), "{counts:?}");
}

#[test]
fn ecdsa_p384() {
    let counts = run("ecdsa_secp384r1_sha384_test.json", Algorithm::EcdsaP384Sha384, true);
    assert!(matches!(counts, None | Some((194, 310))), "{counts:?}");
}

#[test]
fn ed25519() {
    let counts = run("ed25519_test.json", Algorithm::Ed25519, true);
    assert!(matches!(counts, None | Some((88, 63))), "{counts:?}");
}

#[test]
fn raw_ecdsa_is_refused() {
    let p256 = run("ecdsa_secp256r1_sha256_p1363_test.json", Algorithm::EcdsaP256Sha256, false);
    assert!(matches!(p256, None | Some((173, 89))), "{p256:?}");
    let p384 = run("ecdsa_secp384r1_sha384_p1363_test.json", Algorithm::EcdsaP384Sha384, false);
    assert!(matches!(p384, None | Some((193, 87))), "{p384:?}");
}
