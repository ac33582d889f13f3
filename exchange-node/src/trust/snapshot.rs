//! What is believed at one moment: readers hold it while they judge, whatever changes meanwhile.

use bytes::Bytes;
use exchange_core::{
    bundle::{TrustBundle, VerifiedBundle},
    chain::{Basis, CrlSet, Roots},
    checkpoint::LogKind,
    note::VerifierKey,
    region::Region,
};
use std::sync::Arc;

/// What is believed at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) roots: Arc<Roots>,
    pub(super) bundle: Arc<VerifiedBundle>,
    pub(super) signed_bundle: Bytes,
    pub(super) crls: CrlSet,
    pub(super) crl_grace_ms: u64,
    pub(super) generation: u64,
}

impl Snapshot {
    /// What the province says.
    pub fn bundle(&self) -> &TrustBundle {
        self.bundle.bundle()
    }

    /// The bundle with its proof, for its expiry.
    pub fn verified_bundle(&self) -> &VerifiedBundle {
        &self.bundle
    }

    /// The bytes of the `SignedTrustBundle`, for those who ask for it.
    pub const fn signed_bundle(&self) -> &Bytes {
        &self.signed_bundle
    }

    /// The newest CRL of every CA.
    pub const fn crls(&self) -> &CrlSet {
        &self.crls
    }

    /// Rises with every change.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How long past its next update a CRL still counts, milliseconds.
    pub const fn crl_grace_ms(&self) -> u64 {
        self.crl_grace_ms
    }

    /// What a credential path is judged by.
    pub fn basis(&self, at_ms: u64, admit_stale_crl: bool) -> Basis<'_> {
        Basis {
            roots: &self.roots,
            bundle: self.bundle.bundle(),
            crls: &self.crls,
            at_ms,
            crl_grace_ms: self.crl_grace_ms,
            admit_stale_crl,
        }
    }

    /// The keys that may sign a checkpoint of this log at this size; none: the checkpoint is deferred.
    pub fn log_keys(&self, region: Region, kind: LogKind, epoch: u32, size: u64) -> Vec<VerifierKey> {
        self.bundle().log_keys(region, kind, epoch, size)
    }
}
