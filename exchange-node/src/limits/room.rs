//! A room: so many calls at work, so many waiting for a place, callers in turn, and nobody waits long.
//!
//! A call that finds no place waits for one. While the queue empties now and then, it may wait [`PATIENCE`]. Once
//! somebody has been waiting for that long without a break, more comes than can be done: then each waits [`SHORT`] at
//! most, so that those who are let in are answered in time and the others hear at once that they are not (controlled
//! delay: RFC 8289; for servers: B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Longest wait for a place, and how long the queue stands without a break before it counts as overload.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// Longest wait for a place in overload. Longer than a durable commit, which frees many places at once.
pub const SHORT: Duration = Duration::from_millis(20);

/// How much a room takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Calls at work; again as many may wait.
    pub places: usize,
    /// Of one caller; again as many may wait.
    pub of_caller: usize,
}

/// There was no place, or none in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// A room. Its callers are told apart by identity.
#[derive(Debug)]
pub struct Room {
    bounds: Bounds,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    at_work: usize,
    waiting: usize,
    /// Those with calls at work or waiting.
    callers: BTreeMap<Arc<str>, Calls>,
    /// Those who have somebody waiting and may have more at work; the next one first.
    turns: VecDeque<Arc<str>>,
    /// When the queue was empty last, while it is not.
    standing_since: Option<Instant>,
}

#[derive(Debug, Default)]
struct Calls {
    at_work: usize,
    waiting: usize,
    /// Some may have gone away: their senders are closed, and no longer counted in `waiting`.
    queue: VecDeque<oneshot::Sender<Place>>,
    in_turns: bool,
}

impl Room {
    /// An empty one.
    pub fn new(bounds: Bounds, clock: Clock) -> Arc<Self> {
        Arc::new(Self { bounds, clock, state: Mutex::default() })
    }

    /// How much it takes.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Calls at work.
    pub fn at_work(&self) -> usize {
        self.state().at_work
    }

