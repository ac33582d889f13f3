//! Bounds on calls: how many are at work and how long others wait for a place, how long one may take, how many streams
//! stay open, how often a clerk may search, how many refusals another city may put on record. Too much is refused early,
//! before it costs anything.
//!
//! Health, operators, other cities' nodes and the own systems each have a room of their own: however much the own
//! systems ask, another city's question finds a place, and an operator can see what goes on. So have documents, whoever
//! brings them: they take seconds and disk, where other calls take milliseconds.

mod refusals;
pub mod room;
#[cfg(test)]
mod tests;

use crate::{clock::Clock, config, refusal::Refusal, tls::Caller};
use exchange_core::{reason::Reason, region::Region, spiffe::Kind};
use refusals::Refusals;
use room::{Bounds, Place, Room};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Streams of one caller at once, over all its connections: a node reads the logs of some twenty regions, a system
/// watches as many. Each holds a few segments or some hundred events for a reader that may be slow.
pub const STREAMS_PER_CALLER: usize = 64;
const HOUR: Duration = Duration::from_secs(3_600);
/// Clerks that are counted before those who have been quiet for an hour are forgotten.
const CLERKS: usize = 10_000;
/// Health checks at once, and of one caller: monitoring asks a few times a second.
const HEALTH: Bounds = Bounds { places: 64, of_caller: 16 };
/// Calls of operators at once, and of one of them.
const OPERATORS: Bounds = Bounds { places: 64, of_caller: 32 };
/// Questions to one other city that are not answered yet, and those of one system. A city that answers slowly holds so
/// many calls here and no more. Not more than the other node takes of one caller by default: they would only wait there.
const TO_A_PEER: Bounds = Bounds { places: 128, of_caller: 128 };
/// Files that are brought for calling systems, and those of one of them: each is in memory whole until it is handed over, 3 MiB
/// at the most.
const FILES: Bounds = Bounds { places: 16, of_caller: 8 };
/// Every method of the health service begins so.
const HEALTH_SERVICE: &str = "/grpc.health.v1.Health/";
/// A document is received and judged.
const VERIFY_DOCUMENT: &str = "/exchange.v1.DocumentService/Verify";

/// Whose calls a room is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// `grpc.health.v1`, whoever calls.
    Health,
    /// Operators.
    Operators,
    /// Other cities' nodes.
    Nodes,
    /// The own systems.
    Systems,
    /// Documents to verify, whoever calls.
    Documents,
}

impl For {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Health, Self::Operators, Self::Nodes, Self::Systems, Self::Documents];

    /// By method and caller.
    pub fn of(path: &str, caller: &Caller) -> Self {
        match caller.kind() {
            _ if path.starts_with(HEALTH_SERVICE) => Self::Health,
            _ if path == VERIFY_DOCUMENT => Self::Documents,
            Kind::Operator { .. } => Self::Operators,
            Kind::Node { .. } => Self::Nodes,
            _ => Self::Systems,
        }
    }

    /// The name in metrics and refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Operators => "operators",
            Self::Nodes => "nodes",
            Self::Systems => "systems",
            Self::Documents => "documents",
        }
    }
}

/// The bounds of one node.
#[derive(Debug)]
pub struct Limits {
    /// In the order of [`For`].
    rooms: [Arc<Room>; 5],
    longest: Duration,
    longest_document: Duration,
    searches_per_hour: usize,
    clock: Clock,
    streams: Streams,
    files: Arc<Room>,
    searches: Mutex<BTreeMap<(String, String), VecDeque<Instant>>>,
    refusals_per_hour: u32,
    refusals: Refusals,
}

/// Open streams of each caller that has any.
type Streams = Arc<Mutex<BTreeMap<Arc<str>, usize>>>;

/// An open stream; it ends with the drop.
#[derive(Debug)]
pub struct OpenStream {
    streams: Streams,
    who: Arc<str>,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match streams.get_mut(&self.who) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(streams.remove(&self.who)),
        }
    }
}

impl Limits {
    /// From the configuration.
    pub fn new(limits: &config::Limits, clock: Clock) -> Self {
        let calls = Bounds { places: limits.concurrent_calls, of_caller: limits.concurrent_calls_per_caller };
        let room = |whose| match whose {
            For::Health => HEALTH,
            For::Operators => OPERATORS,
            For::Nodes | For::Systems => calls,
            For::Documents => Bounds { places: limits.documents, of_caller: limits.documents_per_caller },
        };
        Self {
            rooms: For::ALL.map(|whose| Room::new(room(whose), clock.clone())),
            longest: Duration::from_secs(u64::from(limits.call_seconds)),
            longest_document: Duration::from_secs(u64::from(limits.document_seconds)),
            searches_per_hour: usize::try_from(limits.searches_per_clerk_hour).unwrap_or(usize::MAX),
            files: Room::new(FILES, clock.clone()),
            clock,
            streams: Streams::default(),
            searches: Mutex::default(),
            refusals_per_hour: limits.refused_records_per_hour,
            refusals: Refusals::new(limits.refused_records_per_hour),
        }
    }

