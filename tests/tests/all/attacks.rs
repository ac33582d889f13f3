//! The attack table over whole nodes: a city that lies in its own log, callers that want more than is theirs, and what
//! comes to the edge that is no request. `docs/ATTACKS.md` lists these tests with the others.

mod edge;
mod refusals;

use crate::world::*;
use ca_tools::Profile;
use exchange_core::{
    access::AccessKind,
    certificate::{FieldDigest, Header, PAYLOAD_TYPE},
    certificate_id::{CertificateId, TypeCode},
    dsse::Envelope,
    event::EventKind,
    issuer::Issuer,
    signature::SigningKey,
};
use exchange_node::{
    limits::STREAMS_PER_CALLER,
    practice::{self, Client},
    sample::departments::Department,
};
use exchange_proto::{
    catalogue, certificate,
    v1::{
        self, CheckResult, Relation, Verdict, certificate_service_client::CertificateServiceClient,
        lookup_service_client::LookupServiceClient, verify_certificate_request::Certificate as Shown,
    },
};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_in_a_citys_own_log() {
    let mut world = World::with_catalogue("lies").await;
    let genuine = world.issue(JINAN, licence(JINAN, 1)).await;
    world.settle().await;
    let mut zibo = ThrowAway::events(&world, ZIBO);
    signed_by_a_tls_key(&world, &genuine, &mut zibo).await;
    another_citys_department(&mut world, &genuine, &mut zibo).await;
    another_departments_identifier(&world, &genuine, &mut zibo).await;
    a_greedy_matter(&world, &mut zibo).await;
    world.step("a city that lies in its own log").await;
}

/// Says something in 淄博's log and waits until it is applied where questions are put.
async fn said(world: &World, zibo: &mut ThrowAway, kinds: Vec<EventKind>) {
    let segment = zibo.say(kinds);
    world.broker.inject(region(ZIBO), segment);
    for at in [QINGDAO, YANTAI] {
        until(&format!("{at} has applied 淄博's log"), async || {
            world.store(at).region_state(region(ZIBO)).unwrap().is_some_and(|state| state.applied == zibo.size())
        })
        .await;
    }
}

/// A header of 淄博 like another one, with an identifier by issuer and serial.
fn header(like: &Certificate, issuer: Issuer, named: &Issuer, serial: &str) -> Header {
    let envelope = certificate::decode_envelope(&like.envelope).unwrap();
    let model = certificate::decode_header(&envelope.payload).unwrap();
    let type_code = TypeCode::parse(LICENCE).unwrap();
    Header {
        certificate_id: CertificateId::new(&type_code, &named.uscc, serial, 1).unwrap(),
        issuer,
        issuing_region: region(ZIBO),
        custodian_region: region(ZIBO),
        fields: model.fields.iter().map(|one| FieldDigest { name: one.name.clone(), digest: [7; 32] }).collect(),
        ..model
    }
}

/// Signs a header with a credential and key of 淄博's folder: the entry of the credential, and the certificate's.
fn signed(world: &World, stem: &str, header: &Header) -> (EventKind, Vec<u8>) {
    let folder = world.practice.node_folder(region(ZIBO));
    let pem = std::fs::read(folder.join(format!("{stem}.pem"))).unwrap();
    let mut chain = ca_tools::files::blocks(&pem, ca_tools::files::CERTIFICATE, "chain").unwrap().into_iter();
    let leaf = chain.next().unwrap();
    let key = folder.join(format!("{stem}.key"));
    let key = ca_tools::keyfile::read(&key, || unreachable!("practice keys are in the clear")).unwrap();
    let random = SystemRandom::new();
    let key = SigningKey::from_pkcs8_der(&key, &random).unwrap();
    let key_id = digest(&SHA256, &leaf).as_ref().try_into().unwrap();
    let envelope = Envelope::sign(PAYLOAD_TYPE, certificate::encode_header(header), key_id, &key, &random).unwrap();
    let credential = EventKind::CredentialPublished { leaf, intermediates: chain.collect() };
    (credential, certificate::encode_envelope(&envelope))
}

