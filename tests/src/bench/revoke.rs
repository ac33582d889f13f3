//! `revoke`: from an acknowledged revocation in one city to its event in another, over a real Kafka.

use crate::{
    Settings,
    carrier::{Bare, Broker},
    catalogue, city,
    city::City,
    data::Requests,
    load::{histogram, micros},
    model::Model,
    province::{JINAN, PROVINCE, Province, QINGDAO},
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result};
use exchange_proto::v1::{
    CertificateEvent, ChangeStatusRequest, Status, WatchCertificatesRequest,
    certificate_service_client::CertificateServiceClient,
};
use hdrhistogram::Histogram;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tonic::transport::Channel;

const WARM_UP: Duration = Duration::from_secs(2);
/// Certificates that are issued before a measurement, to be revoked in it.
const CERTIFICATES: usize = 2_000;
/// Longest way of one event.
const WITHIN: Duration = Duration::from_secs(20);
/// The topic of the limit: of a region without a node.
const BARE_REGION: &str = "370600";

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("revoke");
    let broker = Broker::start(&folder, &[PROVINCE, JINAN, QINGDAO, BARE_REGION])?;
    let bare = Bare::connect(&broker.bootstrap(), &format!("exchange.log.{BARE_REGION}")).await?;
    let segment = Model::new().revocation()?;
    limit(&bare, &segment, WARM_UP).await?;

    let province = Province::make(&folder.join("province"), &[PROVINCE, JINAN, QINGDAO], Some(&broker.bootstrap()))?;
    let cities = if settings.limit_only { Vec::new() } else { city::start(&province)? };
    let mut ours = match cities.as_slice() {
        [] => None,
        cities => {
            city::publish(cities, None).await?;
            let mut ours = Revoking::start(city::of(cities, JINAN)?, city::of(cities, QINGDAO)?).await?;
            ours.measure(WARM_UP).await?;
            Some(ours)
        }
    };
    let mut figures = [
        Figure::new("p50_ms", "ms", Better::Lower).target(3.0),
        Figure::new("p99_ms", "ms", Better::Lower).target(3.0),
        Figure::new("max_ms", "ms", Better::Lower),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let latency = match (side, &mut ours) {
            (Side::Node, Some(ours)) => ours.measure(settings.time()).await?,
            _ => limit(&bare, &segment, settings.time()).await?,
        };
        let quantile = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
        Ok(vec![quantile(0.5), quantile(0.99), latency.max() as f64 / 1e3])
    })
    .await?;
    drop(ours);
    Ok(figures.into())
}

/// Produces and consumes the same bytes, one record at a time.
async fn limit(bare: &Bare, segment: &[u8], time: Duration) -> Result<Histogram<u64>> {
    let mut latency = histogram()?;
    let begin = Instant::now();
    while begin.elapsed() < time {
        let sent = Instant::now();
        bare.carry(segment).await?;
        latency.record(micros(sent.elapsed()))?;
    }
    Ok(latency)
}

/// One city revokes, a client of the other one watches.
struct Revoking<'a> {
    issuing: &'a City<'a>,
    requests: Arc<Requests>,
    client: CertificateServiceClient<Channel>,
    events: mpsc::UnboundedReceiver<(CertificateEvent, Instant)>,
}

impl<'a> Revoking<'a> {
    async fn start(issuing: &'a City<'a>, watching: &City<'_>) -> Result<Self> {
        let mut watcher = CertificateServiceClient::new(watching.connect(1).await?.remove(0));
        let request = WatchCertificatesRequest { region: JINAN.to_owned(), after: None };
        let mut stream = watcher.watch_certificates(request).await?.into_inner();
        let (seen, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(event)) = stream.message().await {
                if seen.send((event, Instant::now())).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            issuing,
            requests: Arc::new(Requests::new(issuing.node.department.clone(), 0)),
            client: CertificateServiceClient::new(issuing.connect(1).await?.remove(0)),
            events,
        })
    }

    /// Revokes one certificate after the other. An event that comes before the answer counts as one microsecond.
    async fn measure(&mut self, time: Duration) -> Result<Histogram<u64>> {
        let issued = self.issuing.issue(&self.requests, CERTIFICATES).await?;
        let newest = issued.iter().filter_map(|(_, one)| one.position.as_ref()).map(|position| position.index).max();
        while self.event().await?.0.position.map(|position| position.index) < newest {}
        let mut latency = histogram()?;
        let begin = Instant::now();
        for (_, certificate) in issued {
            if begin.elapsed() >= time {
                break;
            }
            let id = certificate.certificate_id;
            self.client.change_status(self.revocation(&id)).await?;
            let acknowledged = Instant::now();
            let seen = loop {
                let (event, seen) = self.event().await?;
                if event.certificate_id == id && event.status() == Status::Revoked {
                    break seen;
                }
            };
            latency.record(micros(seen.saturating_duration_since(acknowledged)))?;
        }
        Ok(latency)
    }

    async fn event(&mut self) -> Result<(CertificateEvent, Instant)> {
        let event = tokio::time::timeout(WITHIN, self.events.recv()).await;
        event.context("an event did not come in time")?.context("the stream of events ended")
    }

    fn revocation(&self, id: &str) -> ChangeStatusRequest {
        ChangeStatusRequest {
            request_id: uuid::Uuid::now_v7().to_string(),
            certificate_id: id.to_owned(),
            to: Status::Revoked.into(),
            decided_on: Some(catalogue::today()),
            deciding_body: Some(self.issuing.node.department.clone()),
            document_number: "样罚字〔2025〕第1号".to_owned(),
            reason: "样例".to_owned(),
            ..Default::default()
        }
    }
}
