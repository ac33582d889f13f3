//! A province under faults: every crash point, every message fault, and lists of operations by lot.

mod apply;
mod drive;
mod found;
mod operation;
mod request;
mod wanted;

use crate::world::{JINAN, QINGDAO, Seeded, World, ZIBO, region, until};
use drive::Simulation;
use exchange_node::{crash::Point, indexer::freshness, kafka::memory::Fault as Carried};
use exchange_proto::v1;
use exchange_tests::faults::{Edge, MessageFault, Trigger, trigger};
use operation::{Code, Operation, THREE, TWO};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Operations between two healings.
const ROUND: usize = 24;
/// Seeds of a bounded run, each over two and over three cities.
const SEEDS: u64 = 4;
/// How often each fault of a message is met, at the least.
const TIMES: u32 = 4;
/// Healings of one list.
const ROUNDS: usize = 3;

/// A node stops at every point, with and without its power.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_points() {
    // Four logs, because each can be forked once.
    let silent = [ZIBO, "370400", "370500", "370700"];
    let mut simulation = Simulation::new("crash points", &TWO, &silent, Seeded::drawn("crash points")).await;
    let (forks, others): (Vec<_>, Vec<_>) = Point::ALL.into_iter().partition(|point| trigger(*point) == Trigger::Fork);
    for point in others.into_iter().chain(forks) {
        for power in [false, true] {
            crash_at(&mut simulation, point, power).await;
        }
    }
    let missed: Vec<Point> = Point::ALL.into_iter().filter(|point| !simulation.hits.contains(point)).collect();
    assert!(missed.is_empty(), "no node stopped at {missed:?}");
}

async fn crash_at(simulation: &mut Simulation, point: Point, power: bool) {
    let begun = Instant::now();
    simulation.run(&[Operation::Crash { at: JINAN, point, nth: 1, power }]).await;
    let operation = match trigger(point) {
        Trigger::Issue => Operation::Issue { at: JINAN },
        Trigger::IssueFile => Operation::IssueFile { at: JINAN },
        Trigger::IssueElsewhere => Operation::Issue { at: QINGDAO },
        // For fields, and for a file.
        Trigger::Ask if power => Operation::Fetch { at: JINAN, of: QINGDAO },
        Trigger::Ask => Operation::LookUp { at: JINAN, of: QINGDAO },
        Trigger::Asked if power => Operation::Fetch { at: QINGDAO, of: JINAN },
        Trigger::Asked => Operation::LookUp { at: QINGDAO, of: JINAN },
        Trigger::Fork => Operation::Fork,
    };
    simulation.run(&[operation]).await;
    until(&format!("a node stands still at {point:?}"), async || {
        simulation.reap().await;
        !simulation.world.is_running(JINAN)
    })
    .await;
    simulation.check().await;
    println!("crash points: {point:?}, power lost: {power}: {:?}", begun.elapsed());
}

/// Every fault of a message, wherever it may happen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_faults() {
    let mut simulation = Simulation::new("message faults", &TWO, &[ZIBO], Seeded::drawn("message faults")).await;
    for edge in Edge::ALL {
        for fault in MessageFault::ALL.into_iter().filter(|fault| fault.applies_to(edge)) {
            let (from, to) = (JINAN, QINGDAO);
            // Both ways of an altered or cut call, and calls of both kinds between nodes, are chosen by lot.
            let end = Instant::now() + Duration::from_secs(20);
            while simulation.messages.get(&(edge, fault)).is_none_or(|times| *times < TIMES) {
                assert!(Instant::now() < end, "no message was {fault:?} on {edge:?}");
                if matches!(fault, MessageFault::Altered | MessageFault::Truncated) {
                    // Else a gap that is being filled brings the same entries by another way.
                    simulation.world.settle().await;
                }
                simulation.run(&[Operation::Message { edge, fault, from, to }, Operation::AskAgain]).await;
            }
        }
        simulation.run(&[Operation::OtherBody { at: JINAN }, Operation::OtherBody { at: QINGDAO }]).await;
        simulation.check().await;
    }
}

