//! Signatures that were found good and need not be computed again: over the same bytes by the same key they stay good.
//!
//! What is kept is the digest of algorithm, key, message and value, so nothing that anybody sends can make another
//! signature good. Refusals are not kept: they are rare, and whoever sends them would fill the memory.
//!
//! Beside them stand the credentials whose path held, as they were read, and the seals whose maker's signature holds, each
//! with the digest that a document has of it: most documents of a city bring the same few. Both are found by all of their
//! bytes. Paths, periods and withdrawal are judged every time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use ring::digest::{Context, SHA256};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use crate::{
    algorithm::{Algorithm, Error, PATH_ALGORITHMS},
    asn1,
    certificate::{Certificate, Key},
    digest::DigestAlgorithm,
};

/// Digests that are kept; all are forgotten when there are more.
const MAX_KEPT: usize = 4096;

/// Bytes of the credentials, and of the seals, by which they are found; all are forgotten when there are more.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// The memory; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proven {
    signatures: Arc<Mutex<BTreeSet<[u8; 32]>>>,
    certificates: Arc<Mutex<ByBytes<Certificate>>>,
    seals: Arc<Mutex<ByBytes<SealDigest>>>,
}

/// A digest of a seal, and which.
type SealDigest = (DigestAlgorithm, Vec<u8>);

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

    /// A certificate as it was read before, or read now.
    pub(crate) fn certificate(&self, der: &[u8]) -> Result<Arc<Certificate>, asn1::Error> {
        match locked(&self.certificates).find(der) {
            Some(known) => Ok(known),
            None => Certificate::parse(der).map(Arc::new),
        }
    }

    /// Keeps one whose path held.
    pub(crate) fn keep_certificate(&self, certificate: &Arc<Certificate>) {
        locked(&self.certificates).keep(&certificate.der, certificate);
    }

    /// The digest of a seal, DER, whose maker's signature was found good.
    pub(crate) fn seal(&self, der: &[u8]) -> Option<Arc<SealDigest>> {
        locked(&self.seals).find(der)
    }

    /// Keeps a seal whose maker's signature is good.
    pub(crate) fn keep_seal(&self, der: &[u8], digest: DigestAlgorithm) {
        if der.len() < MAX_KEPT_BYTES / 4 {
            let made = Arc::new((digest, digest.digest(der)));
            locked(&self.seals).keep(der, &made);
        }
    }

    fn once<E>(&self, id: [u8; 32], verify: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if locked(&self.signatures).contains(&id) {
            return Ok(());
        }
        verify()?;
        let mut kept = locked(&self.signatures);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(id);
        Ok(())
    }
}

fn locked<T>(memory: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Things found by all of their bytes.
#[derive(Debug)]
struct ByBytes<T> {
    kept: BTreeMap<Vec<u8>, Arc<T>>,
    bytes: usize,
}

impl<T> Default for ByBytes<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), bytes: 0 }
    }
}

impl<T> ByBytes<T> {
    fn find(&self, bytes: &[u8]) -> Option<Arc<T>> {
        self.kept.get(bytes).map(Arc::clone)
    }

    fn keep(&mut self, bytes: &[u8], thing: &Arc<T>) {
        if self.kept.contains_key(bytes) {
            return;
        }
        if self.bytes + bytes.len() > MAX_KEPT_BYTES {
            *self = Self::default();
        }
        self.bytes += bytes.len();
        self.kept.insert(bytes.to_vec(), Arc::clone(thing));
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
            assert!(proven.signatures.lock().unwrap().len() <= MAX_KEPT);
        }
    }

    #[test]
    fn seals_are_found_by_all_their_bytes_and_never_too_many() {
        let proven = Proven::default();
        let seal = |number: u32| [vec![7; 10_000], number.to_be_bytes().to_vec()].concat();
        proven.keep_seal(&seal(0), DigestAlgorithm::Sm3);
        let (found, digest) = (proven.seal(&seal(0)).unwrap(), DigestAlgorithm::Sm3.digest(&seal(0)));
        assert_eq!(*found, (DigestAlgorithm::Sm3, digest));
        assert!(proven.seal(&seal(1)).is_none() && proven.seal(&seal(0)[1..]).is_none());
        for number in 0..300 {
            proven.keep_seal(&seal(number), DigestAlgorithm::Sm3);
            assert!(proven.seal(&seal(number)).is_some());
            let kept = proven.seals.lock().unwrap();
            assert_eq!(kept.bytes, kept.kept.keys().map(Vec::len).sum::<usize>());
            assert!(kept.bytes <= MAX_KEPT_BYTES);
        }
        let large = vec![7; MAX_KEPT_BYTES];
        proven.keep_seal(&large, DigestAlgorithm::Sm3);
        assert!(proven.seal(&large).is_none(), "one large seal does not push out all others");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
