//! What systems of the city ask to be issued and changed, parsed.

use crate::{
    certificate::{Draft, Field, Origin},
    certificate_id::{CertificateId, TypeCode},
    date::Date,
    file::File,
    issuer::Issuer,
    reason::Reason,
    status::{Authority, Status},
};

#[cfg(test)]
mod tests;

/// A UUIDv7 (RFC 9562 §5.7) that a calling system gave to a request or a question: 48 bits of Unix milliseconds, then
/// random bits. A repetition carries the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 16]);

/// Why a text is no request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing there.
    #[error("the id is missing, a fresh UUIDv7 is needed")]
    Missing,
    /// Not 8-4-4-4-12 hexadecimal digits.
    #[error("the id has {found} characters or no form of a UUID; 36 are needed, 8-4-4-4-12 hexadecimal digits")]
    Form {
        /// Characters found.
        found: usize,
    },
    /// A UUID of another version or variant.
    #[error("the id is a UUID of another version; version 7 is needed")]
    Version,
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Missing => Reason::RequestIdMissing,
            Self::Form { .. } | Self::Version => Reason::RequestIdInvalid,
        }
    }
}

impl RequestId {
    /// Reads the text form; hexadecimal digits of either case (RFC 9562 §4).
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Form`], [`Error::Version`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Missing);
        }
        let form = Error::Form { found: text.chars().count() };
        let groups: Vec<&str> = text.split('-').collect();
        let hexadecimal = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) || !groups.iter().all(hexadecimal) {
            return Err(form);
        }
        let number = u128::from_str_radix(&groups.concat(), 16).map_err(|_| form)?;
        Self::from_bytes(number.to_be_bytes())
    }

    /// From the 16 bytes of records and keys.
    ///
    /// # Errors
    /// [`Error::Version`].
    pub const fn from_bytes(bytes: [u8; 16]) -> Result<Self, Error> {
        if bytes[6] >> 4 == 7 && bytes[8] >> 6 == 0b10 { Ok(Self(bytes)) } else { Err(Error::Version) }
    }

    /// As they stand in keys of rows and in records.
    pub const fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// When it was made by the caller's clock, Unix milliseconds.
    pub const fn unix_ms(&self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

/// Lower case, 8-4-4-4-12.
impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A certificate to be issued.
#[derive(Debug, Clone)]
pub struct Issue {
    /// [`RequestId::bytes`].
    pub request_id: [u8; 16],
    /// What.
    pub draft: Draft,
    /// Kept by the custodian, named in the header.
    pub files: Vec<File>,
    /// Set by an import: id (at most 128 bytes) and time (at most 32 bytes) of the row in the source system.
    pub source: Option<(String, String)>,
}

/// A new revision of a certificate.
#[derive(Debug, Clone)]
pub struct Revision {
    /// [`RequestId::bytes`].
    pub request_id: [u8; 16],
    /// Which certificate is replaced.
    pub previous: Previous,
    /// 颁发日期.
    pub issued_on: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force; `None` is without limit.
    pub valid_until: Option<Date>,
    /// How it came to be.
    pub origin: Origin,
    /// All fields of the new revision, in any order.
    pub fields: Vec<Field>,
    /// All files of the new revision.
    pub files: Vec<File>,
    /// Set by an import, as in [`Issue::source`].
    pub source: Option<(String, String)>,
}

/// What a new revision replaces. Type and issuer stay the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Previous {
    /// The newest revision, by its identifier.
    Certificate(CertificateId),
    /// The one last imported of this type and issuer under the same source id.
    Imported {
        /// Which type.
        type_code: TypeCode,
        /// Which department.
        issuer: Issuer,
    },
}

/// A change of status. From which status, after which link and whether it is allowed is decided where the certificate's
/// row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRequest {
    /// [`RequestId::bytes`].
    pub request_id: [u8; 16],
    /// Identifier of the certificate, its form checked.
    pub certificate_id: String,
    /// What it becomes.
    pub to: Status,
    /// The type's own code; empty: the type's code for `to`.
    pub status_code: String,
    /// First day on which it holds; `None`: the day of the decision.
    pub effective_on: Option<Date>,
    /// Day of the decision.
    pub decided_on: Date,
    /// Who decided.
    pub deciding_body: Issuer,
    /// 文号; may be empty where the type does not ask for one.
    pub document_number: String,
    /// Free text without personal data, at most 512 bytes.
    pub reason: String,
    /// In which capacity.
    pub authority: Authority,
    /// 复议, 判决, 更正.
    pub restoring: bool,
}
