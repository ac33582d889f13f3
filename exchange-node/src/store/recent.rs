//! Rows that questions read again and again, decoded: certificates, and the states of regions' logs.
//!
//! A row is here as it is in the database: every commit forgets the rows that it wrote before it returns, also those that
//! are being read at that moment.

use super::{Error, Key, Space, Value, Write, own};
use crate::recency;
use exchange_proto::store::{CertificateRow, LogState};
use prost::Message;
use quick_cache::{UnitWeighter, sync::Cache};
use std::sync::Arc;

/// Certificates of each database; a row takes some 700 bytes.
const MOST_CERTIFICATES: usize = 32_768;
/// Regions, with the other keys of their keyspace.
const MOST_STATES: usize = 64;

/// Of one database.
pub(super) struct Recent {
    certificates: Cache<Key, Arc<CertificateRow>>,
    states: Cache<Key, Arc<LogState>>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { certificates: rows(MOST_CERTIFICATES), states: rows(MOST_STATES) }
    }
}

impl Recent {
    pub(super) fn certificate(
        &self,
        key: &[u8],
        read: impl FnOnce() -> Result<Option<Value>, Error>,
    ) -> Result<Option<Arc<CertificateRow>>, Error> {
        get(&self.certificates, Space::Certificates, key, read)
    }

    pub(super) fn state(
        &self,
        key: &[u8],
        read: impl FnOnce() -> Result<Option<Value>, Error>,
    ) -> Result<Option<Arc<LogState>>, Error> {
        get(&self.states, Space::Regions, key, read)
    }

    /// These rows were written.
    pub(super) fn forget(&self, written: &[Write]) {
        for row in written {
            match row.space {
                Space::Certificates => drop(self.certificates.remove(&row.key)),
                Space::Regions => drop(self.states.remove(&row.key)),
                _ => {}
            }
        }
    }
}

fn rows<M>(most: usize) -> Cache<Key, Arc<M>> {
    recency::cache(most, most as u64, UnitWeighter)
}

/// Of several who miss a row at once, one reads it. What is forgotten while it is read is not kept: its place is gone then.
fn get<M: Message + Default>(
    cache: &Cache<Key, Arc<M>>,
    space: Space,
    key: &[u8],
    read: impl FnOnce() -> Result<Option<Value>, Error>,
) -> Result<Option<Arc<M>>, Error> {
    let found = cache.get_or_insert_with(key, || {
        let value = read().map_err(Some)?.ok_or(None)?;
        own::decode(space, &value).map(Arc::new).map_err(Some)
    });
    match found {
        Ok(row) => Ok(Some(row)),
        Err(None) => Ok(None),
        Err(Some(error)) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use exchange_proto::rows;
    use std::cell::Cell;

    const KEY: &[u8] = b"370100id";

    fn row(revision: u32) -> Value {
        rows::encode(&CertificateRow { revision, ..Default::default() }).into()
    }

    fn revision(recent: &Recent, read: impl FnOnce() -> Option<Value>) -> Option<u32> {
        recent.certificate(KEY, || Ok(read())).unwrap().map(|row| row.revision)
    }

    fn commit(recent: &Recent) {
        recent.forget(&[Write::put(Space::Certificates, KEY.to_vec(), row(9))]);
    }

    #[test]
    fn a_row_is_read_once_until_a_commit_writes_it() {
        let recent = Recent::default();
        let reads = Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            Some(row(reads.get()))
        };
        assert_eq!([revision(&recent, read), revision(&recent, read)], [Some(1), Some(1)]);
        let others = [
            Write::put(Space::Certificates, b"370200id".to_vec(), row(9)),
            Write::put(Space::Entries, KEY.to_vec(), row(9)),
        ];
        recent.forget(&others);
        assert_eq!(revision(&recent, read), Some(1), "other rows were written");
        commit(&recent);
        assert_eq!(revision(&recent, read), Some(2));
    }

    #[test]
    fn a_row_that_is_written_while_it_is_read_is_not_kept() {
        let recent = Recent::default();
        let read = || {
            commit(&recent);
            Some(row(1))
        };
        assert_eq!(revision(&recent, read), Some(1), "it was that before the commit returned");
        assert_eq!(revision(&recent, || Some(row(2))), Some(2));
    }

    #[test]
    fn neither_absence_nor_a_failure_is_kept() {
        let recent = Recent::default();
        assert_eq!(revision(&recent, || None), None);
        assert!(recent.certificate(KEY, || Err(Error::NotRun)).is_err());
        assert!(recent.certificate(KEY, || Ok(Some(Value::from_static(b"\xff")))).is_err(), "it does not read");
        assert_eq!(revision(&recent, || Some(row(1))), Some(1));
    }
}
