//! `verify`: verifications a second, of certificates that are new to the node, and of the same ones again.

use crate::{
    Settings, city,
    data::Requests,
    load::{self, Sample},
    model::Model,
    network, pki,
    process::Server,
    province::{JINAN, Node, PROVINCE, Province},
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, ensure};
use exchange_proto::v1::{
    Verdict, VerifyCertificateRequest, lookup_service_client::LookupServiceClient,
    verify_certificate_request::Certificate as Target,
};
use prost::Message;
use std::{
    ffi::OsStr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tonic::transport::Channel;

/// Connections of the client, and calls in flight on each.
const CONNECTIONS: usize = 4;
const STREAMS: usize = 16;
/// Certificates of a round: each is verified once as a new one and once again.
const CERTIFICATES: usize = 20_000;
/// Certificates of the warm-up.
const WARM_UP: usize = 4_000;
/// Certificates that are issued before their answers are forgotten.
const CHUNK: usize = 10_000;

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("verify");
    // One city issues; the province's node copies its log and is asked.
    let province = Province::make(&folder, &[PROVINCE, JINAN], None)?;
    let (issuing, asked) = (province.node(JINAN)?, province.node(PROVINCE)?);
    let requests = Arc::new(Requests::new(issuing.department.clone(), 0));
    let count = WARM_UP + usize::try_from(settings.rounds)? * CERTIFICATES;
    let (cities, ours, ids, answer) = if settings.limit_only {
        let certificate = Model::new().certificate(&requests.issue()?)?;
        let ids = vec![certificate.certificate_id.clone(); count];
        (Vec::new(), Vec::new(), ids, Model::verification(certificate))
    } else {
        let cities = city::start(&province)?;
        city::publish(&cities, None).await?;
        eprintln!("preparing: a node issues {count} certificates");
        let ids = issue(city::of(&cities, JINAN)?, &requests, count).await?;
        let last = issue(city::of(&cities, JINAN)?, &requests, 1).await?.remove(0);
        // Entries are applied in the order of the log: with this one all are there.
        city::of(&cities, PROVINCE)?.knows_certificate(&last).await?;
        let ours = city::of(&cities, PROVINCE)?.connect(CONNECTIONS).await?;
        let request = VerifyCertificateRequest { certificate: Some(Target::CertificateId(last)), on_day: None };
        let answer = LookupServiceClient::new(ours[0].clone()).verify_certificate(request).await?.into_inner();
        (cities, ours, ids, answer)
    };
    let ids = Arc::new(ids);

    let file = folder.join("answer.pb");
    std::fs::write(&file, answer.encode_to_vec())?;
    let tls = pki::client(&asked.folder, "system")?;
    let (verifying, echoing) = (limit(asked, &file, true)?, limit(asked, &file, false)?);
    let bare = network::connect_all(CONNECTIONS, verifying.address, &asked.server_name, &tls).await?;
    let echo = network::connect_all(CONNECTIONS, echoing.address, &asked.server_name, &tls).await?;
    for channels in [&bare, &echo, &ours].into_iter().filter(|channels| !channels.is_empty()) {
        measure(channels, &ids, 0, WARM_UP).await?;
    }

    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.7),
        Figure::new("rate_cached", "1/s", Better::Higher).target(0.7),
        Figure::new("max_ms", "ms", Better::Lower),
    ];
    let (mut node, mut limit) = (0, 0);
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let (first, again, round) = match side {
            Side::Limit => (&bare, &echo, &mut limit),
            Side::Node => (&ours, &ours, &mut node),
        };
        let from = WARM_UP + *round * CERTIFICATES;
        *round += 1;
        let new = measure(first, &ids, from, CERTIFICATES).await?;
        let cached = measure(again, &ids, from, CERTIFICATES).await?;
        Ok(vec![new.rate, cached.rate, new.max_ms().max(cached.max_ms())])
    })
    .await?;
    drop(cities);
    Ok(figures.into())
}

/// Issues, and gives the ids in the order of their numbers.
async fn issue(city: &city::City<'_>, requests: &Arc<Requests>, count: usize) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let issued = city.issue(requests, CHUNK.min(count - ids.len())).await?;
        ids.extend(issued.into_iter().map(|(_, certificate)| certificate.certificate_id));
    }
    Ok(ids)
}

fn limit(node: &Node, answer: &Path, verifies: bool) -> Result<Server> {
    let mut arguments: Vec<&OsStr> = vec![
        "__limit-verify".as_ref(),
        "--pki".as_ref(),
        node.folder.as_os_str(),
        "--answer".as_ref(),
        answer.as_os_str(),
    ];
    if verifies {
        arguments.push("--verify".as_ref());
    }
    Server::start(arguments)
}

/// Each of `count` certificates from `from` on, once.
async fn measure(channels: &[Channel], ids: &Arc<Vec<String>>, from: usize, count: usize) -> Result<Sample> {
    let next = Arc::new(AtomicUsize::new(from));
    let workers = channels
        .iter()
        .flat_map(|channel| (0..STREAMS).map(move |_| channel.clone()))
        .map(|channel| {
            let (client, ids, next) = (LookupServiceClient::new(channel), Arc::clone(ids), Arc::clone(&next));
            move || {
                let (mut client, ids, next) = (client.clone(), Arc::clone(&ids), Arc::clone(&next));
                async move {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= from + count {
                        return Ok(false);
                    }
                    let id = ids.get(turn).context("a certificate that was not prepared")?.clone();
                    let request =
                        VerifyCertificateRequest { certificate: Some(Target::CertificateId(id)), on_day: None };
                    let answer = client.verify_certificate(request).await?.into_inner();
                    ensure!(answer.verdict() == Verdict::Genuine, "a certificate is not genuine: {:?}", answer.checks);
                    Ok(true)
                }
            }
        })
        .collect();
    load::exhaust(workers).await
}
