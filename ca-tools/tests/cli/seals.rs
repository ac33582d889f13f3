//! `seal-ca` and `seal`: a department's own key, numbers of seals, CRLs of chosen length.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use ca_tools::{files, keyfile, seams};
use exchange_seal::make::{Credential, PrivateKey};

use super::{DOMAIN, Office, tree};

const PASS: [&str; 2] = ["--passphrase-file", "pass"];

impl Office {
    /// With an authority over seals and a maker.
    fn with_seal_ca(algorithm: &str) -> Self {
        let office = Self::empty();
        office.sealing(&["init", "--domain", DOMAIN, "--algorithm", algorithm, "--out", "seal-ca"]);
        office.certified("seal-maker", "制章中心", "maker");
        office
    }

    fn sealing(&self, args: &[&str]) -> serde_json::Value {
        self.json(&[&["seal-ca"], args, &PASS[..]].concat())
    }

    fn certified(&self, profile: &str, name: &str, out: &str) -> serde_json::Value {
        self.sealing(&["issue", "--ca", "seal-ca", "--profile", profile, "--name", name, "--out", out])
    }
}

#[test]
fn a_department_s_key_never_leaves_it() {
    for algorithm in ["sm2", "p256", "p384", "ed25519"] {
        let office = Office::with_seal_ca(algorithm);
        let ask = ["seal-ca", "request", "--name", "某局", "--algorithm", algorithm, "--out", "office"];
        let before = tree(office.folder.path());
        assert_eq!(office.json(&[&ask[..], &["--dry-run"]].concat())["would_make"][1], "office.csr");
        assert_eq!(tree(office.folder.path()), before);
        office.ok(&ask);
        assert_eq!(fs::metadata(office.path("office.key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(office.text("office.key").starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(office.text("office.csr").starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
        assert_eq!(office.refused(&ask).0, 6, "neither is overwritten");
        let issue = ["issue", "--ca", "seal-ca", "--profile", "seal-signer", "--name", "某局", "--csr", "office.csr"];
        let issued = office.sealing(&[&issue[..], &["--out", "office"]].concat());
        assert_eq!((&issued["key"], &issued["certificate"]), (&serde_json::Value::Null, &"office.crt".into()));
        let der = keyfile::read(&office.path("office.key"), || panic!("it is in the clear")).unwrap();
        let key = PrivateKey::from_pkcs8(&der, &seams::rng()).unwrap();
        let blocks = files::blocks(office.text("office.crt").as_bytes(), files::CERTIFICATE, "office.crt").unwrap();
        Credential::new(key, &blocks[0]).expect("key and certificate go together");
        office.ok(&[&ask[..4], &["--algorithm", algorithm, "--out", "locked"], &PASS[..]].concat());
        assert!(office.text("locked.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        if algorithm == "sm2" {
            openssl_verifies(&office);
        }
    }
    let office = Office::with_seal_ca("sm2");
    office.ok(&["seal-ca", "request", "--name", "某局", "--algorithm", "p256", "--out", "office"]);
    let issue = ["seal-ca", "issue", "--ca", "seal-ca", "--profile", "seal-signer", "--name", "某局", "--csr"];
    let (code, said) = office.refused(&[&issue[..], &["office.csr", "--out", "office"], &PASS[..]].concat());
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("a key of another kind") && said.contains("SM2 with SM3"), "{said}");
}

/// OpenSSL finds the possession proved, where it is installed and knows SM2.
fn openssl_verifies(office: &Office) {
    let arguments = ["req", "-verify", "-in", "office.csr", "-noout", "-vfyopt", "distid:1234567812345678"];
    let curves = Command::new("openssl").args(["ecparam", "-list_curves"]).output();
    if !curves.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("SM2")) {
        println!("skipped: there is no openssl with SM2");
        return;
    }
    let output = Command::new("openssl").current_dir(office.folder.path()).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("verify OK"), "{said}");
}

#[test]
fn a_number_names_one_seal() {
    let office = Office::with_seal_ca("sm2");
    office.certified("seal-signer", "某局", "signer");
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let decode = |text| base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
    fs::write(office.path("seal.png"), decode(png)).unwrap();
    let make = |id: &str, out: &str| {
        let known = ["seal", "new", "--key", "maker.key", "--certificate", "maker.crt", "--picture", "seal.png"];
        let known = [&known[..], &["--name", "测试章", "--for", "signer.crt", "--id", id, "--out", out]].concat();
        known.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let made = make("37010000000001", "seal.esl");
    office.ok(&made.iter().map(String::as_str).collect::<Vec<_>>());
    let before = tree(office.folder.path());
    let again = make("37010000000001", "again.esl");
    let mut again: Vec<&str> = again.iter().map(String::as_str).collect();
    for _ in 0..2 {
        let (code, said) = office.refused(&again);
        assert_eq!(code, 6, "{said}");
        assert!(said.contains("the seal number 37010000000001 is taken: maker.seals.jsonl record 1"), "{said}");
        assert_eq!(tree(office.folder.path()), before);
        again.push("--dry-run");
    }
    let next = make("37010000000002", "again.esl");
    office.ok(&next.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_withdrawal_s_crl_counts_as_long_as_is_asked() {
    let office = Office::with_seal_ca("sm2");
    let revoke = ["revoke", "--ca", "seal-ca", "--cert", "maker.crt", "--reason", "superseded"];
    let tried = office.sealing(&[&revoke[..], &["--days", "90", "--dry-run"]].concat());
    assert_eq!(tried["crl_days"], 90);
    let (code, said) = office.refused(&[&["seal-ca"], &revoke[..], &["--days", "0"], &PASS[..]].concat());
    assert!(code == 5 && said.contains("a life of 0 days"), "{code} {said}");
    assert_eq!(office.sealing(&[&revoke[..], &["--days", "90"]].concat())["crl_number"], 2);
    let journal = office.text("seal-ca/journal.jsonl");
    let last: serde_json::Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    let days = (last["event"]["next_update_ms"].as_u64().unwrap() - last["at_ms"].as_u64().unwrap()) / 86_400_000;
    assert!((89..=90).contains(&days), "{last}");
}

#[test]
fn a_city_s_ca_says_who_certifies_for_seals() {
    let office = Office::with_cas();
    office.ok(&["csr", "new", "--name", "a", "--out", "a"]);
    for profile in ["seal-maker", "seal-signer"] {
        let issue = ["issue", "--ca", "jinan", "--profile", profile, "--name", "a", "--csr", "a.csr", "--out", "a.crt"];
        let (code, said) = office.refused(&[&issue[..], &PASS[..]].concat());
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&format!("ca-tools seal-ca issue --ca <its folder> --profile {profile}")), "{said}");
    }
}
