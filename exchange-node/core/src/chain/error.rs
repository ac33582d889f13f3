//! Why a credential, a CRL or a path is refused.

use crate::{reason::Reason, region::Region, spiffe, uscc::Uscc};

/// A refusal. [`Error::reason`] is for callers, [`Error::fault`] for logs; the text says what was found and what was needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not DER of the expected kind, or with something in it that this product does not allow.
    #[error("{what} is malformed: {detail}")]
    Malformed {
        /// `credential`, `CA certificate` or `CRL`.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Larger than is read at all.
    #[error("{what} has {found} bytes; at most {limit} are read")]
    TooLarge {
        /// `credential`, `CA certificate` or `CRL`.
        what: &'static str,
        /// Bytes.
        found: usize,
        /// Bytes.
        limit: usize,
    },
    /// X509-SVID section 2: exactly one URI.
    #[error("the credential names {found} URIs; exactly one SPIFFE id is needed")]
    UriCount {
        /// How many.
        found: usize,
    },
    /// The one URI is not an identity of the exchange.
    #[error("the credential's URI is not an identity: {0}")]
    Identity(#[from] spiffe::Error),
    /// An identity of another trust domain.
    #[error("the credential is of trust domain {found}; this province is {needed}")]
    ForeignDomain {
        /// In the credential.
        found: String,
        /// In the trust bundle.
        needed: String,
    },
    /// A document key used for TLS, an operator's credential used by a node, and so on.
    #[error("the credential is of a {found}; a {needed} is needed here")]
    WrongKind {
        /// The kind in its URI.
        found: &'static str,
        /// The kind that the purpose needs.
        needed: &'static str,
    },
    /// The extended key usage does not name the purpose; a missing extension names none (RFC 5280 section 4.2.1.12).
    #[error("the credential's extended key usage is {found}; {needed} is needed")]
    PurposeMissing {
        /// What it names, or `absent`.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// The key usage lacks a bit, or is absent (RFC 5280 section 4.2.1.3).
    #[error("the {what}'s key usage is {found}; {needed} is needed")]
    KeyUsageMissing {
        /// `credential` or `CA certificate`.
        what: &'static str,
        /// What it names, or `absent`.
        found: String,
        /// The bit that is needed.
        needed: &'static str,
    },
    /// Past its end.
    #[error("{what} ended at {not_after}, and it is {at}{}", hint(*.at, *.not_after))]
    Expired {
        /// Which certificate of the path.
        what: String,
        /// Its end.
        not_after: Instant,
        /// The time of the judgement.
        at: Instant,
    },
    /// Before its begin.
    #[error("{what} begins at {not_before}, and it is {at}{}", hint(*.at, *.not_before))]
    NotYetValid {
        /// Which certificate of the path.
        what: String,
        /// Its begin.
        not_before: Instant,
        /// The time of the judgement.
        at: Instant,
    },
    /// No chain of the presented CAs leads to a pinned root.
    #[error("the issuer \"{issuer}\" is unknown: no chain leads from it to a pinned root")]
    UnknownIssuer {
        /// The issuer's name as the credential says.
        issuer: String,
    },
    /// The name of a known issuer, but not its key.
    #[error("\"{issuer}\" did not sign this: the signature is not by the key of the CA of that name")]
    NotSignedByIssuer {
        /// The issuer's name as the credential says.
        issuer: String,
    },
    /// CA:TRUE is missing in an issuer, or set in a leaf.
    #[error("{what}: {detail}")]
    CaFlag {
        /// Which certificate.
        what: &'static str,
        /// What is wrong.
        detail: &'static str,
    },
    /// More CAs below one than it allows.
    #[error("the chain is longer than a CA in it allows (path length)")]
    PathTooLong,
    /// A DNS name outside of what the CA may name.
    #[error("the credential names a host outside of what its CA may name")]
    NameConstraint,
    /// Anything else that the path validation refuses.
    #[error("the path is not acceptable: {detail}")]
    Path {
        /// From the path validation.
        detail: String,
    },
    /// The CA key that signed may not speak for that region.
    #[error("the CA with key sha256:{ca} is not bound to region {region} in the trust bundle ({bound})")]
    NotBound {
        /// First 8 bytes of the SHA-256 of the CA's public key, in hex.
        ca: String,
        /// The region that the credential claims.
        region: Region,
        /// What it is bound to.
        bound: String,
    },
    /// A city's CA names another city's department.
    #[error(
        "department {uscc} is not one of region {region}: its code is of division {}, and the trust bundle lists no \
         exception",
        uscc.division()
    )]
    DepartmentNotOfRegion {
        /// In the credential.
        uscc: Uscc,
        /// In the credential, and what its CA is bound to.
        region: Region,
    },
    /// A trust credential that a city's CA signed.
    #[error("a trust credential must be signed by a pinned root itself; a CA stands between")]
    TrustNotByRoot,
    /// The trust bundle names it among the credentials to cut.
    #[error("the credential with serial {serial} is cut off by the trust bundle")]
    Cut {
        /// In hex.
        serial: String,
    },
    /// No CRL is never "no check".
    #[error("no CRL of \"{issuer}\" is at hand; one is needed to judge serial {serial}")]
    CrlMissing {
        /// The CA's name.
        issuer: String,
        /// In hex.
        serial: String,
    },
    /// The newest CRL is past its next update and the grace period.
    #[error("the CRL of \"{issuer}\" was due at {next_update}, and it is {at}: a newer one is needed")]
    CrlExpired {
        /// The CA's name.
        issuer: String,
        /// When the next one was due.
        next_update: Instant,
        /// The time of the judgement.
        at: Instant,
    },
    /// A CRL with a lower number than one that is at hand.
    #[error("CRL number {found} of \"{issuer}\" is older than number {have}, which is at hand")]
    CrlRolledBack {
        /// The CA's name.
        issuer: String,
        /// The one offered.
        found: u64,
        /// The one at hand.
        have: u64,
    },
    /// Two different CRLs with one number.
    #[error("another CRL of \"{issuer}\" with number {number} is at hand: its CA used the number twice")]
    CrlNumberReused {
        /// The CA's name.
        issuer: String,
        /// The number of both.
        number: u64,
    },
    /// Names a CA whose key did not sign it.
    #[error("the CRL says it is of \"{issuer}\", and that CA's key did not sign it")]
    CrlNotSignedByIssuer {
        /// The CA's name.
        issuer: String,
    },
    /// Withdrawn by its CA.
    #[error("\"{issuer}\" withdrew the credential with serial {serial} at {since} ({reason})")]
    Revoked {
        /// The CA's name.
        issuer: String,
        /// In hex.
        serial: String,
        /// When.
        since: Instant,
        /// Why.
        reason: super::WithdrawalReason,
    },
    /// Pinning no root believes nobody; it is a fault of the configuration.
    #[error("no root is pinned; at least one is needed")]
    NoRoots,
}

