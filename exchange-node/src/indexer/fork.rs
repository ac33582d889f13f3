//! Fork evidence: two genuine checkpoints that contradict each other, kept in `own/` for ever.

use crate::{
    ledger::{Changes, Command, Decision, View},
    refusal::Refusal,
    store::{Error, Key, Space, Store, Write, keys},
};
use exchange_core::region::Region;
use exchange_proto::{rows, store::ForkEvidence};

/// A contradiction, with what proves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fork {
    /// Whose log.
    pub region: Region,
    /// In which epoch.
    pub epoch: u32,
    /// Size at which the two differ.
    pub size: u64,
    /// Both notes; of different sizes with the leaf hashes between them.
    pub evidence: ForkEvidence,
}

impl Fork {
    fn key(&self) -> Key {
        keys::entry(self.region, self.epoch, self.size)
    }
}

/// Keeps the evidence; the first for a size stays.
pub struct KeepEvidence(pub Fork);

impl Command for KeepEvidence {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push((Space::Evidence, self.0.key()));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        let key = self.0.key();
        if let Some(kept) = view.row(Space::Evidence, &key)? {
            return Ok(Decision::Earlier(kept.clone()));
        }
        let rows = vec![Write::put(Space::Evidence, key, rows::encode(&self.0.evidence))];
        Ok(Decision::Commit(Changes { rows, ..Changes::default() }))
    }

    fn while_read_only(&self) -> bool {
        true // evidence is what a read-only node may have to keep
    }
}

/// Is there evidence against this epoch of a region's log? It outlives a deleted `province/`.
///
/// # Errors
/// The store fails.
pub fn is_forked(store: &Store, region: Region, epoch: u32) -> Result<bool, Error> {
    let prefix = keys::log(region, epoch);
    Ok(!store.own.scan(Space::Evidence, &prefix, &keys::after(&prefix), 1)?.is_empty())
}
