//! Proofs of other cities' access records: each checkpoint's signature is checked once.

use super::Audit;
use crate::{refusal::Refusal, trust::Trust};
use exchange_core::{
    checkpoint::{self, Checkpoint, LogKind, LogProof, VerifiedCheckpoint},
    reason::Reason,
    region::Region,
};
use ring::digest::{SHA256, digest};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Checkpoints kept; beyond it the cache starts anew.
const MOST_KEPT: usize = 4_096;

/// Verifies proofs of access records.
#[derive(Clone)]
pub struct Proofs {
    trust: Arc<Trust>,
    verified: Arc<Mutex<HashMap<[u8; 32], Arc<VerifiedCheckpoint>>>>,
    audit: Audit,
}

impl Proofs {
    /// With the keys of the trust bundle; every checkpoint is handed to the audit.
    pub fn new(trust: Arc<Trust>, audit: Audit) -> Self {
        Self { trust, verified: Arc::default(), audit }
    }

    /// Does a region's access log hold this entry?
    ///
    /// # Errors
    /// `QUESTION_PROOF_INVALID` with what is wrong.
    pub fn verify(&self, proof: &LogProof, region: Region) -> Result<(), Refusal> {
        let wrong = |found: String| {
            Refusal::caller(Reason::QuestionProofInvalid, found, format!("a proof in the access log of {region}"))
        };
        let origin = &proof.origin;
        if origin.region() != region.as_str() || origin.kind() != LogKind::Access {
            return Err(wrong(format!("a proof in {origin}")));
        }
        let checkpoint = self.checkpoint(&proof.checkpoint_note, region).map_err(|error| wrong(error.to_string()))?;
        proof.check_against(&checkpoint).map_err(|error| wrong(error.to_string()))?;
        Ok(())
    }

    fn checkpoint(&self, note: &[u8], region: Region) -> Result<Arc<VerifiedCheckpoint>, checkpoint::Error> {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, note).as_ref());
        if let Some(known) = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let claimed = Checkpoint::parse_unverified(note)?;
        let keys = self.trust.log_keys(region, LogKind::Access, claimed.origin.epoch(), claimed.size);
        let verified = Arc::new(checkpoint::open(note, &keys)?);
        self.audit.saw(region, &verified);
        let mut cache = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MOST_KEPT {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&verified));
        Ok(verified)
    }

    /// Forgets what was verified: keys have changed.
    pub fn forget(&self) {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
