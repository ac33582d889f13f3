//! Files of certificates, on both sides of a question. What holds of a lookup holds here: purpose checks, records, receipts.
//!
//! Asking: the file is read whole into memory, held against the signed header in the own copy of the log, and recorded as
//! received; only then it is handed over. Answering: the kept file is read whole once before the answer is recorded, so that
//! no record says of a damaged file that it was released.

use super::{
    Lookup, PeerQuestion,
    answer::AnsweredAs,
    ask::{LookupRequest, Target, refused_by},
    form::Form,
    matter_purpose,
};
use crate::{
    access::Party,
    blobs::{self, Reader},
    crash::Point,
    issuing::open_files,
    limits::room::Place,
    peers,
    refusal::Refusal,
    tls::Caller,
};
use bytes::Bytes;
use exchange_core::{
    access::{AccessKind, AccessRecord},
    certificate::{FileDigest, Header},
    checkpoint::LogProof,
    copy::CopyNumber,
    disclosure::{file_digest, released_digest},
    file::{self, MAX_FILE_BYTES, OFD, StoredFile},
    merkle::leaf_hash,
    position::Position,
    purpose,
    question::Question,
    reason::Reason,
    region::Region,
};
use exchange_proto::{access as convert, peer, v1};
use std::{sync::Arc, time::Duration};

/// Which file, and why it is wanted.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// By whom, for what, about whom.
    pub question: Question,
    /// 电子证照标识.
    pub certificate_id: String,
    /// Which file of its header, from 0.
    pub file: u32,
    /// The file itself, or a copy of it.
    pub form: Form,
}

/// What the calling system gets.
pub struct Fetched {
    /// The certificate.
    pub header: Arc<Header>,
    /// Its type's name.
    pub type_name: String,
    /// In its city's log.
    pub position: Position,
    /// Bytes of the envelope, from the own copy.
    pub envelope: Bytes,
    /// As the custodian knows it.
    pub standing: v1::Standing,
    /// Of the file, as in the header; of a copy as in the receipts.
    pub digest: [u8; 32],
    /// Salt of the digest.
    pub salt: [u8; 16],
    /// The file, as it was signed; or the copy.
    pub bytes: Vec<u8>,
    /// What a copy says of itself.
    pub copy: Option<v1::CopyFacts>,
    /// This city's receipt.
    pub asked: LogProof,
    /// The custodian's receipt.
    pub answered: LogProof,
    /// Among the files that this node has in memory, until they are handed over.
    pub place: Place,
}

/// A file that is released to another city, or the refusal that the record tells.
pub struct AnsweredFile {
    /// Of the ANSWERED or REFUSED record.
    pub proof: LogProof,
    /// `None`: refused.
    pub file: Option<(StoredFile, Reader)>,
    /// Of the certificate; none with a refusal.
    pub standing: v1::Standing,
    /// The number of a copy.
    pub copy: Option<CopyNumber>,
}

/// A file of another city, or of this one, before it is checked.
struct Brought {
    proof: LogProof,
    record: AccessRecord,
    standing: v1::Standing,
    salt: [u8; 16],
    bytes: Vec<u8>,
    copy: Option<CopyNumber>,
}

