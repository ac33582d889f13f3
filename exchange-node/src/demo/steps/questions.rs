//! Find, look up, verify, and what is refused.

use super::super::world::{JINAN, QINGDAO, World, region};
use crate::{
    practice::{self, SYSTEM},
    sample::departments::Department,
};
use anyhow::{Context, Result, bail, ensure};
use ca_tools::Profile;
use exchange_core::{
    case_number::ReceiptNumber,
    checkpoint::{self, Checkpoint, LogKind},
    date::Date,
};
use exchange_proto::{
    access, certificate as convert, peer,
    v1::{
        self, admin_service_client::AdminServiceClient, certificate_service_client::CertificateServiceClient,
        lookup_service_client::LookupServiceClient,
    },
};
use std::time::Duration;
use tonic::Status;
use tonic_types::StatusExt;

/// 住房公积金购房提取.
pub(super) const MATTER: &str = "372099007000";
const DEED: &str = "11100000MB03271699001";
const DEED_FIELDS: [&str; 6] = ["CZZT", "CZZTDM", "ZZBH", "KZ_BDCQZH", "KZ_ZL", "KZ_QLR"];

pub(super) async fn find(world: &mut World) -> Result<String> {
    let question = question(world, &world.fact("owner")?, v1::Relation::Self_)?;
    let mut client = client(world).await?;
    let request = v1::FindCertificatesRequest { question: Some(question), type_codes: vec![DEED.to_owned()] };
    let found = client.find_certificates(request).await?.into_inner();
    let number = found.certificates.len();
    let first = found.certificates.first().and_then(|one| one.certificate.clone()).context("nothing found")?;
    ensure!(
        found.certificates.iter().all(|one| {
            one.certificate
                .as_ref()
                .is_some_and(|certificate| certificate.disclosures.is_empty() && certificate.envelope.is_empty())
        }),
        "a search gave values"
    );
    world.facts.insert("deed", first.certificate_id.clone());
    Ok(format!("{number} found in the own index, no values, recorded before it answered: {}", first.certificate_id))
}

pub(super) async fn deed(world: &mut World) -> Result<String> {
    let question = question(world, &world.fact("owner")?, v1::Relation::Self_)?;
    let answer = look_up(world, question, &world.fact("deed")?, &DEED_FIELDS).await?;
    let verified = check_fields(&answer)?;
    ensure!(verified == DEED_FIELDS.len(), "{verified} fields");
    let number = value(&answer, "ZZBH")?;
    ensure!(number == world.fact("deed number")?, "another deed was found");
    let receipts = check_receipts(world, &answer)?;
    Ok(format!("{verified} of {} fields verified, {receipts} receipts verified", DEED_FIELDS.len()))
}

pub(super) async fn spouse(world: &mut World) -> Result<String> {
    let question = question(world, &world.fact("spouse")?, v1::Relation::Spouse)?;
    let fields = ["CZZT", "CZZTDM", "ZZBH", "KZ_DJRQ", "KZ_DJJG"];
    let answer = look_up(world, question, &world.fact("marriage")?, &fields).await?;
    let verified = check_fields(&answer)?;
    let receipts = check_receipts(world, &answer)?;
    let mut bytes = Vec::new();
    for receipt in [&answer.asked, &answer.answered] {
        bytes.push(prost::Message::encode_to_vec(receipt.as_ref().context("no receipt")?));
    }
    std::fs::write(world.folder.join("asked.receipt.pb"), &bytes[0])?;
    std::fs::write(world.folder.join("answered.receipt.pb"), &bytes[1])?;
    Ok(format!("{verified} of {} fields verified, {receipts} receipts verified", fields.len()))
}

/// The receipts as files, as anybody could keep them.
pub(super) async fn receipts(world: &mut World) -> Result<String> {
    let mut said = Vec::new();
    for (file, code) in [("asked.receipt.pb", QINGDAO), ("answered.receipt.pb", JINAN)] {
        let bytes = std::fs::read(world.folder.join(file))?;
        let receipt: v1::LogProof = prost::Message::decode(&bytes[..])?;
        let record = check_receipt(world, Some(receipt), code)?;
        said.push(format!("{code} {:?} {} fields in case {}", record.kind, record.fields.len(), record.case));
    }
    let mut altered = std::fs::read(world.folder.join("answered.receipt.pb"))?;
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let refused = prost::Message::decode(&altered[..])
        .map_err(anyhow::Error::from)
        .and_then(|receipt| check_receipt(world, Some(receipt), JINAN));
    ensure!(refused.is_err(), "an altered receipt was taken for genuine");
    Ok(format!("{}; one bit altered: refused", said.join(", ")))
}

