//! 电子证照标识, the identifier of a certificate (GB/T 36904-2018), and 证照类型代码, the code of its type.
//!
//! `1.2.156.3005.2 . type (21) . issuer (18) . serial . version (3) . check (1)`. Written strictly, read leniently: real
//! identifiers carry a region as issuer, or the check character of a deployed routine that is not ISO 7064.

use crate::{
    ascii::{Ascii, first_misfit},
    check_digit::{mod_37_36, mod_37_36_dialect},
    reason::Reason,
    region::{self, Region},
    resident_id,
    uscc::{self, Uscc},
};

#[cfg(test)]
mod tests;

/// 电子证照根代码, with the point behind it.
const ROOT: &str = "1.2.156.3005.2.";
/// Longest serial, in characters.
pub const MAX_SERIAL: usize = 64;
/// Longest identifier that is looked at, in bytes.
pub const MAX_BYTES: usize = 160;
/// Highest version: three digits.
pub const MAX_VERSION: u16 = 999;

/// 证照类型代码: credit code of the body that defines the type (18) and three characters more, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeCode(Ascii<21>);

/// An identifier that was read or made. Two are the same when their texts are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId {
    text: String,
    type_code: TypeCode,
    issuer: IssuerCode,
    version: u16,
    check_dialect: bool,
}

/// 证照颁发机构代码.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssuerCode {
    /// As the standard asks.
    Uscc(Uscc),
    /// Seen in the field: the division in place of the body.
    Region(Region),
}

/// What was let pass on input and is never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// `CHECK_DIALECT`: the check character is that of the deployed routine, not of ISO 7064.
    pub check_dialect: bool,
    /// `ISSUER_IS_REGION`: six digits stand where the issuer's credit code should.
    pub issuer_is_region: bool,
}

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More bytes than any identifier has.
    #[error("a certificate identifier has at most {MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Another root.
    #[error("a certificate identifier begins with 1.2.156.3005.2.")]
    Root,
    /// Not five parts behind the root.
    #[error(
        "a certificate identifier has five parts behind its root (type, issuer, serial, version, check), found {found}"
    )]
    Parts {
        /// Parts found.
        found: usize,
    },
    /// The type's code has another length.
    #[error("a certificate type code has 21 characters, found {found}")]
    TypeLength {
        /// Characters found.
        found: usize,
    },
    /// The defining body's code is wrong.
    #[error("the defining body in the certificate type code: {0}")]
    TypeBody(#[source] uscc::Error),
    /// The end of the type's code is wrong.
    #[error("a certificate type code ends in three digits or capital letters")]
    TypeSequence,
    /// The issuer's code is wrong.
    #[error("the issuer in the certificate identifier: {0}")]
    Issuer(#[source] uscc::Error),
    /// Six characters, and no region.
    #[error("the issuer in the certificate identifier: {0}")]
    IssuerRegion(#[source] region::Error),
    /// Empty or too long.
    #[error("the serial of a certificate identifier has 1 to {MAX_SERIAL} characters, found {found}")]
    SerialLength {
        /// Characters found.
        found: usize,
    },
    /// A character for which no check character can be computed.
    #[error("character {position} of the serial is {found:?}, needed a digit or a capital letter")]
    SerialCharacter {
        /// From 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// Not 001 to 999.
    #[error("the version of a certificate identifier is 001 to 999")]
    Version,
    /// The check character is wrong.
    #[error("the certificate identifier ends in {found:?}, its check character is {needed:?}")]
    CheckDigit {
        /// What stands there.
        found: String,
        /// By ISO 7064 MOD 37,36.
        needed: char,
    },
    /// 999 has no successor.
    #[error("version 999 is the last that an identifier can carry; issue under a new serial")]
    VersionsExhausted,
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::CheckDigit { .. }
            | Self::TypeBody(uscc::Error::CheckDigit { .. })
            | Self::Issuer(uscc::Error::CheckDigit { .. }) => Reason::CheckDigitWrong,
            Self::VersionsExhausted => Reason::VersionsExhausted,
            _ => Reason::FieldInvalid,
        }
    }

    /// The right check character, when only that is wrong.
    pub const fn right_check_digit(&self) -> Option<char> {
        match self {
            Self::CheckDigit { needed, .. } => Some(*needed),
            Self::TypeBody(error) | Self::Issuer(error) => error.right_check_digit(),
            _ => None,
        }
    }
}

impl TypeCode {
    /// Checks length, the defining body's code and its check character.
    ///
    /// # Errors
    /// Says what was found and needed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let length = Error::TypeLength { found: text.chars().count() };
        if length != (Error::TypeLength { found: 21 }) {
            return Err(length);
        }
        let (body, sequence) = text.split_at(text.char_indices().nth(18).map_or(0, |(at, _)| at));
        Uscc::parse(body).map_err(Error::TypeBody)?;
        if !sequence.chars().all(is_alphanumeric) {
            return Err(Error::TypeSequence);
        }
        Ascii::new(text).map(Self).ok_or(length)
    }

    /// 21 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl CertificateId {
    /// A new identifier, as the standard asks.
    ///
    /// # Errors
    /// A serial that is not 1 to 64 digits and capital letters, a version that is not 1 to 999.
    pub fn new(type_code: &TypeCode, issuer: &Uscc, serial: &str, version: u16) -> Result<Self, Error> {
        Self::build(*type_code, IssuerCode::Uscc(*issuer), serial, version)
    }

    /// Reads an identifier. Takes six digits as issuer and the dialect's check character, and says so in
    /// [`Self::flags`].
    ///
    /// # Errors
    /// Says which part is wrong, and for a wrong check character the right one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::TooLong { found: text.len() });
        }
        let rest = text.strip_prefix(ROOT).ok_or(Error::Root)?;
        let mut parts = rest.split('.');
        let mut next = || parts.next();
        let (Some(type_code), Some(issuer), Some(serial), Some(digits), Some(check), None) =
            (next(), next(), next(), next(), next(), next())
        else {
            return Err(Error::Parts { found: rest.split('.').count() });
        };
        let type_code = TypeCode::parse(type_code)?;
        let issuer = IssuerCode::parse(issuer)?;
        let version = parse_version(digits)?;
        let needed = check_character(&type_code, &issuer, serial, version, digits)?;
        let check_dialect = !check.chars().eq([needed]);
        if check_dialect {
            let dialect = mod_37_36_dialect(&[type_code.as_str(), issuer.as_str(), serial, digits]);
            if !dialect.is_some_and(|dialect| check.chars().eq([dialect])) {
                return Err(Error::CheckDigit { found: check.to_owned(), needed });
            }
        }
        Ok(Self { text: text.to_owned(), type_code, issuer, version, check_dialect })
    }

    /// The same serial, one version later, check character computed anew by ISO 7064.
    ///
    /// # Errors
    /// After version 999.
    pub fn next_version(&self) -> Result<Self, Error> {
        if self.version >= MAX_VERSION {
            return Err(Error::VersionsExhausted);
        }
        Self::build(self.type_code, self.issuer, self.serial(), self.version + 1)
    }

    fn build(type_code: TypeCode, issuer: IssuerCode, serial: &str, version: u16) -> Result<Self, Error> {
        let digits = format!("{version:03}");
        let check = check_character(&type_code, &issuer, serial, version, &digits)?;
        let text = format!("{ROOT}{type_code}.{}.{serial}.{digits}.{check}", issuer.as_str());
        Ok(Self { text, type_code, issuer, version, check_dialect: false })
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// 证照类型代码.
    pub const fn type_code(&self) -> &TypeCode {
        &self.type_code
    }

    /// 证照颁发机构代码.
    pub const fn issuer(&self) -> &IssuerCode {
        &self.issuer
    }

    /// 流水号: 1 to 64 digits and capital letters.
    pub fn serial(&self) -> &str {
        let start = ROOT.len() + self.type_code.as_str().len() + 1 + self.issuer.as_str().len() + 1;
        let end = self.text.len() - ".001.0".len();
        &self.text[start..end]
    }

    /// 版本号, from 1.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// 校验位, as it stands in the text.
    pub fn check(&self) -> char {
        self.text.chars().next_back().unwrap_or_default()
    }

    /// What was let pass when it was read.
    pub const fn flags(&self) -> Flags {
        Flags { check_dialect: self.check_dialect, issuer_is_region: matches!(self.issuer, IssuerCode::Region(_)) }
    }

    /// Is it written as the standard asks?
    pub fn is_strict(&self) -> bool {
        self.flags() == Flags::default()
    }

    /// Does the serial hold a valid identity number? A certificate with such an identifier is not imported: the
    /// identifier is public.
    pub fn contains_resident_id(&self) -> bool {
        resident_id::find_in(self.serial())
    }
}

