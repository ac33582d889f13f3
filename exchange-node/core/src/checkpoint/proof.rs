//! The proof that an entry is in a log.

use super::{Error, Origin, VerifiedCheckpoint, VerifierKey, open};
use crate::merkle::{Hash, leaf_hash, verify_inclusion};

/// The longest entry of a log, in bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// An entry with its path to the root of a signed checkpoint. Nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The log.
    pub origin: Origin,
    /// The entry's index in the log, from 0.
    pub index: u64,
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// The path, leaf → root.
    pub hashes: Vec<Hash>,
    /// The checkpoint, of at least `index + 1` entries.
    pub checkpoint_note: Vec<u8>,
}

impl LogProof {
    /// Verifies the checkpoint's signature and the path.
    ///
    /// # Errors
    /// As [`open`] and [`Self::verify_against`].
    pub fn verify(self, keys: &[VerifierKey]) -> Result<VerifiedProof, Error> {
        let checkpoint = open(&self.checkpoint_note, keys)?;
        self.verify_against(checkpoint)
    }

    /// Verifies the path against a checkpoint that was verified before, so that a signature shared
    /// by many proofs is checked once. `checkpoint_note` is not looked at.
    ///
    /// # Errors
    /// [`Error::OtherOrigin`], [`Error::EntryTooLong`], [`Error::Merkle`].
    pub fn verify_against(self, checkpoint: VerifiedCheckpoint) -> Result<VerifiedProof, Error> {
        let leaf = self.check_against(&checkpoint)?;
        Ok(VerifiedProof { index: self.index, entry: self.entry, leaf, checkpoint })
    }

    /// As [`Self::verify_against`], for a checkpoint that is kept elsewhere; the entry's leaf hash.
    ///
    /// # Errors
    /// As [`Self::verify_against`].
    pub fn check_against(&self, checkpoint: &VerifiedCheckpoint) -> Result<Hash, Error> {
        let head = checkpoint.checkpoint();
        if self.origin != head.origin {
            return Err(Error::OtherOrigin { found: self.origin.clone(), needed: head.origin.clone() });
        }
        if self.entry.len() > MAX_ENTRY_BYTES {
            return Err(Error::EntryTooLong { found: self.entry.len() });
        }
        let leaf = leaf_hash(&self.entry);
        verify_inclusion(self.index, head.size, &leaf, &self.hashes, &head.root)?;
        Ok(leaf)
    }
}

/// An entry that is in the log. Only [`LogProof`]'s verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedProof {
    index: u64,
    entry: Vec<u8>,
    leaf: Hash,
    checkpoint: VerifiedCheckpoint,
}

impl VerifiedProof {
    /// The log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.checkpoint.origin()
    }

    /// The entry's index in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The entry's bytes.
    #[must_use]
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// The entry's leaf hash.
    #[must_use]
    pub fn leaf_hash(&self) -> &Hash {
        &self.leaf
    }

    /// The checkpoint that covers the entry.
    #[must_use]
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }
}
