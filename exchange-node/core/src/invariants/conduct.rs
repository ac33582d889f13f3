//! What nodes say and whom they obey: freshness, identity, draining.

use super::{Invariant, Violation, holds};
use crate::{position::Position, region::Region, spiffe::SpiffeId};
use std::collections::BTreeSet;

/// A change of status that a client was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Of the certificate.
    pub certificate_id: String,
    /// Of the entry that changed it.
    pub position: Position,
    /// Time of that entry, Unix milliseconds.
    pub at_ms: u64,
}

/// Something that a client tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What, for people.
    pub what: String,
    /// SPIFFE id of the credential that it was tried with.
    pub by: String,
    /// May this credential do it?
    pub entitled: bool,
    /// Was it done?
    pub accepted: bool,
}

/// A call that was under way while its node drained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    /// UUIDv7.
    pub request_id: String,
    /// Did the client get its answer?
    pub answered: bool,
    /// Is it done, as the node's own rows say?
    pub done: bool,
}

/// REV-1: a node that says it has applied all that a region had said by a time shows each change of status that the
/// region acknowledged before.
///
/// `as_of_ms` is what the node says; `applied` are the positions of all links that it has of the region.
///
/// # Errors
/// The first change that it lacks.
pub fn rev_1(changed: &[Changed], as_of_ms: Option<u64>, applied: &BTreeSet<Position>) -> Result<(), Violation> {
    // Two groups may have the same millisecond: of that one nothing is claimed.
    let claimed = |change: &&Changed| as_of_ms.is_some_and(|as_of_ms| change.at_ms < as_of_ms);
    let missing = changed.iter().filter(claimed).find(|change| !applied.contains(&change.position));
    holds(Invariant::Rev1, missing.is_none(), || {
        let told = missing.map(|change| (&change.certificate_id, change.position, change.at_ms));
        format!("as of {as_of_ms:?} ms the node does not have the change {told:?}")
    })
}

/// ID-1: only who is entitled is obeyed, and what a log says of its callers are callers of its own region.
///
/// `recorded` are the callers of a region's own questions, as its access log has them.
///
/// # Errors
/// The first attempt that was accepted of somebody else, or the first caller of another region.
pub fn id_1(attempts: &[Attempt], recorded: &[(Region, String)]) -> Result<(), Violation> {
    let wide = attempts.iter().find(|attempt| attempt.accepted && !attempt.entitled);
    holds(Invariant::Id1, wide.is_none(), || {
        wide.map(|attempt| format!("{} was accepted of {}", attempt.what, attempt.by)).unwrap_or_default()
    })?;
    let foreign = recorded.iter().find(|(region, caller)| {
        SpiffeId::parse(caller).ok().and_then(|id| id.region()).is_none_or(|of| of != *region)
    });
    holds(Invariant::Id1, foreign.is_none(), || {
        foreign.map(|(region, caller)| format!("{region} recorded a question of {caller}")).unwrap_or_default()
    })
}

/// DRAIN-1: what a draining node did, it answered.
///
/// # Errors
/// The first call that was done without an answer.
pub fn drain_1(calls: &[Drained]) -> Result<(), Violation> {
    let lost = calls.iter().find(|call| call.done && !call.answered);
    holds(Invariant::Drain1, lost.is_none(), || {
        let id = lost.map(|call| call.request_id.as_str()).unwrap_or_default();
        format!("request {id} was done by a draining node, and its client was not told")
    })
}