impl IssuerCode {
    fn parse(text: &str) -> Result<Self, Error> {
        if text.len() == Region::LENGTH {
            return Region::parse(text).map(Self::Region).map_err(Error::IssuerRegion);
        }
        Uscc::parse(text).map(Self::Uscc).map_err(Error::Issuer)
    }

    /// 18 or 6 characters.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Uscc(uscc) => uscc.as_str(),
            Self::Region(region) => region.as_str(),
        }
    }

    /// The body's code, where it is one.
    pub const fn uscc(&self) -> Option<&Uscc> {
        match self {
            Self::Uscc(uscc) => Some(uscc),
            Self::Region(_) => None,
        }
    }
}

/// 校验位 by ISO 7064, of parts whose form is right; `digits` are those of the version.
fn check_character(
    type_code: &TypeCode,
    issuer: &IssuerCode,
    serial: &str,
    version: u16,
    digits: &str,
) -> Result<char, Error> {
    let length = serial.chars().count();
    if length == 0 || length > MAX_SERIAL {
        return Err(Error::SerialLength { found: length });
    }
    if let Some((position, found)) = first_misfit(serial, |_, c| is_alphanumeric(c)) {
        return Err(Error::SerialCharacter { position, found });
    }
    if version == 0 || version > MAX_VERSION {
        return Err(Error::Version);
    }
    // Every part was checked to be of the alphabet.
    mod_37_36(&[type_code.as_str(), issuer.as_str(), serial, digits]).ok_or(Error::Version)
}

const fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_digit() || c.is_ascii_uppercase()
}

fn parse_version(text: &str) -> Result<u16, Error> {
    if text.len() != 3 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Version);
    }
    text.parse().map_err(|_| Error::Version)
}

impl std::fmt::Display for TypeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for TypeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TypeCode({self})")
    }
}

impl std::fmt::Display for CertificateId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertificateId({self})")
    }
}
