//! Logs in the store: entries, full tiles and checkpoints of one region and epoch, and proofs made from them.

use super::{Database, Error, Key, Space, Value, Write, keys};
use exchange_core::{
    merkle::{
        self, Frontier, Hash, consistency_proof, inclusion_proof, leaf_hash,
        tile::{Edge, Tile},
    },
    region::Region,
};

/// First byte of an entry's row: the entry's bytes follow.
const BYTES: u8 = 1;
/// First byte of an entry's row: its leaf hash follows, the bytes were redacted.
const LEAF_HASH: u8 = 2;
/// First byte of tile and checkpoint rows.
const VERSION: u8 = 1;

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// As written.
    Bytes(Value),
    /// Redacted.
    LeafHash(Hash),
}

impl Entry {
    /// RFC 6962 leaf hash.
    pub fn leaf(&self) -> Hash {
        match self {
            Self::Bytes(bytes) => leaf_hash(bytes),
            Self::LeafHash(hash) => *hash,
        }
    }

    /// Bytes that it takes in a segment.
    pub const fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::LeafHash(_) => 32,
        }
    }

    /// Always false: an entry has at least its time.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which of a region's two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Public to the other cities.
    Events,
    /// Private.
    Access,
}

/// One log in one database.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    database: &'a Database,
    kind: Kind,
    region: Region,
    epoch: u32,
}

impl<'a> Log<'a> {
    /// Names a log; nothing is read yet.
    pub const fn new(database: &'a Database, kind: Kind, region: Region, epoch: u32) -> Self {
        Self { database, kind, region, epoch }
    }

    const fn spaces(&self) -> (Space, Space, Space) {
        match self.kind {
            Kind::Events => (Space::Entries, Space::Tiles, Space::Checkpoints),
            Kind::Access => (Space::AccessEntries, Space::AccessTiles, Space::AccessCheckpoints),
        }
    }

    fn key(&self, number: u64) -> Key {
        keys::entry(self.region, self.epoch, number)
    }

