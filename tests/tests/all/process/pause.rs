//! SIGSTOP under load, then SIGCONT: of the city that answers, of the city that asks, of the broker. What stands still
//! says nothing and loses nothing; what goes on says as of when it knows.

use super::{
    ALONE,
    callers::{Callers, is_clean},
    node, step,
    world::{JINAN, QINGDAO, STALE_AFTER, World},
};
use exchange_proto::v1;
use std::time::{Duration, SystemTime};

/// Long enough that everybody else says that it is stale, and for callers to give up more than once.
const STOPPED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_and_goes_on_has_lost_nothing() {
    let _alone = ALONE.lock().await;
    node::program();
    let Some(world) = step("start", World::start()).await else { return };
    let callers = Callers::start(&world).await;
    callers.go_on(50, 50).await;
    step("the answering city stands still", answering(&world, &callers)).await;
    step("the asking city stands still", asking(&world, &callers)).await;
    step("the broker stands still", carrier(&world, &callers)).await;
    let heard = callers.end().await;
    step("what was told holds", world.nothing_lost_or_doubled(&heard)).await;
    println!("{} issued, {} questions answered", heard.issued.len(), heard.answered.len());
}

/// Its own callers hear nothing and ask again; those who ask from elsewhere are told that it does not answer.
async fn answering(world: &World, callers: &Callers) {
    callers.refusals();
    let stopped_ms = now_ms();
    world.signal(JINAN, "STOP");
    let status = is_stale(world, QINGDAO, JINAN).await;
    assert!(status.as_of_ms < stopped_ms + 1_000, "as of {}, stopped at {stopped_ms}", status.as_of_ms);
    tokio::time::sleep(STOPPED.saturating_sub(STALE_AFTER)).await;
    let told = callers.refusals();
    assert!(told.iter().any(|(called, _)| *called == JINAN) && told.iter().any(|(called, _)| *called == QINGDAO));
    world.signal(JINAN, "CONT");
    callers.go_on(100, 50).await;
    is_current(world, QINGDAO, JINAN).await;
    // It was away itself: what it says of others was right at every look, and is current again.
    is_current(world, JINAN, QINGDAO).await;
    for (_, refusal) in told.iter().chain(&callers.refusals()) {
        is_clean(refusal, &["PEER_UNAVAILABLE", "DEADLINE_EXCEEDED", "OVERLOADED"]);
    }
}

/// The other city's callers hear nothing of it.
async fn asking(world: &World, callers: &Callers) {
    callers.refusals();
    let before = world.region(QINGDAO, JINAN).await.size;
    world.signal(QINGDAO, "STOP");
    callers.go_on(100, 0).await;
    is_stale(world, JINAN, QINGDAO).await;
    let missed = world.status(JINAN).await.events.unwrap().size;
    assert!(missed > before);
    world.signal(QINGDAO, "CONT");
    // While it catches up it does not call old news current.
    world
        .when("everything that it missed", QINGDAO, |status| {
            let region = of(status, JINAN);
            let age = now_ms().saturating_sub(region.as_of_ms);
            let may_be_current = age <= STALE_AFTER.as_millis() as u64 + 1_000;
            assert!(region.state != "CURRENT" || may_be_current, "CURRENT as of {age} ms ago");
            region.size >= missed
        })
        .await;
    callers.go_on(50, 50).await;
    is_current(world, JINAN, QINGDAO).await;
    for (called, refusal) in callers.refusals() {
        assert_eq!(called, QINGDAO, "a caller of the other city was told {refusal:?}");
        is_clean(&refusal, &["DEADLINE_EXCEEDED", "PEER_UNAVAILABLE", "OVERLOADED"]);
    }
}

/// Nobody who calls notices; the other city reads from the node itself meanwhile.
async fn carrier(world: &World, callers: &Callers) {
    callers.refusals();
    world.broker.signal("STOP");
    let size = world.status(JINAN).await.events.unwrap().size;
    callers.go_on(200, 100).await;
    tokio::time::sleep(STOPPED).await;
    let log = world.status(JINAN).await.events.unwrap();
    assert!(log.published < log.size, "a stopped broker confirmed {} of {} entries", log.published, log.size);
    world.when("entries without the broker", QINGDAO, |status| of(status, JINAN).size > size).await;
    world.broker.signal("CONT");
    let all = |status: &v1::NodeStatus| {
        let log = status.events.as_ref().unwrap();
        log.published + 200 >= log.size && status.kafka_error.is_empty()
    };
    world.when("the broker has everything but the newest", JINAN, all).await;
    callers.go_on(50, 50).await;
    let told = callers.refusals();
    assert!(told.is_empty(), "{:?}", told.first());
}

async fn is_stale(world: &World, at: &str, of_region: &str) -> v1::RegionStatus {
    let status = world.when("STALE", at, |status| of(status, of_region).state == "STALE").await;
    of(&status, of_region).clone()
}

async fn is_current(world: &World, at: &str, of_region: &str) {
    world.when("CURRENT", at, |status| of(status, of_region).state == "CURRENT").await;
}

fn of<'a>(status: &'a v1::NodeStatus, region: &str) -> &'a v1::RegionStatus {
    status.regions.iter().find(|one| one.region == region).unwrap()
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

impl World {
    /// What a node says of a region's log.
    pub(super) async fn region(&self, at: &str, region: &str) -> v1::RegionStatus {
        of(&self.status(at).await, region).clone()
    }
}
