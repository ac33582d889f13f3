//! The program as an operator types it: from the root to a refused credential, with each exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod seals;

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};

const DOMAIN: &str = "sd.example.org";
const DEPARTMENT: &str = "113701000041886007";

/// A folder with a root, 济南's CA and their passphrase file.
struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    fn empty() -> Self {
        let office = Self { folder: tempfile::tempdir().unwrap() };
        office.secret("pass", "correct horse battery\n");
        office
    }

    fn with_cas() -> Self {
        let office = Self::empty();
        office.ok(&["root", "init", "--domain", DOMAIN, "--out", "root", "--passphrase-file", "pass"]);
        office.city("370100", "jinan");
        office
    }

    fn city(&self, region: &str, out: &str) {
        let pass = ["--passphrase-file", "pass", "--root-passphrase-file", "pass"];
        self.ok(&[&["ca", "init", "--root", "root", "--region", region, "--out", out], &pass[..]].concat());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn run_with_input(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ca-tools"))
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The program may stop reading: that is what some tests ask for.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run_with_input(args, b"");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(&[args, &["-o", "json"]].concat())).unwrap()
    }

    /// Exit code and what it says.
    fn refused(&self, args: &[&str]) -> (i32, String) {
        self.refused_with_input(args, b"")
    }

    fn refused_with_input(&self, args: &[&str], input: &[u8]) -> (i32, String) {
        let output = self.run_with_input(args, input);
        let code = output.status.code().unwrap();
        assert_ne!(code, 0, "{args:?} should be refused");
        (code, String::from_utf8(output.stderr).unwrap())
    }

    fn issue(&self, ca: &str, profile: &str, name: &str, out: &str) -> serde_json::Value {
        self.ok(&["csr", "new", "--name", name, "--out", out]);
        let (csr, crt) = (format!("{out}.csr"), format!("{out}.crt"));
        self.json(&[
            "issue",
            "--ca",
            ca,
            "--profile",
            profile,
            "--name",
            name,
            "--csr",
            &csr,
            "--out",
            &crt,
            "--passphrase-file",
            "pass",
        ])
    }

    /// Trust key, log keys, index key, bundle.toml, signed.
    fn bundle(&self) {
        self.issue("root", "trust", "2026", "trust");
        for kind in ["events", "access"] {
            let log = ["log-key", "new", "--domain", DOMAIN, "--region", "370100", "--kind", kind, "--out", kind];
            self.ok(&log);
        }
        self.ok(&["index-key", "new", "--out", "index.key"]);
        fs::write(
            self.path("bundle.toml"),
            r#"
trust_domain = "sd.example.org"
province = "370000"
series = "2026"
number = 1
valid_days = 90
roots = ["root/ca.crt"]

[[region]]
code = "370100"
name = "济南市"
ca = ["jinan/ca.crt"]
index_key = "index.key"
node = [{ address = "127.0.0.1:7001", name = "node-1" }]
log = [{ key = "events.vkey" }, { key = "access.vkey" }]

[[custody]]
type_code = "111000000000131335500"
custodian = "370000"
"#,
        )
        .unwrap();
        self.ok(&["bundle", "build", "--config", "bundle.toml", "--out", "bundle.unsigned"]);
        let sign = ["bundle", "sign", "--in", "bundle.unsigned", "--key", "trust.key", "--cert", "trust.crt"];
        self.ok(&[&sign[..], &["--out", "bundle.pb"]].concat());
    }
}

const VERIFY: [&str; 8] =
    ["--root", "root/ca.crt", "--crl", "root/crl.pem", "--crl", "jinan/crl.pem", "--bundle", "bundle.pb"];

