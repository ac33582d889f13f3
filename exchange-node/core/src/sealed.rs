//! Encryption at rest and of holder tags: AES-256-GCM under subkeys (HKDF-SHA256, RFC 5869), and
//! keyed hashes (HMAC-SHA256, RFC 2104).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use crate::holder::LABEL;

#[cfg(test)]
mod tests;

/// The version byte in front of everything sealed here.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const STORE_KEY_MARK: &str = "exchange-store-key-v1";
const INDEX_KEY_MARK: &str = "exchange-index-key-v1";

/// Why a key file or sealed bytes are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not one line `<mark> … <base64 of 32 bytes>`.
    #[error("malformed key file; one line `{needed}` is needed")]
    KeyFile {
        /// The line's form.
        needed: &'static str,
    },
    /// Shorter than version, nonce and tag.
    #[error("the sealed value has {found} bytes, at least {needed} are needed")]
    Truncated {
        /// Bytes found.
        found: usize,
        /// The fewest bytes there can be.
        needed: usize,
    },
    /// Sealed by a newer release.
    #[error("the sealed value has version {found}, 1 is needed")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// Sealed under another key.
    #[error("the value is sealed under key {found}, key {needed} was given")]
    OtherKey {
        /// The key id in front of the value, in hexadecimal.
        found: String,
        /// The id of the key given, in hexadecimal.
        needed: String,
    },
    /// The key is not the one it was sealed under, or the value or its place was altered.
    #[error("the sealed value does not open: another key, or it was altered or moved")]
    NotAuthentic,
    /// ring refuses values longer than 2^36 bytes.
    #[error("the value is too long to be sealed")]
    TooLong,
}

/// HMAC-SHA256 over the concatenated parts.
#[must_use]
pub fn tag(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    tag_with(&hmac_key(key), parts)
}

fn hmac_key(key: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

fn tag_with(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

/// The key that protects a node's store. Its file is the line
/// `exchange-store-key-v1 <base64 of 32 bytes>`.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreKey([u8; 32]);

/// Names a store key in front of what it sealed.
pub type StoreKeyId = [u8; 4];

impl StoreKey {
    /// A key from 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first four bytes of HMAC-SHA256(key, "store-key-id/v1").
    #[must_use]
    pub fn id(&self) -> StoreKeyId {
        first(&tag(&self.0, &[b"store-key-id/v1"]))
    }

    /// The subkey of a use, by HKDF-SHA256 with an empty salt and the label as info.
    #[must_use]
    pub fn subkey(&self, label: &str) -> Subkey {
        Subkey::derive(&self.0, label)
    }

    /// The text of the key file. Whoever holds it reads the store.
    #[must_use]
    pub fn to_file(&self) -> String {
        format!("{STORE_KEY_MARK} {}\n", STANDARD.encode(self.0))
    }
}

impl FromStr for StoreKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let error = Error::KeyFile { needed: "exchange-store-key-v1 <base64 of 32 bytes>" };
        match text.trim_ascii().split(' ').collect::<Vec<_>>().as_slice() {
            [STORE_KEY_MARK, key] => key_bytes(key).map(Self).ok_or(error),
            _ => Err(error),
        }
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({}, redacted)", hex(&self.id()))
    }
}

/// The key of the holder index, shared by the nodes of the province. Its file is the line
/// `exchange-index-key-v1 <version> <base64 of 32 bytes>`.
///
/// Its id, its subkey for tags and the state of HMAC behind it are made once: every issue and every search needs them.
#[derive(Clone)]
pub struct IndexKey {
    version: u32,
    key: [u8; 32],
    hmac: hmac::Key,
    id: IndexKeyId,
    tags: Subkey,
}

impl PartialEq for IndexKey {
    fn eq(&self, other: &Self) -> bool {
        (self.version, self.key) == (other.version, other.key)
    }
}

impl Eq for IndexKey {}

/// Names an index key in rows and in the trust bundle.
pub type IndexKeyId = [u8; 8];

impl IndexKey {
    /// A key from 32 random bytes; `version` counts the province's keys from 1.
    #[must_use]
    pub fn new(version: u32, key: [u8; 32]) -> Self {
        let hmac = hmac_key(&key);
        let id = first(&tag_with(&hmac, &[b"index-key-id/v1"]));
        let tags = Subkey::derive(&key, LABEL);
        Self { version, key, hmac, id, tags }
    }

    /// The number of the key in the province.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The first eight bytes of HMAC-SHA256(key, "index-key-id/v1").
    #[must_use]
    pub fn id(&self) -> IndexKeyId {
        self.id
    }

    /// HMAC-SHA256 over the concatenated parts.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        tag_with(&self.hmac, parts)
    }

    /// The subkey of a use, by HKDF-SHA256 with an empty salt and the label as info.
    #[must_use]
    pub fn subkey(&self, label: &str) -> Subkey {
        Subkey::derive(&self.key, label)
    }

    /// The subkey that seals holder tags.
    pub(crate) fn tags(&self) -> &Subkey {
        &self.tags
    }

    /// The text of the key file. Whoever holds it can look persons up.
    #[must_use]
    pub fn to_file(&self) -> String {
        format!("{INDEX_KEY_MARK} {} {}\n", self.version, STANDARD.encode(self.key))
    }
}

