//! What earlier verifications found and later ones need not find again. Only what cannot change is kept: paths while
//! trust stays the same, signatures, the times of checkpoints that others have followed, and entries until one is redacted.

mod entries;

pub(crate) use entries::Entry;

use crate::{
    store::{self, Space, Value},
    trust::Trust,
};
use exchange_core::{
    chain::{self, Basis, SignerPath},
    position::Position,
    region::Region,
    signature::{self, PublicKey},
};
use exchange_proto::store::CredentialRow;
use ring::digest::{Context, SHA256};
use rustls::pki_types::CertificateDer;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Signers kept; beyond it the list starts anew.
const MOST_SIGNERS: usize = 4_096;
/// Signatures of one half of those that are kept, 32 bytes each.
const HALF_SIGNATURES: usize = 65_536;
/// Times kept; beyond it the list starts anew.
const MOST_TIMES: usize = 16_384;

/// A document credential with its verified path.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) path: SignerPath,
    /// Why the key cannot be used, if it cannot.
    pub(super) key: Result<PublicKey, signature::Error>,
}

/// Shared by all verifications of a node. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<Lists>);

#[derive(Debug, Default)]
struct Lists {
    signers: Mutex<Signers>,
    signatures: Mutex<Signatures>,
    times: Mutex<Times>,
    entries: entries::Entries,
}

#[derive(Debug, Default)]
struct Signers {
    /// Of trust, when these were verified.
    generation: u64,
    by_key: HashMap<(Region, [u8; 32]), Arc<Signer>>,
}

/// SHA-256 over key and envelope of signatures that verified. When the newer half is full the older one goes.
#[derive(Debug, Default)]
struct Signatures {
    newer: HashSet<[u8; 32]>,
    older: HashSet<[u8; 32]>,
}

/// (region, epoch, size of a checkpoint) → the first entry that is known to be covered by it and by none before it, and
/// its time.
type Times = BTreeMap<(Region, u32, u64), (u64, u64)>;

impl Known {
    /// The signer with this key id in a region's log; verified once for each generation of trust and, where the dates of
    /// its path do not say that they hold then too, for the signing time. `None`: that log has no such credential.
    ///
    /// # Errors
    /// Inner: as [`SignerPath::verify`]; a refusal is not kept. Outer: the row does not read.
    pub(super) fn signer(
        &self,
        at: (Region, [u8; 32]),
        row: impl FnOnce() -> Result<Option<Value>, store::Error>,
        signing_time_ms: u64,
        basis: &Basis<'_>,
        trust: &Trust,
        generation: u64,
    ) -> Result<Option<Result<Arc<Signer>, chain::Error>>, store::Error> {
        {
            let signers = lock(&self.0.signers);
            let found = signers.by_key.get(&at).filter(|_| signers.generation == generation);
            if let Some(signer) = found.filter(|signer| signer.path.covers(signing_time_ms)) {
                return Ok(Some(Ok(Arc::clone(signer))));
            }
        }
        let Some(row) = row()? else { return Ok(None) };
        let row: CredentialRow = store::own::decode(Space::Credentials, &row)?;
        let intermediates: Vec<CertificateDer<'_>> =
            row.intermediates.iter().map(|der| CertificateDer::from(&der[..])).collect();
        let path = match SignerPath::verify(&row.leaf, &intermediates, signing_time_ms, basis) {
            Ok(path) => path,
            Err(error) => return Ok(Some(Err(error))),
        };
        // A CRL that waited for one of these CAs counts from the next call on.
        intermediates.iter().for_each(|ca| trust.learn(ca));
        let key = PublicKey::from_spki_der(&path.credential().credential().spki);
        let signer = Arc::new(Signer { path, key });
        let mut signers = lock(&self.0.signers);
        if signers.generation < generation || signers.by_key.len() >= MOST_SIGNERS {
            *signers = Signers { generation, ..Signers::default() };
        }
        if signers.generation == generation {
            signers.by_key.insert(at, Arc::clone(&signer));
        }
        Ok(Some(Ok(signer)))
    }

    /// Verifies an envelope's signature, unless the same bytes were verified under the same key before.
    ///
    /// # Errors
    /// What `verify` says; that is not kept.
    pub(super) fn signature(
        &self,
        key: &PublicKey,
        envelope: &[u8],
        verify: impl FnOnce() -> Result<(), signature::Error>,
    ) -> Result<(), signature::Error> {
        let mut digest = Context::new(&SHA256);
        // Keys of one algorithm have one length, so nothing of the one can pass for a part of the other.
        digest.update(&[key.algorithm() as u8]);
        digest.update(key.bytes());
        digest.update(envelope);
        let mut name = [0; 32];
        name.copy_from_slice(digest.finish().as_ref());
        if lock(&self.0.signatures).has(&name) {
            return Ok(());
        }
        verify()?;
        lock(&self.0.signatures).keep(name);
        Ok(())
    }