    /// Takes a place for a call of `who`, at once or after a wait.
    ///
    /// # Errors
    /// [`Full`]: as many wait already, or the wait was too long.
    pub async fn enter(self: &Arc<Self>, who: &Arc<str>) -> Result<Place, Full> {
        let (mut waiter, patience) = match self.ask(who) {
            Asked::Place(place) => return Ok(place),
            Asked::Full => return Err(Full),
            Asked::Wait(waiter, patience) => (waiter, patience),
        };
        match tokio::time::timeout(patience, &mut waiter.answer).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(Full),
            // It may have come at the last moment.
            Err(_) => waiter.leave().ok_or(Full),
        }
    }

    fn ask(self: &Arc<Self>, who: &Arc<str>) -> Asked {
        let mut state = self.state();
        let State { at_work, waiting, callers, turns, standing_since } = &mut *state;
        let calls = callers.entry(Arc::clone(who)).or_default();
        let may_work = calls.at_work < self.bounds.of_caller;
        // Nobody passes those who wait already.
        if may_work && *at_work < self.bounds.places && turns.is_empty() {
            calls.at_work += 1;
            *at_work += 1;
            return Asked::Place(Place::new(self, who));
        }
        if *waiting >= self.bounds.places || calls.waiting >= self.bounds.of_caller {
            state.forget(who);
            return Asked::Full;
        }
        let now = self.clock.instant();
        let since = *standing_since.get_or_insert(now);
        let (sender, answer) = oneshot::channel();
        *waiting += 1;
        calls.waiting += 1;
        calls.queue.push_back(sender);
        if may_work && !calls.in_turns {
            calls.in_turns = true;
            turns.push_back(Arc::clone(who));
        }
        let patience = if now.duration_since(since) >= PATIENCE { SHORT } else { PATIENCE };
        Asked::Wait(Waiter { room: Arc::clone(self), who: Arc::clone(who), answer }, patience)
    }

    /// A call of `who` begins again without waiting: what it is in the middle of ends sooner so.
    fn back(&self, who: &Arc<str>) {
        let mut state = self.state();
        state.at_work += 1;
        state.callers.entry(Arc::clone(who)).or_default().at_work += 1;
    }

    /// A call of `who` gives its place to the next one.
    fn left(self: &Arc<Self>, who: &Arc<str>) {
        let mut state = self.state();
        state.at_work = state.at_work.saturating_sub(1);
        let State { callers, turns, .. } = &mut *state;
        if let Some(calls) = callers.get_mut(who) {
            calls.at_work = calls.at_work.saturating_sub(1);
            if calls.waiting > 0 && !calls.in_turns && calls.at_work < self.bounds.of_caller {
                calls.in_turns = true;
                turns.push_back(Arc::clone(who));
            }
        }
        state.forget(who);
        self.let_in(&mut state);
    }

    fn let_in(self: &Arc<Self>, state: &mut State) {
        while state.at_work < self.bounds.places {
            let Some(who) = state.turns.pop_front() else { return };
            let Some(calls) = state.callers.get_mut(&who) else { continue };
            calls.in_turns = false;
            let mut let_in = false;
            while let Some(sender) = calls.queue.pop_front() {
                match sender.send(Place::new(self, &who)) {
                    Ok(()) => {
                        let_in = true;
                        break;
                    }
                    // It went away, and has said so.
                    Err(place) => place.void(),
                }
            }
            if let_in {
                calls.at_work += 1;
                calls.waiting -= 1;
                if calls.waiting > 0 && calls.at_work < self.bounds.of_caller {
                    calls.in_turns = true;
                    state.turns.push_back(Arc::clone(&who));
                }
                state.at_work += 1;
                state.one_waits_less();
            }
            state.forget(&who);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn one_waits_less(&mut self) {
        self.waiting -= 1;
        if self.waiting == 0 {
            self.standing_since = None;
        }
    }

    fn forget(&mut self, who: &Arc<str>) {
        if self.callers.get(who).is_some_and(|calls| calls.at_work == 0 && calls.waiting == 0 && !calls.in_turns) {
            self.callers.remove(who);
        }
    }
}

enum Asked {
    Place(Place),
    Wait(Waiter, Duration),
    Full,
}

/// Somebody who waits; going away, for whatever reason, is noted.
struct Waiter {
    room: Arc<Room>,
    who: Arc<str>,
    answer: oneshot::Receiver<Place>,
}

impl Waiter {
    /// Ends the wait. The place, if it came meanwhile.
    fn leave(&mut self) -> Option<Place> {
        if self.answer.is_terminated() {
            return None;
        }
        // Under the lock: whoever lets in either has counted this one out already, or finds it closed.
        let mut state = self.room.state();
        self.answer.close();
        let came = self.answer.try_recv().ok();
        if came.is_none() {
            if let Some(calls) = state.callers.get_mut(&self.who) {
                calls.waiting = calls.waiting.saturating_sub(1);
                while calls.queue.front().is_some_and(oneshot::Sender::is_closed) {
                    calls.queue.pop_front();
                }
                if calls.waiting == 0 && calls.in_turns {
                    calls.in_turns = false;
                    let who = &self.who;
                    state.turns.retain(|next| next != who);
                }
            }
            state.one_waits_less();
            state.forget(&self.who);
        }
        came
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

/// A call at work; it ends with the drop.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    who: Arc<str>,
    inside: AtomicBool,
}

impl Place {
    fn new(room: &Arc<Room>, who: &Arc<str>) -> Self {
        Self { room: Arc::clone(room), who: Arc::clone(who), inside: AtomicBool::new(true) }
    }

    /// Waits for something that is done elsewhere; the place is another call's meanwhile.
    pub async fn while_elsewhere<T>(&self, work: impl Future<Output = T>) -> T {
        if self.inside.swap(false, Ordering::AcqRel) {
            self.room.left(&self.who);
        }
        let done = work.await;
        if !self.inside.swap(true, Ordering::AcqRel) {
            self.room.back(&self.who);
        }
        done
    }

    /// It was never counted.
    fn void(self) {
        self.inside.store(false, Ordering::Release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.inside.load(Ordering::Acquire) {
            self.room.left(&self.who);
        }
    }
}
