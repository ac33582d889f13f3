//! `doctor` over a province that is well, and over one fault after the other: each gives its check, with the state, the
//! fault's name and a cure.

use super::office::{JINAN, Office, PROVINCE, QINGDAO, Said, region};
use ca_tools::Profile;
use exchange_core::region::Region;
use exchange_node::{
    clock::Clock,
    doctor::{self, Category, Check, Node, Options, Report, Source, State, Subject},
    exit::Exit,
    kafka::mock::Mock,
    practice::{self, OPERATOR, SYSTEM, connect},
    spawn::Tasks,
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What is looked at, by whom.
struct Look<'a> {
    office: &'a Office,
    config: PathBuf,
    overrides: Vec<(String, String)>,
    shift_ms: i64,
    pre: bool,
    peers: Vec<Region>,
    ask: bool,
}

impl<'a> Look<'a> {
    /// The files of 济南's node, without asking it.
    fn files(office: &'a Office) -> Self {
        let config = office.practice.config(region(JINAN));
        Self { office, config, overrides: Vec::new(), shift_ms: 0, pre: false, peers: Vec::new(), ask: false }
    }

    /// The same, and the node is asked.
    fn node(office: &'a Office) -> Self {
        Self { ask: true, ..Self::files(office) }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.overrides.push((name.to_owned(), value.to_owned()));
        self
    }

    async fn report(self) -> Report {
        let clock = Clock::default();
        clock.shift_ms(self.shift_ms);
        let config = Some(Source { path: self.config, overrides: self.overrides });
        let node = match self.ask {
            false => Node::NotAsked,
            true => Node::Answers(connect(&self.office.practice.client(region(JINAN), OPERATOR)).await.unwrap()),
        };
        doctor::run(&Options { config, pre: self.pre, peers: self.peers, clock }, node).await
    }
}

/// The check of a subject in a state, with its cure and link where it needs them.
fn check(report: &Report, subject: Subject, state: State) -> Check {
    let found = report.checks().into_iter().find(|check| check.subject == subject && check.state == state).cloned();
    let found = found.unwrap_or_else(|| panic!("no {state:?} of {}: {:#?}", subject.name(), report.checks()));
    let needs = state >= State::Warning;
    assert_eq!((!found.cure().is_empty(), found.see().starts_with("docs/OPERATING.md#doctor-")), (needs, needs));
    found
}

