//! Closed-loop load: each worker sends its next call when the last one was answered.

use anyhow::Result;
use hdrhistogram::Histogram;
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// What one measurement saw.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Calls answered a second.
    pub(crate) rate: f64,
    /// Latencies, in microseconds.
    pub(crate) latency: Histogram<u64>,
}

impl Sample {
    /// A quantile of the latency, in microseconds.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64
    }

    /// The worst latency, in milliseconds.
    pub(crate) fn max_ms(&self) -> f64 {
        self.latency.max() as f64 / 1e3
    }
}

/// Latencies in microseconds, three digits.
pub(crate) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// Microseconds, rounded up.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX).clamp(1, 60_000_000)
}

/// Runs all workers until each has said, by false, that nothing is left. The rate is that of all calls, from the first to
/// the last answer. Any failed call fails the measurement.
pub(crate) async fn exhaust<Worker, Call>(workers: Vec<Worker>) -> Result<Sample>
where
    Worker: FnMut() -> Call + Send + 'static,
    Call: Future<Output = Result<bool>> + Send,
{
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(workers.len());
    for mut worker in workers {
        tasks.push(tokio::spawn(async move {
            let mut latency = histogram()?;
            loop {
                let sent = Instant::now();
                if !worker().await? {
                    return anyhow::Ok(latency);
                }
                latency.record(micros(sent.elapsed()))?;
            }
        }));
    }
    let mut latency = histogram()?;
    for task in tasks {
        latency.add(task.await??)?;
    }
    Ok(Sample { rate: latency.len() as f64 / start.elapsed().as_secs_f64(), latency })
}

/// Runs all workers, first unmeasured for `warm_up`, then for `time`. Any failed call fails the measurement.
pub(crate) async fn closed_loop<Worker, Call>(workers: Vec<Worker>, warm_up: Duration, time: Duration) -> Result<Sample>
where
    Worker: FnMut() -> Call + Send + 'static,
    Call: Future<Output = Result<()>> + Send,
{
    let start = Instant::now() + warm_up;
    let end = start + time;
    let mut tasks = Vec::with_capacity(workers.len());
    for mut worker in workers {
        tasks.push(tokio::spawn(async move {
            let mut latency = histogram()?;
            let mut answered = 0_u64;
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return anyhow::Ok((latency, answered));
                }
                worker().await?;
                let got = Instant::now();
                if sent >= start {
                    latency.record(micros(got - sent))?;
                }
                // Counted where it was answered, so that the length of the measurement is exact.
                answered += u64::from(got >= start && got < end);
            }
        }));
    }
    let (mut latency, mut answered) = (histogram()?, 0);
    for task in tasks {
        let (one, count) = task.await??;
        latency.add(one)?;
        answered += count;
    }
    Ok(Sample { rate: answered as f64 / time.as_secs_f64(), latency })
}