    /// The room of a kind of calls.
    pub const fn room(&self, whose: For) -> &Arc<Room> {
        &self.rooms[whose as usize]
    }

    /// What a call is told for which [`Room::enter`] had no place. The same for all of them: it is made once.
    pub fn overloaded(&self, whose: For) -> Refusal {
        full(whose.name(), self.room(whose).bounds())
    }

    /// Begins a stream, which stays open until the drop: the call's own place is given back with the stream's head.
    ///
    /// # Errors
    /// `OVERLOADED` when the caller has [`STREAMS_PER_CALLER`] open.
    pub fn begin_stream(&self, caller: &Caller) -> Result<OpenStream, Refusal> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let open = streams.entry(Arc::clone(&caller.uri)).or_default();
        if *open >= STREAMS_PER_CALLER {
            count_refused("streams");
            return Err(Refusal::node(
                Reason::Overloaded,
                format!("{open} open streams of this caller"),
                format!("fewer than {STREAMS_PER_CALLER}"),
            ));
        }
        *open += 1;
        Ok(OpenStream { streams: Arc::clone(&self.streams), who: Arc::clone(&caller.uri) })
    }

    /// A place for a file of `who`, until the drop.
    ///
    /// # Errors
    /// `OVERLOADED`: as many as may be in memory are.
    pub async fn enter_for_file(&self, who: &Arc<str>) -> Result<Place, Refusal> {
        self.files.enter(who).await.map_err(|_| {
            count_refused("files");
            full("files that are brought", self.files.bounds())
        })
    }

    /// How long a call may take: what the caller gives (`grpc-timeout`), at most the node's own limit for such calls.
    pub fn time_for(&self, whose: For, grpc_timeout: Option<&str>) -> Duration {
        let longest = if whose == For::Documents { self.longest_document } else { self.longest };
        grpc_timeout.and_then(parse_grpc_timeout).map_or(longest, |given| given.min(longest))
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
            forget_half(&mut searches);
        }
        let times = searches.entry((organisation.to_owned(), staff_number.to_owned())).or_default();
        while times.front().is_some_and(|at| !recent(at)) {
            times.pop_front();
        }
        if times.len() >= self.searches_per_hour {
            count_refused("clerk");
            return Err(Refusal::caller(
                Reason::RateLimited,
                format!("{} searches of this clerk in the last hour", times.len()),
                format!("at most {}", self.searches_per_hour),
            ));
        }
        times.push_back(now);
        Ok(())
    }

    /// Before a refusal of another city's question is recorded.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the region has put more of them on record within an hour than it may. Nothing is recorded then;
    /// what was not is counted, and summed up in a log line a minute.
    pub fn record_refusal(&self, asking: Region) -> Result<(), Refusal> {
        let Err(too_many) = self.refusals.take(asking, self.clock.instant()) else { return Ok(()) };
        let region = [("region", asking.to_string())];
        metrics::counter!(crate::telemetry::REFUSALS_UNRECORDED, &region).increment(1);
        if let Some(unrecorded) = too_many.tell {
            tracing::warn!(%asking, unrecorded, "refused questions of a city are not recorded: it asks too many");
        }
        Err(Refusal::caller(
            Reason::RateLimited,
            format!("more refused questions of {asking} than are recorded in an hour"),
            format!("at most {}", self.refusals_per_hour),
        ))
    }
}

/// Staff numbers are what a system says: one that makes them up takes no memory for it. Those who searched last stay.
fn forget_half(searches: &mut BTreeMap<(String, String), VecDeque<Instant>>) {
    if searches.len() < CLERKS {
        return;
    }
    let mut last: Vec<Instant> = searches.values().filter_map(|times| times.back().copied()).collect();
    last.sort_unstable();
    if let Some(middle) = last.get(last.len() / 2).copied() {
        searches.retain(|_, times| times.back().is_some_and(|at| *at > middle));
    }
}

/// A room for questions to one other city.
pub fn to_a_peer(clock: Clock) -> Arc<Room> {
    Room::new(TO_A_PEER, clock)
}

/// A place for a question of `who` to another city.
///
/// # Errors
/// `OVERLOADED`: too many are not answered yet.
pub async fn enter_for_peer(room: &Arc<Room>, who: &Arc<str>) -> Result<Place, Refusal> {
    room.enter(who).await.map_err(|_| {
        count_refused("peer");
        let Refusal { reason, found, needed, .. } = full("questions to this city", room.bounds());
        Refusal::peer(reason, found, needed)
    })
}

/// Counts a call that was refused for want of room.
pub fn count_refused(limit: &'static str) {
    metrics::counter!(crate::telemetry::CALLS_REFUSED, "limit" => limit).increment(1);
}

fn full(what: &str, Bounds { places, of_caller }: Bounds) -> Refusal {
    Refusal::node(
        Reason::Overloaded,
        format!("{what}: more than {places} at work or {of_caller} of one caller, and no place in time"),
        format!("a place within {} ms, in overload {} ms", room::PATIENCE.as_millis(), room::SHORT.as_millis()),
    )
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
