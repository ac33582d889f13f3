//! `overload`: more questions than can be answered, by a schedule that waits for nobody (OVL-1), and others that are slow
//! (SLOW-1).

mod relay;
mod slow;

use crate::{
    Settings,
    city::{self, City},
    data::Requests,
    lookup::{self, Questions},
    open::{Outcome, open_loop},
    province::{JINAN, PROVINCE, Province, QINGDAO},
    report::{Better, Figure},
    rounds::Side,
};
use anyhow::{Result, ensure};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// Connections of the closed loop, as in `lookup`, and of the schedule: HTTP/2 lets a client have 256 calls on each, and
/// what waits for that in the client is never seen by the node.
const CLOSED: usize = 4;
const OPEN: usize = 32;
/// Certificates that are asked about in turn.
const SUBJECTS: usize = 500;
/// A round is four levels long; more of them than this only make the run longer.
const ROUNDS: u32 = 3;
/// Between two questions to the health service, and between two looks at the nodes' memory.
const PROBE: Duration = Duration::from_millis(50);
/// Longest answer of the health service that counts.
const HEALTH_WITHIN: Duration = Duration::from_secs(1);
/// After a level: the load that shows whether latency is normal again, as a share of the peak; how long one look at it is;
/// and when it is given up.
const CALM: f64 = 0.25;
const LOOK: Duration = Duration::from_millis(250);
const NOT_RECOVERED: Duration = Duration::from_secs(10);
/// Normal again: the p99 of a look is at most twice that before, or this, whichever is more.
const NORMAL_MS: f64 = 20.0;

/// What is measured at each level, in this order.
macro_rules! level {
    ($factor:literal, $name:literal) => {
        Level {
            factor: $factor,
            names: [
                concat!("offered_", $name),
                concat!("goodput_", $name),
                concat!("goodput_of_peak_", $name),
                concat!("refused_", $name),
                concat!("refused_without_retry_", $name),
                concat!("late_", $name),
                concat!("p50_ms_", $name),
                concat!("p99_ms_", $name),
                concat!("rss_mb_", $name),
                concat!("health_unanswered_", $name),
                concat!("health_p99_ms_", $name),
                concat!("recovery_s_", $name),
            ],
        }
    };
}

struct Level {
    /// Of the closed loop's rate.
    factor: f64,
    names: [&'static str; 12],
}

const LEVELS: [Level; 4] = [level!(0.5, "0.5x"), level!(1.0, "1x"), level!(2.0, "2x"), level!(3.0, "3x")];

impl Level {
    fn figures(&self) -> Vec<Figure> {
        let [offered, goodput, of_peak, refused, bare, late, p50, p99, rss, unanswered, health, recovery] = self.names;
        let overload = self.factor > 1.0;
        let figure = |name, unit, better| Figure::new(name, unit, better).unlimited();
        let target = |figure: Figure, target| if overload { figure.target(target) } else { figure };
        vec![
            figure(offered, "1/s", Better::Higher),
            figure(goodput, "1/s", Better::Higher),
            target(figure(of_peak, "", Better::Higher), 0.8),
            figure(refused, "1/s", Better::Lower),
            figure(bare, "", Better::Lower).target(0.0),
            figure(late, "1/s", Better::Lower),
            figure(p50, "ms", Better::Lower),
            figure(p99, "ms", Better::Lower),
            figure(rss, "MB", Better::Lower),
            figure(unanswered, "", Better::Lower).target(0.0),
            figure(health, "ms", Better::Lower),
            target(figure(recovery, "s", Better::Lower), 5.0),
        ]
    }
}

/// Nodes and connections of one run.
struct Bench<'a> {
    cities: &'a [City<'a>],
    closed: Vec<Channel>,
    open: Vec<Channel>,
    health: Channel,
    questions: Arc<Questions>,
}

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    ensure!(!settings.limit_only, "overload has no limit of its own: its measure is the closed loop");
    let folder = folder.join("overload");
    let province = Province::make(&folder, &[PROVINCE, JINAN, QINGDAO], None)?;
    // The province's node is the slow one: others reach it by this relay, whose address is in the trust bundle.
    let relay = relay::before(province.node(PROVINCE)?).await?;
    let cities = city::start(&province)?;
    city::publish(&cities, Some(QINGDAO)).await?;
    let asking = city::of(&cities, QINGDAO)?;
    let bench = Bench {
        closed: asking.connect(CLOSED).await?,
        open: asking.connect(OPEN).await?,
        health: asking.connect(1).await?.remove(0),
        questions: subjects(&cities, JINAN, SUBJECTS).await?,
        cities: &cities,
    };
    let mut peak = Figure::new("peak", "1/s", Better::Higher).unlimited();
    let mut figures: Vec<Vec<Figure>> = LEVELS.iter().map(Level::figures).collect();
    let mut growth = Figure::new("rss_growth_mb", "MB", Better::Lower).unlimited().target(RSS_GROWTH_MB);
    bench.peak(settings.time()).await?; // warms up
    for _ in 0..settings.rounds.min(ROUNDS) {
        let rate = bench.peak(settings.time()).await?;
        peak.add(Side::Node, rate);
        let calm = open_loop(&bench.open, &bench.questions, rate * CALM, settings.time() / 3).await?.quantile_ms(0.99);
        let mut rss = Vec::new();
        for (level, figures) in LEVELS.iter().zip(&mut figures) {
            let numbers = bench.level(rate, level.factor, calm, settings.time()).await?;
            rss.push(numbers[8]);
            for (figure, number) in figures.iter_mut().zip(numbers) {
                figure.add(Side::Node, number);
            }
            eprint!(".");
        }
        // From the load that can be answered to three times of it.
        growth.add(Side::Node, rss[3] - rss[1]);
    }
    let mut all = vec![peak];
    all.extend(figures.into_iter().flatten());
    all.push(growth);
    all.extend(slow::measure(settings, &bench, &relay).await?);
    eprintln!();
    Ok(all)
}

