//! Crash, restore, withdrawal and reload: what an operator lives through.

use crate::world::*;
use ca_tools::Profile;
use exchange_core::region::Region;
use exchange_node::practice::{self, Client};
use exchange_proto::v1::{self, Status, certificate_service_client::CertificateServiceClient};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Certificates in the issue that a crash interrupts.
const COUNT: usize = 240;
const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations() {
    let mut world = World::with_catalogue("operations").await;
    world.step("the catalogue is published").await;
    withdrawn(&mut world).await;
    strangers(&world).await;
    reloads(&world).await;
    killed(&mut world).await;
    restored(&mut world).await;
}

/// Attack 3: a live stream of a withdrawn credential is cut within a second; what is good goes on.
async fn withdrawn(world: &mut World) {
    world.practice.issue(region(JINAN), Profile::System, KIOSK).unwrap();
    let client = world.practice.client(region(JINAN), KIOSK);
    let mut kiosk = CertificateServiceClient::new(practice::connect(&client).await.unwrap());
    let mut hall = world.certificates(JINAN).await;
    let watch = v1::WatchCertificatesRequest::default();
    let mut cut = kiosk.watch_certificates(watch.clone()).await.unwrap().into_inner();
    let mut kept = hall.watch_certificates(watch).await.unwrap().into_inner();
    world.practice.withdraw(region(JINAN), KIOSK).unwrap();
    let mut admin = world.admin(JINAN).await;
    let begun = Instant::now();
    let changed = admin.reload(v1::ReloadRequest {}).await.unwrap().into_inner().changed;
    assert!(!changed.is_empty(), "the new CRL is not taken");
    let end = tokio::time::timeout(Duration::from_secs(1), cut.message()).await;
    println!("operations: the stream of a withdrawn credential was cut after {:?}", begun.elapsed());
    end.expect("the stream lives on after a second").unwrap_err();
    no_connection(&client).await;
    until("the refusal is on the record", async || world.refused_handshakes(JINAN).contains(&"REVOKED")).await;
    let certificate = world.issue(JINAN, licence(JINAN, 1)).await;
    let next = tokio::time::timeout(Duration::from_secs(10), kept.message()).await;
    let event = next.expect("the good stream is silent").unwrap().unwrap();
    assert_eq!(event.certificate_id, certificate.certificate_id);
    world.step("a credential is withdrawn").await;
}

/// In TLS 1.3 a client has finished its handshake before it hears of the refusal: its first call breaks off.
async fn no_connection(client: &Client) {
    let Ok(channel) = practice::connect(client).await else { return };
    let status = CertificateServiceClient::new(channel).get_certificate(get("1")).await.unwrap_err();
    assert!(status.details().is_empty(), "the call came through: {status}");
}

fn get(id: &str) -> v1::GetCertificateRequest {
    v1::GetCertificateRequest { certificate_id: id.into() }
}

/// Attack 5: a credential by an unknown CA of the same name.
async fn strangers(world: &World) {
    practice::stranger(world.folder(), region(JINAN)).unwrap();
    let good = world.practice.client(region(JINAN), practice::SYSTEM);
    let client =
        Client { certificate: world.folder().join("stranger.pem"), key: world.folder().join("stranger.key"), ..good };
    no_connection(&client).await;
    // The CA has the name of a good one, and a signature by another root's key.
    until("the refusal is on the record", async || {
        world.refused_handshakes(JINAN).last() == Some(&"NOT_SIGNED_BY_ISSUER")
    })
    .await;
}