    /// The entry at an index.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>, Error> {
        self.database.get(self.spaces().0, self.key(index))?.map(read_entry).transpose()
    }

    /// Entries from an index on, as many as fit: at most `most` and together at most `bytes` bytes.
    pub fn entries(&self, from: u64, most: usize, bytes: usize) -> Result<Vec<Entry>, Error> {
        let to = from.saturating_add(most as u64);
        let (mut found, mut total, mut problem) = (Vec::new(), 0, None);
        self.database.visit(self.spaces().0, &self.key(from), &self.key(to), |_, value| match read_entry(value) {
            Ok(entry) => {
                total += entry.len();
                if total <= bytes {
                    found.push(entry);
                }
                total <= bytes
            }
            Err(error) => {
                problem = Some(error);
                false
            }
        })?;
        problem.map_or(Ok(found), Err)
    }

    /// The newest checkpoint: its size and note.
    pub fn newest_checkpoint(&self) -> Result<Option<(u64, Value)>, Error> {
        self.checkpoint_up_to(u64::MAX)
    }

    /// The newest checkpoint whose size is at most `size`.
    pub fn checkpoint_up_to(&self, size: u64) -> Result<Option<(u64, Value)>, Error> {
        let end =
            size.checked_add(1).map_or_else(|| keys::after(&keys::log(self.region, self.epoch)), |end| self.key(end));
        let row = self.database.last(self.spaces().2, &keys::log(self.region, self.epoch), &end)?;
        row.map(|(key, value)| Ok((keys::last_number(&key), versioned(self.spaces().2, value)?))).transpose()
    }

    /// The first checkpoint whose size is at least `size`.
    pub fn checkpoint_from(&self, size: u64) -> Result<Option<(u64, Value)>, Error> {
        let end = keys::after(&keys::log(self.region, self.epoch));
        let rows = self.database.scan(self.spaces().2, &self.key(size), &end, 1)?;
        let row = rows.into_iter().next();
        row.map(|(key, value)| Ok((keys::last_number(&key), versioned(self.spaces().2, value)?))).transpose()
    }

    /// Reads the tree of a size back from full tiles and the entries behind them (at most 255).
    pub fn tree(&self, size: u64) -> Result<Tree, Error> {
        let first = size / 256 * 256;
        let leaves = self.leaves(first, size)?;
        let edge = Edge::rebuild(size, leaves, &mut |level, tile| self.tile(level, tile))?;
        let mut tree = Tree { frontier: Frontier::new(), edge };
        tree.frontier = Frontier::from_parts(size, self.peaks(&tree.edge, size)?)?;
        Ok(tree)
    }

    /// Root of the tree at a size of at most `tree`'s.
    pub fn root(&self, tree: &Tree, size: u64) -> Result<Hash, Error> {
        if size == tree.frontier.size() {
            return Ok(tree.frontier.root());
        }
        Ok(Frontier::from_parts(size, self.peaks(&tree.edge, size)?)?.root())
    }

    /// Inclusion proof of an entry in the tree of `size`, which is at most `tree`'s.
    pub fn inclusion(&self, tree: &Tree, index: u64, size: u64) -> Result<Vec<Hash>, Error> {
        inclusion_proof(index, size, &mut |level, node| self.node(&tree.edge, level, node))
    }

    /// Consistency proof between two sizes of at most `tree`'s.
    pub fn consistency(&self, tree: &Tree, old: u64, new: u64) -> Result<Vec<Hash>, Error> {
        consistency_proof(old, new, &mut |level, node| self.node(&tree.edge, level, node))
    }

    /// Leaf hash of an entry.
    pub fn leaf(&self, index: u64) -> Result<Hash, Error> {
        self.entry(index)?.map(|entry| entry.leaf()).ok_or_else(|| self.missing("entry", index))
    }

    /// Row for one entry that was written by [`entry_row`].
    pub(crate) fn put_row(&self, index: u64, row: Value) -> Write {
        Write::put(self.spaces().0, self.key(index), row)
    }

    /// Row for one entry.
    pub fn put_entry(&self, index: u64, entry: &Entry) -> Write {
        let (format, bytes): (u8, &[u8]) = match entry {
            Entry::Bytes(bytes) => (BYTES, bytes),
            Entry::LeafHash(hash) => (LEAF_HASH, hash),
        };
        Write::put(self.spaces().0, self.key(index), prefixed(format, bytes))
    }

    /// Row for a full tile.
    pub fn put_tile(&self, tile: &Tile) -> Write {
        let key = keys::tile(self.region, self.epoch, tile.level(), tile.index());
        Write::put(self.spaces().1, key, prefixed(VERSION, &tile.to_bytes()))
    }

    /// Row for a checkpoint; replaces an older note of the same size (a heartbeat).
    pub fn put_checkpoint(&self, size: u64, note: &[u8]) -> Write {
        Write::put(self.spaces().2, self.key(size), prefixed(VERSION, note))
    }

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        let count = usize::try_from(to - from).unwrap_or(usize::MAX);
        let leaves: Vec<Hash> = self.entries(from, count, usize::MAX)?.iter().map(Entry::leaf).collect();
        if leaves.len() == count { Ok(leaves) } else { Err(self.missing("entry", from + leaves.len() as u64)) }
    }

    fn tile(&self, level: u8, index: u64) -> Result<Tile, Error> {
        let key = keys::tile(self.region, self.epoch, level, index);
        let row = self.database.get(self.spaces().1, key)?.ok_or_else(|| self.missing("tile", index))?;
        Ok(Tile::from_bytes(level, index, &versioned(self.spaces().1, row)?)?)
    }

    fn node(&self, edge: &Edge, level: u8, index: u64) -> Result<Hash, Error> {
        edge.node(level, index, &mut |level, tile| self.tile(level, tile))
    }

    fn peaks(&self, edge: &Edge, size: u64) -> Result<Vec<Hash>, Error> {
        let mut peaks = Vec::new();
        let mut covered = 0;
        for level in (0..64u8).rev().filter(|level| size >> level & 1 == 1) {
            peaks.push(self.node(edge, level, covered >> level)?);
            covered += 1 << level;
        }
        Ok(peaks)
    }

    fn missing(&self, what: &str, number: u64) -> Error {
        Error::Row {
            space: self.spaces().0.name(),
            problem: format!("{what} {number} of {}/{} is missing", self.region, self.epoch),
        }
    }
}

/// A log's tree in memory: its right edge, twice over, for appending and for proofs.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Roots of the complete subtrees.
    pub frontier: Frontier,
    /// Hashes of the tiles that are not full.
    pub edge: Edge,
}

impl From<merkle::Error> for Error {
    fn from(error: merkle::Error) -> Self {
        Self::Row { space: "tiles", problem: error.to_string() }
    }
}

/// The value of an entry's row; the entry, of at most `most` bytes, is written by `write`.
pub(crate) fn entry_row(most: usize, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut row = Vec::with_capacity(1 + most);
    row.push(BYTES);
    write(&mut row);
    Value::from(row)
}

/// The entry in a row that [`entry_row`] made.
pub(crate) fn entry_in(row: &Value) -> Value {
    row.slice(1..)
}

/// Reads the value of an entry's row.
pub(crate) fn read_entry(value: Value) -> Result<Entry, Error> {
    match value.first() {
        Some(&BYTES) => Ok(Entry::Bytes(value.slice(1..))),
        Some(&LEAF_HASH) if value.len() == 33 => Ok(Entry::LeafHash(value[1..].try_into().unwrap_or_default())),
        found => Err(Error::Row { space: "entries", problem: format!("format {found:?} is not known") }),
    }
}

fn versioned(space: Space, value: Value) -> Result<Value, Error> {
    match value.first() {
        Some(&VERSION) => Ok(value.slice(1..)),
        found => Err(Error::Row { space: space.name(), problem: format!("format {found:?} is not known") }),
    }
}

fn prefixed(format: u8, bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(1 + bytes.len());
    value.push(format);
    value.extend_from_slice(bytes);
    value
}