#[test]
fn from_the_root_to_a_withdrawn_credential() {
    let office = Office::with_cas();
    office.bundle();
    let cases = [
        ("node", "node-1", "node-server"),
        ("system", "hall", "system"),
        ("operator", "li", "operator"),
        ("document", DEPARTMENT, "document"),
    ];
    for (profile, name, purpose) in cases {
        let issued = office.issue("jinan", profile, name, profile);
        let word = if profile == "document" { "department" } else { profile };
        assert_eq!(issued["id"], format!("spiffe://{DOMAIN}/region/370100/{word}/{name}"));
        let crt = format!("{profile}.crt");
        let verified = office.json(&[&["verify", "--as", purpose], &VERIFY[..], &[&crt]].concat());
        assert_eq!(verified["result"], "ok");
    }
    let node = office.json(&["inspect", "node.crt"]);
    assert_eq!(node[0]["dns"][0], "node-1.370100.sd.example.org");
    assert_eq!(node.as_array().unwrap().len(), 2, "the credential and its CA, without the root");

    let wrong = office.refused(&[&["verify", "--as", "node-client"], &VERIFY[..], &["system.crt"]].concat());
    assert_eq!(wrong.0, 4);
    assert!(wrong.1.contains("[WRONG_KIND]"), "{}", wrong.1);

    let old_crl = office.text("jinan/crl.pem");
    let revoke = ["revoke", "--ca", "jinan", "--cert", "node.crt", "--reason", "keyCompromise"];
    let withdrawn = office.json(&[&revoke[..], &["--passphrase-file", "pass"]].concat());
    assert_eq!(withdrawn["crl_number"], 2);
    let judge = [&["verify", "--as", "node-server"], &VERIFY[..], &["node.crt"]].concat();
    let (code, said) = office.refused(&judge);
    assert_eq!(code, 4);
    assert!(said.contains("[REVOKED]") && said.contains("keyCompromise"), "{said}");

    // The old CRL beside the new one rolls nothing back.
    fs::write(office.path("old.pem"), old_crl).unwrap();
    let (code, said) =
        office.refused(&[&["verify", "--as", "node-server"], &VERIFY[..], &["--crl", "old.pem", "node.crt"]].concat());
    assert_eq!(code, 6);
    assert!(said.contains("[CRL_ROLLED_BACK]") && said.contains("number 1"), "{said}");
    // Without the root's own CRL there is no judgement.
    let only_city = ["--root", "root/ca.crt", "--crl", "jinan/crl.pem", "--bundle", "bundle.pb", "hall.crt"];
    fs::copy(office.path("system.crt"), office.path("hall.crt")).unwrap();
    let (code, said) = office.refused(&[&["verify", "--as", "system"], &only_city[..]].concat());
    assert_eq!(code, 4);
    assert!(said.contains("[CRL_MISSING]"), "{said}");

    let list = office.json(&["list", "--ca", "jinan"]);
    let withdrawn: Vec<_> = list.as_array().unwrap().iter().filter(|row| !row["withdrawn"].is_null()).collect();
    assert_eq!(withdrawn.len(), 1);
    let soon = office.json(&["list", "--ca", "jinan", "--expiring", "30d"]);
    assert_eq!(soon.as_array().unwrap().len(), 0);
}

