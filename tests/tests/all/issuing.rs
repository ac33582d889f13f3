//! Issue, revise and change of status: what is refused at the edge and why, and what other cities see.

use crate::world::*;
use exchange_core::{certificate_id::CertificateId, status::Status as Internal};
use exchange_node::sample::departments::Department;
use exchange_proto::v1::{
    self, Status, StatusAuthority, certificate_service_client::CertificateServiceClient,
    verify_certificate_request::Certificate as Shown,
};
use std::time::{Duration, Instant};
use tonic::{Request, transport::Channel};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates() {
    let world = World::with_catalogue("issuing").await;
    world.step("the catalogue is published").await;
    issue_once(&world).await;
    drafts_that_do_not_fit(&world).await;
    whose_certificates(&world).await;
    messages_that_do_not_read(&world).await;
    world.step("drafts are refused").await;
    revisions(&world).await;
    statuses(&world).await;
    verified_elsewhere(&world).await;
    watched_elsewhere(&world).await;
    listed_elsewhere(&world).await;
}

/// ISS-2: the same request gives the same certificate; another body under its id is refused.
async fn issue_once(world: &World) {
    let request = deed(JINAN, &Person::new(0, 1));
    let first = world.issue(JINAN, request.clone()).await;
    assert!(!first.repeated_request);
    assert_eq!((first.status(), first.environment()), (Status::Active, v1::Environment::Exercise));
    let again = world.issue(JINAN, request.clone()).await;
    assert!(again.repeated_request);
    assert_eq!((&again.certificate_id, &again.position), (&first.certificate_id, &first.position));
    let mut other = request.clone();
    other.fields[5].value = "金丝雀路2号".into();
    let mut client = world.certificates(JINAN).await;
    refused(client.issue_certificate(other).await, "REQUEST_ID_REUSED");
    // Another caller's id is another id.
    let mut elsewhere = deed(QINGDAO, &Person::new(0, 1));
    elsewhere.request_id = request.request_id;
    world.issue(QINGDAO, elsewhere).await;
    let mut old = deed(JINAN, &Person::new(0, 2));
    old.request_id = uuid_of(now_ms() - 90 * 86_400_000);
    refused(client.issue_certificate(old).await, "REQUEST_ID_TOO_OLD");
    let mut none = deed(JINAN, &Person::new(0, 2));
    none.request_id.clear();
    refused(client.issue_certificate(none).await, "REQUEST_ID_MISSING");
    world.step("issued once").await;
}

type Spoil = Box<dyn Fn(&mut v1::IssueCertificateRequest)>;

/// A field by its name.
fn set(name: &'static str, value: impl Into<String>) -> Spoil {
    let value = value.into();
    Box::new(move |request| match request.fields.iter_mut().find(|field| field.name == name) {
        Some(field) => field.value.clone_from(&value),
        None => request.fields.push(v1::FieldValue { name: name.into(), value: value.clone() }),
    })
}

