//! The values of a certificate's fields, apart from its header: the header holds their salted
//! digests, the custodian keeps name, value and salt.

use std::collections::BTreeSet;
use std::fmt;

use ring::digest::{Context, SHA256};

#[cfg(test)]
mod tests;

/// The longest value, in bytes of UTF-8.
pub const MAX_VALUE_BYTES: usize = 65_536;
/// The longest name of a field, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// The most fields of a certificate.
pub const MAX_FIELDS: usize = 128;
/// All values of one certificate together, in bytes.
pub const MAX_TOTAL_BYTES: usize = 1024 * 1024;

/// Why disclosures are refused. No text tells a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field has a name.
    #[error("a field has no name")]
    NoName,
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("a field's name has {found} bytes, at most {MAX_NAME_BYTES} are allowed")]
    NameTooLong {
        /// Bytes found.
        found: usize,
    },
    /// Longer than [`MAX_VALUE_BYTES`].
    #[error("the value of {name} has {found} bytes, at most {MAX_VALUE_BYTES} are allowed")]
    ValueTooLong {
        /// The field.
        name: String,
        /// Bytes found.
        found: usize,
    },
    /// More than [`MAX_FIELDS`].
    #[error("{found} fields, at most {MAX_FIELDS} are allowed")]
    TooManyFields {
        /// Fields found.
        found: usize,
    },
    /// More than [`MAX_TOTAL_BYTES`].
    #[error("the values have {found} bytes together, at most {MAX_TOTAL_BYTES} are allowed")]
    TotalTooLong {
        /// Bytes found.
        found: usize,
    },
    /// A name stands for one field.
    #[error("the field {name} is given twice")]
    RepeatedName {
        /// The field.
        name: String,
    },
}

/// One field's value with the salt of its digest. Releasing it lets anybody who has the header
/// check this field, and tells nothing about the others.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The field's short name.
    pub name: String,
    /// The value; empty if the field is absent.
    pub value: String,
    /// 16 random bytes.
    pub salt: [u8; 16],
}

impl Disclosure {
    /// A value (empty if the field is absent) with 16 random bytes.
    ///
    /// # Errors
    /// [`Error::NoName`], [`Error::NameTooLong`], [`Error::ValueTooLong`].
    pub fn new(name: impl Into<String>, value: impl Into<String>, salt: [u8; 16]) -> Result<Self, Error> {
        let new = Self { name: name.into(), value: value.into(), salt };
        new.check()?;
        Ok(new)
    }

    /// Checks the limits of one field.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn check(&self) -> Result<(), Error> {
        let (name, value) = (&self.name, &self.value);
        if name.is_empty() {
            return Err(Error::NoName);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(Error::NameTooLong { found: name.len() });
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(Error::ValueTooLong { name: name.clone(), found: value.len() });
        }
        Ok(())
    }

    /// SHA-256(salt ‖ u16be(len(name)) ‖ name ‖ value), as the header holds it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[&self.salt, &name_length(&self.name), self.name.as_bytes(), self.value.as_bytes()])
    }
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({}, redacted)", self.name)
    }
}

/// Checks the disclosures of one certificate, each and all together.
///
/// # Errors
/// As [`Disclosure::check`], [`Error::TooManyFields`], [`Error::TotalTooLong`], [`Error::RepeatedName`].
pub fn check_all(disclosures: &[Disclosure]) -> Result<(), Error> {
    if disclosures.len() > MAX_FIELDS {
        return Err(Error::TooManyFields { found: disclosures.len() });
    }
    disclosures.iter().try_for_each(Disclosure::check)?;
    let found = disclosures.iter().map(|disclosure| disclosure.value.len()).sum();
    if found > MAX_TOTAL_BYTES {
        return Err(Error::TotalTooLong { found });
    }
    let mut names = BTreeSet::new();
    match disclosures.iter().find(|disclosure| !names.insert(&disclosure.name)) {
        Some(repeated) => Err(Error::RepeatedName { name: repeated.name.clone() }),
        None => Ok(()),
    }
}

/// The digest of a file in the header: SHA-256(salt ‖ bytes).
#[must_use]
pub fn file_digest(salt: &[u8; 16], bytes: &[u8]) -> [u8; 32] {
    sha256(&[salt, bytes])
}

/// The digest that an access record holds of what was released: SHA-256 over, in header order,
/// u16 length ‖ name ‖ u32 length ‖ value ‖ salt. The caller gives them in header order.
#[must_use]
pub fn released_digest<'a>(released: impl IntoIterator<Item = &'a Disclosure>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for disclosure in released {
        context.update(&name_length(&disclosure.name));
        context.update(disclosure.name.as_bytes());
        let length = u32::try_from(disclosure.value.len()).unwrap_or(u32::MAX);
        context.update(&length.to_be_bytes());
        context.update(disclosure.value.as_bytes());
        context.update(&disclosure.salt);
    }
    finish(context)
}

/// A name that was checked has at most 64 bytes.
fn name_length(name: &str) -> [u8; 2] {
    u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    finish(context)
}

fn finish(context: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
