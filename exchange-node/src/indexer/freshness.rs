//! How fresh an answer about a region's certificates is.

use exchange_core::region::Region;
use exchange_proto::{store::LogState, v1};
use std::time::Duration;

/// A checkpoint whose time differs from the own clock by more raises an alarm, in milliseconds.
pub const CLOCK_ALARM_MS: u64 = 5 * 60 * 1_000;
const CHINA_MS: u64 = 8 * 3_600 * 1_000;
const DAY_SECONDS: u64 = 86_400;

/// What is known of a region's log, and as of when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Whose log.
    pub region: Region,
    /// Everything the region had said by this time is applied here; `None`: nothing was heard yet.
    pub as_of_ms: Option<u64>,
    /// CURRENT, STALE or UNTRUSTED.
    pub state: v1::Freshness,
    /// Why it is not current; empty if it is.
    pub note: String,
    /// The region's clock and the own one differ by more than five minutes.
    pub clock_alarm: bool,
}

/// Judges a region's state. Only a checkpoint whose every entry is applied is in it; its time counts no later than the
/// own clock said when it came.
pub fn freshness(region: Region, state: Option<&LogState>, now_ms: u64, stale_after: Duration) -> Freshness {
    let heard = state.filter(|state| !state.checkpoint.is_empty());
    let as_of_ms = heard.map(|state| state.at_ms.min(state.received_at_ms));
    let limit = u64::try_from(stale_after.as_millis()).unwrap_or(u64::MAX);
    let (judged, note) = match (heard, as_of_ms) {
        _ if state.is_some_and(|state| state.forked) => {
            (v1::Freshness::Untrusted, "the region's log contradicts itself".to_owned())
        }
        (Some(state), _) if state.upgrade_needed_from > 0 => {
            (v1::Freshness::Stale, "upgrade needed: the region says what this release does not know".to_owned())
        }
        (Some(_), Some(as_of)) if now_ms.saturating_sub(as_of) <= limit => (v1::Freshness::Current, String::new()),
        (Some(_), Some(as_of)) => (v1::Freshness::Stale, format!("no word since {}", time_of_day(as_of))),
        _ => (v1::Freshness::Stale, "nothing heard yet".to_owned()),
    };
    let clock_alarm = heard.is_some_and(|state| state.at_ms.abs_diff(state.received_at_ms) > CLOCK_ALARM_MS);
    Freshness { region, as_of_ms, state: judged, note, clock_alarm }
}

/// Hours, minutes and seconds in China (+08:00).
fn time_of_day(at_ms: u64) -> String {
    let seconds = (at_ms + CHINA_MS) / 1_000 % DAY_SECONDS;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);
    /// 2026-07-20 10:02:11 in China.
    const HEARD: u64 = 1_784_512_931_000;

    fn judged(state: &LogState, now_ms: u64) -> Freshness {
        freshness(Region::parse("370100").unwrap(), Some(state), now_ms, LIMIT)
    }

    fn heard() -> LogState {
        LogState { checkpoint: "note".into(), at_ms: HEARD, received_at_ms: HEARD + 20, ..LogState::default() }
    }

    #[test]
    fn current_then_stale() {
        let current = judged(&heard(), HEARD + 60_000);
        assert_eq!(
            (current.state, current.as_of_ms, current.clock_alarm),
            (v1::Freshness::Current, Some(HEARD), false)
        );
        let stale = judged(&heard(), HEARD + 60_001);
        assert_eq!((stale.state, stale.note.as_str()), (v1::Freshness::Stale, "no word since 10:02:11"));
    }

    #[test]
    fn a_clock_ahead_makes_nothing_fresher() {
        let state = LogState { at_ms: HEARD + 400_000, ..heard() };
        let found = judged(&state, HEARD + 10_000);
        assert_eq!((found.as_of_ms, found.clock_alarm), (Some(HEARD + 20), true));
    }

    #[test]
    fn forked_is_untrusted_however_fresh() {
        let found = judged(&LogState { forked: true, ..heard() }, HEARD);
        assert_eq!(found.state, v1::Freshness::Untrusted);
    }

    #[test]
    fn what_must_be_understood_makes_stale() {
        let found = judged(&LogState { upgrade_needed_from: 7, ..heard() }, HEARD);
        assert_eq!((found.state, &found.note[..14]), (v1::Freshness::Stale, "upgrade needed"));
    }

    #[test]
    fn silence_from_the_start_is_stale() {
        let found = freshness(Region::parse("370100").unwrap(), None, HEARD, LIMIT);
        assert_eq!((found.state, found.as_of_ms), (v1::Freshness::Stale, None));
    }
}
