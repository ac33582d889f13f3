//! Why a bundle is refused.

use crate::{chain, chain::Instant, reason::Reason};

/// A refusal. [`Error::reason`] is for callers, [`Error::fault`] for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Undecodable, over a limit, or against itself.
    #[error("the trust bundle is invalid: {field}: {detail}")]
    Invalid {
        /// Which part.
        field: String,
        /// Found and needed.
        detail: String,
    },
    /// The signer's credential does not lead to a pinned root.
    #[error("the trust bundle's signer is not believed: {0}")]
    Signer(#[from] chain::Error),
    /// The signature is not by the key of the credential beside it.
    #[error("the trust bundle's signature is not by the trust credential beside it: {detail}")]
    Signature {
        /// What does not fit.
        detail: String,
    },
    /// Of another trust domain, province or series than its signer or than this node.
    #[error("the trust bundle is of {what} {found}; {needed} is needed")]
    Foreign {
        /// `trust domain`, `province` or `series`.
        what: &'static str,
        /// In the bundle.
        found: String,
        /// In the credential or on this node.
        needed: String,
    },
    /// Not newer than what is stored.
    #[error("trust bundle {found} is not newer than {have}, which is stored")]
    Old {
        /// Series and number.
        found: String,
        /// Series and number.
        have: String,
    },
    /// Issued later than now.
    #[error("the trust bundle was issued at {issued}, and it is {at}: check this machine's clock")]
    FromTheFuture {
        /// When it was issued.
        issued: Instant,
        /// Now.
        at: Instant,
    },
    /// Writes and new peers need a current one.
    #[error("the trust bundle ended at {expires}, and it is {at}: the province must issue a new one")]
    Expired {
        /// Its end.
        expires: Instant,
        /// Now.
        at: Instant,
    },
}

impl Error {
    /// The stable reason for callers.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Foreign { .. } | Self::Signer(chain::Error::TrustNotByRoot | chain::Error::UnknownIssuer { .. }) => {
                Reason::BundleForeign
            }
            Self::Old { .. } => Reason::BundleOld,
            Self::Expired { .. } => Reason::BundleExpired,
            Self::Invalid { .. } | Self::Signer(_) | Self::Signature { .. } | Self::FromTheFuture { .. } => {
                Reason::BundleInvalid
            }
        }
    }

    /// Stable name of exactly this fault, for metrics and logs: finer than [`Self::reason`].
    #[must_use]
    pub const fn fault(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "BUNDLE_INVALID",
            Self::Signer(_) => "BUNDLE_SIGNER",
            Self::Signature { .. } => "BUNDLE_SIGNATURE",
            Self::Foreign { .. } => "BUNDLE_FOREIGN",
            Self::Old { .. } => "BUNDLE_OLD",
            Self::FromTheFuture { .. } => "BUNDLE_FROM_THE_FUTURE",
            Self::Expired { .. } => "BUNDLE_EXPIRED",
        }
    }

    /// For the conversions that read a bundle.
    pub fn invalid(field: impl Into<String>, detail: impl ToString) -> Self {
        Self::Invalid { field: field.into(), detail: detail.to_string() }
    }
}
