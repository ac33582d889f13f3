//! A piece of a city's event log on its way to the others, and what a receiver makes of it.

use crate::{
    checkpoint::VerifiedCheckpoint,
    merkle::{Frontier, Hash, leaf_hash},
    region::Region,
};

/// Most entries of a segment.
pub const MAX_ENTRIES: usize = 1_000;
/// Largest segment, in bytes, uncompressed.
pub const MAX_BYTES: usize = 900_000;

/// Bytes, or the hash that stands in place of redacted bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryBytes<'a> {
    /// As written.
    Bytes(&'a [u8]),
    /// Redacted.
    LeafHash(Hash),
}

impl EntryBytes<'_> {
    /// RFC 6962 leaf hash.
    pub fn leaf(&self) -> Hash {
        match self {
            Self::Bytes(bytes) => leaf_hash(bytes),
            Self::LeafHash(hash) => *hash,
        }
    }
}

/// What a receiver already has of a region's log.
#[derive(Debug, Clone)]
pub struct Known {
    /// Of which region.
    pub region: Region,
    /// In which epoch.
    pub epoch: u32,
    /// The right edge.
    pub frontier: Frontier,
}

/// What a segment is to a receiver, after its checkpoint's signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// Appends these entries, from this offset within the segment; the frontier after them is given.
    Append {
        /// Entries of the segment that are known already.
        skip: usize,
        /// Leaf hashes of the new ones.
        leaves: Vec<Hash>,
        /// The right edge after them.
        frontier: Frontier,
    },
    /// Nothing new; the checkpoint covers at most what is known.
    Known,
    /// Entries are missing before it.
    Gap {
        /// First missing.
        from: u64,
        /// First that the segment has.
        to: u64,
    },
    /// Genuine checkpoint, other entries: the carrier changed them.
    Altered,
    /// The checkpoint is genuine and contradicts what was verified before.
    Fork,
}

/// Compares a segment with what is known. `known_leaf(i)` and `known_root(size)` read the receiver's own verified copy;
/// they are called only for what lies below its size. The checkpoint's origin and the region are checked before.
///
/// # Errors
/// What the readers return.
pub fn fit<E>(
    known: &Known,
    first: u64,
    entries: &[EntryBytes<'_>],
    checkpoint: &VerifiedCheckpoint,
    mut known_leaf: impl FnMut(u64) -> Result<Hash, E>,
    mut known_root: impl FnMut(u64) -> Result<Option<Hash>, E>,
) -> Result<Fit, E> {
    let size = known.frontier.size();
    let end = first + entries.len() as u64;
    if end <= size {
        // A root that contradicts the verified tree at that size is a fork, whatever the entries are.
        if let Some(root) = known_root(end)?
            && root != *checkpoint.root()
        {
            return Ok(Fit::Fork);
        }
        for (index, entry) in (first..).zip(entries) {
            if known_leaf(index)? != entry.leaf() {
                return Ok(Fit::Altered);
            }
        }
        return Ok(Fit::Known);
    }
    if first > size {
        return Ok(Fit::Gap { from: size, to: first });
    }
    let skip = usize::try_from(size - first).unwrap_or(usize::MAX);
    for (index, entry) in (first..size).zip(entries) {
        if known_leaf(index)? != entry.leaf() {
            return Ok(Fit::Altered);
        }
    }
    let mut frontier = known.frontier.clone();
    let leaves: Vec<Hash> = entries.iter().skip(skip).map(EntryBytes::leaf).collect();
    for leaf in &leaves {
        frontier.append(*leaf);
    }
    if frontier.root() == *checkpoint.root() { Ok(Fit::Append { skip, leaves, frontier }) } else { Ok(Fit::Altered) }
}
