//! Configurations that are none: each says what is wrong and where; nothing is taken of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use std::path::Path;

fn sample() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/config/node.toml");
    std::fs::read_to_string(path).unwrap()
}

fn refused(text: &str, overrides: &[(&str, &str)]) -> String {
    let overrides = overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse(text, overrides).expect_err("refused").to_string()
}

#[test]
fn values_of_another_kind_are_named_with_their_key() {
    let sample = sample();
    for (from, to, needed) in [
        ("region = \"370100\"", "region = 370100", "expected a string"),
        ("region = \"370100\"", "region = \"37010\"", "six digits"),
        ("region = \"370100\"", "region = \"37010０\"", "six digits"),
        ("heartbeat_seconds = 5", "heartbeat_seconds = \"5\"", "expected u32"),
        ("heartbeat_seconds = 5", "heartbeat_seconds = -5", "expected u32"),
        ("heartbeat_seconds = 5", "heartbeat_seconds = 5.5", "expected u32"),
        ("heartbeat_seconds = 5", "heartbeat_seconds = 4294967296", "expected u32"),
        ("heartbeat_seconds = 5", "heartbeat_seconds = 0", "at least one second"),
        ("refused_records_per_hour = 3600", "refused_records_per_hour = 0", "is at least one"),
        ("format = \"json\"", "format = \"yaml\"", "unknown variant `yaml`"),
        ("lookup = true", "lookup = \"yes\"", "expected a boolean"),
        ("types = [\"*\"]", "types = \"*\"", "expected a sequence"),
        ("grpc = ", "grpc = \"nowhere\" #", "invalid socket address"),
    ] {
        assert!(sample.contains(from), "{from}");
        let error = refused(&sample.replacen(from, to, 1), &[]);
        assert!(error.contains(needed), "{to}: {error}");
    }
}

#[test]
fn texts_that_are_no_toml_say_the_line() {
    for (text, needed) in [
        ("[node\n", "unclosed table"),
        ("[node]\nregion = \"370100\nname = \"x\"\n", "line 2"),
        ("[node]\nregion = \"370100\"\nregion = \"370200\"\n", "duplicate key"),
        ("[node]\n[node]\n", "duplicate key"),
        ("region\n", "line 1"),
        ("\0", "line 1"),
        ("", "missing field `node`"),
        ("[node]\nregion = \"370100\"\n", "missing field `name`"),
    ] {
        let error = refused(text, &[]);
        assert!(error.contains(needed), "{text:?}: {error}");
    }
}

#[test]
fn overrides_are_held_to_the_same_rules() {
    let sample = sample();
    for (name, value, needed) in [
        ("EXCHANGE__LIMITS__MESAGE_BYTES", "1", "did you mean `message_bytes`?"),
        ("EXCHANGE__LIMITS__MESSAGE_BYTES", "many", "expected usize"),
        ("EXCHANGE__NODE__REGION", "370100", "expected a string"),
        ("EXCHANGE__NODE__REGION__MORE", "1", "EXCHANGE__SECTION__KEY"),
        ("EXCHANGE__NODE", "1", "expected struct"),
        ("EXCHANGE__", "1", "unknown field ``"),
        ("EXCHANGE__FRESHNESS__HEARTBEAT_SECONDS", "0", "at least one second"),
    ] {
        let error = refused(&sample, &[(name, value)]);
        assert!(error.contains(needed), "{name}={value}: {error}");
    }
    let taken = [("EXCHANGE__NODE__REGION", "\"370200\""), ("PATH", "[not ours]"), ("EXCHANGE", "1")];
    let taken = taken.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    assert_eq!(parse(&sample, taken).unwrap().node.region.as_str(), "370200");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    let error = |path: &Path| load(path, []).expect_err("refused").to_string();
    assert!(error(&path).contains("node.toml: No such file"), "{}", error(&path));
    assert!(error(folder.path()).contains("directory"), "{}", error(folder.path()));
    std::fs::write(&path, b"[node]\nregion = \"\xFF\xFE\"\n").unwrap();
    assert!(error(&path).contains("valid UTF-8"), "{}", error(&path));
    std::fs::write(&path, "#".repeat(2 << 20)).unwrap();
    assert!(error(&path).contains("more than 1048576 bytes"), "{}", error(&path));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// A changed sample is a configuration, or has a reason.
    #[test]
    fn a_changed_sample_is_answered(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..5), cut in any::<prop::sample::Index>(), whole in any::<bool>()) {
        let mut text: Vec<char> = sample().chars().collect();
        for (place, character) in places {
            let at = place.index(text.len());
            text[at] = character;
        }
        if !whole {
            text.truncate(cut.index(text.len()));
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = parse(&text, []) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
