//! The sample configuration is complete, has the defaults, and is accepted; the reference names every key and metric.

use super::{file, text};
use exchange_node::config::{self, Config, Copies, Freshness, Limits, Telemetry};
use toml::{Table, Value};

const SAMPLE: &str = "deploy/sample/config/node.toml";
const REFERENCE: &str = "docs/OPERATING.md";
/// No key of any section.
const UNKNOWN: &str = "0";

fn parsed(text: &str) -> Result<Config, String> {
    config::parse(text, []).map_err(|error| error.to_string())
}

/// The keys that a section of the sample may have, as the deserializer says when it meets an unknown one; `None` for a
/// section whose keys are free (departments, systems).
fn allowed(sample: &Table, path: &[String]) -> Option<Vec<String>> {
    let mut changed = sample.clone();
    let section = path.iter().fold(&mut changed, |at, part| at[part.as_str()].as_table_mut().unwrap());
    section.insert(UNKNOWN.to_owned(), Value::Boolean(true));
    let error = parsed(&changed.to_string()).expect_err("an unknown key");
    let (_, expected) = error.split_once("unknown field `0`")?;
    let expected = expected.lines().next().unwrap_or_default();
    Some(expected.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Every section of the sample, the whole file first.
fn sections(table: &Table, path: &[String]) -> Vec<Vec<String>> {
    let mut found = vec![path.to_vec()];
    for (key, value) in table {
        if let Value::Table(inner) = value {
            found.extend(sections(inner, &[path, std::slice::from_ref(key)].concat()));
        }
    }
    found
}

fn keys() -> Vec<(Vec<String>, Vec<String>)> {
    let sample: Table = text(SAMPLE).parse().unwrap();
    let sections = sections(&sample, &[]);
    sections.into_iter().filter_map(|path| Some((path.clone(), allowed(&sample, &path)?))).collect()
}

#[test]
fn the_sample_is_accepted_and_its_paths_resolve() {
    let config = config::load(&file(SAMPLE), []).unwrap();
    assert_eq!(config.identity.key, file("deploy/sample/config/keys/node.key"));
    assert_eq!(config.node.data.to_str(), Some("/var/lib/exchange-node"));
}

#[test]
fn the_sample_has_every_key() {
    let sample: Table = text(SAMPLE).parse().unwrap();
    let keys = keys();
    assert!(keys.len() > 10, "sections found: {}", keys.len());
    for (path, allowed) in keys {
        let section = path.iter().fold(&sample, |at, part| at[part.as_str()].as_table().unwrap());
        assert!(!allowed.is_empty(), "[{}]", path.join("."));
        for key in allowed {
            assert!(section.contains_key(&key), "{SAMPLE} lacks {key} in [{}]", path.join("."));
        }
    }
}

#[test]
fn the_sample_has_the_defaults() {
    let config = parsed(&text(SAMPLE)).unwrap();
    assert_eq!(config.freshness, Freshness::default());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.licences.copies, Copies::default());
    assert_eq!(config.telemetry, Telemetry::default());
    // Those that stand in sections with required keys: left out, they come back.
    let mut sample: Table = text(SAMPLE).parse().unwrap();
    for (section, key) in [("node", "environment"), ("node", "alone"), ("trust", "crl_grace_hours")] {
        sample[section].as_table_mut().unwrap().remove(key).expect("a key of the sample");
    }
    assert_eq!(parsed(&sample.to_string()).unwrap(), config);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    for (known, misspelt) in [("message_bytes", "mesage_bytes"), ("heartbeat_seconds", "heartbeat_second")] {
        let sample = text(SAMPLE).replace(&format!("\n{known} ="), &format!("\n{misspelt} ="));
        let error = parsed(&sample).unwrap_err();
        assert!(error.contains(&format!("unknown field `{misspelt}`")), "{error}");
        assert!(error.contains(&format!("did you mean `{known}`?")), "{error}");
    }
}

#[test]
fn contradictions_are_named() {
    let sample = text(SAMPLE);
    for (from, to, needed) in [
        ("[departments.11370100MB2857833B", "[departments.11370100MB28578330", "departments.11370100MB28578330"),
        ("[departments.11370100MB2857833B", "[departments.11370100MB2848563W", "systems.approval acts for"),
        ("11100000MB0143028R001 =", "111 =", "licences.templates.111: "),
        ("\ndays = 7\n", "\ndays = 31\n", "licences.copies.days is 31, 1 to 30"),
        ("\ndays = 7\n", "\ndays = 0\n", "licences.copies.days is 0, 1 to 30"),
        ("kept_days = 90", "kept_days = 3651", "licences.copies.kept_days is 3651"),
        ("types = [\"*\"]", "types = []", "systems.approval has departments and no types"),
        ("stale_after_seconds = 60", "stale_after_seconds = 9", "less than two heartbeats"),
        ("key = \"keys/kafka.key\"\n", "", "kafka.certificate and kafka.key go together"),
    ] {
        assert!(sample.contains(from), "{from}");
        let error = parsed(&sample.replace(from, to)).unwrap_err();
        assert!(error.contains(needed), "{error}");
    }
}

#[test]
fn the_reference_names_every_key() {
    let reference = text(REFERENCE);
    for (path, allowed) in keys() {
        let sample: Table = text(SAMPLE).parse().unwrap();
        let section = path.iter().fold(&sample, |at, part| at[part.as_str()].as_table().unwrap());
        for key in allowed.iter().filter(|key| !section[key.as_str()].is_table()) {
            assert!(reference.contains(&format!("| `{key}` |")), "{REFERENCE} lacks {key} of [{}]", path.join("."));
        }
    }
}

#[test]
fn the_reference_names_every_metric() {
    let (reference, source) = (text(REFERENCE), text("exchange-node/src/telemetry.rs"));
    let metrics: Vec<&str> = source.split('"').filter(|word| word.starts_with("exchange_")).collect();
    assert!(metrics.len() > 10, "metrics found: {}", metrics.len());
    for metric in metrics {
        assert!(reference.contains(&format!("`{metric}`")), "{REFERENCE} lacks {metric}");
    }
}
