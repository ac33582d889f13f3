//! Strict DER, field by field, so that an error names the field. Lengths are bounded by what is asked for.

use der::{
    Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, BitStringRef, Ia5StringRef, ObjectIdentifier, PrintableStringRef, UintRef, Utf8StringRef},
};
use exchange_core::chain::Instant;

use crate::time;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct Error {
    /// Which field, as the standard names it: `TBS_Sign.timeInfo`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Error {
    pub(crate) fn new(field: impl Into<String>, detail: impl ToString) -> Self {
        Self { field: field.into(), detail: detail.to_string() }
    }
}

/// The fields of one SEQUENCE (or SET), read in order.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    what: &'static str,
    reader: SliceReader<'a>,
}

impl<'a> Fields<'a> {
    /// The whole input is one SEQUENCE.
    pub(crate) fn sequence(der: &'a [u8], what: &'static str) -> Result<Self, Error> {
        Self::of(der, Tag::Sequence, what)
    }

    /// The whole input is one value with this tag.
    pub(crate) fn of(der: &'a [u8], tag: Tag, what: &'static str) -> Result<Self, Error> {
        let any = AnyRef::from_der(der).map_err(|e| Error::new(what, plain(e)))?;
        if any.tag() != tag {
            return Err(Error::new(what, format!("{} where {tag} is needed", any.tag())));
        }
        Self::inside(any.value(), what)
    }

    /// What is inside a value whose tag was read.
    pub(crate) fn inside(content: &'a [u8], what: &'static str) -> Result<Self, Error> {
        Ok(Self { what, reader: SliceReader::new(content).map_err(|e| Error::new(what, plain(e)))? })
    }

    pub(crate) fn error(&self, field: &str, detail: impl ToString) -> Error {
        Error::new(format!("{}.{field}", self.what), detail)
    }

    /// How many values follow.
    pub(crate) fn count(&self) -> Result<usize, Error> {
        let mut reader = self.reader.clone();
        let mut count = 0;
        while !reader.is_finished() {
            reader.tlv_bytes().map_err(|e| Error::new(self.what, plain(e)))?;
            count += 1;
        }
        Ok(count)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    /// Nothing may follow.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.reader.is_finished() { Ok(()) } else { Err(Error::new(self.what, "more follows than its fields")) }
    }