#[test]
fn a_bundle_is_built_signed_and_judged() {
    let office = Office::with_cas();
    office.bundle();
    let shown = office.json(&["bundle", "inspect", "bundle.pb", "--root", "root/ca.crt", "--crl", "root/crl.pem"]);
    assert_eq!(shown["number"], 1);
    assert_eq!(shown["regions"][0]["nodes"][0], "127.0.0.1:7001 (node-1.370100.sd.example.org)");
    let key = shown["regions"][0]["logs"][0]["key"].as_str().unwrap();
    assert_eq!(key, office.text("events.vkey").trim());
    assert!(shown["signature"].as_str().unwrap().contains("trust/2026"), "{shown}");
    let (code, said) = office.refused(&["bundle", "inspect", "bundle.unsigned", "--root", "root/ca.crt"]);
    assert_eq!((code, said.contains("[BUNDLE_INVALID]")), (4, true), "{said}");

    // A trust credential of another root.
    let elsewhere = Office::with_cas();
    let other_root = elsewhere.path("root/ca.crt");
    let (code, said) = office.refused(&["bundle", "inspect", "bundle.pb", "--root", other_root.to_str().unwrap()]);
    assert_eq!(code, 4);
    assert!(said.contains("[BUNDLE_SIGNER]"), "{said}");

    // A city's credential does not sign bundles, nor does another key.
    office.issue("jinan", "document", DEPARTMENT, "department");
    let sign = |key: &str, cert: &str| {
        office.refused(&["bundle", "sign", "--in", "bundle.unsigned", "--key", key, "--cert", cert, "--out", "x.pb"])
    };
    assert!(sign("department.key", "department.crt").1.contains("[WRONG_KIND]"));
    assert_eq!(sign("department.key", "trust.crt").0, 5);

    // CAs behind seals, by purpose; a remark where a person should look.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange-node/seal/tests/corpus");
    fs::create_dir_all(office.path("seals/makers")).unwrap();
    fs::copy(corpus.join("ring-root.der"), office.path("seals/makers/root.der")).unwrap();
    fs::copy(corpus.join("sm2-root.der"), office.path("seals/any.crt")).unwrap();
    let with = format!("seal_trust = [\"seals\"]\n{}", office.text("bundle.toml"));
    fs::write(office.path("seals.toml"), &with).unwrap();
    let build = ["bundle", "build", "--config", "seals.toml", "--out"];
    office.ok(&[&build[..], &["seals.unsigned"]].concat());
    let shown = office.json(&["bundle", "inspect", "seals.unsigned"]);
    assert_eq!(shown["seal_trust"]["makers"], serde_json::json!(["CN=Lab Root"]));
    assert_eq!(shown["seal_trust"]["any"], serde_json::json!(["CN=Lab Root"]));
    fs::create_dir(office.path("seals/intermediates")).unwrap();
    fs::copy(office.path("hall.crt"), office.path("seals/intermediates/hall.crt")).unwrap_or_else(|_| {
        office.issue("jinan", "system", "hall", "hall");
        fs::copy(office.path("hall.crt"), office.path("seals/intermediates/hall.crt")).unwrap()
    });
    let (_, said) = office.refused(&[&build[..], &["x.unsigned"]].concat());
    assert!(said.contains("is no CA"), "{said}");
    fs::write(office.path("seals/intermediates/hall.crt"), b"0\x03no").unwrap();
    let (_, said) = office.refused(&[&build[..], &["x.unsigned"]].concat());
    assert!(said.contains("hall.crt"), "{said}");

    // Mistakes in bundle.toml say where.
    let text = office.text("bundle.toml");
    for (from, to, needle) in [
        ("valid_days", "valid_dais", "unknown field `valid_dais`"),
        ("370100\"\nname", "370200\"\nname", "a key of log sd.example.org/370100/events/1"),
        ("jinan/ca.crt", "jina/ca.crt", "no such file"),
        ("number = 1", "number = 0", "numbers begin with 1"),
    ] {
        fs::write(office.path("broken.toml"), text.replace(from, to)).unwrap();
        let (_, said) = office.refused(&["bundle", "build", "--config", "broken.toml", "--out", "x.pb"]);
        assert!(said.contains(needle), "{said}");
    }
}

