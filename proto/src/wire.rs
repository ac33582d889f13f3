//! Writes protobuf straight from core's values, for what is encoded thousands of times a second: nothing is copied into
//! a message first. The bytes are those that prost writes (a test compares them): fields in the order of their numbers,
//! default values left out.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

/// Bytes being written.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// With room for so many bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// An unsigned number or an enum's.
    pub(crate) fn uint(&mut self, tag: u32, number: u64) {
        if number != 0 {
            encode_key(tag, WireType::Varint, &mut self.0);
            encode_varint(number, &mut self.0);
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, tag: u32, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// A text among several of one number: there even if it is empty.
    pub(crate) fn item(&mut self, tag: u32, text: &str) {
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        encode_varint(text.len() as u64, &mut self.0);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Bytes.
    pub(crate) fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            encode_key(tag, WireType::LengthDelimited, &mut self.0);
            encode_varint(bytes.len() as u64, &mut self.0);
            self.0.extend_from_slice(bytes);
        }
    }

    /// A message of one field, with bytes of any length: their length is known, so nothing moves.
    pub(crate) fn nested_bytes(&mut self, tag: u32, field: u32, bytes: &[u8]) {
        let length = bytes.len() as u64;
        let nested = if bytes.is_empty() { 0 } else { key_len(field) + encoded_len_varint(length) + bytes.len() };
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        encode_varint(nested as u64, &mut self.0);
        self.bytes(field, bytes);
    }

    /// A message that is there, even if it is empty.
    pub(crate) fn message(&mut self, tag: u32, fill: impl FnOnce(&mut Self)) {
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        let start = self.0.len();
        fill(self);
        let length = (self.0.len() - start) as u64;
        // The length goes before what is there now: the messages written here are short.
        encode_varint(length, &mut self.0);
        let written = self.0.len() - start;
        let length_bytes = written - usize::try_from(length).unwrap_or(written);
        self.0[start..].rotate_right(length_bytes);
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
