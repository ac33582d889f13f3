//! The Merkle tree of a log (RFC 6962 §2.1): hashes, the right edge, groups, proofs and tiles.
//!
//! A node is named (level, index): it covers the leaves `index << level` up to, not including,
//! `(index + 1) << level`. Only complete nodes have a name.

mod frontier;
mod proof;
pub mod tile;

#[cfg(test)]
mod tests;

use ring::digest::{SHA256, digest};

pub use frontier::{Frontier, GroupTree};
pub use proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};

/// A SHA-256 hash of a leaf, a node or a root.
pub type Hash = [u8; 32];

/// Why a tree, a proof or a tile is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The leaf is not in a tree of that size.
    #[error("leaf index {index} is not in a tree of size {size}")]
    IndexOutOfRange {
        /// The leaf's index, from 0.
        index: u64,
        /// The number of leaves of the tree.
        size: u64,
    },
    /// A consistency proof leads from a smaller tree to a larger one.
    #[error("tree size {new} is smaller than the old size {old}")]
    SizesReversed {
        /// The size that should be the smaller one.
        old: u64,
        /// The size that should be the larger one.
        new: u64,
    },
    /// A proof between these positions has exactly one right length.
    #[error("the proof has {found} hashes, {needed} are needed")]
    ProofLength {
        /// Hashes in the proof.
        found: usize,
        /// Hashes that the sizes ask for.
        needed: usize,
    },
    /// A consistency proof starts at a tree that has leaves (RFC 6962 §2.1.2: 0 < m): the empty
    /// tree is a prefix of every tree.
    #[error("a consistency proof from size 0 proves nothing; an old size from 1 is needed")]
    OldTreeEmpty,
    /// The proof does not lead to the root of the (new) tree.
    #[error("the proof does not lead to the given root")]
    RootMismatch,
    /// The proof does not lead to the root of the old tree.
    #[error("the proof does not lead to the given old root")]
    OldRootMismatch,
    /// A tree of a size has as many peaks as the size has one bits.
    #[error("{found} peaks given, a tree of size {size} has {needed}")]
    PeakCount {
        /// Peaks given.
        found: usize,
        /// One bits of the size.
        needed: usize,
        /// The number of leaves of the tree.
        size: u64,
    },
    /// A complete node that the tree does not hold (yet).
    #[error("node {index} of level {level} is not complete in this tree")]
    NoSuchNode {
        /// The node's level, 0 = leaves.
        level: u8,
        /// The node's index in its level.
        index: u64,
    },
    /// A full tile has 256 hashes.
    #[error("a tile has {found} bytes, {needed} are needed")]
    TileLength {
        /// Bytes given.
        found: usize,
        /// 256 hashes of 32 bytes.
        needed: usize,
    },
    /// Another tile was given than the one asked for.
    #[error("tile {found_level}/{found_index} was given, {needed_level}/{needed_index} is needed")]
    OtherTile {
        /// The level of the tile that was given.
        found_level: u8,
        /// The index of the tile that was given.
        found_index: u64,
        /// The level of the tile that was asked for.
        needed_level: u8,
        /// The index of the tile that was asked for.
        needed_index: u64,
    },
    /// The partial right edge has exactly `size mod 256` leaves.
    #[error("{found} leaves of the partial tile given, {needed} are needed")]
    EdgeLength {
        /// Leaf hashes given.
        found: usize,
        /// The size modulo 256.
        needed: usize,
    },
}

/// The hash of a leaf: SHA-256(0x00 ‖ entry) (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = ring::digest::Context::new(&SHA256);
    context.update(&[0x00]);
    context.update(entry);
    fixed(context.finish())
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [0x01; 65];
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    fixed(digest(&SHA256, &input))
}

/// The root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1).
#[must_use]
pub fn empty_root() -> Hash {
    fixed(digest(&SHA256, &[]))
}

fn fixed(digest: ring::digest::Digest) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// Folds the peaks of a range, largest first, into the hash of the range.
fn fold_peaks(peaks: &[Hash]) -> Option<Hash> {
    let (last, rest) = peaks.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}