pub(super) async fn verify(world: &mut World) -> Result<String> {
    let mut client = client(world).await?;
    let id = world.fact("deed")?;
    let subject = |certificate| v1::VerifyCertificateRequest { certificate: Some(certificate), on_day: None };
    let by_id = v1::verify_certificate_request::Certificate::CertificateId(id);
    let genuine = client.verify_certificate(subject(by_id)).await?.into_inner();
    ensure!(genuine.verdict() == v1::Verdict::Genuine, "{:?}: {:?}", genuine.verdict(), genuine.checks);
    let envelope = genuine.certificate.as_ref().context("no certificate")?.envelope.clone();
    let mut altered = convert::decode_envelope(&envelope)?;
    let last = altered.payload.len() - 1;
    altered.payload[last] ^= 1;
    let bytes = convert::encode_envelope(&altered);
    let by_bytes = v1::verify_certificate_request::Certificate::Envelope(bytes.into());
    let verdict = match client.verify_certificate(subject(by_bytes)).await {
        Ok(answer) => format!("{:?}", answer.into_inner().verdict()),
        Err(status) => reason(&status),
    };
    ensure!(verdict != "Genuine", "an altered envelope was taken for genuine");
    let standing = genuine.standing.context("no standing")?;
    Ok(format!(
        "genuine, {:?}, as of {} ms ago; altered: {verdict}",
        standing.status(),
        world.clock.now_ms().saturating_sub(standing.as_of_ms)
    ))
}

pub(super) async fn no_case(world: &mut World) -> Result<String> {
    let mut question = question(world, &world.fact("owner")?, v1::Relation::Self_)?;
    question.case_number = String::new();
    refused(world, question, &world.fact("deed")?, &DEED_FIELDS, "CASE_MISSING").await
}

pub(super) async fn field_too_many(world: &mut World) -> Result<String> {
    let wanted = question(world, &world.fact("owner")?, v1::Relation::Self_)?;
    let answer = look_up(world, wanted, &world.fact("deed")?, &["KZ_ZL", "KZ_MJ"]).await?;
    ensure!(answer.withheld_fields == ["KZ_MJ"], "withheld: {:?}", answer.withheld_fields);
    ensure!(check_fields(&answer)? == 1, "more than one field was released");
    let alone = question(world, &world.fact("owner")?, v1::Relation::Self_)?;
    let told = refused(world, alone, &world.fact("deed")?, &["KZ_MJ"], "NO_FIELD_NEEDED").await?;
    Ok(format!("KZ_MJ 面积 withheld beside KZ_ZL; alone: {told}"))
}

pub(super) async fn neighbour(world: &mut World) -> Result<String> {
    let question = question(world, &world.fact("owner")?, v1::Relation::Self_)?;
    let number = v1::CertificateNumber { type_code: DEED.to_owned(), number: world.fact("neighbour deed number")? };
    let request = v1::LookupCertificateRequest {
        question: Some(question),
        certificate: Some(v1::lookup_certificate_request::Certificate::Number(number)),
        fields: DEED_FIELDS.map(str::to_owned).to_vec(),
    };
    let answer = client(world).await?.lookup_certificate(request).await;
    told(answer.map(drop), "NOT_A_HOLDER")
}

pub(super) async fn credentials(world: &mut World) -> Result<String> {
    let (folder, code) = (world.folder.clone(), region(JINAN)?);
    practice::stranger(&folder, code)?;
    let mut stranger = world.client(JINAN, SYSTEM)?;
    stranger.certificate = folder.join("stranger.pem");
    stranger.key = folder.join("stranger.key");
    ensure!(!answers(&stranger).await, "a stranger was let in");
    world.practice()?.issue(code, Profile::System, "former-hall")?;
    let former = world.client(JINAN, "former-hall")?;
    let channel = practice::connect(&former).await?;
    let request = || v1::GetCertificateRequest { certificate_id: "1.2.156.3005.2.x".to_owned() };
    let before = CertificateServiceClient::new(channel.clone()).get_certificate(request()).await;
    let known = before.err().is_some_and(|status| !reason(&status).is_empty());
    ensure!(known, "the credential was not let in before it was withdrawn");
    world.practice()?.withdraw(code, "former-hall")?;
    let operator = world.channel(JINAN, practice::OPERATOR).await?;
    let begin = world.clock.instant();
    AdminServiceClient::new(operator).reload(v1::ReloadRequest {}).await?;
    // The live connection is cut; a new one is refused.
    loop {
        let after = CertificateServiceClient::new(channel.clone()).get_certificate(request()).await;
        if after.err().is_some_and(|status| reason(&status).is_empty()) {
            break;
        }
        ensure!(
            world.clock.instant().duration_since(begin) < Duration::from_secs(5),
            "the live connection was not cut"
        );
        world.clock.sleep(Duration::from_millis(5)).await;
    }
    let cut = world.clock.instant().duration_since(begin).as_secs_f64() * 1_000.0;
    ensure!(!answers(&former).await, "a withdrawn credential was let in");
    Ok(format!(
        "stranger: no handshake; withdrawn: live connection cut {cut:.0} ms after the reload, then no handshake"
    ))
}

