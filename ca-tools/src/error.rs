//! What can go wrong, by who can mend it, and the exit code that says so.

use std::path::{Path, PathBuf};

use exchange_core::{bundle, chain, note, reason::Reason, region, sealed, signature, spiffe, uscc};

use crate::exit::Exit;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Arguments that do not fit together, or a configuration that cannot be read.
    #[error("{0}")]
    Usage(String),
    /// No such file, or no such serial in the journal.
    #[error("{0}")]
    NotFound(String),
    /// A file that is never overwritten is there already.
    #[error("{} exists already; it is never overwritten: choose another name or move it away", .0.display())]
    Exists(PathBuf),
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// From the system.
        source: std::io::Error,
    },
    /// Others may read a private key.
    #[error("{} has mode {found:03o}; a private key needs 600: chmod 600 it, and think of whether somebody read it", path.display())]
    LooseMode {
        /// The file.
        path: PathBuf,
        /// Permission bits found.
        found: u32,
    },
    /// Larger than is read at all.
    #[error("{what} has more than {limit} bytes")]
    TooLarge {
        /// What was read.
        what: String,
        /// Bytes.
        limit: usize,
    },
    /// Not what it should be.
    #[error("{what}: {detail}")]
    Malformed {
        /// Which input.
        what: String,
        /// Found and needed.
        detail: String,
    },
    /// The request's signature is not by the key in it: the requester does not hold the key.
    #[error("the request is not signed by the key in it: no proof that the requester holds the private key")]
    NoPossession,
    /// A key that this product does not certify.
    #[error("the key is refused: {0}; P-256, P-384 or Ed25519 is needed")]
    WeakKey(String),
    /// The CA may not issue that.
    #[error("{ca} does not issue {profile} credentials; {needed} does")]
    NotByThisCa {
        /// The CA.
        ca: String,
        /// What was asked for.
        profile: &'static str,
        /// Which CA would.
        needed: &'static str,
    },
    /// A rule of the exchange forbids it.
    #[error("{0}")]
    Refused(String),
    /// Two states that cannot both be: a number used twice, a serial withdrawn before.
    #[error("{0}")]
    Conflict(String),
    /// The journal was changed by another hand.
    #[error("{} line {line}: {detail}; the journal was changed: restore it from a copy before the CA signs again", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Found and needed.
        detail: String,
    },
    /// The passphrase does not open the key.
    #[error("{}: the passphrase does not open this key", .0.display())]
    Passphrase(PathBuf),
    /// Making or signing failed.
    #[error("making {what} failed: {detail}")]
    Making {
        /// A certificate, a CRL, a key.
        what: &'static str,
        /// From the library.
        detail: String,
    },
    /// A credential of a seal maker or signer is not what it must be.
    #[error("{0}")]
    Credential(String),
    /// A credential, CRL or path is refused.
    #[error(transparent)]
    Chain(#[from] chain::Error),
    /// A trust bundle is refused.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    /// A name is refused.
    #[error(transparent)]
    Name(#[from] spiffe::Error),
    /// A region is refused.
    #[error(transparent)]
    Region(#[from] region::Error),
    /// A department's code is refused.
    #[error(transparent)]
    Uscc(#[from] uscc::Error),
    /// A log key or its text is refused.
    #[error(transparent)]
    Note(#[from] note::Error),
    /// An index or store key is refused.
    #[error(transparent)]
    Sealed(#[from] sealed::Error),
    /// A key or a signature is refused.
    #[error(transparent)]
    Signature(#[from] signature::Error),
}

impl Error {
    /// What a script sees.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Name(_) | Self::Region(_) | Self::Uscc(_) | Self::Malformed { .. } => Exit::Usage,
            Self::NotFound(_) => Exit::NotFound,
            Self::Exists(_) | Self::Conflict(_) => Exit::Conflict,
            Self::Chain(chain::Error::CrlRolledBack { .. } | chain::Error::CrlNumberReused { .. })
            | Self::Bundle(bundle::Error::Old { .. }) => Exit::Conflict,
            Self::Chain(_)
            | Self::Bundle(_)
            | Self::NoPossession
            | Self::Credential(_)
            | Self::Passphrase(_)
            | Self::Signature(_)
            | Self::LooseMode { .. } => Exit::Identity,
            Self::TooLarge { .. } | Self::WeakKey(_) | Self::NotByThisCa { .. } | Self::Refused(_) => Exit::Refused,
            Self::Io { .. } | Self::Journal { .. } | Self::Making { .. } | Self::Note(_) | Self::Sealed(_) => {
                Exit::Failed
            }
        }
    }

    /// The stable reason, where the catalogue of reasons has one.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Chain(error) => Some(error.reason()),
            Self::Bundle(error) => Some(error.reason()),
            Self::LooseMode { .. } => Some(Reason::KeyPermissions),
            _ => None,
        }
    }

    /// Stable name of exactly this fault, where it is one of a credential, a CRL or a bundle.
    #[must_use]
    pub const fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Chain(error) => Some(error.fault()),
            Self::Bundle(error) => Some(error.fault()),
            _ => None,
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound(format!("{}: no such file", path.display())),
            std::io::ErrorKind::AlreadyExists => Self::Exists(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source },
        }
    }

    pub(crate) fn malformed(what: impl ToString, detail: impl ToString) -> Self {
        Self::Malformed { what: what.to_string(), detail: detail.to_string() }
    }

    pub(crate) fn making(what: &'static str, detail: impl ToString) -> Self {
        Self::Making { what, detail: detail.to_string() }
    }
}
