//! Rows of one commit to `province/`, readable before they are written.

use crate::store::{Error, Key, Space, Store, Value, Write};
use exchange_proto::rows;
use prost::Message;
use std::collections::{BTreeMap, HashMap};

/// What a commit will write.
#[derive(Default)]
pub(super) struct Staged {
    /// Rows that are read back while the batch is made. Their order in the batch says nothing: each key is there once.
    rows: BTreeMap<Space, HashMap<Key, Option<Value>>>,
    /// Rows that nobody reads before they are written: entries, tiles, checkpoints, holders.
    blind: Vec<Write>,
}

impl Staged {
    /// The row as it will be.
    pub(super) fn get(&self, store: &Store, space: Space, key: &[u8]) -> Result<Option<Value>, Error> {
        match self.rows.get(&space).and_then(|rows| rows.get(key)) {
            Some(staged) => Ok(staged.clone()),
            None => store.province.get(space, key),
        }
    }

    /// Will there be such a row?
    pub(super) fn contains(&self, store: &Store, space: Space, key: &[u8]) -> Result<bool, Error> {
        match self.rows.get(&space).and_then(|rows| rows.get(key)) {
            Some(staged) => Ok(staged.is_some()),
            None => store.province.contains(space, key),
        }
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
}
