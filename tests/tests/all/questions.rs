//! Find, look up field by field, and everything that is refused; receipts, uses and the audit of access logs.

use crate::world::*;
use exchange_core::{
    access::{AccessKind, AccessRecord, party_digest},
    holder::Holder,
    invariants,
    merkle::leaf_hash,
    region::Region,
};
use exchange_node::access::audit::Outcome;
use exchange_proto::{
    access, certificate,
    peer::{self, encode_proof},
    v1::{self, AccessKind as Kind, Relation, question::Purpose},
};

/// 坐落, 权利人, 面积: the third is none of the matter's business.
const WANTED: [&str; 3] = ["KZ_ZL", "KZ_QLR", "KZ_MJ"];

struct People {
    owner: Person,
    spouse: Person,
    stranger: Person,
    deed: Certificate,
    marriage: Certificate,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions() {
    let world = World::with_catalogue("questions").await;
    let (owner, spouse) = (Person::new(0, 11), Person::new(1, 12));
    let people = People {
        deed: world.issue(JINAN, deed(JINAN, &owner)).await,
        marriage: world.issue(JINAN, marriage(JINAN, &owner, &spouse)).await,
        stranger: Person::new(0, 13),
        owner,
        spouse,
    };
    world.step("a deed and a marriage are issued").await;
    found_elsewhere(&world, &people).await;
    read_elsewhere(&world, &people).await;
    read_at_home(&world, &people).await;
    asked_again(&world, &people).await;
    questions_that_are_no_questions(&world, &people).await;
    questions_that_grant_nothing(&world, &people).await;
    world.step("refusals").await;
    uses(&world, &people).await;
    questions_of_a_liar(&world, &people).await;
    audited(&world, &people).await;
}

async fn found_elsewhere(world: &World, people: &People) {
    let mut client = world.lookups(QINGDAO).await;
    let search = |party: &Person, relation, type_codes: &[&str]| v1::FindCertificatesRequest {
        question: Some(question(JINAN, party, relation)),
        type_codes: type_codes.iter().map(|code| (*code).into()).collect(),
    };
    let found = client.find_certificates(search(&people.owner, Relation::Self_, &[])).await.unwrap().into_inner();
    let mut ids: Vec<&str> =
        found.certificates.iter().map(|one| one.certificate.as_ref().unwrap().certificate_id.as_str()).collect();
    ids.sort_unstable();
    let mut needed = [people.deed.certificate_id.as_str(), people.marriage.certificate_id.as_str()];
    needed.sort_unstable();
    assert_eq!(ids, needed);
    for one in &found.certificates {
        let certificate = one.certificate.as_ref().unwrap();
        assert!(certificate.disclosures.is_empty() && certificate.envelope.is_empty(), "a search shows no values");
        assert_eq!(one.standing.as_ref().unwrap().freshness(), v1::Freshness::Current);
    }
    // 淄博 has no node here: nothing was heard of it, and that is said.
    let silent = found.freshness.iter().find(|one| one.region == ZIBO).unwrap();
    assert_eq!((silent.freshness(), silent.as_of_ms), (v1::Freshness::Stale, 0));
    proven(world, QINGDAO, found.receipt, Kind::Searched);

    let found =
        client.find_certificates(search(&people.spouse, Relation::Spouse, &[MARRIAGE])).await.unwrap().into_inner();
    assert_eq!(found.certificates.len(), 1);
    let found = client.find_certificates(search(&people.stranger, Relation::Self_, &[])).await.unwrap().into_inner();
    assert_eq!(found.certificates.len(), 0, "nothing found is a normal answer");
    assert!(found.receipt.is_some(), "and a recorded one");
    let found =
        client.find_certificates(search(&people.owner, Relation::Self_, &[DEED, LICENCE])).await.unwrap().into_inner();
    assert_eq!((found.certificates.len(), found.withheld_types), (1, vec![LICENCE.to_owned()]));
    refused(client.find_certificates(search(&people.owner, Relation::Self_, &[LICENCE])).await, "NO_FIELD_NEEDED");
    refused(client.find_certificates(search(&people.owner, Relation::Self_, &["nonsense"])).await, "TYPE_UNKNOWN");
    world.step("found in another city").await;
}

/// A receipt holds offline, under the public key of the city's access log, and says what was asked.
#[track_caller]
fn proven(world: &World, code: &str, receipt: Option<v1::LogProof>, kind: Kind) -> AccessRecord {
    let proof = peer::proof("receipt", receipt).unwrap();
    let entry = proof.entry.clone();
    let verified = proof.verify(&[ThrowAway::access(world, code).verifier()]).unwrap();
    assert_eq!(verified.origin().region(), code);
    let record = access::decode(&entry).unwrap();
    assert_eq!(record.kind as i32, kind as i32);
    invariants::sec_1("a receipt", &entry, &CANARIES).unwrap();
    record
}

async fn read_elsewhere(world: &World, people: &People) {
    /// Party, relation, certificate, fields asked, fields released.
    type Read<'a> = (&'a Person, Relation, &'a Certificate, &'a [&'a str], &'a [&'a str]);
    let cases: [Read<'_>; 3] = [
        (&people.owner, Relation::Self_, &people.deed, &WANTED, &["KZ_ZL", "KZ_QLR"]),
        (&people.spouse, Relation::Spouse, &people.marriage, &["CZZT", "KZ_DJRQ"], &["CZZT", "KZ_DJRQ"]),
        (&people.owner, Relation::Spouse, &people.deed, &["KZ_ZL"], &["KZ_ZL"]),
    ];
    for (party, relation, about, fields, released) in cases {
        let question = question(QINGDAO, party, relation);
        let id = question.question_id.clone();
        let answer =
            world.look_up(QINGDAO, lookup(question, &about.certificate_id, fields)).await.unwrap().into_inner();
        let certificate = answer.certificate.unwrap();
        let names: Vec<&str> = certificate.disclosures.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, released);
        let withheld: Vec<&str> = fields.iter().copied().filter(|name| !released.contains(name)).collect();
        assert_eq!(answer.withheld_fields, withheld, "fewer than asked is said");
        assert_eq!(certificate.envelope, about.envelope);
        // Offline: each value against the digests that the department signed.
        let envelope = certificate::decode_envelope(&certificate.envelope).unwrap();
        let header = certificate::decode_header(&envelope.payload).unwrap();
        for one in &certificate.disclosures {
            let salt = one.salt.as_ref().try_into().unwrap();
            let disclosure = exchange_core::disclosure::Disclosure::new(&one.name, &one.value, salt).unwrap();
            header.check_disclosure(&disclosure).unwrap();
        }
        let standing = answer.standing.unwrap();
        assert_eq!((standing.status(), standing.freshness()), (v1::Status::Active, v1::Freshness::Current));
        let asked = proven(world, QINGDAO, answer.asked.clone(), Kind::Asked);
        let answered = proven(world, JINAN, answer.answered, Kind::Answered);
        assert_eq!(answered.question_leaf, Some(leaf_hash(&answer.asked.unwrap().entry)));
        assert_eq!((asked.party, asked.relation), (answered.party, answered.relation));
        assert_eq!(uuid::Uuid::from_bytes(asked.question_id).to_string(), id);
    }
    // By the number on the paper.
    let number = people.deed.disclosures.iter().find(|one| one.name == "ZZBH").unwrap().value.clone();
    let request = v1::LookupCertificateRequest {
        certificate: Some(v1::lookup_certificate_request::Certificate::Number(v1::CertificateNumber {
            type_code: DEED.into(),
            number,
        })),
        ..lookup(question(JINAN, &people.owner, Relation::Self_), "", &["KZ_ZL"])
    };
    let answer = world.look_up(YANTAI, request).await.unwrap().into_inner();
    assert_eq!(answer.certificate.unwrap().certificate_id, people.deed.certificate_id);
    world.step("read in another city, field by field").await;
}

/// A question of a city about its own certificate leaves both records in the one log.
async fn read_at_home(world: &World, people: &People) {
    let request = lookup(question(JINAN, &people.owner, Relation::Self_), &people.deed.certificate_id, &["KZ_ZL"]);
    let answer = world.look_up(JINAN, request).await.unwrap().into_inner();
    proven(world, JINAN, answer.asked, Kind::Asked);
    proven(world, JINAN, answer.answered, Kind::Answered);
    world.step("read at home").await;
}

/// The same question id is the same question, whatever happened to the answer.
async fn asked_again(world: &World, people: &People) {
    let request = lookup(question(JINAN, &people.owner, Relation::Self_), &people.deed.certificate_id, &["KZ_ZL"]);
    let first = world.look_up(QINGDAO, request.clone()).await.unwrap().into_inner();
    let counts = || {
        let of = |code, kind| world.access_records(code).iter().filter(|record| record.kind == kind).count();
        (of(QINGDAO, AccessKind::Asked), of(JINAN, AccessKind::Answered), of(QINGDAO, AccessKind::Received))
    };
    let before = counts();
    let again = world.look_up(QINGDAO, request.clone()).await.unwrap().into_inner();
    assert_eq!(counts(), before, "a repeated question left another record");
    assert_eq!(again.answered.unwrap().entry, first.answered.unwrap().entry);
    assert_eq!(again.certificate.unwrap().disclosures, first.certificate.unwrap().disclosures);
    let mut other = request;
    other.fields = vec!["KZ_QLR".into()];
    refused(world.look_up(QINGDAO, other).await, "QUESTION_ID_REUSED");
    world.step("asked again").await;
}

/// What the asking node refuses before anything leaves it.
async fn questions_that_are_no_questions(world: &World, people: &People) {
    type Spoil = Box<dyn Fn(&mut v1::Question)>;
    let number = people.owner.number.clone();
    let cases: Vec<(&str, Spoil)> = vec![
        ("CASE_MISSING", Box::new(|question| question.case_number.clear())),
        ("CASE_NUMBER_INVALID", Box::new(|question| question.case_number = "42".into())),
        ("PURPOSE_MISSING", Box::new(|question| question.purpose = None)),
        ("MATTER_UNKNOWN", Box::new(|question| question.purpose = Some(Purpose::UseScenario("执法核验".into())))),
        ("PARTY_INVALID", Box::new(|question| question.party = None)),
        ("BASIS_MISSING", Box::new(|question| question.basis = 0)),
        ("EVIDENCE_MISSING", Box::new(|question| question.basis = v1::Basis::HolderConsent as i32)),
        ("CLERK_MISSING", Box::new(|question| question.clerk = None)),
        ("QUESTION_ID_MISSING", Box::new(|question| question.question_id.clear())),
        ("QUESTION_ID_INVALID", Box::new(|question| question.question_id = "42".into())),
        ("QUESTION_STALE", Box::new(|question| question.question_id = uuid_of(now_ms() - 11 * 60_000))),
        ("QUESTION_STALE", Box::new(|question| question.question_id = uuid_of(now_ms() + 11 * 60_000))),
        (
            "PURPOSE_HAS_PERSONAL_DATA",
            Box::new(move |question| question.purpose_text = format!("核对 {number} 的房产")),
        ),
        (
            "PURPOSE_HAS_PERSONAL_DATA",
            Box::new(|question| question.clerk.as_mut().unwrap().staff_number = "13800138000".into()),
        ),
        ("FIELD_TOO_LONG", Box::new(|question| question.purpose_text = "长".repeat(201))),
    ];
    let before = world.access_records(JINAN).len();
    for (reason, spoil) in cases {
        let mut question = question(JINAN, &people.owner, Relation::Self_);
        spoil(&mut question);
        refused(world.look_up(QINGDAO, lookup(question, &people.deed.certificate_id, &["KZ_ZL"])).await, reason);
    }
    assert_eq!(world.access_records(JINAN).len(), before, "a question that is none left its city");
    let asked =
        |fields: &[&str]| lookup(question(JINAN, &people.owner, Relation::Self_), &people.deed.certificate_id, fields);
    refused(world.look_up(QINGDAO, asked(&[])).await, "FIELD_MISSING");
    let nothing = v1::LookupCertificateRequest { certificate: None, ..asked(&["KZ_ZL"]) };
    refused(world.look_up(QINGDAO, nothing).await, "FIELD_MISSING");
    let mut operator = v1::lookup_service_client::LookupServiceClient::new(world.operator(QINGDAO).await);
    refused(operator.lookup_certificate(asked(&["KZ_ZL"])).await, "CALLER_NOT_ALLOWED");
    // Nothing found is recorded too.
    let unknown = lookup(
        question(JINAN, &people.owner, Relation::Self_),
        &people.deed.certificate_id.replace(".001.", ".009."),
        &["KZ_ZL"],
    );
    let before = world.access_records(QINGDAO).len();
    refused(world.look_up(QINGDAO, unknown).await, "CERTIFICATE_NOT_FOUND");
    assert_eq!(world.access_records(QINGDAO).len(), before + 1);
}

/// What the custodian refuses, on its own copies; each refusal is recorded there.
async fn questions_that_grant_nothing(world: &World, people: &People) {
    let registration = world.issue(JINAN, registration(JINAN, &people.owner)).await;
    world.settle().await;
    let purpose = |matter_code: &str, version, responsible: &str| {
        Some(Purpose::Matter(v1::MatterPurpose {
            matter_code: matter_code.into(),
            version,
            situation: String::new(),
            responsible_region: responsible.into(),
        }))
    };
    let flat = &people.deed.certificate_id;
    let about = |party: &Person, relation| question(JINAN, party, relation);
    let with = |purpose| v1::Question { purpose, ..about(&people.owner, Relation::Self_) };
    let cases = [
        ("NOT_A_HOLDER", about(&people.stranger, Relation::Self_), flat, "KZ_ZL"),
        ("NOT_A_HOLDER", about(&people.spouse, Relation::Spouse), flat, "KZ_ZL"),
        ("RELATION_NOT_ALLOWED", about(&people.owner, Relation::Guardian), flat, "KZ_ZL"),
        ("NO_FIELD_NEEDED", about(&people.owner, Relation::Self_), flat, "KZ_MJ"),
        ("NO_FIELD_NEEDED", about(&people.owner, Relation::Self_), flat, "KZ_NICHTS"),
        ("NOT_APPROVED", about(&people.owner, Relation::Self_), &registration.certificate_id, "KZ_ZL"),
        ("MATTER_UNKNOWN", with(purpose(WITHDRAWAL, 9, JINAN)), flat, "KZ_ZL"),
        ("MATTER_UNKNOWN", with(purpose("370199099000", 1, JINAN)), flat, "KZ_ZL"),
        ("MATTER_UNKNOWN", with(purpose(WITHDRAWAL, 1, ZIBO)), flat, "KZ_ZL"),
        // 企业变更登记 is collected by nobody but its own city.
        ("REGION_NOT_COMPETENT", with(purpose("370799002000", 1, JINAN)), flat, "KZ_ZL"),
    ];
    for (reason, question, id, field) in cases {
        let refusals = |code| {
            let all = world.access_records(code);
            all.iter().filter(|record| record.kind == AccessKind::Refused && record.reason == reason).count()
        };
        let before = refusals(JINAN);
        refused(world.look_up(QINGDAO, lookup(question, id, &[field])).await, reason);
        assert_eq!(refusals(JINAN), before + 1, "{reason} is not recorded");
    }
    // The same with a uniform matter that the asking city's own implementation carries out: allowed.
    let own = with(purpose("370799002000", 1, QINGDAO));
    refused(world.look_up(QINGDAO, lookup(own, flat, &["KZ_MJ"])).await, "NO_FIELD_NEEDED");
}

fn registration(code: &str, owner: &Person) -> v1::IssueCertificateRequest {
    v1::IssueCertificateRequest {
        type_code: "11100000MB03271699022".into(),
        ..without(deed(code, owner), &["KZ_BDCQZH", "KZ_GYQK", "KZ_MJ"])
    }
}

fn without(mut request: v1::IssueCertificateRequest, names: &[&str]) -> v1::IssueCertificateRequest {
    request.fields.retain(|field| !names.contains(&field.name.as_str()));
    request
}

/// 用证记录: the holder's city shows who read what, page by page.
async fn uses(world: &World, people: &People) {
    let operator = world.operator(JINAN).await;
    let mut client = v1::lookup_service_client::LookupServiceClient::new(operator);
    let mut request =
        v1::ListUsesRequest { holder: Some(people.owner.holder()), page_size: 3, page_token: String::new() };
    let mut uses = Vec::new();
    loop {
        let page = client.list_uses(request.clone()).await.unwrap().into_inner();
        assert!(page.uses.len() <= 3);
        uses.extend(page.uses);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let answered: Vec<&v1::Use> = uses.iter().filter(|one| one.kind() == Kind::Answered).collect();
    assert_eq!(answered.len(), 5, "two from Qingdao, one again, one from Yantai, one at home");
    let by: Vec<&str> = answered.iter().map(|one| one.asking_region.as_str()).collect();
    assert_eq!(by.iter().filter(|region| **region == QINGDAO).count(), 3);
    let first = answered[0];
    assert_eq!(
        (first.fields.as_slice(), first.case_number.len()),
        (&["KZ_ZL".to_owned(), "KZ_QLR".to_owned()][..], 22)
    );
    assert_eq!(first.clerk.as_ref().unwrap().staff_number, "W-0042");
    assert!(uses.iter().any(|one| one.kind() == Kind::Refused && one.reason == "RELATION_NOT_ALLOWED"));
    assert!(uses.is_sorted_by_key(|one| one.position.as_ref().unwrap().index));
    let none = v1::ListUsesRequest { holder: Some(Person::new(0, 99).holder()), ..Default::default() };
    assert!(client.list_uses(none).await.unwrap().into_inner().uses.is_empty());
    refused(world.lookups(JINAN).await.list_uses(request).await, "CALLER_NOT_ALLOWED");
    world.step("uses are listed").await;
}

/// Somebody with the credential of Yantai's node and the key of its access log.
async fn questions_of_a_liar(world: &World, people: &People) {
    // A genuine question of Qingdao, caught on the way.
    let request = lookup(question(JINAN, &people.owner, Relation::Self_), &people.deed.certificate_id, &["KZ_ZL"]);
    let genuine = world.look_up(QINGDAO, request).await.unwrap().into_inner().asked;
    let genuine = peer::proof("asked", genuine).unwrap();
    let holder = Holder::new("111", &people.owner.number).unwrap();
    let mut yantai = world.peer(YANTAI, JINAN).await;
    let mut qingdao = world.peer(QINGDAO, JINAN).await;
    let salt = [9; 16];
    refused(yantai.lookup(peer::question(genuine.clone(), &holder, &salt)).await, "QUESTION_IDENTITY_MISMATCH");
    let (found, _) =
        refused(qingdao.lookup(peer::question(genuine.clone(), &holder, &salt)).await, "QUESTION_PROOF_INVALID");
    assert!(found.contains("another party"), "{found}");
    let stranger = Holder::new("111", &people.stranger.number).unwrap();
    let forged = |spoil: &dyn Fn(&mut AccessRecord)| {
        let mut record = access::decode(&genuine.entry).unwrap();
        record.question_id = *uuid::Uuid::now_v7().as_bytes();
        record.at_ms = now_ms();
        record.party = party_digest(&salt, &stranger);
        spoil(&mut record);
        let mut log = ThrowAway::access(world, YANTAI);
        log.append(access::encode(&record));
        log
    };
    let ask = |log: &ThrowAway| peer::question(log.proof(0), &stranger, &salt);

    // Signed by a key that is not the one of Yantai's access log.
    let mut other = ask(&forged(&|_| {}));
    let mut foreign = ThrowAway::access(world, QINGDAO).renamed(YANTAI);
    foreign.append(access::encode(&access::decode(&other.proof.as_ref().unwrap().entry).unwrap()));
    other.proof = Some(encode_proof(foreign.proof(0)));
    refused(yantai.lookup(other).await, "QUESTION_PROOF_INVALID");
    // Another entry than the one that is proven.
    let mut changed = ask(&forged(&|_| {}));
    changed.proof.as_mut().unwrap().entry = forged(&|_| {}).proof(0).entry.into();
    refused(yantai.lookup(changed).await, "QUESTION_PROOF_INVALID");
    // A record that is no question to this city.
    let elsewhere = forged(&|record| record.peer_region = Region::parse(QINGDAO).unwrap());
    refused(yantai.lookup(ask(&elsewhere)).await, "QUESTION_PROOF_INVALID");
    let answered = forged(&|record| record.kind = AccessKind::Searched);
    refused(yantai.lookup(ask(&answered)).await, "QUESTION_PROOF_INVALID");
    // Kept for later.
    let old = forged(&|record| record.at_ms -= 11 * 60_000);
    refused(yantai.lookup(ask(&old)).await, "QUESTION_STALE");
    // A system's credential is no node's.
    let mut system = v1::peer_service_client::PeerServiceClient::new(world.system(JINAN).await);
    refused(system.lookup(ask(&forged(&|_| {}))).await, "CALLER_NOT_ALLOWED");
    // Well forged, about a stranger: refused on the record, and the record is evidence of the forgery below.
    let answer = yantai.lookup(ask(&forged(&|_| {}))).await.unwrap().into_inner();
    assert!(answer.disclosures.is_empty());
    let record = proven(world, JINAN, answer.proof, Kind::Refused);
    assert_eq!(record.reason, "NOT_A_HOLDER");
}

/// ACC-1: what cities have shown of their access logs is one history, or a contradiction is found and kept.
async fn audited(world: &World, people: &People) {
    // The forged tree of Yantai was shown above; its real log is another one.
    let outcomes = world.audit(JINAN).await;
    let of = |outcomes: &[(Region, Outcome)], code: &str| {
        outcomes.iter().find(|(region, _)| region.as_str() == code).map(|(_, outcome)| outcome.clone())
    };
    assert_eq!(of(&outcomes, QINGDAO), Some(Outcome::Consistent));
    assert_eq!(of(&outcomes, YANTAI), Some(Outcome::Contradiction));
    assert_eq!(world.kept_contradictions(JINAN), 1);

    // Qingdao goes on asking, and stays consistent with what was audited before.
    let request = lookup(question(JINAN, &people.owner, Relation::Self_), &people.deed.certificate_id, &["KZ_ZL"]);
    world.look_up(QINGDAO, request).await.unwrap();
    assert_eq!(of(&world.audit(JINAN).await, QINGDAO), Some(Outcome::Consistent));

    // Qingdao rewrites its own past: the newest tree it shows lacks a record that was shown before.
    let mut rewritten = ThrowAway::access(world, QINGDAO);
    let mut entries = world.access_entries(QINGDAO);
    let last = access::decode(entries.last().unwrap()).unwrap();
    entries.remove(0);
    entries.into_iter().for_each(|entry| rewritten.append(entry));
    let stranger = Holder::new("111", &people.stranger.number).unwrap();
    let forged = AccessRecord {
        kind: AccessKind::Asked,
        at_ms: now_ms(),
        question_id: *uuid::Uuid::now_v7().as_bytes(),
        party: party_digest(&[9; 16], &stranger),
        peer_region: Region::parse(JINAN).unwrap(),
        question_leaf: None,
        disclosures_digest: None,
        ..last
    };
    let index = usize::try_from(rewritten.size()).unwrap();
    rewritten.append(access::encode(&forged));
    let asked = peer::question(rewritten.proof(index), &stranger, &[9; 16]);
    let answer = world.peer(QINGDAO, JINAN).await.lookup(asked).await.unwrap().into_inner();
    proven(world, JINAN, answer.proof, Kind::Refused);
    assert_eq!(of(&world.audit(JINAN).await, QINGDAO), Some(Outcome::Contradiction));
    assert_eq!(world.kept_contradictions(JINAN), 2);
    world.step("access logs are audited").await;
}
