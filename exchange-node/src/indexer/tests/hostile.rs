//! Rows 8, 11, 12 and 14 of the attack table: what a carrier or a region may send, and what becomes of it.

use super::{
    city::{City, context, header, id, issued_kind, jinan, kafka, province, qingdao, revoked},
    *,
};
use exchange_core::position::Position;
use exchange_proto::store::RejectedRow;

fn status_of(store: &Store, serial: u32) -> i32 {
    store.indexed_certificate(jinan(), id(serial).as_str()).unwrap().unwrap().status
}

fn rejected(store: &Store) -> Vec<RejectedRow> {
    let rows = store.province.scan(Space::Rejected, &[0], &[0xFF; 8], usize::MAX).unwrap();
    rows.iter().map(|(_, row)| store::own::decode(Space::Rejected, row).unwrap()).collect()
}

/// Row 8: old after new, the same again, and heartbeats of before: a status never goes back.
#[tokio::test]
async fn row_8_an_old_segment_after_new_ones_turns_no_status_back() {
    let city = City::new(jinan());
    city.issue(1).await; // issued and revoked in one group
    let issued = Position { region: jinan(), epoch: 1, index: city.size() };
    city.say(vec![issued_kind(header(jinan(), 7))]).await;
    city.say(vec![revoked(7, issued)]).await;
    city.say(notice("之后")).await;
    let deliveries = city.deliveries();
    let (store, mut replica) = follower(jinan());
    for delivery in &deliveries {
        assert!(matches!(take(&mut replica, delivery), Outcome::Appended { .. }));
    }
    let state = store.region_state(jinan()).unwrap().unwrap();
    for delivery in deliveries.iter().chain(deliveries.iter().rev()) {
        assert_eq!(take(&mut replica, delivery), Outcome::Known);
        assert_eq!((status_of(&store, 0), status_of(&store, 7)), (Status::Revoked as i32, Status::Revoked as i32));
    }
    let after = store.region_state(jinan()).unwrap().unwrap();
    assert_eq!((after.size, after.at_ms, after.rejected, after.forks), (state.size, state.at_ms, 0, 0));
}

/// Row 8: a genuine segment in another region's topic is nothing there.
#[tokio::test]
async fn row_8_a_segment_in_another_topic_is_rejected_there() {
    let city = City::new(jinan());
    city.issue(2).await;
    let store = Store::in_memory(province());
    let mut other = Replica::open(&store, qingdao(), province()).unwrap();
    for delivery in city.deliveries() {
        let outcome = other.ingest(&delivery, &context(&[jinan(), qingdao()]), NOW).unwrap();
        assert_eq!(outcome, Outcome::Rejected("OTHER_REGION"));
    }
    other.commit(NOW).unwrap();
    assert_eq!(other.size(), 0);
    assert!(rejected(&store).iter().all(|row| row.reason == "OTHER_REGION" && !row.evidence.is_empty()));
}

/// Row 11: the same identifier, other content: the first stays, the second is kept as evidence and counted.
#[tokio::test]
async fn row_11_the_same_id_with_other_content_changes_nothing() {
    let city = City::new(jinan());
    city.issue(1).await;
    let first = header(jinan(), 0);
    let second = exchange_core::certificate::Header {
        valid_until: Some(exchange_core::date::Date::new(2099, 1, 1).unwrap()),
        fields: vec![exchange_core::certificate::FieldDigest { name: "CZZT".to_owned(), digest: [9; 32] }],
        ..first.clone()
    };
    let index = city.size();
    city.say(vec![issued_kind(second)]).await;
    let (store, mut replica) = follower(jinan());
    let deliveries = city.deliveries();
    take(&mut replica, &deliveries[0]);
    take(&mut replica, &deliveries[1]);
    let before = store.indexed_certificate(jinan(), id(0).as_str()).unwrap().unwrap();
    take(&mut replica, &deliveries[2]);
    let after = store.indexed_certificate(jinan(), id(0).as_str()).unwrap().unwrap();
    assert_eq!(after, before);
    assert_eq!(after.valid_until, None);
    let state = store.region_state(jinan()).unwrap().unwrap();
    assert_eq!((state.size, state.void_entries), (city.size(), 1), "the feed goes on, and the entry is counted");
    let kept = rejected(&store);
    assert_eq!((kept.len(), kept[0].outcome.as_str(), kept[0].first), (1, "VOID", index));
    assert!(kept[0].reason.starts_with("ID_USED_TWICE"), "{}", kept[0].reason);
    // The evidence is the entry itself, in the copy of the log.
    let log = Log::new(&store.province, Kind::Events, jinan(), 1);
    let Some(Entry::Bytes(entry)) = log.entry(index).unwrap() else { panic!("the void entry is gone") };
    assert!(matches!(exchange_proto::event::decode(&entry).unwrap().kind, EventKind::CertificateIssued { .. }));
}

