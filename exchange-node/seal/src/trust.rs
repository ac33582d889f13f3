//! Who is believed: anchors per purpose, CRLs, and the time of the judgement. All of it comes from the caller.

use exchange_core::chain::Instant;

use crate::{certificate::Certificate, crl::Crls, limits::Limits};

/// What a certificate is about to be believed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// It made a seal (制章者).
    Maker,
    /// It put a seal on a document (签章者), or signed one without a seal.
    Signer,
    /// It set a time stamp (时间戳服务).
    TimeStamp,
}

impl Purpose {
    /// For messages.
    #[must_use]
    pub const fn who(self) -> &'static str {
        match self {
            Self::Maker => "seal maker",
            Self::Signer => "signer",
            Self::TimeStamp => "time stamp authority",
        }
    }
}

/// Pinned certificates. What is pinned is believed as it is: a CA of seals need not be marked as one.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// For seal makers.
    pub makers: Vec<Certificate>,
    /// For signers.
    pub signers: Vec<Certificate>,
    /// For time stamp authorities.
    pub time_stamps: Vec<Certificate>,
    /// CAs that may stand between; believed only where a chain leads from them to an anchor.
    pub intermediates: Vec<Certificate>,
}

impl Anchors {
    pub(crate) fn of(&self, purpose: Purpose) -> &[Certificate] {
        match purpose {
            Purpose::Maker => &self.makers,
            Purpose::Signer => &self.signers,
            Purpose::TimeStamp => &self.time_stamps,
        }
    }
}

/// What documents are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// Who is believed for what.
    pub anchors: &'a Anchors,
    /// The CRLs at hand.
    pub crls: &'a Crls,
    /// Whose raw signatures (`Type="Sign"` without a certificate in it) are recognised.
    pub signers: &'a [Certificate],
    /// Now.
    pub now: Instant,
    /// How long past its next update a CRL still counts, milliseconds.
    pub crl_grace_ms: u64,
    /// Whether a document may be valid although a CRL is missing or stale. It is then a remark.
    pub without_crl: bool,
    /// How much is read at most.
    pub limits: Limits,
}
