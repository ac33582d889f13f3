#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{mock::Mock, *};
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    mocking::MockCluster,
    producer::{FutureProducer, FutureRecord},
};
use std::time::Duration;

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

fn settings(mock: &Mock) -> Settings {
    Settings {
        bootstrap_servers: mock.bootstrap_servers().to_owned(),
        client: "exchange-370100-node-1".to_owned(),
        ca: None,
        certificate: None,
        key: None,
    }
}

fn outgoing(first: u64) -> Outgoing {
    Outgoing { epoch: 1, first, count: 1, bytes: Bytes::from(format!("segment {first}")) }
}

async fn next(feed: &mut Feed) -> Record {
    tokio::time::timeout(Duration::from_secs(20), feed.next()).await.expect("a record within 20 s")
}

/// Publish, fetch, seek; then another, empty broker under another address: the feed begins there from its start.
#[tokio::test(flavor = "multi_thread")]
async fn records_come_and_another_broker_begins_anew() {
    let tasks = Tasks::default();
    let (jinan, qingdao) = (region("370100"), region("370200"));
    let first = Mock::start([jinan, qingdao], &tasks).await.unwrap();
    let kafka = Kafka::start(Some(settings(&first)), &tasks);
    for index in 0..3_i64 {
        kafka.publish(jinan, &outgoing(index.unsigned_abs())).await.unwrap();
    }
    kafka.publish(qingdao, &outgoing(7)).await.unwrap();
    let (mut feed, mut other) = (kafka.feed(jinan, "", 0), kafka.feed(qingdao, "", 0));
    let mut cluster: Arc<str> = Arc::from("");
    for index in 0..3_i64 {
        let record = next(&mut feed).await;
        assert_eq!((record.offset, record.payload), (index, outgoing(index.unsigned_abs()).bytes));
        cluster = record.cluster;
    }
    assert_eq!(next(&mut other).await.payload, outgoing(7).bytes);
    feed.seek(1);
    assert_eq!(next(&mut feed).await.offset, 1);

    let second = Mock::start([jinan, qingdao], &tasks).await.unwrap();
    kafka.swap(Some(settings(&second)));
    drop(first);
    kafka.publish(jinan, &outgoing(40)).await.unwrap();
    let mut record = next(&mut feed).await;
    while record.cluster == cluster {
        record = next(&mut feed).await; // what was fetched before
    }
    assert_eq!((record.offset, record.payload), (0, outgoing(40).bytes));
    tasks.stop();
}

#[tokio::test]
async fn without_a_broker_it_says_so() {
    let tasks = Tasks::default();
    let kafka = Kafka::start(None, &tasks);
    assert_eq!(kafka.publish(region("370100"), &outgoing(0)).await, Err(Error::Off));
    tasks.stop();
}

/// Rows 8 and 14 of the attack table, and bad input: what somebody else writes to the topic. Another partition is never
/// read; headers, keys and times are nobody's word; a record without a payload is an empty one.
#[tokio::test]
async fn records_of_somebody_else_are_bytes_and_nothing_more() {
    let (tasks, jinan) = (Tasks::default(), region("370100"));
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(&topic(jinan), 2, 1).unwrap();
    let producer = stranger(&cluster.bootstrap_servers(), "none");
    let (name, nothing) = (topic(jinan), None::<&[u8]>);
    let lies = [("region", "370200"), ("epoch", "x"), ("first", "-1"), ("count", "99999999999999999999")];
    let headers =
        || lies.iter().fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(*value) }));
    let record = |partition| FutureRecord::<[u8], [u8]>::to(&name).partition(partition).key(b"\xFF".as_slice());
    let within = Duration::from_secs(10);
    producer.send(record(1).payload(b"in another partition"), within).await.unwrap();
    producer.send(record(0).payload(b"with lies").headers(headers()).timestamp(-1), within).await.unwrap();
    producer.send(FutureRecord { payload: nothing, ..record(0) }, within).await.unwrap();
    producer.send(record(0).payload(b"the last"), within).await.unwrap();

    let settings = Settings { bootstrap_servers: cluster.bootstrap_servers(), ..empty() };
    let kafka = Kafka::start(Some(settings), &tasks);
    let mut feed = kafka.feed(jinan, "", 0);
    for (offset, expected) in [&b"with lies"[..], b"", b"the last"].into_iter().enumerate() {
        let record = next(&mut feed).await;
        assert_eq!((record.offset, &record.payload[..]), (i64::try_from(offset).unwrap(), expected));
    }
    tasks.stop();
}

/// Row 14: a few kilobytes that unpack to forty megabytes are not unpacked, and other regions' topics go on.
#[tokio::test]
async fn a_compression_bomb_is_not_unpacked() {
    let (tasks, jinan, qingdao) = (Tasks::default(), region("370100"), region("370200"));
    let cluster = MockCluster::new(1).unwrap();
    for region in [jinan, qingdao] {
        cluster.create_topic(&topic(region), 1, 1).unwrap();
    }
    let producer = stranger(&cluster.bootstrap_servers(), "zstd");
    let bomb = vec![0_u8; 40 << 20];
    let (bombed, sound) = (topic(jinan), topic(qingdao));
    let within = Duration::from_secs(20);
    producer.send(FutureRecord::<[u8], [u8]>::to(&bombed).partition(0).payload(&bomb), within).await.unwrap();
    producer.send(FutureRecord::<[u8], [u8]>::to(&sound).partition(0).payload(b"sound"), within).await.unwrap();

    let settings = Settings { bootstrap_servers: cluster.bootstrap_servers(), ..empty() };
    let kafka = Kafka::start(Some(settings), &tasks);
    let (mut bombed, mut sound) = (kafka.feed(jinan, "", 0), kafka.feed(qingdao, "", 0));
    assert_eq!(&next(&mut sound).await.payload[..], b"sound");
    let unpacked = tokio::time::timeout(Duration::from_secs(3), bombed.next()).await;
    assert!(unpacked.is_err(), "{} bytes came out of the bomb", unpacked.unwrap().payload.len());
    tasks.stop();
}

fn stranger(bootstrap_servers: &str, compression: &str) -> FutureProducer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap_servers)
        .set("compression.type", compression)
        .set("message.max.bytes", "100000000")
        .create()
        .unwrap()
}

fn empty() -> Settings {
    let client = "exchange-370200-node-1".to_owned();
    Settings { bootstrap_servers: String::new(), client, ca: None, certificate: None, key: None }
}