/// Row 12: one city's log about another city's certificates: void with the reason, and the other's rows stand.
#[tokio::test]
async fn row_12_a_log_about_another_citys_certificates_is_void() {
    let (ours, theirs) = (City::new(jinan()), City::new(qingdao()));
    ours.issue(2).await; // 0 revoked, 1 active
    theirs.say(vec![city::credential()]).await;
    let issued = Position { region: jinan(), epoch: 1, index: 4 };
    theirs.say(vec![revoked(1, issued)]).await;
    theirs.say(vec![issued_kind(header(jinan(), 5))]).await;
    theirs.say(vec![city::tags(qingdao(), id(1).as_str())]).await;
    let store = Store::in_memory(province());
    let both = context(&[jinan(), qingdao()]);
    for (of, city) in [(jinan(), &ours), (qingdao(), &theirs)] {
        let mut replica = Replica::open(&store, of, province()).unwrap();
        for delivery in city.deliveries() {
            assert!(matches!(replica.ingest(&delivery, &both, NOW).unwrap(), Outcome::Appended { .. }));
        }
        replica.commit(NOW).unwrap();
    }
    let reasons: Vec<String> =
        rejected(&store).iter().map(|row| row.reason.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(reasons, ["CERTIFICATE_NOT_FOUND", "OTHER_REGION", "CERTIFICATE_NOT_FOUND"]);
    assert_eq!(status_of(&store, 1), Status::Active as i32);
    for of in [jinan(), qingdao()] {
        assert!(store.indexed_certificate(of, id(5).as_str()).unwrap().is_none());
    }
}

/// Row 13: a checkpoint by another city's key under this city's name, and one of another city under its own.
#[tokio::test]
async fn row_13_another_citys_key_signs_nothing_here() {
    use exchange_core::checkpoint::{Checkpoint, LogKey, LogKind, Origin};
    let city = City::new(jinan());
    city.issue(1).await;
    let genuine = v1::Segment::decode(city.deliveries()[0].payload.clone()).unwrap();
    let claimed = Checkpoint::parse_unverified(&genuine.checkpoint).unwrap();
    // The seed of 青岛's key, under 济南's name.
    let mut seed = [LogKind::Events as u8; 32];
    seed[..6].copy_from_slice(&qingdao().as_bytes());
    let sign = |of: Region| {
        let origin = Origin::new(city::DOMAIN, of.as_str(), LogKind::Events, 1).unwrap();
        let key = LogKey::from_seed(&origin.to_string(), &seed).unwrap();
        Checkpoint { origin, ..claimed.clone() }.sign(&key).unwrap()
    };
    for (of, expected) in [(jinan(), Outcome::Deferred("KEY_UNKNOWN")), (qingdao(), Outcome::Rejected("OTHER_LOG"))] {
        let (store, mut replica) = follower(jinan());
        let forged = v1::Segment { checkpoint: sign(of).into(), ..genuine.clone() };
        let both = context(&[jinan(), qingdao()]);
        assert_eq!(replica.ingest(&kafka(0, forged.encode_to_vec()), &both, NOW).unwrap(), expected);
        replica.commit(NOW).unwrap();
        assert_eq!((replica.size(), store.region_state(jinan()).unwrap().unwrap().forks), (0, 0));
    }
}

/// Records that say more than they hold, or hold what takes more room than it has.
fn bombs(genuine: &v1::Segment) -> Vec<(&'static str, Vec<u8>, Outcome)> {
    const MOST: usize = exchange_core::segment::MAX_BYTES;
    let undecodable = || Outcome::Rejected("UNDECODABLE");
    let oversize = || Outcome::Rejected("OVERSIZE");
    let bytes = genuine.encode_to_vec();
    // A varint of 2^63 where the length of the first entry stands (field 4, length-delimited).
    let lying = [&[0x22][..], &[0x80; 9], &[0x01], &bytes].concat();
    vec![
        ("a hundred megabytes", vec![0x22; 100 << 20], oversize()),
        ("one byte too many", vec![0; MOST + 1], oversize()),
        ("450,000 entries of nothing", [0x22, 0].repeat(MOST / 2), oversize()),
        ("a length of 2^63", lying, undecodable()),
        ("a length one too long", bytes[..bytes.len() - 1].to_vec(), undecodable()),
        ("groups in groups", vec![0x3B; MOST], undecodable()), // field 7, start of a group
        ("entries in entries", nested(MOST), undecodable()),
        ("an entry of more than 65,535 bytes", with_entry(genuine, vec![1; 65_536]), undecodable()),
    ]
}

/// Length-delimited fields, each holding the next, as deep as the bytes allow.
fn nested(most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() + 8 < most.min(200_000) {
        let mut outer = vec![0x22];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.extend_from_slice(&bytes);
        bytes = outer;
        if bytes.len() > 2_000 {
            break; // each level copies all: deep enough for any recursion limit
        }
    }
    bytes
}

fn with_entry(genuine: &v1::Segment, entry: Vec<u8>) -> Vec<u8> {
    let content = Some(v1::segment_entry::Content::Entry(entry.into()));
    v1::Segment { entries: vec![v1::SegmentEntry { content }], ..genuine.clone() }.encode_to_vec()
}

/// Row 14: rejected before decoding, with the reason, and the feed goes on. Counts that lie under a genuine checkpoint
/// are altered entries.
#[tokio::test]
async fn row_14_bombs_are_rejected_and_the_feed_goes_on() {
    let city = City::new(jinan());
    city.issue(3).await;
    let deliveries = city.deliveries();
    let genuine = v1::Segment::decode(deliveries[1].payload.clone()).unwrap();
    let (store, mut replica) = follower(jinan());
    take(&mut replica, &deliveries[0]);
    for (what, bytes, expected) in bombs(&genuine) {
        assert_eq!(take(&mut replica, &kafka(1, bytes)), expected, "{what}");
    }
    let size = genuine.first + genuine.entries.len() as u64;
    for (what, segment) in [
        ("an entry too few", v1::Segment { entries: genuine.entries[1..].to_vec(), ..genuine.clone() }),
        ("from a later index", v1::Segment { first: genuine.first + 1, ..genuine.clone() }),
        ("from the last index", v1::Segment { first: u64::MAX, ..genuine.clone() }),
        ("of another epoch", v1::Segment { epoch: u32::MAX, ..genuine.clone() }),
    ] {
        let outcome = take(&mut replica, &kafka(1, segment.encode_to_vec()));
        assert_eq!(outcome, Outcome::Altered { from: 1, to: size }, "{what}");
    }
    for delivery in &deliveries[1..] {
        assert!(matches!(take(&mut replica, delivery), Outcome::Appended { .. }));
    }
    assert_eq!((replica.size(), store.region_state(jinan()).unwrap().unwrap().forks), (city.size(), 0));
}

const MEASURED: &str = "EXCHANGE_MEASURED_ALONE";
const BOMBS: i64 = 60;
/// What they may add to the process, KiB: the evidence that is kept of each is 64 kB. A single one decoded takes 20 MiB.
const MOST_KIB: u64 = 10 << 10;

/// Row 14: memory is bounded. Measured in a process of its own: here other tests run beside.
#[test]
fn row_14_bombs_take_no_memory() {
    if std::env::var_os(MEASURED).is_none() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "indexer::tests::hostile::row_14_bombs_take_no_memory", "--nocapture"])
            .env(MEASURED, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        println!("{}", said.lines().find(|line| line.contains("KiB")).unwrap_or("skipped: no /proc"));
        return;
    }
    let Some(_) = peak_kib() else { return println!("skipped: no /proc/self/status to read the peak from") };
    let bomb = bytes::Bytes::from([0x22, 0].repeat(exchange_core::segment::MAX_BYTES / 2));
    let store = Store::in_memory(province());
    let mut replica = Replica::open(&store, jinan(), province()).unwrap();
    let context = context(&[jinan()]);
    let before = peak_kib().unwrap();
    for offset in 0..BOMBS {
        let carrier = Carrier::Kafka { cluster: Arc::from("test"), offset };
        let outcome = replica.ingest(&Delivery { payload: bomb.clone(), carrier }, &context, NOW).unwrap();
        assert_eq!(outcome, Outcome::Rejected("OVERSIZE"));
        replica.commit(NOW).unwrap();
    }
    let grown = peak_kib().unwrap() - before;
    println!("{BOMBS} bombs of 900,000 bytes: {grown} KiB more at the peak");
    assert!(grown < MOST_KIB, "{grown} KiB");
}

/// The process's peak of resident memory.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
