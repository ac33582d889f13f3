//! The edge: errors as callers see them, the gate, reflection, what nodes read from each other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{
    peer::{CHUNK_BYTES, Readable},
    status::{reason_of, status},
};
use crate::{
    lab::{DAY_MS, JINAN, Lab, QINGDAO, Served, host, region, uri},
    peers::{Peers, with_deadline},
    random::Random,
    refusal::{Refusal, Who},
    spawn::Tasks,
    store::Store,
    tls::Tls,
};
use exchange_core::reason::Reason;
use exchange_proto::v1::{GetCheckpointRequest, GetTrustRequest, trust_item::Item};
use std::{sync::Arc, time::Duration};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};
use tonic_types::StatusExt;

#[test]
fn a_refusal_says_reason_found_needed_who_and_in_chinese() {
    let refusal = Refusal::caller(Reason::CallerNotAllowed, "system x\u{1b}[31m\nof 370200", "a system of 370100");
    let status = status(&refusal);
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(!status.message().contains(['\n', '\u{1b}']), "{}", status.message());
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("CALLER_NOT_ALLOWED", "exchange.v1"));
    assert_eq!(info.metadata["needed"], "a system of 370100");
    assert_eq!(info.metadata["who"], "caller");
    assert_eq!(details.localized_message().unwrap().locale, "zh-CN");
    assert!(details.localized_message().unwrap().message.starts_with("调用方无权调用此接口"));
    assert_eq!(details.help().unwrap().links[0].url, "docs/errors.md#caller_not_allowed");
    assert!(details.retry_info().is_none(), "asking again changes nothing");
    assert_eq!(reason_of(&status).as_deref(), Some("CALLER_NOT_ALLOWED"));
}

#[test]
fn what_may_be_asked_again_says_when_and_long_texts_are_cut() {
    let refusal =
        Refusal { reason: Reason::Overloaded, found: "x".repeat(100_000), needed: String::new(), who: Who::Node };
    let status = status(&refusal);
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    assert!(status.message().len() < 1_000 && status.details().len() < 4_000);
}

/// A channel to the served node of 济南 as somebody of 青岛 or 济南.
async fn channel(lab: &Lab, served: &Served, ca: &crate::lab::Ca, uri: &str) -> (Arc<Tls>, Channel) {
    let tls = Tls::new(lab.trust(), ca.leaf(uri, 500).identity(), lab.clock.clone()).unwrap();
    let target = crate::tls::Target {
        region: region(JINAN),
        address: served.address.to_string(),
        server_name: host(JINAN),
        admit_stale_crl: true,
    };
    let connector = Arc::clone(&tls);
    let channel = tonic::transport::Endpoint::from_static("http://node.test")
        .connect_with_connector(tower::service_fn(move |_: tonic::transport::Uri| {
            let (tls, target) = (Arc::clone(&connector), target.clone());
            async move { tls.connect(&target, Duration::from_secs(2)).await.map(hyper_util::rt::TokioIo::new) }
        }))
        .await
        .unwrap();
    (tls, channel)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_for_every_caller_and_reflection_for_operators() {
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    for (kind, allowed) in [("operator", true), ("system", false), ("node", false)] {
        let (_tls, channel) = channel(&lab, &served, &lab.jinan, &uri(JINAN, kind, "one")).await;
        HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
        let ask = ServerReflectionRequest {
            message_request: Some(MessageRequest::ListServices(String::new())),
            ..ServerReflectionRequest::default()
        };
        let answer = ServerReflectionClient::new(channel).server_reflection_info(tokio_stream::once(ask)).await;
        match (allowed, answer) {
            (true, Ok(_)) => {}
            (false, Err(status)) => assert_eq!(reason_of(&status).as_deref(), Some("CALLER_NOT_ALLOWED"), "{kind}"),
            (_, other) => panic!("{kind}: {other:?}"),
        }
    }
}

/// A node whose CRL is stale may read logs and trust; everything else says why not, until a newer CRL is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_stale_crl_the_gate_opens_for_four_calls() {
    let lab = Lab::new();
    let stale = lab.qingdao.crl_until(1, &[], lab.now_ms - 2 * DAY_MS);
    let trust = lab.trust_with(&[lab.root.crl(1, &[]), lab.jinan.crl(1, &[]), stale]);
    let served = lab.serve(Arc::clone(&trust)).await;
    let (_tls, channel) = channel(&lab, &served, &lab.qingdao, &uri(QINGDAO, "node", "node-1")).await;
    let mut health = HealthClient::new(channel.clone());
    let status = health.check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("CRL_STALE"));
    let mut peer = exchange_proto::v1::peer_service_client::PeerServiceClient::new(channel);
    let status = peer.get_trust(GetTrustRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "through the gate; this test serves no PeerService");
    let status = peer.lookup(exchange_proto::v1::PeerQuestion::default()).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("CRL_STALE"));
    trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(2, &[])).unwrap();
    served.tls.refresh();
    health.check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_stream_ends_with_its_callers_credential() {
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(Arc::clone(&trust)).await;
    let (_tls, channel) = channel(&lab, &served, &lab.qingdao, &uri(QINGDAO, "node", "node-1")).await;
    let mut health = HealthClient::new(channel);
    let mut stream = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap().expect("the first word");
    trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(2, &[500])).unwrap();
    let end = tokio::time::timeout(Duration::from_secs(1), stream.message()).await.expect("within a second");
    assert!(end.is_err(), "{end:?}");
    assert!(health.check(HealthCheckRequest::default()).await.is_err(), "and does not come back");
    // The caller may know before the node has taken note; and a call that met the end of the old connection has not made a
    // new one: it is the next one that is refused.
    let noted = async {
        loop {
            if let Some(refused) = served.tls.refusals().last().last() {
                return refused.fault;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(health.check(HealthCheckRequest::default()).await.is_err());
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), noted).await.expect("it is noted"), "REVOKED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_are_found_by_the_bundle_and_say_what_is_wrong() {
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    let at = |address: String| {
        move |bundle: &mut exchange_core::bundle::TrustBundle| {
            bundle.regions.get_mut(&region(JINAN)).unwrap().nodes[0].address = address;
        }
    };
    let trust = lab.trust();
    trust.offer_bundle(&lab.bundle(2, at(served.address.to_string()))).unwrap();
    let identity = lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 500).identity();
    let tls = Tls::new(Arc::clone(&trust), identity, lab.clock.clone()).unwrap();
    let own = region(QINGDAO);
    let peers = Peers::new(tls, Arc::clone(&trust), lab.clock.clone(), Random::new(), own, 4 << 20);
    assert_eq!(peers.regions(), [region(JINAN)]);
    for unknown in ["370600", QINGDAO] {
        assert_eq!(peers.client(region(unknown)).unwrap_err().reason, Reason::PeerUnknown);
    }
    let mut client = peers.client(region(JINAN)).unwrap();
    let ask = || with_deadline(GetCheckpointRequest::default(), Duration::from_secs(2));
    assert_eq!(client.get_checkpoint(ask()).await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(peers.list()[0].state, crate::peers::State::Connected);
    // No health behind this server's gate is a lack; that TLS is accepted both ways is what counts here.
    let steps = peers.probe(region(JINAN)).await.unwrap();
    assert!(steps.iter().any(|step| step.name == "tls" && step.fault.is_empty()), "{steps:?}");

    // The node moved away: the state says so, and calls fail at once instead of waiting.
    trust.offer_bundle(&lab.bundle(3, at("127.0.0.1:1".to_owned()))).unwrap();
    served.tls.live().cut_all();
    let steps = peers.probe(region(JINAN)).await.unwrap();
    let last = steps.last().unwrap();
    assert_eq!((last.name, last.fault.as_str()), ("connect", "NOT_REACHED"), "{steps:?}");
    assert!(last.found.starts_with("127.0.0.1:1: "), "{steps:?}");
    for _ in 0..3 {
        let status = client.get_checkpoint(ask()).await.unwrap_err();
        assert_ne!(status.code(), Code::Unimplemented);
    }
    let listed = &peers.list()[0];
    assert_eq!((listed.state, listed.name.as_str()), (crate::peers::State::Failed, "济南市"));
    assert!(listed.last_error.contains("refused"), "{}", listed.last_error);
}

