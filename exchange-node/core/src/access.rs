//! Records of the private access log: who asked, answered, refused or received what.
//!
//! Never a value, never an identity or mobile number.

use crate::{
    case_number::CaseRef,
    holder::Holder,
    question::{Basis, Clerk, Purpose, Relation},
    region::Region,
};
use ring::digest::{Context, SHA256};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AccessKind {
    /// This city asked; written before the question leaves.
    Asked = 1,
    /// This city answered; written before the answer leaves.
    Answered = 2,
    /// This city refused.
    Refused = 3,
    /// This city has another city's answer; written before the calling system gets it.
    Received = 4,
    /// A search in the index; written before it answers.
    Searched = 5,
}

impl AccessKind {
    /// From its number on the wire.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Asked),
            2 => Some(Self::Answered),
            3 => Some(Self::Refused),
            4 => Some(Self::Received),
            5 => Some(Self::Searched),
            _ => None,
        }
    }
}

/// One entry of an access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRecord {
    /// Set by the ledger.
    pub at_ms: u64,
    /// Random: records of one question do not collide.
    pub nonce: [u8; 16],
    /// Of the question.
    pub question_id: [u8; 16],
    /// What happened.
    pub kind: AccessKind,
    /// [`AccessKind::Refused`]: the stable reason.
    pub reason: String,
    /// SPIFFE id of the calling system.
    pub caller: String,
    /// Who asked.
    pub clerk: Clerk,
    /// For what.
    pub purpose: Purpose,
    /// In which case.
    pub case: CaseRef,
    /// Salted digest of the party, see [`party_digest`].
    pub party: [u8; 32],
    /// Asserted by the asking city.
    pub relation: Relation,
    /// On what ground.
    pub basis: Basis,
    /// Evidence for it.
    pub evidence_id: String,
    /// For people.
    pub purpose_text: String,
    /// Empty for a search.
    pub certificate_id: String,
    /// Asked: wanted. Answered, received: released.
    pub fields: Vec<String>,
    /// Answered, received: see [`crate::disclosure::released_digest`].
    pub disclosures_digest: Option<[u8; 32]>,
    /// The other side.
    pub peer_region: Region,
    /// Answered, refused, received: leaf hash of the question's entry.
    pub question_leaf: Option<[u8; 32]>,
    /// Searched: what was shown.
    pub certificate_ids: Vec<String>,
}

/// SHA-256(salt ‖ u8 length ‖ code type ‖ code); the code type is at most 255 bytes by its grammar.
pub fn party_digest(salt: &[u8; 16], holder: &Holder) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(salt);
    context.update(&[u8::try_from(holder.code_type().len()).unwrap_or(u8::MAX)]);
    context.update(holder.code_type().as_bytes());
    context.update(holder.code().as_bytes());
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
