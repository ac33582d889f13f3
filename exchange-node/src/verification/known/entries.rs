//! Certificates that were read from accepted logs, and whether they were verified. An accepted entry never changes, but it can be redacted:
//! then all of them are read again.

use crate::recency;
use bytes::Bytes;
use exchange_core::{certificate::Header, position::Position};
use quick_cache::{Weighter, sync::Cache};
use std::sync::{Arc, PoisonError, RwLock};

/// Bytes of those that are kept.
const MOST_BYTES: u64 = 64 << 20;
/// How many that are, roughly.
const ESTIMATED: usize = 32_768;
/// What an entry takes beside its envelope, roughly.
const OVERHEAD: usize = 512;
/// What a digest in its header takes, roughly.
const DIGEST: usize = 72;

/// A certificate whose envelope is in its city's log.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As logged.
    pub(crate) envelope: Bytes,
    /// What was signed.
    pub(crate) header: Arc<Header>,
    /// The credential that it names.
    pub(crate) key_id: [u8; 32],
    /// Its signature is that of the key which it names; `at` of the first checkpoint that covers it, which another one has
    /// followed. `None`: it was read, not verified.
    pub(crate) verified: Option<u64>,
}

/// In bytes.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Position, Arc<Entry>> for Weight {
    fn weight(&self, _position: &Position, entry: &Arc<Entry>) -> u64 {
        let digests = entry.header.fields.len() + entry.header.files.len();
        (OVERHEAD + entry.envelope.len() + digests * DIGEST) as u64
    }
}

/// Those that were used lately.
#[derive(Debug)]
pub(super) struct Entries {
    kept: Cache<Position, Arc<Entry>, Weight>,
    /// How often everything was forgotten.
    age: RwLock<u64>,
}

impl Default for Entries {
    fn default() -> Self {
        Self { kept: recency::cache(ESTIMATED, MOST_BYTES, Weight), age: RwLock::default() }
    }
}

impl Entries {
    pub(super) fn get(&self, position: Position) -> Option<Arc<Entry>> {
        self.kept.get(&position)
    }

    pub(super) fn age(&self) -> u64 {
        *self.age.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was read at an age, unless everything was forgotten since.
    pub(super) fn keep(&self, position: Position, entry: Entry, age: u64) -> Arc<Entry> {
        let entry = Arc::new(entry);
        let now = self.age.read().unwrap_or_else(PoisonError::into_inner);
        if age == *now {
            self.kept.insert(position, Arc::clone(&entry));
        }
        entry
    }

    pub(super) fn forget(&self) {
        let mut age = self.age.write().unwrap_or_else(PoisonError::into_inner);
        *age += 1;
        self.kept.clear();
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
            header: Arc::new(header(jinan(), 1)),
            key_id: [0; 32],
            verified: Some(1),
        }
    }

    #[test]
    fn what_was_read_before_all_was_forgotten_is_not_kept() {
        let entries = Entries::default();
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
    fn the_bytes_are_bounded_and_what_is_used_stays() {
        let entries = Entries::default();
        let big = exchange_core::certificate::MAX_HEADER_BYTES;
        entries.keep(at(0), entry(big), 0);
        for index in 1..3_000 {
            entries.keep(at(index), entry(big), 0);
            assert!(entries.get(at(0)).is_some(), "used again and again, at {index}");
        }
        assert!(entries.kept.weight() <= MOST_BYTES, "{}", entries.kept.weight());
        assert!(entries.kept.len() > 900, "{}", entries.kept.len());
    }
}
