//! The head of an own log: all that is in memory of it, read back from the store at open.

use crate::{
    crash::{Crash, Point},
    store::{
        Error, Store, Write,
        log::{Entry, Kind, Log, Tree},
    },
};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{Checkpoint, LogKey, LogKind, Origin},
    merkle::{GroupTree, Hash},
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
    pub(super) group: Option<GroupTree>,
    pub(super) entries: Vec<Bytes>,
    pub(super) note: Option<Bytes>,
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

    /// Appends a group's entries, signs its checkpoint and adds the rows.
    pub(super) fn grow(
        &self,
        store: &Store,
        entries: Vec<Bytes>,
        at_ms: u64,
        resign: bool,
        rows: &mut Vec<Write>,
        crash: &Crash,
    ) -> Result<Grown, Error> {
        if entries.is_empty() && !resign {
            return Ok(Grown { head: self.clone(), group: None, entries, note: None });
        }
        let log = Log::new(&store.own, self.kind, self.region(), self.epoch());
        let first = self.size();
        let leaves: Vec<Hash> = entries.iter().map(|entry| exchange_core::merkle::leaf_hash(entry)).collect();
        let mut edge = self.tree.edge.clone();
        for leaf in &leaves {
            edge.append(*leaf, |tile| rows.push(log.put_tile(&tile)));
        }
        log.put_entries(first, entries.iter().cloned().map(Entry::Bytes), rows);
        let group = GroupTree::new(&self.tree.frontier, leaves);
        crash.pass(Point::LedgerGrown);
        let note = self.signer.sign(group.size(), group.root(), at_ms)?;
        rows.push(log.put_checkpoint(group.size(), &note));
        let frontier = group.frontier();
        Ok(Grown {
            head: Self { tree: Tree { frontier, edge }, at_ms, ..self.clone() },
            group: Some(group),
            entries,
            note: Some(note),
        })
    }
}

fn broken(problem: String) -> Error {
    Error::Row { space: "checkpoints", problem }
}
