#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests; the seed comes by the environment"
)]

mod beside;
pub(crate) mod city;
mod hostile;
mod nodes;

use super::*;
use crate::random::Random;
use city::{City, context, id, index_key, index_rows, jinan, kafka, province, qingdao, tag};
use exchange_core::{event::EventKind, status::Status};
use prost::Message;

const NOW: u64 = 1_784_512_931_000;

fn follower(of: Region) -> (Store, Replica) {
    let store = Store::in_memory(province());
    let replica = Replica::open(&store, of, province()).unwrap();
    (store, replica)
}

fn take(replica: &mut Replica, delivery: &Delivery) -> Outcome {
    let outcome = replica.ingest(delivery, &context(&[jinan()]), NOW).unwrap();
    assert_eq!(replica.commit(NOW).unwrap().forks, []);
    outcome
}

fn notice(text: &str) -> Vec<EventKind> {
    vec![EventKind::RegionNotice { text: text.to_owned() }]
}

/// A small generator: one seed gives one run, and the seed is in every message.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("EXCHANGE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from_be_bytes(Random::new().array()) | 1);
        println!("EXCHANGE_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }
}

#[tokio::test]
async fn a_log_in_order_gives_rows_tags_and_statuses() {
    let city = City::new(jinan());
    city.issue(7).await;
    let (store, mut replica) = follower(jinan());
    for delivery in city.deliveries() {
        assert!(matches!(take(&mut replica, &delivery), Outcome::Appended { .. }));
    }
    let row = store.indexed_certificate(jinan(), id(3).as_str()).unwrap().unwrap();
    assert_eq!((row.status, row.links.len(), row.revision), (Status::Revoked as i32, 1, 1));
    let row = store.indexed_certificate(jinan(), id(4).as_str()).unwrap().unwrap();
    assert_eq!(row.status, Status::Active as i32);
    let found = store.holder_index(&index_key().id(), &tag(id(4).as_str()).bytes, 10).unwrap();
    assert_eq!(found, [(jinan(), id(4).to_string())]);
    let state = store.region_state(jinan()).unwrap().unwrap();
    assert_eq!((state.size, state.void_entries, state.next_offset), (city.size(), 0, 8));
    let reopened = Replica::open(&store, jinan(), province()).unwrap();
    assert_eq!((reopened.size(), reopened.offset()), (state.size, ("test", 8)));
}

/// DUP-1: any repetition and permutation of deliveries, in batches of any size, gives the same rows.
#[tokio::test]
async fn any_repetition_and_permutation_gives_the_same_rows() {
    let city = City::new(jinan());
    city.issue(12).await;
    let deliveries = city.deliveries();
    let (expected, mut replica) = follower(jinan());
    for delivery in &deliveries {
        take(&mut replica, delivery);
    }
    let mut dice = Dice::new();
    for round in 0..60 {
        let (store, mut replica) = follower(jinan());
        let mut turns = 0;
        while replica.size() < city.size() {
            let delivery = &deliveries[dice.below(deliveries.len())];
            replica.ingest(delivery, &context(&[jinan()]), NOW).unwrap();
            if dice.below(3) == 0 {
                assert_eq!(replica.commit(NOW).unwrap().forks, [], "round {round}");
            }
            if dice.below(20) == 0 {
                replica = Replica::open(&store, jinan(), province()).unwrap(); // a crash loses what was staged
            }
            turns += 1;
            assert!(turns < 100_000, "round {round}");
        }
        replica.commit(NOW).unwrap();
        assert_eq!(index_rows(&store), index_rows(&expected), "round {round}");
    }
}

/// Whatever a carrier does to a record, nothing false is taken in and nothing is called a fork.
#[tokio::test]
async fn damage_is_never_taken_in_and_never_a_fork() {
    let city = City::new(jinan());
    city.issue(3).await;
    let deliveries = city.deliveries();
    let mut dice = Dice::new();
    for _ in 0..2_000 {
        let (store, mut replica) = follower(jinan());
        take(&mut replica, &deliveries[0]);
        let mut bytes = deliveries[1].payload.to_vec();
        match dice.below(3) {
            0 => bytes.truncate(dice.below(bytes.len())),
            1 => {
                let (at, bit) = (dice.below(bytes.len()), dice.below(8));
                bytes[at] ^= 1 << bit;
            }
            _ => {
                let at = dice.below(bytes.len());
                bytes.insert(at, 0);
            }
        }
        match take(&mut replica, &kafka(1, bytes)) {
            // A carrier that adds what no reader looks at changes nothing.
            Outcome::Appended { .. } => assert_eq!(replica.size(), 4),
            Outcome::Rejected(_) | Outcome::Altered { .. } | Outcome::Gap { .. } | Outcome::Deferred(_) => {
                assert_eq!(replica.size(), 1);
            }
            outcome => panic!("{outcome:?}"),
        }
        for delivery in &deliveries[1..] {
            assert!(!matches!(take(&mut replica, delivery), Outcome::Fork(_)));
        }
        assert_eq!(store.region_state(jinan()).unwrap().unwrap().forks, 0);
        assert_eq!(replica.size(), city.size(), "the feed goes on");
    }
}

