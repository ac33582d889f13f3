//! A sealed licence: made by one city's node, judged offline in another.

use super::super::world::{JINAN, QINGDAO, World, YANTAI, region};
use crate::{
    copies,
    practice::{OPERATOR, SYSTEM},
    sample::{Kind, departments::Department},
};
use anyhow::{Context, Result, ensure};
use ca_tools::files;
use exchange_core::{case_number::ReceiptNumber, chain::Instant, check_digit::gb32100, date::Date};
use exchange_proto::v1::{
    self, admin_service_client::AdminServiceClient, certificate_service_client::CertificateServiceClient,
    document_service_client::DocumentServiceClient, fetch_response::Part,
};
use exchange_seal::{
    Anchors, Basis, Limits, Report, Verdict,
    certificate::Certificate,
    crl::{Crl, Crls},
    verify,
};
use std::io::{Cursor, Read, Write};
use tonic::Streaming;

/// 食品经营许可: its material is the business licence itself.
const MATTER: &str = "370199001000";
const NAME: &str = "济南演练餐饮管理有限公司";
const PAGE: &str = "Doc_0/Pages/Page_0/Content.xml";
/// One character of the name, and what it is altered to.
const ALTERED: (&str, &str) = ("演练餐饮", "演练餐馆");

/// The departments of 济南 get seals, by a reload; then a licence is issued, with the document that the node makes.
pub(super) async fn issue(world: &mut World) -> Result<String> {
    world.practice()?.seal(region(JINAN)?)?;
    let channel = world.channel(JINAN, OPERATOR).await?;
    let changed = AdminServiceClient::new(channel).reload(v1::ReloadRequest {}).await?.into_inner().changed;
    ensure!(changed.iter().any(|what| what == "[licences]"), "the reload changed {changed:?}");

    let issuer = Department::MarketRegulation.of(region(JINAN)?).context("no code for the department")?;
    let code = company()?;
    let day = today(world)?;
    let value = |name: &str, value: &str| v1::FieldValue { name: name.to_owned(), value: value.to_owned() };
    let request = v1::IssueCertificateRequest {
        request_id: world.request_id(),
        type_code: Kind::BusinessLicence.code().to_owned(),
        issuer: Some(v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name }),
        issued_on: Some(v1::Date { year: day.year(), month: day.month(), day: day.day() }),
        fields: vec![
            value("CZZT", NAME),
            value("CZZTDM", &code),
            value("CZZTDMLXDM", "001"),
            value("ZZBH", &code),
            value("KZ_LX", "有限责任公司"),
            value("KZ_FDDBR", "演练甲"),
            value("KZ_ZCZB", "壹佰万元整"),
            value("KZ_ZS", "济南市历下区演练路1号"),
            value("KZ_JYFW", "餐饮服务；食品销售。"),
        ],
        ..Default::default()
    };
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await?);
    let issued = client.issue_certificate(request).await?.into_inner();
    world.facts.insert("licence", issued.certificate_id.clone());
    world.settled().await?;
    Ok(format!("{}, with a sealed OFD that its header names", issued.certificate_id))
}

/// 烟台 fetches the document for a matter, and judges it without asking anybody; one character is altered.
pub(super) async fn judge(world: &mut World) -> Result<String> {
    let document = fetch(world).await?;
    std::fs::write(world.folder.join("licence.ofd"), &document)?;
    let report = judged(world, &document)?;
    ensure!(report.verdict == Verdict::Valid, "{}", report.verdict);
    let signer = report.signatures.first().and_then(|one| one.signer.clone()).context("no signer")?;
    let altered = altered(&document)?;
    std::fs::write(world.folder.join("licence-altered.ofd"), &altered)?;
    let refused = judged(world, &altered)?.verdict;
    ensure!(refused == Verdict::Altered, "an altered document: {refused}");
    Ok(format!(
        "licence.ofd, {} bytes, {}, sealed by {signer}; one character altered: {refused}",
        document.len(),
        report.verdict
    ))
}

