//! Bounds on calls: how many are in work at once, how long one may take, how many streams stay open, how often a clerk
//! may search. Too much is refused early, before it costs anything.

#[cfg(test)]
mod tests;

use crate::{
    clock::Clock,
    config,
    refusal::Refusal,
    tls::{Caller, InWork},
};
use exchange_core::reason::Reason;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Streams of one caller at once, over all its connections: a node reads the logs of some twenty regions, a system
/// watches as many. Each holds a few segments or some hundred events for a reader that may be slow.
pub const STREAMS_PER_CALLER: usize = 64;
const HOUR: Duration = Duration::from_secs(3_600);
/// Clerks that are counted before those who have been quiet for an hour are forgotten.
const CLERKS: usize = 10_000;

/// The bounds of one node.
#[derive(Debug)]
pub struct Limits {
    calls: usize,
    calls_per_caller: usize,
    longest: Duration,
    searches_per_hour: usize,
    clock: Clock,
    in_work: Arc<AtomicUsize>,
    searches: Mutex<BTreeMap<(String, String), VecDeque<Instant>>>,
}

/// A call in work; it ends with the drop.
#[derive(Debug)]
pub struct Permit {
    total: Arc<AtomicUsize>,
    of_caller: Arc<InWork>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.total.fetch_sub(1, Ordering::Relaxed);
        self.of_caller.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An open stream; it ends with the drop.
#[derive(Debug)]
pub struct StreamPermit(Arc<InWork>);

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    /// From the configuration.
    pub fn new(limits: &config::Limits, clock: Clock) -> Self {
        Self {
            calls: limits.concurrent_calls,
            calls_per_caller: limits.concurrent_calls_per_caller,
            longest: Duration::from_secs(u64::from(limits.call_seconds)),
            searches_per_hour: usize::try_from(limits.searches_per_clerk_hour).unwrap_or(usize::MAX),
            clock,
            in_work: Arc::default(),
            searches: Mutex::default(),
        }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// `OVERLOADED` when the node or the caller has too many in work.
    pub fn begin(&self, caller: &Caller) -> Result<Permit, Refusal> {
        let permit = Permit { total: Arc::clone(&self.in_work), of_caller: Arc::clone(&caller.in_work) };
        let total = permit.total.fetch_add(1, Ordering::Relaxed);
        let of_caller = permit.of_caller.calls.fetch_add(1, Ordering::Relaxed);
        if of_caller >= self.calls_per_caller {
            return Err(overloaded(
                "caller",
                format!("{of_caller} calls of this caller in work"),
                self.calls_per_caller,
            ));
        }
        if total >= self.calls {
            return Err(overloaded("node", format!("{total} calls in work"), self.calls));
        }
        Ok(permit)
    }

    /// Begins a stream. The caller keeps the permit as long as the stream is open: the call's own ends with its head.
    ///
    /// # Errors
    /// `OVERLOADED` when the caller has [`STREAMS_PER_CALLER`] open.
    pub fn begin_stream(&self, caller: &Caller) -> Result<StreamPermit, Refusal> {
        let permit = StreamPermit(Arc::clone(&caller.in_work));
        let open = permit.0.streams.fetch_add(1, Ordering::Relaxed);
        if open >= STREAMS_PER_CALLER {
            return Err(overloaded("streams", format!("{open} open streams of this caller"), STREAMS_PER_CALLER));
        }
        Ok(permit)
    }

    /// Calls in work.
    pub fn in_work(&self) -> usize {
        self.in_work.load(Ordering::Relaxed)
    }

    /// How long a call may take: what the caller gives (`grpc-timeout`), at most the node's own limit.
    pub fn time_for(&self, grpc_timeout: Option<&str>) -> Duration {
        grpc_timeout.and_then(parse_grpc_timeout).map_or(self.longest, |given| given.min(self.longest))
    }

    /// Counts a search of a clerk.
    ///
    /// # Errors
    /// `RATE_LIMITED` when there were too many in the last hour; the refused one does not count.
    pub fn search(&self, organisation: &str, staff_number: &str) -> Result<(), Refusal> {
        let now = self.clock.instant();
        let recent = |at: &Instant| now.duration_since(*at) < HOUR;
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        if searches.len() >= CLERKS {
            searches.retain(|_, times| times.back().is_some_and(recent));
        }
        let times = searches.entry((organisation.to_owned(), staff_number.to_owned())).or_default();
        while times.front().is_some_and(|at| !recent(at)) {
            times.pop_front();
        }
        if times.len() >= self.searches_per_hour {
            metrics::counter!(crate::telemetry::CALLS_REFUSED, "limit" => "clerk").increment(1);
            return Err(Refusal::caller(
                Reason::RateLimited,
                format!("{} searches of this clerk in the last hour", times.len()),
                format!("at most {}", self.searches_per_hour),
            ));
        }
        times.push_back(now);
        Ok(())
    }
}

fn overloaded(limit: &'static str, found: String, most: usize) -> Refusal {
    metrics::counter!(crate::telemetry::CALLS_REFUSED, "limit" => limit).increment(1);
    Refusal::node(Reason::Overloaded, found, format!("fewer than {most}"))
}

/// `grpc-timeout`: at most 8 digits and a unit (gRPC over HTTP/2, "Requests"). Anything else counts as not given.
fn parse_grpc_timeout(text: &str) -> Option<Duration> {
    let unit_at = text.len().checked_sub(1)?;
    let (digits, unit) = (text.get(..unit_at)?, text.get(unit_at..)?);
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3_600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}
