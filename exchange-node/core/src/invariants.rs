//! What must stay true, each as a small pure check named by its id (docs, "Invariants").
//!
//! They take plain values, so that unit tests, scenarios over whole nodes, the simulation and a running node feed the
//! same checks. A check says the first thing that is broken; it repairs nothing.

mod conduct;
mod files;
mod logs;
mod releases;
mod rows;

#[cfg(test)]
mod tests;

pub use conduct::{Attempt, Changed, Drained, drain_1, id_1, rev_1};
pub use files::{Kept, file_1};
pub use logs::{acc_1, app_1, dup_1, fork_1, log_1, log_2};
pub use releases::{Allowed, Asker, Release, pur_1, pur_2, pur_3};
pub use rows::{Acknowledged, Answered, Chain, Issued, Link, iss_1, iss_2, iss_3, rev_2, sec_1, ver_1};

use std::fmt;

/// Which invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Every checkpoint ever signed is a prefix of the newest.
    Log1,
    /// A copy of a log has the root that its region signed.
    Log2,
    /// An acknowledged issue survives.
    Iss1,
    /// One request has one certificate.
    Iss2,
    /// A position or an identifier is never used twice.
    Iss3,
    /// Revisions of a certificate form one chain.
    Ver1,
    /// What was acknowledged before the time that a node claims to know is there.
    Rev1,
    /// A status turns back only by a restoring decision.
    Rev2,
    /// No field leaves a city without matter, case, party, clerk and a durable record on both sides before.
    Pur1,
    /// Only fields that the matter's pinned version names are released.
    Pur2,
    /// A certificate is released only about a party who is its holder, in a relation that the matter allows.
    Pur3,
    /// The access checkpoints that a city has shown are one history.
    Acc1,
    /// A caller is who its credential says; no field widens it.
    Id1,
    /// No identity number, key or passphrase where none may be.
    Sec1,
    /// A contradicting checkpoint is kept as evidence and never applied; nothing else is called a fork.
    Fork1,
    /// Nodes that have the same logs have the same rows.
    App1,
    /// Repeated or permuted deliveries give the same state.
    Dup1,
    /// A node that drains loses no call that it accepted.
    Drain1,
    /// A certificate in the log has its files.
    File1,
}

impl Invariant {
    /// As in the docs, in test output and as a metric's label.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Log1 => "LOG-1",
            Self::Log2 => "LOG-2",
            Self::Iss1 => "ISS-1",
            Self::Iss2 => "ISS-2",
            Self::Iss3 => "ISS-3",
            Self::Ver1 => "VER-1",
            Self::Rev1 => "REV-1",
            Self::Rev2 => "REV-2",
            Self::Pur1 => "PUR-1",
            Self::Pur2 => "PUR-2",
            Self::Pur3 => "PUR-3",
            Self::Acc1 => "ACC-1",
            Self::Id1 => "ID-1",
            Self::Sec1 => "SEC-1",
            Self::Fork1 => "FORK-1",
            Self::App1 => "APP-1",
            Self::Dup1 => "DUP-1",
            Self::Drain1 => "DRAIN-1",
            Self::File1 => "FILE-1",
        }
    }
}

/// An invariant that does not hold. The text never repeats a value or an identity number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{invariant} is broken: {found}")]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Where, and what was found.
    pub found: String,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Holds, or is broken as `found` says.
fn holds(invariant: Invariant, condition: bool, found: impl FnOnce() -> String) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(Violation { invariant, found: found() }) }
}