fn failed(report: &Report, subject: Subject, fault: &str) -> Check {
    assert_eq!(report.exit(), Exit::CheckFailed, "{:#?}", report.checks());
    let failures = report.checks().into_iter().filter(|check| check.subject == subject && check.state == State::Failed);
    let found = failures.clone().find(|check| check.fault == fault).cloned();
    let found = found.unwrap_or_else(|| panic!("no {fault}: {:#?}", failures.collect::<Vec<_>>()));
    assert!(!found.cure().is_empty() && found.see().starts_with("docs/OPERATING.md#doctor-"), "{found:?}");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_province_that_is_well_and_every_fault() {
    let tasks = Tasks::default();
    let broker = Mock::start([PROVINCE, JINAN, QINGDAO].map(region), &tasks).await.unwrap();
    let mut office = Office::open(Some(broker.bootstrap_servers().to_owned()));
    before_the_first_start(&office).await;
    tokio::task::block_in_place(|| office.start());
    well(&office);
    files(&office).await;
    seal_crls(&office).await;
    times(&office).await;
    store(&office).await;
    kafka(&office).await;
    refusals(&office).await;
    let mut office = peers(office).await;
    office.down(PROVINCE);
    tasks.stop();
}

/// `--pre`: nothing runs, nothing is there but files and a broker.
async fn before_the_first_start(office: &Office) {
    let report = Look { pre: true, ..Look::files(office) }.report().await;
    assert_eq!(report.exit(), Exit::Ok, "{:#?}", report.checks());
    check(&report, Subject::Listen, State::Ok);
    check(&report, Subject::StoreFolder, State::Ok);
    check(&report, Subject::KafkaPublished, State::NotProved);
    // Without --pre a store has to be there.
    let report = Look::files(office).report().await;
    failed(&report, Subject::StoreFolder, "");
}

fn well(office: &Office) {
    let args = ["doctor", "--config", &office.config(JINAN), "--profile", &office.profile(JINAN, OPERATOR)];
    let said = office.node(&[&args[..], &["--peer", QINGDAO, "-o", "json"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    let value = said.json();
    assert_eq!((value["failed"].as_u64(), value["warnings"].as_u64()), (Some(0), Some(0)), "{value}");
    let checks = value["checks"].as_array().unwrap();
    for category in Category::ALL {
        assert!(checks.iter().any(|check| check["category"] == category.word()), "no check of {category:?}: {value}");
    }
    let of_peer = |name: &str| checks.iter().find(|check| check["check"] == name && check["peer"] == QINGDAO).unwrap();
    for step in ["peer.resolve", "peer.connect", "peer.tls", "peer.accepted", "peer.checkpoint", "clock.peer"] {
        assert_eq!(of_peer(step)["state"], "ok", "{value}");
    }
    assert_eq!(of_peer("peer.lookup")["state"], "not_proved", "reached, never used: {value}");
    // For people: a line each, the sum last; and by the node's credential, without a running node of one's own.
    let said = office.node(&["doctor", "--config", &office.config(JINAN), "--peer", QINGDAO]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("\ntrust bundle and CRLs\n  ok"), "{}", said.out);
    assert!(
        said.out.lines().last().unwrap().starts_with("doctor: ") && said.out.contains("peer.checkpoint"),
        "{said:?}"
    );
}

/// Configuration and keys.
async fn files(office: &Office) {
    let broken = office.file(JINAN, "broken.toml");
    let text = fs::read_to_string(office.config(JINAN)).unwrap();
    fs::write(&broken, text.replace("bundle =", "bundel =")).unwrap();
    let report = Look { config: broken.clone(), ..Look::files(office) }.report().await;
    assert!(failed(&report, Subject::ConfigFile, "").found.contains("did you mean `bundle`?"));
    // By the program, the same in JSON with exit code 11.
    let said: Said = office.node(&["doctor", "--config", broken.to_str().unwrap(), "-o", "json"]);
    assert_eq!((said.code, said.json()["failed"].as_u64()), (11, Some(1)), "{said:?}");

    let report = Look::files(office).with("EXCHANGE__TRUST__BUNDLE", "nowhere.pb").report().await;
    assert!(failed(&report, Subject::ConfigFiles, "").found.starts_with("trust.bundle: "));

    let key = office.file(JINAN, "node.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let report = Look::files(office).report().await;
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let found = failed(&report, Subject::KeyMode, "");
    assert!(found.found.contains("mode 0644") && found.cure().starts_with("chmod 600"), "{found:?}");

    // The credential of another region, and a key of another credential.
    let report = Look::files(office).with("EXCHANGE__NODE__REGION", "\"370200\"").report().await;
    failed(&report, Subject::Key, "ANOTHER_S_CREDENTIAL");
    let report = Look::files(office).with("EXCHANGE__IDENTITY__KEY", "hall.key").report().await;
    failed(&report, Subject::Key, "KEY_MISMATCH");
    let report = Look::files(office).with("EXCHANGE__KEYS__EVENT_LOG", "access.key").report().await;
    failed(&report, Subject::Key, "LOG_KEY_UNKNOWN");
    let report = Look::files(office).with("EXCHANGE__NODE__NAME", "node-2").report().await;
    failed(&report, Subject::BundleRegion, "");

    // Trust: another province's root.
    practice::stranger(office.folder(), region(JINAN)).unwrap();
    let other = office.folder().join("stranger.pem");
    let list = format!("[{:?}]", other.to_str().unwrap());
    let report = Look::files(office).with("EXCHANGE__TRUST__ROOTS", &list).report().await;
    assert_eq!(report.exit(), Exit::CheckFailed);
    assert!(report.checks().iter().any(|check| check.subject == Subject::Bundle && check.state == State::Failed));
    let report = Look::files(office).with("EXCHANGE__TRUST__CRLS", "[]").report().await;
    failed(&report, Subject::Crl, "CRL_MISSING");
}

/// Dates: the clock of the judgement is moved, not the files.
/// CRLs of CAs behind seals: at hand, past their next update, broken, no folder.
async fn seal_crls(office: &Office) {
    let folder = office.folder().join("seal-crls");
    fs::create_dir(&folder).unwrap();
    let look = |shift_ms| {
        let look = Look::files(office).with("EXCHANGE__TRUST__SEAL_CRLS", folder.to_str().unwrap());
        Look { shift_ms, ..look }.report()
    };
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../exchange-node/seal/tests/corpus");
    fs::copy(corpus.join("ring-root.crl"), folder.join("root.crl")).unwrap();
    assert!(check(&look(0).await, Subject::SealCrl, State::Ok).found.contains("Lab Root"));
    let years = 15 * 365 * DAY_MS; // it is made until 2040
    let late = check(&look(years).await, Subject::SealCrl, State::Warning);
    assert!(late.found.contains("past it, and does not count"), "{late:?}");
    fs::write(folder.join("broken.crl"), b"0\x03no").unwrap();
    assert!(failed(&look(0).await, Subject::SealCrl, "").found.contains("broken.crl"));
    fs::remove_dir_all(&folder).unwrap();
    assert!(failed(&look(0).await, Subject::ConfigFiles, "").found.contains("trust.seal_crls"));
}

async fn times(office: &Office) {
    let at = |shift_ms| Look { shift_ms, ..Look::files(office) };
    // CRLs and the bundle of a practice province live 30 days, a node's credential 90.
    let report = at(21 * DAY_MS).report().await;
    assert_eq!(report.exit(), Exit::Warnings, "{:#?}", report.checks());
    assert!(check(&report, Subject::Crl, State::Warning).found.contains("past two thirds"));
    assert!(check(&report, Subject::Bundle, State::Warning).found.contains("past two thirds"));
    let report = at(30 * DAY_MS + 60 * MINUTE_MS).report().await;
    assert!(check(&report, Subject::Crl, State::Warning).found.contains("counts for 24 h more"));
    let report = at(32 * DAY_MS).report().await;
    failed(&report, Subject::Crl, "CRL_EXPIRED");
    failed(&report, Subject::Bundle, "BUNDLE_EXPIRED");
    let report = at(61 * DAY_MS).report().await;
    assert!(check(&report, Subject::KeyLife, State::Warning).found.contains("identity: until"));
    let report = at(100 * DAY_MS).report().await;
    failed(&report, Subject::Key, "EXPIRED");
    // A clock that is behind what the province has signed.
    let report = at(-2 * DAY_MS).report().await;
    let found = failed(&report, Subject::Clock, "BUNDLE_FROM_THE_FUTURE");
    assert!(found.cure().contains("clock"), "{found:?}");
    // Six minutes are within what everything but the peer's clock allows.
    let look = Look { peers: vec![region(QINGDAO)], ..at(6 * MINUTE_MS) };
    let report = look.report().await;
    assert_eq!(report.exit(), Exit::Warnings, "{:#?}", report.checks());
    assert_eq!(check(&report, Subject::PeerClock, State::Warning).fault, "CLOCKS_DIFFER");
}

async fn store(office: &Office) {
    let report = Look::files(office).with("EXCHANGE__LIMITS__FREE_SPACE_MIB", "999999999").report().await;
    assert!(failed(&report, Subject::StoreSpace, "").found.contains("they are refused"));
    let report = Look::files(office).with("EXCHANGE__NODE__DATA", "nowhere").report().await;
    assert!(failed(&report, Subject::StoreFolder, "").found.contains("nowhere"));
    // The node has it: nobody knows whether it is the node, unless it is asked.
    let report = Look::files(office).report().await;
    check(&report, Subject::StoreUse, State::NotProved);
    let report = Look::node(office).report().await;
    check(&report, Subject::StoreUse, State::Ok);
    check(&report, Subject::StoreWrites, State::Ok);
    let report = Look { pre: true, ..Look::files(office) }.report().await;
    failed(&report, Subject::StoreUse, "");
    failed(&report, Subject::Listen, "");
}

async fn kafka(office: &Office) {
    let report = Look::files(office).with("EXCHANGE__KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1").report().await;
    let found = failed(&report, Subject::KafkaBrokers, "");
    assert!(found.found.contains("127.0.0.1:1") && found.found.contains("refused"), "{found:?}");
    let tasks = Tasks::default();
    let other = Mock::start([region(QINGDAO)], &tasks).await.unwrap();
    let servers = other.bootstrap_servers().to_owned();
    let report = Look::files(office).with("EXCHANGE__KAFKA__BOOTSTRAP_SERVERS", &servers).report().await;
    assert!(failed(&report, Subject::KafkaTopics, "").found.contains("exchange.log.370100"));
    tasks.stop();
}

/// A caller that TLS refused saw an alert; the node tells its operator which credential, and why.
async fn refusals(office: &Office) {
    // A system is no operator: the node says so.
    let said = office.node(&["doctor", "--profile", &office.profile(JINAN, SYSTEM), "-o", "json"]);
    let checks = said.json()["checks"].clone();
    assert_eq!((said.code, checks[0]["fault"].as_str()), (11, Some("CALLER_NOT_ALLOWED")), "{said:?}");

    let file = |name: &str| office.folder().join(name);
    let good = office.practice.client(region(JINAN), SYSTEM);
    let client = practice::Client { certificate: file("stranger.pem"), key: file("stranger.key"), ..good };
    let begin = Instant::now();
    loop {
        if let Ok(channel) = connect(&client).await {
            let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
            health.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap_err();
        }
        let report = Look::node(office).report().await;
        let refused =
            report.checks().into_iter().find(|check| check.subject == Subject::NodeRefusals).cloned().unwrap();
        if refused.state == State::Warning {
            assert_eq!(
                (report.exit(), refused.fault.as_str()),
                (Exit::Warnings, "NOT_SIGNED_BY_ISSUER"),
                "{refused:?}"
            );
            assert!(refused.found.contains("serial ") && refused.found.contains("370100 CA"), "{refused:?}");
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{refused:?}");
    }
}

/// The path to 青岛 breaks, at one step after the other.
async fn peers(mut office: Office) -> Office {
    let path = || vec![region(QINGDAO)];
    // Another node at the address of the bundle.
    let jinan = office.practice.bundle().regions[&region(PROVINCE)].nodes[0].clone();
    let there = office.practice.bundle().regions[&region(QINGDAO)].nodes[0].clone();
    office
        .practice
        .next_bundle(|bundle| {
            bundle.regions.get_mut(&region(QINGDAO)).unwrap().nodes[0].address = jinan.address;
        })
        .unwrap();
    let report = Look { peers: path(), ..Look::files(&office) }.report().await;
    let found = failed(&report, Subject::PeerTls, "WRONG_REGION");
    assert!(found.found.contains("370000") && found.found.contains("370200 was called"), "{found:?}");
    office
        .practice
        .next_bundle(|bundle| {
            bundle.regions.get_mut(&region(QINGDAO)).unwrap().nodes[0].address = "no-such-host.invalid:1".to_owned();
        })
        .unwrap();
    let report = Look { peers: path(), ..Look::files(&office) }.report().await;
    failed(&report, Subject::PeerResolve, "NAME_UNKNOWN");
    office.practice.next_bundle(|bundle| bundle.regions.get_mut(&region(QINGDAO)).unwrap().nodes[0] = there).unwrap();

    // 青岛 learns that 济南's credential is withdrawn; 济南's own files do not say so yet.
    let before = fs::read(office.folder().join("province/crls.pem")).unwrap();
    office.practice.withdraw(region(JINAN), "node").unwrap();
    office.reload(QINGDAO);
    let after = fs::read(office.folder().join("province/crls.pem")).unwrap();
    let begin = Instant::now();
    let refused = loop {
        fs::write(office.file(JINAN, "old.pem"), &before).unwrap();
        let look = Look { peers: path(), ..Look::files(&office) }.with("EXCHANGE__TRUST__CRLS", "[\"old.pem\"]");
        let report = look.report().await;
        let accepted = report.checks().into_iter().find(|check| check.subject == Subject::PeerAccepted).cloned();
        match accepted.unwrap_or_else(|| panic!("{:#?}", report.checks())) {
            check if check.state == State::Failed => break check,
            check => assert!(begin.elapsed() < Duration::from_secs(20), "{check:?}"),
        }
    };
    assert_eq!(refused.fault, "REFUSED_BY_PEER", "{refused:?}");
    // Once the newest CRL is here too, the fault has its name.
    fs::write(office.folder().join("province/crls.pem"), &after).unwrap();
    let report = Look { peers: path(), ..Look::files(&office) }.report().await;
    failed(&report, Subject::Key, "REVOKED");

    // A new credential, and a peer that is not there.
    for name in ["node.pem", "node.key"] {
        fs::remove_file(office.file(JINAN, name)).unwrap();
    }
    office.practice.issue(region(JINAN), Profile::Node, practice::NODE).unwrap();
    let report = Look { peers: path(), ..Look::files(&office) }.report().await;
    check(&report, Subject::PeerCheckpoint, State::Ok);
    let report = Look::node(&office).report().await;
    assert!(check(&report, Subject::NodeCurrent, State::Warning).cure().contains("SIGHUP"));
    office.down(QINGDAO);
    let report = Look { peers: path(), ..Look::files(&office) }.report().await;
    failed(&report, Subject::PeerConnect, "NOT_REACHED");
    let report = Look { peers: path(), ..Look::node(&office) }.report().await;
    failed(&report, Subject::PeerConnect, "NOT_REACHED");
    office
}
