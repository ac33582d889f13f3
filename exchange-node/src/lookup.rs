//! Use case: questions, on the asking and on the answering side.
//!
//! Asking: find the certificate in the local index → record the question → call the custodian → check what it released
//! against the signed digests in the own copy → record the answer → return it with both receipts.
//! Answering: check the question's proof → decide on the own copies of type and matter → record → release.

mod answer;
mod ask;
mod copy;
mod copy_use;
mod fetch;
pub mod find;
mod form;
pub mod uses;

pub use answer::PeerQuestion;
pub use ask::{Answered, LookupRequest, Target};
pub(crate) use copy::{KEPT_FOR_REPETITIONS_MS, copy_facts};
pub use fetch::{AnsweredFile, FetchRequest, Fetched};
pub use find::{FindRequest, Found};
pub use form::Form;
pub use uses::{Use, UsesPage};

use crate::{
    access::{AccessLog, Proofs},
    blobs::care,
    catalogue::Catalogue,
    clock::Clock,
    crash::Crash,
    documents::SealCrls,
    indexer::{self, Freshness},
    issuing::{Issuing, record},
    keys::Keys,
    limits::Limits,
    peers::Peers,
    policy::Policy,
    random::Random,
    refusal::Refusal,
    store::Store,
    trust::Trust,
    verification::Known,
};
use exchange_core::{
    access::{AccessKind, AccessRecord, party_digest},
    certificate_id::{CertificateId, IssuerCode},
    date::Date,
    holder::{Holder, Tag, holder_tag},
    question::{Purpose, Question},
    reason::Reason,
    region::Region,
    status::Status,
};
use exchange_proto::{store as row, v1};
use std::{sync::Arc, time::Duration};

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
    /// What is known of kept files: a question may find damage first.
    pub kept: care::Known,
    /// Channels to the other cities.
    pub peers: Arc<Peers>,
    /// Who may.
    pub policy: Arc<Policy>,
    /// Searches of a clerk.
    pub limits: Arc<Limits>,
    /// CRLs of the CAs behind seals.
    pub seal_crls: SealCrls,
    /// What verifications need not find out twice.
    pub known: Known,
    /// Answers about a region are stale when its newest word is older.
    pub stale_after: Duration,
    /// Time.
    pub clock: Clock,
    /// Nonces and salts.
    pub random: Random,
    /// Where tests stop it.
    pub crash: Crash,
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
    pub freshness: v1::Freshness,
    /// For people, where it is not current.
    pub note: String,
}

impl Lookup {
    pub(crate) fn today(&self) -> Date {
        self.issuing.today()
    }

    /// A certificate that the index has passed: in the region whose department its identifier names, else in the own region, else in
    /// the first other one by its code. So another city that uses the identifier too turns no question away from where
    /// the certificate is.
    pub(crate) fn locate(&self, id: &str) -> Result<Option<(Region, Arc<row::CertificateRow>)>, Refusal> {
        let Ok(named) = CertificateId::parse(id) else { return Ok(None) }; // nothing else is ever in the index
        let snapshot = self.trust.snapshot();
        let at_home = |region| match named.issuer() {
            IssuerCode::Uscc(uscc) => snapshot.bundle().department_allowed(region, uscc),
            IssuerCode::Region(code) => *code == region,
        };
        let others = || snapshot.bundle().regions.keys().copied().filter(|region| *region != self.region);
        let regions = || std::iter::once(self.region).chain(others());
        let (home, others) =
            (regions().filter(|region| at_home(*region)), regions().filter(|region| !at_home(*region)));
        for region in home.chain(others) {
            if let Some(found) = self.store.indexed_certificate(region, id)?
                && self.is_indexed(region, &found)?
            {
                return Ok(Some((region, found)));
            }
        }
        Ok(None)
    }

    /// An own certificate is in `own/` before its holders and its signer's credential are in the index: until then nobody
    /// is told that it has none.
    pub(crate) fn is_indexed(&self, region: Region, found: &row::CertificateRow) -> Result<bool, Refusal> {
        if region != self.region {
            return Ok(true);
        }
        let state = self.store.region_state(region)?.unwrap_or_default();
        Ok((state.epoch, state.applied) > (found.epoch, found.index))
    }

    /// A certificate's standing as this node knows it.
    pub(crate) fn standing(&self, region: Region, found: &row::CertificateRow, day: Date) -> Result<Standing, Refusal> {
        let word = self.freshness(region)?;
        let effective = found.links.last().and_then(|link| link.effective_on);
        Ok(Standing {
            status: record::status_today(found, day),
            status_code: self.status_code(found)?,
            effective_on: effective.and_then(|date| exchange_proto::certificate::date(date).ok()),
            as_of_ms: word.as_of_ms.unwrap_or(0),
            freshness: word.state,
            note: word.note,
        })
    }

    /// The type's own code: that of the last change, or of the first status.
    fn status_code(&self, found: &row::CertificateRow) -> Result<String, Refusal> {
        if !found.status_code.is_empty() {
            return Ok(found.status_code.clone());
        }
        let kind = self.catalogue.certificate_type(&found.type_code, Some(found.type_version))?;
        let stored = Status::from_number(found.status).unwrap_or(Status::Active);
        Ok(kind.and_then(|kind| kind.status_code_for(stored).map(str::to_owned)).unwrap_or_default())
    }

    /// The standing on an earlier or later day: by the last decision that had taken effect by then.
    pub(crate) fn standing_on(
        &self,
        region: Region,
        found: &row::CertificateRow,
        day: Date,
    ) -> Result<Standing, Refusal> {
        let mut then = found.clone();
        let in_effect = |link: &row::StatusLink| {
            link.effective_on
                .and_then(|date| exchange_proto::certificate::date(date).ok())
                .is_none_or(|from| from <= day)
        };
        then.links.retain(in_effect);
        let last = then.links.last();
        then.status = last.map_or(Status::Active as i32, |link| link.to);
        then.status_code = last.map(|link| link.status_code.clone()).unwrap_or_default();
        self.standing(region, &then, day)
    }

    /// How fresh answers about a region are.
    pub(crate) fn freshness(&self, region: Region) -> Result<Freshness, Refusal> {
        let state = self.store.region_state(region)?;
        Ok(indexer::freshness(region, state.as_deref(), self.clock.now_ms(), self.stale_after))
    }

    /// Of every region of the province.
    pub(crate) fn freshness_of_all(&self) -> Result<Vec<Freshness>, Refusal> {
        self.regions().into_iter().map(|region| self.freshness(region)).collect()
    }

    /// Every region of the trust bundle.
    pub(crate) fn regions(&self) -> Vec<Region> {
        self.trust.snapshot().bundle().regions.keys().copied().collect()
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
            case: question.case,
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
    pub(crate) fn party_tags(&self, type_code: &str, holder: &Holder) -> Result<Vec<([u8; 8], Tag)>, Refusal> {
        self.keys
            .index
            .iter()
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
