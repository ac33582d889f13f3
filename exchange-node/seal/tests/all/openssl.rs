//! OpenSSL as the other implementation, where it is installed.

use std::{
    path::Path,
    process::{Command, Output},
};

use exchange_seal::{
    algorithm::Algorithm,
    certificate::Certificate,
    make::{
        PrivateKey,
        pki::{request, request_key},
    },
};
use ring::rand::SystemRandom;

use crate::{
    lab::pki::{CA, Key, LEAF, certify},
    vector,
};

/// `None`, said aloud, where there is no OpenSSL with SM2.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output();
    let Ok(output) = output else {
        println!("skipped: openssl is not installed");
        return None;
    };
    Some(output)
}

fn has_sm2(folder: &Path) -> bool {
    let found = openssl(folder, &["ecparam", "-list_curves"]);
    let has = found.is_some_and(|output| String::from_utf8_lossy(&output.stdout).contains("SM2"));
    if !has {
        println!("skipped: this openssl has no SM2");
    }
    has
}

/// The certificate of a PKCS#12 file of the vectors, whose ciphers are of another age.
pub(crate) fn legacy_certificate(file: &str, password: &str) -> Option<Vec<u8>> {
    let bytes = vector(file)?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.p12"), bytes).unwrap();
    let pass = format!("pass:{password}");
    let arguments = ["pkcs12", "-in", "in.p12", "-passin", &pass, "-nokeys", "-legacy", "-out", "out.pem"];
    if !openssl(folder.path(), &arguments)?.status.success() {
        println!("skipped: this openssl reads no PKCS#12 with -legacy");
        return None;
    }
    let converted = openssl(folder.path(), &["x509", "-in", "out.pem", "-outform", "DER", "-out", "out.der"])?;
    assert!(converted.status.success(), "{converted:?}");
    Some(std::fs::read(folder.path().join("out.der")).unwrap())
}

#[test]
fn what_openssl_signs_verifies_here() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if !has_sm2(at) {
        return;
    }
    let run = |arguments: &[&str]| {
        let output = openssl(at, arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["ecparam", "-genkey", "-name", "SM2", "-out", "key.pem"]);
    let certify = ["req", "-new", "-x509", "-key", "key.pem", "-subj", "/CN=OpenSSL", "-days", "9", "-sm3"];
    run(&[&certify[..], &["-sigopt", "distid:1234567812345678", "-outform", "DER", "-out", "cert.der"]].concat());
    let certificate = Certificate::parse(&std::fs::read(at.join("cert.der")).unwrap()).unwrap();
    let sign = ["pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-inkey", "key.pem", "-in", "message", "-out", "value"];
    for (id, holds) in [("distid:1234567812345678", true), ("distid:8765432187654321", false)] {
        for message in [&b""[..], b"message digest", &[0x5a; 70_000]] {
            std::fs::write(at.join("message"), message).unwrap();
            run(&[&sign[..], &["-pkeyopt", id]].concat());
            let value = std::fs::read(at.join("value")).unwrap();
            assert_eq!(Algorithm::Sm2Sm3.verify(&certificate.key, message, &value).is_ok(), holds, "{id}");
        }
    }
}

#[test]
fn a_request_made_here_is_read_here_and_by_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let random = SystemRandom::new();
    let sm2 = has_sm2(at);
    for algorithm in [Algorithm::Sm2Sm3, Algorithm::EcdsaSha256, Algorithm::EcdsaSha384, Algorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm, &random).unwrap();
        let der = request("济南市行政审批服务局", &key, &random).unwrap();
        assert_eq!(request_key(&der).unwrap(), *key.public());
        // Another key's request with this signature proves nothing.
        let other = PrivateKey::generate(algorithm, &random).unwrap();
        let mut altered = der.clone();
        let at_key = der.windows(key.public().bytes.len()).position(|part| part == key.public().bytes).unwrap();
        altered[at_key..at_key + key.public().bytes.len()].copy_from_slice(&other.public().bytes);
        let error = request_key(&altered).unwrap_err().to_string();
        assert!(error.contains("the request proves no possession"), "{error}");
        std::fs::write(at.join("csr.der"), &der).unwrap();
        let mut verify = vec!["req", "-verify", "-in", "csr.der", "-inform", "DER", "-noout", "-subject", "-utf8"];
        if algorithm == Algorithm::Sm2Sm3 {
            if !sm2 {
                continue;
            }
            verify.extend(["-vfyopt", "distid:1234567812345678"]);
        }
        let Some(output) = openssl(at, &verify) else { continue };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.contains("verify OK"), "{}: {said}", algorithm.name());
    }
    let key = PrivateKey::generate(Algorithm::Sm2Sm3, &random).unwrap();
    for name in ["", " ", "a\nb", &"名".repeat(65)] {
        let error = request(name, &key, &random).unwrap_err().to_string();
        assert!(error.contains("a name has 1 to 64 characters"), "{error}");
    }
}

#[test]
fn a_request_of_openssl_gives_its_key_and_proves_possession() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if !has_sm2(at) {
        return;
    }
    let run = |arguments: &[&str]| {
        let output = openssl(at, arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["ecparam", "-genkey", "-name", "SM2", "-noout", "-out", "ec.pem"]);
    run(&["pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-outform", "DER", "-out", "key.der"]);
    let request =
        ["req", "-new", "-key", "ec.pem", "-subj", "/CN=OpenSSL", "-sm3", "-outform", "DER", "-out", "csr.der"];
    run(&[&request[..], &["-sigopt", "distid:1234567812345678"]].concat());
    let der = std::fs::read(at.join("csr.der")).unwrap();
    let key = PrivateKey::from_pkcs8(&std::fs::read(at.join("key.der")).unwrap(), &SystemRandom::new()).unwrap();
    assert_eq!(request_key(&der).unwrap(), *key.public());
    let name = der.windows(7).position(|window| window == b"OpenSSL").unwrap();
    let mut altered = der.clone();
    altered[name] ^= 1;
    let error = request_key(&altered).unwrap_err().to_string();
    assert!(error.contains("the request proves no possession"), "{error}");
    for cut in 0..der.len() {
        assert!(request_key(&der[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn what_is_signed_here_verifies_in_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if !has_sm2(at) {
        return;
    }
    let (root, key) = (Key::sm2(7), Key::sm2(8));
    std::fs::write(at.join("root.der"), certify("Root", &root, "Root", &root, &CA)).unwrap();
    std::fs::write(at.join("cert.der"), certify("Leaf", &key, "Root", &root, &LEAF)).unwrap();
    for name in ["root", "cert"] {
        let (der, pem) = (format!("{name}.der"), format!("{name}.pem"));
        assert!(openssl(at, &["x509", "-inform", "DER", "-in", &der, "-out", &pem]).unwrap().status.success());
    }
    // The lab's certificates are certificates to others too.
    let chain = ["verify", "-vfyopt", "distid:1234567812345678", "-CAfile", "root.pem", "cert.pem"];
    let verified = openssl(at, &chain).unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    std::fs::write(at.join("message"), b"message digest").unwrap();
    std::fs::write(at.join("value"), key.sign(b"message digest")).unwrap();
    let check = ["pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-certin", "-inkey", "cert.pem", "-in", "message"];
    let run = |id| openssl(at, &[&check[..], &["-sigfile", "value", "-pkeyopt", id]].concat()).unwrap();
    let good = run("distid:1234567812345678");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(!run("distid:8765432187654321").status.success());
}
