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
    caller_of("system", name)
}

fn caller_of(kind: &str, name: &str) -> Caller {
    Caller::unverified(&uri(JINAN, kind, name))
}

#[tokio::test]
async fn each_kind_of_calls_has_a_room_of_its_own() {
    let limits = limits(1, 1, 0);
    let health = "/grpc.health.v1.Health/Check";
    let lookup = "/exchange.v1.LookupService/LookupCertificate";
    let (system, node, operator) = (caller("hall"), caller_of("node", "node-1"), caller_of("operator", "admin"));
    assert_eq!(For::of(lookup, &system), For::Systems);
    assert_eq!(For::of(lookup, &node), For::Nodes);
    assert_eq!(For::of(lookup, &operator), For::Operators);
    for caller in [&system, &node, &operator] {
        assert_eq!(For::of(health, caller), For::Health);
    }
    let document = "/exchange.v1.DocumentService/Verify";
    assert_eq!((For::of(document, &system), For::of(document, &operator)), (For::Documents, For::Documents));
    // The method's name begins the path; nobody is let in for naming it later.
    assert_eq!(For::of(&format!("{lookup}{health}"), &system), For::Systems);
    let _held = limits.room(For::Systems).enter(&system.uri).await.unwrap();
    limits.room(For::Systems).enter(&system.uri).await.unwrap_err();
    for (whose, caller) in [(For::Nodes, &node), (For::Operators, &operator), (For::Health, &system)] {
        limits.room(whose).enter(&caller.uri).await.unwrap();
    }
    let refusal = limits.overloaded(For::Systems);
    assert_eq!(refusal.reason, Reason::Overloaded);
    assert!(refusal.found.starts_with("systems: more than 1 at work"), "{refusal}");
}

#[tokio::test]
async fn unanswered_questions_to_a_city_are_bounded() {
    let room = to_a_peer(Clock::default());
    let hall = caller("hall");
    let mut held = Vec::new();
    for _ in 0..TO_A_PEER.places {
        held.push(enter_for_peer(&room, &hall.uri).await.unwrap());
    }
    let refusal = enter_for_peer(&room, &hall.uri).await.unwrap_err();
    assert_eq!((refusal.reason, refusal.who), (Reason::Overloaded, crate::refusal::Who::Peer));
    held.pop();
    enter_for_peer(&room, &hall.uri).await.unwrap();
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
        assert_eq!(limits.time_for(For::Systems, given), needed, "{given:?}");
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

/// A system that makes up a clerk for each search takes no more memory than ten thousand of them do.
#[test]
fn made_up_clerks_are_forgotten() {
    let limits = limits(1, 1, 2);
    for number in 0..3 * CLERKS {
        limits.search("11370100MB2857833B", &number.to_string()).unwrap();
    }
    assert!(limits.searches.lock().unwrap().len() <= CLERKS);
    // Whoever searched just now is counted still.
    let last = (3 * CLERKS - 1).to_string();
    limits.search("11370100MB2857833B", &last).unwrap();
    assert_eq!(limits.search("11370100MB2857833B", &last).unwrap_err().reason, Reason::RateLimited);
}

#[test]
fn refusals_on_record_are_bounded_for_each_region() {
    let refusals = Refusals::new(2);
    let (qingdao, yantai) = (Region::parse("370200").unwrap(), Region::parse("370600").unwrap());
    let begun = Clock::default().instant();
    let after = |minutes: u64| begun + Duration::from_secs(60 * minutes);
    refusals.take(qingdao, begun).unwrap();
    refusals.take(qingdao, begun).unwrap();
    let tell = |at: Instant| refusals.take(qingdao, at).unwrap_err().tell;
    assert_eq!(tell(begun), Some(1), "the first is told at once");
    assert_eq!((tell(begun), tell(begun)), (None, None), "a flood of questions is no flood of lines");
    refusals.take(yantai, begun).unwrap();
    assert_eq!(tell(after(1)), Some(3), "those that were not told, and this one");
    assert_eq!(tell(after(29)), Some(1));
    refusals.take(qingdao, after(30)).unwrap();
    refusals.take(qingdao, after(30)).unwrap_err();
    // After a long quiet an hour's worth, and no more.
    for _ in 0..2 {
        refusals.take(qingdao, after(6_000)).unwrap();
    }
    refusals.take(qingdao, after(6_000)).unwrap_err();
}

#[test]
fn a_caller_has_so_many_streams_and_gives_them_back() {
    let limits = limits(1, 1, 0);
    let (greedy, modest) = (caller("greedy"), caller("modest"));
    let mut open: Vec<_> = (0..STREAMS_PER_CALLER).map(|_| limits.begin_stream(&greedy).unwrap()).collect();
    let refusal = limits.begin_stream(&greedy).unwrap_err();
    assert_eq!((refusal.reason, refusal.needed.as_str()), (Reason::Overloaded, "fewer than 64"));
    limits.begin_stream(&modest).unwrap();
    open.pop();
    open.push(limits.begin_stream(&greedy).unwrap());
    drop(open);
    assert!(limits.streams.lock().unwrap().is_empty(), "nothing is kept of callers without streams");
}
