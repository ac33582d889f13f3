//! A carrier in memory that does what a carrier may do: lose, repeat, swap, change.

use super::{Error, Outgoing, Record};
use bytes::Bytes;
use exchange_core::region::Region;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// What happens to one published record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Confirmed and lost.
    Drop,
    /// Delivered twice.
    Duplicate,
    /// Delivered after the next one.
    HoldBack,
    /// Delivered together with the next one, in order.
    Delay,
    /// Not taken, and not confirmed.
    Refuse,
    /// Taken; the confirmation is lost.
    Unconfirmed,
    /// One bit of this byte (counted modulo the length) is changed.
    Corrupt {
        /// Which byte.
        byte: usize,
    },
    /// Cut to half its length.
    Truncate,
}

/// Topics in memory. Clones share them.
#[derive(Clone)]
pub struct Broker {
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<u64>>,
    /// Whose view it is; a node that is cut off reaches nothing.
    seen_by: Option<Region>,
}

#[derive(Default)]
struct State {
    cluster: u64,
    down: bool,
    topics: BTreeMap<Region, Vec<Bytes>>,
    faults: BTreeMap<Region, VecDeque<Fault>>,
    held: BTreeMap<Region, Bytes>,
    delayed: BTreeMap<Region, Vec<Bytes>>,
    cut: BTreeSet<Region>,
    applied: Vec<Fault>,
}

impl Default for Broker {
    fn default() -> Self {
        Self { state: Arc::default(), changed: Arc::new(watch::Sender::new(0)), seen_by: None }
    }
}

impl Broker {
    /// Applies to the next record of the region that is published; several wait in line.
    pub fn fault(&self, region: Region, fault: Fault) {
        self.state().faults.entry(region).or_default().push_back(fault);
    }

    /// Loses every record: another, empty cluster stands in its place.
    pub fn lose_all(&self) {
        let mut state = self.state();
        let (cut, applied) = (std::mem::take(&mut state.cut), std::mem::take(&mut state.applied));
        *state = State { cluster: state.cluster + 1, down: state.down, cut, applied, ..State::default() };
        drop(state);
        self.notify();
    }

    /// Takes and gives nothing while it is down.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
        self.notify();
    }

    /// The same broker as a node reaches it.
    pub fn seen_by(&self, region: Region) -> Self {
        Self { seen_by: Some(region), ..self.clone() }
    }

    /// A node reaches it no more, or again.
    pub fn cut(&self, region: Region, cut: bool) {
        let mut state = self.state();
        if cut {
            state.cut.insert(region);
        } else {
            state.cut.remove(&region);
        }
        drop(state);
        self.notify();
    }

    /// What has happened so far.
    pub fn applied(&self) -> Vec<Fault> {
        self.state().applied.clone()
    }

    /// Does it take and give nothing?
    pub fn is_down(&self) -> bool {
        let state = self.state();
        state.is_down(self.seen_by)
    }

    /// Puts bytes into a topic as they are.
    pub fn inject(&self, region: Region, bytes: Bytes) {
        self.state().topics.entry(region).or_default().push(bytes);
        self.notify();
    }

    /// What a topic holds.
    pub fn records(&self, region: Region) -> Vec<Bytes> {
        self.state().topics.get(&region).cloned().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn publish(&self, region: Region, segment: &Outgoing) -> Result<(), Error> {
        let mut state = self.state();
        if state.is_down(self.seen_by) {
            return Err(Error::NotConfirmed("the broker is down".to_owned()));
        }
        let fault = state.faults.get_mut(&region).and_then(VecDeque::pop_front);
        state.applied.extend(fault);
        if fault == Some(Fault::Refuse) {
            return Err(Error::NotConfirmed("the record was not taken".to_owned()));
        }
        let late = state.delayed.remove(&region).unwrap_or_default();
        let held = state.held.remove(&region);
        let bytes = segment.bytes.clone();
        let delivered = match fault {
            None | Some(Fault::Refuse | Fault::Unconfirmed) => vec![bytes],
            Some(Fault::Drop) => Vec::new(),
            Some(Fault::Duplicate) => vec![bytes.clone(), bytes],
            Some(Fault::HoldBack) => {
                state.held.insert(region, bytes);
                Vec::new()
            }
            Some(Fault::Delay) => {
                state.delayed.insert(region, vec![bytes]);
                Vec::new()
            }
            Some(Fault::Corrupt { byte }) => {
                let mut changed = bytes.to_vec();
                let at = byte % changed.len().max(1);
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1;
                }
                vec![Bytes::from(changed)]
            }
            Some(Fault::Truncate) => vec![bytes.slice(..bytes.len() / 2)],
        };
        state.topics.entry(region).or_default().extend(late.into_iter().chain(delivered).chain(held));
        drop(state);
        self.notify();
        match fault {
            Some(Fault::Unconfirmed) => Err(Error::TimedOut { seconds: 0 }),
            _ => Ok(()),
        }
    }

    pub(super) fn feed(&self, region: Region, cluster: &str, offset: i64) -> Feed {
        let offset = if cluster == self.state().name().as_ref() { offset } else { 0 };
        let cluster = self.state().cluster;
        Feed { broker: self.clone(), region, cluster, offset, changed: self.changed.subscribe() }
    }
}

impl State {
    fn is_down(&self, seen_by: Option<Region>) -> bool {
        self.down || seen_by.is_some_and(|region| self.cut.contains(&region))
    }

    fn name(&self) -> Arc<str> {
        Arc::from(format!("memory-{}", self.cluster))
    }
}

/// One region's topic.
pub(super) struct Feed {
    broker: Broker,
    region: Region,
    cluster: u64,
    offset: i64,
    changed: watch::Receiver<u64>,
}

impl Feed {
    pub(super) async fn next(&mut self) -> Record {
        loop {
            self.changed.borrow_and_update();
            if let Some(record) = self.try_next() {
                return record;
            }
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn try_next(&mut self) -> Option<Record> {
        let state = self.broker.state();
        if state.is_down(self.broker.seen_by) {
            return None;
        }
        if state.cluster != self.cluster {
            self.cluster = state.cluster;
            self.offset = 0;
        }
        let payload = state.topics.get(&self.region)?.get(usize::try_from(self.offset).ok()?)?.clone();
        let record = Record { cluster: state.name(), offset: self.offset, payload };
        self.offset += 1;
        Some(record)
    }

    pub(super) const fn seek(&mut self, offset: i64) {
        self.offset = offset;
    }
}