impl Lookup {
    /// Asks for a file; recorded in both cities, and held against the signed header, when it returns.
    ///
    /// # Errors
    /// As [`Lookup::ask`]; `FILE_UNKNOWN`; a peer that sends another file, more or less of it.
    pub async fn fetch(
        &self,
        caller: &Caller,
        wanted: FetchRequest,
        deadline: Duration,
        place: &Place,
    ) -> Result<Fetched, Refusal> {
        self.policy.may_lookup(caller)?;
        matter_purpose(&wanted.question.purpose)?;
        let FetchRequest { question, certificate_id, file: index, form } = wanted;
        let target = Target::Id(certificate_id);
        let request = LookupRequest { question, target, fields: vec![form.record_name(index)] };
        let (region, found, id) = self.found(caller, &request).await?;
        let position = Position { region, epoch: found.epoch, index: found.index };
        let copy = self.own_copy(position, &id)?;
        let (header, envelope) = (Arc::clone(&copy.header), copy.envelope.clone());
        let named = header.file(index).map_err(|error| {
            Refusal::caller(Reason::FileUnknown, error.to_string(), "a number of the certificate's header, from 0")
        })?;
        if named.rounded_length > MAX_FILE_BYTES as u64 {
            let found = format!("a file of up to {} bytes", named.rounded_length);
            return Err(Refusal::peer(Reason::FileTooLarge, found, format!("at most {MAX_FILE_BYTES} bytes")));
        }
        let custodian = Region::parse(&found.custodian_region).unwrap_or(region);
        if form == Form::Copy && named.media_type != OFD {
            let found = format!("a file of media type {}", named.media_type);
            return Err(Refusal::caller(Reason::CopyNotMakeable, found, format!("a file of media type {OFD}")));
        }
        // Before anything is recorded: a question that finds no room was never asked.
        let in_memory = self.limits.enter_for_file(&caller.uri).await?;
        let _unanswered = self.peers.admit(custodian, &caller.uri).await?;
        let (recorded, party) = self.record_asked(caller, &request, &id, custodian).await?;
        self.crash.pass(Point::AskedRecorded);
        let question_leaf = leaf_hash(&recorded.proof.entry);
        let brought = if custodian == self.region {
            self.file_at_home(&recorded.proof, &party, form, index).await?
        } else {
            let brought = self.bring(custodian, &recorded.proof, &party, (form, named), deadline, |proof| {
                self.check_proof(proof, custodian, &request, &question_leaf)
            });
            place.while_elsewhere(brought).await?
        };
        let Brought { proof, record, standing, salt, bytes, copy } = brought;
        let digest = match form {
            Form::File => named.digest,
            Form::Copy => file_digest(&salt, &bytes),
        };
        let released = released_digest([&form.released(index, &digest, &salt)]);
        if record.fields != request.fields || record.disclosures_digest != Some(released) {
            let found = format!("an answer of {custodian} that is not what its record says");
            return Err(Refusal::peer(Reason::QuestionProofInvalid, found, "the file that was recorded"));
        }
        let (bytes, copy) = match (form, copy) {
            (Form::File, _) => {
                named.check_bytes(&salt, &bytes).map_err(|error| {
                    Refusal::peer(
                        Reason::NotGenuine,
                        error.to_string(),
                        "a file with the digest that the issuer signed",
                    )
                })?;
                (bytes, None)
            }
            (Form::Copy, Some(number)) => {
                let (bytes, facts) = self.check_copy(&id, number, bytes).await?;
                (bytes, Some(facts))
            }
            (Form::Copy, None) => {
                let found = format!("a copy of {custodian} without a number");
                return Err(Refusal::peer(Reason::AnswerInvalid, found, "the copy's number"));
            }
        };
        if custodian != self.region {
            self.record_received(caller, &request, &record, custodian, question_leaf).await?;
            self.crash.pass(Point::ReceivedRecorded);
        }
        let kind = self.catalogue.certificate_type(&found.type_code, Some(found.type_version))?;
        Ok(Fetched {
            type_name: kind.map(|kind| kind.name.clone()).unwrap_or_default(),
            header,
            position,
            envelope,
            standing,
            digest,
            salt,
            bytes,
            copy,
            asked: recorded.proof,
            answered: proof,
            place: in_memory,
        })
    }

    /// From another city, at most as much as the header says and for no longer than the deadline.
    async fn bring(
        &self,
        custodian: Region,
        asked: &LogProof,
        party: &Party,
        (form, named): (Form, &FileDigest),
        deadline: Duration,
        check_proof: impl Fn(&LogProof) -> Result<AccessRecord, Refusal>,
    ) -> Result<Brought, Refusal> {
        let question = peer::question(asked.clone(), &party.holder, &party.salt);
        let bring = async {
            let mut parts = self.peers.fetch(custodian, question, deadline).await?;
            let described = parts.description().await?;
            self.crash.pass(Point::AnswerReceived);
            let record = check_proof(&described.proof)?;
            if record.kind == AccessKind::Refused {
                return Err(refused_by(custodian, &record.reason));
            }
            match form {
                Form::File => {
                    let checked = named.check_description(&described.media_type, described.length, &described.digest);
                    checked.map_err(|error| {
                        Refusal::peer(Reason::NotGenuine, error.to_string(), "the file that the issuer signed")
                    })?;
                }
                Form::Copy => check_described_copy(&described)?,
            }
            let bytes = parts.whole(described.length).await?;
            let peer::DescribedFile { proof, standing, salt, digest, copy_number: copy, .. } = described;
            if form == Form::Copy && file_digest(&salt, &bytes) != digest {
                let found = "the copy is not the one that was described";
                return Err(Refusal::peer(Reason::NotGenuine, found, "the bytes that the custodian recorded"));
            }
            Ok(Brought { proof, record, standing, salt, bytes, copy })
        };
        tokio::select! {
            biased;
            brought = peers::within(deadline, custodian, bring) => brought,
            never = self.crash.while_waiting(Point::QuestionSent) => match never {},
        }
    }

