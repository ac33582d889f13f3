//! Signed notes (C2SP signed-note) with Ed25519 keys: a text and signature lines under it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

#[cfg(test)]
mod tests;

/// The longest note that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most signature lines that are read.
pub const MAX_SIGNATURES: usize = 16;

/// The signature type of plain Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: u8 = 0x01;
const SIGNATURE_PREFIX: &str = "— ";

/// Why a note or a key text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`MAX_BYTES`].
    #[error("the note has {found} bytes, at most {MAX_BYTES} are read")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// More signature lines than [`MAX_SIGNATURES`].
    #[error("the note has {found} signature lines, at most {MAX_SIGNATURES} are read")]
    TooManySignatures {
        /// Lines found.
        found: usize,
    },
    /// The text is not UTF-8, or has control characters other than newlines.
    #[error("the note is not plain UTF-8 text")]
    NotText,
    /// There is no text, empty line, signature lines, each ended by a newline.
    #[error("the note is not a text, an empty line and signature lines")]
    Layout,
    /// A line that is not `— <key name> <base64 of key id and signature>`.
    #[error("signature line {line} is malformed")]
    SignatureLine {
        /// The line's number among the signature lines, from 1.
        line: usize,
    },
    /// A key name is not empty and has neither white space nor a plus sign.
    #[error("malformed key name; one without spaces and plus signs is needed")]
    KeyName,
    /// Not `<name>+<8 hex digits>+<base64 of type and key>`.
    #[error("malformed key; <name>+<key id in 8 hex digits>+<base64> of Ed25519 is needed")]
    KeyText,
    /// The key id does not belong to the name and the key.
    #[error("key id {found} does not belong to this key, {needed} does")]
    KeyId {
        /// The id in the text.
        found: String,
        /// The id computed.
        needed: String,
    },
    /// A known signature type is needed.
    #[error("signature type {found} is not known, 1 (Ed25519) is needed")]
    KeyType {
        /// The type found.
        found: u8,
    },
    /// Two of the keys given to verify with have the same name and id.
    #[error("two keys are {key}")]
    AmbiguousKey {
        /// The key's name and id.
        key: String,
    },
    /// A key that is known did not sign this text: the note is forged or damaged.
    #[error("the signature by {key} does not verify")]
    BadSignature {
        /// The key's name and id.
        key: String,
    },
    /// No signature is by a key that is known.
    #[error("no signature of the note is by a known key")]
    NoKnownKey,
    /// The private key is not a usable Ed25519 key.
    #[error("the log key is refused ({reason}); Ed25519 as PKCS#8 DER is needed")]
    PrivateKey {
        /// The reason, one word from ring.
        reason: String,
    },
}

/// The first four bytes that a signature line carries, to find the key.
pub type KeyId = [u8; 4];

/// A public key that verifies notes, with its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    name: String,
    key: [u8; 32],
}

impl VerifierKey {
    /// A key by name.
    ///
    /// # Errors
    /// [`Error::KeyName`].
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// Reads `<name>+<key id>+<base64>` (C2SP signed-note, "Verifier keys").
    ///
    /// # Errors
    /// [`Error::KeyText`], [`Error::KeyName`], [`Error::KeyType`], [`Error::KeyId`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::KeyText);
        };
        let bytes = STANDARD.decode(base64).map_err(|_| Error::KeyText)?;
        let key = match bytes.split_first() {
            Some((&ED25519_TYPE, key)) => key.try_into().map_err(|_| Error::KeyText)?,
            Some((&found, _)) => return Err(Error::KeyType { found }),
            None => return Err(Error::KeyText),
        };
        let verifier = Self::new(name, key)?;
        let needed = hex(verifier.id());
        if id != needed {
            return Err(Error::KeyId { found: id.to_owned(), needed });
        }
        Ok(verifier)
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the Ed25519 key.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key), the first four bytes.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let input = [self.name.as_bytes(), &[0x0A, ED25519_TYPE], &self.key].concat();
        let mut id = KeyId::default();
        id.copy_from_slice(&digest(&SHA256, &input).as_ref()[..4]);
        id
    }

    fn label(&self) -> String {
        format!("{}+{}", self.name, hex(self.id()))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[ED25519_TYPE], self.key.as_slice()].concat();
        write!(f, "{}+{}", self.label(), STANDARD.encode(bytes))
    }
}

/// The private key of a log: Ed25519, with the name that its notes carry.
pub struct LogKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl LogKey {
    /// Reads an Ed25519 key in PKCS#8 DER, with or without the public key (RFC 5958, RFC 5208).
    ///
    /// # Errors
    /// [`Error::PrivateKey`], [`Error::KeyName`].
    pub fn from_pkcs8_der(name: &str, der: &[u8]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map_err(|rejected| Error::PrivateKey { reason: rejected.to_string() })?;
        Self::from_pair(name, pair)
    }