async fn drafts_that_do_not_fit(world: &World) {
    let owner = Person::new(0, 3);
    let (number, right) = owner.number.split_at(17);
    let wrong = if right == "0" { "1" } else { "0" };
    let before = world.size(JINAN);
    let cases: Vec<(&str, Spoil)> = vec![
        ("CHECK_DIGIT_WRONG", set("CZZTDM", format!("{number}{wrong}"))),
        ("CHECK_DIGIT_WRONG", Box::new(|request| request.issuer.as_mut().unwrap().uscc.replace_range(17.., "0"))),
        ("TYPE_UNKNOWN", Box::new(|request| request.type_code = "11100000MB0143028R999".into())),
        ("TYPE_UNKNOWN", Box::new(|request| request.type_version = 9)),
        ("FIELD_MISSING", Box::new(|request| request.fields.retain(|field| field.name != "ZZBH"))),
        ("FIELD_MISSING", set("CZZT", "  ")),
        ("FIELD_UNKNOWN", set("KZ_XXX", "1")),
        ("FIELD_REPEATED", Box::new(|request| request.fields.push(request.fields[0].clone()))),
        ("FIELD_TOO_LONG", set("KZ_ZL", "a".repeat(65_537))),
        ("CONTROL_CHARACTER", set("KZ_ZL", "1\u{0}2")),
        ("CONTROL_CHARACTER", set("KZ_ZL", "1\n2")),
        ("CONTROL_CHARACTER", set("KZ_ZL", "\u{202e}2")),
        (
            "TOO_MANY_FIELDS",
            Box::new(|request| {
                let field = |number| v1::FieldValue { name: format!("KZ_{number}"), value: "1".into() };
                request.fields.extend((0..1_000).map(field));
            }),
        ),
        ("DATES_OUT_OF_ORDER", Box::new(|request| request.valid_until = Some(date(2025, 2, 1)))),
        ("DATES_OUT_OF_ORDER", Box::new(|request| request.issued_on = Some(date(2999, 1, 1)))),
        ("FIELD_INVALID", Box::new(|request| request.issued_on = Some(date(2025, 2, 30)))),
        ("FIELD_MISSING", Box::new(|request| request.issued_on = None)),
        ("IDENTITY_NUMBER_NOT_ALLOWED", Box::new(|request| request.serial = Person::new(0, 4).number)),
        ("FIELD_INVALID", Box::new(|request| request.serial = "../../etc".into())),
    ];
    let mut client = world.certificates(JINAN).await;
    for (reason, spoil) in cases {
        let mut request = deed(JINAN, &owner);
        spoil(&mut request);
        let (found, needed) = refused(client.issue_certificate(request).await, reason);
        if reason == "CHECK_DIGIT_WRONG" {
            let needed = format!("{found}, {needed}");
            assert!(
                needed.ends_with(right) || needed.contains(&format!("{:?}", department_check())),
                "the right one is not said: {needed}"
            );
        }
    }
    let after = world.size(JINAN);
    assert!(after <= before + 1, "a refused draft left entries: {before} and {after}"); // an anchor may have come
}

/// The check character of the department that issues deeds.
fn department_check() -> char {
    issuer(JINAN, Department::NaturalResources).uscc.pop().unwrap()
}

async fn whose_certificates(world: &World) {
    let owner = Person::new(0, 5);
    let mut client = world.certificates(JINAN).await;
    refused(client.issue_certificate(deed(QINGDAO, &owner)).await, "ISSUER_NOT_CALLERS");
    let mut guest = CertificateServiceClient::new(world.channel_of(JINAN, QINGDAO, "hall").await);
    let (found, _) = refused(guest.issue_certificate(deed(JINAN, &owner)).await, "CALLER_NOT_ALLOWED");
    assert!(found.contains(QINGDAO), "{found}");
    let mut operator = CertificateServiceClient::new(world.operator(JINAN).await);
    refused(operator.issue_certificate(deed(JINAN, &owner)).await, "CALLER_NOT_ALLOWED");
    let foreign = world.issue(QINGDAO, licence(QINGDAO, 1)).await;
    world.settle().await;
    refused(client.change_status(change(&foreign, Status::Revoked, "样例〔2026〕1号")).await, "NOT_OWN_CERTIFICATE");
    refused(client.revise_certificate(revision(&foreign, &licence(QINGDAO, 1))).await, "NOT_OWN_CERTIFICATE");
    let id = CertificateId::parse(&foreign.certificate_id).unwrap().next_version().unwrap();
    let mut unknown = change(&foreign, Status::Revoked, "样例〔2026〕1号");
    unknown.certificate_id = id.to_string();
    refused(client.change_status(unknown.clone()).await, "CERTIFICATE_NOT_FOUND");
    // Not the one of the deployed routine either, which is let pass.
    let with = |check: char| format!("{}{check}", &id.as_str()[..id.as_str().len() - 1]);
    let wrong = ('0'..='9').map(with).find(|text| CertificateId::parse(text).is_err());
    unknown.certificate_id = wrong.unwrap();
    let (found, _) = refused(client.change_status(unknown).await, "CHECK_DIGIT_WRONG");
    assert!(found.ends_with(&format!("{:?}", id.check())), "the right one is not said: {found}");
}