#[tokio::test]
async fn each_fault_has_its_reason() {
    let city = City::new(jinan());
    city.issue(3).await;
    let other = City::new(qingdao());
    other.issue(1).await;
    let deliveries = city.deliveries();
    let segment = |at: usize| v1::Segment::decode(deliveries[at].payload.clone()).unwrap();
    let (_, mut replica) = follower(jinan());
    take(&mut replica, &deliveries[0]);
    let mut outcome = |segment: v1::Segment| take(&mut replica, &kafka(9, segment.encode_to_vec()));
    assert_eq!(outcome(v1::Segment { region: "370200".to_owned(), ..segment(1) }), Outcome::Rejected("OTHER_REGION"));
    assert_eq!(
        outcome(v1::Segment { checkpoint: segment(1).checkpoint.slice(..100), ..segment(1) }),
        Outcome::Rejected("CHECKPOINT_MALFORMED")
    );
    let foreign = v1::Segment::decode(other.deliveries()[1].payload.clone()).unwrap();
    assert_eq!(
        outcome(v1::Segment { checkpoint: foreign.checkpoint, ..segment(1) }),
        Outcome::Rejected("OTHER_LOG"),
        "a checkpoint of another city"
    );
    let text = String::from_utf8(segment(1).checkpoint.to_vec()).unwrap().replacen("\n4\n", "\n5\n", 1);
    assert_eq!(
        outcome(v1::Segment { checkpoint: text.into(), ..segment(1) }),
        Outcome::Rejected("BAD_SIGNATURE"),
        "another size under the same signature"
    );
    assert_eq!(outcome(v1::Segment { epoch: 2, ..segment(1) }), Outcome::Altered { from: 1, to: 4 });
    assert_eq!(outcome(segment(2)), Outcome::Gap { from: 4, to: 4 }.min_gap(1));
    let many = vec![v1::SegmentEntry::default(); 1_001];
    assert_eq!(outcome(v1::Segment { entries: many, ..segment(1) }), Outcome::Rejected("OVERSIZE"));
    assert_eq!(take(&mut replica, &kafka(9, vec![0; 900_001])), Outcome::Rejected("OVERSIZE"));
    assert_eq!(take(&mut replica, &kafka(9, b"\xFF\xFF".to_vec())), Outcome::Rejected("UNDECODABLE"));
    assert_eq!(replica.size(), 1);
}

impl Outcome {
    /// The same gap from another first index.
    fn min_gap(self, first: u64) -> Self {
        match self {
            Self::Gap { to, .. } => Self::Gap { from: first, to },
            outcome => outcome,
        }
    }
}

#[tokio::test]
async fn altered_entries_are_fetched_elsewhere_and_are_no_fork() {
    let city = City::new(jinan());
    city.say(notice("一")).await;
    city.say(notice("二")).await;
    let deliveries = city.deliveries();
    let (store, mut replica) = follower(jinan());
    let mut altered = v1::Segment::decode(deliveries[0].payload.clone()).unwrap();
    let entry = exchange_proto::event::with_at(1, &exchange_proto::event::encode_body(&notice("三")[0], false));
    altered.entries[0].content = Some(v1::segment_entry::Content::Entry(entry.into()));
    let outcome = take(&mut replica, &kafka(0, altered.encode_to_vec()));
    assert_eq!(outcome, Outcome::Altered { from: 0, to: 1 });
    for segment in city.read_log(0, 0) {
        take(&mut replica, &Replica::delivery(&segment, qingdao()));
    }
    let state = store.region_state(jinan()).unwrap().unwrap();
    assert_eq!((state.size, state.altered, state.forks, state.forked), (2, 1, 0, false));
}

