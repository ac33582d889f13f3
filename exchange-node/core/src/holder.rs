//! Holders of certificates, and the tags by which a certificate is found without naming anybody.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::sealed::{self, IndexKey, IndexKeyId, Subkey};

#[cfg(test)]
mod tests;

/// The holder code type of a citizen's identity number (公民身份号码; dictionary 持证主体代码类型).
pub const IDENTITY_NUMBER: &str = "111";

/// Label of the subkey that seals holder tags.
pub(crate) const LABEL: &str = "exchange/holder-tags/v1";
const ROW: usize = 33;
const PAD_TO: usize = 4;

/// Why a holder or its tags are refused. No text names a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A code, a code type, a number or a type code is empty.
    #[error("the {field} is empty")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// The byte 0 separates the parts of a tag.
    #[error("the {field} has a control character")]
    Control {
        /// The field.
        field: &'static str,
    },
    /// One code type for all codes, or one for each.
    #[error("{types} holder code types for {codes} holder codes; one, or one for each is needed")]
    TypeCount {
        /// Code types given.
        types: usize,
        /// Codes given.
        codes: usize,
    },
    /// A set of tags has at least one.
    #[error("no holder tag; at least one is needed")]
    NoTags,
    /// The opened plaintext is not rows of 33 bytes, sorted, padded to a multiple of four.
    #[error("malformed holder tags: {0}")]
    Malformed(&'static str),
    /// The tags do not open. Another key may come: deferred, never void.
    #[error(transparent)]
    Sealed(#[from] sealed::Error),
}

/// A holder in normal form: the same person or body always gives the same two texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    code_type: String,
    code: String,
}

impl Holder {
    /// One holder. The code is brought to NFKC, trimmed and put in upper case; an identity number
    /// of 15 digits becomes one of 18.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Control`].
    pub fn new(code_type: &str, code: &str) -> Result<Self, Error> {
        let code_type = normal("holder code type", code_type)?;
        let mut code = normal("holder code", code)?;
        if code_type == IDENTITY_NUMBER
            && let Some(long) = eighteen_digits(&code)
        {
            code = long;
        }
        Ok(Self { code_type, code })
    }

    /// The holders of a certificate as its two fields name them (持证主体代码类型代码, 持证主体代码): several
    /// are separated by `,`, also a full-width one; the types may be one for all.
    ///
    /// # Errors
    /// [`Error::TypeCount`], and as [`Self::new`], also for an empty part.
    pub fn split(code_types: &str, codes: &str) -> Result<Vec<Self>, Error> {
        let (code_types, codes) = (nfkc(code_types), nfkc(codes));
        let types: Vec<&str> = code_types.split(',').collect();
        let codes: Vec<&str> = codes.split(',').collect();
        if types.len() != 1 && types.len() != codes.len() {
            return Err(Error::TypeCount { types: types.len(), codes: codes.len() });
        }
        types.iter().cycle().zip(&codes).map(|(kind, code)| Self::new(kind, code)).collect()
    }

    /// The code type, as `111` or `001`.
    #[must_use]
    pub fn code_type(&self) -> &str {
        &self.code_type
    }

    /// The code, personal data for most types.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({}, redacted)", self.code_type)
    }
}

/// What a tag stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagKind {
    /// A holder.
    Holder,
    /// The certificate's number (证照编号).
    Number,
}

/// A keyed hash of a holder or a number, within one certificate type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// What it stands for.
    pub kind: TagKind,
    /// HMAC-SHA256 under the index key.
    pub bytes: [u8; 32],
}

/// The tag of a holder: HMAC-SHA256(index key, `"holder/v1" 0 type_code 0 code type 0 code`).
/// `type_code` is the certificate type without its version.
///
/// # Errors
/// [`Error::Empty`], [`Error::Control`].
pub fn holder_tag(key: &IndexKey, type_code: &str, holder: &Holder) -> Result<Tag, Error> {
    let type_code = normal("certificate type", type_code)?;
    let parts = [
        b"holder/v1\0".as_slice(),
        type_code.as_bytes(),
        b"\0",
        holder.code_type.as_bytes(),
        b"\0",
        holder.code.as_bytes(),
    ];
    Ok(Tag { kind: TagKind::Holder, bytes: key.tag(&parts) })
}

/// The tag of a certificate number: HMAC-SHA256(index key, `"number/v1" 0 type_code 0 number`).
///
/// The number is brought to NFKC, trimmed and put in upper case. It is never lengthened: fifteen
/// digits are also a business licence's registration number.
///
/// # Errors
/// [`Error::Empty`], [`Error::Control`].
pub fn number_tag(key: &IndexKey, type_code: &str, number: &str) -> Result<Tag, Error> {
    let type_code = normal("certificate type", type_code)?;
    let number = normal("certificate number", number)?;
    let parts = [b"number/v1\0".as_slice(), type_code.as_bytes(), b"\0", number.as_bytes()];
    Ok(Tag { kind: TagKind::Number, bytes: key.tag(&parts) })
}