/// Oversize and undecodable gRPC messages.
async fn messages_that_do_not_read(world: &World) {
    let mut huge = deed(JINAN, &Person::new(0, 6));
    huge.fields.extend((0..80).map(|_| v1::FieldValue { name: "KZ_FJ".into(), value: "a".repeat(60_000) }));
    refused(world.certificates(JINAN).await.issue_certificate(huge).await, "MESSAGE_TOO_LARGE");
    // Field 1 of the request is text; these are bytes that are none.
    let channel = world.system(JINAN).await;
    refused(raw_issue(channel, v1::GetTrustRequest { sha256: vec![0xFF, 0xFE].into() }).await, "MESSAGE_UNDECODABLE");
}

async fn raw_issue(
    channel: Channel,
    message: v1::GetTrustRequest,
) -> Result<tonic::Response<v1::Certificate>, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = "/exchange.v1.CertificateService/IssueCertificate".parse().unwrap();
    client.unary(Request::new(message), path, tonic_prost::ProstCodec::default()).await
}

pub(crate) fn revision(previous: &Certificate, draft: &v1::IssueCertificateRequest) -> v1::ReviseCertificateRequest {
    v1::ReviseCertificateRequest {
        request_id: request_id(),
        previous: previous.certificate_id.clone(),
        issued_on: Some(date(2025, 6, 1)),
        fields: draft.fields.clone(),
        ..Default::default()
    }
}

/// VER-1: revisions form one chain, whoever comes first.
async fn revisions(world: &World) {
    let draft = deed(JINAN, &Person::new(1, 7));
    let first = world.issue(JINAN, draft.clone()).await;
    let mut client = world.certificates(JINAN).await;
    let request = revision(&first, &draft);
    let second = client.revise_certificate(request.clone()).await.unwrap().into_inner();
    assert_eq!((second.revision, &second.previous), (2, &first.certificate_id));
    let again = client.revise_certificate(request).await.unwrap().into_inner();
    assert_eq!((again.repeated_request, &again.certificate_id), (true, &second.certificate_id));
    let replaced = client.get_certificate(get(&first)).await.unwrap().into_inner();
    assert_eq!(replaced.status(), Status::Replaced);
    let (found, _) = refused(client.revise_certificate(revision(&first, &draft)).await, "REVISION_CONFLICT");
    assert!(found.contains(&second.certificate_id), "{found}");
    // Two writers at once.
    let both = [revision(&second, &draft), revision(&second, &draft)].map(|request| {
        let mut client = client.clone();
        tokio::spawn(async move { client.revise_certificate(request).await })
    });
    let mut answers = Vec::new();
    for one in both {
        answers.push(one.await.unwrap());
    }
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1, "both writers replaced the same revision, or none");
    for answer in bad {
        refused(answer, "REVISION_CONFLICT");
    }
    world.step("revised").await;
    // Yantai has the whole chain.
    let third = good.into_iter().next().unwrap().unwrap().into_inner();
    for (one, status) in [(&first, Status::Replaced), (&second, Status::Replaced), (&third, Status::Active)] {
        let found = verify(world, YANTAI, Shown::CertificateId(one.certificate_id.clone()), None).await;
        assert_eq!((found.verdict(), found.standing.unwrap().status()), (v1::Verdict::Genuine, status));
    }
}

fn get(certificate: &Certificate) -> v1::GetCertificateRequest {
    v1::GetCertificateRequest { certificate_id: certificate.certificate_id.clone() }
}