/// FORK-1: one size, two roots, both signed.
#[tokio::test]
async fn two_histories_under_one_key_are_a_fork() {
    let (one, two) = (City::new(jinan()), City::new(jinan()));
    for (city, text) in [(&one, "一"), (&two, "二")] {
        city.say(notice(text)).await;
        city.say(notice("三")).await;
    }
    let (store, mut replica) = follower(jinan());
    let mine = one.deliveries();
    take(&mut replica, &mine[0]);
    take(&mut replica, &mine[1]);
    // Of an earlier size than what is verified: the leaves between prove it.
    let Outcome::Fork(fork) = take(&mut replica, &two.deliveries()[0]) else { panic!("no fork") };
    assert_eq!((fork.size, fork.evidence.leaf_hashes.len()), (1, 0), "the checkpoint of that size is kept");
    assert_ne!(fork.evidence.note_a, fork.evidence.note_b);
    city_keeps(&one, &store, *fork).await;
    let size = replica.size();
    one.say(notice("四")).await;
    assert_eq!(take(&mut replica, &one.deliveries()[2]), Outcome::Stopped);
    assert_eq!(replica.size(), size);
    assert_eq!(
        freshness(jinan(), store.region_state(jinan()).unwrap().as_deref(), NOW, Duration::MAX).state,
        v1::Freshness::Untrusted
    );
}

/// Evidence is kept once, in `own/`, and outlives a deleted `province/`.
async fn city_keeps(city: &City, follower: &Store, fork: Fork) {
    city.ledger.submit(KeepEvidence(fork.clone())).await.unwrap();
    let mut again = fork;
    again.evidence.source = "again".to_owned();
    let answer = city.ledger.submit(KeepEvidence(again)).await.unwrap();
    assert!(matches!(answer, crate::ledger::Answer::Earlier(_)));
    let rebuilt = Store { own: city.store.own.clone(), ..Store::in_memory(jinan()) };
    assert!(Replica::open(&rebuilt, jinan(), province()).unwrap().is_forked());
    assert!(!is_forked(follower, jinan(), 1).unwrap());
}

/// A genuine checkpoint that did not fit is compared again once the tree has reached its size.
#[tokio::test]
async fn a_fork_shows_later_too() {
    let (one, two) = (City::new(jinan()), City::new(jinan()));
    for (city, text) in [(&one, "一"), (&two, "二")] {
        city.say(notice(text)).await;
        city.say(notice("三")).await;
    }
    let (_, mut replica) = follower(jinan());
    let (mine, theirs) = (one.deliveries(), two.deliveries());
    take(&mut replica, &mine[0]);
    assert_eq!(take(&mut replica, &theirs[1]), Outcome::Altered { from: 1, to: 2 });
    assert!(matches!(replica.ingest(&mine[1], &context(&[jinan()]), NOW).unwrap(), Outcome::Appended { .. }));
    let forks = replica.commit(NOW).unwrap().forks;
    assert_eq!((forks.len(), forks[0].size, replica.is_forked()), (1, 2, true));
}

#[tokio::test]
async fn gossip_finds_a_fork_and_what_is_missing() {
    let (one, two) = (City::new(jinan()), City::new(jinan()));
    one.say(notice("一")).await;
    two.say(notice("二")).await;
    two.say(notice("三")).await;
    let context = context(&[jinan()]);
    let witness = |city: &City, at: usize| {
        let segment = v1::Segment::decode(city.deliveries()[at].payload.clone()).unwrap();
        let keys = context.bundle.log_keys(jinan(), exchange_core::checkpoint::LogKind::Events, 1, 1);
        exchange_core::checkpoint::open(&segment.checkpoint, &keys).unwrap()
    };
    let (_, mut replica) = follower(jinan());
    take(&mut replica, &one.deliveries()[0]);
    assert_eq!(replica.witness(&witness(&one, 0), NOW, "gossip").unwrap(), Outcome::Known);
    assert_eq!(replica.witness(&witness(&two, 1), NOW, "gossip").unwrap(), Outcome::Gap { from: 1, to: 2 });
    assert!(matches!(replica.witness(&witness(&two, 0), NOW, "gossip").unwrap(), Outcome::Fork(_)));
}

