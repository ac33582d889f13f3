//! The right edge of a tree, and the tree of one group on top of it.

use super::{Error, Hash, empty_root, fold_peaks, node_hash};

/// The right edge of a tree: all that is needed to append to it.
///
/// The peaks are the roots of the complete subtrees that the size's one bits stand for, the
/// largest (leftmost) first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The edge of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A stored edge.
    ///
    /// # Errors
    /// [`Error::PeakCount`] unless there is one peak for each one bit of `size`.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Result<Self, Error> {
        let needed = size.count_ones() as usize;
        if peaks.len() != needed {
            return Err(Error::PeakCount { found: peaks.len(), needed, size });
        }
        Ok(Self { size, peaks })
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, the largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_peaks(&self.peaks).unwrap_or_else(empty_root)
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: Hash) {
        self.append_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf and reports each node that it completes as (level, index, hash), the leaf
    /// itself first.
    pub fn append_with(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, &Hash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        completed(level, index, &hash);
        while index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            completed(level, index, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The peak of a level, if the size has that bit.
    fn peak(&self, level: u8) -> Option<&Hash> {
        if self.size >> level & 1 == 0 {
            return None;
        }
        let above = (self.size >> level >> 1).count_ones() as usize;
        self.peaks.get(above)
    }
}

/// A group of leaves appended to a tree of which only the edge is known: gives the proof of each
/// of the group's leaves in the tree of the group's size.
///
/// Whatever such a proof needs is either a peak of the old tree or lies within the group, so the
/// memory is that of the group's nodes (twice its leaves).
#[derive(Debug)]
pub struct GroupTree {
    old: Frontier,
    size: u64,
    /// `levels[l]` holds the complete nodes of level l from index `old.size >> l` on.
    levels: Vec<Vec<Hash>>,
    /// `edges[l]` covers the leaves from `size >> l << l` up to `size`, if there are any.
    edges: Vec<Option<Hash>>,
}

impl GroupTree {
    /// Hashes the group on top of the old tree.
    #[must_use]
    pub fn new(old: &Frontier, leaves: Vec<Hash>) -> Self {
        let size = old.size + leaves.len() as u64;
        let mut levels = Vec::with_capacity(16);
        let mut current = leaves;
        for level in 0.. {
            let mut above = Vec::with_capacity(current.len() / 2 + 1);
            let mut rest = current.as_slice();
            if let (Some(left), [right, tail @ ..]) = (old.peak(level), rest) {
                above.push(node_hash(left, right));
                rest = tail;
            }
            above.extend(rest.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])));
            levels.push(std::mem::replace(&mut current, above));
            if current.is_empty() {
                break;
            }
        }
        let mut tree = Self { old: old.clone(), size, levels, edges: Vec::new() };
        tree.edges = tree.partial_edges();
        tree
    }

    /// The number of leaves of the whole tree, this group included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edges.last().copied().flatten().unwrap_or_else(empty_root)
    }

    /// The inclusion proof, leaf → root, of the group's leaf `i` (from 0) in the whole tree.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] if the group has no such leaf.
    pub fn proof(&self, i: usize) -> Result<Vec<Hash>, Error> {
        let index = self.old.size + i as u64;
        if index >= self.size {
            return Err(Error::IndexOutOfRange { index, size: self.size });
        }
        let mut proof = Vec::with_capacity(self.edges.len());
        for level in 0..(self.edges.len() - 1) as u8 {
            let sibling = (index >> level) ^ 1;
            if sibling < self.size >> level {
                proof.push(self.node(level, sibling)?);
            } else if let (true, Some(edge)) = (sibling == self.size >> level, self.edges[usize::from(level)]) {
                proof.push(edge);
            }
        }
        Ok(proof)
    }

    /// The nodes that the group completed, as (level, index, hash), level by level.
    pub fn completed(&self) -> impl Iterator<Item = (u8, u64, &Hash)> {
        (0u8..).zip(&self.levels).flat_map(|(level, nodes)| {
            (self.old.size >> level..).zip(nodes).map(move |(index, hash)| (level, index, hash))
        })
    }

    /// The edge of the whole tree, for the next group.
    #[must_use]
    pub fn frontier(&self) -> Frontier {
        let peaks = (0..64)
            .rev()
            .filter(|level| self.size >> level & 1 == 1)
            .filter_map(|level| self.node(level, (self.size >> level) - 1).ok())
            .collect();
        Frontier { size: self.size, peaks }
    }

    /// A complete node of the group, or a peak of the old tree.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let first = self.old.size >> level;
        let found = match index.checked_sub(first) {
            Some(at) => self.levels.get(usize::from(level)).and_then(|nodes| nodes.get(at as usize)),
            None if index + 1 == first => self.old.peak(level),
            None => None,
        };
        found.copied().ok_or(Error::NoSuchNode { level, index })
    }

    /// One hash for each level, up to the level of the root.
    fn partial_edges(&self) -> Vec<Option<Hash>> {
        let mut edge: Option<Hash> = None;
        let mut edges = vec![edge];
        let mut level = 0;
        while level < 64 && self.size >> level > 0 {
            if self.size >> level & 1 == 1
                && let Ok(left) = self.node(level, (self.size >> level) - 1)
            {
                edge = Some(edge.map_or(left, |right| node_hash(&left, &right)));
            }
            edges.push(edge);
            level += 1;
        }
        edges
    }
}