/// REV-2, and the table of the type.
async fn statuses(world: &World) {
    const NUMBER: &str = "样例〔2026〕1号";
    let licensed = world.issue(JINAN, licence(JINAN, 2)).await;
    let flat = world.issue(JINAN, deed(JINAN, &Person::new(0, 8))).await;
    let mut client = world.certificates(JINAN).await;
    refused(client.change_status(change(&licensed, Status::Revoked, "")).await, "DOCUMENT_NUMBER_MISSING");
    let successor = v1::ChangeStatusRequest {
        authority: StatusAuthority::Successor as i32,
        ..change(&licensed, Status::Revoked, NUMBER)
    };
    refused(client.change_status(successor).await, "STATUS_AUTHORITY_NOT_ALLOWED");
    refused(client.change_status(change(&licensed, Status::Expired, NUMBER)).await, "FIELD_INVALID");
    // A deed is annulled or cancelled, never revoked.
    let (found, _) =
        refused(client.change_status(change(&flat, Status::Revoked, NUMBER)).await, "STATUS_AUTHORITY_NOT_ALLOWED");
    assert!(found.contains(Internal::Revoked.name()), "{found}");
    let mut personal = change(&licensed, Status::Revoked, NUMBER);
    personal.reason = format!("持有人 {}", Person::new(0, 8).number);
    refused(client.change_status(personal).await, "IDENTITY_NUMBER_NOT_ALLOWED");
    let mut code = change(&licensed, Status::Revoked, NUMBER);
    code.status_code = "01".into();
    refused(client.change_status(code).await, "STATUS_CHANGE_NOT_ALLOWED");

    let revoke = change(&licensed, Status::Revoked, NUMBER);
    let revoked = client.change_status(revoke.clone()).await.unwrap().into_inner();
    assert_eq!((revoked.status(), revoked.status_code.as_str()), (Status::Revoked, "07"));
    let again = client.change_status(revoke).await.unwrap().into_inner();
    assert!(again.repeated_request);
    refused(client.change_status(change(&licensed, Status::Revoked, NUMBER)).await, "STATUS_CHANGE_NOT_ALLOWED");
    refused(client.change_status(change(&licensed, Status::Active, NUMBER)).await, "STATUS_CHANGE_NOT_ALLOWED");
    world.step("revoked").await;
    let restore =
        v1::ChangeStatusRequest { restoring: true, ..change(&licensed, Status::Active, "样例复议〔2026〕1号") };
    let restored = client.change_status(restore).await.unwrap().into_inner();
    assert_eq!(restored.status(), Status::Active);
    world.step("restored by a decision").await;
}

async fn verify(world: &World, code: &str, shown: Shown, on_day: Option<v1::Date>) -> v1::Verification {
    let request = v1::VerifyCertificateRequest { certificate: Some(shown), on_day };
    world.lookups(code).await.verify_certificate(request).await.unwrap().into_inner()
}

/// Verified from the index of another city alone.
async fn verified_elsewhere(world: &World) {
    let certificate = world.issue(JINAN, licence(JINAN, 3)).await;
    world.settle().await;
    let shown = Shown::Envelope(certificate.envelope.clone());
    let genuine = verify(world, QINGDAO, shown, None).await;
    assert_eq!(genuine.verdict(), v1::Verdict::Genuine);
    assert!(genuine.checks.iter().all(|check| check.result() == v1::CheckResult::Ok), "{:?}", genuine.checks);
    let standing = genuine.standing.unwrap();
    assert_eq!((standing.status(), standing.freshness()), (Status::Active, v1::Freshness::Current));
    assert_eq!(standing.counts_as(), v1::CountsAs::DataCheck);
    assert!(standing.as_of_ms > 0);

    // One bit of the signature, at the envelope's end.
    let mut altered = certificate.envelope.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let found = verify(world, QINGDAO, Shown::Envelope(altered.into()), None).await;
    assert_eq!(found.verdict(), v1::Verdict::NotGenuine);
    let failed: Vec<&str> = found
        .checks
        .iter()
        .filter(|check| check.result() == v1::CheckResult::Failed)
        .map(|check| check.name.as_str())
        .collect();
    assert_eq!(failed, ["envelope_signature", "log_inclusion"]);
    let id = "1.2.156.3005.2.11100000MB0143028R001.11370100XXXX00001Q.00000000000000000000.001.0";
    let unknown = verify(world, QINGDAO, Shown::CertificateId(id.into()), None).await;
    assert_eq!(unknown.verdict(), v1::Verdict::NotFound);

    let mut client = world.certificates(JINAN).await;
    client.change_status(change(&certificate, Status::Revoked, "样例〔2026〕2号")).await.unwrap();
    world.settle().await;
    let id = Shown::CertificateId(certificate.certificate_id.clone());
    // Decided on 2026-01-06: in force the day before, and genuine still.
    let found = verify(world, QINGDAO, id, Some(date(2026, 1, 5))).await;
    assert_eq!(found.verdict(), v1::Verdict::Genuine);
    assert_eq!(found.standing.unwrap().status(), Status::Revoked);
    assert_eq!(found.standing_on_day.unwrap().status(), Status::Active);
    world.step("verified in another city").await;
}