    /// Of a certificate that this city keeps itself.
    async fn file_at_home(&self, asked: &LogProof, party: &Party, form: Form, index: u32) -> Result<Brought, Refusal> {
        let record = convert::decode(&asked.entry)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "an own record that reads"))?;
        let answered = self.decide_form(self.region, asked, &record, party, (form, index)).await?;
        let record = convert::decode(&answered.proof.entry)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "an own record that reads"))?;
        let Some((stored, mut reader)) = answered.file else {
            return Err(refused_by(self.region, &record.reason));
        };
        let read = self.issuing.tasks.blocking(move || {
            let mut bytes = Vec::with_capacity(usize::try_from(stored.length).unwrap_or(0).min(MAX_FILE_BYTES));
            while let Some(chunk) = reader.next_chunk()? {
                bytes.extend_from_slice(&chunk);
            }
            Ok::<_, blobs::Error>((stored.salt, bytes))
        });
        let (salt, bytes) = ended(read.await)??;
        let AnsweredFile { proof, standing, copy, .. } = answered;
        Ok(Brought { proof, record, standing, salt, bytes, copy })
    }

    /// Answers another city's question for a file; recorded before anything is released.
    ///
    /// # Errors
    /// The question's proof does not hold, it names no file, or the kept file is damaged. A question that is decided
    /// against is no error: its record says so.
    pub async fn answer_file(&self, peer: &Caller, question: PeerQuestion) -> Result<AnsweredFile, Refusal> {
        let asked = self.asked_by(peer, &question)?;
        self.crash.pass(Point::QuestionChecked);
        let form = Form::recorded(&asked.fields).ok_or_else(|| {
            Refusal::caller(
                Reason::FieldInvalid,
                "a question that is recorded for no file",
                "a record that names one file",
            )
        })?;
        let party = Party { holder: question.holder, salt: question.salt };
        let answered = self.decide_form(peer.region, &question.proof, &asked, &party, form).await?;
        self.crash.pass(Point::AnswerReleased);
        Ok(answered)
    }

    async fn decide_form(
        &self,
        asking: Region,
        proof: &LogProof,
        asked: &AccessRecord,
        party: &Party,
        (form, index): (Form, u32),
    ) -> Result<AnsweredFile, Refusal> {
        match form {
            Form::File => self.decide_file(asking, proof, asked, party, index).await,
            Form::Copy => self.decide_copy(asking, proof, asked, party, index).await,
        }
    }

    /// Decides, reads the file whole, records, and only then opens it for reading.
    async fn decide_file(
        &self,
        asking: Region,
        proof: &LogProof,
        asked: &AccessRecord,
        party: &Party,
        index: u32,
    ) -> Result<AnsweredFile, Refusal> {
        let judged = self.judge(asking, asked, party, |facts| purpose::grant_file(facts, index)).await?;
        let file = match &judged.grant {
            Ok(grant) => {
                let id = grant.certificate_id().as_str();
                let sealed = self.store.granted_files(self.region, grant)?;
                let all = sealed.map(|sealed| open_files(&self.keys, self.region, id, &sealed)).transpose()?;
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                all.and_then(|mut all| (index < all.len()).then(|| all.swap_remove(index))).ok_or(Reason::FileUnknown)
            }
            Err(reason) => Err(*reason),
        };
        if let Ok(file) = &file {
            self.check_kept(&asked.certificate_id, file).await?;
        }
        let released = file.as_ref().ok().map(|stored| file::released(index, &stored.digest, &stored.salt));
        let answered = AnsweredAs {
            refusal: file.as_ref().err().copied(),
            released: released.as_slice(),
            tag: judged.tag,
            copy: None,
        };
        let recorded = self.record_answer(asking, proof, asked, party, answered).await?;
        self.crash.pass(Point::AnswerRecorded);
        let file = match file {
            // Refused the first time; the same question does not become another one.
            Ok(stored) if recorded.refusal.is_none() => {
                let blobs = self.issuing.blobs.clone();
                let opened = self.issuing.tasks.blocking(move || blobs.read(&stored).map(|reader| (stored, reader)));
                Some(ended(opened.await)??)
            }
            _ => {
                let standing = v1::Standing::default();
                return Ok(AnsweredFile { proof: recorded.proof, file: None, standing, copy: None });
            }
        };
        let standing = judged.found.map(|found| self.own_standing(&found)).transpose()?.unwrap_or_default();
        Ok(AnsweredFile { proof: recorded.proof, file, standing, copy: None })
    }

    /// Is the kept file whole? Damage is told to this node's operator, and refused.
    async fn check_kept(&self, id: &str, file: &StoredFile) -> Result<(), Refusal> {
        let (blobs, stored) = (self.issuing.blobs.clone(), file.clone());
        let checked = self.issuing.tasks.blocking(move || {
            let mut reader = blobs.read(&stored)?;
            while reader.next_chunk()?.is_some() {}
            Ok::<_, blobs::Error>(())
        });
        ended(checked.await)?.map_err(|error| {
            self.kept.damaged(&file.blob, &error, id);
            Refusal::from(error)
        })
    }
}

/// What is known of a copy before its bytes come: there is no header to hold it against.
fn check_described_copy(described: &peer::DescribedFile) -> Result<(), Refusal> {
    let length = described.length;
    if described.media_type == OFD && (1..=MAX_FILE_BYTES as u64).contains(&length) {
        return Ok(());
    }
    let needed = format!("a copy of media type {OFD} with at most {MAX_FILE_BYTES} bytes");
    Err(Refusal::peer(Reason::AnswerInvalid, format!("a copy of {length} bytes, or of another media type"), needed))
}

/// Work on a thread for it ends only with the node.
pub(super) fn ended<T>(ended: Result<T, tokio::task::JoinError>) -> Result<T, Refusal> {
    ended.map_err(|error| Refusal::node(Reason::Draining, error.to_string(), "a node that is not stopping"))
}
