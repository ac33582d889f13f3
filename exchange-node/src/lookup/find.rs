//! FindCertificates: by the party, in the local index; only types that the matter names; no values.

use super::{Lookup, Standing, matter_purpose};
use crate::{
    access::{self, Party, Step},
    catalogue::KnownImplementation,
    idempotency::Content,
    refusal::Refusal,
    tls::Caller,
};
use exchange_core::{
    access::{AccessKind, AccessRecord},
    certificate_id::TypeCode,
    checkpoint::LogProof,
    position::Position,
    purpose::{self, Asked, SearchFacts},
    question::Question,
};
use exchange_proto::{access as convert, store as row};
use ring::digest::{SHA256, digest};
use std::sync::Arc;

/// Most certificates in one answer.
pub const MOST_FOUND: usize = 200;

/// A search.
#[derive(Debug, Clone)]
pub struct FindRequest {
    /// By whom, for what, about whom.
    pub question: Question,
    /// Empty: all types that the matter names.
    pub type_codes: Vec<TypeCode>,
}

/// One certificate of the party.
#[derive(Debug)]
pub struct FoundOne {
    /// Its id.
    pub id: String,
    /// As the index has it.
    pub row: Arc<row::CertificateRow>,
    /// Its type's name.
    pub type_name: String,
    /// In its city's log.
    pub position: Position,
    /// As this node knows it.
    pub standing: Standing,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Newest revisions and older ones, by type.
    pub certificates: Vec<FoundOne>,
    /// This city's receipt.
    pub receipt: LogProof,
    /// Asked, not named by the matter.
    pub withheld_types: Vec<String>,
}

impl Lookup {
    /// Searches; recorded before it answers, limited per clerk.
    ///
    /// # Errors
    /// Not the caller's right, no such matter, too many searches of this clerk.
    pub async fn find(&self, caller: &Caller, request: FindRequest) -> Result<Found, Refusal> {
        self.policy.may_lookup(caller)?;
        let question = &request.question;
        let purpose = matter_purpose(&question.purpose)?;
        self.limits.search(question.clerk.organisation.as_str(), &question.clerk.staff_number)?;
        let matter = self.catalogue.matter(purpose.matter_code.as_str(), Some(purpose.version))?;
        let implementation = self.catalogue.implementation(purpose.responsible_region, purpose.matter_code.as_str())?;
        let mut named: Vec<TypeCode> = request.type_codes.clone();
        if let Some(known) = &matter {
            named.extend(known.matter.materials.iter().filter_map(|material| material.type_code));
        }
        named.sort_unstable();
        named.dedup();
        let mut kinds = Vec::new();
        for code in &named {
            kinds.extend(self.catalogue.certificate_type(code.as_str(), None)?);
        }
        let granted = purpose::grant_search(&SearchFacts {
            asked: Asked {
                purpose: &question.purpose,
                relation: question.party.relation,
                region: self.region,
                day: self.today(),
                matter: matter.as_ref().map(|known| &known.matter),
                implementation: KnownImplementation::state(implementation.as_deref()),
            },
            type_codes: &request.type_codes,
            certificate_types: &kinds.iter().map(|kind| &**kind).collect::<Vec<_>>(),
        })?;
        let mut certificates = Vec::new();
        for code in granted.type_codes() {
            self.find_type(code.as_str(), question, &mut certificates)?;
        }
        certificates.truncate(MOST_FOUND);
        let receipt = self.record_searched(caller, &request, &certificates).await?;
        Ok(Found {
            certificates,
            receipt,
            withheld_types: granted.withheld().iter().map(ToString::to_string).collect(),
        })
    }

    fn find_type(&self, code: &str, question: &Question, found: &mut Vec<FoundOne>) -> Result<(), Refusal> {
        let kind = self.catalogue.certificate_type(code, None)?;
        let type_name = kind.map(|kind| kind.name.clone()).unwrap_or_default();
        let today = self.today();
        for (key_id, tag) in self.party_tags(code, &question.party.holder)? {
            for (region, id) in self.store.holder_index(&key_id, &tag.bytes, MOST_FOUND)? {
                let Some(row) = self.store.indexed_certificate(region, &id)? else { continue };
                if found.iter().any(|one: &FoundOne| one.id == id && one.position.region == region) {
                    continue; // the same certificate under an older index key
                }
                let standing = self.standing(region, &row, today)?;
                let position = Position { region, epoch: row.epoch, index: row.index };
                found.push(FoundOne { id, row, type_name: type_name.clone(), position, standing });
            }
        }
        Ok(())
    }

    async fn record_searched(
        &self,
        caller: &Caller,
        request: &FindRequest,
        found: &[FoundOne],
    ) -> Result<LogProof, Refusal> {
        let question = &request.question;
        let (caller_id, salt) = (caller.uri.clone(), self.random.array());
        let record = AccessRecord {
            kind: AccessKind::Searched,
            certificate_ids: found.iter().map(|one| one.id.clone()).collect(),
            ..self.record(&caller_id, question, &salt)
        };
        let content = Content::new("Search")
            .field(1, &*caller_id)
            .field(2, format!("{:?}", question.purpose))
            .field(3, question.case.as_str())
            .field(4, question.party.holder.code_type())
            .field(5, question.party.holder.code())
            .list(6, request.type_codes.iter().map(TypeCode::as_str));
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, content.bytes()).as_ref());
        let party = Party { holder: question.party.holder.clone(), salt };
        let recorded = self
            .access
            .record(access::Record {
                body: convert::encode_body(&record).into(),
                question: self.step(question, Step::Searched, bytes),
                party: Some(self.access.seal_party(&question.question_id, &party, self.random.array())?),
                uses: None,
                refusal: None,
                copy: None,
            })
            .await?;
        Ok(recorded.proof)
    }
}