#[test]
fn trust_travels_in_chunks_and_by_digest() {
    let lab = Lab::new();
    let trust = lab.trust();
    trust.learn(&lab.qingdao.der);
    let many: Vec<u64> = (1_000..21_000).collect();
    let large = lab.qingdao.crl(2, &many);
    trust.offer_crl(region(QINGDAO), &large).unwrap();
    let readable = Readable { store: store(&lab), trust, region: region(JINAN), tasks: Tasks::default() };
    let items = readable.trust_items(&GetTrustRequest::default()).unwrap();
    let mut found = vec![Vec::new()];
    for item in &items {
        let (Some(Item::BundleChunk(chunk)) | Some(Item::CrlChunk(chunk))) = &item.item else { panic!("empty") };
        assert!(chunk.len() <= CHUNK_BYTES);
        found.last_mut().unwrap().extend_from_slice(chunk);
        if item.last_chunk {
            found.push(Vec::new());
        }
    }
    assert!(found.contains(&large) && large.len() > CHUNK_BYTES);
    let digest = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec().into();
    let one = readable.trust_items(&GetTrustRequest { sha256: digest(&large) }).unwrap();
    assert_eq!(one.len(), large.len().div_ceil(CHUNK_BYTES));
    let none = readable.trust_items(&GetTrustRequest { sha256: digest(b"something else") }).unwrap_err();
    assert_eq!(none.reason, Reason::BundleMissing);
    let short = readable.trust_items(&GetTrustRequest { sha256: vec![1, 2].into() }).unwrap_err();
    assert_eq!(short.reason, Reason::FieldInvalid);
}

#[tokio::test]
async fn checkpoints_of_logs_that_are_not_here_are_refused() {
    let lab = Lab::new();
    let readable = Readable { store: store(&lab), trust: lab.trust(), region: region(JINAN), tasks: Tasks::default() };
    for (origin, expected) in [
        ("sd.example.org/370100/events/1", Reason::PositionOutOfRange),
        ("sd.example.org/370200/events/1", Reason::PositionOutOfRange),
        ("sd.example.org/370200/access/1", Reason::RegionUnknown),
        ("zj.example.org/370100/events/1", Reason::RegionUnknown),
        ("sd.example.org/../events/1", Reason::FieldInvalid),
        ("", Reason::FieldInvalid),
    ] {
        let asked = GetCheckpointRequest { origin: origin.to_owned() };
        assert_eq!(readable.checkpoint(&asked).unwrap_err().reason, expected, "{origin}");
        let asked =
            exchange_proto::v1::GetConsistencyProofRequest { origin: origin.to_owned(), old_size: 1, new_size: 2 };
        assert_eq!(readable.consistency_proof(asked).await.unwrap_err().reason, expected, "{origin}");
    }
}

fn store(lab: &Lab) -> Store {
    Store::open(&lab.folder.path().join("store"), exchange_core::region::Region::parse("370100").unwrap()).unwrap()
}