impl Error {
    /// The stable reason for callers.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Expired { .. } | Self::NotYetValid { .. } => Reason::CredentialExpired,
            Self::Revoked { .. } | Self::Cut { .. } => Reason::CredentialWithdrawn,
            Self::WrongKind { .. } | Self::PurposeMissing { .. } | Self::KeyUsageMissing { .. } => {
                Reason::CredentialWrongPurpose
            }
            Self::CrlExpired { .. } | Self::CrlMissing { .. } => Reason::CrlStale,
            Self::CrlRolledBack { .. } | Self::CrlNumberReused { .. } | Self::CrlNotSignedByIssuer { .. } => {
                Reason::CrlInvalid
            }
            _ => Reason::CredentialInvalid,
        }
    }

    /// Stable name of exactly this fault, for metrics and logs: finer than [`Self::reason`].
    #[must_use]
    pub const fn fault(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "MALFORMED",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::UriCount { .. } => "URI_COUNT",
            Self::Identity(_) => "IDENTITY_MALFORMED",
            Self::ForeignDomain { .. } => "FOREIGN_DOMAIN",
            Self::WrongKind { .. } => "WRONG_KIND",
            Self::PurposeMissing { .. } => "PURPOSE_MISSING",
            Self::KeyUsageMissing { .. } => "KEY_USAGE_MISSING",
            Self::Expired { .. } => "EXPIRED",
            Self::NotYetValid { .. } => "NOT_YET_VALID",
            Self::UnknownIssuer { .. } => "UNKNOWN_ISSUER",
            Self::NotSignedByIssuer { .. } => "NOT_SIGNED_BY_ISSUER",
            Self::CaFlag { .. } => "CA_FLAG",
            Self::PathTooLong => "PATH_TOO_LONG",
            Self::NameConstraint => "NAME_CONSTRAINT",
            Self::Path { .. } => "PATH",
            Self::NotBound { .. } => "CA_NOT_BOUND",
            Self::DepartmentNotOfRegion { .. } => "DEPARTMENT_NOT_OF_REGION",
            Self::TrustNotByRoot => "TRUST_NOT_BY_ROOT",
            Self::Cut { .. } => "CUT",
            Self::CrlMissing { .. } => "CRL_MISSING",
            Self::CrlExpired { .. } => "CRL_EXPIRED",
            Self::CrlRolledBack { .. } => "CRL_ROLLED_BACK",
            Self::CrlNumberReused { .. } => "CRL_NUMBER_REUSED",
            Self::CrlNotSignedByIssuer { .. } => "CRL_NOT_SIGNED_BY_ISSUER",
            Self::Revoked { .. } => "REVOKED",
            Self::NoRoots => "NO_ROOTS",
        }
    }

    pub(super) fn malformed(what: &'static str, detail: impl ToString) -> Self {
        Self::Malformed { what, detail: detail.to_string() }
    }
}

/// A moment in milliseconds since 1970, shown in UTC to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0 / 1000;
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Days since 1970-01-01 to a date of the proleptic Gregorian calendar (Howard Hinnant, `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Within a day of the limit a wrong clock is likelier than a wrong credential.
fn hint(at: Instant, limit: Instant) -> &'static str {
    const LIKELY_SKEW_MS: u64 = 24 * 3600 * 1000;
    if at.0.abs_diff(limit.0) <= LIKELY_SKEW_MS {
        " (less than a day apart: check the clock of this machine and of the one that issued it)"
    } else {
        ""
    }
}
