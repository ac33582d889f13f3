//! A file, or a copy of it for one use: what records say of each.

use exchange_core::{copy, disclosure::Disclosure, file};

/// In which form a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was signed.
    File,
    /// A copy for one use (加注件).
    Copy,
}

impl Form {
    /// How access records name it.
    pub(super) fn record_name(self, index: u32) -> String {
        match self {
            Self::File => file::record_name(index),
            Self::Copy => copy::record_name(index),
        }
    }

    /// What a record names, if it names one file or one copy.
    pub(super) fn recorded(names: &[String]) -> Option<(Self, u32)> {
        let file = file::recorded(names).map(|index| (Self::File, index));
        file.or_else(|| copy::recorded(names).map(|index| (Self::Copy, index)))
    }

    /// As a record's digest covers it.
    pub(super) fn released(self, index: u32, digest: &[u8; 32], salt: &[u8; 16]) -> Disclosure {
        match self {
            Self::File => file::released(index, digest, salt),
            Self::Copy => copy::released(index, digest, salt),
        }
    }
}
