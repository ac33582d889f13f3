//! What was not progress on a feed: the last thousand of each region, each with at most 64 kB of evidence.

use super::staged::Staged;
use crate::store::{Error, Key, Space, Store, keys};
use exchange_core::region::Region;
use exchange_proto::store::RejectedRow;

/// Rows kept for one region.
pub const MAX_ROWS: u64 = 1_000;
/// Evidence kept in one row, in bytes; with [`MAX_ROWS`] that bounds a region to 64 MB.
pub const MAX_EVIDENCE_BYTES: usize = 64_000;

/// One region's ring.
pub(super) struct Ring {
    region: Region,
    first: u64,
    next: u64,
}

impl Ring {
    pub(super) fn open(store: &Store, region: Region) -> Result<Self, Error> {
        let prefix = region.as_bytes();
        let end = keys::after(&prefix);
        let first = store.province.scan(Space::Rejected, &prefix, &end, 1)?;
        let last = store.province.last(Space::Rejected, &prefix, &end)?;
        let next = last.map_or(0, |(key, _)| keys::last_number(&key) + 1);
        Ok(Self { region, first: first.first().map_or(next, |(key, _)| keys::last_number(key)), next })
    }

    pub(super) fn push(&mut self, staged: &mut Staged, row: &RejectedRow) {
        staged.put(Space::Rejected, self.key(self.next), row);
        self.next += 1;
        while self.next - self.first > MAX_ROWS {
            staged.remove(Space::Rejected, self.key(self.first));
            self.first += 1;
        }
    }

    fn key(&self, number: u64) -> Key {
        keys::regional(self.region, &number.to_be_bytes())
    }
}
