//! Files of certificates, fetched for a purpose: what is handed over, and everything that is refused.

use super::bytes;
use crate::world::*;
use exchange_core::{
    access::{AccessKind, AccessRecord, party_digest},
    disclosure::file_digest,
    holder::Holder,
    invariants,
    merkle::leaf_hash,
};
use exchange_node::peers::wire::{Fault, Link};
use exchange_proto::{
    access, certificate, peer,
    v1::{self, Relation, document_service_client::DocumentServiceClient, question::Purpose},
};
use tonic::{Response, Status};
use tonic_types::StatusExt;

struct Estate {
    owner: Person,
    neighbour: Person,
    deed: Certificate,
    files: Vec<Vec<u8>>,
}

/// What a calling system gets.
struct Whole {
    described: v1::FetchedFile,
    bytes: Vec<u8>,
}

/// A question for a matter that needs the document.
fn transfer(responsible: &str, party: &Person) -> v1::Question {
    with_matter(question(responsible, party, Relation::Self_), TRANSFER, responsible)
}

fn wanted(question: v1::Question, id: &str, file: u32) -> v1::FetchRequest {
    v1::FetchRequest { question: Some(question), certificate_id: id.into(), file }
}

async fn fetch(world: &World, at: &str, request: v1::FetchRequest) -> Result<Whole, Status> {
    let question = request.question.clone().unwrap();
    let mut client = DocumentServiceClient::new(world.system(at).await);
    let mut parts = client.fetch(request).await?.into_inner();
    let (mut described, mut bytes) = (None, Vec::new());
    while let Some(message) = parts.message().await? {
        match message.part.unwrap() {
            v1::fetch_response::Part::File(file) => assert!(described.replace(file).is_none() && bytes.is_empty()),
            v1::fetch_response::Part::Chunk(chunk) => {
                assert!((1..=65_536).contains(&chunk.len()));
                bytes.extend_from_slice(&chunk);
            }
        }
    }
    let described = described.unwrap();
    world.told_file(&question, &described);
    Ok(Whole { described, bytes })
}

#[track_caller]
fn refusal(answer: Result<Whole, Status>, reason: &str) -> (String, String) {
    let status = answer.err().unwrap_or_else(|| panic!("not refused: {reason} was expected"));
    let who = status.get_error_details().error_info().unwrap().metadata["who"].clone();
    let (found, _) = refused::<()>(Err(status), reason);
    (found, who)
}

/// A receipt holds offline, and says what was asked.
#[track_caller]
fn proven(world: &World, code: &str, receipt: Option<v1::LogProof>, kind: AccessKind) -> AccessRecord {
    let proof = peer::proof("receipt", receipt).unwrap();
    let entry = proof.entry.clone();
    proof.verify(&[ThrowAway::access(world, code).verifier()]).unwrap();
    let record = access::decode(&entry).unwrap();
    assert_eq!(record.kind, kind);
    invariants::sec_1("a receipt", &entry, &CANARIES).unwrap();
    record
}

