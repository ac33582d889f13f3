//! Places are fair, bounded, given back, and not waited for too long.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use super::*;

fn room(places: usize, of_caller: usize) -> Arc<Room> {
    Room::new(Bounds { places, of_caller }, Clock::default())
}

fn who(name: &str) -> Arc<str> {
    name.into()
}

fn place(room: &Arc<Room>, name: &str) -> Place {
    match room.ask(&who(name)) {
        Asked::Place(place) => place,
        Asked::Wait(..) | Asked::Full => panic!("no place for {name}"),
    }
}

/// Somebody who waits for a place, and how long it would. No test waits itself: none depends on how fast the machine is.
fn waiter(room: &Arc<Room>, name: &str) -> (Waiter, Duration) {
    match room.ask(&who(name)) {
        Asked::Wait(waiter, patience) => (waiter, patience),
        Asked::Place(_) | Asked::Full => panic!("{name} does not have to wait"),
    }
}

fn let_in(waiter: &mut Waiter) -> Option<Place> {
    waiter.answer.try_recv().ok()
}

#[test]
fn one_caller_cannot_take_the_room_of_others() {
    let room = room(3, 2);
    let mut greedy = vec![place(&room, "greedy"), place(&room, "greedy")];
    let (mut third, _) = waiter(&room, "greedy");
    let modest = place(&room, "modest");
    assert_eq!(room.at_work(), 3);
    let (mut second, _) = waiter(&room, "modest");
    // The place of the greedy one goes to who has fewer at work and has waited; then it is its own turn.
    greedy.pop();
    let second = let_in(&mut second).unwrap();
    assert!(let_in(&mut third).is_none());
    assert_eq!((room.at_work(), room.state().waiting), (3, 1));
    greedy.pop();
    let third = let_in(&mut third).unwrap();
    drop((modest, second, third));
    let state = room.state();
    assert_eq!((state.at_work, state.waiting, state.callers.len(), state.turns.len()), (0, 0, 0, 0));
}

#[test]
fn callers_who_wait_are_let_in_in_turn() {
    let room = room(4, 4);
    let mut held: Vec<Place> = (0..4).map(|_| place(&room, "a")).collect();
    let [(mut first, _), (mut second, _), (mut other, _)] = ["b", "b", "c"].map(|name| waiter(&room, name));
    held.pop();
    let first = let_in(&mut first).unwrap();
    held.pop();
    let other = let_in(&mut other).unwrap();
    assert!(let_in(&mut second).is_none(), "the other caller's turn came before the second call of the first one");
    held.pop();
    drop((first, other, let_in(&mut second).unwrap()));
}

#[tokio::test]
async fn the_queue_is_bounded_and_nobody_waits_long() {
    let room = room(1, 1);
    let held = place(&room, "a");
    let (waiting, _) = waiter(&room, "b");
    assert!(matches!(room.ask(&who("c")), Asked::Full), "one waits already, and it is told at once");
    drop(waiting);
    let begin = Instant::now();
    assert_eq!(room.enter(&who("b")).await.unwrap_err(), Full);
    assert!(begin.elapsed() >= PATIENCE);
    drop(held);
    room.enter(&who("c")).await.unwrap();
    assert!(room.state().callers.is_empty());
}

#[test]
fn in_overload_the_wait_is_short_until_the_queue_was_empty() {
    let room = room(2, 2);
    let _held = [place(&room, "a"), place(&room, "a")];
    let (first, patience) = waiter(&room, "b");
    assert_eq!(patience, PATIENCE);
    // The queue has stood for that long without a break.
    let since = room.state().standing_since.unwrap();
    room.state().standing_since = Some(since - PATIENCE);
    let (second, patience) = waiter(&room, "c");
    assert_eq!(patience, SHORT);
    drop(first);
    assert!(room.state().standing_since.is_some(), "one waits still");
    drop(second);
    assert_eq!(room.state().standing_since, None);
    assert_eq!(waiter(&room, "c").1, PATIENCE, "the queue was empty");
}

#[test]
fn who_goes_away_is_not_waited_for() {
    let room = room(2, 2);
    let held = [place(&room, "a"), place(&room, "a")];
    let ((gone, _), (mut stays, _)) = (waiter(&room, "b"), waiter(&room, "c"));
    drop(gone);
    assert_eq!(room.state().waiting, 1);
    drop(held);
    let place = let_in(&mut stays).unwrap();
    assert_eq!(room.at_work(), 1);
    drop(place);
    assert!(room.state().callers.is_empty());
}

#[tokio::test]
async fn a_call_that_waits_elsewhere_leaves_its_place_to_another() {
    let room = room(1, 1);
    let mine = place(&room, "a");
    let (mut next, _) = waiter(&room, "b");
    let other = mine.while_elsewhere(async { let_in(&mut next) }).await.unwrap();
    assert_eq!(room.at_work(), 2, "it came back without waiting");
    drop(mine);
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
    let mut tasks = Vec::new();
    for number in 0..600_u64 {
        let room = Arc::clone(&room);
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
    assert!(served > 0, "nobody was served");
}
