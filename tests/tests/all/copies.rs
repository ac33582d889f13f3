//! Copies for one use over whole nodes: handed out with a seal that verifies, used once, and refused in every other case.

use crate::world::*;
use exchange_core::{
    access::{AccessKind, AccessRecord},
    certificate_id::{CertificateId, IssuerCode},
    disclosure::file_digest,
    region::Region,
};
use exchange_node::{
    crash::Point,
    peers::wire::{Fault, Link},
    rpc::status::reason_of,
};
use exchange_proto::{
    access, certificate,
    v1::{self, CopyUse, Relation, document_service_client::DocumentServiceClient, fetch_response::Part},
};
use exchange_seal::{
    Anchors, Basis, Limits, Verdict,
    certificate::Certificate as X509,
    crl::{Crl, Crls},
    licence::StatedCopy,
    verify,
};
use ring::digest::{SHA256, digest};
use std::{collections::BTreeSet, fs, io::Cursor};
use tonic::{Response, Status};

/// A copy as a calling system holds it.
struct Copied {
    described: v1::FetchedFile,
    facts: v1::CopyFacts,
    bytes: Vec<u8>,
}

fn wanted(id: &str, owner: &Person) -> v1::FetchCopyRequest {
    let question = with_matter(question(JINAN, owner, Relation::Self_), TRANSFER, JINAN);
    v1::FetchCopyRequest { question: Some(question), certificate_id: id.into(), file: 0 }
}

async fn copied(world: &World, at: &str, request: v1::FetchCopyRequest) -> Result<Copied, Status> {
    let question = request.question.clone().unwrap();
    let mut client = DocumentServiceClient::new(world.system(at).await);
    let mut parts = client.fetch_copy(request).await?.into_inner();
    let (mut described, mut bytes) = (None, Vec::new());
    while let Some(message) = parts.message().await? {
        match message.part.unwrap() {
            Part::File(file) => assert!(described.replace(file).is_none() && bytes.is_empty()),
            Part::Chunk(chunk) => bytes.extend_from_slice(&chunk),
        }
    }
    let described: v1::FetchedFile = described.unwrap();
    world.told_file(&question, &described);
    let facts = described.copy.clone().expect("a file that is no copy");
    Ok(Copied { described, facts, bytes })
}

#[track_caller]
fn refusal(answer: Result<Copied, Status>, reason: &str) -> String {
    refused(answer.map(|_| Response::new(())), reason).0
}

fn presented(id: &str, copy: &Copied) -> v1::UseCopyRequest {
    v1::UseCopyRequest {
        request_id: request_id(),
        certificate_id: id.into(),
        copy_number: copy.facts.number.clone(),
        sha256: digest(&SHA256, &copy.bytes).as_ref().to_vec().into(),
    }
}

/// Uses a copy; asks again while the custodian is not reached, as callers do: a city that missed it waits before it dials
/// again, also when it is back.
async fn used(world: &World, at: &str, request: v1::UseCopyRequest) -> v1::UseCopyResponse {
    let mut client = DocumentServiceClient::new(world.system(at).await);
    let mut answer = None;
    until("the copy's custodian is reached", async || match client.use_copy(request.clone()).await {
        Ok(told) => {
            answer = Some(told.into_inner());
            true
        }
        Err(status) => {
            assert_eq!(reason_of(&status).as_deref(), Some("PEER_UNAVAILABLE"), "{status:?}");
            false
        }
    })
    .await;
    answer.unwrap()
}

fn count(world: &World, code: &str, wanted: impl Fn(&AccessRecord) -> bool) -> usize {
    world.access_records(code).iter().filter(|record| wanted(record)).count()
}

/// Every node believes the seals of Jinan, and has their CRL.
fn believe(world: &mut World) {
    let folder = world.practice.node_folder(region(JINAN)).join("../seals").join(JINAN);
    let ca = fs::read(folder.join("ca.pem")).unwrap();
    let der = ca_tools::files::blocks(&ca, ca_tools::files::CERTIFICATE, "ca.pem").unwrap().remove(0);
    world.practice.next_bundle(|bundle| bundle.seal_anchors.push(der)).unwrap();
    for node in world.running() {
        let config = world.practice.config(node);
        let before = fs::read_to_string(&config).unwrap();
        let with = format!("[trust]\nseal_crls = \"{}\"\n", folder.display());
        fs::write(&config, before.replacen("[trust]\n", &with, 1)).unwrap();
        world.node(node.as_str()).control().reload().unwrap();
    }
}