/// REV-1: a revocation is seen by a subscriber at another node; a stream resumes where it was left.
async fn watched_elsewhere(world: &World) {
    let certificate = world.issue(JINAN, licence(JINAN, 4)).await;
    world.settle().await;
    let mut yantai = world.certificates(YANTAI).await;
    let request = v1::WatchCertificatesRequest { region: JINAN.into(), after: certificate.position.clone() };
    let mut stream = yantai.watch_certificates(request.clone()).await.unwrap().into_inner();
    let begun = Instant::now();
    let mut jinan = world.certificates(JINAN).await;
    jinan.change_status(change(&certificate, Status::Revoked, "样例〔2026〕3号")).await.unwrap();
    let next = tokio::time::timeout(Duration::from_secs(10), stream.message());
    let event = next.await.expect("no event of the revocation").unwrap().unwrap();
    println!("issuing: a revocation in {JINAN} was seen in {YANTAI} after {:?}", begun.elapsed());
    assert_eq!(
        (&event.certificate_id, event.status(), event.issued),
        (&certificate.certificate_id, Status::Revoked, false)
    );
    // From the same position again: from the store this time.
    let mut again = yantai.watch_certificates(request).await.unwrap().into_inner();
    let next = tokio::time::timeout(Duration::from_secs(10), again.message());
    assert_eq!(next.await.expect("nothing from the store").unwrap().unwrap(), event);
    let foreign = v1::WatchCertificatesRequest { region: QINGDAO.into(), after: certificate.position };
    refused(yantai.watch_certificates(foreign).await, "POSITION_OUT_OF_RANGE");
    world.step("watched in another city").await;
}

/// Summaries without values, page by page.
async fn listed_elsewhere(world: &World) {
    let mut client = world.certificates(YANTAI).await;
    let mut request = v1::ListCertificatesRequest {
        page_size: 2,
        region: JINAN.into(),
        type_code: LICENCE.into(),
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let page = client.list_certificates(request.clone()).await.unwrap().into_inner();
        assert!(page.certificates.len() <= 2);
        found.extend(page.certificates);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|one| one.disclosures.is_empty() && one.envelope.is_empty() && one.type_code == LICENCE));
    request.page_token = "nonsense".into();
    refused(client.list_certificates(request).await, "PAGE_TOKEN_INVALID");
    // Values are for systems that act for the department alone.
    let own = found.iter().find(|one| one.status() == Status::Revoked).unwrap();
    let mut jinan = world.certificates(JINAN).await;
    assert!(!jinan.get_certificate(get(own)).await.unwrap().into_inner().disclosures.is_empty());
    let mut operator = CertificateServiceClient::new(world.operator(JINAN).await);
    assert!(operator.get_certificate(get(own)).await.unwrap().into_inner().disclosures.is_empty());
    refused(client.get_certificate(get(own)).await, "CERTIFICATE_NOT_FOUND");
}
