//! What the simulation and its making have found, each as a list of its own. A fork that was written as a stop before its
//! evidence was kept is [`super::crash_points`] at the points of a fork.

use super::{
    drive::Simulation,
    operation::{Operation, TWO},
};
use crate::world::*;
use exchange_core::event::{Carried, EventKind};
use exchange_node::{
    crash::{Point, trap::Trap},
    sample::departments::Department,
};
use exchange_proto::{
    catalogue,
    v1::{self, ImplementationState},
};
use ring::digest::{SHA256, digest};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

/// A node stopped after it had written the province's rows, and before it decided the implementations that waited for
/// them: they waited on until the province said something more. APP-1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_implementation_waits_over_a_crash() {
    let mut simulation = Simulation::new("found: waiting", &TWO, &[ZIBO], Seeded::drawn("found")).await;
    let world = &simulation.world;
    // 淄博 implements what the province's next entry makes possible.
    let row = world.store(QINGDAO).implementation(region(JINAN), WITHDRAWAL).unwrap().unwrap();
    let department = issuer(ZIBO, Department::HousingFund);
    let next = v1::LogPosition { region: PROVINCE.into(), epoch: 1, index: world.size(PROVINCE) };
    let implementation = v1::Implementation {
        implementation_code: format!("{}3{WITHDRAWAL}", department.uscc),
        region: ZIBO.into(),
        province_position: Some(next),
        department: Some(department),
        ..row.implementation.unwrap()
    };
    let implementation = Box::new(catalogue::implementation(implementation).unwrap());
    let segment = simulation.silent[0].1.say(vec![EventKind::ImplementationPublished(implementation)]);
    simulation.world.broker.inject(region(ZIBO), segment);
    for at in TWO {
        until(&format!("{at} has 淄博's implementation"), async || {
            state_at(&simulation, at) == Some(ImplementationState::Pending)
        })
        .await;
    }
    simulation.run(&[Operation::Crash { at: JINAN, point: Point::IndexerCommitted, nth: 1, power: false }]).await;
    let mut province = simulation.world.catalogue(PROVINCE).await;
    let get = v1::GetCertificateTypeRequest { type_code: DEED.into(), version: 0 };
    let kind = province.get_certificate_type(get).await.unwrap().into_inner();
    let certificate_type = Some(v1::CertificateType { version: 2, ..kind });
    let request =
        v1::PublishCertificateTypeRequest { request_id: request_id(), certificate_type, validate_only: false };
    province.publish_certificate_type(request).await.unwrap();
    until("the node stands still", async || {
        simulation.reap().await;
        !simulation.world.is_running(JINAN)
    })
    .await;
    simulation.check().await;
    for at in TWO {
        let state = state_at(&simulation, at);
        assert_ne!(state, Some(ImplementationState::Pending), "{at} has not decided what waited");
        assert_eq!(state, state_at(&simulation, PROVINCE), "APP-1 is broken");
    }
}

/// Of 淄博's implementation.
fn state_at(simulation: &Simulation, at: &str) -> Option<ImplementationState> {
    let row = simulation.world.store(at).implementation(region(ZIBO), WITHDRAWAL).unwrap();
    row.map(|row| row.state())
}

