//! Everything under `deploy/` that a program reads is read here: profile, `bundle.toml`, the systemd unit, Kafka's settings.

use super::{file, text};
use ca_tools::{
    Ca, Scope,
    bundle::BundleConfig,
    files::{PUBLIC, SECRET, write_new},
    keys, seams,
};
use exchange_core::{checkpoint::LogKind, region::Region, spiffe::TrustDomain};
use exchange_node::{cli, config, kafka::MAX_RECORD_BYTES};
use std::{collections::BTreeMap, path::Path, process::Command};
use toml::Table;

const PROFILE: &str = "deploy/sample/config/profile.toml";
const BUNDLE: &str = "deploy/sample/ca/bundle.toml";
const UNIT: &str = "deploy/systemd/exchange-node.service";

#[test]
fn the_profile_has_every_key_and_its_paths_resolve() {
    let profile = cli::Profile::read(&file(PROFILE)).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(profile.key, Some(file("deploy/sample/config/admin.key")));
    assert_eq!(profile.server_region.as_deref(), Some("370100"));
    let sample: Table = text(PROFILE).parse().unwrap();
    for key in allowed_in_profile() {
        assert!(sample.contains_key(&key), "{PROFILE} lacks {key}");
    }
}

/// As the deserializer says when it meets an unknown key.
fn allowed_in_profile() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.toml");
    std::fs::write(&path, "zzz = 1\n").unwrap();
    let said = cli::Profile::read(&path).unwrap_err().to_string();
    let (_, expected) = said.split_once("expected one of").expect("the known keys");
    let line = expected.lines().next().unwrap();
    let keys: Vec<String> = line.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(keys.len() >= 8, "{said}");
    keys
}

/// With files of its names, a bundle comes of it.
#[test]
fn the_bundle_s_sample_builds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let config = BundleConfig::read(&file(BUNDLE)).unwrap();
    let domain = TrustDomain::parse(&config.trust_domain).unwrap();
    let now_ms = seams::now_ms();
    let mut root = Ca::root(&domain, Scope::Root.options(), now_ms).unwrap();
    std::fs::create_dir(at("root")).unwrap();
    write_new(&at("root/ca.crt"), PUBLIC, root.certificate_pem().as_bytes()).unwrap();
    write_new(&at("index.key"), SECRET, keys::new_index_key(1).unwrap().to_file().as_bytes()).unwrap();
    for region in config.regions.iter().filter(|region| !region.nodes.is_empty()) {
        let code = Region::parse(&region.code).unwrap();
        let ca = root.city(code, Scope::Region(code).options(), now_ms).unwrap();
        std::fs::create_dir(at(&format!("ca-{code}"))).unwrap();
        std::fs::create_dir(at(&region.code)).unwrap();
        write_new(&at(&format!("ca-{code}/ca.crt")), PUBLIC, ca.certificate_pem().as_bytes()).unwrap();
        for (kind, name) in [(LogKind::Events, "event-log"), (LogKind::Access, "access-log")] {
            let (_, public) = keys::new_log_key(&domain, code, kind, 1).unwrap();
            write_new(&at(&format!("{code}/{name}.vkey")), PUBLIC, public.to_string().as_bytes()).unwrap();
        }
    }
    let bundle = config.build(folder.path(), now_ms).unwrap().bundle;
    assert_eq!(bundle.regions.len(), 3);
    assert_eq!((bundle.bodies.len(), bundle.custody.len()), (1, 1));
    assert_eq!(bundle.regions[&Region::parse("370100").unwrap()].nodes[0].server_name, "jinan-1.370100.dzzz.example");
}

/// `Key=value` lines of the unit; a key may stand several times.
fn unit() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text(UNIT).lines().filter(|line| !line.starts_with(['#', '['])) {
        if let Some((key, value)) = line.split_once('=') {
            found.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }
    found
}

#[test]
fn the_unit_starts_what_there_is_and_waits_as_long_as_a_stop_takes() {
    let unit = unit();
    let start: Vec<&str> = unit["ExecStart"][0].split(' ').collect();
    let words = std::iter::once("exchange-node").chain(start[1..].iter().copied());
    cli::command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{UNIT}: {error}"));
    assert_eq!(Path::new(start[0]).file_name().unwrap(), "exchange-node");
    // Calls, publishing, tasks: 1 + 1/2 + 1 times the configured seconds.
    let drain = config::Limits::default().drain_seconds;
    let stop: u32 = unit["TimeoutStopSec"][0].parse().unwrap();
    assert!(stop * 2 > drain * 5, "{stop} s are less than two and a half times {drain} s");
    assert_eq!(unit["RestartPreventExitStatus"][0], exchange_node::exit::Exit::Usage.code().to_string());
    assert_eq!(unit["KillSignal"][0], "SIGTERM");
    // The node's own configuration names the folder that the unit makes.
    let sample = config::load(&file("deploy/sample/config/node.toml"), []).unwrap();
    assert_eq!(sample.node.data, Path::new("/var/lib").join(&unit["StateDirectory"][0]));
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchange-node.service");
    // The program and its user are not installed here.
    let there = text(UNIT).replace("/usr/bin/exchange-node", "/bin/true");
    let there: Vec<&str> =
        there.lines().filter(|line| !line.starts_with("User=") && !line.starts_with("Group=")).collect();
    std::fs::write(&path, there.join("\n")).unwrap();
    let Ok(output) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() else {
        println!("skipped: no systemd-analyze here to read the unit");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("exchange-node.service")).collect();
    assert!(of_ours.is_empty(), "{said}");
}

fn properties(path: &str) -> BTreeMap<String, String> {
    let text = text(path);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs: Vec<(String, String)> = lines
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("{path}: {line}")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let count = pairs.len();
    let found: BTreeMap<_, _> = pairs.into_iter().collect();
    assert_eq!(found.len(), count, "{path}: a key stands twice");
    found
}

/// What the node relies on is said by both: nothing is created by use, one partition, records of the largest size.
#[test]
fn kafka_s_settings_are_what_the_node_relies_on() {
    for path in ["deploy/kafka/server.properties", "deploy/kafka/server-tls.properties"] {
        let settings = properties(path);
        assert_eq!(settings["auto.create.topics.enable"], "false", "{path}");
        assert_eq!(settings["num.partitions"], "1", "{path}");
        assert_eq!(settings["message.max.bytes"], MAX_RECORD_BYTES.to_string(), "{path}");
    }
    let province = properties("deploy/kafka/server-tls.properties");
    assert_eq!(province["ssl.client.auth"], "required");
    assert_eq!(province["allow.everyone.if.no.acl.found"], "false");
    assert_eq!((province["default.replication.factor"].as_str(), province["min.insync.replicas"].as_str()), ("3", "2"));
}
