//! DRAIN-1: SIGTERM ends streams with a word and a place to go on from, and a rolling restart of all nodes under load
//! loses no accepted call.

use super::{
    ALONE,
    callers::{Callers, is_clean},
    load::{self, Load, MARRIAGE},
    node, step,
    world::{DRAIN, JINAN, NODES, QINGDAO, World},
};
use exchange_node::{
    practice::{OPERATOR, SYSTEM},
    rpc::status::reason_of,
};
use exchange_proto::v1::{self, certificate_service_client::CertificateServiceClient};
use std::{collections::BTreeSet, time::Instant};
use tonic::{Code, Status, Streaming};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_no_accepted_call_and_no_event() {
    let _alone = ALONE.lock().await;
    node::program();
    let Some(mut world) = step("start", World::start()).await else { return };
    step("streams end with a place to go on from", streams(&mut world)).await;
    let callers = Callers::start(&world).await;
    callers.go_on(50, 50).await;
    step("a rolling restart", rolling_restart(&mut world, &callers)).await;
    let heard = callers.end().await;
    step("what was told holds", world.nothing_lost_or_doubled(&heard)).await;
    println!("{} issued, {} questions answered", heard.issued.len(), heard.answered.len());
}

/// Two subscribers of one log, at the node that stops: both hear DRAINING within the time, and what they saw before and
/// what they see behind their last position afterwards is every event, once.
async fn streams(world: &mut World) {
    const ISSUES: usize = 20_000;
    let begin = v1::LogPosition { region: JINAN.to_owned(), epoch: 1, index: 0 };
    let mut subscribers = Vec::new();
    for who in [SYSTEM, OPERATOR] {
        subscribers.push(subscribe(world, who, begin.clone()).await);
    }
    let load = Load::start(world.channels(JINAN, SYSTEM, super::CALLERS).await, load::requests(1_000, ISSUES));
    load.acknowledged(300).await;
    let stopped = Instant::now();
    world.node(JINAN).signal("TERM");
    let mut seen = Vec::new();
    for stream in subscribers {
        let (events, end) = read(stream, DRAIN).await;
        assert_eq!(reason_of(&end).as_deref(), Some("DRAINING"), "{end:?} after {:?}", stopped.elapsed());
        assert_eq!(end.code(), Code::Unavailable);
        is_clean(&end, &["DRAINING"]);
        assert!(events.len() >= 200, "{} events before the end", events.len());
        seen.push(events);
    }
    let status = world.node(JINAN).ended(DRAIN).await;
    assert_eq!(status.code(), Some(0), "{}", world.node(JINAN).log());
    let told = load.end().await;
    assert!(told.acknowledged.len() < ISSUES, "the issues ended before the stop");
    world.up(JINAN).await;
    let ids = super::asked_again(world, &told).await;
    world.settled().await;
    for (who, mut events) in [SYSTEM, OPERATOR].into_iter().zip(seen) {
        let last = events.last().unwrap().position.clone().unwrap();
        let mut stream = subscribe(world, who, last).await;
        while issued(&events).intersection(&ids).count() < ids.len() {
            let next = tokio::time::timeout(DRAIN, stream.message()).await;
            let next = next.unwrap_or_else(|_| panic!("{} of {} events", events.len(), ids.len()));
            events.push(next.unwrap().unwrap());
        }
        let positions: Vec<u64> = events.iter().map(|event| event.position.as_ref().unwrap().index).collect();
        assert!(positions.is_sorted_by(|one, next| one < next), "each event once, in the log's order");
        let marriages = events.iter().filter(|event| event.type_code == MARRIAGE && event.issued).count();
        assert_eq!(marriages, ids.len());
    }
}

async fn subscribe(world: &World, who: &str, after: v1::LogPosition) -> Streaming<v1::CertificateEvent> {
    let mut client = CertificateServiceClient::new(world.channel(JINAN, who).await);
    let request = v1::WatchCertificatesRequest { region: JINAN.to_owned(), after: Some(after) };
    client.watch_certificates(request).await.unwrap().into_inner()
}

/// Everything until the stream ends with an error.
async fn read(
    mut stream: Streaming<v1::CertificateEvent>,
    within: std::time::Duration,
) -> (Vec<v1::CertificateEvent>, Status) {
    let mut events = Vec::new();
    let end = tokio::time::timeout(within, async {
        loop {
            match stream.message().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => panic!("the stream ended without a word"),
                Err(status) => return status,
            }
        }
    });
    let end = end.await.unwrap_or_else(|_| panic!("the stream lives on after {within:?}"));
    (events, end)
}

fn issued(events: &[v1::CertificateEvent]) -> BTreeSet<String> {
    events.iter().map(|event| event.certificate_id.clone()).collect()
}

/// Every node in turn, each up again before the next one; callers only ask again.
async fn rolling_restart(world: &mut World, callers: &Callers) {
    callers.refusals();
    for code in NODES {
        world.stop(code).await;
        world.up(code).await;
        callers.go_on(50, 50).await;
    }
    let refusals = callers.refusals();
    for called in [JINAN, QINGDAO] {
        assert!(refusals.iter().any(|(at, _)| *at == called), "nobody noticed that {called} was away");
    }
    for (_, refusal) in &refusals {
        is_clean(refusal, &["DRAINING", "READ_ONLY", "PEER_UNAVAILABLE", "DEADLINE_EXCEEDED", "OVERLOADED"]);
    }
}
