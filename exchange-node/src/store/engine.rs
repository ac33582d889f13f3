//! The engine behind the store: fjall, or memory in tests. One API of get, scan and atomic commit.

use super::{Error, Space, recent::Recent};
use bytes::Bytes;
use exchange_proto::store::{CertificateRow, LogState};
use fjall::{KeyspaceCreateOptions, PersistMode};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// A row's key.
pub type Key = Vec<u8>;
/// A row's value; shared, not copied.
pub type Value = Bytes;

/// A row to write or, without a value, to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub space: Space,
    /// Key.
    pub key: Key,
    /// `None` removes.
    pub value: Option<Value>,
}

impl Write {
    /// Writes a row.
    pub fn put(space: Space, key: Key, value: impl Into<Value>) -> Self {
        Self { space, key, value: Some(value.into()) }
    }

    /// Removes a row.
    pub const fn remove(space: Space, key: Key) -> Self {
        Self { space, key, value: None }
    }
}

/// One database of the store. Clones share it.
#[derive(Clone)]
pub struct Database {
    engine: Arc<Engine>,
    recent: Arc<Recent>,
    durable: bool,
}

/// What keeps the rows.
pub enum Engine {
    /// On disk.
    Fjall {
        /// The database; one journal for all keyspaces.
        database: fjall::Database,
        /// Its keyspaces.
        spaces: BTreeMap<Space, fjall::Keyspace>,
    },
    /// In memory, with what was committed and not synced apart from what was.
    #[cfg(feature = "test-util")]
    Memory(std::sync::RwLock<BTreeMap<(Space, Key), Value>>),
}

/// Longest key that the engine has, in bytes. It panics at longer ones, also when they are only asked for; no row of ours
/// comes near it, so nothing is found under one.
const MAX_KEY_BYTES: usize = u16::MAX as usize;
/// Blocks of tables, for each database.
const CACHE_BYTES: u64 = 64 << 20;
const JOURNAL_BYTES: u64 = 256 << 20;
/// Rows of a keyspace that are not in a table yet, in `own/` and in `province/`. Small ones in `province/`, where a log that is
/// caught up fills them many times a second: flushes come early and evenly, and the rate is that of larger ones. Set when a
/// keyspace is made, and kept in the database from then on.
const OWN_MEMTABLE_BYTES: u64 = 16 << 20;
const PROVINCE_MEMTABLE_BYTES: u64 = 8 << 20;
/// Threads that flush and compact, for each database. The first only flushes; a sole one could wait for itself for ever, since
/// in fjall 3.1 it sends itself work over a bounded queue that commits fill too. While a compaction is asked for and no other
/// worker is free, the first one asks again and again without a pause; with two others one is mostly free.
const WORKERS: usize = 3;

/// How the databases of the store are opened.
pub fn builder(folder: &Path) -> fjall::DatabaseBuilder<fjall::Database> {
    fjall::Database::builder(folder).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES).worker_threads(WORKERS)
}

/// How their keyspaces are made: those of `own/`, which is durable, and those of `province/`.
pub fn keyspace_options(durable: bool) -> KeyspaceCreateOptions {
    let bytes = if durable { OWN_MEMTABLE_BYTES } else { PROVINCE_MEMTABLE_BYTES };
    KeyspaceCreateOptions::default().max_memtable_size(bytes)
}

