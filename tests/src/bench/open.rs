//! Open-loop load: calls go out by a schedule, whether earlier ones were answered or not, as callers do who know nothing
//! of each other. Bounded in time, in count, and in calls that are not answered yet.

use crate::{
    load::{histogram, micros},
    lookup::Questions,
};
use anyhow::{Context, Result};
use exchange_proto::v1::lookup_service_client::LookupServiceClient;
use hdrhistogram::Histogram;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tonic::{Code, Request, Status, transport::Channel};

/// An answer that comes later, counted from the scheduled moment, is worth nothing to who asked.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);
/// Calls that are not answered yet; a call that is due beyond them is not sent.
const UNANSWERED: u32 = 8_000;
/// Between two looks at the schedule. What became due meanwhile goes out at once.
const TICK: Duration = Duration::from_millis(1);
/// In the encoded details of a status.
const RETRY_INFO: &[u8] = b"google.rpc.RetryInfo";

/// What came of a schedule.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How long calls were sent.
    pub(crate) time: Duration,
    /// Calls that were due.
    pub(crate) offered: u64,
    /// Answered in time.
    pub(crate) good: u64,
    /// Refused with `RESOURCE_EXHAUSTED`.
    pub(crate) refused: u64,
    /// Of these, those that do not say when to ask again.
    pub(crate) refused_bare: u64,
    /// Answered late, or ended by the deadline.
    pub(crate) late: u64,
    /// Not sent for want of [`UNANSWERED`].
    pub(crate) unsent: u64,
    /// Of those in time, from the scheduled moment, in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// Ended by another error.
    pub(crate) failed: u64,
    /// The last of these.
    pub(crate) error: Option<Status>,
}

impl Outcome {
    fn new(time: Duration) -> Result<Self> {
        Ok(Self {
            time,
            offered: 0,
            good: 0,
            refused: 0,
            refused_bare: 0,
            late: 0,
            unsent: 0,
            latency: histogram()?,
            failed: 0,
            error: None,
        })
    }

    /// A count as a rate.
    pub(crate) fn rate(&self, count: u64) -> f64 {
        count as f64 / self.time.as_secs_f64()
    }

    /// A quantile of the latency, in milliseconds.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }

    fn add(&mut self, answer: Result<(), Status>, took: Duration) {
        match answer {
            Ok(()) if took <= DEADLINE => {
                self.good += 1;
                self.latency.saturating_record(micros(took));
            }
            Ok(()) => self.late += 1,
            Err(status) => match status.code() {
                Code::ResourceExhausted => {
                    self.refused += 1;
                    let says_when = status.details().windows(RETRY_INFO.len()).any(|part| part == RETRY_INFO);
                    self.refused_bare += u64::from(!says_when);
                }
                Code::DeadlineExceeded | Code::Cancelled => self.late += 1,
                _ => {
                    self.failed += 1;
                    self.error = Some(status);
                }
            },
        }
    }
}

/// Sends `rate` questions a second for `time`, then waits for what is not answered yet, at most [`DEADLINE`].
pub(crate) async fn open_loop(
    channels: &[Channel],
    questions: &Arc<Questions>,
    rate: f64,
    time: Duration,
) -> Result<Outcome> {
    let outcome = Arc::new(Mutex::new(Outcome::new(time)?));
    let unanswered = Arc::new(Semaphore::new(usize::try_from(UNANSWERED)?));
    let total = (rate * time.as_secs_f64()).round() as u64;
    let (begin, mut sent, mut unsent) = (Instant::now(), 0_u64, 0);
    while sent < total {
        let due = ((begin.elapsed().as_secs_f64() * rate) as u64).min(total);
        for number in sent..due {
            let scheduled = begin + Duration::from_secs_f64(number as f64 / rate);
            let Ok(permit) = Arc::clone(&unanswered).try_acquire_owned() else {
                unsent += 1;
                continue;
            };
            let channel = channels[number as usize % channels.len()].clone();
            let (outcome, question) = (Arc::clone(&outcome), questions.next()?);
            tokio::spawn(async move {
                let answer = ask(channel, question, scheduled).await;
                outcome.lock().unwrap_or_else(PoisonError::into_inner).add(answer, scheduled.elapsed());
                drop(outcome); // whoever has all permits has the only one
                drop(permit);
            });
        }
        sent = due;
        tokio::time::sleep(TICK).await;
    }
    let all = unanswered.acquire_many(UNANSWERED);
    // The deadline ends every call; twice of it only if this process itself has stood still.
    let _all = tokio::time::timeout(DEADLINE * 2, all).await.context("calls go on behind their deadline")??;
    let mut outcome =
        Arc::into_inner(outcome).context("a call goes on")?.into_inner().unwrap_or_else(PoisonError::into_inner);
    (outcome.offered, outcome.unsent) = (total, unsent);
    Ok(outcome)
}

async fn ask(
    channel: Channel,
    question: exchange_proto::v1::LookupCertificateRequest,
    scheduled: Instant,
) -> Result<(), Status> {
    let left = DEADLINE.saturating_sub(scheduled.elapsed());
    let mut request = Request::new(question);
    request.set_timeout(left);
    let answer = tokio::time::timeout(left, LookupServiceClient::new(channel).lookup_certificate(request)).await;
    match answer {
        Ok(answer) => answer.map(drop),
        Err(_) => Err(Status::deadline_exceeded("no answer in time")),
    }
}