#[tokio::test]
async fn a_deferred_segment_is_read_again_when_its_key_is_known() {
    let city = City::new(jinan());
    city.issue(2).await;
    let deliveries = city.deliveries();
    let (store, mut replica) = follower(jinan());
    let mut ignorant = bundle_without_keys();
    for delivery in &deliveries {
        let outcome = replica.ingest(delivery, &ignorant, NOW).unwrap();
        assert_eq!(outcome, Outcome::Deferred("KEY_UNKNOWN"));
    }
    replica.commit(NOW).unwrap();
    assert_eq!(store.region_state(jinan()).unwrap().unwrap().next_offset, 0, "read again after a restart");
    assert_eq!(replica.retry_from(), Some(0));
    ignorant = context(&[jinan()]);
    for delivery in &deliveries {
        assert!(matches!(replica.ingest(delivery, &ignorant, NOW).unwrap(), Outcome::Appended { .. }));
    }
    replica.commit(NOW).unwrap();
    assert_eq!(store.region_state(jinan()).unwrap().unwrap().next_offset, 3);
}

fn bundle_without_keys() -> Context {
    let mut bundle = city::bundle(&[jinan()]);
    bundle.regions.get_mut(&jinan()).unwrap().logs.clear();
    Context { bundle: Arc::new(bundle), index_keys: Arc::default() }
}

#[tokio::test]
async fn a_heartbeat_makes_fresh_and_an_old_one_does_not() {
    let city = City::new(jinan());
    city.say(notice("一")).await;
    let (store, mut replica) = follower(jinan());
    let first = city.read_log(0, 0).remove(0);
    take(&mut replica, &Replica::delivery(&first, jinan()));
    city.clock.shift_ms(5_000);
    city.say(Vec::new()).await;
    let beat = city.read_log(1, 0).remove(0);
    assert_eq!((beat.entries.len(), beat.first), (0, 1));
    let before = store.region_state(jinan()).unwrap().unwrap().at_ms;
    assert_eq!(take(&mut replica, &Replica::delivery(&beat, jinan())), Outcome::Heartbeat);
    let after = store.region_state(jinan()).unwrap().unwrap();
    assert!(after.at_ms >= before + 5_000);
    assert_eq!(take(&mut replica, &Replica::delivery(&first, jinan())), Outcome::Known);
    assert_eq!(store.region_state(jinan()).unwrap().unwrap(), after);
}

#[tokio::test]
async fn the_rejected_ring_is_bounded() {
    let (store, mut replica) = follower(jinan());
    let count = MAX_ROWS + 200;
    for offset in 0..count {
        let evidence = vec![0xFF; if offset == count - 1 { 200_000 } else { 10 }];
        let delivery = kafka(i64::try_from(offset).unwrap(), evidence);
        replica.ingest(&delivery, &context(&[jinan()]), NOW).unwrap();
    }
    replica.commit(NOW).unwrap();
    let kept = store.province.scan(Space::Rejected, &[0], &[0xFF; 8], usize::MAX).unwrap();
    assert_eq!(kept.len() as u64, MAX_ROWS);
    let newest: exchange_proto::store::RejectedRow = store::own::decode(Space::Rejected, &kept[999].1).unwrap();
    assert_eq!((newest.evidence.len(), newest.reason.as_str()), (MAX_EVIDENCE_BYTES, "UNDECODABLE"));
    assert_eq!(store.region_state(jinan()).unwrap().unwrap().rejected, count);
}

#[tokio::test]
async fn tags_wait_for_their_index_key() {
    let city = City::new(jinan());
    city.issue(2).await;
    let (store, mut replica) = follower(jinan());
    let keyless = Context { index_keys: Arc::default(), ..context(&[jinan()]) };
    for delivery in city.deliveries() {
        assert!(matches!(replica.ingest(&delivery, &keyless, NOW).unwrap(), Outcome::Appended { .. }));
    }
    replica.commit(NOW).unwrap();
    let wanted = tag(id(1).as_str()).bytes;
    assert!(store.holder_index(&index_key().id(), &wanted, 1).unwrap().is_empty());
    assert_eq!(replica.retry_tags(&keyless).unwrap(), 2);
    assert_eq!(replica.retry_tags(&context(&[jinan()])).unwrap(), 0);
    replica.commit(NOW).unwrap();
    let found = store.holder_index(&index_key().id(), &wanted, 9).unwrap();
    assert_eq!(found, [(jinan(), id(1).to_string())]);
    assert_eq!(store.region_state(jinan()).unwrap().unwrap().void_entries, 0);
}

