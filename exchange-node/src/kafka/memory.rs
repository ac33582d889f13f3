//! A carrier in memory that does what a carrier may do: lose, repeat, swap, change.

use super::{Error, Outgoing, Record};
use bytes::Bytes;
use exchange_core::region::Region;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// What happens to one published record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Confirmed and lost.
    Drop,
    /// Delivered twice.
    Duplicate,
    /// Delivered after the next one.
    HoldBack,
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
}

#[derive(Default)]
struct State {
    cluster: u64,
    down: bool,
    topics: BTreeMap<Region, Vec<Bytes>>,
    faults: BTreeMap<Region, VecDeque<Fault>>,
    held: BTreeMap<Region, Bytes>,
}

impl Default for Broker {
    fn default() -> Self {
        Self { state: Arc::default(), changed: Arc::new(watch::Sender::new(0)) }
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
        *state = State { cluster: state.cluster + 1, down: state.down, ..State::default() };
        drop(state);
        self.notify();
    }

    /// Takes and gives nothing while it is down.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
        self.notify();
    }

    /// Does it take and give nothing?
    pub fn is_down(&self) -> bool {
        self.state().down
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
        if state.down {
            return Err(Error::NotConfirmed("the broker is down".to_owned()));
        }
        let fault = state.faults.get_mut(&region).and_then(VecDeque::pop_front);
        let held = state.held.remove(&region);
        let bytes = segment.bytes.clone();
        let delivered = match fault {
            None => vec![bytes],
            Some(Fault::Drop) => Vec::new(),
            Some(Fault::Duplicate) => vec![bytes.clone(), bytes],
            Some(Fault::HoldBack) => {
                state.held.insert(region, bytes);
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
        state.topics.entry(region).or_default().extend(delivered.into_iter().chain(held));
        drop(state);
        self.notify();
        Ok(())
    }

    pub(super) fn feed(&self, region: Region, cluster: &str, offset: i64) -> Feed {
        let offset = if cluster == self.state().name().as_ref() { offset } else { 0 };
        let cluster = self.state().cluster;
        Feed { broker: self.clone(), region, cluster, offset, changed: self.changed.subscribe() }
    }
}

impl State {
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
        if state.down {
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
