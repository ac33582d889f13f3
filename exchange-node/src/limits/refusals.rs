//! How many refusals another city may make this node record: each is a row for ever, and costs whoever asks nothing.
//!
//! A region has an hour's worth of them, which comes back evenly (the generic cell rate algorithm, ITU-T I.371 annex A:
//! one instant a region). Only records that tell a refusal count, so that whoever asks what is not granted does not keep
//! the region's other questions from their answers.

use super::HOUR;
use exchange_core::region::Region;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Between two log lines about one region.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// What each region has left.
#[derive(Debug)]
pub(super) struct Refusals {
    /// Time that one record takes of the hour.
    each: Duration,
    /// Regions are those of credentials: no more of them than the trust bundle names.
    regions: Mutex<BTreeMap<Region, Share>>,
}

#[derive(Debug)]
struct Share {
    /// When nothing of the hour is used any more.
    free_at: Instant,
    /// Refusals without a record that no log line has told yet.
    untold: u64,
    told_at: Option<Instant>,
}

/// A refusal that is not recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// How many were not recorded since this was told last; it is told now.
    pub(super) tell: Option<u64>,
}

impl Refusals {
    /// So many an hour, at least one.
    pub(super) fn new(per_hour: u32) -> Self {
        Self { each: HOUR / per_hour.max(1), regions: Mutex::default() }
    }

    /// Takes one record of a region's share.
    pub(super) fn take(&self, region: Region, now: Instant) -> Result<(), TooMany> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let share = regions.entry(region).or_insert(Share { free_at: now, untold: 0, told_at: None });
        let free_at = share.free_at.max(now) + self.each;
        if free_at.saturating_duration_since(now) <= HOUR {
            share.free_at = free_at;
            return Ok(());
        }
        share.untold += 1;
        let due = share.told_at.is_none_or(|told| now.saturating_duration_since(told) >= SAY_EVERY);
        let tell = due.then(|| std::mem::take(&mut share.untold));
        if due {
            share.told_at = Some(now);
        }
        Err(TooMany { tell })
    }
}