/// Judged with the files that anybody may have.
fn verdict(world: &World, document: &[u8]) -> (Verdict, Option<StatedCopy>) {
    let folder = world.practice.node_folder(region(JINAN)).join("../seals").join(JINAN);
    let read = |name: &str, label: &str| {
        ca_tools::files::blocks(&fs::read(folder.join(name)).unwrap(), label, name).unwrap().remove(0)
    };
    let ca = X509::parse(&read("ca.pem", ca_tools::files::CERTIFICATE)).unwrap();
    let anchors = Anchors { makers: vec![ca.clone()], signers: vec![ca], ..Anchors::default() };
    let crls = Crls::new(vec![Crl::parse(&read("ca.crl", ca_tools::files::CRL)).unwrap()]);
    let now = exchange_core::chain::Instant(now_ms() + 1_000);
    let limits = Limits::DEFAULT;
    let basis =
        Basis { anchors: &anchors, crls: &crls, signers: &[], now, crl_grace_ms: 0, without_crl: false, limits };
    let report = verify(Cursor::new(document), &basis);
    (report.verdict, report.documents.iter().find_map(StatedCopy::of))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies() {
    let mut world = World::with_catalogue("copies").await;
    let (owner, neighbour) = (Person::new(0, 41), Person::new(1, 42));
    let plain = world.issue(JINAN, super::files::with_files(deed(JINAN, &owner), &[b"an own document"])).await;
    world.settle().await;
    // Without template and seal there is none, and the file is not handed out in its place.
    not_makeable(&world, &plain.certificate_id, &owner).await;
    world.practice.seal(region(JINAN)).unwrap();
    let config = world.practice.config(region(JINAN));
    let with = format!("{}\n[licences.copies]\ndays = 1\n", fs::read_to_string(&config).unwrap());
    fs::write(&config, with).unwrap();
    assert!(world.node(JINAN).control().reload().unwrap().contains(&"[licences]".to_owned()));
    let issued = world.issue(JINAN, deed(JINAN, &owner)).await;
    world.settle().await;
    let id = issued.certificate_id.clone();
    // A seal that this node does not believe is handed to nobody.
    assert!(refusal(copied(&world, QINGDAO, wanted(&id, &owner)).await, "COPY_NOT_VERIFIED").contains("UNTRUSTED"));
    believe(&mut world);
    world.step("a deed with a sealed document").await;
    handed_out(&world, &id, &owner).await;
    asked_again(&world, &id, &owner).await;
    refused_as_files_are(&world, &id, &owner, &neighbour).await;
    spoiled_on_the_way(&world, &id, &owner).await;
    used_once(&world, &id, &owner).await;
    at_the_same_time(&world, &id, &owner).await;
    not_this_copy(&world, &id, &plain.certificate_id, &owner).await;
    world.step("used").await;
    the_answer_is_lost(&mut world, &id, &owner).await;
    withdrawn(&world, &owner).await;
    world.step("withdrawn").await;
    over(&mut world, &id, &owner).await;
}

async fn not_makeable(world: &World, id: &str, owner: &Person) {
    let before = count(world, JINAN, |record| record.reason == "COPY_NOT_MAKEABLE");
    refusal(copied(world, QINGDAO, wanted(id, owner)).await, "COPY_NOT_MAKEABLE");
    assert_eq!(count(world, JINAN, |record| record.reason == "COPY_NOT_MAKEABLE"), before + 1, "it is not on record");
    let named = |record: &AccessRecord| record.fields.iter().any(|name| name.starts_with("files["));
    assert_eq!(count(world, QINGDAO, named), 0, "the file was asked for");
    refusal(copied(world, QINGDAO, v1::FetchCopyRequest { file: 1, ..wanted(id, owner) }).await, "FILE_UNKNOWN");
}

async fn handed_out(world: &World, id: &str, owner: &Person) {
    for at in [QINGDAO, JINAN] {
        let request = wanted(id, owner);
        let Copied { described, facts, bytes } = copied(world, at, request.clone()).await.unwrap();
        let (verdict, stated) = verdict(world, &bytes);
        assert_eq!(verdict, Verdict::Valid);
        let stated = stated.unwrap();
        assert_eq!((&stated.number, stated.number.len()), (&facts.number, 26));
        assert!(stated.cause.contains("不动产转移登记") && stated.cause.contains("3702002026010600000042"));
        let asking: Region = region(at);
        assert!(stated.requester.starts_with(asking.name().unwrap()), "{}", stated.requester);
        assert!(!facts.expired && facts.expires_on == stated.expires_on);
        assert_eq!(facts.sha256, digest(&SHA256, &bytes).as_ref());
        // Both receipts name the copy, and the digest of these bytes.
        let salt: [u8; 16] = described.salt.as_ref().try_into().unwrap();
        let covered = exchange_core::copy::released(0, &file_digest(&salt, &bytes), &salt);
        let answered = access::decode(&described.answered.unwrap().entry).unwrap();
        assert_eq!((answered.kind, answered.fields), (AccessKind::Answered, vec!["copies[0]".to_owned()]));
        assert_eq!(answered.disclosures_digest, Some(exchange_core::disclosure::released_digest([&covered])));
        // It is another document than the one that was signed.
        let header = certificate::decode_enveloped(described.certificate.unwrap().envelope).unwrap();
        assert_ne!(header.files[0].digest, file_digest(&salt, &bytes));
        // The node that is shown it says what it is, and of which certificate.
        let mut client = DocumentServiceClient::new(world.system(YANTAI).await);
        let mut parts = vec![v1::verify_document_request::Part::Header(v1::DocumentHeader::default())];
        parts.extend(
            bytes.chunks(256 << 10).map(|chunk| v1::verify_document_request::Part::Chunk(chunk.to_vec().into())),
        );
        let parts = parts.into_iter().map(|part| v1::VerifyDocumentRequest { part: Some(part) });
        let judged = client.verify(tokio_stream::iter(parts.collect::<Vec<_>>())).await.unwrap().into_inner();
        assert_eq!(judged.verdict(), v1::DocumentVerdict::Valid);
        assert_eq!((judged.copy.as_ref(), judged.certificate.unwrap().certificate_id.as_str()), (Some(&facts), id));
    }
    let received = |record: &AccessRecord| record.kind == AccessKind::Received && record.fields == ["copies[0]"];
    assert_eq!(count(world, QINGDAO, received), 1);
    world.step("handed out").await;
}

/// One question has one copy, and its id stands for no file.
async fn asked_again(world: &World, id: &str, owner: &Person) {
    let request = wanted(id, owner);
    let (first, second) =
        tokio::join!(copied(world, QINGDAO, request.clone()), copied(world, QINGDAO, request.clone()));
    let third = copied(world, QINGDAO, request.clone()).await.unwrap();
    let numbers: BTreeSet<String> =
        [first.unwrap(), second.unwrap()].iter().chain([&third]).map(|copy| copy.facts.number.clone()).collect();
    assert_eq!(numbers.len(), 1, "{numbers:?}");
    let bytes = copied(world, QINGDAO, request.clone()).await.unwrap().bytes;
    assert_eq!(bytes, third.bytes);
    let v1::FetchCopyRequest { question, certificate_id, file } = request;
    let mut client = DocumentServiceClient::new(world.system(QINGDAO).await);
    let plain = client.fetch(v1::FetchRequest { question, certificate_id, file }).await;
    refused(plain.map(|_| Response::new(())), "QUESTION_ID_REUSED");
    let other = copied(world, QINGDAO, wanted(id, owner)).await.unwrap();
    assert_ne!(other.facts.number, third.facts.number);
}

/// Who gets no file gets no copy.
async fn refused_as_files_are(world: &World, id: &str, owner: &Person, neighbour: &Person) {
    refusal(copied(world, QINGDAO, wanted(id, neighbour)).await, "NOT_A_HOLDER");
    let fields_alone = Some(question(JINAN, owner, Relation::Self_));
    let request = v1::FetchCopyRequest { question: fields_alone, ..wanted(id, owner) };
    refusal(copied(world, QINGDAO, request).await, "NO_FILE_NEEDED");
    let mut operator = DocumentServiceClient::new(world.operator(QINGDAO).await);
    let answer = operator.fetch_copy(wanted(id, owner)).await;
    refused(answer.map(|_| Response::new(())), "CALLER_NOT_ALLOWED");
    let own = copied(world, QINGDAO, wanted(id, owner)).await.unwrap();
    refused(operator.use_copy(presented(id, &own)).await, "CALLER_NOT_ALLOWED");
}

/// Other bytes than the custodian's receipt says are handed to nobody, and are on nobody's record as received.
async fn spoiled_on_the_way(world: &World, id: &str, owner: &Person) {
    let received = || count(world, QINGDAO, |record| record.kind == AccessKind::Received);
    let before = received();
    world.faults.fault(Link::new(QINGDAO, JINAN), "/Fetch", Fault::AlterAnswer(20_000));
    let request = wanted(id, owner);
    let found = refusal(copied(world, QINGDAO, request.clone()).await, "NOT_GENUINE");
    assert_eq!(found, "the copy is not the one that was described");
    assert_eq!(received(), before);
    copied(world, QINGDAO, request).await.unwrap();
}

async fn used_once(world: &World, id: &str, owner: &Person) {
    let copy = copied(world, QINGDAO, wanted(id, owner)).await.unwrap();
    let request = presented(id, &copy);
    let first = used(world, QINGDAO, request.clone()).await;
    assert_eq!((first.result(), first.made_for_region.as_str()), (CopyUse::UsedNow, QINGDAO));
    assert_eq!(used(world, QINGDAO, request.clone()).await, first, "the same request got another answer");
    for (at, again) in [(QINGDAO, presented(id, &copy)), (YANTAI, request.clone()), (JINAN, request)] {
        let again = used(world, at, again).await;
        assert_eq!((again.result(), again.used_by_region.as_str()), (CopyUse::AlreadyUsed, QINGDAO), "{at}");
        assert_eq!(again.used_at_ms, first.used_at_ms);
    }
}

/// Of all who use it at once one is told so.
async fn at_the_same_time(world: &World, id: &str, owner: &Person) {
    let copy = copied(world, JINAN, wanted(id, owner)).await.unwrap();
    let tries = [JINAN, QINGDAO, YANTAI, JINAN, QINGDAO, YANTAI].map(|at| used(world, at, presented(id, &copy)));
    let [a, b, c, d, e, f] = tries;
    let (a, b, c, d, e, f) = tokio::join!(a, b, c, d, e, f);
    let answers = [a, b, c, d, e, f].map(|answer| answer.result());
    assert_eq!(answers.iter().filter(|one| **one == CopyUse::UsedNow).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|one| **one == CopyUse::AlreadyUsed).count(), 5, "{answers:?}");
}

