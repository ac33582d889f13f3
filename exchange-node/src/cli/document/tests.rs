#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::practice;
use exchange_core::region::Region;
use std::path::Path;

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
        anchors: Some(anchors.to_owned()),
        bundle: None,
        roots: Vec::new(),
        root_crls: Vec::new(),
        crls: vec![corpus("sm2-root.crl"), corpus("ring-root.crl")],
        signers: Vec::new(),
        certificate: None,
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

/// What is believed, at the moment of the arguments.
fn basis<'a>(args: &VerifyArgs, anchors: &'a Anchors, crls: &'a Crls) -> Basis<'a> {
    Basis {
        anchors,
        crls,
        signers: &[],
        now: args.at.unwrap(),
        crl_grace_ms: 0,
        without_crl: args.without_crl,
        limits: Limits::DEFAULT,
    }
}

#[test]
fn json_has_the_words_of_verdict_and_steps() {
    let folder = pinned("sm2", "");
    let args = arguments("sm2-altered.ofd", folder.path());
    let (anchors, _) = believed(&args, args.at.unwrap()).unwrap();
    let crls = Crls::new(seal_trust::crls(&args.crls[0]).unwrap());
    let value = report_value(&verify(File::open(&args.file).unwrap(), &basis(&args, &anchors, &crls)));
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

/// A bundle of the practice province with the CA of the vectors in it.
#[test]
fn a_bundle_says_who_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("province");
    let regions = vec![Region::parse("370000").unwrap()];
    let options = practice::Options { regions, kafka: None, more_config: String::new() };
    let mut province = practice::Practice::create(&at, options).unwrap();
    let by = |roots: &Path, file: &str| {
        let mut args = arguments(file, Path::new(""));
        (args.anchors, args.bundle) = (None, Some(at.join("bundle.pb")));
        (args.roots, args.root_crls) = (vec![roots.to_owned()], vec![at.join("crls.pem")]);
        judge(&args, Format::Json)
    };
    let root = at.join("root.pem");
    let failure = by(&root, "sm2-v4.ofd").unwrap_err();
    assert!(failure.to_string().contains("names no CA behind seals"), "{failure}");
    let der = std::fs::read(corpus("sm2-root.der")).unwrap();
    province.next_bundle(|bundle| bundle.seal_trust.makers.push(der.clone())).unwrap();
    assert_eq!(by(&root, "sm2-v4.esl").unwrap(), Exit::Ok);
    assert_eq!(by(&root, "sm2-v4.ofd").unwrap(), Exit::Identity, "the signer needs one too");
    province.next_bundle(|bundle| bundle.seal_trust.signers.push(der)).unwrap();
    assert_eq!(by(&root, "sm2-v4.ofd").unwrap(), Exit::Ok);
    // Another province's root does not vouch for it.
    let other = folder.path().join("other");
    let options =
        practice::Options { regions: vec![Region::parse("370000").unwrap()], kafka: None, more_config: String::new() };
    practice::Practice::create(&other, options).unwrap();
    assert_eq!(by(&other.join("root.pem"), "sm2-v4.ofd").unwrap_err().exit(), Exit::Identity);
}

#[test]
fn show_tells_without_judging() {
    for name in ["sm2-v4.ofd", "sm2-altered.ofd", "ring-two-seals.ofd"] {
        assert_eq!(show::run(&corpus(name), Format::Table).unwrap(), Exit::Ok);
        assert_eq!(show::run(&corpus(name), Format::Json).unwrap(), Exit::Ok);
    }
    assert_eq!(show::run(&corpus("sm2-v4.esl"), Format::Table).unwrap_err().exit(), Exit::Usage);
}

/// Page ids of the vectors are no places: a reader counts pages from 1.
#[test]
fn a_page_is_told_by_its_place() {
    let folder = pinned("sm2", "");
    let args = VerifyArgs { without_crl: true, ..arguments("sm2-v4.ofd", folder.path()) };
    let ((anchors, _), crls) = (believed(&args, args.at.unwrap()).unwrap(), Crls::default());
    let mut report = verify(File::open(&args.file).unwrap(), &basis(&args, &anchors, &crls));
    let pages = PageNumbers::read(File::open(&args.file).unwrap());
    let signature = &mut report.signatures[0];
    let (id, boundary) = (signature.places[0].page.clone(), signature.places[0].boundary_mm.clone());
    assert_eq!(pages.seen_on(signature), format!("page 1 at {boundary} mm"));
    signature.places[0].page = format!("{id}0");
    assert_eq!(pages.seen_on(signature), format!("page id {id}0 at {boundary} mm"));
    assert_eq!(PageNumbers::default().seen_on(signature), format!("page id {id}0 at {boundary} mm"));
}

/// What the help shows is what the program takes.
#[test]
fn the_values_of_the_help_make_a_licence() {
    let (_, values) = render::EXAMPLES.split_once("(长期):\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("values.json"), values).unwrap();
    for out in ["licence.ofd", "licence.svg"] {
        let args = render::RenderArgs::new("business-licence", &file("values.json"), &file(out));
        assert_eq!(render::run(&args, Format::Json).unwrap(), Exit::Ok, "{out}");
        assert!(std::fs::metadata(file(out)).unwrap().len() > 1_000, "{out}");
    }
    // Without the holder's code it is none.
    let without = values.replace("\"CZZTDM\": \"91379999MA0000001T\", ", "");
    assert_ne!(without, values);
    std::fs::write(file("values.json"), without).unwrap();
    let args = render::RenderArgs::new("business-licence", &file("values.json"), &file("other.ofd"));
    let failure = render::run(&args, Format::Json).unwrap_err();
    assert!(failure.to_string().contains("CZZTDM"), "{failure}");
}
