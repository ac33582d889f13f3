#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

/// The vectors of exchange-seal.
fn corpus(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seal/tests/corpus").join(name)
}

/// A folder with the root that belongs to them.
fn pinned(profile: &str, below: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join(below);
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(corpus(&format!("{profile}-root.der")), to.join("root.der")).unwrap();
    folder
}

fn arguments(file: &str, anchors: &Path) -> VerifyArgs {
    VerifyArgs {
        file: corpus(file),
        anchors: anchors.to_owned(),
        crls: vec![corpus("sm2-root.crl"), corpus("ring-root.crl")],
        signers: Vec::new(),
        without_crl: false,
        at: Some(moment("2026-11-25T00:00:00Z").unwrap()),
    }
}

#[test]
fn exit_codes_follow_the_verdict() {
    for profile in ["sm2", "ring"] {
        let folder = pinned(profile, "");
        for (name, expected) in [
            ("v1.ofd", Exit::Ok),
            ("v4.ofd", Exit::Ok),
            ("v5-time-stamps.ofd", Exit::Ok),
            ("sign-gbt-35275.ofd", Exit::Ok),
            ("v5.esl", Exit::Ok),
            ("altered.ofd", Exit::CheckFailed),
            ("not-covered.ofd", Exit::CheckFailed),
            ("blank.ofd", Exit::Usage),
        ] {
            for format in [Format::Table, Format::Json] {
                let found = judge(&arguments(&format!("{profile}-{name}"), folder.path()), format).unwrap();
                assert_eq!(found, expected, "{profile}-{name}");
            }
        }
    }
    let other = pinned("ring", "");
    assert_eq!(judge(&arguments("sm2-v4.ofd", other.path()), Format::Table).unwrap(), Exit::Identity);
    let folder = pinned("sm2", "");
    let mut without = arguments("sm2-v4.ofd", folder.path());
    without.crls.clear();
    assert_eq!(judge(&without, Format::Table).unwrap(), Exit::Warnings);
    without.without_crl = true;
    assert_eq!(judge(&without, Format::Table).unwrap(), Exit::Ok);
}

#[test]
fn anchors_count_for_their_purpose() {
    let folder = pinned("sm2", "makers");
    assert_eq!(judge(&arguments("sm2-v4.esl", folder.path()), Format::Table).unwrap(), Exit::Ok);
    // The signer needs one too.
    assert_eq!(judge(&arguments("sm2-v4.ofd", folder.path()), Format::Table).unwrap(), Exit::Identity);
    std::fs::create_dir(folder.path().join("signers")).unwrap();
    std::fs::copy(corpus("sm2-root.der"), folder.path().join("signers/root.cer")).unwrap();
    assert_eq!(judge(&arguments("sm2-v4.ofd", folder.path()), Format::Table).unwrap(), Exit::Ok);
    assert_eq!(judge(&arguments("sm2-v5-time-stamps.ofd", folder.path()), Format::Table).unwrap(), Exit::Identity);
}

#[test]
fn what_cannot_be_used() {
    let empty = tempfile::tempdir().unwrap();
    let failure = judge(&arguments("sm2-v4.ofd", empty.path()), Format::Table).unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    assert!(failure.to_string().contains("nobody would be believed"), "{failure}");
    let folder = pinned("sm2", "");
    let failure = judge(&arguments("no-such.ofd", folder.path()), Format::Table).unwrap_err();
    assert_eq!(failure.exit(), Exit::NotFound);
    std::fs::write(folder.path().join("broken.der"), b"0\x03no").unwrap();
    let failure = judge(&arguments("sm2-v4.ofd", folder.path()), Format::Table).unwrap_err();
    assert_eq!(failure.exit(), Exit::Identity);
    assert!(failure.to_string().contains("broken.der"), "{failure}");
}

#[test]
fn json_has_the_words_of_verdict_and_steps() {
    let folder = pinned("sm2", "");
    let args = arguments("sm2-altered.ofd", folder.path());
    let anchors = anchors(&args.anchors).unwrap();
    let crls = Crls::new(crls(&args.crls).unwrap());
    let basis = Basis {
        anchors: &anchors,
        crls: &crls,
        signers: &[],
        now: args.at.unwrap(),
        crl_grace_ms: 0,
        without_crl: false,
        limits: Limits::DEFAULT,
    };
    let value = report_value(&verify(File::open(&args.file).unwrap(), &basis));
    assert_eq!(value["verdict"], "ALTERED");
    let signature = &value["signatures"][0];
    let steps: Vec<&str> = signature["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["STRUCTURE", "SEAL", "SIGNATURE", "TIME_STAMP", "REFERENCES"]);
    assert_eq!(signature["steps"][1]["verdict"], "VALID");
    assert_eq!(signature["steps"][3]["verdict"], Value::Null);
    assert_eq!(signature["steps"][4]["verdict"], "ALTERED");
    assert_eq!(signature["seal"]["standard"], "GB/T 38540-2020");
    assert_eq!(signature["seal"]["is_national"], true);
}

#[test]
fn show_tells_without_judging() {
    for name in ["sm2-v4.ofd", "sm2-altered.ofd", "ring-two-seals.ofd"] {
        assert_eq!(show::run(&corpus(name), Format::Table).unwrap(), Exit::Ok);
        assert_eq!(show::run(&corpus(name), Format::Json).unwrap(), Exit::Ok);
    }
    assert_eq!(show::run(&corpus("sm2-v4.esl"), Format::Table).unwrap_err().exit(), Exit::Usage);
}
