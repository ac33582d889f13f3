//! Use case: questions, on the asking and on the answering side.
//!
//! Asking: find the certificate in the local index → record the question → call the custodian → check what it released
//! against the signed digests in the own copy → record the answer → return it with both receipts.
//! Answering: check the question's proof → decide on the own copies of type and matter → record → release.

mod answer;
mod ask;
mod find;
pub mod uses;

pub use answer::PeerQuestion;
pub use ask::{Answered, LookupRequest, Target};
pub use find::{Found, FindRequest};
pub use uses::{Use, UsesPage};

use crate::{
    access::{AccessLog, Proofs},
    catalogue::Catalogue,
    clock::Clock,
    indexer::Freshness,
    issuing::{Issuing, record},
    keys::Keys,
    limits::Limits,
    peers::Peers,
    policy::Policy,
    random::Random,
    refusal::Refusal,
    store::{Store, Space, own},
    tls::Caller,
    trust::Trust,
};
use exchange_core::{
    access::{AccessKind, AccessRecord, party_digest},
    certificate_type::LegalForm,
    date::Date,
    disclosure::Disclosure,
    holder::{Holder, Tag, holder_tag},
    matter::Matter,
    purpose::{self, Facts, Grant},
    question::{Purpose, Question},
    reason::Reason,
    region::Region,
    status::Status,
};
use exchange_proto::store as row;
use std::sync::Arc;

/// Both sides of a question.
#[derive(Clone)]
pub struct Lookup {
    /// Of this node.
    pub region: Region,
    /// Own certificates and their values.
    pub issuing: Issuing,
    /// Records.
    pub access: AccessLog,
    /// Reads.
    pub store: Store,
    /// Types and matters.
    pub catalogue: Catalogue,
    /// Index keys.
    pub keys: Arc<Keys>,
    /// Log keys of the other cities.
    pub trust: Arc<Trust>,
    /// Receipts of the other cities.
    pub proofs: Proofs,
    /// Channels to the other cities.
    pub peers: Arc<Peers>,
    /// Who may.
    pub policy: Arc<Policy>,
    /// Searches of a clerk.
    pub limits: Arc<Limits>,
    /// How fresh the copies are.
    pub freshness: Freshness,
    /// Time.
    pub clock: Clock,
    /// Nonces and salts.
    pub random: Random,
}

/// What is known of a certificate's status, and as of when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// On the day that was asked, with the dates laid over it.
    pub status: Status,
    /// The type's own code.
    pub status_code: String,
    /// Since when.
    pub effective_on: Option<Date>,
    /// Newest word of the region.
    pub as_of_ms: u64,
    /// Current, stale or untrusted.
    pub freshness: crate::indexer::State,
    /// For people, where it is not current.
    pub note: String,
    /// 视同原件 only with a sealed OFD that verified; seals come later, so everything is 数据核验.
    pub legal_form: LegalForm,
}

impl Lookup {
    fn today(&self) -> Date {
        Date::from_unix_ms(i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX)).unwrap_or(Date::MAX)
    }

    /// A certificate in the index: the own region first, then the others in the order of their codes.
    pub(crate) fn locate(&self, id: &str) -> Result<Option<(Region, row::CertificateRow)>, Refusal> {
        for region in std::iter::once(self.region).chain(self.trust.snapshot().bundle().regions.keys().copied()) {
            if let Some(found) = self.store.indexed_certificate(region, id)? {
                return Ok(Some((region, found)));
            }
        }
        Ok(None)
    }

    /// A certificate's standing as this node knows it.
    pub(crate) fn standing(&self, region: Region, found: &row::CertificateRow, day: Date) -> Standing {
        let word = self.freshness.of(region, self.clock.now_ms());
        let effective = found.links.last().and_then(|link| link.effective_on);
        Standing {
            status: record::status_today(found, day),
            status_code: found.status_code.clone(),
            effective_on: effective.and_then(|date| exchange_proto::certificate::date(date).ok()),
            as_of_ms: word.as_of_ms,
            freshness: word.state,
            note: word.note,
            legal_form: LegalForm::DataOnly,
        }
    }

    /// The record of a question, all but what is said of it.
    fn record(&self, caller: &str, question: &Question, salt: &[u8; 16]) -> AccessRecord {
        AccessRecord {
            at_ms: 0,
            nonce: self.random.array(),
            question_id: question.question_id,
            kind: AccessKind::Asked,
            reason: String::new(),
            caller: caller.to_owned(),
            clerk: question.clerk.clone(),
            purpose: question.purpose.clone(),
            case: question.case.clone(),
            party: party_digest(salt, &question.party.holder),
            relation: question.party.relation,
            basis: question.basis,
            evidence_id: question.evidence_id.clone(),
            purpose_text: question.purpose_text.clone(),
            certificate_id: String::new(),
            fields: Vec::new(),
            disclosures_digest: None,
            peer_region: self.region,
            question_leaf: None,
            certificate_ids: Vec::new(),
        }
    }

    /// The party's tags for a type, under every index key that is here.
    fn party_tags(&self, type_code: &str, holder: &Holder) -> Result<Vec<([u8; 8], Tag)>, Refusal> {
        self.keys
            .index_keys()
            .map(|key| {
                let tag = holder_tag(key, type_code, holder).map_err(|error| {
                    Refusal::caller(Reason::PartyInvalid, error.to_string(), "a holder's code of its type")
                })?;
                Ok((key.id(), tag))
            })
            .collect()
    }
}

/// A question without the matter that it names grants nothing.
fn matter_purpose(question_purpose: &Purpose) -> Result<&exchange_core::question::MatterPurpose, Refusal> {
    match question_purpose {
        Purpose::Matter(matter) => Ok(matter),
        Purpose::UseScenario(name) => Err(Refusal::caller(
            Reason::MatterUnknown,
            format!("use scenario {name}"),
            "a matter; the province has published no use scenario",
        )),
    }
}
