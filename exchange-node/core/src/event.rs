//! What a city says to the others: one entry of its event log.

use crate::{
    certificate_type::CertificateType,
    matter::{Implementation, Matter},
    region::Region,
    status::StatusChange,
};

/// Largest entry, in bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// An entry, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unix milliseconds, set by the ledger; at most the checkpoint's `at`.
    pub at_ms: u64,
    /// A reader that does not know the kind has to stop trusting what it derived.
    pub must_understand: bool,
    /// What is said.
    pub kind: EventKind,
}

/// What is said.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// By the province.
    CertificateTypePublished(Box<CertificateType>),
    /// A department's document credential, before its first use.
    CredentialPublished {
        /// DER.
        leaf: Vec<u8>,
        /// DER, without the root.
        intermediates: Vec<Vec<u8>>,
    },
    /// The bytes of an envelope.
    CertificateIssued {
        /// Encoded `Envelope`.
        envelope: Vec<u8>,
    },
    /// Sealed tags under which a certificate is found.
    HolderTags {
        /// Of which certificate.
        certificate_id: String,
        /// Which index key.
        index_key_id: [u8; 8],
        /// Format: formats.md, "Holder and number".
        sealed: Vec<u8>,
    },
    /// A link of a certificate's status chain.
    CertificateStatusChanged(Box<StatusChange>),
    /// By the province.
    MatterPublished(Box<Matter>),
    /// By a region.
    ImplementationPublished(Box<Implementation>),
    /// Both sides of a hand-over.
    CaseMoved {
        /// Same on both sides.
        transfer_id: [u8; 16],
        /// Giving side.
        from: Region,
        /// Taking side.
        to: Region,
        /// Salted digest of the transfer record.
        digest: [u8; 32],
    },
    /// A CRL, or its digest.
    CrlPublished {
        /// SHA-256 of the issuing CA's SPKI.
        issuer_spki_sha256: [u8; 32],
        /// CRL number.
        number: u64,
        /// Bytes or where they are.
        body: Carried,
    },
    /// A trust bundle, or its digest.
    TrustBundlePublished {
        /// Series.
        series: String,
        /// Number in the series.
        number: u64,
        /// Bytes or where they are.
        body: Carried,
    },
    /// Anchors the access log.
    AccessCheckpoint {
        /// Epoch of the access log.
        epoch: u32,
        /// Entries.
        size: u64,
        /// Root at that size.
        root: [u8; 32],
        /// The signed checkpoint.
        note: Vec<u8>,
    },
    /// The bytes of an entry may be replaced by their leaf hash.
    Redacted {
        /// Of this log.
        epoch: u32,
        /// Which entry.
        index: u64,
        /// By which law.
        legal_basis: String,
    },
    /// For operators.
    RegionNotice {
        /// At most 1,024 bytes.
        text: String,
    },
    /// A kind that this release does not know.
    Unknown,
}

/// Bytes in the entry, or fetched by `GetTrust`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// At most 48 KiB.
    Inline(Vec<u8>),
    /// To be fetched.
    Reference {
        /// Digest of the bytes.
        sha256: [u8; 32],
        /// Their length.
        length: u64,
    },
}

impl EventKind {
    /// The word used in logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CertificateTypePublished(_) => "certificate_type_published",
            Self::CredentialPublished { .. } => "credential_published",
            Self::CertificateIssued { .. } => "certificate_issued",
            Self::HolderTags { .. } => "holder_tags",
            Self::CertificateStatusChanged(_) => "certificate_status_changed",
            Self::MatterPublished(_) => "matter_published",
            Self::ImplementationPublished(_) => "implementation_published",
            Self::CaseMoved { .. } => "case_moved",
            Self::CrlPublished { .. } => "crl_published",
            Self::TrustBundlePublished { .. } => "trust_bundle_published",
            Self::AccessCheckpoint { .. } => "access_checkpoint",
            Self::Redacted { .. } => "redacted",
            Self::RegionNotice { .. } => "region_notice",
            Self::Unknown => "unknown",
        }
    }
}
