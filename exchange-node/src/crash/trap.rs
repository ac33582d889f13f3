//! A node's crash points, armed by a test.
//!
//! A thread that reaches an armed point stands still there, and every thread of the node that reaches any point after it
//! too. The test sees the hit, ends the node's runtime, and then lets the threads unwind, so that the folder is free
//! again. To the rest of the province this is a crash: nothing behind the point is written, said or sent.

use super::Point;
use std::{
    collections::BTreeMap,
    fmt,
    panic::resume_unwind,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Called at each pass, before the trap decides.
type Observer = Box<dyn Fn(Point) + Send + Sync>;

/// The armed points of one run of one node.
pub struct Trap {
    state: Mutex<State>,
    changed: Condvar,
    hit: watch::Sender<Option<Point>>,
    observer: Observer,
}

#[derive(Debug, Default)]
struct State {
    /// Passes left, the one that hits included.
    armed: BTreeMap<Point, u64>,
    passes: BTreeMap<Point, u64>,
    stopped: bool,
    released: bool,
}

/// What a stopped thread unwinds with.
struct Crashed;

impl Default for Trap {
    fn default() -> Self {
        Self::observed(|_| {})
    }
}

impl Trap {
    /// With somebody who sees every pass.
    pub fn observed(observer: impl Fn(Point) + Send + Sync + 'static) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            hit: watch::Sender::new(None),
            observer: Box::new(observer),
        }
    }

    /// The node stops at the `nth` pass from now on, counted from 1.
    pub fn arm(&self, point: Point, nth: u64) {
        self.state().armed.insert(point, nth.max(1));
    }

    /// Nothing is armed any more; a node that stands still goes on doing so.
    pub fn disarm(&self) {
        self.state().armed.clear();
    }

    /// The point where the node stands still, once it does.
    pub fn hit(&self) -> watch::Receiver<Option<Point>> {
        self.hit.subscribe()
    }

    /// How often a point was passed, hits included.
    pub fn passes(&self, point: Point) -> u64 {
        self.state().passes.get(&point).copied().unwrap_or(0)
    }

    /// Lets every thread that stands still unwind. The node's runtime must have been shut down before.
    pub fn release(&self) {
        let mut state = self.state();
        (state.stopped, state.released) = (true, true);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn pass(&self, point: Point) {
        let mut state = self.reached(point);
        if !state.stopped {
            return;
        }
        while !state.released {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        resume_unwind(Box::new(Crashed)); // no message: this is no panic
    }

    /// A pass of work that goes on by itself: the next point stops it.
    pub(super) fn note(&self, point: Point) {
        drop(self.reached(point));
    }

    fn reached(&self, point: Point) -> MutexGuard<'_, State> {
        (self.observer)(point);
        let mut state = self.state();
        *state.passes.entry(point).or_default() += 1;
        let left = state.armed.get(&point).map(|left| left - 1).filter(|_| !state.stopped);
        match left {
            None => {}
            Some(0) => {
                state.armed.remove(&point);
                state.stopped = true;
                self.hit.send_replace(Some(point));
            }
            Some(left) => drop(state.armed.insert(point, left)),
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trap").field("state", &self.state).finish_non_exhaustive()
    }
}
