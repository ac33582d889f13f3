//! Whom this node believes: pinned roots, the province's trust bundle, and every CA's newest CRL.
//!
//! Bundles and CRLs prove themselves, so they are taken from any carrier: files, any region's log, any peer. What is
//! older, malformed or not by the right key changes nothing: the last good one stays, and an alarm says so. Readers hold
//! a [`Snapshot`], which is swapped whole.

mod alarm;
mod files;
mod keep;
mod snapshot;
#[cfg(test)]
mod tests;

pub use alarm::{Alarm, Refused};
pub use keep::{BUNDLE_ROW, Keep, crl_row};
pub use snapshot::Snapshot;

use crate::{clock::Clock, config, refusal::Refusal, store};
use arc_swap::ArcSwap;
use bytes::Bytes;
use exchange_core::{
    bundle::{self, Known, VerifiedBundle},
    chain::{self, Added, Authority, Crl, CrlSet, Roots},
    checkpoint::LogKind,
    note::VerifierKey,
    reason::Reason,
    region::Region,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Why trust cannot be had, or an offer is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file does not read.
    #[error("{path}: {problem}")]
    File {
        /// Which.
        path: PathBuf,
        /// What was found, and what was needed.
        problem: String,
    },
    /// The bundle is not believed.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    /// A root, CA or CRL is not believed.
    #[error(transparent)]
    Chain(#[from] chain::Error),
    /// What was kept does not read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Stable name, for metrics and logs.
    pub const fn fault(&self) -> &'static str {
        match self {
            Self::File { .. } => "FILE",
            Self::Bundle(bundle::Error::Signer(error)) | Self::Chain(error) => error.fault(),
            Self::Bundle(error) => error.fault(),
            Self::Store(_) => "STORE",
        }
    }

    /// The stable reason.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::File { .. } => Reason::ConfigInvalid,
            Self::Bundle(error) => error.reason(),
            Self::Chain(error) => error.reason(),
            Self::Store(_) => Reason::Internal,
        }
    }
}

/// What an offer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It replaced what was there: [`Trust::unsaved`] has a row for it.
    Taken,
    /// It was there already.
    Known,
    /// A CRL of a CA whose certificate has not been seen yet: it counts once a credential of that CA comes by.
    Waiting,
}

/// The node's trust. One per node, shared.
#[derive(Debug)]
pub struct Trust {
    snapshot: ArcSwap<Snapshot>,
    writing: Mutex<Writing>,
    changed: watch::Sender<u64>,
    clock: Clock,
}

/// What only changes of trust look at.
#[derive(Debug, Default)]
struct Writing {
    /// CA certificates that a pinned root signed, by SHA-256 of their key.
    authorities: Vec<Authority>,
    /// What is in the store.
    saved: BTreeMap<store::Key, Bytes>,
    /// What was refused last, by what it was.
    refused: BTreeMap<&'static str, Refused>,
}

