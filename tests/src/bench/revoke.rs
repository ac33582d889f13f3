//! `revoke`: from an acknowledged revocation in one city to its event in another, over a real Kafka.

use crate::{
    Settings,
    carrier::{Bare, Broker},
    load::{histogram, micros},
    model::Model,
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Result, ensure};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const WARM_UP: Duration = Duration::from_secs(2);

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    ensure!(settings.limit_only, "the node is not part of this build: give --limit-only");
    let broker = Broker::start(&folder.join("revoke"), &["370000", "370100", "370200", "370600"])?;
    // A topic of its own for the limit, on the same broker.
    let bare = Bare::connect(&broker.bootstrap(), "exchange.log.370600").await?;
    let segment = Model::new().revocation()?;
    limit(&bare, &segment, WARM_UP).await?;
    let mut figures = [
        Figure::new("p50_ms", "ms", Better::Lower).target(3.0),
        Figure::new("p99_ms", "ms", Better::Lower).target(3.0),
        Figure::new("max_ms", "ms", Better::Lower),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| match side {
        Side::Limit | Side::Node => limit(&bare, &segment, settings.time()).await,
    })
    .await?;
    Ok(figures.into())
}

/// Produces and consumes the same bytes, one record at a time.
async fn limit(bare: &Bare, segment: &[u8], time: Duration) -> Result<Vec<f64>> {
    let mut latency = histogram()?;
    let begin = Instant::now();
    while begin.elapsed() < time {
        let sent = Instant::now();
        bare.carry(segment).await?;
        latency.record(micros(sent.elapsed()))?;
    }
    let quantile = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
    Ok(vec![quantile(0.5), quantile(0.99), latency.max() as f64 / 1e3])
}
