//! What is wrong with a message: where, what was found, what was needed, and the stable reason.

use exchange_core::{invalid::Invalid, reason::Reason};

/// Why a message is no value of the core. No text repeats what a field holds where that may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}, needed {needed}")]
pub struct Error {
    reason: Reason,
    path: String,
    found: String,
    needed: String,
}

impl Error {
    /// A field that is wrong; the path is as in the `.proto`, e.g. `fields[3].name`.
    pub fn new(reason: Reason, path: impl Into<String>, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { reason, path: path.into(), found: found.into(), needed: needed.into() }
    }

    /// A field that has to be there.
    pub fn missing(path: impl Into<String>) -> Self {
        Self::new(Reason::FieldMissing, path, "nothing", "a value")
    }

    /// The same error, seen from the message that holds the field.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.path = format!("{parent}.{}", self.path);
        self
    }

    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Which field.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was found; for personal data only its form.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What was needed.
    pub fn needed(&self) -> &str {
        &self.needed
    }
}

/// A catalogue item that contradicts itself.
impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(Reason::FieldInvalid, invalid.path, invalid.found, invalid.needed)
    }
}
