//! Checkpoints of a log (C2SP tlog-checkpoint with exactly one extension line, `at <unix ms>`), and
//! proofs that an entry is in the log.

mod proof;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use crate::note::{LogKey, VerifierKey};
pub use proof::{LogProof, MAX_ENTRY_BYTES, VerifiedProof};

use crate::merkle::{self, Hash, empty_root};
use crate::note::{self, Note};

/// Why an origin, a checkpoint or a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not `<trust domain>/<region>/{events|access}/<epoch>`.
    #[error("malformed origin; <trust domain>/<six digits>/events or access/<epoch from 1> needed")]
    Origin,
    /// The body has not exactly the lines origin, size, root and at.
    #[error("the checkpoint has {found} lines; origin, size, root and at are needed")]
    Lines {
        /// Lines found.
        found: usize,
    },
    /// A decimal number without leading zeros, at most 2^64 - 1.
    #[error("line {line} of the checkpoint is not a decimal number without leading zeros")]
    Number {
        /// The line's number, from 1.
        line: usize,
    },
    /// The root is not 32 bytes in base64.
    #[error("the root of the checkpoint is not 32 bytes in base64")]
    Root,
    /// The fourth line is not `at <unix ms>`.
    #[error("the fourth line of the checkpoint is not `at <unix ms>`")]
    At,
    /// A tree without leaves has one root only.
    #[error("the checkpoint of size 0 has not the root of the empty tree")]
    EmptyRoot,
    /// The note is malformed, or a known key did not sign it: rejected for good.
    #[error(transparent)]
    Note(note::Error),
    /// The note is signed under the log's name, by a key that is not known (yet): deferred, to be
    /// tried again when other keys are known.
    #[error("the checkpoint of {origin} is signed by a key that is not known here")]
    UnknownKey {
        /// The log.
        origin: Origin,
    },
    /// No signature line carries the log's name.
    #[error("the checkpoint of {origin} is not signed under that name")]
    NotSignedByOrigin {
        /// The log.
        origin: Origin,
    },
    /// The proof and its checkpoint speak of two logs.
    #[error("the proof is of {found}, the checkpoint of {needed}")]
    OtherOrigin {
        /// The proof's log.
        found: Origin,
        /// The checkpoint's log.
        needed: Origin,
    },
    /// An entry has at most [`MAX_ENTRY_BYTES`].
    #[error("the entry has {found} bytes, at most {MAX_ENTRY_BYTES} are allowed")]
    EntryTooLong {
        /// Bytes found.
        found: usize,
    },
    /// The path does not lead to the checkpoint's root.
    #[error("the entry's proof is refused: {0}")]
    Merkle(#[from] merkle::Error),
}

impl Error {
    /// Whether the same bytes may be accepted later, when other keys are known.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        matches!(self, Self::UnknownKey { .. })
    }
}

impl From<note::Error> for Error {
    fn from(error: note::Error) -> Self {
        Self::Note(error)
    }
}

/// The two logs of a city.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// The event log, published.
    Events,
    /// The access log, private.
    Access,
}

impl LogKind {
    /// The word in the origin.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Access => "access",
        }
    }
}

/// The name of a log: `<trust domain>/<region>/{events|access}/<epoch>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    trust_domain: String,
    region: String,
    kind: LogKind,
    epoch: u32,
}

impl Origin {
    /// The log of a region: `trust_domain` a lower-case host name, `region` six digits, `epoch`
    /// from 1.
    ///
    /// # Errors
    /// [`Error::Origin`].
    pub fn new(trust_domain: &str, region: &str, kind: LogKind, epoch: u32) -> Result<Self, Error> {
        let host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        let domain_ok = (1..=255).contains(&trust_domain.len()) && trust_domain.bytes().all(host);
        let region_ok = region.len() == 6 && region.bytes().all(|byte| byte.is_ascii_digit());
        if !domain_ok || !region_ok || epoch == 0 {
            return Err(Error::Origin);
        }
        let (trust_domain, region) = (trust_domain.to_owned(), region.to_owned());
        Ok(Self { trust_domain, region, kind, epoch })
    }

    /// The trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The region's six digits.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Events or accesses.
    #[must_use]
    pub fn kind(&self) -> LogKind {
        self.kind
    }

    /// The epoch, from 1.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.trust_domain, self.region, self.kind.as_str(), self.epoch)
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('/').collect();
        let &[trust_domain, region, kind, epoch] = parts.as_slice() else {
            return Err(Error::Origin);
        };
        let kind = match kind {
            "events" => LogKind::Events,
            "access" => LogKind::Access,
            _ => return Err(Error::Origin),
        };
        let epoch = decimal(epoch).and_then(|epoch| u32::try_from(epoch).ok());
        Self::new(trust_domain, region, kind, epoch.ok_or(Error::Origin)?)
    }
}

