//! A province under faults: every crash point, every message fault, and lists of operations by lot.

mod apply;
mod drive;
mod found;
mod operation;
mod request;

use crate::world::{JINAN, QINGDAO, Seeded, ZIBO, until};
use drive::Simulation;
use exchange_node::crash::Point;
use exchange_tests::faults::{Edge, MessageFault, Trigger, trigger};
use operation::{Code, Operation, THREE, TWO};
use std::time::{Duration, Instant};

/// Operations between two healings.
const ROUND: usize = 24;
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
        Trigger::IssueElsewhere => Operation::Issue { at: QINGDAO },
        Trigger::Ask => Operation::LookUp { at: JINAN, of: QINGDAO },
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
            while !simulation.messages.contains(&(edge, fault)) {
                assert!(Instant::now() < end, "no message was {fault:?} on {edge:?}");
                simulation.run(&[Operation::Message { edge, fault, from, to }, Operation::AskAgain]).await;
            }
        }
        simulation.check().await;
    }
}

/// Lists by lot over two and three cities. `EXCHANGE_SIMULATE_MINUTES` goes on for so long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_by_lot() {
    let minutes = std::env::var("EXCHANGE_SIMULATE_MINUTES").ok().map(|minutes| minutes.parse::<u64>().unwrap());
    let end = Instant::now() + Duration::from_secs(60 * minutes.unwrap_or(0));
    let (mut seed, mut lists) = (Seeded::drawn("lists by lot"), 0);
    loop {
        for nodes in [&TWO[..], &THREE[..]] {
            list(nodes, seed).await;
            lists += 1;
        }
        if Instant::now() >= end {
            break;
        }
        seed += 1;
    }
    println!("lists by lot: {lists} lists, {} operations each, every invariant held", ROUNDS * ROUND);
}

async fn list(nodes: &'static [Code], seed: u64) {
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
}
