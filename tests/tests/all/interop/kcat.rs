//! kcat reads a segment of a node's log from a real Kafka; its bytes are verified.

use super::there;
use crate::{process::Broker, world::*};
use exchange_core::{
    checkpoint::{LogKind, open},
    merkle::Frontier,
};
use exchange_node::{
    node::{Node, Source},
    practice::{Options, Practice},
};
use exchange_proto::segment::decode_segment;
use std::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kcat_reads_a_segment() {
    if !there("kcat", &["-V"], false) {
        return;
    }
    if let Some(missing) = Broker::missing() {
        println!("skipped: a real Kafka needs {missing}");
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let broker = Broker::start(&folder.path().join("broker"), &[PROVINCE]);
    let options = Options {
        regions: vec![region(PROVINCE)],
        kafka: Some(broker.bootstrap()),
        more_config: "[freshness]\nheartbeat_seconds = 1\n\n[limits]\nfree_space_mib = 64\n".to_owned(),
    };
    let practice = Practice::create(&folder.path().join("province"), options).unwrap();
    let source = Source::File { path: practice.config(region(PROVINCE)), overrides: Vec::new() };
    let node = Node::start(source).await.unwrap();
    // A node that is alone says so by its heartbeats; an anchor of its access log is an entry.
    let mut record = Vec::new();
    until("a record in the topic", async || {
        let output = Command::new("kcat")
            .args(["-C", "-b", &broker.bootstrap(), "-t", &format!("exchange.log.{PROVINCE}"), "-p", "0"])
            .args(["-o", "beginning", "-c", "1", "-e", "-q", "-f", "%s"])
            .output()
            .unwrap();
        record = output.stdout;
        !record.is_empty()
    })
    .await;
    let segment = decode_segment(record.into()).unwrap();
    assert_eq!((segment.region, segment.epoch, segment.first), (region(PROVINCE), 1, 0));
    let keys = practice.bundle().log_keys(region(PROVINCE), LogKind::Events, 1, segment.end());
    let checkpoint = open(&segment.note, &keys).unwrap();
    let mut frontier = Frontier::new();
    segment.views().iter().for_each(|entry| frontier.append(entry.leaf()));
    assert_eq!((frontier.size(), frontier.root()), (checkpoint.size(), *checkpoint.root()));
    println!("kcat: a segment of {} entries verified", segment.entries.len());
    node.kill();
}
