//! The index of the own log: what the rows of `own/` do not have already, which are those of certificates.

use super::{
    Context, count_void,
    index::{Index, Step},
    replica::Committed,
    ring::Ring,
};
use crate::store::{
    Error, Space, Store, Write,
    log::{Entry, Kind, Log},
};
use bytes::Bytes;
use exchange_core::{checkpoint::Checkpoint, position::Position, region::Region};
use exchange_proto::{
    rows,
    store::{LogState, RejectedRow},
};
use std::sync::Arc;

/// Entries of one commit.
const BATCH: usize = 1_000;

/// The index of the own log.
pub struct OwnIndex {
    store: Store,
    region: Region,
    /// The epoch that the ledger writes.
    newest_epoch: u32,
    state: LogState,
    ring: Ring,
    index: Index,
}

impl OwnIndex {
    /// Opens the index as `province/` has it.
    ///
    /// # Errors
    /// The store fails.
    pub fn open(store: &Store, region: Region, province: Region, newest_epoch: u32) -> Result<Self, Error> {
        let mut state = store.region_state(region)?.map(Arc::unwrap_or_clone).unwrap_or_default();
        state.epoch = state.epoch.max(1);
        let (ring, index) = (Ring::open(store, region)?, Index::new(store.clone(), region, province));
        Ok(Self { store: store.clone(), region, newest_epoch, state, ring, index })
    }

    /// Says whether applied events are wanted.
    pub const fn set_watched(&mut self, watched: bool) {
        self.index.watched = watched;
    }

    /// Applies the next entries in one commit. False: everything is applied.
    ///
    /// # Errors
    /// The store fails: open the index again.
    pub fn step(&mut self, context: &Context, now_ms: u64) -> Result<(bool, Committed), Error> {
        let log = Log::new(&self.store.own, Kind::Events, self.region, self.state.epoch);
        let Some((size, note)) = log.newest_checkpoint()? else { return Ok((false, Committed::default())) };
        let first = self.state.size;
        if first == size && self.state.epoch < self.newest_epoch {
            let epoch = self.state.epoch + 1;
            self.state = LogState { epoch, size: 0, applied: 0, ..self.state.clone() };
            return Ok((true, Committed::default()));
        }
        let most = usize::try_from(size - first).unwrap_or(usize::MAX).min(BATCH);
        let entries = log.entries(first, most, usize::MAX)?;
        if entries.len() < most {
            return Err(Error::Row {
                space: Space::Entries.name(),
                problem: format!("entry {} of the own log is missing", first + entries.len() as u64),
            });
        }
        for (index, entry) in (first..).zip(&entries) {
            let Entry::Bytes(bytes) = entry else { continue };
            let position = Position { region: self.region, epoch: self.state.epoch, index };
            if let Step::Void(reason) = self.index.apply_own(position, bytes, &context.index_keys)? {
                count_void(self.region, &reason);
                self.state.void_entries += 1;
                let row = RejectedRow {
                    at_ms: now_ms,
                    outcome: "VOID".to_owned(),
                    reason: format!("{}: {reason}", reason.code()),
                    first: index,
                    count: 1,
                    evidence: Bytes::new(),
                    source: String::new(),
                };
                self.ring.push(&mut self.index.staged, &row);
            }
        }
        let grown = first + entries.len() as u64;
        if grown == size && !self.covered(size, note, now_ms)? && entries.is_empty() {
            return Ok((false, Committed::default()));
        }
        (self.state.size, self.state.applied) = (grown, grown);
        let mut writes = self.index.staged.take();
        writes.push(Write::put(Space::Regions, self.region.as_bytes().to_vec(), rows::encode(&self.state)));
        self.store.province.commit(writes)?;
        Ok((grown < size, self.index.committed()))
    }

    /// Takes the newest checkpoint over; false if it was there.
    fn covered(&mut self, size: u64, note: Bytes, now_ms: u64) -> Result<bool, Error> {
        if self.state.checkpoint == note {
            return Ok(false);
        }
        let checkpoint = Checkpoint::parse_unverified(&note).map_err(|error| Error::Row {
            space: Space::Checkpoints.name(),
            problem: format!("the own checkpoint of size {size} does not read: {error}"),
        })?;
        self.state.at_ms = checkpoint.at_ms;
        self.state.received_at_ms = now_ms;
        self.state.checkpoint = note;
        Ok(true)
    }

    /// If this is the province: decides implementations that waited for its log.
    ///
    /// # Errors
    /// The store fails.
    pub fn resolve_waiting(&mut self) -> Result<(), Error> {
        self.index.resolve_waiting()?;
        let writes = self.index.staged.take();
        if writes.is_empty() { Ok(()) } else { self.store.province.commit(writes) }
    }
}
