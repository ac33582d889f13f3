//! Real `exchange-node run` processes of a province and two cities over a real Apache Kafka: what is only true when the
//! operating system ends a process, delivers a signal or loses a broker.
//!
//! Needs Java 17 and Maven (for the broker's jars, or their folder in `EXCHANGE_KAFKA_LIBS`); without them the tests say
//! `skipped:`. The node's program is built as it ships, by cargo, before the first test.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod broker;
mod callers;
mod drain;
mod load;
mod node;
mod pause;
mod reload;
mod space;
mod world;

pub(crate) use broker::Broker;
use exchange_node::practice::{OPERATOR, SYSTEM};
use exchange_node::rpc::status::reason_of;
use exchange_proto::v1::{self, certificate_service_client::CertificateServiceClient};
use load::{Load, issue};
pub(crate) use node::program;
use std::{
    collections::BTreeSet,
    error::Error,
    future::Future,
    time::{Duration, Instant},
};
use tonic::Code;
use world::{DRAIN, JINAN, NODES, QINGDAO, World};

/// Longest step; generous, because programs of Java start in some of them on a machine that may be busy.
const STEP: Duration = Duration::from_secs(180);
/// Callers at once.
const CALLERS: usize = 16;

/// Four processes and a broker are enough for two cores.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn step<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let done = tokio::time::timeout(STEP, work).await.unwrap_or_else(|_| panic!("{what}: not done after {STEP:?}"));
    println!("{what}: {:.1} s", begin.elapsed().as_secs_f64());
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_stop_or_an_old_copy() {
    let _alone = ALONE.lock().await;
    node::program();
    let Some(mut world) = step("start", World::start()).await else { return };
    step("killed", killed_while_it_issues(&mut world)).await;
    step("stopped", stopped_under_load(&mut world)).await;
    step("an old copy", an_old_copy_is_read_only(&mut world)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_old_configuration_or_takes_the_whole_new_one() {
    let _alone = ALONE.lock().await;
    node::program();
    let Some(mut world) = step("start", World::start()).await else { return };
    step("bad reloads", reload::refused(&mut world)).await;
    step("a good reload", reload::taken(&mut world)).await;
    step("a lost broker", lost_broker(&mut world)).await;
}

/// kill -9 in the middle of 1,000 issues: acknowledged N, found N, duplicated 0, and the other city has all.
async fn killed_while_it_issues(world: &mut World) {
    const ISSUES: usize = 1_000;
    let load = Load::start(world.channels(JINAN, SYSTEM, CALLERS).await, load::requests(0, ISSUES));
    load.acknowledged(ISSUES / 4).await;
    world.node(JINAN).kill();
    let told = load.end().await;
    assert!(told.acknowledged.len() < ISSUES, "the issues ended before the kill");
    world.up(JINAN).await;
    let ids = asked_again(world, &told).await;
    world.settled().await;
    let other = listed(world, QINGDAO, "").await;
    assert_eq!(other.len(), ids.len(), "nothing is there twice, or that nobody asked for");
    assert!(other.iter().all(|id| ids.contains(id)), "the other city has all");
}

/// SIGTERM under load: what was accepted is finished, the rest is told to try elsewhere or later, and the process ends
/// by itself with 0.
async fn stopped_under_load(world: &mut World) {
    const ISSUES: usize = 20_000;
    let load = Load::start(world.channels(JINAN, SYSTEM, CALLERS).await, load::requests(1_000, ISSUES));
    load.acknowledged(200).await;
    let begin = Instant::now();
    world.node(JINAN).signal("TERM");
    let status = world.node(JINAN).ended(DRAIN).await;
    assert_eq!(status.code(), Some(0), "{}", world.node(JINAN).log());
    let took = begin.elapsed();
    let told = load.end().await;
    assert!(told.acknowledged.len() < ISSUES, "the issues ended before the stop");
    for refusal in &told.refused {
        // A request that was being handed to a connection as that closed never reached the node: tonic's client has
        // CANCELLED or UNKNOWN for it, and the transport's error as its source.
        let cut = refusal.source().is_some_and(|source| source.is::<tonic::transport::Error>());
        let reason = reason_of(refusal);
        assert!(refusal.code() == Code::Unavailable || cut, "{reason:?} {refusal:?}, ended after {took:?}");
    }
    world.up(JINAN).await;
    let ids = asked_again(world, &told).await;
    world.settled().await;
    assert_eq!(held(world, QINGDAO, &ids).await, ids.len(), "the other city has all that were told, each once");
}

/// A copy of the node's folder from before the last issues is put back: it must not sign other entries at positions
/// that the province has seen.
async fn an_old_copy_is_read_only(world: &mut World) {
    let data = world.practice.node_folder(world::region(JINAN)).join("data");
    let copy = data.with_extension("copy");
    world.stop(JINAN).await;
    copy_folder(&data, &copy);
    world.up(JINAN).await;
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
    for request in load::requests(30_000, 5) {
        issue(&mut client, request).await.unwrap();
    }
    world.settled().await;
    let newest = world.status(JINAN).await.events.unwrap().size;
    world.stop(JINAN).await;
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&copy, &data).unwrap();
    world.start_node(JINAN).await;
    let status =
        world.when("the comparison's verdict", JINAN, |status| status.read_only_reason.contains("holds")).await;
    let reason = &status.read_only_reason;
    assert!(!status.writable);
    assert!(reason.contains("it is an old copy; restore the newest one"), "{reason}");
    let held: u64 = reason.split("holds ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    assert!(held >= newest, "{reason}; the log had {newest} entries");
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
    let refusal = issue(&mut client, load::request(31_000)).await.unwrap_err();
    assert_eq!(reason_of(&refusal).as_deref(), Some("READ_ONLY"), "{refusal:?}");
}

/// The broker is killed; issuing goes on; an empty one takes its place by the configuration and SIGHUP.
async fn lost_broker(world: &mut World) {
    world.broker.kill();
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
    let mut ids = BTreeSet::new();
    for request in load::requests(41_000, 100) {
        ids.insert(issue(&mut client, request).await.unwrap());
    }
    let status = world.status(JINAN).await;
    let log = status.events.unwrap();
    assert!(log.published < log.size, "a dead broker confirmed {} of {} entries", log.published, log.size);

    world.broker = Broker::start(&world.folder().join("second"), &NODES);
    let bootstrap = world.broker.bootstrap();
    world.practice.set_kafka(Some(bootstrap.clone())).unwrap();
    for code in NODES {
        world.node(code).signal("HUP");
    }
    for code in NODES {
        let all = |status: &v1::NodeStatus| {
            let log = status.events.as_ref().unwrap();
            status.kafka == bootstrap && log.published == log.size
        };
        world.when("everything published to the new broker", code, all).await;
    }
    world.settled().await;
    assert_eq!(held(world, QINGDAO, &ids).await, ids.len(), "what was issued without a broker arrived");
    // Gaps of other, silent regions may be filled over gRPC at any moment: this city's log alone is looked at. What came
    // while nothing of it was filled came through Kafka.
    let gaps = format!("exchange_gap_segments_total{{region=\"{JINAN}\"");
    let filled = world.metric(QINGDAO, &gaps).await;
    let ingested = world.metric(QINGDAO, "exchange_ingested_entries_total").await;
    arrives(world, 42_000).await;
    assert_eq!(world.metric(QINGDAO, &gaps).await, filled, "filled from another node");
    assert!(world.metric(QINGDAO, "exchange_ingested_entries_total").await > ingested);
}

/// A new certificate of one city is in the other within two seconds.
async fn arrives(world: &World, number: usize) {
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
    let ids = BTreeSet::from([issue(&mut client, load::request(number)).await.unwrap()]);
    let begin = Instant::now();
    while held(world, QINGDAO, &ids).await == 0 {
        assert!(begin.elapsed() < Duration::from_secs(2), "not in the other city after {:?}", begin.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every caller asks again with the same request ids. Gives the certificates of all that were sent.
async fn asked_again(world: &World, told: &load::Told) -> BTreeSet<String> {
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
    let mut ids = BTreeSet::new();
    let mut found = 0;
    for (number, request) in told.sent() {
        let certificate = client.issue_certificate(request.clone()).await.unwrap().into_inner();
        if let Some(id) = told.acknowledged.get(&number) {
            assert_eq!(*id, certificate.certificate_id, "request {number} has another certificate now");
            assert!(certificate.repeated_request, "request {number} was acknowledged and is issued again");
            found += 1;
        }
        assert!(ids.insert(certificate.certificate_id), "request {number} has another request's certificate");
    }
    assert_eq!(found, told.acknowledged.len());
    ids
}

/// How many of these certificates a node's index has.
async fn held(world: &World, at: &str, ids: &BTreeSet<String>) -> usize {
    listed(world, at, "").await.iter().filter(|id| ids.contains(*id)).count()
}

/// All certificates of 济南 in a node's index, of one type if one is named.
async fn listed(world: &World, at: &str, type_code: &str) -> Vec<String> {
    let mut client = CertificateServiceClient::new(world.channel(at, OPERATOR).await);
    let (mut token, mut listed) = (String::new(), Vec::new());
    loop {
        let request = v1::ListCertificatesRequest {
            page_size: 1_000,
            page_token: token,
            region: JINAN.to_owned(),
            type_code: type_code.to_owned(),
            ..Default::default()
        };
        let page = client.list_certificates(request).await.unwrap().into_inner();
        listed.extend(page.certificates.into_iter().map(|one| one.certificate_id));
        token = page.next_page_token;
        if token.is_empty() {
            return listed;
        }
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
