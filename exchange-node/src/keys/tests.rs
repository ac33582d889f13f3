//! Keys and credentials of the node: what is refused, by its reason.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::{
    clock::Clock,
    lab::{JINAN, Lab, Leaf, QINGDAO, log_key, pem, uri},
};
use exchange_core::bundle::BodyException;
use rcgen::ExtendedKeyUsagePurpose::ClientAuth;
use std::{fs::Permissions, os::unix::fs::PermissionsExt};

/// 济南's, by digits 3 to 8.
const HOUSING: &str = "11370100MB2857833B";
/// 福州's.
const ELSEWHERE: &str = "91350100M000100Y43";

struct Files {
    lab: Lab,
    config: Config,
}

impl Files {
    fn new() -> Self {
        let lab = Lab::new();
        let folder = lab.folder.path().to_owned();
        let text = format!(
            r#"
            node = {{ region = "370100", name = "node-1", data = "data" }}
            listen = {{ grpc = "127.0.0.1:0" }}
            identity = {{ certificate = "node.pem", key = "node.key" }}
            trust = {{ roots = [], bundle = "bundle", crls = [] }}
            keys = {{ event_log = "events.key", access_log = "access.key", index = ["index.key"], store = "store.key" }}
            [departments.{HOUSING}]
            name = "济南住房公积金中心"
            certificate = "housing.pem"
            key = "housing.key"
            authorisation = "济授〔2026〕1号"
            "#
        );
        let mut config = crate::config::parse(&text, []).unwrap();
        config.trust = lab.files(&lab.crls());
        let file = |path: &mut PathBuf| *path = folder.join(&path);
        file(&mut config.identity.certificate);
        file(&mut config.identity.key);
        file(&mut config.keys.event_log);
        file(&mut config.keys.access_log);
        file(&mut config.keys.store);
        config.keys.index.iter_mut().for_each(file);
        for department in config.departments.values_mut() {
            file(&mut department.certificate);
            file(&mut department.key);
        }
        let files = Self { lab, config };
        files.credential("node", &files.lab.jinan.leaf(&uri(JINAN, "node", "node-1"), 100));
        files.credential("housing", &files.lab.jinan.leaf(&uri(JINAN, "department", HOUSING), 101));
        files.secret("events.key", pem("PRIVATE KEY", &log_key(JINAN, 1).0).as_bytes());
        files.secret("access.key", &log_key(JINAN, 2).0);
        files.secret("index.key", IndexKey::new(1, [1; 32]).to_file().as_bytes());
        files.secret("store.key", StoreKey::new([2; 32]).to_file().as_bytes());
        files
    }

    fn credential(&self, name: &str, leaf: &Leaf) {
        std::fs::write(self.lab.folder.path().join(format!("{name}.pem")), leaf.pem()).unwrap();
        self.secret(&format!("{name}.key"), leaf.key.serialize_pem().as_bytes());
    }

    fn secret(&self, name: &str, bytes: &[u8]) {
        let path = self.lab.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    fn load_by(&self, trust: &Trust) -> Result<Keys, Error> {
        Keys::load(&self.config, trust, Clock::default().now_ms(), &Random::new())
    }

    fn load(&self) -> Result<Keys, Error> {
        self.load_by(&Trust::load(&self.config.trust, &[], self.lab.clock.clone()).unwrap())
    }

    fn refused(&self) -> (Reason, String) {
        let error = self.load().err().expect("refused");
        (error.reason(), error.to_string())
    }
}

#[test]
fn all_keys_are_read_and_sign() {
    let keys = Files::new().load().unwrap();
    assert_eq!((keys.epoch, keys.index.len(), keys.store_id.len()), (1, 1, 4));
    assert_eq!(keys.event_log[0].verifier().name(), "sd.example.org/370100/events/1");
    assert_eq!(keys.access_log[0].verifier().name(), "sd.example.org/370100/access/1");
    let signer = &keys.departments[&Uscc::parse(HOUSING).unwrap()];
    let signature = signer.key.sign(b"text", Random::new().secure()).unwrap();
    signer.key.public_key().verify(b"text", &signature).unwrap();
    assert_eq!((signer.issuer.name.as_str(), signer.chain.len()), ("济南住房公积金中心", 2));
}

#[test]
fn a_key_that_others_can_read_is_refused_with_its_mode() {
    for name in ["node.key", "events.key", "access.key", "index.key", "store.key", "housing.key"] {
        for mode in [0o640, 0o604, 0o660, 0o700] {
            let files = Files::new();
            let path = files.lab.folder.path().join(name);
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let (reason, text) = files.refused();
            assert_eq!(reason, Reason::KeyPermissions, "{name}");
            assert!(text.contains(name) && text.contains(&format!("found mode {mode:04o}, needed 0600")), "{text}");
        }
    }
}

#[test]
fn a_key_of_another_credential_is_refused() {
    for name in ["node.key", "housing.key"] {
        let files = Files::new();
        let other = files.lab.jinan.leaf(&uri(JINAN, "node", "other"), 102);
        files.secret(name, other.key.serialize_pem().as_bytes());
        assert_eq!(files.refused().0, Reason::KeyMismatch, "{name}");
    }
    let files = Files::new();
    files.secret("events.key", &log_key(QINGDAO, 1).0);
    let (reason, text) = files.refused();
    assert_eq!(reason, Reason::LogKeyUnknown);
    assert!(text.contains("sd.example.org/370100/events/1"), "{text}");
    // The access log's key is not the event log's.
    let files = Files::new();
    files.secret("events.key", &log_key(JINAN, 2).0);
    assert_eq!(files.refused().0, Reason::LogKeyUnknown);
}

#[test]
fn a_credential_of_somebody_else_or_for_something_else_is_refused() {
    type Make = fn(&Lab) -> Leaf;
    let cases: [(&str, &str, Make, Reason); 9] = [
        ("another node", "node", |lab| lab.jinan.leaf(&uri(JINAN, "node", "node-2"), 1), Reason::CredentialInvalid),
        (
            "another city's",
            "node",
            |lab| lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 1),
            Reason::CredentialInvalid,
        ),
        ("by another CA", "node", |lab| lab.qingdao.leaf(&uri(JINAN, "node", "node-1"), 1), Reason::CredentialInvalid),
        (
            "a system's",
            "node",
            |lab| lab.jinan.leaf(&uri(JINAN, "system", "node-1"), 1),
            Reason::CredentialWrongPurpose,
        ),
        (
            "a TLS key",
            "housing",
            |lab| lab.jinan.leaf(&uri(JINAN, "node", "node-1"), 1),
            Reason::CredentialWrongPurpose,
        ),
        ("client EKU", "housing", |lab| with_usage(lab, Some(ClientAuth)), Reason::CredentialWrongPurpose),
        ("no EKU", "housing", |lab| with_usage(lab, None), Reason::CredentialWrongPurpose),
        (
            "another department",
            "housing",
            |lab| lab.jinan.leaf(&uri(JINAN, "department", ELSEWHERE), 1),
            Reason::CredentialInvalid,
        ),
        ("by another CA", "housing", |lab| lab.qingdao.leaf(&housing_uri(), 1), Reason::CredentialInvalid),
    ];
    for (what, name, make, expected) in cases {
        let files = Files::new();
        files.credential(name, &make(&files.lab));
        assert_eq!(files.refused().0, expected, "{name}: {what}");
    }
}