impl FromStr for IndexKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let error = Error::KeyFile { needed: "exchange-index-key-v1 <version> <base64 of 32 bytes>" };
        match text.trim_ascii().split(' ').collect::<Vec<_>>().as_slice() {
            [INDEX_KEY_MARK, version, key] => version
                .parse()
                .ok()
                .filter(|&version| version > 0)
                .zip(key_bytes(key))
                .map(|(version, key)| Self::new(version, key))
                .ok_or(error),
            _ => Err(error),
        }
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexKey(version {}, {}, redacted)", self.version, hex(&self.id()))
    }
}

/// A key derived for one use, ready for it: the state of HMAC and the round keys of AES are made once.
#[derive(Clone)]
pub struct Subkey {
    hmac: hmac::Key,
    /// Always there: the key has the length that the cipher needs.
    cipher: Option<LessSafeKey>,
}

impl Subkey {
    fn derive(key: &[u8; 32], label: &str) -> Self {
        let key = expand(key, label);
        Self { hmac: hmac_key(&key), cipher: UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new) }
    }

    /// HMAC-SHA256 over the concatenated parts.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        tag_with(&self.hmac, parts)
    }

    fn cipher(&self) -> Result<&LessSafeKey, Error> {
        self.cipher.as_ref().ok_or(Error::TooLong)
    }
}

impl fmt::Debug for Subkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subkey(redacted)")
    }
}

/// Seals a value of the store: `1 ‖ key id 4 ‖ nonce 12 ‖ ciphertext ‖ tag 16`. The nonce must be
/// fresh random bytes for each call; `aad` names the place of the value.
///
/// # Errors
/// [`Error::TooLong`].
pub fn seal(key: &Subkey, key_id: StoreKeyId, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    seal_behind(&[&[VERSION], key_id.as_slice()].concat(), key, nonce, aad, plaintext)
}

/// Opens a value that [`seal`] made.
///
/// # Errors
/// [`Error::Truncated`], [`Error::Version`], [`Error::OtherKey`], [`Error::NotAuthentic`].
pub fn open(key: &Subkey, key_id: StoreKeyId, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let found = sealed_key_id(sealed)?;
    if found != key_id {
        return Err(Error::OtherKey { found: hex(&found), needed: hex(&key_id) });
    }
    open_behind(1 + key_id.len(), key, aad, sealed)
}

/// The id of the store key that a value is sealed under.
///
/// # Errors
/// [`Error::Truncated`], [`Error::Version`].
pub fn sealed_key_id(sealed: &[u8]) -> Result<StoreKeyId, Error> {
    check_version(sealed, 1 + 4 + NONCE_BYTES + TAG_BYTES)?;
    Ok(first(&sealed[1..]))
}

/// Seals without a key id: `1 ‖ nonce 12 ‖ ciphertext ‖ tag 16`; a reader tries the keys it has.
///
/// # Errors
/// [`Error::TooLong`].
pub fn seal_anonymous(key: &Subkey, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    seal_behind(&[VERSION], key, nonce, aad, plaintext)
}

/// Opens a value that [`seal_anonymous`] made.
///
/// # Errors
/// [`Error::Truncated`], [`Error::Version`], [`Error::NotAuthentic`].
pub fn open_anonymous(key: &Subkey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    open_behind(1, key, aad, sealed)
}

fn seal_behind(header: &[u8], key: &Subkey, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    let mut sealed = Vec::with_capacity(header.len() + NONCE_BYTES + plaintext.len() + TAG_BYTES);
    sealed.extend_from_slice(header);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let body = &mut sealed[header.len() + NONCE_BYTES..];
    let tag = key
        .cipher()?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
        .map_err(|_| Error::TooLong)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn open_behind(header: usize, key: &Subkey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    check_version(sealed, header + NONCE_BYTES + TAG_BYTES)?;
    let (nonce, body) = sealed[header..].split_at(NONCE_BYTES);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::NotAuthentic)?;
    let mut body = body.to_vec();
    let length = key.cipher()?.open_in_place(nonce, Aad::from(aad), &mut body).map_err(|_| Error::NotAuthentic)?.len();
    body.truncate(length);
    Ok(body)
}

/// HKDF-SHA256 with an empty salt and the label as info.
fn expand(key: &[u8; 32], label: &str) -> [u8; 32] {
    // One block, so that nothing can fail: extract (§2.2; no salt is a salt of zeros), then expand (§2.3).
    let prk = tag(&[0; 32], &[key]);
    tag(&prk, &[label.as_bytes(), &[0x01]])
}

fn check_version(sealed: &[u8], needed: usize) -> Result<(), Error> {
    match sealed.first() {
        Some(&found) if found != VERSION => Err(Error::Version { found }),
        Some(_) if sealed.len() >= needed => Ok(()),
        _ => Err(Error::Truncated { found: sealed.len(), needed }),
    }
}

fn key_bytes(base64: &str) -> Option<[u8; 32]> {
    STANDARD.decode(base64).ok()?.try_into().ok()
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