async fn not_this_copy(world: &World, id: &str, other: &str, owner: &Person) {
    let copy = copied(world, QINGDAO, wanted(id, owner)).await.unwrap();
    let good = presented(id, &copy);
    let altered = v1::UseCopyRequest { sha256: vec![1; 32].into(), ..good.clone() };
    let unknown = v1::UseCopyRequest { copy_number: "0".repeat(26), ..good.clone() };
    let of_another = v1::UseCopyRequest { certificate_id: other.into(), ..good.clone() };
    for (request, result) in [(altered, CopyUse::Altered), (unknown, CopyUse::Unknown), (of_another, CopyUse::Unknown)]
    {
        assert_eq!(used(world, QINGDAO, request).await.result(), result);
    }
    let mut client = DocumentServiceClient::new(world.system(QINGDAO).await);
    let none = v1::UseCopyRequest { copy_number: "no number".into(), ..good.clone() };
    refused(client.use_copy(none).await, "FIELD_INVALID");
    // Another version under the same check character; one in 36 has the character of the dialect that is read too.
    let mut others = (2..=9).map(|version| id.replace(".001.", &format!(".00{version}.")));
    let wrong = others.find(|id| CertificateId::parse(id).is_err()).unwrap();
    let none = v1::UseCopyRequest { certificate_id: wrong, ..good.clone() };
    refused(client.use_copy(none).await, "CHECK_DIGIT_WRONG");
    let issued = CertificateId::parse(id).unwrap();
    let IssuerCode::Uscc(uscc) = issued.issuer() else { panic!("{id} names no department") };
    let never = CertificateId::new(issued.type_code(), uscc, "370100202600000041", 1).unwrap();
    let none = v1::UseCopyRequest { certificate_id: never.to_string(), ..good.clone() };
    refused(client.use_copy(none).await, "CERTIFICATE_NOT_FOUND");
    // None of this has used it.
    assert_eq!(used(world, QINGDAO, good).await.result(), CopyUse::UsedNow);
}

