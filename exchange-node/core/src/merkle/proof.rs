//! Inclusion and consistency proofs (RFC 6962 §2.1.1, §2.1.2), made and verified.
//!
//! A path has an inner part, below the node where it leaves the right border of the tree, and a
//! border part above, where only left siblings exist.

use super::{Error, Hash, fold_peaks, node_hash};

/// Makes the proof, leaf → root, that the leaf `index` is in the tree of `size` leaves. `nodes`
/// gives the hashes of complete nodes (level, index).
///
/// # Errors
/// [`Error::IndexOutOfRange`], and whatever `nodes` fails with.
pub fn inclusion_proof<E: From<Error>>(
    index: u64,
    size: u64,
    nodes: &mut impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if index >= size {
        return Err(Error::IndexOutOfRange { index, size }.into());
    }
    path(0, index, size, nodes)
}

/// Makes the proof that the tree of `old` leaves is a prefix of the tree of `new` leaves; empty if
/// the sizes are equal. `nodes` gives the hashes of complete nodes (level, index).
///
/// # Errors
/// [`Error::SizesReversed`], [`Error::OldTreeEmpty`], and whatever `nodes` fails with.
pub fn consistency_proof<E: From<Error>>(
    old: u64,
    new: u64,
    nodes: &mut impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if old > new {
        return Err(Error::SizesReversed { old, new }.into());
    }
    if old == 0 {
        return Err(Error::OldTreeEmpty.into());
    }
    if old == new {
        return Ok(Vec::new());
    }
    // The proof is the last peak of the old tree, and its path in the new tree. If that peak is
    // the whole old tree, the reader has it already: it is the old root.
    let level = old.trailing_zeros() as u8;
    let index = (old - 1) >> level;
    let mut proof = Vec::with_capacity(64);
    if index > 0 {
        proof.push(nodes(level, index)?);
    }
    proof.extend(path(level, index, new, nodes)?);
    Ok(proof)
}

/// Verifies that `leaf` is the leaf hash at `index` of the tree of `size` leaves with that root.
///
/// # Errors
/// [`Error::IndexOutOfRange`], [`Error::ProofLength`], [`Error::RootMismatch`].
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), Error> {
    if index >= size {
        return Err(Error::IndexOutOfRange { index, size });
    }
    let shape = Shape::of(0, index, size);
    shape.check_length(proof.len(), 0)?;
    let (inner, border) = proof.split_at(shape.inner);
    let hash = climb_border(climb(*leaf, inner, index), border);
    if hash == *root { Ok(()) } else { Err(Error::RootMismatch) }
}

/// Verifies that the tree of `old_size` leaves and `old_root` is a prefix of the tree of
/// `new_size` leaves and `new_root`.
///
/// # Errors
/// [`Error::SizesReversed`], [`Error::OldTreeEmpty`], [`Error::ProofLength`], [`Error::OldRootMismatch`],
/// [`Error::RootMismatch`].
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    if old_size > new_size {
        return Err(Error::SizesReversed { old: old_size, new: new_size });
    }
    if old_size == 0 {
        return Err(Error::OldTreeEmpty);
    }
    if old_size == new_size {
        if !proof.is_empty() {
            return Err(Error::ProofLength { found: proof.len(), needed: 0 });
        }
        return if old_root == new_root { Ok(()) } else { Err(Error::RootMismatch) };
    }
    let level = old_size.trailing_zeros() as u8;
    let index = (old_size - 1) >> level;
    let shape = Shape::of(level, index, new_size);
    let (seed, path) = if index == 0 {
        shape.check_length(proof.len(), 0)?;
        (*old_root, proof)
    } else {
        shape.check_length(proof.len(), 1)?;
        let Some((seed, path)) = proof.split_first() else {
            return Err(Error::ProofLength { found: 0, needed: 1 });
        };
        (*seed, path)
    };
    let (inner, border) = path.split_at(shape.inner);
    // The old tree has, of the inner part, only the left siblings.
    let old = inner
        .iter()
        .enumerate()
        .filter(|(level, _)| index >> level & 1 == 1)
        .fold(seed, |right, (_, left)| node_hash(left, &right));
    if climb_border(old, border) != *old_root {
        return Err(Error::OldRootMismatch);
    }
    if climb_border(climb(seed, inner, index), border) != *new_root {
        return Err(Error::RootMismatch);
    }
    Ok(())
}

/// How many hashes a path has in its two parts.
struct Shape {
    inner: usize,
    border: usize,
}

impl Shape {
    /// The path from the complete node (level, index) up to the root of the tree of `size`.
    fn of(level: u8, index: u64, size: u64) -> Self {
        let last = (size - 1) >> level;
        let inner = (u64::BITS - (index ^ last).leading_zeros()) as usize;
        let border = index.checked_shr(inner as u32).unwrap_or(0).count_ones() as usize;
        Self { inner, border }
    }

    fn check_length(&self, found: usize, extra: usize) -> Result<(), Error> {
        let needed = self.inner + self.border + extra;
        if found == needed { Ok(()) } else { Err(Error::ProofLength { found, needed }) }
    }
}

fn path<E: From<Error>>(
    level: u8,
    index: u64,
    size: u64,
    nodes: &mut impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let shape = Shape::of(level, index, size);
    let mut proof = Vec::with_capacity(shape.inner + shape.border);
    for step in 0..64 - level {
        let (at, sibling) = (level + step, (index >> step) ^ 1);
        if usize::from(step) >= shape.inner {
            if sibling & 1 == 0 {
                proof.push(nodes(at, sibling)?);
            }
        } else if sibling < size >> at {
            proof.push(nodes(at, sibling)?);
        } else {
            proof.push(edge(at, size, nodes)?);
        }
    }
    Ok(proof)
}

/// The hash of the incomplete node of a level at the right edge of the tree of `size` leaves.
fn edge<E: From<Error>>(level: u8, size: u64, nodes: &mut impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let peaks = (0..level)
        .rev()
        .filter(|at| size >> at & 1 == 1)
        .map(|at| nodes(at, (size >> at) - 1))
        .collect::<Result<Vec<_>, E>>()?;
    fold_peaks(&peaks).ok_or_else(|| Error::NoSuchNode { level, index: size >> level }.into())
}

fn climb(seed: Hash, inner: &[Hash], index: u64) -> Hash {
    inner.iter().enumerate().fold(seed, |hash, (level, sibling)| {
        if index >> level & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    })
}

fn climb_border(seed: Hash, border: &[Hash]) -> Hash {
    border.iter().fold(seed, |right, left| node_hash(left, &right))
}
