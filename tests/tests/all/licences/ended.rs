//! A seal whose time is over, and what `doctor` says of seals and templates.

use super::{licence, seals};
use crate::{seals::picture, world::*};
use ca_tools::{
    files, keyfile,
    seals::{SealCa, SealOrder, SealProfile, make_seal},
    seams,
};
use exchange_core::spiffe::TrustDomain;
use exchange_node::{
    clock::Clock,
    doctor::{self, Check, Report, Source, State, Subject},
    sample::departments::Department,
};
use exchange_seal::{
    algorithm::Algorithm,
    make::{Credential, PrivateKey},
    ses::Version,
};
use std::path::{Path, PathBuf};

const DAY_MS: u64 = 86_400_000;

/// Refused with its reason, and nothing is kept; `doctor` had said so.
pub(super) async fn seals_whose_time_is_over(world: &mut World) {
    let uscc = Department::MarketRegulation.of(region(JINAN)).unwrap().uscc;
    let (folder, setting) = (seals(world), format!("departments.{uscc}.seal"));
    assert!(found(&report(world).await, Subject::Key, State::Ok, &setting).found.contains("believed"));
    let well = ["esl", "pem", "key"].map(|ending| {
        let path = folder.join(format!("{uscc}.{ending}"));
        (std::fs::read(&path).unwrap(), path)
    });

    over(&folder, uscc.as_str());
    let said = found(&report(world).await, Subject::Key, State::Failed, &setting);
    assert_eq!(said.fault, "SEAL_UNUSABLE");
    assert!(said.found.contains("counts from") && !said.cure().is_empty(), "{said:?}");
    world.node(JINAN).control().reload().unwrap();
    let kept = world.blobs_of(JINAN);
    let (why, _) =
        refused(world.certificates(JINAN).await.issue_certificate(licence(JINAN, 61)).await, "SEAL_UNUSABLE");
    assert!(why.starts_with(uscc.as_str()) && why.contains("the seal counts from"), "{why}");
    assert_eq!(world.blobs_of(JINAN), kept);

    // One that does not list its signer, and a template that is none.
    std::fs::write(&well[0].1, &well[0].0).unwrap();
    let said = found(&report(world).await, Subject::Key, State::Failed, &setting);
    assert!(said.found.contains("the seal does not list"), "{said:?}");
    for (bytes, path) in &well {
        std::fs::write(path, bytes).unwrap();
    }
    world.node(JINAN).control().reload().unwrap();
    let config = world.practice.config(region(JINAN));
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replacen("business-licence", "no-such-licence", 1)).unwrap();
    let said = report(world).await;
    std::fs::write(&config, text).unwrap();
    found(&said, Subject::ConfigFiles, State::Failed, &format!("licences.templates.{LICENCE}: "));
    assert!(!world.issue(JINAN, licence(JINAN, 62)).await.envelope.is_empty());
    // A CA behind seals that does not read: the bundle counts, and it is said.
    world.practice.next_bundle(|bundle| bundle.seal_anchors.push(b"no certificate".to_vec())).unwrap();
    let said = found(&report(world).await, Subject::Bundle, State::Warning, "CA behind seals, seal_anchors[0]: ");
    assert!(said.found.ends_with("nobody is believed for it") && !said.cure().is_empty(), "{said:?}");
    world.node(JINAN).control().reload().unwrap();
}

/// What `doctor` says of the node's files, without asking the node.
async fn report(world: &World) -> Report {
    let config = Some(Source { path: world.practice.config(region(JINAN)), overrides: Vec::new() });
    let look = doctor::Options { config, pre: false, peers: Vec::new(), clock: Clock::default() };
    doctor::run(&look, doctor::Node::NotAsked).await
}

#[track_caller]
fn found(report: &Report, subject: Subject, state: State, begin: &str) -> Check {
    let fits = |check: &&Check| check.subject == subject && check.state == state && check.found.starts_with(begin);
    let checks = report.checks();
    checks.iter().copied().find(fits).unwrap_or_else(|| panic!("no {state:?} {begin}: {checks:#?}")).clone()
}

/// A seal that was made ten days ago for one day, with its signer, in the place of a department's.
fn over(folder: &Path, uscc: &str) {
    let (now, then) = (seams::now_ms(), seams::now_ms() - 10 * DAY_MS);
    let domain = TrustDomain::parse("sd.example.org").unwrap();
    let mut ca = SealCa::new(&domain, Algorithm::Sm2Sm3, SealCa::OPTIONS, then - DAY_MS).unwrap();
    let mut credential = |profile, name: &str| {
        let key = PrivateKey::generate(Algorithm::Sm2Sm3, &seams::rng()).unwrap();
        let issued = ca.issue(profile, name, key.public(), None, then).unwrap();
        (Credential::new(key, &issued.certificate.der).unwrap(), issued.pem())
    };
    let (maker, _) = credential(SealProfile::Maker, "maker");
    let (signer, pem) = credential(SealProfile::Signer, "signer");
    let order = SealOrder {
        version: Version::V4,
        id: "37010000000001".to_owned(),
        name: "测试章".to_owned(),
        kind: 1,
        signers: vec![signer.certificate().clone()],
        by_digest: false,
        picture: picture(),
        size_mm: (40, 40),
        days: 1,
    };
    assert!(then + 2 * DAY_MS < now);
    let path = |ending: &str| -> PathBuf { folder.join(format!("{uscc}.{ending}")) };
    files::replace(&path("esl"), &make_seal(&order, &maker, None, then).unwrap()).unwrap();
    files::replace(&path("pem"), pem.as_bytes()).unwrap();
    std::fs::remove_file(path("key")).unwrap();
    keyfile::write(&path("key"), &signer.key().to_pkcs8().unwrap(), None).unwrap();
}
