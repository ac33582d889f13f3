//! SLOW-1: what is slow is slow for itself.

use super::{Bench, relay::Relay, subjects};
use crate::{
    Settings, city,
    open::{Outcome, open_loop},
    province::{JINAN, PROVINCE, QINGDAO},
    report::{Better, Figure},
    rounds::Side,
};
use anyhow::{Result, ensure};
use exchange_proto::v1::{WatchCertificatesRequest, certificate_service_client::CertificateServiceClient};
use std::{sync::Arc, time::Duration};

/// Bytes a second between the slow city and the others.
const SLOW: usize = 1_000;
/// Load of the others, as a share of the peak, and questions a second to the slow city: with a second for each, more than
/// may be unanswered.
const OTHERS: f64 = 0.3;
const TO_SLOW: f64 = 200.0;
/// Subscribers on four connections that never read, nearly as many as a caller may have: half of the log that is filled
/// meanwhile, half of one that is silent.
const READERS: usize = 60;
/// Certificates issued in a measurement with readers.
const FILLED: usize = 1_000;

/// Latency of questions to a city that is not slow: without and with slow ones beside them.
pub(super) async fn measure(settings: &Settings, bench: &Bench<'_>, relay: &Relay) -> Result<Vec<Figure>> {
    let questions_to_slow = subjects(bench.cities, PROVINCE, 20).await?;
    let asking = city::of(bench.cities, QINGDAO)?;
    let to_slow = asking.connect(1).await?;
    let mut slow_peer = Figure::new("slow_peer_p99_ms", "ms", Better::Lower).target(2.0);
    let mut slow_reader = Figure::new("slow_readers_p99_ms", "ms", Better::Lower).target(2.0);
    let mut unanswered = Figure::new("slow_others_unanswered", "", Better::Lower).unlimited().target(0.0);
    let rate = bench.peak(settings.time()).await? * OTHERS;
    let others = async || open_loop(&bench.open, &bench.questions, rate, settings.time()).await;
    for _ in 0..settings.rounds.min(super::ROUNDS) {
        slow_peer.add(Side::Limit, others().await?.quantile_ms(0.99));
        relay.slow_down(SLOW);
        // Slow before the others are measured: what is under way stands in the relay.
        let time = settings.time() + Duration::from_secs(1);
        let questions = Arc::clone(&questions_to_slow);
        let channels = to_slow.clone();
        let asked = tokio::spawn(async move { open_loop(&channels, &questions, TO_SLOW, time).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        let beside = others().await?;
        slow_peer.add(Side::Node, beside.quantile_ms(0.99));
        let asked: Outcome = asked.await??;
        ensure!(asked.good < asked.offered / 2, "the slow city answered {} of {}", asked.good, asked.offered);
        relay.slow_down(0);
        eprint!(".");

        // The log is filled in both, so that only the readers are different.
        let (alone, filled) = tokio::join!(others(), subjects(bench.cities, JINAN, FILLED));
        slow_reader.add(Side::Limit, alone?.quantile_ms(0.99));
        drop(filled?);
        let mut streams = Vec::new();
        for channel in asking.connect(4).await? {
            for number in 0..READERS / 4 {
                let region = if number % 2 == 0 { JINAN } else { PROVINCE };
                let request = WatchCertificatesRequest { region: region.to_owned(), after: None };
                let mut client = CertificateServiceClient::new(channel.clone());
                streams.push(client.watch_certificates(request).await?.into_inner());
            }
        }
        let (with_readers, filled) = tokio::join!(others(), subjects(bench.cities, JINAN, FILLED));
        let with_readers = with_readers?;
        slow_reader.add(Side::Node, with_readers.quantile_ms(0.99));
        drop((filled?, streams));
        let lost = |one: &Outcome| (one.offered - one.good) as f64;
        unanswered.add(Side::Node, lost(&beside) + lost(&with_readers));
        eprint!(".");
    }
    Ok(vec![slow_peer, slow_reader, unanswered])
}
