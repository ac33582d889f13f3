//! Where something stands in a city's event log.

use crate::region::Region;

/// A position is (region, epoch, index) and is never used twice, not even after a restore: an epoch is closed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Whose log.
    pub region: Region,
    /// From 1.
    pub epoch: u32,
    /// From 0, without gaps.
    pub index: u64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.region, self.epoch, self.index)
    }
}