    /// The next value whatever it is, with tag and length.
    pub(crate) fn raw(&mut self, field: &str) -> Result<&'a [u8], Error> {
        if self.reader.is_finished() {
            return Err(self.error(field, "is missing"));
        }
        self.reader.tlv_bytes().map_err(|e| self.error(field, plain(e)))
    }

    /// The tag of the next value.
    pub(crate) fn peek(&self) -> Option<Tag> {
        if self.reader.is_finished() { None } else { Tag::peek(&self.reader).ok() }
    }

    fn decode<T: Decode<'a, Error = der::Error>>(&mut self, field: &str) -> Result<T, Error> {
        let raw = self.raw(field)?;
        T::from_der(raw).map_err(|e| self.error(field, plain(e)))
    }

    pub(crate) fn nested(&mut self, field: &'static str) -> Result<Self, Error> {
        let raw = self.raw(field)?;
        Self::sequence(raw, field)
    }

    /// A number from 0 to 65,535.
    pub(crate) fn integer(&mut self, field: &str) -> Result<u16, Error> {
        self.decode(field)
    }

    /// The content of an INTEGER of any size, as certificates have their serials.
    pub(crate) fn integer_bytes(&mut self, field: &str) -> Result<&'a [u8], Error> {
        let any: AnyRef<'a> = self.decode(field)?;
        if any.tag() != Tag::Integer || any.value().is_empty() {
            return Err(self.error(field, format!("{} where INTEGER is needed", any.tag())));
        }
        self.bounded(field, any.value(), 32)
    }

    /// The number of an INTEGER that is not negative, without leading zeros.
    pub(crate) fn unsigned(&mut self, field: &str, limit: usize) -> Result<&'a [u8], Error> {
        let number: UintRef<'a> = self.decode(field)?;
        self.bounded(field, number.as_bytes(), limit)
    }

    pub(crate) fn boolean(&mut self, field: &str) -> Result<bool, Error> {
        self.decode(field)
    }

    pub(crate) fn oid(&mut self, field: &str) -> Result<ObjectIdentifier, Error> {
        self.decode(field)
    }

    pub(crate) fn octets(&mut self, field: &str, limit: usize) -> Result<&'a [u8], Error> {
        let any: AnyRef<'a> = self.decode(field)?;
        if any.tag() != Tag::OctetString {
            return Err(self.error(field, format!("{} where OCTET STRING is needed", any.tag())));
        }
        self.bounded(field, any.value(), limit)
    }

    /// The bytes of a BIT STRING without unused bits.
    pub(crate) fn bits(&mut self, field: &str, limit: usize) -> Result<&'a [u8], Error> {
        let bits: BitStringRef<'a> = self.decode(field)?;
        let bytes = bits.as_bytes().ok_or_else(|| self.error(field, "has unused bits"))?;
        self.bounded(field, bytes, limit)
    }

    pub(crate) fn ia5(&mut self, field: &str, limit: usize) -> Result<&'a str, Error> {
        let any: AnyRef<'a> = self.decode(field)?;
        Ia5StringRef::try_from(any).map_err(|e| self.error(field, plain(e)))?;
        self.text(field, any.value(), limit)
    }

    pub(crate) fn utf8(&mut self, field: &str, limit: usize) -> Result<&'a str, Error> {
        let any: AnyRef<'a> = self.decode(field)?;
        Utf8StringRef::try_from(any).map_err(|e| self.error(field, plain(e)))?;
        self.text(field, any.value(), limit)
    }

    pub(crate) fn printable(&mut self, field: &str, limit: usize) -> Result<&'a str, Error> {
        let any: AnyRef<'a> = self.decode(field)?;
        PrintableStringRef::try_from(any).map_err(|e| self.error(field, plain(e)))?;
        self.text(field, any.value(), limit)
    }

    fn text(&self, field: &str, bytes: &'a [u8], limit: usize) -> Result<&'a str, Error> {
        let bytes = self.bounded(field, bytes, limit)?;
        std::str::from_utf8(bytes).map_err(|_| self.error(field, "is not UTF-8"))
    }

    /// A GeneralizedTime, or a UTCTime.
    pub(crate) fn time(&mut self, field: &str, tag: Tag) -> Result<Instant, Error> {
        let any: AnyRef<'a> = self.decode(field)?;
        if any.tag() != tag {
            return Err(self.error(field, format!("{} where {tag} is needed", any.tag())));
        }
        let read = if tag == Tag::UtcTime { time::utc(any.value()) } else { time::generalized(any.value()) };
        read.map_err(|e| self.error(field, e))
    }

    /// What is inside `[number] EXPLICIT` (or a constructed `[number] IMPLICIT`), if that comes next.
    pub(crate) fn tagged(&mut self, field: &str, number: u32) -> Result<Option<&'a [u8]>, Error> {
        let wanted = Tag::ContextSpecific { constructed: true, number: TagNumber(number) };
        if self.peek() != Some(wanted) {
            return Ok(None);
        }
        let any: AnyRef<'a> = self.decode(field)?;
        Ok(Some(any.value()))
    }

    fn bounded(&self, field: &str, bytes: &'a [u8], limit: usize) -> Result<&'a [u8], Error> {
        if bytes.len() > limit {
            return Err(self.error(field, format!("{} bytes; at most {limit} are read", bytes.len())));
        }
        Ok(bytes)
    }
}

/// DER of a value that was read before; der only reads what it can write again.
pub(crate) fn to_der(value: &impl Encode, what: &'static str) -> Result<Vec<u8>, Error> {
    value.to_der().map_err(|e| Error::new(what, plain(e)))
}

/// The error without its position, which is relative to a part and would mislead.
pub(crate) fn plain(error: der::Error) -> String {
    error.kind().to_string()
}
