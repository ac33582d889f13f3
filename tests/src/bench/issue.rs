//! `issue`: certificates issued a second, 64 calls in flight over mutual TLS.

use crate::{
    Settings, city,
    data::Requests,
    limits,
    load::{self, Sample},
    model::Model,
    network, pki,
    province::{PROVINCE, Province},
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Result, ensure};
use exchange_proto::v1::certificate_service_client::CertificateServiceClient;
use std::{path::Path, sync::Arc, time::Duration};
use tonic::transport::Channel;

/// Connections of the client, and calls in flight on each.
const CONNECTIONS: usize = 4;
const STREAMS: usize = 16;
/// Before the first round, and before each measurement.
const WARM_UP: Duration = Duration::from_secs(2);
const SETTLE: Duration = Duration::from_millis(300);

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("issue");
    // A node alone: no other one copies its log on the same cores meanwhile.
    let province = Province::make(&folder, &[PROVINCE], None)?;
    let node = province.node(PROVINCE)?;
    let requests = Arc::new(Requests::new(node.department.clone(), 0));
    let (cities, ours, answer) = if settings.limit_only {
        (Vec::new(), Vec::new(), Model::new().certificate(&requests.issue()?)?)
    } else {
        let cities = city::start(&province)?;
        city::publish(&cities, None).await?;
        let issued = cities[0].issue(&requests, 1).await?.remove(0);
        let ours = cities[0].connect(CONNECTIONS).await?;
        (cities, ours, issued.1)
    };

    let limit = limits::issue::start(&folder, node, &answer, Vec::new())?;
    let tls = pki::client(&node.folder, "system")?;
    let bare = network::connect_all(CONNECTIONS, limit.address, &node.server_name, &tls).await?;
    for channels in [&bare, &ours].into_iter().filter(|channels| !channels.is_empty()) {
        measure(channels, &requests, Duration::ZERO, WARM_UP).await?;
    }

    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.6).reference(19_500.0),
        Figure::new("max_ms", "ms", Better::Lower),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let channels = match side {
            Side::Limit => &bare,
            Side::Node => &ours,
        };
        let sample = measure(channels, &requests, SETTLE, settings.time()).await?;
        Ok(vec![sample.rate, sample.max_ms()])
    })
    .await?;
    drop(cities);
    Ok(figures.into())
}

async fn measure(channels: &[Channel], requests: &Arc<Requests>, settle: Duration, time: Duration) -> Result<Sample> {
    let workers = channels
        .iter()
        .flat_map(|channel| (0..STREAMS).map(move |_| channel.clone()))
        .map(|channel| {
            let (client, requests) = (CertificateServiceClient::new(channel), Arc::clone(requests));
            move || {
                let (mut client, requests) = (client.clone(), Arc::clone(&requests));
                async move {
                    let answer = client.issue_certificate(requests.issue()?).await?.into_inner();
                    ensure!(!answer.envelope.is_empty(), "an answer without a certificate");
                    Ok(())
                }
            }
        })
        .collect();
    load::closed_loop(workers, settle, time).await
}