impl Trust {
    /// Reads the files of the configuration and what an earlier run has kept; of each kind the newest counts.
    ///
    /// # Errors
    /// A file that does not read, no root, or no bundle that is believed. A missing CRL is no error here: the paths that
    /// need it are refused.
    pub fn load(config: &config::Trust, kept: &[(store::Key, Bytes)], clock: Clock) -> Result<Arc<Self>, Error> {
        let roots = Arc::new(Roots::new(files::authorities(&config.roots)?)?);
        let mut writing = Writing { authorities: roots.authorities().to_vec(), ..Writing::default() };
        let mut crls = CrlSet::new();
        let stored = keep::read(kept)?;
        for der in &stored.crls {
            crls.add(Crl::parse(der)?, &writing.authorities)?;
        }
        for (path, der) in files::crls(&config.crls)? {
            add_from_file(&mut crls, &der, &writing.authorities)
                .map_err(|error| Error::File { path, problem: error.to_string() })?;
        }
        let (bundle, signed_bundle) = newest_bundle(config, stored.bundle, &roots, &crls, clock.now_ms())?;
        writing.saved = kept.iter().cloned().collect();
        let snapshot = Snapshot {
            roots,
            bundle: Arc::new(bundle),
            signed_bundle,
            crls,
            crl_grace_ms: u64::from(config.crl_grace_hours) * 3_600_000,
            generation: 1,
        };
        Ok(Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            writing: Mutex::new(writing),
            changed: watch::Sender::new(1),
            clock,
        }))
    }

    /// What is believed now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The keys that may sign a checkpoint of this log at this size.
    pub fn log_keys(&self, region: Region, kind: LogKind, epoch: u32, size: u64) -> Vec<VerifierKey> {
        self.snapshot.load().log_keys(region, kind, epoch, size)
    }

    /// After the bundle's end reads go on; writes and new peers are refused.
    ///
    /// # Errors
    /// `BUNDLE_EXPIRED`; `before` says what needs a current one.
    pub fn require_current_bundle(&self, before: &str) -> Result<(), Refusal> {
        self.snapshot.load().bundle.require_current(self.clock.now_ms()).map_err(|error| {
            Refusal::node(Reason::BundleExpired, error.to_string(), format!("a current trust bundle before {before}"))
        })
    }

    /// Says the generation after every change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Reads the files again. What is older than what arrived otherwise is passed over; everything is checked before
    /// anything changes.
    ///
    /// # Errors
    /// A file that does not read or is not believed: nothing has changed then. Roots are pinned at start alone.
    pub fn reload(&self, config: &config::Trust) -> Result<Vec<String>, Error> {
        let mut writing = self.writing();
        let mut next = Snapshot::clone(&self.snapshot.load());
        let mut taken = Vec::new();
        next.crl_grace_ms = u64::from(config.crl_grace_hours) * 3_600_000;
        for (path, der) in files::crls(&config.crls)? {
            let added = add_from_file(&mut next.crls, &der, &writing.authorities);
            match added.map_err(|error| Error::File { path: path.clone(), problem: error.to_string() })? {
                Some(Added::Newest) => taken.push(path.display().to_string()),
                Some(Added::Known | Added::Waiting) | None => {}
            }
        }
        let bytes = files::bytes(&config.bundle)?;
        match self.believed(&next, &bytes) {
            Ok(bundle) => {
                next.bundle = Arc::new(bundle);
                next.signed_bundle = bytes.into();
                taken.push(config.bundle.display().to_string());
            }
            Err(bundle::Error::Old { .. }) => {}
            Err(error) => return Err(Error::File { path: config.bundle.clone(), problem: error.to_string() }),
        }
        self.swap(next, &mut writing);
        Ok(taken)
    }

    /// Takes a CRL (DER) that a region's log carries, if it is newer and by its CA's key.
    ///
    /// # Errors
    /// Why it is refused; what was there before stays.
    pub fn offer_crl(&self, carrier: Region, der: &[u8]) -> Result<Offer, Error> {
        let mut writing = self.writing();
        let mut next = Snapshot::clone(&self.snapshot.load());
        let added = Crl::parse(der).and_then(|crl| next.crls.add_carried(carrier, crl, &writing.authorities));
        match added {
            Ok(Added::Known) => Ok(Offer::Known),
            Ok(Added::Waiting) => {
                self.snapshot.store(Arc::new(next)); // no change of what is believed: nobody is woken
                Ok(Offer::Waiting)
            }
            Ok(Added::Newest) => {
                self.swap(next, &mut writing);
                Ok(Offer::Taken)
            }
            Err(error) => Err(self.refuse("CRL", error.into(), &mut writing)),
        }
    }

    /// Takes a `SignedTrustBundle` from any carrier, if it is newer and its signer leads to a pinned root.
    ///
    /// # Errors
    /// Why it is refused; what was there before stays.
    pub fn offer_bundle(&self, bytes: &[u8]) -> Result<Offer, Error> {
        let mut writing = self.writing();
        let mut next = Snapshot::clone(&self.snapshot.load());
        if next.signed_bundle == bytes {
            return Ok(Offer::Known);
        }
        match self.believed(&next, bytes) {
            Ok(bundle) => {
                next.bundle = Arc::new(bundle);
                next.signed_bundle = Bytes::copy_from_slice(bytes);
                self.swap(next, &mut writing);
                Ok(Offer::Taken)
            }
            Err(error) => Err(self.refuse("trust bundle", error.into(), &mut writing)),
        }
    }

    /// Takes note of a CA's certificate that came with a credential, so that a CRL which waited for it counts. One that
    /// no pinned root has signed is passed over.
    pub fn learn(&self, ca: &[u8]) {
        let mut writing = self.writing();
        if writing.authorities.iter().any(|known| known.der == ca) {
            return;
        }
        let current = self.snapshot.load_full();
        let Ok(authority) = Authority::parse(ca) else { return };
        if !files::signed_by_root(ca, &current.roots) {
            return;
        }
        let mut next = Snapshot::clone(&current);
        next.crls.settle(&authority);
        writing.authorities.push(authority);
        if next.crls.proven().ne(current.crls.proven()) {
            self.swap(next, &mut writing);
        }
    }

    /// The CA certificates that were seen and lead to a pinned root, the roots among them.
    pub fn authorities(&self) -> Vec<Authority> {
        self.writing().authorities.clone()
    }

    /// What was taken and is not in the store yet: rows for a ledger command ([`Keep`]); none: nothing to do.
    pub fn unsaved(&self) -> Option<Keep> {
        let writing = self.writing();
        let snapshot = self.snapshot.load();
        let mut rows = keep::rows(&snapshot);
        rows.retain(|key, value| writing.saved.get(key) != Some(value));
        (!rows.is_empty()).then_some(Keep { rows })
    }

    /// Says that these rows are durable.
    pub fn saved(&self, keep: Keep) {
        self.writing().saved.extend(keep.rows);
    }

    /// What an operator has to see to, by now.
    pub fn alarms(&self) -> Vec<Alarm> {
        let writing = self.writing();
        alarm::alarms(&self.snapshot.load(), writing.refused.values(), self.clock.now_ms())
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believed(&self, next: &Snapshot, bytes: &[u8]) -> Result<VerifiedBundle, bundle::Error> {
        let known = Known::of(&next.bundle);
        exchange_proto::bundle::open_signed(bytes, &next.roots, &next.crls, known, self.clock.now_ms())
    }

    fn swap(&self, mut next: Snapshot, _held: &mut MutexGuard<'_, Writing>) {
        next.generation += 1;
        let generation = next.generation;
        self.snapshot.store(Arc::new(next));
        self.changed.send_replace(generation);
    }

    fn refuse(&self, what: &'static str, error: Error, writing: &mut MutexGuard<'_, Writing>) -> Error {
        let fault = error.fault();
        tracing::warn!(what, fault, %error, "refused; the last good one stays");
        metrics::counter!(crate::telemetry::TRUST_REFUSED, "what" => what, "fault" => fault).increment(1);
        writing.refused.insert(what, Refused { what, fault, text: error.to_string(), at_ms: self.clock.now_ms() });
        error
    }
}

/// A file that is older than what is there is no fault: what arrives over the log is newer than what was installed.
fn add_from_file(crls: &mut CrlSet, der: &[u8], issuers: &[Authority]) -> Result<Option<Added>, chain::Error> {
    match crls.add(Crl::parse(der)?, issuers) {
        Ok(added) => Ok(Some(added)),
        Err(chain::Error::CrlRolledBack { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn newest_bundle(
    config: &config::Trust,
    stored: Option<Bytes>,
    roots: &Roots,
    crls: &CrlSet,
    now_ms: u64,
) -> Result<(VerifiedBundle, Bytes), Error> {
    let open = |bytes: &[u8], known: Known<'_>| exchange_proto::bundle::open_signed(bytes, roots, crls, known, now_ms);
    let file: Bytes = files::bytes(&config.bundle)?.into();
    let Some(stored) = stored else {
        return Ok((open(&file, Known::default())?, file));
    };
    let kept = open(&stored, Known::default())?;
    match open(&file, Known::of(&kept)) {
        Ok(newer) => Ok((newer, file)),
        Err(bundle::Error::Old { .. }) => Ok((kept, stored)),
        Err(error) => Err(Error::File { path: config.bundle.clone(), problem: error.to_string() }),
    }
}
