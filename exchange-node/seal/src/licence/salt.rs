//! A document that says with which salt its own digest stands in the certificate's header.
//!
//! The header names a file by SHA-256(salt ‖ bytes). The salt is drawn before the document is laid out, stands in it, and
//! the digest is made when it is sealed: no circle. Whoever holds the file then proves by himself, against the signed header,
//! that it is the certificate's very file; whoever does not hold it has 128 bits to guess.

use super::layout::Layout;
use crate::ofd::Document;

/// Its name in `CustomDatas`: this project's own, none of GB/T 36903. No field of a type has such a name, since those have
/// capitals only.
pub const FILE_SALT: &str = "exchange-file-salt";

impl Layout {
    /// Writes the salt into the document's metadata, as 32 hexadecimal digits in lower case; a second call replaces it.
    pub fn set_file_salt(&mut self, salt: &[u8; 16]) {
        self.metadata.retain(|(name, _)| name != FILE_SALT);
        self.metadata.push((FILE_SALT.to_owned(), crate::report::hex(salt)));
    }
}

/// The salt that a package names; `None` where it names none, several, or what is none.
#[must_use]
pub fn file_salt(documents: &[Document]) -> Option<[u8; 16]> {
    let mut written = documents.iter().flat_map(|document| document.custom(FILE_SALT));
    let (text, None) = (written.next()?, written.next()) else { return None };
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return None;
    }
    let mut salt = [0; 16];
    for (byte, at) in salt.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(salt)
}