/// The custodian stops when the use is durable and nobody was told: the same request, asked again, hears of it.
async fn the_answer_is_lost(world: &mut World, id: &str, owner: &Person) {
    // The commit that the node stops behind may be one of a heartbeat: then once more.
    for _ in 0..10 {
        let copy = copied(world, QINGDAO, wanted(id, owner)).await.unwrap();
        let request = presented(id, &copy);
        let number = copy.facts.number.parse().unwrap();
        world.trap(JINAN).arm(Point::LedgerCommitted, 1);
        let mut hit = world.trap(JINAN).hit();
        let mut client = DocumentServiceClient::new(world.system(QINGDAO).await);
        tokio::select! {
            answer = client.use_copy(request.clone()) => drop(answer.expect_err("a node that stands still answered")),
            stopped = hit.wait_for(Option::is_some) => drop(stopped.unwrap()),
        }
        world.kill(JINAN);
        world.start(JINAN).await;
        world.all_writable().await;
        let was_used = world.store(JINAN).copy(&number).unwrap().unwrap().known.used.is_some();
        assert_eq!(used(world, QINGDAO, request).await.result(), CopyUse::UsedNow);
        assert_eq!(used(world, QINGDAO, presented(id, &copy)).await.result(), CopyUse::AlreadyUsed);
        if was_used {
            return;
        }
    }
    panic!("the node never stopped behind a use");
}

