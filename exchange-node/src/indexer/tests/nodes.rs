//! Whole nodes' feeds: publisher, carrier in memory, indexer, gap fill.

use super::{
    city::{City, bundle, context, index_rows, jinan, province, qingdao},
    notice,
};
use crate::{
    crash::Crash,
    indexer::{Context, Indexer, LogSource, Parts},
    kafka::{
        Kafka,
        memory::{Broker, Fault},
    },
    publisher::{Publisher, Segments},
    random::Random,
    store::{Space, Store},
    watch::Watch,
};
use exchange_core::region::Region;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

const BEAT: Duration = Duration::from_millis(100);

/// `ReadLog` of other nodes, straight from their stores.
fn source(stores: BTreeMap<Region, Store>) -> LogSource {
    LogSource::new(move |ask| {
        let answer = match stores.get(&ask.peer) {
            Some(store) => {
                let own = ask.peer == ask.region;
                let segments = Segments::new(store.clone(), own, ask.region, ask.epoch, ask.from, ask.most);
                segments.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())
            }
            None => Err("not reachable".to_owned()),
        };
        Box::pin(async move { answer })
    })
}

fn publish(city: &City, broker: &Broker) {
    Publisher {
        store: city.store.clone(),
        ledger: city.ledger.clone(),
        kafka: Kafka::memory(broker.clone()),
        tasks: city.tasks.clone(),
        clock: city.clock.clone(),
        random: Random::new(),
        region: city.region,
        epoch: 1,
        heartbeat: BEAT,
        anchor: Duration::from_secs(60),
        crash: Crash::default(),
    }
    .start();
}

fn index(city: &City, broker: &Broker, source: LogSource, context: watch::Receiver<Context>) -> Indexer {
    Indexer::start(Parts {
        known: crate::verification::Known::default(),
        store: city.store.clone(),
        ledger: city.ledger.clone(),
        kafka: Kafka::memory(broker.clone()),
        source,
        tasks: city.tasks.clone(),
        clock: city.clock.clone(),
        random: Random::new(),
        region: city.region,
        epoch: 1,
        province: province(),
        context,
        watch: Watch::default(),
        heartbeat: BEAT,
        crash: Crash::default(),
        room: crate::space::FreeSpace::new(".".into(), 0, city.clock.clone()),
    })
}

fn regions() -> [Region; 2] {
    [jinan(), qingdao()]
}

fn size(store: &Store, of: Region) -> u64 {
    store.region_state(of).unwrap().map_or(0, |state| state.size)
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

fn events(city: &City) -> u64 {
    city.size()
}

/// Losing, repeating, swapping, changing and cutting records, and a broker that loses all: the copy ends complete.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_carrier_does_the_copy_becomes_complete() {
    let (origin, follower) = (City::new(jinan()), City::new(qingdao()));
    let broker = Broker::default();
    let (_sender, context) = watch::channel(context(&regions()));
    let sources = source(BTreeMap::from([(jinan(), origin.store.clone())]));
    publish(&origin, &broker);
    let indexer = index(&follower, &broker, sources, context);
    let faults =
        [Fault::Drop, Fault::Duplicate, Fault::HoldBack, Fault::Corrupt { byte: 200 }, Fault::Truncate, Fault::Drop];
    origin.issue(3).await;
    for (round, fault) in faults.into_iter().cycle().take(18).enumerate() {
        broker.fault(jinan(), fault);
        if round == 7 {
            broker.set_down(true);
        }
        if round == 9 {
            broker.set_down(false);
        }
        if round == 12 {
            broker.lose_all();
        }
        origin.say(notice("通知")).await;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    until("the copy is complete", || size(&follower.store, jinan()) == events(&origin)).await;
    let state = follower.store.region_state(jinan()).unwrap().unwrap();
    assert_eq!((state.forks, state.void_entries), (0, 0));
    assert_eq!(state.cluster, "memory-1", "offsets belong to the new cluster");
    let fresh = indexer.freshness(jinan(), Duration::from_secs(60)).unwrap();
    assert_eq!(fresh.state, exchange_proto::v1::Freshness::Current);
    let mut own = index_rows(&origin.store);
    assert!(own.is_empty(), "the origin does not index here");
    own = index_rows(&follower.store);
    assert_eq!(own.keys().filter(|(space, _)| *space == Space::Certificates).count(), 3);
    origin.tasks.stop();
    follower.tasks.stop();
}

/// The origin is gone: another node has what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_filled_from_a_third_node_and_without_any_broker() {
    let origin = City::new(jinan());
    origin.issue(6).await;
    let yantai = super::city::region("370600");
    let (third, follower) = (City::new(yantai), City::new(qingdao()));
    let (down, all) = (Broker::default(), [jinan(), qingdao(), yantai]);
    down.set_down(true);
    let (_sender, context) = watch::channel(context(&all));
    let from_origin = source(BTreeMap::from([(jinan(), origin.store.clone())]));
    index(&third, &down, from_origin, context.clone());
    until("the third node is complete", || size(&third.store, jinan()) == events(&origin)).await;
    let from_third = source(BTreeMap::from([(yantai, third.store.clone())]));
    index(&follower, &down, from_third, context);
    until("the copy is complete", || size(&follower.store, jinan()) == events(&origin)).await;
    assert_eq!(index_rows(&follower.store), index_rows(&third.store));
    third.tasks.stop();
    follower.tasks.stop();
}