fn department(code: &str) -> Issuer {
    Department::MarketRegulation.of(region(code)).unwrap()
}

async fn verify(world: &World, shown: Shown) -> v1::Verification {
    let request = v1::VerifyCertificateRequest { certificate: Some(shown), on_day: None };
    world.lookups(QINGDAO).await.verify_certificate(request).await.unwrap().into_inner()
}

/// Not genuine, for the credential's sake: what was found instead.
async fn false_credential(world: &World, shown: Shown) -> String {
    let found = verify(world, shown).await;
    assert_eq!(found.verdict(), Verdict::NotGenuine);
    let check = found.checks.iter().find(|check| check.name == "credential_chain").unwrap();
    assert_eq!(check.result(), CheckResult::Failed, "{:?}", found.checks);
    check.found.clone()
}

/// Attack 1: the node's TLS key signs a certificate.
async fn signed_by_a_tls_key(world: &World, genuine: &Certificate, zibo: &mut ThrowAway) {
    let header = header(genuine, department(ZIBO), &department(ZIBO), "TLSKEY00000000000001");
    let (credential, envelope) = signed(world, "node", &header);
    said(world, zibo, vec![credential, EventKind::CertificateIssued { envelope }]).await;
    let found = false_credential(world, Shown::CertificateId(header.certificate_id.to_string())).await;
    assert!(found.contains("the credential is of a node; a department is needed"), "{found}");
}

/// Attacks 4 and 12: the city's CA names a department of another city. With an identifier of its own it is not genuine;
/// with one that is in use the genuine one stays, and the conflict is shown.
async fn another_citys_department(world: &mut World, genuine: &Certificate, zibo: &mut ThrowAway) {
    let jinan = department(JINAN);
    world.practice.issue(region(ZIBO), Profile::Document, jinan.uscc.as_str()).unwrap();
    let new = header(genuine, jinan.clone(), &jinan, "FORGED00000000000001");
    let id = CertificateId::parse(&genuine.certificate_id).unwrap();
    let used = Header { certificate_id: id, ..new.clone() };
    let (credential, new_envelope) = signed(world, jinan.uscc.as_str(), &new);
    let (_, used_envelope) = signed(world, jinan.uscc.as_str(), &used);
    let issued = |envelope: &[u8]| EventKind::CertificateIssued { envelope: envelope.to_vec() };
    said(world, zibo, vec![credential, issued(&new_envelope), issued(&used_envelope)]).await;
    let found = false_credential(world, Shown::CertificateId(new.certificate_id.to_string())).await;
    assert!(found.contains("is not one of region 370300"), "{found}");

    let found = verify(world, Shown::CertificateId(genuine.certificate_id.clone())).await;
    assert_eq!(found.verdict(), Verdict::Genuine, "{:?}", found.checks);
    assert_eq!(found.certificate.unwrap().region, JINAN);
    let others: Vec<&str> = found.conflicts.iter().map(|one| one.region.as_str()).collect();
    assert_eq!(others, [ZIBO], "the conflict is shown");
    let found = verify(world, Shown::Envelope(used_envelope.into())).await;
    assert_eq!(found.verdict(), Verdict::NotGenuine, "the forged envelope beside the genuine entry");
}

/// Attack 12: the own department under another one's identifier.
async fn another_departments_identifier(world: &World, genuine: &Certificate, zibo: &mut ThrowAway) {
    let zibos = department(ZIBO);
    let header = header(genuine, zibos.clone(), &department(JINAN), "FORGED00000000000002");
    let (credential, envelope) = signed(world, zibos.uscc.as_str(), &header);
    said(world, zibo, vec![credential, EventKind::CertificateIssued { envelope }]).await;
    let found = false_credential(world, Shown::CertificateId(header.certificate_id.to_string())).await;
    assert!(found.contains("an identifier of another department"), "{found}");
}