/// Of a certificate that is not in force any more nothing is used, and nothing is made.
async fn withdrawn(world: &World, owner: &Person) {
    let issued = world.issue(JINAN, deed(JINAN, owner)).await;
    world.settle().await;
    let id = issued.certificate_id.clone();
    let copy = copied(world, QINGDAO, wanted(&id, owner)).await.unwrap();
    let cancel = change(&issued, v1::Status::Cancelled, "样例〔2026〕41号");
    world.certificates(JINAN).await.change_status(cancel.clone()).await.unwrap();
    world.told_changed(JINAN, &cancel);
    assert_eq!(used(world, QINGDAO, presented(&id, &copy)).await.result(), CopyUse::Withdrawn);
    refusal(copied(world, QINGDAO, wanted(&id, owner)).await, "COPY_NOT_MAKEABLE");
}

/// Behind its last day a copy is used by nobody; its bytes and, later, what is known of it are forgotten.
async fn over(world: &mut World, id: &str, owner: &Person) {
    const HOUR_MS: i64 = 3_600_000;
    let request = wanted(id, owner);
    let copy = copied(world, QINGDAO, request.clone()).await.unwrap();
    let spent = copied(world, QINGDAO, wanted(id, owner)).await.unwrap();
    assert_eq!(used(world, QINGDAO, presented(id, &spent)).await.result(), CopyUse::UsedNow);
    let number = copy.facts.number.parse().unwrap();
    let made = world.store(JINAN).copy(&number).unwrap().unwrap();
    let blob = made.file.unwrap().blob;
    assert!(world.store(JINAN).blob_owner(&blob).unwrap().is_some());
    assert_eq!(world.node(JINAN).control().sweep_of_copies().round().await.unwrap(), 0, "nothing is over yet");

    world.shift_clock(JINAN, 49 * HOUR_MS);
    assert_eq!(used(world, QINGDAO, presented(id, &copy)).await.result(), CopyUse::Expired);
    assert_eq!(used(world, QINGDAO, presented(id, &spent)).await.result(), CopyUse::AlreadyUsed);
    assert!(world.node(JINAN).control().sweep_of_copies().round().await.unwrap() > 0);
    let known = world.store(JINAN).copy(&number).unwrap().unwrap();
    assert!(known.file.is_none() && world.store(JINAN).blob_owner(&blob).unwrap().is_none());
    assert_eq!(used(world, QINGDAO, presented(id, &copy)).await.result(), CopyUse::Expired);

    world.shift_clock(JINAN, 92 * 24 * HOUR_MS);
    assert!(world.node(JINAN).control().sweep_of_copies().round().await.unwrap() > 0);
    assert!(world.store(JINAN).copy(&number).unwrap().is_none());
    let rest = world.store(JINAN).own.scan(exchange_node::store::Space::Copies, &[], &[u8::MAX; 17], 1).unwrap();
    assert!(rest.is_empty(), "a copy is known for ever");
}