/// CFG-1: a bad reload keeps the old configuration and says why.
async fn reloads(world: &World) {
    let config = world.practice.config(region(JINAN));
    let crls = world.practice.node_folder(region(JINAN)).join("../crls.pem");
    let mut admin = world.admin(JINAN).await;
    let good = std::fs::read(&config).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    for (broken, word) in [
        ("[node\n".to_owned(), "unclosed table"),
        (text.replace("[listen]\ngrpc", "[listen]\ngrcp"), "grpc"),
        (text.replace("region = \"370100\"", "region = \"370200\""), "another region"),
        (text.replace("../crls.pem", "../nothing.pem"), "nothing.pem"),
    ] {
        std::fs::write(&config, broken).unwrap();
        let (found, _) = refused(admin.reload(v1::ReloadRequest {}).await, "CONFIG_INVALID");
        assert!(found.contains(word), "{found}");
    }
    std::fs::write(&config, &good).unwrap();
    let list = std::fs::read(&crls).unwrap();
    std::fs::write(&crls, b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n").unwrap();
    refused(admin.reload(v1::ReloadRequest {}).await, "CONFIG_INVALID");
    std::fs::write(&crls, list).unwrap();
    // What was withdrawn stays withdrawn, and what was good goes on.
    let kiosk = world.practice.client(region(JINAN), KIOSK);
    let before = world.refused_handshakes(JINAN).len();
    no_connection(&kiosk).await;
    until("it is refused still", async || world.refused_handshakes(JINAN).len() > before).await;
    world.issue(JINAN, licence(JINAN, 2)).await;
    assert!(admin.reload(v1::ReloadRequest {}).await.unwrap().into_inner().changed.is_empty());
    let mut system = v1::admin_service_client::AdminServiceClient::new(world.system(JINAN).await);
    refused(system.reload(v1::ReloadRequest {}).await, "CALLER_NOT_ALLOWED");
    world.step("bad reloads").await;
}

/// ISS-1, ISS-2, ISS-3: killed in the middle of an issue and started again from the same folder, with clients that ask
/// again under the same request ids.
async fn killed(world: &mut World) {
    let mut seeded = Seeded::new("operations");
    let after = COUNT / 8 + usize::try_from(seeded.below(COUNT as u64 / 2)).unwrap();
    let client = world.practice.client(region(JINAN), practice::SYSTEM);
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (client, acknowledged) = (client.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut issued = Vec::new();
                for number in 0..COUNT / WRITERS {
                    let sequence = 10_000 + u32::try_from(writer * 1_000 + number).unwrap();
                    let request = licence(JINAN, sequence);
                    let answer = until_answered(&client, &request).await;
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                    issued.push((request, answer));
                }
                issued
            })
        })
        .collect();
    until("enough is acknowledged", async || acknowledged.load(Ordering::SeqCst) >= after).await;
    world.kill(JINAN);
    let before = acknowledged.load(Ordering::SeqCst);
    assert!(before < COUNT, "everything was issued before the kill");
    world.start(JINAN).await;
    let mut issued = Vec::new();
    for writer in writers {
        issued.extend(writer.await.unwrap());
    }
    for (request, answer) in &issued {
        world.told(JINAN, request, answer);
    }
    let repeated = issued.iter().filter(|(_, answer)| answer.repeated_request).count();
    world.step("killed while issuing").await; // ISS-1 to ISS-3 hold all of them against every node's copy
    let mut client = world.certificates(YANTAI).await;
    let list = v1::ListCertificatesRequest {
        page_size: 1_000,
        region: JINAN.into(),
        type_code: LICENCE.into(),
        ..Default::default()
    };
    let found = client.list_certificates(list).await.unwrap().into_inner().certificates;
    let ids: std::collections::BTreeSet<&str> = issued.iter().map(|(_, one)| one.certificate_id.as_str()).collect();
    let there = found.iter().filter(|one| ids.contains(one.certificate_id.as_str())).count();
    println!(
        "operations: killed after {before} of {COUNT}: acknowledged {}, found {there}, duplicated {}, answered again \
         {repeated}",
        issued.len(),
        issued.len() - ids.len()
    );
    assert_eq!((there, ids.len()), (COUNT, COUNT));
    assert_eq!(found.len(), COUNT + 2, "something was issued that nobody was told of");
}

