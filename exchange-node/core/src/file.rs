//! Files of a certificate (证照文件): the header names them by media type, salted digest and rounded length; the custodian
//! keeps the bytes.

use crate::{certificate::FileDigest, certificate::Header, disclosure::Disclosure, disclosure::file_digest};
use std::fmt;

#[cfg(test)]
mod tests;

/// Most files that a certificate is issued with. A header that is read may have more.
pub const MAX_FILES: usize = 8;
/// Largest file, in bytes. A request with files is bounded by the node's message limit besides.
pub const MAX_FILE_BYTES: usize = 3 << 20;
/// Longest media type that is written, in bytes: two names of RFC 6838 §4.2 with 64 characters each, the length that it
/// recommends at most.
pub const MAX_MEDIA_TYPE_BYTES: usize = 129;
/// Lengths in headers are rounded up to this, in bytes, so that a length tells little.
pub const ROUNDING: u64 = 64 * 1024;
/// Media type of an OFD document.
pub const OFD: &str = "application/ofd";

/// A file as the caller gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// IANA media type, lower case, without parameters.
    pub media_type: String,
    /// 1 to [`MAX_FILE_BYTES`]; personal data, so `Debug` does not show them.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {} bytes)", self.media_type, self.bytes.len())
    }
}

/// What a custodian keeps of a file beside its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// As in the header.
    pub media_type: String,
    /// As in the header.
    pub digest: [u8; 32],
    /// 16 random bytes.
    pub salt: [u8; 16],
    /// Exact, in bytes.
    pub length: u64,
    /// Under which the bytes are kept; means nothing outside of that node.
    pub blob: [u8; 32],
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredFile({}, redacted)", self.media_type)
    }
}

impl StoredFile {
    /// Its place in the header.
    pub fn named(&self) -> FileDigest {
        FileDigest { media_type: self.media_type.clone(), digest: self.digest, rounded_length: rounded(self.length) }
    }
}

/// A length rounded up to [`ROUNDING`].
pub const fn rounded(length: u64) -> u64 {
    length.div_ceil(ROUNDING).saturating_mul(ROUNDING)
}

/// Two names of RFC 6838 §4.2, in lower case and at most 64 characters each: `application/ofd`. No parameters.
pub fn is_media_type(text: &str) -> bool {
    let name = |name: &str| {
        name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$&-^_.+".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| name(kind) && name(subtype))
}

/// How access records name a file: `files[0]` is the first one of the header. No field has such a name.
pub fn record_name(index: u32) -> String {
    format!("files[{index}]")
}

/// Which file a record names, if it names one file and nothing else.
pub fn recorded(names: &[String]) -> Option<u32> {
    let [name] = names else { return None };
    let index: u32 = name.strip_prefix("files[")?.strip_suffix(']')?.parse().ok()?;
    (record_name(index) == *name).then_some(index)
}

/// A file as [`crate::disclosure::released_digest`] covers it in a record: the name of the record, the header's digest in
/// hexadecimal, the salt.
pub fn released(index: u32, digest: &[u8; 32], salt: &[u8; 16]) -> Disclosure {
    let value = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Disclosure { name: record_name(index), value, salt: *salt }
}

/// Why a file does not belong to a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// No such file in the header.
    #[error("the certificate has {found} files, and none with number {index}")]
    Unknown {
        /// Asked for, from 0.
        index: u32,
        /// Files in the header.
        found: usize,
    },
    /// Media type, digest or length are not those that were signed.
    #[error("the file is described by another {0} than the signed one")]
    OtherDescription(&'static str),
    /// Other bytes.
    #[error("the file is not the one that was signed")]
    Mismatch,
}

impl Header {
    /// The file with a number, from 0.
    ///
    /// # Errors
    /// [`FileError::Unknown`].
    pub fn file(&self, index: u32) -> Result<&FileDigest, FileError> {
        let file = usize::try_from(index).ok().and_then(|index| self.files.get(index));
        file.ok_or(FileError::Unknown { index, found: self.files.len() })
    }
}

impl FileDigest {
    /// Is this description the signed one's? Bytes that come under it are then of at most the signed length.
    ///
    /// # Errors
    /// [`FileError::OtherDescription`].
    pub fn check_description(&self, media_type: &str, length: u64, digest: &[u8; 32]) -> Result<(), FileError> {
        if self.media_type != media_type {
            return Err(FileError::OtherDescription("media type"));
        }
        if self.digest != *digest {
            return Err(FileError::OtherDescription("digest"));
        }
        if length == 0 || rounded(length) != self.rounded_length {
            return Err(FileError::OtherDescription("length"));
        }
        Ok(())
    }

    /// Are these the bytes that were signed?
    ///
    /// # Errors
    /// [`FileError::Mismatch`].
    pub fn check_bytes(&self, salt: &[u8; 16], bytes: &[u8]) -> Result<(), FileError> {
        if file_digest(salt, bytes) == self.digest { Ok(()) } else { Err(FileError::Mismatch) }
    }
}
