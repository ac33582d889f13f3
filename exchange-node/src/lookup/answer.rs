//! The answering side.

use super::{Lookup, ask::Released};
use crate::{
    access::{self, Party, Recorded, Step},
    catalogue::KnownImplementation,
    crash::Point,
    issuing::{disclosures_aad, record},
    refusal::Refusal,
    store::Value,
    tls::Caller,
};
use exchange_core::{
    access::{AccessKind, AccessRecord, party_digest},
    certificate_id::CertificateId,
    checkpoint::LogProof,
    disclosure::{Disclosure, released_digest},
    holder::Holder,
    merkle::leaf_hash,
    purpose::{self, Asked, Facts, Grant},
    question::Purpose,
    reason::Reason,
    region::Region,
    sealed,
};
use exchange_proto::{access as convert, certificate, store as row, v1};
use std::{sync::Arc, time::Duration};

/// How long an answer waits for the own index, which is some 10 ms behind as a rule, and how often it looks.
const INDEX_PATIENCE: Duration = Duration::from_secs(1);
const INDEX_LOOK: Duration = Duration::from_millis(5);

/// A question as it comes from another city.
#[derive(Debug)]
pub struct PeerQuestion {
    /// Of the ASKED record in the asking city's access log.
    pub proof: LogProof,
    /// About whom; over TLS only.
    pub holder: Holder,
    /// Salt of the record's party digest.
    pub salt: [u8; 16],
}

/// A record that is answered, and the certificate that it is about.
pub(super) struct Judged<G> {
    pub(super) grant: Result<G, Reason>,
    pub(super) found: Option<Arc<row::CertificateRow>>,
    pub(super) tag: Option<[u8; 32]>,
}

/// What the record of an answer says.
pub(super) struct AnsweredAs<'a> {
    pub(super) refusal: Option<Reason>,
    pub(super) released: &'a [Disclosure],
    pub(super) tag: Option<[u8; 32]>,
    pub(super) copy: Option<access::NewCopy>,
}

impl Lookup {
    /// Answers another city's question; recorded before anything is released.
    ///
    /// # Errors
    /// The question's proof does not hold. A question that is decided against is no error: its record says so.
    pub async fn answer(&self, peer: &Caller, question: PeerQuestion) -> Result<v1::PeerAnswer, Refusal> {
        let (asking, asked) = (peer.region, self.asked_by(peer, &question)?);
        self.crash.pass(Point::QuestionChecked);
        let party = Party { holder: question.holder, salt: question.salt };
        let released = self.decide(asking, &question.proof, &asked, &party).await?;
        self.crash.pass(Point::AnswerReleased);
        Ok(exchange_proto::peer::encode_answer(
            released.proof,
            released.disclosures,
            released.standing,
            released.withheld,
        ))
    }

    /// A question, if it is the calling city's own and its proof holds.
    pub(super) fn asked_by(&self, peer: &Caller, question: &PeerQuestion) -> Result<AccessRecord, Refusal> {
        let asking = peer.region;
        if question.proof.origin.region() != asking.as_str() {
            return Err(Refusal::caller(
                Reason::QuestionIdentityMismatch,
                format!("a question of {} from a node of {asking}", question.proof.origin.region()),
                "the asking city's own question",
            ));
        }
        self.checked_question(question, asking)
    }

