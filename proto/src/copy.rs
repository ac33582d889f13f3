//! Copies for one use: requests to use one, and the row of each.

use crate::{Error, certificate, common, field, file, rows, store, v1};
use bytes::Bytes;
use exchange_core::{
    copy::{CopyNumber, Known, Outcome, Presented, Used},
    file::StoredFile,
    reason::Reason,
    region::Region,
};
use prost::Message;

/// An answer has a few numbers and two regions.
const MAX_ANSWER_BYTES: usize = 256;

/// A calling system's request to use a copy.
#[derive(Debug, Clone)]
pub struct Use {
    /// UUIDv7.
    pub request_id: [u8; 16],
    /// 电子证照标识.
    pub certificate_id: String,
    /// 加注件编号.
    pub number: CopyNumber,
    /// Of the bytes at hand.
    pub sha256: [u8; 32],
}

/// Reads a request to use a copy.
///
/// # Errors
/// A field that is missing or breaks its limits.
pub fn use_request(message: &v1::UseCopyRequest) -> Result<Use, Error> {
    Ok(Use {
        request_id: certificate::request_id(&message.request_id)?,
        certificate_id: field::certificate_id("certificate_id", &message.certificate_id)?.to_string(),
        number: number(&message.copy_number)?,
        sha256: field::array("sha256", &message.sha256)?,
    })
}

/// A request of one node to another.
#[must_use]
pub fn encode_peer_use(number: &CopyNumber, presented: &Presented) -> v1::PeerCopyUse {
    v1::PeerCopyUse {
        use_key: Bytes::copy_from_slice(&presented.key),
        certificate_id: presented.certificate_id.clone(),
        copy_number: number.to_string(),
        sha256: Bytes::copy_from_slice(&presented.sha256),
    }
}

/// Reads another node's request; the region is that of its credential.
///
/// # Errors
/// A field that is missing or breaks its limits.
pub fn peer_use(message: &v1::PeerCopyUse, region: Region) -> Result<(CopyNumber, Presented), Error> {
    let presented = Presented {
        certificate_id: field::certificate_id("certificate_id", &message.certificate_id)?.to_string(),
        sha256: field::array("sha256", &message.sha256)?,
        region,
        key: field::array("use_key", &message.use_key)?,
    };
    Ok((number(&message.copy_number)?, presented))
}

/// 加注件编号.
///
/// # Errors
/// Not one.
pub fn number(text: &str) -> Result<CopyNumber, Error> {
    text.parse::<CopyNumber>().map_err(|error| {
        field::coded(Reason::FieldInvalid, "copy_number", text, &error, "the number that the copy shows")
    })
}

/// What using a copy came to, with what the custodian tells of it. [`Outcome::Use`] is told by nobody: what was decided is
/// told once it is done, as [`Outcome::UsedNow`].
#[must_use]
pub fn encode_outcome(outcome: &Outcome, made: Option<&CopyMade>) -> v1::UseCopyResponse {
    let (result, used_at_ms, used_by) = match outcome {
        Outcome::Use => (v1::CopyUse::Unspecified, 0, None),
        Outcome::UsedNow(at_ms) => (v1::CopyUse::UsedNow, *at_ms, None),
        Outcome::AlreadyUsed(at_ms, region) => (v1::CopyUse::AlreadyUsed, *at_ms, Some(*region)),
        Outcome::Expired => (v1::CopyUse::Expired, 0, None),
        Outcome::Unknown => (v1::CopyUse::Unknown, 0, None),
        Outcome::Altered => (v1::CopyUse::Altered, 0, None),
        Outcome::Withdrawn => (v1::CopyUse::Withdrawn, 0, None),
    };
    let told = made.filter(|_| *outcome != Outcome::Unknown);
    v1::UseCopyResponse {
        result: result as i32,
        used_at_ms,
        used_by_region: used_by.map(|region| region.to_string()).unwrap_or_default(),
        expires_on: told.map(|made| common::encode_date(made.known.expires_on)),
        made_for_region: told.map(|made| made.asking_region.to_string()).unwrap_or_default(),
    }
}

/// An answer on its way through the ledger.
#[must_use]
pub fn encode_answer(answer: &v1::UseCopyResponse) -> Vec<u8> {
    answer.encode_to_vec()
}

/// Reads what [`encode_answer`] wrote.
///
/// # Errors
/// Undecodable.
pub fn decode_answer(bytes: &[u8]) -> Result<v1::UseCopyResponse, Error> {
    field::message("use_copy", bytes, MAX_ANSWER_BYTES)
}

/// A copy that this node has made, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyMade {
    /// What decides whether it can be used.
    pub known: Known,
    /// Its bytes, while they are kept.
    pub file: Option<StoredFile>,
    /// Whose question it was made for.
    pub asking_region: Region,
    /// Of the ANSWERED record, in the epoch of `known`.
    pub index: u64,
    /// Unix milliseconds.
    pub made_at_ms: u64,
}

/// The row's value.
#[must_use]
pub fn encode_row(made: &CopyMade) -> Vec<u8> {
    let CopyMade { known, file, asking_region, index, made_at_ms } = made;
    let used = known.used.as_ref();
    rows::encode(&store::CopyRow {
        certificate_id: known.certificate_id.clone(),
        sha256: Bytes::copy_from_slice(&known.sha256),
        file: file.as_ref().map(file::encode_one),
        asking_region: asking_region.to_string(),
        epoch: known.epoch,
        index: *index,
        made_at_ms: *made_at_ms,
        expires_on: Some(common::encode_date(known.expires_on)),
        used_at_ms: used.map_or(0, |used| used.at_ms),
        used_region: used.map(|used| used.region.to_string()).unwrap_or_default(),
        use_key: used.map(|used| Bytes::copy_from_slice(&used.key)).unwrap_or_default(),
    })
}

/// Reads what [`encode_row`] wrote.
///
/// # Errors
/// Undecodable, of another version, or past a limit.
pub fn decode_row(value: &[u8]) -> Result<CopyMade, Error> {
    let row: store::CopyRow = rows::decode(value)
        .map_err(|error| Error::new(Reason::MessageUndecodable, "copy", error.to_string(), "a row of this release"))?;
    let used = if row.used_at_ms == 0 {
        None
    } else {
        let region = field::region("used_region", &row.used_region)?;
        Some(Used { at_ms: row.used_at_ms, region, key: field::array("use_key", &row.use_key)? })
    };
    Ok(CopyMade {
        known: Known {
            certificate_id: row.certificate_id,
            sha256: field::array("sha256", &row.sha256)?,
            epoch: row.epoch,
            expires_on: field::date("expires_on", row.expires_on)?,
            used,
        },
        file: row.file.map(file::stored).transpose()?,
        asking_region: field::region("asking_region", &row.asking_region)?,
        index: row.index,
        made_at_ms: row.made_at_ms,
    })
}
