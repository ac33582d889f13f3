#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{mock::Mock, *};
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