/// REV-1: a node that hears of newer words and cannot read them says since when it knows nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off() {
    let mut simulation = Simulation::new("cut off", &TWO, &[ZIBO], Seeded::drawn("cut off")).await;
    simulation
        .run(&[Operation::Message { edge: Edge::ClientToNode, fault: MessageFault::Delayed, from: JINAN, to: QINGDAO }])
        .await;
    simulation.check().await;
    simulation.run(&[Operation::CutCalls { at: JINAN }]).await;
    simulation.world.broker.fault(region(QINGDAO), Carried::Drop);
    simulation.run(&[Operation::ChangeStatus { at: QINGDAO }]).await;
    let state = |world: &World, at: &str| world.store(at).region_state(region(QINGDAO)).unwrap().unwrap();
    let told = state(&simulation.world, JINAN).at_ms;
    // 青岛 says again and again that there is more; each time what 济南 claims is held against what it has.
    let size = simulation.world.size(QINGDAO);
    until("青岛 has signed its log anew", async || {
        let own = state(&simulation.world, QINGDAO);
        simulation.holds(simulation.world.revocations());
        own.size >= size && own.at_ms > told + 3_000
    })
    .await;
    let left = state(&simulation.world, JINAN);
    assert!(left.size < size, "济南 has what it could not read");
    let now_ms = left.received_at_ms + 60_000;
    let fresh = freshness(region(QINGDAO), Some(&left), now_ms, Duration::from_secs(30));
    assert_eq!(fresh.state, v1::Freshness::Stale);
    assert!(fresh.note.starts_with("no word since "), "{}", fresh.note);
    simulation.check().await;
}

/// ACC-1: what a city has shown of its access log stays what it is when its node is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_history() {
    let mut simulation = Simulation::new("one history", &TWO, &[ZIBO], Seeded::drawn("one history")).await;
    let ask = [Operation::LookUp { at: JINAN, of: QINGDAO }];
    for _ in 0..3 {
        simulation.run(&ask).await;
        until("济南 has anchored its access log", async || {
            let newest = simulation.world.access_entries(JINAN).len() as u64;
            let anchored = simulation.world.store(QINGDAO).anchored_access(region(JINAN)).unwrap();
            anchored.is_some_and(|anchored| anchored.size == newest)
        })
        .await;
        simulation.run(&[Operation::Kill { at: JINAN, power: true }, Operation::Restart { at: JINAN }]).await;
        simulation.heal().await;
        simulation.run(&ask).await;
        simulation.run(&[Operation::Audit { at: QINGDAO }]).await;
        simulation.check().await;
    }
}

/// ID-1: what somebody tries with another's credential, or with less than is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn impostors() {
    let mut simulation = Simulation::new("impostors", &TWO, &[ZIBO], Seeded::drawn("impostors")).await;
    simulation.run(&[Operation::Impostor { at: JINAN }; 24]).await;
    simulation.check().await;
}

/// DRAIN-1: SIGTERM while calls are under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drains() {
    let mut simulation = Simulation::new("drains", &TWO, &[ZIBO], Seeded::drawn("drains")).await;
    simulation.run(&[Operation::Drain { at: JINAN }; 4]).await;
    simulation.check().await;
}

/// Lists by lot over two and three cities. `EXCHANGE_SIMULATE_MINUTES` goes on for so long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_by_lot() {
    let minutes = std::env::var("EXCHANGE_SIMULATE_MINUTES").ok().map(|minutes| minutes.parse::<u64>().unwrap());
    let end = Instant::now() + Duration::from_secs(60 * minutes.unwrap_or(0));
    let first = Seeded::drawn("lists by lot");
    let (mut seed, mut lists, mut hits) = (first, 0, BTreeSet::new());
    loop {
        for nodes in [&TWO[..], &THREE[..]] {
            hits.extend(list(nodes, seed).await);
            lists += 1;
        }
        seed += 1;
        if Instant::now() >= end && seed >= first + SEEDS {
            break;
        }
    }
    println!(
        "lists by lot: {lists} lists, {} operations each, every invariant held; stopped at {hits:?}",
        ROUNDS * ROUND
    );
}

async fn list(nodes: &'static [Code], seed: u64) -> BTreeSet<Point> {
    let mut simulation = Simulation::new("lists by lot", nodes, &[ZIBO], seed).await;
    for round in 0..ROUNDS {
        let mut operations = Vec::new();
        while operations.len() < ROUND {
            let operation = Operation::draw(&mut simulation.lot, nodes);
            operations.push(operation);
            operations.extend(operation.bait(&mut simulation.lot, nodes));
        }
        if round + 1 == ROUNDS {
            operations.push(Operation::Fork);
        }
        simulation.run(&operations).await;
        simulation.check().await;
    }
    println!("lists by lot: {} certificates told, stopped at {:?}", simulation.told(), simulation.hits);
    std::mem::take(&mut simulation.hits)
}