/// What opens many sealed tags under one index key.
pub struct TagOpener {
    id: IndexKeyId,
    key: Subkey,
}

impl TagOpener {
    /// From an index key.
    #[must_use]
    pub fn new(key: &IndexKey) -> Self {
        Self { id: key.id(), key: key.tags().clone() }
    }

    /// Which index key.
    #[must_use]
    pub fn id(&self) -> &IndexKeyId {
        &self.id
    }

    /// As [`HolderTags::open`].
    ///
    /// # Errors
    /// As [`HolderTags::open`].
    pub fn open(&self, region: &str, certificate_id: &str, bytes: &[u8]) -> Result<HolderTags, Error> {
        let aad = [region.as_bytes(), certificate_id.as_bytes()].concat();
        HolderTags::decode(&sealed::open_anonymous(&self.key, &aad, bytes)?)
    }
}

/// The tags of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderTags(BTreeSet<Tag>);

impl HolderTags {
    /// At least one tag; repeated ones count once.
    ///
    /// # Errors
    /// [`Error::NoTags`].
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Result<Self, Error> {
        let tags: BTreeSet<Tag> = tags.into_iter().collect();
        if tags.is_empty() { Err(Error::NoTags) } else { Ok(Self(tags)) }
    }

    /// The tags, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Whether this tag is among them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// Seals the tags for the log: `1 ‖ nonce 12 ‖ ciphertext ‖ tag`, bound to region (six digits)
    /// and certificate. The nonce must be fresh random bytes.
    ///
    /// # Errors
    /// [`Error::Sealed`].
    pub fn seal(&self, key: &IndexKey, nonce: [u8; 12], region: &str, certificate_id: &str) -> Result<Vec<u8>, Error> {
        let aad = [region.as_bytes(), certificate_id.as_bytes()].concat();
        Ok(sealed::seal_anonymous(key.tags(), nonce, &aad, &self.encode())?)
    }

    /// Opens sealed tags.
    ///
    /// # Errors
    /// [`Error::Sealed`] (deferred: another key may come), [`Error::Malformed`], [`Error::NoTags`].
    pub fn open(key: &IndexKey, region: &str, certificate_id: &str, bytes: &[u8]) -> Result<Self, Error> {
        TagOpener::new(key).open(region, certificate_id, bytes)
    }

    /// n × {kind u8, tag 32}, sorted, padded with zeros to a multiple of four rows so that the
    /// length does not tell the number of holders.
    fn encode(&self) -> Vec<u8> {
        let mut rows = Vec::with_capacity(ROW * (self.0.len() + PAD_TO));
        for tag in &self.0 {
            rows.push(match tag.kind {
                TagKind::Holder => 1,
                TagKind::Number => 2,
            });
            rows.extend_from_slice(&tag.bytes);
        }
        rows.resize(self.0.len().next_multiple_of(PAD_TO) * ROW, 0);
        rows
    }

    fn decode(plaintext: &[u8]) -> Result<Self, Error> {
        let (rows, rest) = plaintext.as_chunks::<ROW>();
        if !rest.is_empty() || !rows.len().is_multiple_of(PAD_TO) {
            return Err(Error::Malformed("rows of 33 bytes, a multiple of four, are needed"));
        }
        let mut tags = BTreeSet::new();
        let mut padding = 0;
        for [kind, bytes @ ..] in rows {
            let kind = match kind {
                0 if *bytes == [0; 32] => {
                    padding += 1;
                    continue;
                }
                1 => TagKind::Holder,
                2 => TagKind::Number,
                _ => return Err(Error::Malformed("a row of unknown kind")),
            };
            let tag = Tag { kind, bytes: *bytes };
            if padding > 0 || tags.last().is_some_and(|last| *last >= tag) {
                return Err(Error::Malformed("the rows are not sorted"));
            }
            tags.insert(tag);
        }
        if padding >= PAD_TO {
            return Err(Error::Malformed("more padding than needed"));
        }
        Self::new(tags)
    }
}

/// Nearly all codes are ASCII, where NFKC changes nothing (UAX #15 §1.2).
fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

/// NFKC, trimmed, upper case.
fn normal(field: &'static str, text: &str) -> Result<String, Error> {
    let text = nfkc(text).trim().to_uppercase();
    if text.is_empty() {
        return Err(Error::Empty { field });
    }
    if text.contains(char::is_control) {
        return Err(Error::Control { field });
    }
    Ok(text)
}

/// The 18-digit form of an identity number of 15 digits (GB 11643-1999: the year gets its century
/// 19, a check character follows).
fn eighteen_digits(short: &str) -> Option<String> {
    if short.len() != 15 || !short.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut long = format!("{}19{}", &short[..6], &short[6..]);
    let sum: u32 = long
        .bytes()
        .zip([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    long.push(char::from(b"10X98765432"[(sum % 11) as usize]));
    Some(long)
}
