//! A city that asks for what it is not granted, without end: each refusal that is on record is there for ever.

use crate::world::*;
use exchange_core::access::AccessKind;
use exchange_proto::v1::{self, Relation, document_service_client::DocumentServiceClient, fetch_response::Part};
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt;

/// What 青岛's node records an hour.
const PER_HOUR: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_without_end() {
    let mut world = World::of("refusals", &[PROVINCE, JINAN, QINGDAO], &[ZIBO]).await;
    world.publish_samples().await;
    let config = world.practice.config(region(QINGDAO));
    let text = std::fs::read_to_string(&config).unwrap();
    let limited = text.replacen("[limits]\n", &format!("[limits]\nrefused_records_per_hour = {PER_HOUR}\n"), 1);
    assert_ne!(limited, text);
    std::fs::write(&config, limited).unwrap();
    world.kill(QINGDAO);
    world.start(QINGDAO).await;
    world.all_writable().await;
    let (owner, stranger) = (Person::new(0, 1), Person::new(0, 2));
    let files = vec![file("application/ofd", b"an invented document")];
    let flat = world.issue(QINGDAO, v1::IssueCertificateRequest { files, ..deed(QINGDAO, &owner) }).await;
    world.settle().await;
    let of = |at: &str, party: &Person| lookup(question(at, party, Relation::Self_), &flat.certificate_id, &["KZ_ZL"]);
    let refusals = |world: &World| {
        world.access_records(QINGDAO).iter().filter(|record| record.kind == AccessKind::Refused).count()
    };
    let mut lookups = world.lookups(JINAN).await;

    let first = of(JINAN, &stranger);
    refused(lookups.lookup_certificate(first.clone()).await, "NOT_A_HOLDER");
    for _ in 1..PER_HOUR {
        refused(lookups.lookup_certificate(of(JINAN, &stranger)).await, "NOT_A_HOLDER");
    }
    assert_eq!(refusals(&world), PER_HOUR);
    let beyond = of(JINAN, &stranger);
    for request in [beyond.clone(), of(JINAN, &stranger), beyond] {
        let told = lookups.lookup_certificate(request).await;
        let status = told.as_ref().expect_err("refused");
        assert_eq!(status.code(), Code::ResourceExhausted);
        let retry = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
        assert_eq!(retry, Some(Duration::from_secs(60)));
        let (found, _) = refused(told, "RATE_LIMITED");
        assert!(found.contains("more refused questions of 370100 than are recorded in an hour"), "{found}");
    }
    let for_a_file = with_matter(question(JINAN, &stranger, Relation::Self_), TRANSFER, JINAN);
    let mut documents = DocumentServiceClient::new(world.system(JINAN).await);
    let fetch =
        |question| v1::FetchRequest { question: Some(question), certificate_id: flat.certificate_id.clone(), file: 0 };
    refused(documents.fetch(fetch(for_a_file)).await, "RATE_LIMITED");
    assert_eq!(refusals(&world), PER_HOUR, "more is on record than the limit says");
    let asked = world.access_records(JINAN).iter().filter(|record| record.kind == AccessKind::Asked).count();
    assert_eq!(asked, PER_HOUR + 3, "the asking city has all of them, each once");

    // What is on record stays the answer; what is granted is released as ever; nobody else is held up.
    refused(lookups.lookup_certificate(first).await, "NOT_A_HOLDER");
    lookups.lookup_certificate(of(JINAN, &owner)).await.unwrap();
    let granted = with_matter(question(JINAN, &owner, Relation::Self_), TRANSFER, JINAN);
    let mut parts = documents.fetch(fetch(granted)).await.unwrap().into_inner();
    assert!(matches!(parts.message().await.unwrap().unwrap().part, Some(Part::File(_))));
    let mut at_home = world.lookups(QINGDAO).await;
    for _ in 0..=PER_HOUR {
        refused(at_home.lookup_certificate(of(QINGDAO, &stranger)).await, "NOT_A_HOLDER");
    }
    world.step("refusals without end").await;
}
