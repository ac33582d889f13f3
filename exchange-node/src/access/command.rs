//! The ledger command that records.

use crate::{
    ledger::{Changes, Command, Decision, View},
    refusal::Refusal,
    store::{Key, Space, Write, keys, own},
};
use bytes::Bytes;
use exchange_core::{
    checkpoint::LogProof,
    copy::{CopyNumber, Known},
    reason::Reason,
    region::Region,
};
use exchange_proto::{
    copy::{self, CopyMade},
    rows, store,
};

/// A record to be written, with the rows beside it.
#[derive(Debug)]
pub struct Record {
    /// All but its time.
    pub body: Bytes,
    /// Makes a repetition of the same question give the same record.
    pub question: Question,
    /// [`super::AccessLog::seal_party`]; beside asked, answered and refused records.
    pub party: Option<Bytes>,
    /// Tag of the party, where holders may see the record (用证记录).
    pub uses: Option<[u8; 32]>,
    /// The refusal that the record tells, if it does.
    pub refusal: Option<Reason>,
    /// The copy for one use that the record releases.
    pub copy: Option<NewCopy>,
}

/// A copy for one use, known from the commit of its record on.
#[derive(Debug)]
pub struct NewCopy {
    /// Its number.
    pub number: CopyNumber,
    /// Its row; epoch, index and time are the record's.
    pub made: CopyMade,
    /// Key of the row that says whose file its bytes are.
    pub owner: Key,
}

/// What makes two questions the same.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whose question; with a letter for what of it is recorded: asked, answered, received.
    pub asking: Region,
    /// UUIDv7.
    pub id: [u8; 16],
    /// Which of the records of one question.
    pub step: Step,
    /// Digest of the question.
    pub digest: [u8; 32],
}

/// The records that one question leaves in one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asked.
    Asked,
    /// Answered or refused.
    Answered,
    /// Received.
    Received,
    /// Searched.
    Searched,
}

/// A record that is durable, with its proof.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The receipt.
    pub proof: LogProof,
    /// The refusal that the record tells, if it does.
    pub refusal: Option<String>,
    /// It had been recorded before.
    pub repeated: bool,
}

/// Longest difference between a new question's id and the ledger's time, in milliseconds.
pub const QUESTION_WINDOW_MS: u64 = 10 * 60 * 1_000;

impl Question {
    pub(super) fn key(&self) -> Key {
        let mut key = keys::regional(self.asking, &self.id);
        key.push(match self.step {
            Step::Asked => b'a',
            Step::Answered => b'b',
            Step::Received => b'c',
            Step::Searched => b'd',
        });
        key
    }

    /// Milliseconds in the UUIDv7 (RFC 9562 §5.7).
    pub fn made_ms(&self) -> u64 {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.id[..6]);
        u64::from_be_bytes(millis)
    }
}

impl Command for Record {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push((Space::Questions, self.question.key()));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        let key = self.question.key();
        if let Some(value) = view.row(Space::Questions, &key)? {
            let row: store::QuestionRow = own::decode(Space::Questions, value)?;
            if row.digest != self.question.digest.as_slice() {
                return Err(Refusal::caller(
                    Reason::QuestionIdReused,
                    "a question id that stands for another question",
                    "a new id for a new question",
                ));
            }
            return Ok(Decision::Earlier(value.clone()));
        }
        let made = self.question.made_ms();
        if self.question.step != Step::Received && made.abs_diff(view.now_ms()) > QUESTION_WINDOW_MS {
            return Err(Refusal::caller(
                Reason::QuestionStale,
                format!("a question id made {} s from this node's time", made.abs_diff(view.now_ms()) / 1_000),
                "an id made within ten minutes; check the clocks",
            ));
        }
        let (epoch, index) = (view.next_event().epoch, view.next_access());
        let row = store::QuestionRow {
            digest: self.question.digest.to_vec().into(),
            at_ms: view.now_ms(),
            epoch,
            index,
            refusal: self.refusal.map(|reason| reason.code().to_owned()).unwrap_or_default(),
        };
        let mut rows = vec![Write::put(Space::Questions, key, rows::encode(&row))];
        if let Some(party) = &self.party {
            rows.push(Write::put(Space::Parties, keys::access(epoch, index), party.clone()));
        }
        if let Some(tag) = &self.uses {
            rows.push(Write::put(Space::Uses, keys::holder_use(tag, epoch, index), vec![1]));
        }
        if let Some(NewCopy { number, made, owner }) = &self.copy {
            let known = Known { epoch, ..made.known.clone() };
            let made = CopyMade { known, index, made_at_ms: view.now_ms(), ..made.clone() };
            rows.push(Write::put(Space::Copies, number.bytes().to_vec(), copy::encode_row(&made)));
            rows.push(Write::put(Space::Blobs, owner.clone(), vec![1]));
        }
        Ok(Decision::Commit(Changes { access: vec![self.body.clone()], rows, ..Changes::default() }))
    }
}

/// The record of an export. Each export leaves one, a repeated one too.
#[derive(Debug)]
pub(super) struct Exported {
    /// All but its time.
    pub(super) body: Bytes,
    /// Tags of the holders whose values leave (用证记录).
    pub(super) uses: Vec<[u8; 32]>,
}

impl Command for Exported {
    fn reads(&self, _keys: &mut Vec<(Space, Key)>) {}

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        let (epoch, index) = (view.next_event().epoch, view.next_access());
        let used = |tag| Write::put(Space::Uses, keys::holder_use(tag, epoch, index), vec![1]);
        let rows = self.uses.iter().map(used).collect();
        Ok(Decision::Commit(Changes { access: vec![self.body.clone()], rows, ..Changes::default() }))
    }
}
