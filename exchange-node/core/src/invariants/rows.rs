//! Certificates, their requests and their status; and what no output may hold.

use super::{Invariant, Violation, holds};
use crate::{
    position::Position,
    resident_id,
    status::{self, Status},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a client was told of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// Of the certificate.
    pub certificate_id: String,
    /// Of its `CertificateIssued` entry.
    pub position: Position,
}

/// A `CertificateIssued` entry of a log that is not void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Where it stands.
    pub position: Position,
    /// Of the certificate.
    pub certificate_id: String,
    /// From 1.
    pub revision: u32,
    /// The certificate that it replaces.
    pub previous: Option<String>,
}

/// An answer to a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// SPIFFE id.
    pub caller: String,
    /// UUIDv7.
    pub request_id: String,
    /// Of what was asked.
    pub body_digest: [u8; 32],
    /// Of the certificate that it came to.
    pub certificate_id: String,
}

/// A certificate's chain of status changes, as an index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Of the certificate.
    pub certificate_id: String,
    /// Of the issue.
    pub issued: Position,
    /// As the row says now.
    pub status: Status,
    /// In order.
    pub links: Vec<Link>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it stands.
    pub position: Position,
    /// What it was.
    pub from: Status,
    /// What it became.
    pub to: Status,
    /// By a restoring decision.
    pub restoring: bool,
}

/// ISS-1: every acknowledged issue stands where the client was told, once.
///
/// # Errors
/// The first that is missing, elsewhere or there twice.
pub fn iss_1(acknowledged: &[Acknowledged], issued: &[Issued]) -> Result<(), Violation> {
    let mut standing: BTreeMap<&str, Vec<Position>> = BTreeMap::new();
    for one in issued {
        standing.entry(&one.certificate_id).or_default().push(one.position);
    }
    for one in acknowledged {
        let found = standing.get(one.certificate_id.as_str()).map_or(&[][..], Vec::as_slice);
        holds(Invariant::Iss1, found == [one.position], || {
            let at: Vec<String> = found.iter().map(ToString::to_string).collect();
            format!("{} was acknowledged at {}, it stands at [{}]", one.certificate_id, one.position, at.join(", "))
        })?;
    }
    Ok(())
}

/// ISS-2: one caller's request id stands for one body and one certificate.
///
/// # Errors
/// The first id with two of either.
pub fn iss_2(answers: &[Answered]) -> Result<(), Violation> {
    let mut first: BTreeMap<(&str, &str), &Answered> = BTreeMap::new();
    for one in answers {
        let known = *first.entry((&one.caller, &one.request_id)).or_insert(one);
        holds(Invariant::Iss2, known.body_digest == one.body_digest, || {
            format!("request {} was answered for two bodies", one.request_id)
        })?;
        holds(Invariant::Iss2, known.certificate_id == one.certificate_id, || {
            format!("request {} came to {} and {}", one.request_id, known.certificate_id, one.certificate_id)
        })?;
    }
    Ok(())
}

/// ISS-3: no position and, within a region, no identifier is used twice.
///
/// # Errors
/// The first that is.
pub fn iss_3(issued: &[Issued]) -> Result<(), Violation> {
    let (mut positions, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for one in issued {
        holds(Invariant::Iss3, positions.insert(one.position), || format!("position {} is used twice", one.position))?;
        holds(Invariant::Iss3, ids.insert((one.position.region, &one.certificate_id)), || {
            format!("{} is issued twice in the log of {}", one.certificate_id, one.position.region)
        })?;
    }
    Ok(())
}

/// VER-1: each revision follows the one before it, which nothing else replaces.
///
/// `issued` is one region's, in the order of its log.
///
/// # Errors
/// The first revision that breaks a chain.
pub fn ver_1(issued: &[Issued]) -> Result<(), Violation> {
    let mut revisions: BTreeMap<&str, u32> = BTreeMap::new();
    let mut replaced = BTreeSet::new();
    for one in issued {
        let before = one.previous.as_deref().map(|id| revisions.get(id).copied());
        let needed = match before {
            None => Some(1),
            Some(found) => found.map(|revision| revision + 1),
        };
        holds(Invariant::Ver1, needed == Some(one.revision), || {
            format!("{} is revision {}, {needed:?} follows", one.certificate_id, one.revision)
        })?;
        let first = one.previous.as_deref().is_none_or(|id| replaced.insert(id));
        holds(Invariant::Ver1, first, || format!("{} replaces what was replaced before", one.certificate_id))?;
        revisions.insert(&one.certificate_id, one.revision);
    }
    Ok(())
}

/// REV-2: a chain begins active, each link starts where the last one ended and is allowed, positions rise, and the
/// certificate is what the last link says.
///
/// # Errors
/// The first link that is not.
pub fn rev_2(chain: &Chain) -> Result<(), Violation> {
    let id = &chain.certificate_id;
    let (mut now, mut at) = (Status::Active, chain.issued);
    for link in &chain.links {
        holds(Invariant::Rev2, link.from == now, || format!("{id} was {now}, a link starts from {}", link.from))?;
        let allowed = status::allowed(link.from, link.to, link.restoring);
        holds(Invariant::Rev2, allowed.is_ok(), || {
            format!("{id}: {}", allowed.as_ref().err().map(ToString::to_string).unwrap_or_default())
        })?;
        holds(Invariant::Rev2, link.position > at, || format!("{id}: the link at {} follows {at}", link.position))?;
        (now, at) = (link.to, link.position);
    }
    holds(Invariant::Rev2, chain.status == now, || format!("{id} is {}, its chain ends with {now}", chain.status))
}

/// SEC-1: bytes that leave the node's own store in the clear hold no identity number and none of the canaries.
///
/// # Errors
/// What was found, never the thing itself.
pub fn sec_1(output: &str, bytes: &[u8], canaries: &[&str]) -> Result<(), Violation> {
    let text = String::from_utf8_lossy(bytes);
    holds(Invariant::Sec1, !resident_id::find_in(&text), || format!("{output} holds an identity number"))?;
    let found = canaries.iter().position(|canary| text.contains(canary));
    holds(Invariant::Sec1, found.is_none(), || format!("{output} holds canary {}", found.unwrap_or_default()))
}