/// A client that knows nothing but its request: it asks again until there is an answer.
async fn until_answered(client: &Client, request: &v1::IssueCertificateRequest) -> Certificate {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(channel) = practice::connect(client).await {
            match CertificateServiceClient::new(channel).issue_certificate(request.clone()).await {
                Ok(answer) => return answer.into_inner(),
                Err(status) => assert!(
                    matches!(
                        status.code(),
                        tonic::Code::Unavailable
                            | tonic::Code::Unknown
                            | tonic::Code::Cancelled
                            | tonic::Code::Internal
                            | tonic::Code::FailedPrecondition
                    ),
                    "{status}"
                ),
            }
        }
        assert!(Instant::now() < end, "no answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// ISS-3: an older copy of the folder is put back. The node answers, and writes nothing until the newest is there again.
async fn restored(world: &mut World) {
    let (data, old, newest) = (world.data(YANTAI), world.folder().join("old"), world.folder().join("newest"));
    let first = world.issue(YANTAI, licence(YANTAI, 1)).await;
    world.settle().await;
    world.kill(YANTAI);
    until("the folder is free", async || copy(&data, &old).is_ok()).await;
    world.start(YANTAI).await;
    world.all_writable().await;
    let second = world.issue(YANTAI, licence(YANTAI, 2)).await;
    world.step("more is issued after the backup").await;
    world.kill(YANTAI);
    until("the folder is free", async || std::fs::rename(&data, &newest).is_ok()).await;
    copy(&old, &data).unwrap();
    world.start(YANTAI).await;
    let mut admin = world.admin(YANTAI).await;
    until("it says why it is read-only", async || {
        let status = admin.get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
        !status.writable && status.read_only_reason.contains("it is an old copy")
    })
    .await;
    let mut client = world.certificates(YANTAI).await;
    let size = world.size(YANTAI);
    let (found, _) = refused(client.issue_certificate(licence(YANTAI, 3)).await, "READ_ONLY");
    assert!(found.contains("old copy"), "{found}");
    refused(client.change_status(change(&first, Status::Revoked, "样例〔2026〕1号")).await, "READ_ONLY");
    client.get_certificate(get(&first.certificate_id)).await.unwrap(); // questions have answers still
    assert_eq!(world.size(YANTAI), size, "a read-only node wrote into its log");
    // The others keep what they have, and call it no fork.
    for at in [PROVINCE, JINAN, QINGDAO] {
        let state = world.store(at).region_state(Region::parse(YANTAI).unwrap()).unwrap().unwrap();
        assert!(!state.forked && state.size > size);
    }
    drop(client);
    world.kill(YANTAI);
    until("the old copy is away", async || std::fs::remove_dir_all(&data).is_ok()).await;
    std::fs::rename(&newest, &data).unwrap();
    world.start(YANTAI).await;
    world.all_writable().await;
    let mut client = world.certificates(YANTAI).await;
    client.get_certificate(get(&second.certificate_id)).await.unwrap();
    world.issue(YANTAI, licence(YANTAI, 3)).await;
    world.step("the newest copy is back").await;
}

/// No carrier at all: nodes read each other's logs, also after one was away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_kafka() {
    let mut world = World::made("without kafka", false);
    for code in [PROVINCE, JINAN, YANTAI] {
        world.start(code).await;
    }
    world.all_writable().await;
    world.publish_samples().await;
    world.step("the catalogue is read").await;
    world.kill(YANTAI);
    for sequence in 1..=30 {
        world.issue(JINAN, licence(JINAN, sequence)).await;
    }
    world.start(YANTAI).await;
    world.all_writable().await;
    world.step("a node that was away has caught up").await;
    let owner = Person::new(0, 1);
    let flat = world.issue(JINAN, deed(JINAN, &owner)).await;
    world.settle().await;
    let request = lookup(question(YANTAI, &owner, v1::Relation::Self_), &flat.certificate_id, &["KZ_ZL"]);
    world.look_up(YANTAI, request).await.unwrap();
    world.step("read in another city").await;
}
