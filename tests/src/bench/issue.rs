//! `issue`: certificates issued a second, 64 calls in flight over mutual TLS.

use crate::{
    Settings,
    data::Requests,
    load::{self, Sample},
    model::Model,
    network, pki,
    process::Server,
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Result, ensure};
use exchange_proto::v1::{Issuer, certificate_service_client::CertificateServiceClient};
use prost::Message;
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
    ensure!(settings.limit_only, "the node is not part of this build: give --limit-only");
    let folder = folder.join("issue");
    let keys = folder.join("pki");
    pki::make(&keys)?;
    let issuer = Issuer { uscc: "11370100004188596X".to_owned(), name: "济南市自然资源和规划局".to_owned() };
    let requests = Arc::new(Requests::new(issuer, 0));
    let answer = folder.join("answer.bin");
    std::fs::write(&answer, Model::new().certificate(&requests.issue()?)?.encode_to_vec())?;

    let limit = limit(&folder, &keys, &answer)?;
    let tls = pki::client(&keys, "client")?;
    let bare = network::connect_all(CONNECTIONS, limit.address, pki::SERVER_NAME, &tls).await?;
    measure(&bare, &requests, Duration::ZERO, WARM_UP).await?;

    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.6).reference(19_500.0),
        Figure::new("max_ms", "ms", Better::Lower),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let channels = match side {
            Side::Limit | Side::Node => &bare,
        };
        let sample = measure(channels, &requests, SETTLE, settings.time()).await?;
        Ok(vec![sample.rate, sample.max_ms()])
    })
    .await?;
    Ok(figures.into())
}

fn limit(folder: &Path, keys: &Path, answer: &Path) -> Result<Server> {
    let db = folder.join("limit-db");
    Server::start([
        "__limit-issue".as_ref(),
        "--pki".as_ref(),
        keys.as_os_str(),
        "--db".as_ref(),
        db.as_os_str(),
        "--answer".as_ref(),
        answer.as_os_str(),
    ])
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
