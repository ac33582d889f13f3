//! Rows of one commit to `province/`, readable before they are written.

use crate::{
    spawn::Tasks,
    store::{Error, Key, Space, Store, Value, Write},
};
use exchange_proto::rows;
use prost::Message;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError, mpsc},
};

/// Rows that are read back. Their order in a batch says nothing: each key is there once.
type Rows = BTreeMap<Space, HashMap<Key, Option<Value>>>;

/// What a commit will write.
#[derive(Default)]
pub(super) struct Staged {
    rows: Rows,
    /// Rows that nobody reads before they are written: entries, tiles, checkpoints, holders.
    blind: Vec<Write>,
    leaving: Option<Leaving>,
}

/// A commit that is written while the next one is staged. Until it has ended nobody knows which of its rows the store
/// shows, so they are read here.
struct Leaving {
    rows: Rows,
    /// In a lock only because the copy is shared between threads, one after the other.
    ended: Mutex<mpsc::Receiver<Result<(), Error>>>,
}

impl Leaving {
    fn ended(&mut self) -> Result<(), Error> {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        ended.recv().unwrap_or(Err(Error::NotRun))
    }
}

/// Who opens the copy again must find the whole commit or none of it, and not one that is still being written.
impl Drop for Leaving {
    fn drop(&mut self) {
        let _ = self.ended();
    }
}

impl Staged {
    /// The row as it will be.
    pub(super) fn get(&self, store: &Store, space: Space, key: &[u8]) -> Result<Option<Value>, Error> {
        match self.staged(space, key) {
            Some(staged) => Ok(staged.clone()),
            None => store.province.get(space, key),
        }
    }

    /// Will there be such a row?
    pub(super) fn contains(&self, store: &Store, space: Space, key: &[u8]) -> Result<bool, Error> {
        match self.staged(space, key) {
            Some(staged) => Ok(staged.is_some()),
            None => store.province.contains(space, key),
        }
    }

    fn staged(&self, space: Space, key: &[u8]) -> Option<&Option<Value>> {
        let later = self.rows.get(&space).and_then(|rows| rows.get(key));
        later.or_else(|| self.leaving.as_ref()?.rows.get(&space)?.get(key))
    }

    /// The message in a row as it will be.
    pub(super) fn read<M: Message + Default>(
        &self,
        store: &Store,
        space: Space,
        key: &[u8],
    ) -> Result<Option<M>, Error> {
        let decode = |value: Value| {
            rows::decode(&value).map_err(|error| Error::Row { space: space.name(), problem: error.to_string() })
        };
        self.get(store, space, key)?.map(decode).transpose()
    }

    pub(super) fn put(&mut self, space: Space, key: Key, row: &impl Message) {
        self.rows.entry(space).or_default().insert(key, Some(Value::from(rows::encode(row))));
    }

    pub(super) fn remove(&mut self, space: Space, key: Key) {
        self.rows.entry(space).or_default().insert(key, None);
    }

    /// For rows that nobody reads before they are written.
    pub(super) const fn blind(&mut self) -> &mut Vec<Write> {
        &mut self.blind
    }

    /// Everything, and leaves it empty.
    pub(super) fn take(&mut self) -> Vec<Write> {
        let mut writes = std::mem::take(&mut self.blind);
        for (space, rows) in std::mem::take(&mut self.rows) {
            writes.extend(rows.into_iter().map(|(key, value)| Write { space, key, value }));
        }
        writes
    }

    /// Commits everything, with one row more, on another thread, and leaves this empty for what comes next. One commit
    /// at a time: the order of a log is that of its commits.
    ///
    /// # Errors
    /// The commit before this one failed: nothing of this one is written.
    pub(super) fn commit_beside(&mut self, store: &Store, last: Write, tasks: &Tasks) -> Result<(), Error> {
        self.settle()?;
        let rows = std::mem::take(&mut self.rows);
        let mut writes = std::mem::take(&mut self.blind);
        for (space, rows) in &rows {
            let write =
                |(key, value): (&Key, &Option<Value>)| Write { space: *space, key: key.clone(), value: value.clone() };
            writes.extend(rows.iter().map(write));
        }
        writes.push(last);
        let (end, ended) = mpsc::sync_channel(1);
        let province = store.province.clone();
        // Nobody waits for the task itself: it says how it ended, and a stop of the node waits for it.
        drop(tasks.blocking(move || end.send(province.commit(writes))));
        self.leaving = Some(Leaving { rows, ended: Mutex::new(ended) });
        Ok(())
    }

    /// Waits until the commit that [`Staged::commit_beside`] began is in the store.
    ///
    /// # Errors
    /// It failed, or never ran.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.leaving.take().map_or(Ok(()), |mut leaving| leaving.ended())
    }
}