/// Keys that come with a later bundle: what was deferred is read again by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_bundle_brings_what_was_deferred() {
    let (origin, follower) = (City::new(jinan()), City::new(qingdao()));
    let broker = Broker::default();
    let mut early = bundle(&regions());
    early.regions.get_mut(&jinan()).unwrap().logs.clear();
    let (sender, receiver) = watch::channel(Context { bundle: Arc::new(early), ..context(&regions()) });
    index(&follower, &broker, LogSource::none(), receiver);
    publish(&origin, &broker);
    origin.issue(2).await;
    until("it is deferred", || follower.store.region_state(jinan()).unwrap().is_some_and(|state| state.deferred > 0))
        .await;
    sender.send_replace(context(&regions()));
    until("the copy is complete", || size(&follower.store, jinan()) == events(&origin)).await;
    origin.tasks.stop();
    follower.tasks.stop();
}

/// A log that never rests for a tenth of a second is marked all the same: a crash does not send all of it again.
#[tokio::test(flavor = "multi_thread")]
async fn the_mark_moves_while_entries_keep_coming() {
    let origin = City::new(jinan());
    let broker = Broker::default();
    publish(&origin, &broker);
    let begin = origin.clock.instant();
    let mut seen = Vec::new();
    while seen.len() < 3 && begin.elapsed() < Duration::from_secs(20) {
        origin.say(notice("通知")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mark = origin.store.published().unwrap().map(|(_, next)| next);
        if mark.is_some_and(|mark| seen.last() != Some(&mark)) {
            seen.extend(mark);
        }
    }
    assert!(seen.len() == 3 && seen.is_sorted(), "marks {seen:?} of {} entries", events(&origin));
    origin.tasks.stop();
}

/// The mark follows what was confirmed, and heartbeats come by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn the_mark_moves_after_the_broker_has_confirmed() {
    let origin = City::new(jinan());
    let broker = Broker::default();
    broker.set_down(true);
    publish(&origin, &broker);
    origin.issue(2).await;
    tokio::time::sleep(BEAT * 2).await;
    assert_eq!(origin.store.published().unwrap(), None, "nothing is confirmed");
    broker.set_down(false);
    until("the mark is at the end", || origin.store.published().unwrap() == Some((1, events(&origin)))).await;
    let records = broker.records(jinan()).len();
    until("a heartbeat was published", || broker.records(jinan()).len() > records).await;
    assert_eq!(origin.store.published().unwrap(), Some((1, events(&origin))));
    origin.tasks.stop();
}
