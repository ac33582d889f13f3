//! The asking side.

use super::{Lookup, matter_purpose};
use crate::{
    access::{self, Party, Recorded, Step},
    crash::Point,
    idempotency::Content,
    issuing::record,
    limits::room::Place,
    refusal::Refusal,
    store::Space,
    tls::Caller,
    verification::{Entry, Opened},
};
use bytes::Bytes;
use exchange_core::{
    access::{AccessKind, AccessRecord},
    certificate::Header,
    checkpoint::LogProof,
    disclosure::{Disclosure, released_digest},
    holder::number_tag,
    merkle::leaf_hash,
    position::Position,
    question::Question,
    reason::Reason,
    region::Region,
};
use exchange_proto::{access as convert, peer, store as row, v1};
use ring::digest::{SHA256, digest};
use std::{sync::Arc, time::Duration};

/// Which certificate.
#[derive(Debug, Clone)]
pub enum Target {
    /// By its id.
    Id(String),
    /// By type and number; the number may be an identity number and is never recorded.
    Number {
        /// 21 characters.
        type_code: String,
        /// 证照编号.
        number: String,
    },
}

/// Where a certificate is in the index, its row and its id.
pub(super) type Located = (Region, Arc<row::CertificateRow>, String);

/// A question about one certificate.
#[derive(Debug, Clone)]
pub struct LookupRequest {
    /// By whom, for what, about whom.
    pub question: Question,
    /// Which certificate.
    pub target: Target,
    /// Short names.
    pub fields: Vec<String>,
}

/// What the calling system gets.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The certificate.
    pub header: Arc<Header>,
    /// Its type's name.
    pub type_name: String,
    /// In its city's log.
    pub position: Position,
    /// Bytes of the envelope, from the own copy.
    pub envelope: Bytes,
    /// Released, each checked against the header.
    pub disclosures: Vec<Disclosure>,
    /// As the custodian knows it.
    pub standing: v1::Standing,
    /// Asked, not needed by the matter.
    pub withheld: Vec<String>,
    /// This city's receipt.
    pub asked: LogProof,
    /// The custodian's receipt.
    pub answered: LogProof,
}

/// What another city (or this one) released.
pub(super) struct Released {
    pub(super) proof: LogProof,
    pub(super) disclosures: Vec<Disclosure>,
    pub(super) standing: v1::Standing,
    pub(super) withheld: Vec<String>,
}

impl Lookup {
    /// Asks; the answer is recorded in both cities when it returns. The call's place is free for others while the other
    /// city answers.
    ///
    /// # Errors
    /// Refusals of this node and, with `who` peer, of the custodian's.
    pub async fn ask(
        &self,
        caller: &Caller,
        request: LookupRequest,
        deadline: Duration,
        place: &Place,
    ) -> Result<Answered, Refusal> {
        self.policy.may_lookup(caller)?;
        matter_purpose(&request.question.purpose)?;
        if request.fields.is_empty() {
            return Err(Refusal::caller(Reason::FieldMissing, "no field", "at least one field"));
        }
        let (region, found, id) = self.found(caller, &request).await?;
        let custodian = Region::parse(&found.custodian_region).unwrap_or(region);
        // Before anything is recorded: a question that finds no place with the other city was never asked.
        let _unanswered = self.peers.admit(custodian, &caller.uri).await?;
        let (recorded, party) = self.record_asked(caller, &request, &id, custodian).await?;
        self.crash.pass(Point::AskedRecorded);
        let question_leaf = leaf_hash(&recorded.proof.entry);
        let released = if custodian == self.region {
            self.answer_own(recorded.proof.clone(), &party).await?
        } else {
            place.while_elsewhere(self.call(custodian, &recorded.proof, &party, deadline)).await?
        };
        let record = self.check_proof(&released.proof, custodian, &request, &question_leaf)?;
        if record.kind == AccessKind::Refused {
            return Err(refused_by(custodian, &record.reason));
        }
        let position = Position { region, epoch: found.epoch, index: found.index };
        let copy = self.own_copy(position, &id)?;
        check_released(&copy.header, &record, &released, custodian)?;
        if custodian != self.region {
            self.record_received(caller, &request, &record, custodian, question_leaf).await?;
            self.crash.pass(Point::ReceivedRecorded);
        }
        let type_name = self.catalogue.certificate_type(&found.type_code, Some(found.type_version))?;
        Ok(Answered {
            header: Arc::clone(&copy.header),
            type_name: type_name.map(|kind| kind.name.clone()).unwrap_or_default(),
            position,
            envelope: copy.envelope.clone(),
            disclosures: released.disclosures,
            standing: released.standing,
            withheld: released.withheld,
            asked: recorded.proof,
            answered: released.proof,
        })
    }