/// A CRL came over a log, and the node stopped before the hint of it: it was offered to nobody until another came. What
/// was withdrawn went on being accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crl_comes_just_before_a_crash() {
    let mut simulation = Simulation::new("found: CRL", &TWO, &[ZIBO], Seeded::drawn("found")).await;
    let file = simulation.world.practice.node_folder(region(QINGDAO)).join("../crls.pem");
    let before = std::fs::read(&file).unwrap();
    let practice = &mut simulation.world.practice;
    practice.issue(region(QINGDAO), ca_tools::Profile::System, KIOSK).unwrap();
    practice.withdraw(region(QINGDAO), KIOSK).unwrap();
    let known: Vec<Vec<u8>> = lists(&before);
    let fresh = lists(&std::fs::read(&file).unwrap()).into_iter().find(|list| !known.contains(list)).unwrap();
    // The nodes' own files stay as they were: the log is the only way.
    std::fs::write(&file, before).unwrap();
    let number = |simulation: &Simulation| {
        let status = simulation.world.node(JINAN).control().status().unwrap();
        status.trust.unwrap().crls.iter().map(|crl| crl.number).max()
    };
    let old = number(&simulation);
    simulation.run(&[Operation::Crash { at: JINAN, point: Point::IndexerCommitted, nth: 1, power: false }]).await;
    let published = EventKind::CrlPublished {
        issuer_spki_sha256: digest(&SHA256, b"whose it is stands in the list").as_ref().try_into().unwrap(),
        number: old.unwrap() + 1,
        body: Carried::Inline(fresh),
    };
    let segment = simulation.silent[0].1.say(vec![published]);
    simulation.world.broker.inject(region(ZIBO), segment);
    until("the node stands still", async || {
        simulation.reap().await;
        !simulation.world.is_running(JINAN)
    })
    .await;
    simulation.check().await;
    until("the new CRL is in force", async || number(&simulation) > old).await;
}

/// A look fell between the evidence of a contradiction and the stop of its feed, which a node writes one after the other,
/// and called the feed running: `lists_by_lot` of seed 1139039264, once. The look's fault, not the node's. FORK-1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_between_evidence_and_stop() {
    let mut simulation = Simulation::new("found: look", &TWO, &[ZIBO], Seeded::drawn("found")).await;
    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let trap = Trap::observed(move |point| {
        if point == Point::IndexerEvidenceKept {
            let _ = held.lock().unwrap().recv_timeout(Duration::from_secs(20)); // ends when the other side is gone
        }
    });
    simulation.world.kill(JINAN);
    simulation.world.start_with(JINAN, trap).await;
    simulation.heal().await;
    simulation.world.settle().await;
    simulation.run(&[Operation::Fork]).await;
    let world = &simulation.world;
    until("the evidence is kept", async || world.kept_forks(JINAN, ZIBO) == 1).await;
    let stopped = || world.store(JINAN).region_state(region(ZIBO)).unwrap().is_some_and(|state| state.forked);
    assert!(!stopped(), "the stop came before its time");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300)); // while the invariants are looked at
            drop(let_go);
        });
        world.check_invariants();
    });
    assert!(stopped(), "the check took a running feed for a stopped one");
    simulation.check().await;
}

/// A question about a certificate came before the index of the custodian's own log, which is behind for a moment after an
/// issue and for longer after a loss of power: the holder was refused as none, and that was recorded. PUR-1 has no word for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_comes_before_the_own_index() {
    let mut world = World::with_catalogue("found: own index").await;
    let held = Arc::new(AtomicBool::new(false));
    let holds = Arc::clone(&held);
    let trap = Trap::observed(move |point| {
        while point == Point::OwnIndexBegun && holds.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5)); // on a thread that may block
        }
    });
    world.kill(JINAN);
    world.start_with(JINAN, trap).await;
    world.all_writable().await;
    world.settle().await;
    let owner = Person::new(0, 41);
    held.store(true, Ordering::Relaxed);
    let issued = world.issue(JINAN, deed(JINAN, &owner)).await;
    let id = issued.certificate_id.as_str();
    until("the other city knows it", async || {
        world.store(QINGDAO).indexed_certificate(region(JINAN), id).unwrap().is_some()
    })
    .await;
    let asked = lookup(question(JINAN, &owner, v1::Relation::Self_), id, &["KZ_ZL"]);
    // Nothing is on record: the same question may come again.
    refused(world.look_up(QINGDAO, asked.clone()).await, "REGION_STALE");
    let (answer, ()) = tokio::join!(world.look_up(QINGDAO, asked), async {
        tokio::time::sleep(Duration::from_millis(100)).await; // while the question waits
        held.store(false, Ordering::Relaxed);
    });
    let certificate = answer.unwrap().into_inner().certificate.unwrap();
    assert_eq!(certificate.disclosures.len(), 1);
    world.settle().await;
    world.check_invariants();
}

/// The DER of each list of a file.
fn lists(pem: &[u8]) -> Vec<Vec<u8>> {
    ca_tools::files::blocks(pem, "X509 CRL", "crls.pem").unwrap()
}
