//! A node killed while it issues.

use super::super::world::{JINAN, World, region};
use crate::{practice::SYSTEM, sample::departments::Department};
use anyhow::{Context, Result, ensure};
use exchange_proto::v1::{self, certificate_service_client::CertificateServiceClient};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const ISSUES: usize = 1_000;
/// The node is killed when this many were acknowledged.
const KILLED_AT: usize = 400;
const AT_ONCE: usize = 32;

pub(super) async fn killed(world: &mut World) -> Result<String> {
    let requests: Arc<Vec<v1::IssueCertificateRequest>> =
        Arc::new((0..ISSUES).map(|number| request(world, number)).collect::<Result<_>>()?);
    let acknowledged: Arc<Mutex<BTreeSet<(usize, String)>>> = Arc::default();
    let next = Arc::new(AtomicUsize::new(0));
    let channel = world.channel(JINAN, SYSTEM).await?;
    let mut workers = Vec::new();
    for _ in 0..AT_ONCE {
        let (channel, requests) = (channel.clone(), Arc::clone(&requests));
        let (acknowledged, next) = (Arc::clone(&acknowledged), Arc::clone(&next));
        workers.push(world.tasks.spawn(async move {
            let mut client = CertificateServiceClient::new(channel);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(number) else { return };
                match client.issue_certificate(request.clone()).await {
                    Ok(certificate) => {
                        let id = certificate.into_inner().certificate_id;
                        if let Ok(mut acknowledged) = acknowledged.lock() {
                            acknowledged.insert((number, id));
                        }
                    }
                    Err(_) => return, // the node is gone
                }
            }
        }));
    }
    let count = || acknowledged.lock().map_or(0, |acknowledged| acknowledged.len());
    while count() < KILLED_AT {
        ensure!(!workers.iter().all(tokio::task::JoinHandle::is_finished), "the issues ended before the kill");
        world.clock.sleep(Duration::from_millis(1)).await;
    }
    world.host(JINAN)?.kill();
    for worker in workers {
        let _ = tokio::time::timeout(Duration::from_secs(10), worker).await;
    }
    let before: BTreeSet<(usize, String)> =
        acknowledged.lock().map(|acknowledged| acknowledged.clone()).unwrap_or_default();
    world.forget_channels(JINAN)?;
    let begin = world.clock.instant();
    world.host(JINAN)?.up().await?;
    let end = begin + Duration::from_secs(20);
    while !world.status(JINAN).await?.writable {
        ensure!(world.clock.instant() < end, "the node takes no writes after its restart");
        world.clock.sleep(Duration::from_millis(20)).await;
    }
    let back = world.clock.instant().duration_since(begin).as_secs_f64();

    // Every system asks again with the same request ids; nothing may be issued twice.
    let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await?);
    let mut ids = BTreeSet::new();
    let (mut found, mut survived) = (0, 0);
    for (number, request) in requests.iter().enumerate() {
        let certificate = client.issue_certificate(request.clone()).await?.into_inner();
        if let Some((_, id)) = before.iter().find(|(known, _)| *known == number) {
            ensure!(*id == certificate.certificate_id, "request {number} has another certificate now");
            ensure!(certificate.repeated_request, "request {number} was acknowledged and is issued again");
            found += 1;
        } else if certificate.repeated_request {
            survived += 1; // committed, its answer was lost
        }
        ids.insert(certificate.certificate_id);
    }
    ensure!(found == before.len(), "acknowledged {}, found {found}", before.len());
    ensure!(ids.len() == ISSUES, "{} certificates for {ISSUES} requests", ids.len());
    let held = in_index(world, &ids).await?;
    ensure!(held == ISSUES, "青岛 has {held} of {ISSUES}");
    Ok(format!(
        "acknowledged {}, found {found}, duplicated 0 ({survived} more were durable without an answer; back after {back:.1} s)",
        before.len()
    ))
}

/// How many of them the other city's index has, each once.
async fn in_index(world: &mut World, ids: &BTreeSet<String>) -> Result<usize> {
    world.settled().await?;
    let mut client = CertificateServiceClient::new(world.channel(super::super::world::QINGDAO, SYSTEM).await?);
    let (mut token, mut held) = (String::new(), 0);
    loop {
        let request = v1::ListCertificatesRequest {
            page_size: 1_000,
            page_token: token,
            region: JINAN.to_owned(),
            ..Default::default()
        };
        let page = client.list_certificates(request).await?.into_inner();
        held += page.certificates.iter().filter(|one| ids.contains(&one.certificate_id)).count();
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(held);
        }
    }
}

pub(super) fn request(world: &World, number: usize) -> Result<v1::IssueCertificateRequest> {
    let issuer = Department::CivilAffairs.of(region(JINAN)?).context("no code for the department")?;
    let person = super::certificates::invented(19_900_101, u32::try_from(number % 1_000)?)?;
    let value = |name: &str, value: String| v1::FieldValue { name: name.to_owned(), value };
    Ok(v1::IssueCertificateRequest {
        request_id: world.request_id(),
        type_code: super::certificates::MARRIAGE.to_owned(),
        issuer: Some(v1::Issuer { uscc: issuer.uscc.to_string(), name: issuer.name }),
        issued_on: Some(v1::Date { year: 2020, month: 1, day: 2 }),
        fields: vec![
            value("CZZT", "演练丙".to_owned()),
            value("CZZTDM", person),
            value("CZZTDMLXDM", "111".to_owned()),
            value("ZZBH", format!("J370102-2020-{number:06}")),
            value("KZ_DJRQ", "2020-01-02".to_owned()),
            value("KZ_DJJG", "济南市民政局".to_owned()),
        ],
        ..Default::default()
    })
}
