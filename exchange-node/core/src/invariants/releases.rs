//! Values that left a city.

use super::{Invariant, Violation, holds};
use crate::{
    access::{AccessKind, AccessRecord, party_digest},
    disclosure::{Disclosure, released_digest},
    holder::Holder,
    merkle::leaf_hash,
    question::{Purpose, Relation},
};

/// One answer with values, and what both cities have of it.
#[derive(Debug, Clone)]
pub struct Release<'a> {
    /// The ANSWERED record, as the custodian's access log has it.
    pub answered: &'a AccessRecord,
    /// What the asking city's access log has of the question; `None`: nothing at all.
    pub asker: Option<Asker<'a>>,
    /// The values, if they are known: in the header's order.
    pub disclosures: Option<&'a [Disclosure]>,
    /// What the matter's pinned version and the certificate say; `None`: not known.
    pub allowed: Option<Allowed<'a>>,
}

/// The asking city's side.
#[derive(Debug, Clone)]
pub struct Asker<'a> {
    /// Bytes of the ASKED entry.
    pub asked_entry: &'a [u8],
    /// The same, decoded.
    pub asked: &'a AccessRecord,
    /// Index of the ASKED entry.
    pub asked_index: u64,
    /// The RECEIVED record with its index; needed where the answer was handed to the calling system and the custodian is
    /// another city.
    pub received: Option<(u64, &'a AccessRecord)>,
    /// Was the answer handed on by another city than the custodian?
    pub handed_on: bool,
}

/// What may be released.
#[derive(Debug, Clone)]
pub struct Allowed<'a> {
    /// Short names that uniform matter and implementation both name for the certificate's type.
    pub fields: &'a [String],
    /// Relations that the matter allows for it.
    pub relations: &'a [Relation],
    /// The party that the question was about, with the salt of its digest.
    pub party: (&'a Holder, &'a [u8; 16]),
    /// Is the party's tag among the certificate's?
    pub is_holder: bool,
}

/// PUR-1: matter, case, party and clerk are recorded; the question was recorded in the asking city before, the answer
/// there before it was handed on.
///
/// # Errors
/// What is missing or does not fit.
pub fn pur_1(release: &Release<'_>) -> Result<(), Violation> {
    let record = release.answered;
    let check = |condition: bool, found: &str| {
        holds(Invariant::Pur1, condition, || format!("the answer about {}: {found}", record.certificate_id))
    };
    check(record.kind == AccessKind::Answered, "its record is of another kind")?;
    check(matches!(record.purpose, Purpose::Matter(_)), "no matter")?;
    check(record.party != [0; 32], "no party")?;
    check(!record.clerk.staff_number.is_empty(), "no clerk")?;
    let Some(asker) = &release.asker else {
        return check(false, "the asking city has no record of the question");
    };
    let asked = asker.asked;
    check(asked.kind == AccessKind::Asked, "what it answers is no question")?;
    check(record.question_leaf == Some(leaf_hash(asker.asked_entry)), "it answers another record")?;
    let same = (asked.question_id, &asked.case, asked.party, &asked.purpose, &asked.certificate_id, &asked.clerk)
        == (record.question_id, &record.case, record.party, &record.purpose, &record.certificate_id, &record.clerk);
    check(same, "question and answer differ in id, case, party, purpose, clerk or certificate")?;
    if !asker.handed_on {
        return Ok(());
    }
    let Some((index, received)) = asker.received else {
        return check(false, "it was handed on without a record that it was received");
    };
    check(received.kind == AccessKind::Received && index > asker.asked_index, "received before it was asked")?;
    let same = (received.question_id, &received.fields, received.disclosures_digest, received.question_leaf)
        == (record.question_id, &record.fields, record.disclosures_digest, record.question_leaf);
    check(same, "what was received is not what was answered")
}

/// PUR-2: only what the matter's pinned version names and the question asked for, and exactly what the record says.
///
/// # Errors
/// The first field too many, or another digest.
pub fn pur_2(release: &Release<'_>) -> Result<(), Violation> {
    let record = release.answered;
    let check = |condition: bool, found: &dyn Fn() -> String| {
        holds(Invariant::Pur2, condition, || format!("the answer about {}: {}", record.certificate_id, found()))
    };
    check(!record.fields.is_empty(), &|| "no field".to_owned())?;
    if let Some(allowed) = &release.allowed {
        let extra = record.fields.iter().find(|name| !allowed.fields.contains(name));
        check(extra.is_none(), &|| format!("the matter does not need {extra:?}"))?;
    }
    if let Some(asker) = &release.asker {
        let extra = record.fields.iter().find(|name| !asker.asked.fields.contains(name));
        check(extra.is_none(), &|| format!("nobody asked for {extra:?}"))?;
    }
    let Some(disclosures) = release.disclosures else { return Ok(()) };
    let names = disclosures.iter().map(|one| one.name.as_str());
    check(record.fields.iter().map(String::as_str).eq(names), &|| "other values than the record says".to_owned())?;
    let digest = record.disclosures_digest == Some(released_digest(disclosures));
    check(digest, &|| "the record has another digest than the values".to_owned())
}

/// PUR-3: the party is a holder of the certificate, is the one that was recorded, and stands in a relation that the
/// matter allows.
///
/// # Errors
/// What does not fit.
pub fn pur_3(release: &Release<'_>) -> Result<(), Violation> {
    let Some(allowed) = &release.allowed else { return Ok(()) };
    let record = release.answered;
    let check = |condition: bool, found: &str| {
        holds(Invariant::Pur3, condition, || format!("the answer about {}: {found}", record.certificate_id))
    };
    let (holder, salt) = allowed.party;
    check(record.party == party_digest(salt, holder), "the record names another party")?;
    check(allowed.is_holder, "the party is not a holder")?;
    let relation = format!("the matter does not allow relation {}", record.relation.name());
    check(allowed.relations.contains(&record.relation), &relation)
}
