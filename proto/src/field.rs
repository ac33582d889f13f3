//! Small checks that every conversion is made of. An error names the field by its path; it never repeats what a text
//! holds, only its length, a misplaced character or a check character.

use crate::{Error, v1};
use bytes::Bytes;
use exchange_core::{
    certificate_id::{CertificateId, TypeCode},
    date::Date,
    reason::Reason,
    region::Region,
    resident_id,
    uscc::Uscc,
};
use prost::Message;

/// A message that has to be there.
pub(crate) fn required<T>(path: &str, message: Option<T>) -> Result<T, Error> {
    message.ok_or_else(|| Error::missing(path))
}

/// Decodes a whole message of at most `max` bytes.
pub(crate) fn message<M: Message + Default>(path: &str, bytes: &[u8], max: usize) -> Result<M, Error> {
    if bytes.len() > max {
        let found = format!("{} bytes", bytes.len());
        return Err(Error::new(Reason::MessageTooLarge, path, found, format!("at most {max} bytes")));
    }
    M::decode(bytes).map_err(|_| undecodable(path))
}

/// As [`message`]; bytes in the message are slices of these.
pub(crate) fn shared<M: Message + Default>(path: &str, bytes: Bytes, max: usize) -> Result<M, Error> {
    if bytes.len() > max {
        return message(path, &bytes, max);
    }
    M::decode(bytes).map_err(|_| undecodable(path))
}

/// Not protobuf, or with a text that is not UTF-8. The decoder's own words are not passed on: they may hold parts of the
/// message.
pub(crate) fn undecodable(path: &str) -> Error {
    Error::new(Reason::MessageUndecodable, path, "bytes that cannot be decoded", "a message of this format")
}

/// Checks an item of a list. Its path is made only where something is wrong with it.
pub(crate) fn item<T>(list: &str, index: usize, check: impl Fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    check(list).or_else(|_| check(&format!("{list}[{index}]")))
}

/// Exactly `N` bytes.
pub(crate) fn array<const N: usize>(path: &str, bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes
        .try_into()
        .map_err(|_| Error::new(Reason::FieldInvalid, path, format!("{} bytes", bytes.len()), format!("{N} bytes")))
}

/// No bytes, or exactly `N`.
pub(crate) fn optional_array<const N: usize>(path: &str, bytes: &[u8]) -> Result<Option<[u8; N]>, Error> {
    if bytes.is_empty() { Ok(None) } else { array(path, bytes).map(Some) }
}

/// At most `max` bytes.
pub(crate) fn at_most(path: &str, found: usize, max: usize) -> Result<(), Error> {
    if found <= max {
        return Ok(());
    }
    Err(Error::new(Reason::FieldTooLong, path, format!("{found} bytes"), format!("at most {max} bytes")))
}

/// Bytes, from 1 to `max`.
pub(crate) fn bytes(path: &str, bytes: &[u8], max: usize) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::new(Reason::FieldMissing, path, "nothing", format!("1 to {max} bytes")));
    }
    at_most(path, bytes.len(), max)
}

/// A text of 1 to `max` bytes that people can read.
pub(crate) fn text(path: &str, text: &str, max: usize) -> Result<(), Error> {
    bytes(path, text.as_bytes(), max)?;
    readable(path, text)
}

/// A text of at most `max` bytes that people can read, possibly empty.
pub(crate) fn optional_text(path: &str, text: &str, max: usize) -> Result<(), Error> {
    if text.is_empty() { Ok(()) } else { self::text(path, text, max) }
}

/// Neither control characters nor those that turn the direction of writing (Unicode bidi classes of explicit
/// formatting, UAX #9 §2): what a person reads is what was signed.
fn readable(path: &str, text: &str) -> Result<(), Error> {
    let turns =
        |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    match text.chars().position(|c| c.is_control() || turns(c)) {
        None => Ok(()),
        Some(index) => {
            let found = format!("a control character at place {}", index + 1);
            Err(Error::new(Reason::ControlCharacter, path, found, "text in one line"))
        }
    }
}

/// A text that is kept for years or published: no identity number, no mobile number.
pub(crate) fn impersonal(path: &str, text: &str, reason: Reason) -> Result<(), Error> {
    let found = if resident_id::find_in(text) {
        "an identity number"
    } else if resident_id::find_mobile(text) {
        "a mobile number"
    } else {
        return Ok(());
    };
    Err(Error::new(reason, path, found, "text without personal data"))
}

/// At most `max` items.
pub(crate) fn count(path: &str, found: usize, max: usize) -> Result<(), Error> {
    if found <= max {
        return Ok(());
    }
    Err(Error::new(Reason::FieldTooLong, path, format!("{found} items"), format!("at most {max}")))
}

/// A number from 1 on: versions, revisions, epochs.
pub(crate) fn from_one(path: &str, number: u32) -> Result<u32, Error> {
    if number > 0 { Ok(number) } else { Err(Error::new(Reason::FieldMissing, path, "0", "a number from 1 on")) }
}

/// A number of an enum that this release knows.
pub(crate) fn known<T>(path: &str, number: i32, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| match number {
        0 => Error::new(Reason::FieldMissing, path, "unspecified", "a value"),
        _ => Error::new(Reason::FieldInvalid, path, format!("number {number}"), "a value that this release knows"),
    })
}

/// 行政区划代码.
pub(crate) fn region(path: &str, text: &str) -> Result<Region, Error> {
    Region::parse(text).map_err(|error| coded(error.reason(), path, text, &error, "a region, six digits"))
}

/// 统一社会信用代码.
pub(crate) fn uscc(path: &str, text: &str) -> Result<Uscc, Error> {
    Uscc::parse(text).map_err(|error| coded(error.reason(), path, text, &error, "a unified social credit code"))
}

/// 电子证照标识.
pub(crate) fn certificate_id(path: &str, text: &str) -> Result<CertificateId, Error> {
    CertificateId::parse(text).map_err(|error| coded(error.reason(), path, text, &error, "a certificate identifier"))
}

/// 证照类型代码.
pub(crate) fn type_code(path: &str, text: &str) -> Result<TypeCode, Error> {
    TypeCode::parse(text).map_err(|error| coded(error.reason(), path, text, &error, "a type code of 21 characters"))
}

/// A day that exists; `None` where the message is absent.
pub(crate) fn optional_date(path: &str, date: Option<v1::Date>) -> Result<Option<Date>, Error> {
    let Some(v1::Date { year, month, day }) = date else { return Ok(None) };
    Date::new(year, month, day)
        .map(Some)
        .map_err(|error| Error::new(error.reason(), path, error.to_string(), "a day that exists"))
}

/// A day that exists.
pub(crate) fn date(path: &str, date: Option<v1::Date>) -> Result<Date, Error> {
    required(path, optional_date(path, date)?)
}

/// What is wrong with a code. Core's errors quote at most a few characters of it, but the end of a certificate
/// identifier as it came: not where somebody put an identity number there.
pub(crate) fn coded(reason: Reason, path: &str, text: &str, error: &dyn std::error::Error, needed: &str) -> Error {
    let missing = text.is_empty() && reason == Reason::FieldInvalid;
    let reason = if missing { Reason::FieldMissing } else { reason };
    let quoted = error.to_string();
    let found = match (text.is_empty(), resident_id::find_in(&quoted)) {
        (true, _) => "nothing".to_owned(),
        (_, true) => "an identity number".to_owned(),
        _ => quoted,
    };
    Error::new(reason, path, found, needed)
}
