//! kcat reads a segment of a node's log from a real Kafka; its bytes are verified.

use super::there;
use crate::{process::Broker, world::*};
use exchange_core::{
    checkpoint::{LogKind, open},
    merkle::Frontier,
};
use exchange_node::{
    catalogue::{Item, file},
    node::{Node, Source},
    practice::{self, OPERATOR, Options, Practice},
};
use exchange_proto::{
    catalogue as convert,
    segment::decode_segment,
    v1::{self, catalogue_service_client::CatalogueServiceClient},
};
use std::{path::Path, process::Command};

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
    publish(&practice).await;
    // Heartbeats come first: the first segment with entries.
    let mut found = None;
    let mut offset = 0;
    until("a segment with entries in the topic", async || {
        let output = Command::new("kcat")
            .args(["-C", "-b", &broker.bootstrap(), "-t", &format!("exchange.log.{PROVINCE}"), "-p", "0"])
            .args(["-o", &offset.to_string(), "-c", "1", "-e", "-q", "-f", "%s"])
            .output()
            .unwrap();
        if output.stdout.is_empty() {
            return false; // the end of the topic
        }
        offset += 1;
        let segment = decode_segment(output.stdout.into()).unwrap();
        found = (!segment.entries.is_empty()).then_some(segment);
        found.is_some()
    })
    .await;
    let segment = found.unwrap();
    assert_eq!((segment.region, segment.epoch, segment.first), (region(PROVINCE), 1, 0));
    let keys = practice.bundle().log_keys(region(PROVINCE), LogKind::Events, 1, segment.end());
    let checkpoint = open(&segment.note, &keys).unwrap();
    let mut frontier = Frontier::new();
    segment.views().iter().for_each(|entry| frontier.append(entry.leaf()));
    assert_eq!((frontier.size(), frontier.root()), (checkpoint.size(), *checkpoint.root()));
    println!("kcat: a segment of {} entries verified", segment.entries.len());
    node.kill();
}

/// Something to be read: a certificate type.
async fn publish(practice: &Practice) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue/certificate-types.json");
    let Item::CertificateType(kind) = file::read(&sample).unwrap().remove(0) else { panic!("no type in the sample") };
    let client = practice.client(region(PROVINCE), OPERATOR);
    until("the type is published", async || {
        let Ok(channel) = practice::connect(&client).await else { return false };
        let request = v1::PublishCertificateTypeRequest {
            request_id: request_id(),
            certificate_type: Some(convert::encode_certificate_type(&kind)),
            validate_only: false,
        };
        CatalogueServiceClient::new(channel).publish_certificate_type(request).await.is_ok()
    })
    .await;
}
