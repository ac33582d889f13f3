//! Tiles of 256 hashes (C2SP tlog-tiles, height 8). Only full tiles are stored; what is not yet
//! full is the [`Edge`], which memory holds.

use super::{Error, Hash, node_hash};

/// Hashes in a full tile.
pub const WIDTH: usize = 256;
/// Tree levels that one tile covers.
pub const HEIGHT: u8 = 8;
/// Bytes of a full tile.
pub const BYTES: usize = WIDTH * 32;

/// A full tile: the nodes `index * 256` to `index * 256 + 255` of the tree's level `level * 8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    level: u8,
    index: u64,
    hashes: Vec<Hash>,
}

impl Tile {
    /// Reads a stored tile: 256 hashes, nothing else.
    ///
    /// # Errors
    /// [`Error::TileLength`].
    pub fn from_bytes(level: u8, index: u64, bytes: &[u8]) -> Result<Self, Error> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() != WIDTH || !rest.is_empty() {
            return Err(Error::TileLength { found: bytes.len(), needed: BYTES });
        }
        Ok(Self { level, index, hashes: hashes.to_vec() })
    }

    /// The bytes to store, [`BYTES`] long.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// The tile's level: its hashes are nodes of the tree's level `level * 8`.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The tile's index in its level.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The 256 hashes.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The node over all the tile: the tree's level `(level + 1) * 8`, index as the tile's.
    #[must_use]
    pub fn root(&self) -> Hash {
        subtree(&self.hashes)
    }
}

/// Where a complete node of the tree lies: `height` levels above the bottom of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The tile's level.
    pub tile_level: u8,
    /// The tile's index in its level.
    pub tile_index: u64,
    /// Levels above the tile's hashes, 0 to 7.
    pub height: u8,
    /// The node's place among the tile's nodes of that height.
    pub offset: usize,
}

impl Location {
    /// The tile that holds the node (level, index).
    #[must_use]
    pub fn of(level: u8, index: u64) -> Self {
        let height = level % HEIGHT;
        let shift = HEIGHT - height;
        let offset = (index & ((1 << shift) - 1)) as usize;
        Self { tile_level: level / HEIGHT, tile_index: index >> shift, height, offset }
    }

    /// The node, if the first hashes of its tile are those given.
    fn node(self, hashes: &[Hash]) -> Option<Hash> {
        let width = 1 << self.height;
        hashes.get(self.offset * width..(self.offset + 1) * width).map(subtree)
    }
}

/// What a tree holds beyond its full tiles: for each tile level the hashes of the last, partial
/// tile, at most 255.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds the edge of the tree of `size` leaves from its last `size mod 256` leaf hashes and
    /// its full tiles (at most 255 of them are read for each level).
    ///
    /// # Errors
    /// [`Error::EdgeLength`], [`Error::OtherTile`], and whatever `read` fails with.
    pub fn rebuild<E: From<Error>>(
        size: u64,
        leaves: Vec<Hash>,
        read: &mut impl FnMut(u8, u64) -> Result<Tile, E>,
    ) -> Result<Self, E> {
        let needed = (size % WIDTH as u64) as usize;
        if leaves.len() != needed {
            return Err(Error::EdgeLength { found: leaves.len(), needed }.into());
        }
        if size == 0 {
            return Ok(Self::new());
        }
        let mut levels = vec![leaves];
        let mut full = size >> HEIGHT;
        for level in 0.. {
            if full == 0 {
                break;
            }
            let first = full - full % WIDTH as u64;
            let roots = (first..full)
                .map(|index| Ok(read_exactly(level, index, read)?.root()))
                .collect::<Result<Vec<_>, E>>()?;
            levels.push(roots);
            full >>= HEIGHT;
        }
        Ok(Self { size, levels })
    }

    /// The number of leaves of the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash and hands over each tile that it fills.
    pub fn append(&mut self, leaf: Hash, mut filled: impl FnMut(Tile)) {
        let mut hash = leaf;
        let mut index = self.size >> HEIGHT;
        self.size += 1;
        for level in 0.. {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::with_capacity(WIDTH));
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(hash);
            if hashes.len() < WIDTH {
                return;
            }
            let tile = Tile { level, index, hashes: std::mem::take(hashes) };
            hash = tile.root();
            index >>= HEIGHT;
            filled(tile);
        }
    }

    /// A complete node of the tree, from the edge or from the one full tile that holds it: the
    /// source of hashes for [`super::inclusion_proof`] and [`super::consistency_proof`].
    ///
    /// # Errors
    /// [`Error::NoSuchNode`], [`Error::OtherTile`], and whatever `read` fails with.
    pub fn node<E: From<Error>>(
        &self,
        level: u8,
        index: u64,
        read: &mut impl FnMut(u8, u64) -> Result<Tile, E>,
    ) -> Result<Hash, E> {
        let missing = Error::NoSuchNode { level, index };
        if level >= 64 || index >= self.size >> level {
            return Err(missing.into());
        }
        let location = Location::of(level, index);
        let bits = u32::from(location.tile_level + 1) * u32::from(HEIGHT);
        let found = if location.tile_index < self.size.checked_shr(bits).unwrap_or(0) {
            location.node(&read_exactly(location.tile_level, location.tile_index, read)?.hashes)
        } else {
            self.levels.get(usize::from(location.tile_level)).and_then(|hashes| location.node(hashes))
        };
        found.ok_or_else(|| missing.into())
    }
}

/// A tile that says to be another one would yield a wrong proof in silence.
fn read_exactly<E: From<Error>>(
    level: u8,
    index: u64,
    read: &mut impl FnMut(u8, u64) -> Result<Tile, E>,
) -> Result<Tile, E> {
    let tile = read(level, index)?;
    if (tile.level, tile.index) == (level, index) {
        return Ok(tile);
    }
    Err(Error::OtherTile { found_level: tile.level, found_index: tile.index, needed_level: level, needed_index: index }
        .into())
}

/// The root over 1, 2, 4 … 256 hashes.
fn subtree(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        for at in 0..level.len() / 2 {
            level[at] = node_hash(&level[2 * at], &level[2 * at + 1]);
        }
        level.truncate(level.len() / 2);
    }
    level.first().copied().unwrap_or_default()
}
