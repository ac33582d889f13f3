//! Places are fair, bounded, given back, and not waited for too long.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn room(places: usize, of_caller: usize) -> Arc<Room> {
    Room::new(Bounds { places, of_caller }, Clock::default())
}

fn who(name: &str) -> Arc<str> {
    name.into()
}

/// Somebody who asks for a place, when the room has noted it.
async fn waiter(room: &Arc<Room>, name: &str) -> tokio::task::JoinHandle<Result<Place, Full>> {
    let before = room.state().waiting;
    let (entering, who) = (Arc::clone(room), who(name));
    let task = tokio::spawn(async move { entering.enter(&who).await });
    until(|| room.state().waiting > before).await;
    task
}

async fn until(so: impl Fn() -> bool) {
    tokio::time::timeout(SOON, async {
        while !so() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn one_caller_cannot_take_the_room_of_others() {
    let room = room(3, 2);
    let mut greedy = vec![room.enter(&who("greedy")).await.unwrap(), room.enter(&who("greedy")).await.unwrap()];
    let third = waiter(&room, "greedy").await;
    let modest = room.enter(&who("modest")).await.unwrap();
    assert_eq!(room.at_work(), 3);
    let second = waiter(&room, "modest").await;
    // The place of the greedy one goes to who has fewer at work and has waited; then it is its own turn.
    greedy.pop();
    let second = second.await.unwrap().unwrap();
    assert_eq!((room.at_work(), room.state().waiting), (3, 1));
    greedy.pop();
    let third = third.await.unwrap().unwrap();
    drop((modest, second, third));
    let state = room.state();
    assert_eq!((state.at_work, state.waiting, state.callers.len(), state.turns.len()), (0, 0, 0, 0));
}

#[tokio::test]
async fn callers_who_wait_are_let_in_in_turn() {
    let room = room(4, 4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(room.enter(&who("a")).await.unwrap());
    }
    let (first, second, other) = (waiter(&room, "b").await, waiter(&room, "b").await, waiter(&room, "c").await);
    held.pop();
    let first = first.await.unwrap().unwrap();
    held.pop();
    let other = other.await.unwrap().unwrap();
    assert!(!second.is_finished(), "the other caller's turn came before the second call of the first one");
    held.pop();
    drop((first, other, second.await.unwrap().unwrap()));
}

#[tokio::test]
async fn the_queue_is_bounded_and_nobody_waits_long() {
    let room = room(1, 1);
    let held = room.enter(&who("a")).await.unwrap();
    let begin = Instant::now();
    let waiting = waiter(&room, "b").await;
    assert_eq!(room.enter(&who("c")).await.unwrap_err(), Full, "one waits already");
    assert!(begin.elapsed() < PATIENCE, "it was told at once");
    assert_eq!(waiting.await.unwrap().unwrap_err(), Full);
    assert!(begin.elapsed() >= PATIENCE);
    drop(held);
    room.enter(&who("c")).await.unwrap();
    assert!(room.state().callers.is_empty());
}

#[tokio::test]
async fn in_overload_the_wait_is_short_until_the_queue_was_empty() {
    let room = room(16, 16);
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(room.enter(&who("a")).await.unwrap());
    }
    // One more every now and then, so that the queue is never empty.
    let mut waiting = VecDeque::new();
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        waiting.push_back(waiter(&room, "b").await);
        tokio::time::sleep(PATIENCE / 16).await;
    }
    let asked = Instant::now();
    let last = waiter(&room, "b").await;
    assert_eq!(last.await.unwrap().unwrap_err(), Full);
    assert!((SHORT..PATIENCE).contains(&asked.elapsed()), "{:?} in overload", asked.elapsed());
    for one in waiting {
        one.await.unwrap().unwrap_err();
    }
    assert_eq!(room.state().standing_since, None);
    let asked = Instant::now();
    room.enter(&who("c")).await.unwrap_err();
    assert!(asked.elapsed() >= PATIENCE, "the queue was empty");
}

#[tokio::test]
async fn who_goes_away_is_not_waited_for() {
    let room = room(2, 2);
    let held = [room.enter(&who("a")).await.unwrap(), room.enter(&who("a")).await.unwrap()];
    let (gone, stays) = (waiter(&room, "b").await, waiter(&room, "c").await);
    gone.abort();
    until(|| room.state().waiting == 1).await;
    drop(held);
    let place = stays.await.unwrap().unwrap();
    assert_eq!(room.at_work(), 1);
    drop(place);
    assert!(room.state().callers.is_empty());
}

#[tokio::test]
async fn a_call_that_waits_elsewhere_leaves_its_place_to_another() {
    let room = room(1, 1);
    let place = room.enter(&who("a")).await.unwrap();
    let next = waiter(&room, "b").await;
    let other = place.while_elsewhere(next).await.unwrap().unwrap();
    assert_eq!(room.at_work(), 2, "it came back without waiting");
    drop(place);
    assert_eq!(room.at_work(), 1);
    // Given up in the middle of it: nothing is given back twice.
    let abandoned = other.while_elsewhere(std::future::pending::<()>());
    assert!(tokio::time::timeout(Duration::from_millis(1), abandoned).await.is_err());
    drop(other);
    assert_eq!((room.at_work(), room.state().callers.len()), (0, 0));
}

/// Any mixture of entering, leaving, giving up and being elsewhere keeps the bounds and leaves nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_behind() {
    const PLACES: usize = 7;
    let seed = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    println!("seed {seed}");
    let room = room(PLACES, 4);
    let most = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for number in 0..600_u64 {
        let (room, most) = (Arc::clone(&room), Arc::clone(&most));
        tasks.push(tokio::spawn(async move {
            let mut draw = seed ^ number.wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1;
            let mut below = |bound: u64| {
                draw ^= draw << 13;
                draw ^= draw >> 7;
                draw ^= draw << 17;
                draw % bound
            };
            let who = who(["a", "b", "c"][usize::try_from(below(3)).unwrap()]);
            tokio::time::sleep(Duration::from_micros(below(60_000))).await;
            let patience = Duration::from_micros(below(30_000));
            let Ok(Ok(place)) = tokio::time::timeout(patience, room.enter(&who)).await else { return 0 };
            most.fetch_max(room.at_work(), Ordering::Relaxed);
            let pause = Duration::from_micros(below(2_000));
            if below(4) == 0 {
                place.while_elsewhere(tokio::time::sleep(pause)).await;
            } else {
                tokio::time::sleep(pause).await;
            }
            1
        }));
    }
    let mut served = 0;
    for task in tasks {
        served += task.await.unwrap();
    }
    let state = room.state();
    assert_eq!((state.at_work, state.waiting, state.turns.len(), state.standing_since), (0, 0, 0, None));
    assert_eq!(state.callers.len(), 0, "{:?}", state.callers);
    assert!(served > 50, "{served} were served");
    // Those who come back do not wait: at most all of those who are elsewhere.
    assert!(most.load(Ordering::Relaxed) >= PLACES);
}