    /// A question of this city about a certificate that this city keeps: both records in the one log.
    pub(super) async fn answer_own(&self, asked: LogProof, party: &Party) -> Result<Released, Refusal> {
        let record = convert::decode(&asked.entry)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "an own record that reads"))?;
        self.decide(self.region, &asked, &record, party).await
    }

    /// Proof, freshness, identity and party of a question (data model, "Question and grant", 1).
    fn checked_question(&self, question: &PeerQuestion, asking: Region) -> Result<AccessRecord, Refusal> {
        let wrong = |found: String, needed: &str| Refusal::caller(Reason::QuestionProofInvalid, found, needed);
        self.proofs.verify(&question.proof, asking)?;
        let asked = convert::decode(&question.proof.entry)
            .map_err(|error| wrong(error.to_string(), "an access record that reads"))?;
        if asked.kind != AccessKind::Asked || asked.peer_region != self.region {
            let found = format!("a record that is {:?} of {}", asked.kind, asked.peer_region);
            return Err(wrong(found, "a question to this city"));
        }
        if asked.party != party_digest(&question.salt, &question.holder) {
            return Err(wrong("another party than the recorded one".to_owned(), "the party of the record"));
        }
        let now = self.clock.now_ms();
        if asked.at_ms.abs_diff(now) > access::QUESTION_WINDOW_MS {
            return Err(Refusal::caller(
                Reason::QuestionStale,
                format!("a question recorded {} s from this node's time", asked.at_ms.abs_diff(now) / 1_000),
                "a question recorded within ten minutes; check the clocks",
            ));
        }
        Ok(asked)
    }

    /// Decides, records, and only then hands out.
    async fn decide(
        &self,
        asking: Region,
        proof: &LogProof,
        asked: &AccessRecord,
        party: &Party,
    ) -> Result<Released, Refusal> {
        let judged = self.judge(asking, asked, party, purpose::grant).await?;
        let disclosures = match &judged.grant {
            Ok(grant) => self.disclosures(grant)?,
            Err(_) => Vec::new(),
        };
        let refusal = judged.grant.as_ref().err().copied();
        let answered = AnsweredAs { refusal, released: &disclosures, tag: judged.tag, copy: None };
        let recorded = self.record_answer(asking, proof, asked, party, answered).await?;
        self.crash.pass(Point::AnswerRecorded);
        let Ok(grant) = judged.grant else {
            return Ok(Released {
                proof: recorded.proof,
                disclosures: Vec::new(),
                standing: v1::Standing::default(),
                withheld: Vec::new(),
            });
        };
        if recorded.refusal.is_some() {
            // Refused the first time; the same question does not become another one.
            return Ok(Released {
                proof: recorded.proof,
                disclosures: Vec::new(),
                standing: v1::Standing::default(),
                withheld: Vec::new(),
            });
        }
        let disclosures = if recorded.repeated {
            let first = convert::decode(&recorded.proof.entry)
                .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "an own record that reads"))?;
            disclosures.into_iter().filter(|one| first.fields.contains(&one.name)).collect()
        } else {
            disclosures
        };
        let standing = judged.found.map(|found| self.own_standing(&found)).transpose()?.unwrap_or_default();
        Ok(Released { proof: recorded.proof, disclosures, standing, withheld: grant.withheld().to_vec() })
    }

    /// Records an answer or a refusal; durable when it returns. A question that was answered before gives that record.
    ///
    /// # Errors
    /// `RATE_LIMITED` for a refusal of a city that has had too many of them recorded: nothing is on record here, and nothing
    /// is told but that. The question is on the asking city's record, and judged anew when it comes again.
    pub(super) async fn record_answer(
        &self,
        asking: Region,
        proof: &LogProof,
        asked: &AccessRecord,
        party: &Party,
        answered: AnsweredAs<'_>,
    ) -> Result<Recorded, Refusal> {
        let question_leaf = leaf_hash(&proof.entry);
        let AnsweredAs { refusal, released, tag, copy } = answered;
        let record = AccessRecord {
            at_ms: 0,
            nonce: self.random.array(),
            kind: if refusal.is_some() { AccessKind::Refused } else { AccessKind::Answered },
            reason: refusal.map(|reason| reason.code().to_owned()).unwrap_or_default(),
            fields: released.iter().map(|one| one.name.clone()).collect(),
            disclosures_digest: refusal.is_none().then(|| released_digest(released)),
            peer_region: asking,
            question_leaf: Some(question_leaf),
            ..asked.clone()
        };
        let question = access::Question { asking, id: asked.question_id, step: Step::Answered, digest: question_leaf };
        if refusal.is_some() && asking != self.region && !self.access.is_recorded(&question)? {
            self.limits.record_refusal(asking)?;
        }
        self.access
            .record(access::Record {
                body: convert::encode_body(&record).into(),
                question,
                party: Some(self.access.seal_party(&asked.question_id, party, self.random.array())?),
                uses: tag,
                refusal,
                copy,
            })
            .await
    }

    /// Values and salts of what was granted; without a grant there is no way to them.
    fn disclosures(&self, grant: &Grant) -> Result<Vec<Disclosure>, Refusal> {
        let id = grant.certificate_id().as_str();
        let mut all = self.open_disclosures(id, self.store.granted_disclosures(self.region, grant)?)?;
        all.retain(|one| grant.released().contains(&one.name));
        Ok(all)
    }

    /// Values and salts of a certificate's sealed row.
    pub(super) fn open_disclosures(&self, id: &str, sealed: Option<Value>) -> Result<Vec<Disclosure>, Refusal> {
        let value = sealed.ok_or_else(|| {
            Refusal::peer(Reason::CertificateNotFound, "no values of this certificate", "values that were not erased")
        })?;
        let broken = |problem: String| crate::store::Error::Row { space: "disclosures", problem };
        let plain = sealed::open(&self.keys.disclosures, self.keys.store_id, &disclosures_aad(self.region, id), &value)
            .map_err(|error| broken(error.to_string()))?;
        Ok(certificate::decode_disclosures(&plain).map_err(|error| broken(error.to_string()))?)
    }

    /// A certificate of this city, once its holders are in the index: the row is there a moment before them, and after a loss
    /// of power they are read out of the log again. Until then nobody is refused as no holder.
    async fn indexed(&self, id: &str) -> Result<Option<Arc<row::CertificateRow>>, Refusal> {
        let end = self.clock.instant() + INDEX_PATIENCE;
        loop {
            let Some(found) = self.store.own_certificate(self.region, id)? else { return Ok(None) };
            if self.is_indexed(self.region, &found)? {
                return Ok(Some(found));
            }
            if self.clock.instant() >= end {
                let found = "an index of the own log that has not come to the certificate yet";
                return Err(Refusal::node(Reason::RegionStale, found, "the same question in a moment"));
            }
            self.clock.sleep(INDEX_LOOK).await;
        }
    }

    /// The grant, on this city's own copies of certificate, type and matter.
    ///
    /// # Errors
    /// `REGION_STALE`: the own index is behind. Nothing is recorded, and the same question may come again.
    pub(super) async fn judge<G>(
        &self,
        asking: Region,
        asked: &AccessRecord,
        party: &Party,
        grant: impl FnOnce(&Facts<'_>) -> Result<G, purpose::Refusal>,
    ) -> Result<Judged<G>, Refusal> {
        let nothing = |reason| Ok(Judged { grant: Err(reason), found: None, tag: None });
        let Purpose::Matter(purpose) = &asked.purpose else { return nothing(Reason::MatterUnknown) };
        let Some(found) = self.indexed(&asked.certificate_id).await? else {
            return nothing(Reason::CertificateNotFound);
        };
        let code = purpose.matter_code.as_str();
        let matter = self.catalogue.matter(code, Some(purpose.version))?;
        let implementation = self.catalogue.implementation(purpose.responsible_region, code)?;
        let kind = self.catalogue.certificate_type(&found.type_code, Some(found.type_version))?;
        let (Some(kind), Ok(id)) = (kind, CertificateId::parse(&asked.certificate_id)) else {
            return nothing(Reason::TypeUnknown);
        };
        let tags = self.party_tags(&found.type_code, &party.holder)?;
        let Some((_, first)) = tags.first() else { return nothing(Reason::IndexKeyMissing) };
        // Under which of the party's tags, one for each index key, the certificate is indexed.
        let mut shared = Vec::new();
        for (key_id, tag) in &tags {
            if self.store.has_holder(key_id, &tag.bytes, self.region, &asked.certificate_id)? {
                shared.push(tag.bytes);
            }
        }
        let party_tag = shared.first().unwrap_or(&first.bytes);
        let grant = grant(&Facts {
            asked: Asked {
                purpose: &asked.purpose,
                relation: asked.relation,
                region: asking,
                day: self.today(),
                matter: matter.as_ref().map(|known| &known.matter),
                implementation: KnownImplementation::state(implementation.as_deref()),
            },
            certificate_id: &id,
            certificate_type: &kind,
            certificate_tags: &shared,
            party_tag,
            fields: &asked.fields,
        })
        .map_err(|refusal| refusal.reason());
        Ok(Judged { grant, found: Some(found), tag: Some(first.bytes) })
    }

    /// Of a certificate that this city keeps: its own state is current by definition.
    pub(super) fn own_standing(&self, found: &row::CertificateRow) -> Result<v1::Standing, Refusal> {
        let today = self.today();
        Ok(v1::Standing {
            status: record::status_today(found, today) as i32,
            status_code: self.status_code(found)?,
            effective_on: found.links.last().and_then(|link| link.effective_on),
            as_of_ms: self.clock.now_ms(),
            freshness: v1::Freshness::Current as i32,
            counts_as: v1::CountsAs::DataCheck as i32,
            ..Default::default()
        })
    }
}
