//! Commits beside the checks: what is staged meanwhile, and what comes after, is as if they had come one after the other.

use super::*;
use crate::{
    spawn::Tasks,
    store::log::{Entry, Kind, Log},
};
use city::{credential, header, issued_kind, revoked, tags};
use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};

/// A runtime whose only thread for work that blocks is busy until something is sent: a commit on its way stays there.
fn held() -> (Runtime, Tasks, mpsc::Sender<()>) {
    let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let (tasks, (go, held)) = (Tasks::default(), mpsc::channel());
    let _entered = runtime.enter();
    drop(tasks.blocking(move || held.recv()));
    (runtime, tasks, go)
}

/// Each entry stands on the rows of the one before it.
async fn chained() -> (City, Vec<Delivery>) {
    let city = City::new(jinan());
    city.say(vec![credential()]).await;
    let issued = city.size();
    city.say(vec![issued_kind(header(jinan(), 1))]).await;
    city.say(vec![tags(jinan(), id(1).as_str())]).await;
    city.say(vec![revoked(1, Position { region: jinan(), epoch: 1, index: issued })]).await;
    let deliveries = city.deliveries();
    (city, deliveries)
}

#[test]
fn what_is_on_its_way_is_seen_by_what_is_staged_meanwhile() {
    let (runtime, tasks, go) = held();
    let (_city, deliveries) = runtime.block_on(chained());
    let _entered = runtime.enter();
    let (expected, mut one_by_one) = follower(jinan());
    deliveries.iter().for_each(|delivery| drop(take(&mut one_by_one, delivery)));

    let (store, mut replica) = follower(jinan());
    for (number, delivery) in deliveries.iter().enumerate() {
        let outcome = replica.ingest(delivery, &context(&[jinan()]), NOW).unwrap();
        assert_eq!(outcome, Outcome::Appended { entries: 1 });
        if number == 1 {
            replica.commit_beside(&tasks).unwrap();
        }
    }
    assert!(store.region_state(jinan()).unwrap().is_none(), "it is on its way");
    go.send(()).unwrap();
    assert_eq!(replica.commit(NOW).unwrap().forks, []);
    assert_eq!(store.region_state(jinan()).unwrap().unwrap().void_entries, 0);
    assert_eq!(index_rows(&store), index_rows(&expected));
}

#[test]
fn a_redaction_reaches_an_entry_on_its_way() {
    let (runtime, tasks, go) = held();
    let city = City::new(jinan());
    let redacted = EventKind::Redacted { epoch: 1, index: 0, legal_basis: "法院裁定".to_owned() };
    runtime.block_on(async {
        city.say(notice("一")).await;
        city.say(vec![redacted]).await;
    });
    let _entered = runtime.enter();
    let deliveries = city.deliveries();
    let (store, mut replica) = follower(jinan());
    replica.ingest(&deliveries[0], &context(&[jinan()]), NOW).unwrap();
    replica.commit_beside(&tasks).unwrap();
    let releasing = std::thread::spawn(move || go.send(()).unwrap());
    replica.ingest(&deliveries[1], &context(&[jinan()]), NOW).unwrap();
    replica.commit(NOW).unwrap();
    releasing.join().unwrap();
    let entry = Log::new(&store.province, Kind::Events, jinan(), 1).entry(0).unwrap();
    assert!(matches!(entry, Some(Entry::LeafHash(_))), "{entry:?}");
}

/// Who opens the copy again after a failure must not be overtaken by a commit of the one before.
#[test]
fn a_copy_that_is_dropped_leaves_nothing_on_its_way() {
    let (runtime, tasks, go) = held();
    let (_city, deliveries) = runtime.block_on(chained());
    let _entered = runtime.enter();
    let (store, mut replica) = follower(jinan());
    replica.ingest(&deliveries[0], &context(&[jinan()]), NOW).unwrap();
    replica.commit_beside(&tasks).unwrap();
    let releasing = std::thread::spawn(move || go.send(()).unwrap());
    drop(replica);
    assert_eq!(Replica::open(&store, jinan(), province()).unwrap().size(), 1);
    releasing.join().unwrap();
}

/// DUP-1 with commits of both kinds: the same rows, and every event handed on once.
#[tokio::test]
async fn commits_of_any_kind_give_the_same_rows_and_events() {
    let city = City::new(jinan());
    city.issue(12).await;
    let deliveries = city.deliveries();
    let (expected, mut one_by_one) = follower(jinan());
    one_by_one.set_watched(true);
    let mut events = Vec::new();
    for delivery in &deliveries {
        one_by_one.ingest(delivery, &context(&[jinan()]), NOW).unwrap();
        events.extend(one_by_one.commit(NOW).unwrap().events);
    }
    let (mut dice, tasks) = (Dice::new(), Tasks::default());
    for round in 0..60 {
        let (store, mut replica) = follower(jinan());
        replica.set_watched(true);
        let mut seen = Vec::new();
        for delivery in &deliveries {
            replica.ingest(delivery, &context(&[jinan()]), NOW).unwrap();
            match dice.below(4) {
                0 => seen.extend(replica.commit(NOW).unwrap().events),
                1 | 2 => replica.commit_beside(&tasks).unwrap(),
                _ => {}
            }
        }
        seen.extend(replica.commit(NOW).unwrap().events);
        assert_eq!(seen, events, "round {round}");
        assert_eq!(index_rows(&store), index_rows(&expected), "round {round}");
    }
}
