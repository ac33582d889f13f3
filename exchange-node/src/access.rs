//! The access log: every question this city asks or answers is recorded before anything leaves it.
//!
//! Values never enter it. The party's code and salt are kept beside the record, sealed like disclosures, as long as
//! the record; proofs of old records are made from the store.

pub mod audit;
mod command;
mod proofs;

pub use audit::{Audit, Auditor};
pub use command::{NewCopy, QUESTION_WINDOW_MS, Question, Record, Recorded, Step};
pub use proofs::Proofs;

use crate::{
    keys::Keys,
    ledger::{AccessProof, Answer, Ledger},
    refusal::Refusal,
    store::{
        self, Space, Store, keys,
        log::{Entry, Kind, Log},
        own,
    },
};
use bytes::Bytes;
use exchange_core::{
    access::AccessRecord,
    checkpoint::{LogKind, LogProof, Origin},
    export::ExportRecord,
    holder::Holder,
    reason::Reason,
    region::Region,
    sealed,
};
use exchange_proto::{access as convert, export, store as row};
use std::sync::Arc;

/// Writes and reads the access log of this node.
#[derive(Clone)]
pub struct AccessLog {
    /// Whose log.
    pub region: Region,
    /// Its name, as in `<trust domain>/<region>/access/<epoch>`.
    pub trust_domain: String,
    /// Writes.
    pub ledger: Ledger,
    /// Reads.
    pub store: Store,
    /// The store key.
    pub keys: Arc<Keys>,
}

/// The party behind a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub holder: Holder,
    /// Salt of the digest in the record.
    pub salt: [u8; 16],
}

/// What a record of the access log tells.
#[derive(Debug)]
pub enum ReadRecord {
    /// Of a question, on either side.
    Question(Box<AccessRecord>),
    /// Of an export.
    Export(ExportRecord),
}

impl AccessLog {
    /// Records; durable when it returns. A question that was recorded before gives that record.
    ///
    /// # Errors
    /// The question id stands for another question, or the ledger refuses.
    pub async fn record(&self, record: Record) -> Result<Recorded, Refusal> {
        match self.ledger.submit(record).await? {
            Answer::Committed(committed) => {
                let proof = committed.access.ok_or_else(|| missing(committed.epoch, 0))?;
                Ok(Recorded { proof: self.proof_of(committed.epoch, proof)?, refusal: None, repeated: false })
            }
            Answer::Earlier(value) => {
                let earlier: row::QuestionRow = own::decode(Space::Questions, &value)?;
                let refusal = (!earlier.refusal.is_empty()).then_some(earlier.refusal);
                Ok(Recorded { proof: self.proof(earlier.epoch, earlier.index)?, refusal, repeated: true })
            }
        }
    }

    /// Has this step of the question a record? Another one may come at any time.
    ///
    /// # Errors
    /// The store fails.
    pub fn is_recorded(&self, question: &Question) -> Result<bool, Refusal> {
        Ok(self.store.own.get(Space::Questions, question.key())?.is_some())
    }

    /// Records an export, for the holders with these tags to see; durable when it returns.
    ///
    /// # Errors
    /// The ledger refuses.
    pub async fn record_export(&self, record: &ExportRecord, uses: Vec<[u8; 32]>) -> Result<LogProof, Refusal> {
        let body = export::encode_record(record).into();
        match self.ledger.submit(command::Exported { body, uses }).await? {
            Answer::Committed(committed) => {
                let proof = committed.access.ok_or_else(|| missing(committed.epoch, 0))?;
                self.proof_of(committed.epoch, proof)
            }
            Answer::Earlier(_) => Err(missing(0, 0)), // it never names an earlier one
        }
    }

    /// Seals the party for the row beside the record.
    ///
    /// # Errors
    /// The store key does not seal.
    pub fn seal_party(&self, question_id: &[u8; 16], party: &Party, nonce: [u8; 12]) -> Result<Bytes, Refusal> {
        let plain = convert::encode_party(&party.holder, &party.salt);
        sealed::seal(&self.keys.parties, self.keys.store_id, nonce, &party_aad(question_id), &plain)
            .map(Bytes::from)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a store key that seals"))
    }

    /// The party of a record.
    ///
    /// # Errors
    /// The row is gone or does not open.
    pub fn party(&self, epoch: u32, index: u64, question_id: &[u8; 16]) -> Result<Party, Refusal> {
        let broken = |problem: String| store::Error::Row { space: Space::Parties.name(), problem };
        let value = self
            .store
            .own
            .get(Space::Parties, keys::access(epoch, index))?
            .ok_or_else(|| broken(format!("no party for record {epoch}/{index}")))?;
        let plain = sealed::open(&self.keys.parties, self.keys.store_id, &party_aad(question_id), &value)
            .map_err(|error| broken(error.to_string()))?;
        let (holder, salt) = convert::decode_party(&plain).map_err(|error| broken(error.to_string()))?;
        Ok(Party { holder, salt })
    }

    /// The record at a position.
    ///
    /// # Errors
    /// It is gone or does not read.
    pub fn read(&self, epoch: u32, index: u64) -> Result<ReadRecord, Refusal> {
        let log = Log::new(&self.store.own, Kind::Access, self.region, epoch);
        let Some(Entry::Bytes(bytes)) = log.entry(index)? else { return Err(missing(epoch, index)) };
        let read = if export::is_record(&bytes) {
            export::decode_record(&bytes).map(ReadRecord::Export)
        } else {
            convert::decode(&bytes).map(|record| ReadRecord::Question(Box::new(record)))
        };
        read.map_err(|error| {
            store::Error::Row { space: Space::AccessEntries.name(), problem: error.to_string() }.into()
        })
    }

    /// Proof of an old record, under the newest checkpoint.
    ///
    /// # Errors
    /// It is gone or does not read.
    pub fn proof(&self, epoch: u32, index: u64) -> Result<LogProof, Refusal> {
        let log = Log::new(&self.store.own, Kind::Access, self.region, epoch);
        let (size, note) = log.newest_checkpoint()?.ok_or_else(|| missing(epoch, index))?;
        let Some(Entry::Bytes(entry)) = log.entry(index)? else { return Err(missing(epoch, index)) };
        let hashes = log.inclusion(&log.tree(size)?, index, size)?;
        self.proof_of(epoch, AccessProof { index, entry, hashes, note })
    }

    fn proof_of(&self, epoch: u32, proof: AccessProof) -> Result<LogProof, Refusal> {
        let origin =
            Origin::new(&self.trust_domain, self.region.as_str(), LogKind::Access, epoch).map_err(|error| {
                Refusal::node(Reason::Internal, error.to_string(), "a trust domain that is a host name")
            })?;
        Ok(LogProof {
            origin,
            index: proof.index,
            entry: proof.entry.into(),
            hashes: proof.hashes,
            checkpoint_note: proof.note.into(),
        })
    }
}

fn party_aad(question_id: &[u8; 16]) -> Vec<u8> {
    [b"party/v1".as_slice(), question_id].concat()
}

fn missing(epoch: u32, index: u64) -> Refusal {
    let problem = format!("access record {epoch}/{index} is missing");
    store::Error::Row { space: Space::AccessEntries.name(), problem }.into()
}
