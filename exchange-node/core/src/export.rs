//! An exported certificate, verified without a node and without a network: against pinned roots and a trust bundle alone.
//!
//! That an issue or a change of status stands in the log is proved by the log. That no later change was left out is
//! not: a log proves what is in it, not what is not. So the issuing city's node puts the digest of the export's content
//! into its access log before it hands the file out, and the proof of that record (the receipt) is in the file. Whoever
//! leaves a change out, or joins the parts of two exports, would need that log's key.

mod checks;
#[cfg(test)]
mod tests;

pub use checks::{Genuine, InEffect, verify};

use crate::{
    certificate::Header, checkpoint::LogProof, disclosure::Disclosure, dsse::Envelope, merkle::Hash,
    status::StatusChange,
};
use ring::digest::{SHA256, digest};

/// Most changes of status of one certificate in an export.
pub const MAX_LINKS: usize = 256;
/// Most CRLs: of the root, the city's CA, and one of each while it is being replaced.
pub const MAX_CRLS: usize = 4;

/// Which values an export is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All that the caller may see.
    All,
    /// None.
    Nothing,
    /// These, by short name.
    Fields(Vec<String>),
}

/// What the issuing city's node records before it hands an export out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRecord {
    /// Set by the ledger, UTC milliseconds.
    pub at_ms: u64,
    /// Random: two records never collide.
    pub nonce: [u8; 16],
    /// SPIFFE id of who asked.
    pub caller: String,
    /// What was exported.
    pub certificate_id: String,
    /// Names of the fields whose values are in the file, in the header's order.
    pub fields: Vec<String>,
    /// SHA-256 of the content's bytes.
    pub content_sha256: [u8; 32],
}

/// An entry that changed the certificate's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A change of status.
    Status(Box<StatusChange>),
    /// The issue of the revision that replaced it.
    Replaced(Box<Header>),
}

/// A change of status with the proof that its entry stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportLink {
    /// Of the entry that `change` was decoded from.
    pub proof: LogProof,
    /// Decoded.
    pub change: Change,
}

/// An export as decoded from its file; nothing is verified.
#[derive(Debug, Clone)]
pub struct Export {
    /// SHA-256 of the content's bytes, from which all but the receipt was decoded.
    pub content_sha256: [u8; 32],
    /// The newest trust bundle that the exporting node knew: its series and number.
    pub bundle: (String, u64),
    /// The `CertificateIssued` entry under the first checkpoint that covers it.
    pub issue: LogProof,
    /// Decoded from that entry.
    pub envelope: Envelope,
    /// Decoded from the envelope.
    pub header: Header,
    /// The signed note of the newest checkpoint: the status is as of its `at`.
    pub as_of: Vec<u8>,
    /// From the issue's checkpoint to `as_of`; empty where they are of two epochs.
    pub consistency: Vec<Hash>,
    /// Every change of status, oldest first.
    pub links: Vec<ExportLink>,
    /// DER of the signer's credential.
    pub credential: Vec<u8>,
    /// DER of the CAs between it and the root.
    pub intermediates: Vec<Vec<u8>>,
    /// DER of the newest CRL of each CA of the path.
    pub crls: Vec<Vec<u8>>,
    /// Values that the exporter chose, in the header's order.
    pub disclosures: Vec<Disclosure>,
    /// Of the record in the exporting node's access log.
    pub receipt: LogProof,
    /// Decoded from the receipt's entry.
    pub record: ExportRecord,
}

/// One check by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable name.
    pub name: &'static str,
    /// `None`: not checked, because an earlier one failed or there is nothing to check.
    pub ok: Option<bool>,
    /// What was found.
    pub found: String,
    /// What was needed.
    pub needed: &'static str,
}

/// The checks of an export in their order, with what each needs. The first that fails ends the verification.
pub const CHECKS: [(&str, &str); 11] = [
    ("format", "an export of version 1, whole and undamaged"),
    ("structure", "the parts of an export, each within its limits and in its one encoding"),
    ("bundle", "a trust bundle signed under a pinned root"),
    ("receipt", "the issuing city's record of this very content, in its access log"),
    ("log_inclusion", "the certificate's entry under a checkpoint of the issuing city"),
    ("checkpoint", "a newer checkpoint of the same history, by the key that rules its position"),
    ("credential_chain", "a document credential of the issuing department, good when it signed"),
    ("crl", "a CRL of each CA of the path, signed by it"),
    ("envelope_signature", "a signature by the credential that the envelope names"),
    ("status", "an unbroken chain of changes, each in the log"),
    ("disclosures", "values whose salted digests the department signed"),
];

/// How many of [`CHECKS`] come before an export can be verified: format, structure, bundle.
const BEFOREHAND: usize = 3;

/// What a verification came to.
#[derive(Debug)]
pub struct Report {
    /// All of [`CHECKS`].
    pub checks: Vec<Check>,
    /// Set where none failed.
    pub genuine: Option<Box<Genuine>>,
    /// It is of a version that this release does not know: neither genuine nor false.
    pub unknown_version: bool,
}

impl Report {
    /// A file that failed before there was anything to verify: at `format`, `structure` or `bundle`. The checks before
    /// that one passed.
    #[must_use]
    pub fn failed(name: &str, found: impl Into<String>, unknown_version: bool) -> Self {
        let mut report = Self::begun(unknown_version);
        for check in &mut report.checks[..BEFOREHAND] {
            check.ok = Some(check.name != name);
            if check.name == name {
                check.found = found.into();
                break;
            }
        }
        report
    }

    fn begun(unknown_version: bool) -> Self {
        let checks = CHECKS.map(|(name, needed)| Check { name, ok: None, found: String::new(), needed }).to_vec();
        Self { checks, genuine: None, unknown_version }
    }

    /// The check that failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.ok == Some(false))
    }

    fn set(&mut self, name: &str, ok: bool, found: impl Into<String>) {
        if let Some(check) = self.checks.iter_mut().find(|check| check.name == name) {
            check.ok = Some(ok);
            check.found = found.into();
        }
    }
}

/// The digest in a file's head and in the record of its content.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
