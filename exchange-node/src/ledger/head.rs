//! The head of an own log: all that is in memory of it, read back from the store at open.

use crate::store::{
    Error, Store, Value, Write,
    log::{Kind, Log, Tree, entry_in},
};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{Checkpoint, LogKey, LogKind, Origin},
    merkle::{GroupTree, Hash, leaf_hash},
    region::Region,
};
use std::sync::Arc;

/// Signs checkpoints of one log; during key rotation with both keys.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Which log.
    pub origin: Origin,
    /// Whose, as in the origin.
    pub region: Region,
    /// Its keys, the newer one first.
    pub keys: Arc<Vec<LogKey>>,
}

impl Signer {
    fn sign(&self, size: u64, root: Hash, at_ms: u64) -> Result<Bytes, Error> {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root, at_ms };
        let keys: Vec<&LogKey> = self.keys.iter().collect();
        Ok(Bytes::from(checkpoint.sign_all(&keys).map_err(|error| broken(error.to_string()))?))
    }
}

/// Where an own log stands.
#[derive(Debug, Clone)]
pub struct Head {
    kind: Kind,
    signer: Signer,
    tree: Tree,
    at_ms: u64,
}

/// An own log after a group.
pub(super) struct Grown {
    pub(super) head: Head,
    pub(super) group: GroupTree,
    /// The group's entries, as rows.
    pub(super) entries: Vec<Value>,
    pub(super) note: Bytes,
}

impl Head {
    /// Reads an own log's head from the store: the newest checkpoint row and the tree under it.
    ///
    /// # Errors
    /// The store fails, or its tree does not have the root that was signed.
    pub fn open(store: &Store, signer: Signer) -> Result<Self, Error> {
        let kind = match signer.origin.kind() {
            LogKind::Events => Kind::Events,
            LogKind::Access => Kind::Access,
        };
        let log = Log::new(&store.own, kind, signer.region, signer.origin.epoch());
        let Some((size, note)) = log.newest_checkpoint()? else {
            return Ok(Self { kind, signer, tree: Tree::default(), at_ms: 0 });
        };
        let tree = log.tree(size)?;
        let checkpoint = Checkpoint::parse_unverified(&note).map_err(|error| broken(error.to_string()))?;
        if checkpoint.root != tree.frontier.root() {
            return Err(broken(format!("the tree of {size} entries does not have the root that was signed")));
        }
        Ok(Self { kind, signer, tree, at_ms: checkpoint.at_ms })
    }

    /// Entries.
    pub fn size(&self) -> u64 {
        self.tree.frontier.size()
    }

    /// Time of the newest checkpoint; the ledger's clock never goes back behind it.
    pub const fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// Whose log.
    pub const fn region(&self) -> Region {
        self.signer.region
    }

    /// Which epoch.
    pub fn epoch(&self) -> u32 {
        self.signer.origin.epoch()
    }

    /// Appends a group's entries, given as rows, signs its checkpoint and adds the rows. `None`: the log stands as it
    /// stood.
    pub(super) fn grow(
        &self,
        store: &Store,
        entries: Vec<Value>,
        at_ms: u64,
        resign: bool,
        rows: &mut Vec<Write>,
    ) -> Result<Option<Grown>, Error> {
        if entries.is_empty() && !resign {
            return Ok(None);
        }
        let log = Log::new(&store.own, self.kind, self.region(), self.epoch());
        let first = self.size();
        let leaves: Vec<Hash> = entries.iter().map(|row| leaf_hash(&entry_in(row))).collect();
        let mut edge = self.tree.edge.clone();
        for leaf in &leaves {
            edge.append(*leaf, |tile| rows.push(log.put_tile(&tile)));
        }
        rows.extend((first..).zip(&entries).map(|(index, row)| log.put_row(index, row.clone())));
        let group = GroupTree::new(&self.tree.frontier, leaves);
        let note = self.signer.sign(group.size(), group.root(), at_ms)?;
        rows.push(log.put_checkpoint(group.size(), &note));
        let frontier = group.frontier();
        let head = Self { tree: Tree { frontier, edge }, at_ms, kind: self.kind, signer: self.signer.clone() };
        Ok(Some(Grown { head, group, entries, note }))
    }
}

fn broken(problem: String) -> Error {
    Error::Row { space: "checkpoints", problem }
}