/// What a log says of itself: so many entries, this root, at that time. Nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree of that size.
    pub root: Hash,
    /// When the log closed this size, UTC milliseconds.
    pub at_ms: u64,
}

impl Checkpoint {
    /// Reads the text of a checkpoint note, strictly.
    ///
    /// # Errors
    /// [`Error::Lines`], [`Error::Origin`], [`Error::Number`], [`Error::Root`], [`Error::At`],
    /// [`Error::EmptyRoot`].
    pub fn parse_body(text: &str) -> Result<Self, Error> {
        let lines: Vec<&str> = text.split('\n').collect();
        let &[origin, size, root, at, ""] = lines.as_slice() else {
            return Err(Error::Lines { found: lines.len() - 1 });
        };
        let origin = origin.parse()?;
        let size = decimal(size).ok_or(Error::Number { line: 2 })?;
        let root: Hash = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Root)?;
        let at = at.strip_prefix("at ").ok_or(Error::At)?;
        let at_ms = decimal(at).ok_or(Error::Number { line: 4 })?;
        if size == 0 && root != empty_root() {
            return Err(Error::EmptyRoot);
        }
        Ok(Self { origin, size, root, at_ms })
    }

    /// Reads a checkpoint note without verifying it: to find out whose keys, valid at which size,
    /// are needed.
    ///
    /// # Errors
    /// As [`Self::parse_body`], and [`Error::Note`].
    pub fn parse_unverified(note_bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_body(&Note::parse(note_bytes)?.text)
    }

    /// The text of the note.
    #[must_use]
    pub fn body(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\nat {}\n", self.origin, self.size, self.at_ms)
    }

    /// Signs the checkpoint: with the log's key, or with the old and the new one while it is being
    /// replaced. A key's name must be the origin.
    ///
    /// # Errors
    /// [`Error::NotSignedByOrigin`], [`Error::EmptyRoot`], [`Error::Note`].
    pub fn sign_all(&self, keys: &[&LogKey]) -> Result<Vec<u8>, Error> {
        let name = self.origin.to_string();
        if keys.iter().any(|key| key.verifier().name() != name) {
            return Err(Error::NotSignedByOrigin { origin: self.origin.clone() });
        }
        let body = self.body();
        Self::parse_body(&body)?;
        Ok(note::sign(&body, keys)?)
    }

    /// Signs the checkpoint with the log's key.
    ///
    /// # Errors
    /// As [`Self::sign_all`].
    pub fn sign(&self, key: &LogKey) -> Result<Vec<u8>, Error> {
        self.sign_all(&[key])
    }
}

/// A checkpoint whose signature was verified. Only [`open`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    keys: Vec<VerifierKey>,
    note: Vec<u8>,
}

impl VerifiedCheckpoint {
    /// What was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.checkpoint.origin
    }

    /// The number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root of the tree of that size.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.checkpoint.root
    }

    /// When the log closed this size, UTC milliseconds.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        self.checkpoint.at_ms
    }

    /// The keys that signed, of those given.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// The note's bytes.
    #[must_use]
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}

/// Reads and verifies a checkpoint note. Of `keys` only those named as its origin count; which of
/// them are valid at its size is the caller's choice (see [`Checkpoint::parse_unverified`]).
///
/// # Errors
/// [`Error::UnknownKey`] (deferred); all others are final.
pub fn open(note_bytes: &[u8], keys: &[VerifierKey]) -> Result<VerifiedCheckpoint, Error> {
    let note = Note::parse(note_bytes)?;
    let checkpoint = Checkpoint::parse_body(&note.text)?;
    let name = checkpoint.origin.to_string();
    if !note.signatures.iter().any(|signature| signature.name == name) {
        return Err(Error::NotSignedByOrigin { origin: checkpoint.origin });
    }
    match note.verify(keys.iter().filter(|key| key.name() == name)) {
        Ok(verified) => {
            Ok(VerifiedCheckpoint { checkpoint, keys: verified.verified().to_vec(), note: note_bytes.to_vec() })
        }
        Err(note::Error::NoKnownKey) => Err(Error::UnknownKey { origin: checkpoint.origin }),
        Err(error) => Err(Error::Note(error)),
    }
}

/// A decimal number as it is written here: digits, no sign, no leading zero.
fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    if digits && plain { text.parse().ok() } else { None }
}
