//! Idempotency of mutations: the same request id and content give the same answer, other content is refused
//! (data model, "Idempotency").

use crate::{
    ledger::View,
    refusal::Refusal,
    store::{Key, Space, Write, keys, own},
};
use exchange_core::{reason::Reason, sealed::Subkey};
use exchange_proto::{rows, store};

/// Rows are kept this long.
pub const KEPT_MS: u64 = 90 * DAY_MS;
/// Ids older than this are refused: their row may be gone soon.
pub const OLDEST_MS: u64 = 89 * DAY_MS;
const DAY_MS: u64 = 86_400_000;

/// A request by its caller's id and the digest of its content.
#[derive(Debug, Clone)]
pub struct Request {
    key: Key,
    id_ms: u64,
    digest: [u8; 32],
}

/// Collects a request's content in field order: u16 number ‖ u32 length ‖ bytes; absent fields are left out.
#[derive(Debug)]
pub struct Content(Vec<u8>);

impl Content {
    /// Begins with `"request/v1" ‖ method ‖ 0`.
    pub fn new(method: &str) -> Self {
        let mut bytes = Vec::with_capacity(1_024);
        bytes.extend_from_slice(b"request/v1");
        bytes.extend_from_slice(method.as_bytes());
        bytes.push(0);
        Self(bytes)
    }

    /// Adds a field, unless it is empty.
    pub fn field(mut self, number: u16, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        if !bytes.is_empty() {
            self.0.extend_from_slice(&number.to_be_bytes());
            self.0.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            self.0.extend_from_slice(bytes);
        }
        self
    }

    /// Adds each part of a repeated field.
    pub fn list(self, number: u16, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        parts.into_iter().fold(self, |content, part| content.field(number, part))
    }

    /// Adds each nested message of a repeated field.
    pub fn list_of<T>(self, number: u16, parts: &[T], each: impl Fn(Self, &T) -> Self) -> Self {
        parts.iter().fold(self, |content, part| content.nested(number, |inner| each(inner, part)))
    }

    /// A nested message as one field, unless nothing is in it.
    pub fn nested(mut self, number: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let at = self.0.len();
        self.0.extend_from_slice(&number.to_be_bytes());
        self.0.extend_from_slice(&[0; 4]);
        let inner = at + 6;
        let mut filled = fill(self);
        let length = u32::try_from(filled.0.len() - inner).unwrap_or(u32::MAX);
        if length == 0 {
            filled.0.truncate(at);
        } else {
            filled.0[at + 2..inner].copy_from_slice(&length.to_be_bytes());
        }
        filled
    }

    /// As collected.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// HMAC under the node's sub-key: the digest tells nothing about the content.
    pub fn digest(&self, subkey: &Subkey) -> [u8; 32] {
        subkey.tag(&[&self.0])
    }
}

impl Request {
    /// `id` is a UUIDv7 of the caller.
    pub fn new(caller: &str, id: &[u8; 16], digest: [u8; 32]) -> Self {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&id[..6]);
        Self { key: keys::request(caller, id), id_ms: u64::from_be_bytes(millis), digest }
    }

    /// The row that it reads.
    pub fn reads(&self) -> (Space, Key) {
        (Space::Requests, self.key.clone())
    }

    /// Was it answered before? `None`: it is new.
    ///
    /// # Errors
    /// The id was used with other content, or is too old.
    pub fn earlier(&self, view: &View<'_>) -> Result<Option<store::RequestRow>, Refusal> {
        if let Some(value) = view.row(Space::Requests, &self.key)? {
            let row: store::RequestRow = own::decode(Space::Requests, value)?;
            if row.digest != self.digest.as_slice() {
                return Err(Refusal::caller(
                    Reason::RequestIdReused,
                    "a request id that stands for another request",
                    "a new request id for a new request",
                ));
            }
            return Ok(Some(row));
        }
        if view.now_ms().saturating_sub(self.id_ms) > OLDEST_MS {
            return Err(Refusal::caller(
                Reason::RequestIdTooOld,
                format!("a request id made {} days ago", view.now_ms().saturating_sub(self.id_ms) / DAY_MS),
                "an id made within the last 89 days",
            ));
        }
        Ok(None)
    }

    /// The row that answers a repetition.
    pub fn answered(&self, mut row: store::RequestRow, at_ms: u64) -> Write {
        row.digest = self.digest.to_vec().into();
        row.at_ms = at_ms;
        Write::put(Space::Requests, self.key.clone(), rows::encode(&row))
    }
}
