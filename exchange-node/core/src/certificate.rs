//! A certificate (电子证照): what is asked for, what is signed.
//!
//! The header holds every field of the type as a salted digest, in the type's order; an absent field has an empty
//! value, so that absence does not show. Values stay with the custodian.

use crate::{
    certificate_id::{CertificateId, IssuerCode, TypeCode},
    date::Date,
    disclosure::Disclosure,
    issuer::Issuer,
    region::Region,
    spiffe::{Kind, SpiffeId},
};

/// Payload type of a certificate's envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.exchange.certificate.v1+protobuf";
/// Major version of the header's schema; another one is never read as valid.
pub const SCHEMA_MAJOR: u32 = 1;
/// Minor version written now.
pub const SCHEMA_MINOR: u32 = 0;
/// Largest header, in bytes.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Most fields of one certificate.
pub const MAX_FIELDS: usize = 128;
/// Longest short name of a field, in bytes.
pub const MAX_FIELD_NAME_BYTES: usize = 64;
/// Longest value, in bytes of UTF-8.
pub const MAX_VALUE_BYTES: usize = 65_536;
/// All values of one certificate together, in bytes.
pub const MAX_VALUES_BYTES: usize = 1 << 20;

/// How the electronic certificate came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Origin {
    /// 同步制发.
    Synchronous = 1,
    /// 存量补录: the signer vouches for the record, not for the old act.
    Backfilled = 2,
    /// 扫描转换.
    Converted = 3,
}

/// Whether a certificate is real or belongs to a demo, a training or a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Environment {
    /// Real.
    Production = 1,
    /// Demo, training, tests.
    Exercise = 2,
}

/// A field as the caller gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Short name, e.g. `CZZT`, `KZ_ZL`.
    pub name: String,
    /// Value; personal data, so `Debug` does not show it.
    pub value: String,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=({} bytes)", self.name, self.value.len())
    }
}

/// What a system asks to be issued. Checked against the type by [`crate::certificate_type::CertificateType::check`].
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which type.
    pub type_code: TypeCode,
    /// Version of the type; `None` is the newest known.
    pub type_version: Option<u32>,
    /// For which department.
    pub issuer: Issuer,
    /// 颁发日期.
    pub issued_on: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force; `None` is without limit.
    pub valid_until: Option<Date>,
    /// How it came to be.
    pub origin: Origin,
    /// In any order; a field that is not required may be missing.
    pub fields: Vec<Field>,
    /// 流水号 of a certificate made elsewhere.
    pub serial: Option<String>,
}

/// A digest in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDigest {
    /// Short name.
    pub name: String,
    /// [`Disclosure::digest`].
    pub digest: [u8; 32],
}

/// A file that belongs to the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// IANA media type.
    pub media_type: String,
    /// [`crate::disclosure::file_digest`].
    pub digest: [u8; 32],
    /// [`crate::file::rounded`].
    pub rounded_length: u64,
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Real or exercise.
    pub environment: Environment,
    /// 电子证照标识, GB/T 36904.
    pub certificate_id: CertificateId,
    /// Which type.
    pub type_code: TypeCode,
    /// Its version.
    pub type_version: u32,
    /// The department that signs.
    pub issuer: Issuer,
    /// Whose log it stands in.
    pub issuing_region: Region,
    /// Whose node keeps the values.
    pub custodian_region: Region,
    /// 颁发日期.
    pub issued_on: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force.
    pub valid_until: Option<Date>,
    /// From 1.
    pub revision: u32,
    /// The certificate that this one replaces.
    pub previous: Option<CertificateId>,
    /// How it came to be.
    pub origin: Origin,
    /// Every field of the type, in its order.
    pub fields: Vec<FieldDigest>,
    /// Files.
    pub files: Vec<FileDigest>,
}

/// Why a disclosure does not belong to a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisclosureError {
    /// No such field in the header.
    #[error("the certificate has no field {0}")]
    UnknownField(String),
    /// The digest differs.
    #[error("the released value of {0} is not the one that was signed")]
    Mismatch(String),
}

impl Header {
    /// Is this the identity of the department that the header names?
    pub fn is_by(&self, id: &SpiffeId) -> bool {
        matches!(&id.kind, Kind::Department { region, uscc }
            if *region == self.issuing_region && *uscc == self.issuer.uscc)
    }

    /// Is the identifier one that this department may give? Else a city could issue under another one's identifiers.
    pub fn names_its_own(&self) -> bool {
        let id = &self.certificate_id;
        let issuer = match id.issuer() {
            IssuerCode::Uscc(uscc) => *uscc == self.issuer.uscc,
            IssuerCode::Region(region) => *region == self.issuing_region,
        };
        issuer && *id.type_code() == self.type_code
    }

    /// What rows keep of it: everything but the digests of fields and files.
    pub fn without_digests(&self) -> Self {
        Self {
            certificate_id: self.certificate_id.clone(),
            issuer: self.issuer.clone(),
            previous: self.previous.clone(),
            fields: Vec::new(),
            files: Vec::new(),
            ..*self
        }
    }

    /// Is this value the one that was signed?
    pub fn check_disclosure(&self, disclosure: &Disclosure) -> Result<(), DisclosureError> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name == disclosure.name)
            .ok_or_else(|| DisclosureError::UnknownField(disclosure.name.clone()))?;
        if field.digest == disclosure.digest() {
            Ok(())
        } else {
            Err(DisclosureError::Mismatch(disclosure.name.clone()))
        }
    }
}