    /// A key from its 32-byte seed (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// [`Error::PrivateKey`], [`Error::KeyName`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|rejected| Error::PrivateKey { reason: rejected.to_string() })?;
        Self::from_pair(name, pair)
    }

    fn from_pair(name: &str, pair: Ed25519KeyPair) -> Result<Self, Error> {
        let mut key = [0; 32];
        key.copy_from_slice(pair.public_key().as_ref());
        Ok(Self { verifier: VerifierKey::new(name, key)?, pair })
    }

    /// The public key, with the name.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    fn line(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let bytes = [self.verifier.id().as_slice(), signature.as_ref()].concat();
        format!("{SIGNATURE_PREFIX}{} {}\n", self.verifier.name, STANDARD.encode(bytes))
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({}, redacted)", self.verifier.label())
    }
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub key_id: KeyId,
    /// The signature's bytes, of the key's type.
    pub bytes: Vec<u8>,
}

/// A note as read, nothing verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, its last newline included: the bytes that are signed.
    pub text: String,
    /// The signature lines, in order.
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::NotText`], [`Error::Layout`], [`Error::TooManySignatures`],
    /// [`Error::SignatureLine`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLong { found: bytes.len() });
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Error::NotText)?;
        if whole.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(Error::NotText);
        }
        let end = whole.rfind("\n\n").ok_or(Error::Layout)?;
        let (text, lines) = (&whole[..=end], &whole[end + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(Error::Layout)?;
        let found = lines.split('\n').count();
        if found > MAX_SIGNATURES {
            return Err(Error::TooManySignatures { found });
        }
        let signatures = (1..)
            .zip(lines.split('\n'))
            .map(|(line, text)| signature(text).ok_or(Error::SignatureLine { line }))
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Verifies the signatures by keys that are known. Others stay unverified; one that is known
    /// and does not verify makes the note void.
    ///
    /// # Errors
    /// [`Error::AmbiguousKey`], [`Error::BadSignature`], [`Error::NoKnownKey`].
    pub fn verify<'a>(self, keys: impl IntoIterator<Item = &'a VerifierKey> + Clone) -> Result<VerifiedNote, Error> {
        let (mut verified, mut unverified) = (Vec::<VerifierKey>::new(), Vec::new());
        for signature in self.signatures {
            let mut known =
                keys.clone().into_iter().filter(|key| key.name == signature.name && key.id() == signature.key_id);
            let Some(key) = known.next() else {
                if !unverified.contains(&signature) {
                    unverified.push(signature);
                }
                continue;
            };
            if known.next().is_some() {
                return Err(Error::AmbiguousKey { key: key.label() });
            }
            UnparsedPublicKey::new(&ED25519, &key.key)
                .verify(self.text.as_bytes(), &signature.bytes)
                .map_err(|_| Error::BadSignature { key: key.label() })?;
            if !verified.contains(key) {
                verified.push(key.clone());
            }
        }
        if verified.is_empty() {
            return Err(Error::NoKnownKey);
        }
        Ok(VerifiedNote { text: self.text, verified, unverified })
    }
}

/// A note with at least one verified signature. Only [`Note::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNote {
    text: String,
    verified: Vec<VerifierKey>,
    unverified: Vec<Signature>,
}

impl VerifiedNote {
    /// The text that was signed, its last newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The keys whose signatures were verified, at least one, each once.
    #[must_use]
    pub fn verified(&self) -> &[VerifierKey] {
        &self.verified
    }

    /// The signatures by keys that are not known.
    #[must_use]
    pub fn unverified(&self) -> &[Signature] {
        &self.unverified
    }
}

/// Reads and verifies a note.
///
/// # Errors
/// As [`Note::parse`] and [`Note::verify`].
pub fn open(bytes: &[u8], keys: &[VerifierKey]) -> Result<VerifiedNote, Error> {
    Note::parse(bytes)?.verify(keys)
}

/// Signs a text with one key, or with several while a key is being replaced.
///
/// # Errors
/// [`Error::NotText`], [`Error::Layout`] if the text does not end in a newline or no key is given,
/// [`Error::TooLong`], [`Error::TooManySignatures`].
pub fn sign(text: &str, keys: &[&LogKey]) -> Result<Vec<u8>, Error> {
    if !text.ends_with('\n') {
        return Err(Error::Layout);
    }
    let lines: String = keys.iter().map(|key| key.line(text)).collect();
    let bytes = format!("{text}\n{lines}").into_bytes();
    // What is written can be read.
    Note::parse(&bytes)?;
    Ok(bytes)
}

fn signature(line: &str) -> Option<Signature> {
    let (name, base64) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    check_name(name).ok()?;
    let bytes = STANDARD.decode(base64).ok()?;
    match bytes.split_first_chunk::<4>() {
        Some((key_id, rest)) if !rest.is_empty() => {
            Some(Signature { name: name.to_owned(), key_id: *key_id, bytes: rest.to_vec() })
        }
        _ => None,
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control()) {
        return Err(Error::KeyName);
    }
    Ok(())
}

fn hex(id: KeyId) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