    /// The certificate that is asked about. That there is none is recorded too.
    pub(super) async fn found(&self, caller: &Caller, request: &LookupRequest) -> Result<Located, Refusal> {
        if let Some(found) = self.resolve(&request.target)? {
            return Ok(found);
        }
        self.record_nothing(caller, request).await?;
        Err(Refusal::caller(
            Reason::CertificateNotFound,
            "no such certificate in the index of the province",
            "an id or number of a certificate; a city that was cut off may lag",
        ))
    }

    fn resolve(&self, target: &Target) -> Result<Option<Located>, Refusal> {
        match target {
            Target::Id(id) => Ok(self.locate(id)?.map(|(region, found)| (region, found, id.clone()))),
            Target::Number { type_code, number } => {
                for key in &self.keys.index {
                    let tag = number_tag(key, type_code, number).map_err(|error| {
                        Refusal::caller(Reason::FieldInvalid, error.to_string(), "a certificate number")
                    })?;
                    // Of several revisions the newest one answers.
                    let mut newest: Option<Located> = None;
                    for (region, id) in self.store.holder_index(&key.id(), &tag.bytes, 64)? {
                        let Some(found) = self.store.indexed_certificate(region, &id)? else { continue };
                        if newest.as_ref().is_none_or(|(_, best, _)| best.revision < found.revision) {
                            newest = Some((region, found, id));
                        }
                    }
                    if newest.is_some() {
                        return Ok(newest);
                    }
                }
                Ok(None)
            }
        }
    }

    pub(super) async fn record_asked(
        &self,
        caller: &Caller,
        request: &LookupRequest,
        id: &str,
        custodian: Region,
    ) -> Result<(Recorded, Party), Refusal> {
        let question = &request.question;
        let salt = self.random.array();
        let caller_id = caller.uri.clone();
        let record = AccessRecord {
            certificate_id: id.to_owned(),
            fields: request.fields.clone(),
            peer_region: custodian,
            ..self.record(&caller_id, question, &salt)
        };
        let party = Party { holder: question.party.holder.clone(), salt };
        let recorded = self
            .access
            .record(access::Record {
                body: convert::encode_body(&record).into(),
                question: self.step(question, Step::Asked, question_digest(&caller_id, request, id)),
                party: Some(self.access.seal_party(&question.question_id, &party, self.random.array())?),
                uses: None,
                refusal: None,
                copy: None,
            })
            .await?;
        if !recorded.repeated {
            return Ok((recorded, party));
        }
        // The first record's salt, not the new one, is what its party digest was made with.
        let party = self.access.party(recorded.proof.origin.epoch(), recorded.proof.index, &question.question_id)?;
        Ok((recorded, party))
    }

    async fn record_nothing(&self, caller: &Caller, request: &LookupRequest) -> Result<(), Refusal> {
        let question = &request.question;
        let caller_id = caller.uri.clone();
        let salt = self.random.array();
        let record = AccessRecord {
            kind: AccessKind::Searched,
            fields: request.fields.clone(),
            ..self.record(&caller_id, question, &salt)
        };
        let party = Party { holder: question.party.holder.clone(), salt };
        let record = access::Record {
            body: convert::encode_body(&record).into(),
            question: self.step(question, Step::Searched, question_digest(&caller_id, request, "")),
            party: Some(self.access.seal_party(&question.question_id, &party, self.random.array())?),
            uses: None,
            refusal: None,
            copy: None,
        };
        self.access.record(record).await.map(drop)
    }

    pub(super) async fn record_received(
        &self,
        caller: &Caller,
        request: &LookupRequest,
        answer: &AccessRecord,
        custodian: Region,
        question_leaf: [u8; 32],
    ) -> Result<(), Refusal> {
        let record = AccessRecord {
            at_ms: 0,
            nonce: self.random.array(),
            kind: AccessKind::Received,
            caller: caller.uri.to_string(),
            peer_region: custodian,
            question_leaf: Some(question_leaf),
            ..answer.clone()
        };
        let record = access::Record {
            body: convert::encode_body(&record).into(),
            question: self.step(&request.question, Step::Received, question_leaf),
            party: None,
            uses: None,
            refusal: None,
            copy: None,
        };
        self.access.record(record).await.map(drop)
    }

    pub(super) fn step(&self, question: &Question, step: Step, digest: [u8; 32]) -> access::Question {
        access::Question { asking: self.region, id: question.question_id, step, digest }
    }

