//! Seals made by ca-tools, documents stamped by the program as an operator types it.

use crate::programs;
use ca_tools::{
    files, keyfile,
    seals::{SealCa, SealOrder, SealProfile, make_seal},
    seams,
};
use exchange_core::spiffe::TrustDomain;
use exchange_seal::{
    algorithm::Algorithm,
    make::{Credential, PrivateKey},
    ses::Version,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A picture of one point.
pub fn picture() -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    STANDARD.decode(text).unwrap()
}

/// An authority, a maker and two offices with a seal each, as files of a folder: `anchors/ca.crt`, `ca.crl`,
/// `signer.key`, `signer.crt`, `seal.esl`, `other.key`, `other.crt`, `other.esl`.
pub struct Offices {
    folder: PathBuf,
}

impl Offices {
    /// `algorithm`: `sm2` or `ed25519`.
    pub fn make(below: &Path, algorithm: &str, name: &str) -> Self {
        let folder = below.join(name);
        fs::create_dir_all(folder.join("anchors")).unwrap();
        let algorithm = if algorithm == "sm2" { Algorithm::Sm2Sm3 } else { Algorithm::Ed25519 };
        let now_ms = seams::now_ms();
        let domain = TrustDomain::parse("sd.example.org").unwrap();
        let mut ca = SealCa::new(&domain, algorithm, SealCa::OPTIONS, now_ms).unwrap();
        let offices = Self { folder };
        let maker = offices.credential(&mut ca, SealProfile::Maker, "maker", now_ms);
        for (who, file, version) in [("signer", "seal.esl", Version::V4), ("other", "other.esl", Version::V4)] {
            let signer = offices.credential(&mut ca, SealProfile::Signer, who, now_ms);
            let order = SealOrder {
                version,
                id: "37010000000001".to_owned(),
                name: format!("{who} 测试章"),
                kind: 1,
                signers: vec![signer.certificate().clone()],
                by_digest: false,
                picture: picture(),
                size_mm: (40, 40),
                days: 30,
            };
            fs::write(offices.path(file), make_seal(&order, &maker, None, now_ms).unwrap()).unwrap();
        }
        fs::write(offices.path("anchors/ca.crt"), ca.certificate_pem()).unwrap();
        fs::write(offices.path("ca.crl"), files::pem(files::CRL, ca.crl().unwrap())).unwrap();
        offices
    }

    fn credential(&self, ca: &mut SealCa, profile: SealProfile, name: &str, now_ms: u64) -> Credential {
        let key = PrivateKey::generate(ca.algorithm(), &seams::rng()).unwrap();
        let issued = ca.issue(profile, name, key.public(), None, now_ms).unwrap();
        keyfile::write(&self.path(&format!("{name}.key")), &key.to_pkcs8().unwrap(), None).unwrap();
        fs::write(self.path(&format!("{name}.crt")), issued.pem()).unwrap();
        Credential::new(key, &issued.certificate.der).unwrap()
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    pub fn text(&self, file: &str) -> String {
        self.path(file).to_str().unwrap().to_owned()
    }

    /// Arguments of `document stamp` for the first office.
    pub fn stamp(&self, document: &str, out: &str) -> Vec<&'static str> {
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        vec![
            leak(document.to_owned()),
            "--seal",
            leak(self.text("seal.esl")),
            "--key",
            leak(self.text("signer.key")),
            "--certificate",
            leak(self.text("signer.crt")),
            "--at",
            "1,140,200,40,40",
            "--out",
            leak(out.to_owned()),
        ]
    }

    /// `document stamp` by an office's seal; its exit code and what it said.
    pub fn stamped(&self, document: &Path, who: &str, out: &Path, more: &[&str]) -> (i32, Value) {
        let seal = if who == "signer" { "seal.esl" } else { "other.esl" };
        let (key, certificate) = (self.text(&format!("{who}.key")), self.text(&format!("{who}.crt")));
        let file = |path: &Path| path.to_str().unwrap().to_owned();
        let (document, out) = (file(document), file(out));
        let seal = self.text(seal);
        let args = ["document", "stamp", &document, "--seal", &seal, "--key", &key, "--certificate", &certificate];
        said(&[&args[..], &["--out", &out, "-o", "json"], more].concat())
    }

