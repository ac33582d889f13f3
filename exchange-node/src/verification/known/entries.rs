//! Certificates that were read from accepted logs and verified. An accepted entry never changes, but it can be redacted:
//! then all of them are read again.

use bytes::Bytes;
use exchange_core::{certificate::Header, position::Position};
use std::{collections::HashMap, mem, sync::Arc};

/// Bytes of envelopes of one half of those that are kept.
const HALF_BYTES: usize = 24 << 20;
/// What an entry takes beside its envelope, roughly.
const OVERHEAD: usize = 512;

/// A certificate whose envelope is in its city's log and whose signature is that of the key which it names.
#[derive(Debug)]
pub(in crate::verification) struct Entry {
    /// As logged.
    pub(in crate::verification) envelope: Bytes,
    /// What was signed, without digests.
    pub(in crate::verification) header: Header,
    /// The credential that it names.
    pub(in crate::verification) key_id: [u8; 32],
    /// `at` of the first checkpoint that covers it, which another one has followed.
    pub(in crate::verification) signed_ms: u64,
}

/// When the newer half is full the older one goes.
#[derive(Debug, Default)]
pub(super) struct Entries {
    newer: HashMap<Position, Arc<Entry>>,
    older: HashMap<Position, Arc<Entry>>,
    newer_bytes: usize,
    /// How often everything was forgotten.
    age: u64,
}

impl Entries {
    pub(super) fn get(&mut self, position: Position) -> Option<Arc<Entry>> {
        if let Some(entry) = self.newer.get(&position) {
            return Some(Arc::clone(entry));
        }
        let entry = self.older.remove(&position)?;
        self.put(position, Arc::clone(&entry));
        Some(entry)
    }

    pub(super) const fn age(&self) -> u64 {
        self.age
    }

    /// Keeps what was read at an age, unless everything was forgotten since.
    pub(super) fn keep(&mut self, position: Position, entry: Entry, age: u64) {
        if age == self.age {
            self.put(position, Arc::new(entry));
        }
    }

    pub(super) fn forget(&mut self) {
        *self = Self { age: self.age + 1, ..Self::default() };
    }

    fn put(&mut self, position: Position, entry: Arc<Entry>) {
        if self.newer_bytes >= HALF_BYTES {
            (self.older, self.newer_bytes) = (mem::take(&mut self.newer), 0);
        }
        self.newer_bytes += OVERHEAD + entry.envelope.len();
        self.newer.insert(position, entry);
    }
}

#[cfg(all(test, feature = "test-util"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::indexer::tests::city::{header, jinan};

    fn at(index: u64) -> Position {
        Position { region: jinan(), epoch: 1, index }
    }

    fn entry(bytes: usize) -> Entry {
        Entry {
            envelope: vec![0; bytes].into(),
            header: header(jinan(), 1).without_digests(),
            key_id: [0; 32],
            signed_ms: 1,
        }
    }

    #[test]
    fn what_was_read_before_all_was_forgotten_is_not_kept() {
        let mut entries = Entries::default();
        let age = entries.age();
        entries.keep(at(1), entry(10), age);
        assert!(entries.get(at(1)).is_some());
        entries.forget();
        assert!(entries.get(at(1)).is_none());
        entries.keep(at(1), entry(10), age);
        assert!(entries.get(at(1)).is_none(), "it may be the entry as it was before it was redacted");
        entries.keep(at(1), entry(10), entries.age());
        assert!(entries.get(at(1)).is_some());
    }

    #[test]
    fn what_is_used_stays_and_the_bytes_are_bounded() {
        let mut entries = Entries::default();
        let big = HALF_BYTES / 8;
        for index in 0..9 {
            entries.keep(at(index), entry(big), 0);
        }
        assert!(entries.get(at(0)).is_some(), "of the older half, and in the newer one from now on");
        for index in 9..16 {
            entries.keep(at(index), entry(big), 0);
        }
        assert!(entries.get(at(0)).is_some());
        assert!(entries.get(at(1)).is_none());
        let kept: usize = entries.newer.values().chain(entries.older.values()).map(|one| one.envelope.len()).sum();
        assert!(kept <= 2 * HALF_BYTES + 2 * big, "{kept}");
    }
}