fn count(world: &World, code: &str, wanted: impl Fn(&AccessRecord) -> bool) -> usize {
    world.access_records(code).iter().filter(|record| wanted(record)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetched() {
    let world = World::with_catalogue("fetch").await;
    let (owner, neighbour) = (Person::new(0, 21), Person::new(1, 22));
    let files = vec![bytes(1, 200_000), bytes(2, 65_536), bytes(3, 1)];
    let request = super::with_files(deed(JINAN, &owner), &files.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let estate = Estate { deed: world.issue(JINAN, request).await, owner, neighbour, files };
    world.step("a deed with three files is issued").await;
    from_another_city(&world, &estate).await;
    at_home(&world, &estate).await;
    asked_again(&world, &estate).await;
    no_such_file(&world, &estate).await;
    not_for_this_purpose(&world, &estate).await;
    spoiled_on_the_way(&world, &estate).await;
    questions_of_others(&world, &estate).await;
    damaged_at_the_custodian(&world, &estate).await;
}

async fn from_another_city(world: &World, estate: &Estate) {
    for (number, file) in (0..).zip(&estate.files) {
        let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, number);
        let Whole { described, bytes } = fetch(world, QINGDAO, request).await.unwrap();
        assert_eq!(&bytes, file);
        let v1::FetchedFile { certificate: one, standing, media_type, length, salt, asked, answered, .. } = described;
        assert_eq!((media_type.as_str(), length), ("application/ofd", file.len() as u64));
        // Offline: the file against the digest that the department signed.
        let header = certificate::decode_enveloped(one.unwrap().envelope).unwrap();
        let salt: [u8; 16] = salt.as_ref().try_into().unwrap();
        assert_eq!(header.files[usize::try_from(number).unwrap()].digest, file_digest(&salt, file));
        let standing = standing.unwrap();
        assert_eq!((standing.status(), standing.counts_as()), (v1::Status::Active, v1::CountsAs::DataCheck));
        let question_leaf = Some(leaf_hash(&asked.as_ref().unwrap().entry));
        let asked = proven(world, QINGDAO, asked, AccessKind::Asked);
        let answered = proven(world, JINAN, answered, AccessKind::Answered);
        assert_eq!((asked.fields, answered.question_leaf), (vec![format!("files[{number}]")], question_leaf));
        assert_eq!(answered.fields, [format!("files[{number}]")]);
        let received =
            |record: &AccessRecord| record.kind == AccessKind::Received && record.question_leaf == question_leaf;
        assert_eq!(count(world, QINGDAO, received), 1);
    }
    world.step("fetched by another city").await;
}

async fn at_home(world: &World, estate: &Estate) {
    let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
    let Whole { described, bytes } = fetch(world, JINAN, request).await.unwrap();
    assert_eq!(bytes, estate.files[0]);
    proven(world, JINAN, described.asked, AccessKind::Asked);
    proven(world, JINAN, described.answered, AccessKind::Answered);
    world.step("fetched at home").await;
}

/// The same question is the same record; its id stands for no other file.
async fn asked_again(world: &World, estate: &Estate) {
    let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
    let first = fetch(world, QINGDAO, request.clone()).await.unwrap().described;
    let all = |_: &AccessRecord| true;
    let before = (count(world, QINGDAO, all), count(world, JINAN, all));
    let again = fetch(world, QINGDAO, request.clone()).await.unwrap();
    assert_eq!(
        (count(world, QINGDAO, all), count(world, JINAN, all)),
        before,
        "a repeated question left another record"
    );
    assert_eq!(again.described.answered.unwrap().entry, first.answered.unwrap().entry);
    assert_eq!(again.bytes, estate.files[0]);
    refusal(fetch(world, QINGDAO, v1::FetchRequest { file: 1, ..request.clone() }).await, "QUESTION_ID_REUSED");
    // Nor for fields, and a question for fields for no file.
    let fields = lookup(request.question.unwrap(), &estate.deed.certificate_id, &["KZ_ZL"]);
    refused(world.look_up(QINGDAO, fields).await, "QUESTION_ID_REUSED");
    let named = lookup(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, &["files[0]"]);
    refused(world.look_up(QINGDAO, named).await, "NO_FIELD_NEEDED");
    world.step("asked again").await;
}

/// A number that the header does not have is refused before anything leaves; an unknown certificate is recorded.
async fn no_such_file(world: &World, estate: &Estate) {
    let before = world.access_records(QINGDAO).len();
    for number in [3, 8, u32::MAX] {
        let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, number);
        let (found, who) = refusal(fetch(world, QINGDAO, request).await, "FILE_UNKNOWN");
        assert_eq!(
            (found, who.as_str()),
            (format!("the certificate has 3 files, and none with number {number}"), "caller")
        );
    }
    assert_eq!(world.access_records(QINGDAO).len(), before);
    let unknown = estate.deed.certificate_id.replace(".001.", ".009.");
    refusal(fetch(world, QINGDAO, wanted(transfer(JINAN, &estate.owner), &unknown, 0)).await, "CERTIFICATE_NOT_FOUND");
    assert_eq!(world.access_records(QINGDAO).len(), before + 1);
    let plain = world.issue(JINAN, deed(JINAN, &estate.owner)).await.certificate_id;
    world.settle().await;
    refusal(fetch(world, QINGDAO, wanted(transfer(JINAN, &estate.owner), &plain, 0)).await, "FILE_UNKNOWN");
}

/// What the custodian refuses, on its own copies; each refusal is recorded there, and no byte leaves.
async fn not_for_this_purpose(world: &World, estate: &Estate) {
    let about = |party: &Person, relation| with_matter(question(JINAN, party, relation), TRANSFER, JINAN);
    let cases = [
        // 住房公积金购房提取 needs the address and the owner, and no document.
        ("NO_FILE_NEEDED", question(JINAN, &estate.owner, Relation::Self_)),
        ("NOT_A_HOLDER", about(&estate.neighbour, Relation::Self_)),
        ("RELATION_NOT_ALLOWED", about(&estate.owner, Relation::Guardian)),
        ("MATTER_UNKNOWN", with_matter(transfer(JINAN, &estate.owner), TRANSFER, ZIBO)),
        ("MATTER_UNKNOWN", with_matter(transfer(JINAN, &estate.owner), "370799099000", JINAN)),
        // 企业变更登记 is collected by nobody but its own city.
        ("REGION_NOT_COMPETENT", with_matter(transfer(JINAN, &estate.owner), "370799002000", JINAN)),
    ];
    for (reason, question) in cases {
        let refusals = || count(world, JINAN, |record| record.kind == AccessKind::Refused && record.reason == reason);
        let before = refusals();
        let answer = fetch(world, QINGDAO, wanted(question, &estate.deed.certificate_id, 0)).await;
        assert_eq!(refusal(answer, reason).1, "peer");
        assert_eq!(refusals(), before + 1, "{reason} is not recorded");
    }
    // An operator is no window, and a use scenario no purpose.
    let mut operator = DocumentServiceClient::new(world.operator(QINGDAO).await);
    let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
    refused(operator.fetch(request.clone()).await.map(|_| Response::new(())), "CALLER_NOT_ALLOWED");
    let scenario =
        v1::Question { purpose: Some(Purpose::UseScenario("执法核验".into())), ..request.question.unwrap() };
    refusal(fetch(world, QINGDAO, wanted(scenario, &estate.deed.certificate_id, 0)).await, "MATTER_UNKNOWN");
    world.step("not for this purpose").await;
}

/// What a peer says inside its own channel is held against the signed header; a file that is cut is none.
async fn spoiled_on_the_way(world: &World, estate: &Estate) {
    let link = || Link::new(QINGDAO, JINAN);
    let request = || wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
    let received = || count(world, QINGDAO, |record| record.kind == AccessKind::Received);
    let before = received();
    // Somewhere in the second chunk.
    world.faults.fault(link(), "/Fetch", Fault::AlterAnswer(100_000));
    let altered = request();
    let (found, who) = refusal(fetch(world, QINGDAO, altered.clone()).await, "NOT_GENUINE");
    assert_eq!((found.as_str(), who.as_str()), ("the file is not the one that was signed", "peer"));
    world.faults.fault(link(), "/Fetch", Fault::TruncateAnswer);
    let cut = fetch(world, QINGDAO, request()).await.err().unwrap();
    let info = cut.get_error_details().error_info().unwrap().clone();
    assert!(["ANSWER_INVALID", "PEER_UNAVAILABLE"].contains(&info.reason.as_str()), "{cut}");
    world.faults.fault(link(), "/Fetch", Fault::DropAnswer);
    refusal(fetch(world, QINGDAO, request()).await, "PEER_UNAVAILABLE");
    assert_eq!(received(), before, "a file that did not verify is recorded as received");
    // The same question again, when the way is good.
    assert_eq!(fetch(world, QINGDAO, altered).await.unwrap().bytes, estate.files[0]);
    world.step("spoiled on the way").await;
}

/// Another city's node with somebody else's question, with its own that it is not entitled to, and with what is no question.
async fn questions_of_others(world: &World, estate: &Estate) {
    let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
    let asked = fetch(world, QINGDAO, request).await.unwrap().described.asked;
    let genuine = peer::proof("asked", asked).unwrap();
    let (holder, salt) = (Holder::new("111", &estate.owner.number).unwrap(), [9; 16]);
    let mut yantai = world.peer(YANTAI, JINAN).await;
    let none = |answer: Result<Response<tonic::Streaming<v1::PeerFilePart>>, Status>| answer.map(|_| Response::new(()));
    let replayed = peer::question(genuine.clone(), &holder, &salt);
    refused(none(yantai.fetch(replayed.clone()).await), "QUESTION_IDENTITY_MISMATCH");
    let mut qingdao = world.peer(QINGDAO, JINAN).await;
    refused(none(qingdao.fetch(replayed.clone()).await), "QUESTION_PROOF_INVALID");
    let mut system = v1::peer_service_client::PeerServiceClient::new(world.system(JINAN).await);
    refused(none(system.fetch(replayed).await), "CALLER_NOT_ALLOWED");

    // Well forged, with the key of Yantai's access log.
    let forged = |spoil: &dyn Fn(&mut AccessRecord)| {
        let mut record = access::decode(&genuine.entry).unwrap();
        record.question_id = *uuid::Uuid::now_v7().as_bytes();
        record.at_ms = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap();
        record.party = party_digest(&salt, &holder);
        spoil(&mut record);
        let mut log = ThrowAway::access(world, YANTAI);
        log.append(access::encode(&record));
        peer::question(log.proof(0), &holder, &salt)
    };
    for names in [&["KZ_ZL"][..], &[], &["files[0]", "files[1]"], &["files[00]"]] {
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        let question = forged(&|record| record.fields.clone_from(&names));
        refused(none(yantai.fetch(question).await), "FIELD_INVALID");
    }
    // A number that the certificate does not have is the custodian's refusal, on record; nothing follows it.
    let mut parts = yantai.fetch(forged(&|record| record.fields = vec!["files[3]".into()])).await.unwrap().into_inner();
    let first = peer::description(parts.message().await.unwrap()).unwrap();
    assert!(parts.message().await.unwrap().is_none());
    let record = access::decode(&first.proof.entry).unwrap();
    assert_eq!((record.kind, record.reason.as_str(), first.length), (AccessKind::Refused, "FILE_UNKNOWN", 0));
}

/// A file that is not what it was is released to nobody, and the operator is told which one.
async fn damaged_at_the_custodian(world: &World, estate: &Estate) {
    let stored = world.stored_files(region(JINAN), &estate.deed.certificate_id);
    let path = world.blob_path(JINAN, &stored[0].blob);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[100_000] ^= 1;
    let damages: [(&str, Option<&[u8]>); 3] =
        [("is altered", Some(&bad)), ("is altered", Some(&good[..1_000])), ("is missing", None)];
    for (words, damaged) in damages {
        match damaged {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let answers = || count(world, JINAN, |record| record.kind == AccessKind::Answered);
        let before = answers();
        let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
        for at in [QINGDAO, JINAN] {
            let question = Some(v1::Question { question_id: request_id(), ..request.question.clone().unwrap() });
            let (found, who) =
                refusal(fetch(world, at, v1::FetchRequest { question, ..request.clone() }).await, "FILE_DAMAGED");
            let name = exchange_node::blobs::name(&stored[0].blob);
            assert!(found.contains(words) && found.contains(&name), "{found}");
            assert_eq!(who, if at == JINAN { "node" } else { "peer" });
        }
        assert_eq!(answers(), before, "a damaged file is recorded as released");
        let kept = world.node(JINAN).control().status().unwrap().kept_files.unwrap();
        assert_eq!((kept.damaged, kept.named[0].certificate_id.as_str()), (1, estate.deed.certificate_id.as_str()));
    }
    std::fs::write(&path, good).unwrap();
    let request = wanted(transfer(JINAN, &estate.owner), &estate.deed.certificate_id, 0);
    assert_eq!(fetch(world, QINGDAO, request).await.unwrap().bytes, estate.files[0]);
}