    async fn call(
        &self,
        custodian: Region,
        asked: &LogProof,
        party: &Party,
        deadline: Duration,
    ) -> Result<Released, Refusal> {
        let question = peer::question(asked.clone(), &party.holder, &party.salt);
        let answer = tokio::select! {
            biased;
            answer = self.peers.lookup(custodian, question, deadline) => answer?,
            never = self.crash.while_waiting(Point::QuestionSent) => match never {},
        };
        self.crash.pass(Point::AnswerReceived);
        let (proof, disclosures, standing, withheld) = peer::answer(answer).map_err(|error| {
            Refusal::peer(
                Reason::QuestionProofInvalid,
                error.to_string(),
                format!("an answer of {custodian} that reads"),
            )
        })?;
        Ok(Released { proof, disclosures, standing, withheld })
    }

    /// The custodian's record, if its proof holds and it answers this very question.
    pub(super) fn check_proof(
        &self,
        proof: &LogProof,
        custodian: Region,
        request: &LookupRequest,
        question_leaf: &[u8; 32],
    ) -> Result<AccessRecord, Refusal> {
        let wrong = |found: String| {
            Refusal::peer(
                Reason::QuestionProofInvalid,
                found,
                format!("an answer that {custodian}'s access log proves"),
            )
        };
        self.proofs.verify(proof, custodian)?;
        let record = convert::decode(&proof.entry).map_err(|error| wrong(error.to_string()))?;
        if record.question_leaf.as_ref() != Some(question_leaf) || record.question_id != request.question.question_id {
            return Err(wrong("a record of another question".to_owned()));
        }
        if !matches!(record.kind, AccessKind::Answered | AccessKind::Refused) {
            return Err(wrong(format!("a record that is {:?}", record.kind)));
        }
        Ok(record)
    }

    pub(super) fn own_copy(&self, position: Position, id: &str) -> Result<Arc<Entry>, Refusal> {
        let age = match self.known.entry(position) {
            Ok(entry) => return Ok(entry),
            Err(age) => age,
        };
        let broken = |problem: String| crate::store::Error::Row { space: Space::Entries.name(), problem };
        let envelope = record::envelope(&self.store, self.region, position)?
            .ok_or_else(|| broken(format!("{id} has no entry at {position}")))?;
        let opened = Opened::read(envelope).map_err(|error| broken(error.to_string()))?;
        Ok(self.known.keep_entry(position, opened.to_keep(None), age))
    }
}

/// Each released value is the one that was signed, and all of them are what the record says.
fn check_released(
    header: &Header,
    record: &AccessRecord,
    released: &Released,
    custodian: Region,
) -> Result<(), Refusal> {
    for disclosure in &released.disclosures {
        header.check_disclosure(disclosure).map_err(|error| {
            Refusal::peer(Reason::NotGenuine, error.to_string(), "values with the digests that the issuer signed")
        })?;
    }
    let names: Vec<&str> = released.disclosures.iter().map(|one| one.name.as_str()).collect();
    let recorded = record.disclosures_digest == Some(released_digest(&released.disclosures));
    if !recorded || record.fields.iter().map(String::as_str).ne(names) {
        return Err(Refusal::peer(
            Reason::QuestionProofInvalid,
            format!("an answer of {custodian} that is not what its record says"),
            "the values that were recorded",
        ));
    }
    Ok(())
}

pub(super) fn refused_by(custodian: Region, reason: &str) -> Refusal {
    let found = format!("a refusal of {custodian}");
    match Reason::from_code(reason) {
        Some(reason) => Refusal::peer(reason, found, reason.info().cure_en),
        None => Refusal::peer(Reason::Internal, format!("{found}: {reason}"), "a release that knows this reason"),
    }
}

/// What makes two questions the same, without telling what they are: the digest stays in the own store.
fn question_digest(caller: &str, request: &LookupRequest, id: &str) -> [u8; 32] {
    let question = &request.question;
    let content = Content::new("Question")
        .field(1, caller)
        .field(2, format!("{:?}", question.purpose))
        .field(3, question.case.as_str())
        .field(4, question.party.holder.code_type())
        .field(5, question.party.holder.code())
        .field(6, [question.party.relation as u8, question.basis as u8])
        .field(7, &question.evidence_id)
        .field(8, &question.clerk.staff_number)
        .field(9, &question.purpose_text)
        .field(10, id)
        .list(11, &request.fields);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, content.bytes()).as_ref());
    bytes
}