#[tokio::test]
async fn void_entries_are_counted_with_their_reason_and_the_feed_goes_on() {
    let city = City::new(jinan());
    city.issue(1).await;
    city.say(vec![city::issued_kind(city::header(jinan(), 0))]).await;
    city.say(vec![city::issued_kind(city::header(qingdao(), 9))]).await;
    city.say(notice("一")).await;
    let (store, mut replica) = follower(jinan());
    for delivery in city.deliveries() {
        assert!(matches!(take(&mut replica, &delivery), Outcome::Appended { .. }));
    }
    assert_eq!(store.region_state(jinan()).unwrap().unwrap().void_entries, 2);
    let kept = store.province.scan(Space::Rejected, &[0], &[0xFF; 8], usize::MAX).unwrap();
    let reasons: Vec<String> = kept
        .iter()
        .map(|(_, row)| store::own::decode::<exchange_proto::store::RejectedRow>(Space::Rejected, row).unwrap())
        .map(|row| row.reason.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(reasons, ["ID_USED_TWICE", "OTHER_REGION"]);
    let first = store.indexed_certificate(jinan(), id(0).as_str()).unwrap().unwrap();
    assert_eq!(first.index, 1, "the first one stays");
}

#[tokio::test]
async fn the_own_log_gives_the_rows_that_others_have() {
    let city = City::new(jinan());
    city.issue(5).await;
    let mut own = OwnIndex::open(&city.store, jinan(), province(), 1).unwrap();
    while own.step(&context(&[jinan()]), NOW).unwrap().0 {}
    let (other, mut replica) = follower(jinan());
    for delivery in city.deliveries() {
        take(&mut replica, &delivery);
    }
    let mut theirs = index_rows(&other);
    // The own ones are in own/, entries and certificates; the ledger writes both.
    theirs.retain(|(space, _), _| ![Space::Entries, Space::Certificates].contains(space));
    assert!(theirs.keys().any(|(space, _)| *space == Space::Holders));
    assert_eq!(index_rows(&city.store), theirs);
    let state = city.store.region_state(jinan()).unwrap().unwrap();
    assert_eq!(state.applied, city.size());
}

#[tokio::test]
async fn what_is_applied_is_watched_and_can_be_read_again() {
    let city = City::new(jinan());
    city.issue(4).await;
    let (store, mut replica) = follower(jinan());
    replica.set_watched(true);
    let mut watched = Vec::new();
    for delivery in city.deliveries() {
        replica.ingest(&delivery, &context(&[jinan()]), NOW).unwrap();
        watched.extend(replica.commit(NOW).unwrap().events);
    }
    assert_eq!(watched.len(), 6, "four issued, two revoked");
    let (again, next) = crate::watch::replay(&store, qingdao(), jinan(), 1, 0, 1_000).unwrap();
    assert_eq!((again, next), (watched, replica.size()));
}

#[tokio::test]
async fn trust_finds_what_the_logs_carry() {
    let city = City::new(jinan());
    let body = exchange_core::event::Carried::Inline(b"crl".to_vec());
    let crl = |number| EventKind::CrlPublished { issuer_spki_sha256: [5; 32], number, body: body.clone() };
    city.say(vec![crl(1), crl(2)]).await;
    let (store, mut replica) = follower(jinan());
    replica.ingest(&city.deliveries()[0], &context(&[jinan()]), NOW).unwrap();
    assert!(replica.commit(NOW).unwrap().trust);
    let found = carried(&store, qingdao()).unwrap();
    assert_eq!((found.len(), found[0].position.index, found[0].crl, &found[0].body), (1, 1, true, &body));
}

#[tokio::test]
async fn redacted_bytes_are_replaced_by_their_hash() {
    let city = City::new(jinan());
    city.say(notice("一")).await;
    let redacted = EventKind::Redacted { epoch: 1, index: 0, legal_basis: "法院裁定".to_owned() };
    city.say(vec![redacted]).await;
    let (store, mut replica) = follower(jinan());
    for delivery in city.deliveries() {
        replica.ingest(&delivery, &context(&[jinan()]), NOW).unwrap(); // one commit for both
    }
    replica.commit(NOW).unwrap();
    let log = Log::new(&store.province, Kind::Events, jinan(), 1);
    assert!(matches!(log.entry(0).unwrap(), Some(Entry::LeafHash(_))));
    // Its segments are accepted by the next follower.
    let (_, mut second) = follower(jinan());
    for segment in crate::publisher::Segments::new(store, false, jinan(), 1, 0, 0) {
        take(&mut second, &Replica::delivery(&segment.unwrap(), qingdao()));
    }
    assert_eq!(second.size(), 2);
}
