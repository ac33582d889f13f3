//! Logs and their copies.

use super::{Invariant, Violation, holds};
use crate::{
    checkpoint::Checkpoint,
    merkle::{Frontier, Hash},
};
use std::collections::BTreeMap;

/// LOG-1: every stored checkpoint of a log is a prefix of what the log holds now, and time never goes back in it.
///
/// `leaves` are all leaf hashes in order; `checkpoints` in any order.
///
/// # Errors
/// The first checkpoint that is none.
pub fn log_1(leaves: &[Hash], checkpoints: &[Checkpoint]) -> Result<(), Violation> {
    let newest = checkpoints.iter().map(|checkpoint| checkpoint.size).max().unwrap_or(0);
    holds(Invariant::Log1, newest == leaves.len() as u64, || {
        format!("{} entries under a newest checkpoint of {newest}", leaves.len())
    })?;
    prefixes(Invariant::Log1, leaves, checkpoints)?;
    let mut sorted: Vec<&Checkpoint> = checkpoints.iter().collect();
    sorted.sort_by_key(|checkpoint| checkpoint.size);
    let back = sorted.windows(2).find(|two| two[0].size < two[1].size && two[0].at_ms > two[1].at_ms);
    holds(Invariant::Log1, back.is_none(), || {
        let sizes = back.map(|two| (two[0].size, two[1].size)).unwrap_or_default();
        format!("the checkpoint of {} is older than that of {}", sizes.1, sizes.0)
    })
}

/// LOG-2: a copy has the root that the region signed for its size.
///
/// # Errors
/// Another size or root.
pub fn log_2(copy: &Frontier, signed: &Checkpoint) -> Result<(), Violation> {
    holds(Invariant::Log2, copy.size() == signed.size, || {
        format!("a copy of {} with {} entries under a checkpoint of {}", signed.origin, copy.size(), signed.size)
    })?;
    holds(Invariant::Log2, copy.root() == signed.root, || {
        format!("the copy of {} has another root at {} than the signed one", signed.origin, signed.size)
    })
}

/// ACC-1: all checkpoints of a log that were shown to anybody belong to the one history that it holds.
///
/// # Errors
/// The first that does not.
pub fn acc_1(leaves: &[Hash], shown: &[Checkpoint]) -> Result<(), Violation> {
    prefixes(Invariant::Acc1, leaves, shown)
}

/// FORK-1: a feed is stopped if and only if two signed checkpoints that contradict each other are kept, and the second
/// one is not what was applied.
///
/// `leaves` are those of the copy; `applied` its checkpoints; `evidence` the kept pairs: what the copy had, and what
/// contradicts it. Their signatures are the caller's to check. A copy that was made anew, or lost its end with the power,
/// stays behind the fork: then the pair must contradict in itself.
///
/// # Errors
/// A stop without evidence, evidence without a stop, evidence that contradicts nothing, or a contradiction applied.
pub fn fork_1(
    stopped: bool,
    evidence: &[(Checkpoint, Checkpoint)],
    leaves: &[Hash],
    applied: &[Checkpoint],
) -> Result<(), Violation> {
    holds(Invariant::Fork1, stopped != evidence.is_empty(), || {
        let kept = evidence.len();
        format!("the feed is {}, {kept} contradictions are kept", if stopped { "stopped" } else { "running" })
    })?;
    prefixes(Invariant::Fork1, leaves, applied)?;
    for (ours, other) in evidence {
        holds(Invariant::Fork1, ours.origin == other.origin, || {
            format!("evidence of two logs, {} and {}", ours.origin, other.origin)
        })?;
        let size = other.size;
        let root = root_at(leaves, size).or_else(|| (ours.size == size).then_some(ours.root));
        holds(Invariant::Fork1, root.is_some(), || format!("evidence of size {size}, which the copy has not reached"))?;
        holds(Invariant::Fork1, root != Some(other.root), || {
            format!("the checkpoint of {size} that is called a contradiction agrees with the copy")
        })?;
        let taken = applied.iter().any(|one| one.size == size && one.root == other.root);
        holds(Invariant::Fork1, !taken, || format!("the contradicting checkpoint of {size} was applied"))?;
    }
    Ok(())
}

/// APP-1: two nodes that have the same logs have the same rows. Keys name the keyspace too.
///
/// # Errors
/// The first row that differs.
pub fn app_1(one: &BTreeMap<Vec<u8>, Vec<u8>>, other: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), Violation> {
    same(Invariant::App1, one, other)
}

/// DUP-1: deliveries that came before change no row.
///
/// # Errors
/// The first row that differs.
pub fn dup_1(before: &BTreeMap<Vec<u8>, Vec<u8>>, after: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), Violation> {
    same(Invariant::Dup1, before, after)
}

fn same(
    invariant: Invariant,
    one: &BTreeMap<Vec<u8>, Vec<u8>>,
    other: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<(), Violation> {
    let differs = one.keys().chain(other.keys()).find(|key| one.get(*key) != other.get(*key));
    holds(invariant, differs.is_none(), || {
        let key = differs.map(|key| key.escape_ascii().to_string()).unwrap_or_default();
        let which = |rows: &BTreeMap<Vec<u8>, Vec<u8>>| differs.is_some_and(|key| rows.contains_key(key));
        format!("row {key} differs (first has it: {}, second has it: {})", which(one), which(other))
    })
}

/// Each checkpoint has the root of its size.
fn prefixes(invariant: Invariant, leaves: &[Hash], checkpoints: &[Checkpoint]) -> Result<(), Violation> {
    let mut sorted: Vec<&Checkpoint> = checkpoints.iter().collect();
    sorted.sort_by_key(|checkpoint| checkpoint.size);
    let (mut frontier, mut rest) = (Frontier::new(), leaves.iter());
    for checkpoint in sorted {
        while frontier.size() < checkpoint.size {
            let Some(leaf) = rest.next() else {
                let found = format!("a checkpoint of {} over {} entries", checkpoint.size, leaves.len());
                return Err(Violation { invariant, found });
            };
            frontier.append(*leaf);
        }
        holds(invariant, frontier.root() == checkpoint.root, || {
            format!("the checkpoint of {} at {} is no prefix of the log", checkpoint.origin, checkpoint.size)
        })?;
    }
    Ok(())
}

fn root_at(leaves: &[Hash], size: u64) -> Option<Hash> {
    let mut frontier = Frontier::new();
    leaves.get(..usize::try_from(size).ok()?)?.iter().for_each(|leaf| frontier.append(*leaf));
    Some(frontier.root())
}