/// 烟台 gets a copy for one use in the place of the document, sealed for it anew, and uses it; then 青岛 wants to use it too.
pub(super) async fn copy(world: &mut World) -> Result<String> {
    // The asking node hands over only what verifies under seals that it believes.
    world.practice()?.believe_seals(region(JINAN)?)?;
    for code in [JINAN, QINGDAO, YANTAI] {
        let channel = world.channel(code, OPERATOR).await?;
        AdminServiceClient::new(channel).reload(v1::ReloadRequest {}).await?;
    }
    let request =
        v1::FetchCopyRequest { question: Some(question(world, 2)?), certificate_id: world.fact("licence")?, file: 0 };
    let mut client = DocumentServiceClient::new(world.channel(YANTAI, SYSTEM).await?);
    let (described, document) = received(client.fetch_copy(request).await?.into_inner()).await?;
    let facts = described.copy.context("the document does not say that it is a copy")?;
    std::fs::write(world.folder.join("licence-copy.ofd"), &document)?;
    let verdict = judged(world, &document)?.verdict;
    ensure!(verdict == Verdict::Valid, "{verdict}");

    let mut results = Vec::new();
    for code in [YANTAI, QINGDAO] {
        let request = v1::UseCopyRequest {
            request_id: world.request_id(),
            certificate_id: world.fact("licence")?,
            copy_number: facts.number.clone(),
            sha256: facts.sha256.clone(),
        };
        let mut client = DocumentServiceClient::new(world.channel(code, SYSTEM).await?);
        results.push(client.use_copy(request).await?.into_inner().result());
    }
    ensure!(results == [v1::CopyUse::UsedNow, v1::CopyUse::AlreadyUsed], "{results:?}");
    Ok(format!(
        "licence-copy.ofd, {verdict}, for \"{}\" until {}; in 烟台 {}, then in 青岛 {}",
        facts.cause,
        facts.expires_on,
        copies::word(results[0]),
        copies::word(results[1])
    ))
}

/// For the matter, as the `number`th case of the day.
fn question(world: &World, number: u32) -> Result<v1::Question> {
    let clerk = Department::MarketRegulation.of(region(YANTAI)?).context("no code for the department")?;
    Ok(v1::Question {
        question_id: world.request_id(),
        purpose: Some(v1::question::Purpose::Matter(v1::MatterPurpose {
            matter_code: MATTER.to_owned(),
            version: 1,
            situation: String::new(),
            responsible_region: YANTAI.to_owned(),
        })),
        case_number: ReceiptNumber::new(region(YANTAI)?, today(world)?, number)?.to_string(),
        party: Some(v1::Party {
            holder: Some(v1::Holder { code_type: "001".to_owned(), code: company()? }),
            relation: v1::Relation::Self_ as i32,
        }),
        basis: v1::Basis::Application as i32,
        clerk: Some(v1::Clerk {
            staff_number: "YT-0003".to_owned(),
            organisation_uscc: clerk.uscc.to_string(),
            window: "1".to_owned(),
        }),
        purpose_text: "食品经营许可".to_owned(),
        ..Default::default()
    })
}

async fn fetch(world: &mut World) -> Result<Vec<u8>> {
    let request =
        v1::FetchRequest { question: Some(question(world, 1)?), certificate_id: world.fact("licence")?, file: 0 };
    let mut client = DocumentServiceClient::new(world.channel(YANTAI, SYSTEM).await?);
    Ok(received(client.fetch(request).await?.into_inner()).await?.1)
}

async fn received(mut parts: Streaming<v1::FetchResponse>) -> Result<(v1::FetchedFile, Vec<u8>)> {
    let (mut described, mut document) = (None, Vec::new());
    while let Some(message) = parts.message().await? {
        match message.part {
            Some(Part::File(file)) => described = Some(file),
            Some(Part::Chunk(chunk)) => document.extend_from_slice(&chunk),
            None => {}
        }
    }
    Ok((described.context("no description of the file")?, document))
}

/// By the certificate of the seals' authority and its CRL alone.
fn judged(world: &mut World, document: &[u8]) -> Result<Report> {
    let folder = world.folder.join("seals").join(JINAN);
    let block = |name: &str, label: &str| -> Result<Vec<u8>> {
        let bytes = files::read(&folder.join(name), 64 << 10)?;
        files::blocks(&bytes, label, name)?.into_iter().next().context("an empty file")
    };
    let ca = Certificate::parse(&block("ca.pem", files::CERTIFICATE)?)?;
    let crls = Crls::new(vec![Crl::parse(&block("ca.crl", files::CRL)?)?]);
    let anchors = Anchors { makers: vec![ca.clone()], signers: vec![ca], ..Anchors::default() };
    let basis = Basis {
        anchors: &anchors,
        crls: &crls,
        signers: &[],
        now: Instant(world.clock.now_ms()),
        crl_grace_ms: 0,
        without_crl: false,
        limits: Limits::DEFAULT,
    };
    Ok(verify(Cursor::new(document), &basis))
}

fn altered(document: &[u8]) -> Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(document))?;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i)?;
        let name = entry.name()?.into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if name == PAGE {
            let text = String::from_utf8(bytes)?;
            ensure!(text.contains(ALTERED.0), "the name is not on the page");
            bytes = text.replace(ALTERED.0, ALTERED.1).into_bytes();
        }
        let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
        writer.start_file(name, options)?;
        writer.write_all(&bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Code of the invented company.
fn company() -> Result<String> {
    let first = "91379999MA9999900";
    Ok(format!("{first}{}", gb32100(first).context("no check character")?))
}

fn today(world: &World) -> Result<Date> {
    Date::from_unix_ms(i64::try_from(world.clock.now_ms())?).context("no day")
}
