//! Writing DER: a value is its bytes, and values are put together.

use der::{
    Encode, Tag,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, Ia5StringRef, ObjectIdentifier, PrintableStringRef},
};
use exchange_core::chain::Instant;

pub(super) type Made = Result<Vec<u8>, der::Error>;

pub(super) fn value(tag: Tag, content: &[u8]) -> Made {
    AnyRef::new(tag, content)?.to_der()
}

pub(super) fn sequence(parts: &[&[u8]]) -> Made {
    value(Tag::Sequence, &parts.concat())
}

pub(super) fn integer(number: u16) -> Made {
    number.to_der()
}

pub(super) fn oid(id: ObjectIdentifier) -> Made {
    id.to_der()
}

pub(super) fn octets(content: &[u8]) -> Made {
    value(Tag::OctetString, content)
}

pub(super) fn bits(content: &[u8]) -> Made {
    BitStringRef::from_bytes(content)?.to_der()
}

pub(super) fn ia5(text: &str) -> Made {
    Ia5StringRef::new(text)?.to_der()
}

pub(super) fn printable(text: &str) -> Made {
    PrintableStringRef::new(text)?.to_der()
}

pub(super) fn utf8(text: &str) -> Made {
    value(Tag::Utf8String, text.as_bytes())
}

/// To the second, in UTC.
pub(super) fn time(at: Instant) -> Made {
    GeneralizedTime::from_unix_duration(std::time::Duration::from_secs(at.0 / 1000))?.to_der()
}
