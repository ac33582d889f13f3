//! Signatures that were found good and need not be computed again: over the same bytes by the same key they stay good.
//!
//! What is kept is the digest of algorithm, key, message and value, so nothing that anybody sends can make another
//! signature good. Refusals are not kept: they are rare, and whoever sends them would fill the memory.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use ring::digest::{Context, SHA256};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use crate::{
    algorithm::{Algorithm, Error, PATH_ALGORITHMS},
    certificate::Key,
};

/// Digests that are kept; all are forgotten when there are more.
const MAX_KEPT: usize = 4096;

/// The memory; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proven(Arc<Mutex<BTreeSet<[u8; 32]>>>);

/// What is remembered makes nothing different from what is not.
impl PartialEq for Proven {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Proven {}

impl Proven {
    /// Verifies, unless that was done before.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        key: &Key,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let name = algorithm.oid();
        let id = digest(&[name.as_bytes(), &key.algorithm, &key.bytes, message, signature]);
        self.once(id, || algorithm.verify(key, message, signature))
    }

    /// Algorithms of paths that remember.
    pub(crate) fn path_algorithms(&self) -> Vec<Remembering<'_>> {
        PATH_ALGORITHMS.iter().map(|inner| Remembering { inner: *inner, proven: self }).collect()
    }

    fn once<E>(&self, id: [u8; 32], verify: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Ok(());
        }
        verify()?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(id);
        Ok(())
    }
}

/// Each part with its length, so that no two lists are the same bytes.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut id = [0; 32];
    id.copy_from_slice(context.finish().as_ref());
    id
}

/// An algorithm of rustls-webpki with the memory before it.
#[derive(Debug)]
pub(crate) struct Remembering<'a> {
    inner: &'static dyn SignatureVerificationAlgorithm,
    proven: &'a Proven,
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let (key, name) = (self.inner.public_key_alg_id(), self.inner.signature_alg_id());
        let id = digest(&[name.as_ref(), key.as_ref(), public_key, message, signature]);
        self.proven.once(id, || self.inner.verify_signature(public_key, message, signature))
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_what_holds_is_kept_and_never_too_much() {
        let proven = Proven::default();
        let id = |number: usize| digest(&[&number.to_be_bytes()]);
        assert_eq!(proven.once(id(0), || Err("no")), Err("no"));
        let mut asked = 0;
        for _ in 0..2 {
            proven
                .once(id(0), || -> Result<(), ()> {
                    asked += 1;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(asked, 1);
        for number in 0..3 * MAX_KEPT {
            proven.once(id(number), || Ok::<(), ()>(())).unwrap();
            assert!(proven.0.lock().unwrap().len() <= MAX_KEPT);
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