impl Database {
    pub(super) fn open(folder: &Path, spaces: &[Space], durable: bool) -> Result<Self, Error> {
        let database = builder(folder).open()?;
        let spaces = spaces
            .iter()
            .map(|space| Ok((*space, database.keyspace(space.name(), || keyspace_options(durable))?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self { engine: Arc::new(Engine::Fjall { database, spaces }), recent: Arc::default(), durable })
    }

    #[cfg(feature = "test-util")]
    pub(super) fn in_memory() -> Self {
        Self { engine: Arc::new(Engine::Memory(std::sync::RwLock::default())), recent: Arc::default(), durable: true }
    }

    /// Does [`Database::commit`] return only when the rows are on disk?
    pub const fn durable(&self) -> bool {
        self.durable
    }

    /// Reads one row.
    pub fn get(&self, space: Space, key: impl AsRef<[u8]>) -> Result<Option<Value>, Error> {
        if key.as_ref().len() > MAX_KEY_BYTES {
            return Ok(None);
        }
        match &*self.engine {
            Engine::Fjall { spaces, .. } => Ok(keyspace(spaces, space)?.get(key)?.map(Bytes::from)),
            #[cfg(feature = "test-util")]
            Engine::Memory(rows) => Ok(read(rows).get(&(space, key.as_ref().to_vec())).cloned()),
        }
    }

    /// A certificate's row, decoded; one that was read a moment ago is not read again.
    pub fn certificate(&self, key: &[u8]) -> Result<Option<Arc<CertificateRow>>, Error> {
        self.recent.certificate(key, || self.get(Space::Certificates, key))
    }

    /// As [`Database::certificate`], the state of a region's log.
    pub fn log_state(&self, key: &[u8]) -> Result<Option<Arc<LogState>>, Error> {
        self.recent.state(key, || self.get(Space::Regions, key))
    }

    /// Is there such a row?
    pub fn contains(&self, space: Space, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        if key.as_ref().len() > MAX_KEY_BYTES {
            return Ok(false);
        }
        match &*self.engine {
            Engine::Fjall { spaces, .. } => Ok(keyspace(spaces, space)?.contains_key(key)?),
            #[cfg(feature = "test-util")]
            Engine::Memory(rows) => Ok(read(rows).contains_key(&(space, key.as_ref().to_vec()))),
        }
    }

    /// Rows with keys in `from..to`, in order, at most `limit`.
    pub fn scan(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Value)>, Error> {
        let mut found = Vec::new();
        self.visit(space, from, to, |key, value| {
            found.push((key.to_vec(), value));
            found.len() < limit
        })?;
        Ok(found)
    }

    /// Calls `each` for the rows with keys in `from..to`, in order, until it says false.
    pub fn visit(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        mut each: impl FnMut(&[u8], Value) -> bool,
    ) -> Result<(), Error> {
        if from >= to || from.len().max(to.len()) > MAX_KEY_BYTES {
            return Ok(());
        }
        match &*self.engine {
            Engine::Fjall { spaces, .. } => {
                for row in keyspace(spaces, space)?.range(from.to_vec()..to.to_vec()) {
                    let (key, value) = row.into_inner()?;
                    if !each(&key, Bytes::from(value)) {
                        break;
                    }
                }
            }
            #[cfg(feature = "test-util")]
            Engine::Memory(rows) => {
                for ((_, key), value) in read(rows).range((space, from.to_vec())..(space, to.to_vec())) {
                    if !each(key, value.clone()) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The last row with a key in `from..to`.
    pub fn last(&self, space: Space, from: &[u8], to: &[u8]) -> Result<Option<(Key, Value)>, Error> {
        if from >= to || from.len().max(to.len()) > MAX_KEY_BYTES {
            return Ok(None);
        }
        match &*self.engine {
            Engine::Fjall { spaces, .. } => {
                let row = keyspace(spaces, space)?.range(from.to_vec()..to.to_vec()).next_back();
                Ok(row.map(fjall::Guard::into_inner).transpose()?.map(|(key, value)| (key.to_vec(), value.into())))
            }
            #[cfg(feature = "test-util")]
            Engine::Memory(rows) => Ok(read(rows)
                .range((space, from.to_vec())..(space, to.to_vec()))
                .next_back()
                .map(|((_, key), value)| (key.clone(), value.clone()))),
        }
    }

    /// Writes all rows or none; on disk when it returns, if this database is durable.
    pub fn commit(&self, mut rows: Vec<Write>) -> Result<(), Error> {
        // Neighbours find each other's place in the cache: a fifth less CPU for the rows of `exchange-bench ingest`.
        // Stable: of two rows with one key the later one counts.
        rows.sort_by(|a, b| (a.space, &a.key).cmp(&(b.space, &b.key)));
        let written = self.write(&rows);
        // Also where it failed: the outcome is unknown then.
        self.recent.forget(&rows);
        written
    }

    fn write(&self, rows: &[Write]) -> Result<(), Error> {
        match &*self.engine {
            Engine::Fjall { database, spaces } => {
                let mode = self.durable.then_some(PersistMode::SyncAll);
                let mut batch = fjall::OwnedWriteBatch::with_capacity(database.clone(), rows.len()).durability(mode);
                for Write { space, key, value } in rows {
                    let keyspace = keyspace(spaces, *space)?;
                    match value {
                        Some(value) => batch.insert(keyspace, key.as_slice(), value.clone()),
                        None => batch.remove(keyspace, key.as_slice()),
                    }
                }
                Ok(batch.commit()?)
            }
            #[cfg(feature = "test-util")]
            Engine::Memory(all) => {
                let mut all = all.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                for Write { space, key, value } in rows {
                    match value {
                        Some(value) => drop(all.insert((*space, key.clone()), value.clone())),
                        None => drop(all.remove(&(*space, key.clone()))),
                    }
                }
                Ok(())
            }
        }
    }

    /// Has a commit or a flush failed, so that the engine takes no commits until it is opened again?
    pub fn has_failed(&self) -> bool {
        match &*self.engine {
            // The engine has no other way to ask; with nothing waiting this writes nothing.
            Engine::Fjall { database, .. } => database.persist(PersistMode::Buffer).is_err(),
            #[cfg(feature = "test-util")]
            Engine::Memory(_) => false,
        }
    }

    /// Rows in a keyspace, roughly.
    pub fn approximate_rows(&self, space: Space) -> u64 {
        match &*self.engine {
            Engine::Fjall { spaces, .. } => spaces.get(&space).map_or(0, |keyspace| keyspace.approximate_len() as u64),
            #[cfg(feature = "test-util")]
            Engine::Memory(rows) => read(rows).keys().filter(|(found, _)| *found == space).count() as u64,
        }
    }
}

fn keyspace(spaces: &BTreeMap<Space, fjall::Keyspace>, space: Space) -> Result<&fjall::Keyspace, Error> {
    spaces
        .get(&space)
        .ok_or_else(|| Error::Row { space: space.name(), problem: "this database has no such keyspace".to_owned() })
}

#[cfg(feature = "test-util")]
fn read(
    rows: &std::sync::RwLock<BTreeMap<(Space, Key), Value>>,
) -> std::sync::RwLockReadGuard<'_, BTreeMap<(Space, Key), Value>> {
    rows.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A caller may ask for anything: the engine itself would panic.
    #[test]
    fn nothing_is_found_under_keys_that_no_row_can_have() {
        let folder = tempfile::tempdir().unwrap();
        let on_disk = Database::open(folder.path(), &[Space::Types, Space::Regions], false).unwrap();
        #[cfg(feature = "test-util")]
        let databases = [on_disk, Database::in_memory()];
        #[cfg(not(feature = "test-util"))]
        let databases = [on_disk];
        for database in databases {
            database.commit(vec![Write::put(Space::Types, vec![b'x'; 9], vec![1])]).unwrap();
            for length in [MAX_KEY_BYTES, MAX_KEY_BYTES + 1, 1 << 20] {
                let (key, end) = (vec![b'x'; length], vec![b'y'; length]);
                assert_eq!(database.get(Space::Types, &key).unwrap(), None);
                assert!(!database.contains(Space::Types, &key).unwrap());
                assert_eq!(database.scan(Space::Types, &key, &end, 10).unwrap(), []);
                assert_eq!(database.last(Space::Types, &key, &end).unwrap(), None);
            }
        }
    }
}