#[test]
fn a_request_decides_nothing() {
    let office = Office::with_cas();
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut greedy = CertificateParams::default();
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.subject_alt_names.push(SanType::DnsName("bank.example.org".try_into().unwrap()));
    let foreign = format!("spiffe://{DOMAIN}/region/370200/node/node-1");
    greedy.subject_alt_names.push(SanType::URI(foreign.as_str().try_into().unwrap()));
    let request = greedy.serialize_request(&key).unwrap();
    fs::write(office.path("greedy.csr"), request.der()).unwrap();
    let issue = |csr: &str| {
        vec!["issue", "--ca", "jinan", "--profile", "node", "--name", "node-1", "--csr", csr, "--out", "out.crt"]
            .into_iter()
            .chain(["--passphrase-file", "pass"])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let args = issue("greedy.csr");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    office.ok(&args);
    let shown = office.json(&["inspect", "out.crt"]);
    assert_eq!(shown[0]["kind"], "node");
    assert_eq!(shown[0]["id"], format!("spiffe://{DOMAIN}/region/370100/node/node-1"));
    assert_eq!(shown[0]["dns"], serde_json::json!(["node-1.370100.sd.example.org"]));
    fs::remove_file(office.path("out.crt")).unwrap();

    // Another key under the same signature: no proof of possession.
    let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut swapped = request.der().to_vec();
    let at = swapped.windows(65).position(|window| window == key.public_key_raw()).unwrap();
    swapped[at..at + 65].copy_from_slice(other.public_key_raw());
    fs::write(office.path("swapped.csr"), swapped).unwrap();
    fs::write(office.path("rsa.csr"), include_bytes!("rsa2048.csr")).unwrap();
    let journal = office.text("jinan/journal.jsonl");
    for (csr, code, needle) in [
        ("swapped.csr", 4, "not signed by the key in it"),
        ("rsa.csr", 5, "P-256, P-384 or Ed25519 is needed"),
        ("pass", 2, "no PEM block"),
        ("nowhere.csr", 3, "no such file"),
    ] {
        let args = issue(csr);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (found, said) = office.refused(&args);
        assert_eq!(found, code, "{said}");
        assert!(said.contains(needle), "{said}");
    }
    let args = issue("-");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (code, said) = office.refused_with_input(&args, &vec![b'A'; 10 * 1024 * 1024]);
    assert_eq!(code, 5);
    assert!(said.contains("more than 65536 bytes"), "{said}");
    assert_eq!(office.text("jinan/journal.jsonl"), journal, "refused requests use up no serial");
}

/// Names become parts of identities, of DNS names and of nothing else: what a path, a terminal or another name could be
/// made of is refused, and no file appears anywhere.
#[test]
fn names_that_are_paths_or_commands_are_refused() {
    let office = Office::with_cas();
    office.ok(&["csr", "new", "--name", "a", "--out", "a"]);
    let before = tree(office.folder.path());
    let long = "x".repeat(300);
    let names = [
        "../../etc/cron.d/x",
        "/etc/passwd",
        "..",
        "",
        "Node-1",
        "node.1",
        "node 1",
        "-rf",
        "%2e%2e",
        "\u{202e}1-edon",
        "node\n1",
        "\u{1b}[2J",
        "济南",
        long.as_str(),
    ];
    for profile in ["node", "system", "operator"] {
        for name in names {
            let name = format!("--name={name}");
            let issue = ["issue", "--ca", "jinan", "--profile", profile, &name, "--csr", "a.csr", "--out", "x.crt"];
            let (code, said) = office.refused(&[&issue[..], &["--passphrase-file", "pass"]].concat());
            assert!(code == 2 || code == 5, "{name:?}: {code}, {said}");
            assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
            assert_eq!(tree(office.folder.path()), before, "{name:?} left a file");
        }
    }
    for region in ["../370100", "37010", "370100/..", "济南", "999999\n"] {
        let init = ["ca", "init", "--root", "root", "--region", region, "--out", "y", "--passphrase-file", "pass"];
        let (code, said) = office.refused(&[&init[..], &["--root-passphrase-file", "pass"]].concat());
        assert!(code == 2 || code == 5, "{region:?}: {code}, {said}");
        assert_eq!(tree(office.folder.path()), before, "{region:?} left a file");
    }
}

#[test]
fn secrets_and_what_is_never_overwritten() {
    let office = Office::with_cas();
    let key = office.text("jinan/ca.key");
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{}", &key[..40]);
    let mode = |name: &str| fs::metadata(office.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("jinan/ca.key"), 0o600);

    let again = ["root", "init", "--domain", DOMAIN, "--out", "root", "--passphrase-file", "pass"];
    let (code, said) = office.refused(&again);
    assert_eq!((code, said.contains("exists already")), (6, true), "{said}");
    office.ok(&["csr", "new", "--name", "a", "--out", "a"]);
    assert_eq!(mode("a.key"), 0o600);
    let before = office.text("a.key");
    assert_eq!(office.refused(&["csr", "new", "--name", "a", "--out", "a"]).0, 6);
    assert_eq!(office.text("a.key"), before);
    office.ok(&["store-key", "new", "--out", "store.key"]);
    assert_eq!(mode("store.key"), 0o600);
    assert_eq!(office.refused(&["store-key", "new", "--out", "store.key"]).0, 6);

    let crl = ["crl", "issue", "--ca", "jinan", "--passphrase-file", "pass"];
    office.secret("wrong", "another passphrase");
    let (code, said) = office.refused(&["crl", "issue", "--ca", "jinan", "--passphrase-file", "wrong"]);
    assert_eq!((code, said.contains("does not open this key")), (4, true), "{said}");
    office.secret("short", "short");
    assert_eq!(office.refused(&["crl", "issue", "--ca", "jinan", "--passphrase-file", "short"]).0, 5);
    for name in ["jinan/ca.key", "pass"] {
        fs::set_permissions(office.path(name), fs::Permissions::from_mode(0o640)).unwrap();
        let (code, said) = office.refused(&crl);
        assert_eq!(code, 4);
        assert!(said.contains("has mode 640") && said.contains("chmod 600"), "{said}");
        fs::set_permissions(office.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(office.refused(&["crl", "issue", "--ca", "jinan"]).0, 2, "no terminal to ask");
    let next: serde_json::Value = office.json(&crl);
    assert_eq!(next["number"], 2);
    office.ok(&["crl", "inspect", "jinan/crl.pem", "--ca-cert", "jinan/ca.crt"]);
    assert_eq!(office.refused(&["crl", "inspect", "jinan/crl.pem", "--ca-cert", "root/ca.crt"]).0, 11);
}

#[test]
fn dry_runs_leave_no_trace() {
    let office = Office::with_cas();
    office.ok(&["csr", "new", "--name", "a", "--out", "a"]);
    let before = tree(office.folder.path());
    let issue = ["issue", "--ca", "jinan", "--profile", "system", "--name", "hall", "--csr", "a.csr", "--out", "x.crt"];
    let said = office.ok(&[&issue[..], &["--passphrase-file", "pass", "--dry-run"]].concat());
    assert!(said.contains("spiffe://sd.example.org/region/370100/system/hall"), "{said}");
    office.ok(&["crl", "issue", "--ca", "jinan", "--passphrase-file", "pass", "--dry-run"]);
    office.ok(&["root", "init", "--domain", DOMAIN, "--out", "x", "--passphrase-file", "pass", "--dry-run"]);
    let log = ["log-key", "new", "--domain", DOMAIN, "--region", "370100", "--kind", "events", "--out", "x"];
    for (made, files) in [
        (&["csr", "new", "--name", "b", "--out", "x"][..], 2),
        (&log[..], 2),
        (&["index-key", "new", "--out", "x"][..], 1),
        (&["store-key", "new", "--out", "x"][..], 1),
    ] {
        let said = office.json(&[made, &["--dry-run"]].concat());
        assert_eq!(said["would_make"].as_array().unwrap().len(), files, "{made:?}: {said}");
        // What is there already is refused, as without.
        let there = [&made[..made.len() - 1], &["there", "--dry-run"]].concat();
        for name in ["there", "there.key"] {
            fs::write(office.path(name), "").unwrap();
        }
        assert_eq!(office.refused(&there).0, 6, "{made:?}");
        for name in ["there", "there.key"] {
            fs::remove_file(office.path(name)).unwrap();
        }
    }
    assert_eq!(tree(office.folder.path()), before);
}

#[test]
fn a_ceremony_record_and_a_version() {
    let office = Office::with_cas();
    let record: serde_json::Value = serde_json::from_str(&office.text("root/ceremony.json")).unwrap();
    assert_eq!(record["fingerprint"], record["fingerprint_again"]);
    assert_eq!(office.ok(&["--version"]), concat!("ca-tools ", env!("CARGO_PKG_VERSION"), "\n"));
    assert!(office.ok(&["--help"]).starts_with("Examples:"));
}

/// Names and contents.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(tree(&path)) } else { found.push((path.clone(), fs::read(&path).unwrap())) }
    }
    found.sort();
    found
}