    /// The certificate at a position, or the age to give when it is kept.
    pub(crate) fn entry(&self, position: Position) -> Result<Arc<Entry>, u64> {
        // The age first: what is read after it may be forgotten while it is read.
        let age = self.0.entries.age();
        self.0.entries.get(position).ok_or(age)
    }

    /// The certificate at a position if it was verified, or the age to give when it is kept.
    pub(super) fn verified(&self, position: Position) -> Result<(Arc<Entry>, u64), u64> {
        let entry = self.entry(position)?;
        entry.verified.map(|signed_ms| (entry, signed_ms)).ok_or_else(|| self.0.entries.age())
    }

    /// Keeps a certificate that was read at an age.
    pub(crate) fn keep_entry(&self, position: Position, entry: Entry, age: u64) -> Arc<Entry> {
        self.0.entries.keep(position, entry, age)
    }

    /// An entry was redacted: nothing that was read before counts any more.
    pub fn forget_entries(&self) {
        self.0.entries.forget();
    }

    /// The time of the first checkpoint that covers an entry, if an earlier call found it.
    pub(super) fn time(&self, region: Region, epoch: u32, index: u64) -> Option<u64> {
        let times = lock(&self.0.times);
        let (key, (first, at_ms)) = times.range((region, epoch, index + 1)..).next()?;
        ((key.0, key.1) == (region, epoch) && *first <= index).then_some(*at_ms)
    }

    /// Keeps the time of the first checkpoint that covers an entry. Not for a log's newest checkpoint: a heartbeat gives it
    /// another time.
    pub(super) fn keep_time(&self, region: Region, epoch: u32, index: u64, size: u64, at_ms: u64) {
        let mut times = lock(&self.0.times);
        if times.len() >= MOST_TIMES {
            times.clear();
        }
        let (first, _) = times.entry((region, epoch, size)).or_insert((index, at_ms));
        *first = index.min(*first);
    }
}

impl Signatures {
    fn has(&mut self, name: &[u8; 32]) -> bool {
        if self.newer.contains(name) {
            return true;
        }
        let found = self.older.remove(name);
        if found {
            self.keep(*name);
        }
        found
    }

    fn keep(&mut self, name: [u8; 32]) {
        if self.newer.len() >= HALF_SIGNATURES {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(name);
    }
}

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use exchange_core::signature::Algorithm;

    fn key(byte: u8) -> PublicKey {
        PublicKey::new(Algorithm::Ed25519, vec![byte; 32]).unwrap()
    }

    const BAD: signature::Error = signature::Error::BadSignature { algorithm: Algorithm::Ed25519 };

    #[test]
    fn a_signature_is_verified_once_under_its_key_and_a_bad_one_each_time() {
        let known = Known::default();
        assert_eq!(known.signature(&key(1), b"envelope", || Err(BAD)), Err(BAD));
        assert_eq!(known.signature(&key(1), b"envelope", || Ok(())), Ok(()));
        assert_eq!(known.signature(&key(1), b"envelope", || Err(BAD)), Ok(()), "it was verified before");
        assert_eq!(known.signature(&key(2), b"envelope", || Err(BAD)), Err(BAD), "another key");
        assert_eq!(known.signature(&key(1), b"envelopf", || Err(BAD)), Err(BAD), "another envelope");
    }

    #[test]
    fn what_is_used_stays_when_the_older_half_goes() {
        let mut signatures = Signatures::default();
        let name = |number: usize| {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            name
        };
        for number in 0..=HALF_SIGNATURES {
            signatures.keep(name(number));
        }
        assert!(signatures.has(&name(0)), "of the older half, and in the newer one from now on");
        for number in HALF_SIGNATURES + 1..2 * HALF_SIGNATURES {
            signatures.keep(name(number));
        }
        assert!(signatures.has(&name(0)));
        assert!(!signatures.has(&name(1)));
        assert!(signatures.newer.len() + signatures.older.len() <= 2 * HALF_SIGNATURES);
    }

    #[test]
    fn a_time_is_known_for_the_entries_that_its_checkpoint_was_first_to_cover() {
        let (known, region) = (Known::default(), Region::parse("370100").unwrap());
        assert_eq!(known.time(region, 1, 7), None);
        known.keep_time(region, 1, 7, 10, 1_000);
        known.keep_time(region, 1, 5, 10, 1_000);
        known.keep_time(region, 1, 12, 20, 2_000);
        let times: Vec<_> = [4, 5, 6, 9, 10, 11, 12, 19, 20].map(|index| known.time(region, 1, index)).into();
        let [first, second] = [Some(1_000), Some(2_000)];
        assert_eq!(times, [None, first, first, first, None, None, second, second, None]);
        assert_eq!(known.time(region, 2, 7), None, "another epoch");
    }
}