fn housing_uri() -> String {
    uri(JINAN, "department", HOUSING)
}

fn with_usage(lab: &Lab, usage: Option<rcgen::ExtendedKeyUsagePurpose>) -> Leaf {
    lab.jinan.spoilt(&housing_uri(), 1, |params| params.extended_key_usages = usage.into_iter().collect())
}

/// A city's CA may name the departments of its own division, and those that the bundle lists.
#[test]
fn a_department_of_another_division_needs_the_bundles_word() {
    let mut files = Files::new();
    let department = files.config.departments.remove(HOUSING).unwrap();
    files.config.departments.insert(ELSEWHERE.to_owned(), department);
    files.credential("housing", &files.lab.jinan.leaf(&uri(JINAN, "department", ELSEWHERE), 1));
    let (reason, text) = files.refused();
    assert_eq!(reason, Reason::CredentialInvalid);
    assert!(text.contains("is not one of region 370100"), "{text}");
    let trust = Trust::load(&files.config.trust, &[], files.lab.clock.clone()).unwrap();
    let uscc = Uscc::parse(ELSEWHERE).unwrap();
    let listed = BodyException { uscc, region: files.config.node.region, successors: Vec::new() };
    trust.offer_bundle(&files.lab.bundle(2, |bundle| bundle.bodies.push(listed))).unwrap();
    files.load_by(&trust).unwrap();
}

#[test]
fn a_revoked_or_ended_credential_is_refused_at_start() {
    let mut files = Files::new();
    let crls = [files.lab.root.crl(1, &[]), files.lab.jinan.crl(2, &[101])];
    files.config.trust = files.lab.files(&crls);
    let (reason, text) = files.refused();
    assert_eq!(reason, Reason::CredentialWithdrawn);
    assert!(text.contains("housing.pem"), "{text}");
    let files = Files::new();
    files.lab.clock.shift_ms(1);
    let trust = Trust::load(&files.config.trust, &[], files.lab.clock.clone()).unwrap();
    let later = files.lab.now_ms + 31 * crate::lab::DAY_MS;
    let error = Keys::load(&files.config, &trust, later, &Random::new()).err().unwrap();
    assert_eq!(error.reason(), Reason::CredentialExpired);
}

/// Files that are no keys and no credentials: named, with what is needed.
#[test]
fn files_that_hold_no_key_are_named_with_what_is_needed() {
    type Spoil = fn(&std::path::Path);
    let cases: [(&str, Spoil, &str); 9] = [
        ("absent", |path| std::fs::remove_file(path).unwrap(), "No such file"),
        ("empty", |path| std::fs::write(path, b"").unwrap(), ""),
        (
            "a folder",
            |path| {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
                std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
            },
            "",
        ),
        ("garbage", |path| std::fs::write(path, [0xFF; 500]).unwrap(), ""),
        (
            "an encrypted key",
            |path| {
                let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
                std::fs::write(path, text).unwrap();
            },
            "",
        ),
        ("half a block", |path| std::fs::write(path, "-----BEGIN PRIVATE KEY-----\nMC4CAQ").unwrap(), ""),
        (
            "a credential in a key's place",
            |path| {
                std::fs::copy(path.with_file_name("node.pem"), path).map(drop).unwrap();
            },
            "",
        ),
        ("NUL", |path| std::fs::write(path, [0; 100]).unwrap(), ""),
        ("too large", |path| std::fs::write(path, vec![b'x'; 65_537]).unwrap(), "more than 65536 bytes"),
    ];
    for name in ["node.key", "events.key", "access.key", "index.key", "store.key", "housing.key"] {
        for (what, spoil, needed) in cases {
            let files = Files::new();
            let path = files.lab.folder.path().join(name);
            spoil(&path);
            let error = files.load().err().unwrap_or_else(|| panic!("{name}: {what} is taken"));
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(needed), "{name}, {what}: {text}");
        }
    }
}