    /// `document verify` by this authority.
    pub fn judged(&self, document: &Path) -> (i32, Value) {
        let (anchors, crl) = (self.text("anchors"), self.text("ca.crl"));
        let document = document.to_str().unwrap();
        said(&["document", "verify", document, "--anchors", &anchors, "--crl", &crl, "-o", "json"])
    }
}

/// Runs the node's program; on failure what is given is the error.
fn said(args: &[&str]) -> (i32, Value) {
    let output = Command::new(programs::node()).args(args).output().unwrap();
    let code = output.status.code().unwrap();
    let text = String::from_utf8(if output.stdout.is_empty() { output.stderr } else { output.stdout }).unwrap();
    let last = if text.trim_start().starts_with("{\"error\"") { text.lines().last().unwrap() } else { &text };
    (code, serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// A document without a signature, in the corpus of exchange-seal.
pub fn unsigned() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange-node/seal/tests/corpus/unsigned.ofd")
}

#[test]
fn a_document_is_stamped_twice_and_verified() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for algorithm in ["sm2", "ed25519"] {
        let offices = Offices::make(folder.path(), algorithm, algorithm);
        let (once, twice) = (offices.path("once.ofd"), offices.path("twice.ofd"));
        let (code, made) = offices.stamped(&unsigned(), "signer", &once, &["--at", "1,140,200,40,40"]);
        assert_eq!((code, &made["signature"]), (0, &"s001".into()), "{made}");
        let (code, made) = offices.stamped(&once, "other", &twice, &["--at", "1,20,200,40,40"]);
        assert_eq!((code, &made["signature"], &made["is_national"]), (0, &"s002".into(), &(algorithm == "sm2").into()));
        let (code, judged) = offices.judged(&twice);
        assert_eq!((code, &judged["verdict"]), (0, &"VALID".into()), "{judged}");
        assert_eq!(judged["signatures"].as_array().unwrap().len(), 2);
        assert_eq!(judged["signatures"][1]["places"][0]["boundary_mm"], "20 200 40 40");
    }
}

#[test]
fn what_is_refused_leaves_no_file() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let offices = Offices::make(folder.path(), "sm2", "seals");
    let out = offices.path("out.ofd");
    let at = ["--at", "1,140,200,40,40"];
    let files = || fs::read_dir(offices.path("")).unwrap().count();
    let before = files();
    let refused = |document: &Path, more: &[&str], code: i32, reason: &str| {
        let (found, error) = offices.stamped(document, "signer", &out, more);
        let message = error["error"]["message"].as_str().unwrap_or_default();
        assert!(found == code && message.contains(reason), "{code} {reason}: {found} {error}");
        assert_eq!(files(), before, "{reason}: a file was left");
    };
    let document = unsigned();
    refused(&document, &["--at", "9,140,200,40,40"], 2, "there is no page 9");
    refused(&document, &["--at", "1,140,200"], 2, "five numbers are needed");
    refused(&offices.path("none.ofd"), &at, 3, "none.ofd");
    refused(&offices.path("seal.esl"), &at, 2, "not a sound ZIP archive");
    refused(&document, &[&at[..], &["--signed-at", "2020-01-01T00:00:00Z"]].concat(), 5, "the seal counts from");
    refused(&document, &[&at[..], &["--document", "2"]].concat(), 2, "1 documents, and number 1 is asked for");
    fs::copy(offices.path("other.key"), offices.path("signer.key")).unwrap();
    refused(&document, &at, 4, "the private key is not the one of the certificate");
    fs::copy(offices.path("other.crt"), offices.path("signer.crt")).unwrap();
    refused(&document, &at, 4, "does not list the signer");
    fs::write(&out, "mine").unwrap();
    let (code, error) = offices.stamped(&document, "other", &out, &at);
    assert_eq!((code, fs::read(&out).unwrap().as_slice()), (6, &b"mine"[..]), "{error}");
}