/// Attack 16a: a city publishes, past its own node, a matter that names more fields than the uniform one: void, shown with
/// the difference, and nobody is answered for it.
async fn a_greedy_matter(world: &World, zibo: &mut ThrowAway) {
    let row = world.store(QINGDAO).implementation(region(JINAN), WITHDRAWAL).unwrap().unwrap();
    let model = row.implementation.unwrap();
    let housing = issuer(ZIBO, Department::HousingFund);
    let mut greedy = v1::Implementation {
        implementation_code: format!("{}3{WITHDRAWAL}", housing.uscc),
        region: ZIBO.into(),
        department: Some(housing),
        ..model
    };
    greedy.materials[0].fields.push("KZ_MJ".into());
    let greedy = catalogue::implementation(greedy).unwrap();
    said(world, zibo, vec![EventKind::ImplementationPublished(Box::new(greedy))]).await;
    let owner = Person::new(0, 61);
    let flat = world.issue(JINAN, deed(JINAN, &owner)).await;
    world.settle().await;
    let request = v1::GetMatterRequest { matter_code: WITHDRAWAL.into(), version: 0, region: ZIBO.into() };
    let mut client = world.catalogue(QINGDAO).await;
    until("it is shown as void", async || {
        let view = client.get_matter(request.clone()).await.unwrap().into_inner();
        view.implementation_state() == v1::ImplementationState::Void
            && view.void_reason.starts_with("NOT_UNIFORM")
            && view.void_reason.contains("KZ_MJ")
    })
    .await;
    let request = lookup(question(ZIBO, &owner, Relation::Self_), &flat.certificate_id, &["KZ_MJ"]);
    refused(world.look_up(QINGDAO, request).await, "MATTER_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_want_more() {
    let mut world = World::with_catalogue("callers").await;
    let owner = Person::new(0, 71);
    let flat = world.issue(JINAN, deed(JINAN, &owner)).await;
    world.settle().await;
    world.practice.issue(region(QINGDAO), Profile::System, KIOSK).unwrap();
    another_callers_ids(&world, &owner, &flat).await;
    fields_that_are_none(&world, &owner, &flat).await;
    streams_without_end(&world).await;
    edge::names_and_texts(&world, &flat).await;
    edge::messages(&world).await;
    world.step("callers who want more").await;
}

async fn kiosk(world: &World) -> tonic::transport::Channel {
    let client: Client = world.practice.client(region(QINGDAO), KIOSK);
    practice::connect(&client).await.unwrap()
}

/// Attack 16: an id of another caller. A question's is the city's, so it is refused; a request's is the caller's own, so it
/// stands for nothing yet, and nobody is given what the other one was answered.
async fn another_callers_ids(world: &World, owner: &Person, flat: &Certificate) {
    let asked = lookup(question(JINAN, owner, Relation::Self_), &flat.certificate_id, &["KZ_ZL"]);
    world.look_up(QINGDAO, asked.clone()).await.unwrap();
    let mut lookups = LookupServiceClient::new(kiosk(world).await);
    refused(lookups.lookup_certificate(asked.clone()).await, "QUESTION_ID_REUSED");
    let mut stranger = asked;
    stranger.question.as_mut().unwrap().party.as_mut().unwrap().holder = Some(Person::new(0, 72).holder());
    refused(world.look_up(QINGDAO, stranger).await, "QUESTION_ID_REUSED");

    let issued = deed(QINGDAO, &Person::new(0, 73));
    world.issue(QINGDAO, issued.clone()).await;
    let mut certificates = CertificateServiceClient::new(kiosk(world).await);
    refused(certificates.issue_certificate(issued).await, "ISSUER_NOT_CALLERS");
    // A genuine question of this city, asked again later than it may be.
    let mut late = lookup(question(JINAN, owner, Relation::Self_), &flat.certificate_id, &["KZ_ZL"]);
    late.question.as_mut().unwrap().question_id = uuid_of(now_ms() - 11 * 60_000);
    refused(world.look_up(QINGDAO, late).await, "QUESTION_STALE");
}

/// Attack 17: a field that is asked and not needed is not released, and is on record; what is no field's name is neither
/// recorded nor sent.
async fn fields_that_are_none(world: &World, owner: &Person, flat: &Certificate) {
    let asked = |fields: &[&str]| lookup(question(JINAN, owner, Relation::Self_), &flat.certificate_id, fields);
    let answer = world.look_up(QINGDAO, asked(&["KZ_ZL", "KZ_MJ", "KZ_GEHEIM"])).await.unwrap().into_inner();
    assert_eq!(answer.withheld_fields, ["KZ_MJ", "KZ_GEHEIM"]);
    let last = |code, kind| {
        let records = world.access_records(code);
        records.into_iter().rfind(|record| record.kind == kind).unwrap().fields
    };
    assert_eq!(last(QINGDAO, AccessKind::Asked), ["KZ_ZL", "KZ_MJ", "KZ_GEHEIM"]);
    assert_eq!(last(JINAN, AccessKind::Answered), ["KZ_ZL"]);

    let before = (world.access_records(QINGDAO).len(), world.access_records(JINAN).len());
    let long = "A".repeat(65);
    let cases: [(&str, &[&str]); 5] = [
        ("PURPOSE_HAS_PERSONAL_DATA", &["KZ_ZL", &owner.number]),
        ("PURPOSE_HAS_PERSONAL_DATA", &["13800138000"]),
        ("FIELD_TOO_LONG", &[&long]),
        ("CONTROL_CHARACTER", &["KZ_ZL\n"]),
        ("FIELD_MISSING", &[""]),
    ];
    for (reason, fields) in cases {
        refused(world.look_up(QINGDAO, asked(fields)).await, reason);
    }
    let many: Vec<String> = (0..129).map(|number| format!("KZ_{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refused(world.look_up(QINGDAO, asked(&many)).await, "FIELD_TOO_LONG");
    let search = v1::FindCertificatesRequest {
        question: Some(question(JINAN, owner, Relation::Self_)),
        type_codes: vec![DEED.into(); 129],
    };
    refused(world.lookups(QINGDAO).await.find_certificates(search).await, "FIELD_TOO_LONG");
    assert_eq!((world.access_records(QINGDAO).len(), world.access_records(JINAN).len()), before);
}

/// Attack 15: streams that nobody ends. The caller's own are bounded, and others are served.
async fn streams_without_end(world: &World) {
    let channel = kiosk(world).await;
    let mut client = CertificateServiceClient::new(channel.clone());
    let mut open = Vec::new();
    for _ in 0..STREAMS_PER_CALLER {
        open.push(client.watch_certificates(v1::WatchCertificatesRequest::default()).await.unwrap().into_inner());
    }
    // Over another connection of the same caller too.
    for mut client in [client.clone(), CertificateServiceClient::new(kiosk(world).await)] {
        let more = client.watch_certificates(v1::WatchCertificatesRequest::default()).await;
        refused(more.map(|answer| answer.map(drop)), "OVERLOADED");
    }
    let mut hall = world.certificates(QINGDAO).await;
    let mut watched = hall.watch_certificates(v1::WatchCertificatesRequest::default()).await.unwrap().into_inner();
    let issued = world.issue(QINGDAO, licence(QINGDAO, 74)).await;
    let event = tokio::time::timeout(std::time::Duration::from_secs(10), watched.message()).await;
    assert_eq!(event.expect("another caller is served").unwrap().unwrap().certificate_id, issued.certificate_id);
    open.clear();
    until("the room is given back", async || {
        client.watch_certificates(v1::WatchCertificatesRequest::default()).await.is_ok()
    })
    .await;
}
