//! Bounds hold, and are given back.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::lab::{JINAN, uri};

fn limits(calls: usize, per_caller: usize, searches: u32) -> Limits {
    let config = config::Limits {
        concurrent_calls: calls,
        concurrent_calls_per_caller: per_caller,
        searches_per_clerk_hour: searches,
        call_seconds: 30,
        ..config::Limits::default()
    };
    Limits::new(&config, Clock::default())
}

fn caller(name: &str) -> Caller {
    Caller::unverified(&uri(JINAN, "system", name))
}

#[test]
fn one_caller_cannot_take_the_room_of_others() {
    let limits = limits(3, 2, 0);
    let (greedy, modest) = (caller("greedy"), caller("modest"));
    let first = limits.begin(&greedy).unwrap();
    let second = limits.begin(&greedy).unwrap();
    let refusal = limits.begin(&greedy).unwrap_err();
    assert_eq!((refusal.reason, refusal.needed.as_str()), (Reason::Overloaded, "fewer than 2"));
    let third = limits.begin(&modest).unwrap();
    assert_eq!(limits.begin(&modest).unwrap_err().needed, "fewer than 3");
    assert_eq!(limits.in_work(), 3, "a refused call takes no room");
    drop((first, second, third));
    assert_eq!(limits.in_work(), 0);
    limits.begin(&greedy).unwrap();
}

#[test]
fn the_shorter_time_holds() {
    let limits = limits(1, 1, 0);
    let half_a_minute = Duration::from_secs(30);
    for (given, needed) in [
        (None, half_a_minute),
        (Some("250m"), Duration::from_millis(250)),
        (Some("2S"), Duration::from_secs(2)),
        (Some("1H"), half_a_minute),
        (Some("99999999H"), half_a_minute),
        (Some("7u"), Duration::from_micros(7)),
        (Some("0n"), Duration::ZERO),
        // Not a time: as if not given, never without end.
        (Some(""), half_a_minute),
        (Some("S"), Duration::ZERO.max(half_a_minute)),
        (Some("-1S"), half_a_minute),
        (Some("100000000S"), half_a_minute),
        (Some("5s"), half_a_minute),
        (Some("5秒"), half_a_minute),
    ] {
        assert_eq!(limits.time_for(given), needed, "{given:?}");
    }
}

#[test]
fn searches_are_counted_per_clerk() {
    let limits = limits(1, 1, 2);
    limits.search("11370100MB2857833B", "0042").unwrap();
    limits.search("11370100MB2857833B", "0042").unwrap();
    assert_eq!(limits.search("11370100MB2857833B", "0042").unwrap_err().reason, Reason::RateLimited);
    limits.search("11370100MB2857833B", "0043").unwrap();
    limits.search("91350100M000100Y43", "0042").unwrap();
}
