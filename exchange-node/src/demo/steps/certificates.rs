//! Import, issue, revoke.

use super::super::world::{JINAN, World, YANTAI, region};
use crate::{
    import::{self, Encoding},
    practice::SYSTEM,
    sample::{self, Kind, departments::Department},
};
use anyhow::{Context, Result, ensure};
use exchange_core::check_digit::mod_11_2;
use exchange_proto::v1::{self, certificate_service_client::CertificateServiceClient};
use std::{fs::File, io::BufWriter};

/// 结婚证.
pub(super) const MARRIAGE: &str = "111000000000131433001";
/// Seed of the sample library.
const SEED: u64 = 7;
const ROWS: u64 = 1_000;

pub(super) async fn import(world: &mut World) -> Result<String> {
    let path = world.folder.join("library-370100.csv");
    sample::write(sample::rows(region(JINAN)?, ROWS, SEED), BufWriter::new(File::create(&path)?), Encoding::Gb18030)?;
    let mut channels = Vec::new();
    for _ in 0..4 {
        channels.push(crate::practice::connect(&world.client(JINAN, SYSTEM)?).await?);
    }
    let progress = indicatif::ProgressBar::hidden();
    let summary = import::run(&import::Options::new(&path), channels.clone(), world.random.clone(), &progress).await?;
    ensure!(summary.issued + summary.rejected == ROWS, "{summary:?}");
    ensure!(summary.rejected > 0 && summary.rejected <= ROWS / 50, "{} rows rejected", summary.rejected);
    let again = import::run(&import::Options::new(&path), channels, world.random.clone(), &progress).await?;
    ensure!(again.issued == 0 && again.already_there == summary.issued, "the second run issued something: {again:?}");
    remember(world)?;
    let entries = world.settled().await?;
    Ok(format!(
        "{} issued at {:.0}/s from GB18030, {} faulty rows in library-370100.rejected.csv; again: 0 issued; {entries} entries on every node",
        summary.issued,
        summary.rate(),
        summary.rejected
    ))
}

/// Two owners of flats, whom later steps ask about.
fn remember(world: &mut World) -> Result<()> {
    let mut owners = sample::rows(region(JINAN)?, ROWS, SEED).filter(|row| {
        row.fault.is_none()
            && row.value("certificate_type_code") == Kind::Title.code()
            && matches!(row.value("status_code"), "" | "01" | "10")
            && row.value("certificate_holder_code").len() == 18
    });
    let (owner, neighbour) = (owners.next().context("no deed")?, owners.next().context("no second deed")?);
    world.facts.insert("owner", owner.value("certificate_holder_code").to_owned());
    world.facts.insert("deed number", owner.value("certificate_number").to_owned());
    world.facts.insert("neighbour deed number", neighbour.value("certificate_number").to_owned());
    Ok(())
}

pub(super) async fn marriage(world: &mut World) -> Result<String> {
    let issuer = Department::CivilAffairs.of(region(JINAN)?).context("no code for the department")?;
    let spouse = invented(19_880_214, 27)?;
    let owner = world.fact("owner")?;
    let value = |name: &str, value: String| v1::FieldValue { name: name.to_owned(), value };
    let day = v1::Date { year: 2015, month: 5, day: 20 };
    let request = v1::IssueCertificateRequest {
        request_id: world.request_id(),
        type_code: MARRIAGE.to_owned(),
        issuer: Some(v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name }),
        issued_on: Some(day),
        fields: vec![
            value("CZZT", "演练甲,演练乙".to_owned()),
            value("CZZTDM", format!("{owner},{spouse}")),
            value("CZZTDMLXDM", "111".to_owned()),
            value("ZZBH", "J370102-2015-000520".to_owned()),
            value("KZ_DJRQ", "2015-05-20".to_owned()),
            value("KZ_DJJG", "济南市民政局".to_owned()),
        ],
        ..Default::default()
    };
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await?);
    let issued = client.issue_certificate(request.clone()).await?.into_inner();
    let again = client.issue_certificate(request).await?.into_inner();
    ensure!(issued.certificate_id == again.certificate_id, "the repeated request made another certificate");
    ensure!(again.repeated_request && again.disclosures == issued.disclosures, "the repetition is not the same answer");
    world.facts.insert("spouse", spouse);
    world.facts.insert("marriage", issued.certificate_id.clone());
    world.settled().await?;
    Ok(format!(
        "{}, durable at {}; the same request gives the same certificate",
        issued.certificate_id,
        position(&issued)
    ))
}

pub(super) async fn revoke(world: &mut World) -> Result<String> {
    let issuer = Department::MarketRegulation.of(region(JINAN)?).context("no code for the department")?;
    let mut watching = CertificateServiceClient::new(world.channel(YANTAI, SYSTEM).await?);
    let request = v1::WatchCertificatesRequest { region: JINAN.to_owned(), after: None };
    let mut events = watching.watch_certificates(request).await?.into_inner();
    let mut listing = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await?);
    let listed = listing
        .list_certificates(v1::ListCertificatesRequest {
            page_size: 1,
            type_code: Kind::BusinessLicence.code().to_owned(),
            status: v1::Status::Active as i32,
            ..Default::default()
        })
        .await?
        .into_inner();
    let licence = listed.certificates.first().context("no licence in force")?.clone();
    let day = v1::Date { year: 2026, month: 6, day: 1 };
    let request = v1::ChangeStatusRequest {
        request_id: world.request_id(),
        certificate_id: licence.certificate_id.clone(),
        to: v1::Status::Revoked as i32,
        decided_on: Some(day),
        deciding_body: Some(v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name }),
        document_number: "济市监罚〔2026〕1号".to_owned(),
        reason: "演练".to_owned(),
        ..Default::default()
    };
    let begin = world.clock.instant();
    let revoked = listing.change_status(request).await?.into_inner();
    let acknowledged = world.clock.instant();
    ensure!(revoked.status() == v1::Status::Revoked, "{:?}", revoked.status());
    let seen = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while let Some(event) = events.message().await? {
            if event.certificate_id == licence.certificate_id && event.status() == v1::Status::Revoked {
                return Ok(true);
            }
        }
        anyhow::Ok(false)
    })
    .await??;
    ensure!(seen, "the stream ended");
    let now = world.clock.instant();
    Ok(format!(
        "acknowledged after {:.1} ms, seen in 烟台 {:.1} ms later",
        acknowledged.duration_since(begin).as_secs_f64() * 1_000.0,
        now.duration_since(acknowledged).as_secs_f64() * 1_000.0
    ))
}

/// Some more certificates of 济南.
pub(super) async fn more(world: &mut World, count: usize) -> Result<()> {
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await?);
    for number in 0..count {
        client.issue_certificate(super::crash::request(world, 900_000 + number)?).await?;
    }
    Ok(())
}

/// An invented identity number: region 379999 is not assigned.
pub(super) fn invented(birth: u32, sequence: u32) -> Result<String> {
    let first = format!("379999{birth:08}{sequence:03}");
    let check = mod_11_2(&first).context("no check digit")?;
    Ok(format!("{first}{check}"))
}

fn position(certificate: &v1::Certificate) -> String {
    certificate.position.as_ref().map_or_else(String::new, |at| format!("{}/{}/{}", at.region, at.epoch, at.index))
}