/// What overload may add to a node's memory: three rooms with their queues, and questions to a city, of some 100 kB each
/// with buffers of connections.
const RSS_GROWTH_MB: f64 = 128.0;

/// Certificates of a region that the asking city knows, as questions.
async fn subjects(cities: &[City<'_>], region: &str, count: usize) -> Result<Arc<Questions>> {
    let city = city::of(cities, region)?;
    let issued = city.issue(&Arc::new(Requests::new(city.node.department.clone(), 0)), count).await?;
    for (_, certificate) in &issued {
        city::of(cities, QINGDAO)?.knows_certificate(&certificate.certificate_id).await?;
    }
    Ok(Arc::new(Questions::new(&issued)?))
}

impl Bench<'_> {
    /// Rate of the closed loop with 64 calls in flight.
    async fn peak(&self, time: Duration) -> Result<f64> {
        Ok(lookup::measure(&self.closed, lookup::STREAMS, &self.questions, lookup::SETTLE, time).await?.rate)
    }

    /// One level: the numbers of [`Level::names`].
    async fn level(&self, peak: f64, factor: f64, calm_p99_ms: f64, time: Duration) -> Result<[f64; 12]> {
        let done = Arc::new(AtomicBool::new(false));
        let probe = tokio::spawn(probe_health(self.health.clone(), Arc::clone(&done)));
        let watch = async {
            let mut most = 0.0_f64;
            while !done.load(Ordering::Relaxed) {
                for city in self.cities {
                    most = most.max(city.memory()?.resident_mb);
                }
                tokio::time::sleep(PROBE).await;
            }
            anyhow::Ok(most)
        };
        let load = async {
            let outcome = open_loop(&self.open, &self.questions, peak * factor, time).await;
            done.store(true, Ordering::Relaxed);
            outcome
        };
        let begin = Instant::now();
        let (outcome, rss): (Result<Outcome>, Result<f64>) = tokio::join!(load, watch);
        let (outcome, rss) = (outcome?, rss?);
        ensure!(outcome.failed == 0, "{} calls failed, the last one with {:?}", outcome.failed, outcome.error);
        let health = probe.await??;
        let recovery = self.recovery(peak, calm_p99_ms, begin + time).await?;
        Ok([
            outcome.rate(outcome.offered),
            outcome.rate(outcome.good),
            outcome.rate(outcome.good) / peak,
            outcome.rate(outcome.refused),
            outcome.refused_bare as f64,
            outcome.rate(outcome.late + outcome.unsent),
            outcome.quantile_ms(0.5),
            outcome.quantile_ms(0.99),
            rss,
            health.unanswered as f64,
            health.latency.value_at_quantile(0.99) as f64 / 1e3,
            recovery,
        ])
    }

    /// Seconds from the end of a level until little load is answered as it was before.
    async fn recovery(&self, peak: f64, calm_p99_ms: f64, end: Instant) -> Result<f64> {
        loop {
            let begin = Instant::now();
            let look = open_loop(&self.open, &self.questions, peak * CALM, LOOK).await?;
            let normal = look.good == look.offered && look.quantile_ms(0.99) <= (calm_p99_ms * 2.0).max(NORMAL_MS);
            if normal || begin > end + NOT_RECOVERED {
                return Ok(begin.saturating_duration_since(end).as_secs_f64());
            }
        }
    }
}

struct Health {
    unanswered: u64,
    latency: hdrhistogram::Histogram<u64>,
}

/// Asks the health service until told to end.
async fn probe_health(channel: Channel, done: Arc<AtomicBool>) -> Result<Health> {
    let mut health = Health { unanswered: 0, latency: crate::load::histogram()? };
    let mut client = HealthClient::new(channel);
    while !done.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = tokio::time::timeout(HEALTH_WITHIN, client.check(HealthCheckRequest::default())).await;
        match answer {
            Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => {
                health.latency.record(crate::load::micros(asked.elapsed()))?;
            }
            _ => health.unanswered += 1,
        }
        tokio::time::sleep(PROBE).await;
    }
    Ok(health)
}