/// Does the node answer this credential? TLS 1.3 tells a refused client only on first use.
async fn answers(client: &practice::Client) -> bool {
    let Ok(channel) = practice::connect(client).await else { return false };
    let request = v1::GetCertificateRequest { certificate_id: "1.2.156.3005.2.x".to_owned() };
    match CertificateServiceClient::new(channel).get_certificate(request).await {
        Ok(_) => true,
        Err(status) => !reason(&status).is_empty(),
    }
}

async fn client(world: &mut World) -> Result<LookupServiceClient<tonic::transport::Channel>> {
    Ok(LookupServiceClient::new(world.channel(QINGDAO, SYSTEM).await?))
}

/// A question of 青岛's housing fund about a party.
fn question(world: &World, code: &str, relation: v1::Relation) -> Result<v1::Question> {
    let fund = Department::HousingFund.of(region(QINGDAO)?).context("no code for the department")?;
    let today = Date::from_unix_ms(i64::try_from(world.clock.now_ms())?).context("no day")?;
    Ok(v1::Question {
        question_id: world.request_id(),
        purpose: Some(v1::question::Purpose::Matter(v1::MatterPurpose {
            matter_code: MATTER.to_owned(),
            version: 1,
            situation: String::new(),
            responsible_region: QINGDAO.to_owned(),
        })),
        case_number: ReceiptNumber::new(region(QINGDAO)?, today, 1)?.to_string(),
        party: Some(v1::Party {
            holder: Some(v1::Holder { code_type: "111".to_owned(), code: code.to_owned() }),
            relation: relation as i32,
        }),
        basis: v1::Basis::Application as i32,
        clerk: Some(v1::Clerk {
            staff_number: "QD-0007".to_owned(),
            organisation_uscc: fund.uscc.to_string(),
            window: "3".to_owned(),
        }),
        purpose_text: "住房公积金购房提取".to_owned(),
        ..Default::default()
    })
}

async fn look_up(
    world: &mut World,
    question: v1::Question,
    id: &str,
    fields: &[&str],
) -> Result<v1::LookupCertificateResponse> {
    let request = v1::LookupCertificateRequest {
        question: Some(question),
        certificate: Some(v1::lookup_certificate_request::Certificate::CertificateId(id.to_owned())),
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
    };
    Ok(client(world).await?.lookup_certificate(request).await?.into_inner())
}

async fn refused(
    world: &mut World,
    question: v1::Question,
    id: &str,
    fields: &[&str],
    expected: &str,
) -> Result<String> {
    let request = v1::LookupCertificateRequest {
        question: Some(question),
        certificate: Some(v1::lookup_certificate_request::Certificate::CertificateId(id.to_owned())),
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
    };
    let answer = client(world).await?.lookup_certificate(request).await;
    told(answer.map(drop), expected)
}

fn told(answer: std::result::Result<(), Status>, expected: &str) -> Result<String> {
    let Err(status) = answer else { bail!("it was not refused") };
    let found = reason(&status);
    ensure!(found == expected, "refused with {found:?} {}, not {expected}", status.message());
    let details = status.get_error_details();
    let words = details.localized_message().map(|message| message.message.clone()).unwrap_or_default();
    Ok(format!("refused {found} {words}"))
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

fn value(answer: &v1::LookupCertificateResponse, name: &str) -> Result<String> {
    let certificate = answer.certificate.as_ref().context("no certificate")?;
    let found = certificate.disclosures.iter().find(|one| one.name == name).with_context(|| format!("no {name}"))?;
    Ok(found.value.clone())
}

/// Each released value against the digests in the signed header, as the calling system would.
fn check_fields(answer: &v1::LookupCertificateResponse) -> Result<usize> {
    let certificate = answer.certificate.as_ref().context("no certificate")?;
    let header = convert::decode_header(&convert::decode_envelope(&certificate.envelope)?.payload)?;
    let released = convert::disclosures(certificate.disclosures.clone())?;
    for one in &released {
        header.check_disclosure(one)?;
    }
    Ok(released.len())
}

fn check_receipts(world: &mut World, answer: &v1::LookupCertificateResponse) -> Result<usize> {
    check_receipt(world, answer.asked.clone(), QINGDAO)?;
    check_receipt(world, answer.answered.clone(), JINAN)?;
    Ok(2)
}

/// A receipt against the log key that the bundle names: no node is asked.
fn check_receipt(
    world: &mut World,
    receipt: Option<v1::LogProof>,
    code: &str,
) -> Result<exchange_core::access::AccessRecord> {
    let proof = peer::proof("receipt", receipt)?;
    let claimed = Checkpoint::parse_unverified(&proof.checkpoint_note)?;
    let bundle = world.practice()?.bundle();
    let keys = bundle.log_keys(region(code)?, LogKind::Access, claimed.origin.epoch(), claimed.size);
    let verified = checkpoint::open(&proof.checkpoint_note, &keys)?;
    proof.check_against(&verified)?;
    Ok(access::decode(&proof.entry)?)
}
