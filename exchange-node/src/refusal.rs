//! Why something is refused: a stable reason, what was found and what was needed.

use exchange_core::reason::Reason;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The caller.
    Caller,
    /// This node or its operator.
    Node,
    /// Another city's node.
    Peer,
}

impl Who {
    /// The word in error details.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Node => "node",
            Self::Peer => "peer",
        }
    }
}

/// A refusal. Its text never holds a value of a certificate, an identity number or a name of a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: found {found}, needed {needed}", reason.code())]
pub struct Refusal {
    /// Stable.
    pub reason: Reason,
    /// What was found.
    pub found: String,
    /// What was needed.
    pub needed: String,
    /// Who has to act.
    pub who: Who,
}

impl Refusal {
    /// The caller has to act.
    pub fn caller(reason: Reason, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { reason, found: found.into(), needed: needed.into(), who: Who::Caller }
    }

    /// This node or its operator has to act.
    pub fn node(reason: Reason, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { reason, found: found.into(), needed: needed.into(), who: Who::Node }
    }

    /// Another city has to act.
    pub fn peer(reason: Reason, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { reason, found: found.into(), needed: needed.into(), who: Who::Peer }
    }
}

impl From<crate::store::Error> for Refusal {
    fn from(error: crate::store::Error) -> Self {
        tracing::error!(%error, "the store failed");
        Self::node(Reason::Internal, error.to_string(), "a store that reads and writes")
    }
}

impl From<crate::blobs::Error> for Refusal {
    fn from(error: crate::blobs::Error) -> Self {
        let full = matches!(&error, crate::blobs::Error::Io { source, .. }
            if matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded));
        match &error {
            error if error.is_damage() => Self::node(Reason::FileDamaged, error.to_string(), "the file as it was kept"),
            _ if full => Self::node(Reason::NoSpace, error.to_string(), "room for the certificate's files"),
            _ => {
                tracing::error!(%error, "the folder of kept files failed");
                Self::node(Reason::Internal, error.to_string(), "a folder of kept files that reads and writes")
            }
        }
    }
}

impl From<exchange_core::certificate_type::Error> for Refusal {
    fn from(error: exchange_core::certificate_type::Error) -> Self {
        Self::caller(error.reason(), error.found(), error.needed())
    }
}

impl From<exchange_core::purpose::Refusal> for Refusal {
    fn from(refusal: exchange_core::purpose::Refusal) -> Self {
        let reason = refusal.reason();
        Self::caller(reason, refusal.to_string(), reason.info().cure_en)
    }
}

impl From<exchange_proto::Error> for Refusal {
    fn from(error: exchange_proto::Error) -> Self {
        Self::caller(error.reason(), format!("{}: {}", error.path(), error.found()), error.needed())
    }
}
