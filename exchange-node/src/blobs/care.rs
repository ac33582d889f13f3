//! What a running node does for its kept files: it removes what a crash left, and reads all of them, round after round, so
//! that damage is found while there is a backup.

use super::{BlobKey, Blobs, Error};
use crate::{
    clock::Clock,
    ledger::Ledger,
    refusal::Refusal,
    spawn::Tasks,
    store::{Space, Store, keys},
};
use exchange_core::reason::Reason;
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(3_600);
/// Between looks whether the node may sweep: not before its log was compared, since an old copy of the store would miss
/// what refers to newer files.
const LOOK: Duration = Duration::from_millis(500);
/// Files that are read before there is a pause.
const BATCH: usize = 16;
/// Reading goes on no faster, in bytes a second: it is nobody's hurry.
const BYTES_A_SECOND: u64 = 32 << 20;
/// Damaged files that are kept by name.
const NAMED: usize = 100;

/// What is wrong with a kept file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is not what was written.
    Altered,
    /// The file system does not give it: a bad block, a permission that was taken away.
    Unreadable,
}

impl Fault {
    /// Stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Altered => "ALTERED",
            Self::Unreadable => "UNREADABLE",
        }
    }

    const fn of(error: &Error) -> Self {
        match error {
            Error::Missing { .. } => Self::Missing,
            Error::Altered { .. } => Self::Altered,
            Error::Io { .. } => Self::Unreadable,
        }
    }
}

/// What is known of the kept files. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<Mutex<State>>);

/// What is known now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Files read in the last round that ended.
    pub checked: u64,
    /// When it ended, Unix milliseconds; 0: none has.
    pub checked_at_ms: u64,
    /// How many are damaged.
    pub damaged: u64,
    /// The first of them, with what is wrong and a certificate that each belongs to.
    pub named: BTreeMap<BlobKey, (Fault, String)>,
}

impl Known {
    /// What is known now.
    pub fn now(&self) -> State {
        self.state().clone()
    }

    /// A file was found damaged, or does not read: told to the operator by log, metric and `doctor`.
    pub fn damaged(&self, key: &BlobKey, error: &Error, certificate_id: &str) {
        let fault = Fault::of(error);
        let mut state = self.state();
        let known = state.named.get(key).is_some_and(|(known, _)| *known == fault);
        if !known && (state.named.contains_key(key) || state.named.len() < NAMED) {
            state.damaged += u64::from(!state.named.contains_key(key));
            state.named.insert(*key, (fault, certificate_id.to_owned()));
            drop(state);
            let cure = match fault {
                Fault::Missing | Fault::Altered => "restore it from the backup of blobs/",
                Fault::Unreadable => "look at the disk and at the permissions of blobs/",
            };
            tracing::error!(%error, certificate_id, fault = fault.word(), cure, "a kept file is not to be had");
            metrics::counter!(crate::telemetry::FILES_DAMAGED, "fault" => fault.word()).increment(1);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work itself.
#[derive(Clone)]
pub struct Care {
    /// The files.
    pub blobs: Blobs,
    /// What refers to them.
    pub store: Store,
    /// Says when the store is to be trusted as to what refers to nothing.
    pub ledger: Ledger,
    /// What is found.
    pub known: Known,
    /// Reading blocks.
    pub tasks: Tasks,
    /// Time.
    pub clock: Clock,
}

/// Why a round ended early.
struct Stopping;

impl Care {
    /// Until the node stops.
    pub async fn run(self) {
        while self.ledger.read_only().is_some() {
            if self.pause(LOOK).await.is_err() {
                return;
            }
        }
        loop {
            if self.sweep().await.is_err() || self.round().await.is_err() || self.pause(PAUSE).await.is_err() {
                return;
            }
        }
    }

    async fn sweep(&self) -> Result<(), Stopping> {
        let mut removed = 0;
        for part in 0..=u8::MAX {
            let care = self.clone();
            let swept = self.tasks.blocking(move || {
                // Asked under the lock of the pins: a commit with an unknown outcome is known here before its pin is gone.
                let failed = care.ledger.failed();
                care.blobs.sweep(part, |key| {
                    let doubtful = *failed.borrow() || care.ledger.read_only().is_some();
                    Ok(doubtful || Blobs::is_referred_to(&care.store, key)?)
                })
            });
            match swept.await {
                Ok(Ok(count)) => removed += count,
                Ok(Err(error)) => return self.failed(&error),
                Err(_) => return Err(Stopping),
            }
            if self.tasks.is_stopping() {
                return Err(Stopping);
            }
        }
        if removed > 0 {
            tracing::info!(removed, "files of certificates that were never issued are removed");
        }
        Ok(())
    }

    /// Reads every file that a certificate refers to.
    async fn round(&self) -> Result<(), Stopping> {
        let (mut from, mut checked, mut damaged) = (Vec::new(), 0, BTreeMap::new());
        loop {
            let (care, first) = (self.clone(), from.clone());
            let batch = match self.tasks.blocking(move || care.batch(&first)).await {
                Ok(Ok(batch)) => batch,
                Ok(Err(error)) => return self.failed(&error),
                Err(_) => return Err(Stopping),
            };
            checked += batch.checked;
            damaged.extend(batch.damaged);
            match batch.next {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(next) => from = next,
            }
            self.pause(Duration::from_millis(batch.bytes.saturating_mul(1_000) / BYTES_A_SECOND)).await?;
        }
        let mut state = self.known.state();
        // What was mended is not told any more.
        (state.checked, state.checked_at_ms, state.damaged) = (checked, self.clock.now_ms(), damaged.len() as u64);
        state.named = damaged.into_iter().take(NAMED).collect();
        Ok(())
    }

    fn batch(&self, from: &[u8]) -> Result<Batch, Refusal> {
        let mut batch = Batch { checked: 0, bytes: 0, damaged: Vec::new(), next: ControlFlow::Break(()) };
        let mut next = from.to_vec();
        for _ in 0..BATCH {
            let row = self.store.own.scan(Space::Blobs, &next, &[u8::MAX; 33], 1)?.pop();
            let Some((row, _)) = row else { return Ok(batch) };
            let Some((key, owner)) = keys::blob_of(&row) else {
                return Err(Refusal::node(Reason::Internal, "a row of blobs without a name", "an undamaged store"));
            };
            batch.checked += 1;
            match self.blobs.check(&key) {
                Ok(length) => batch.bytes += length,
                Err(error) => {
                    self.known.damaged(&key, &error, &owner);
                    batch.damaged.push((key, (Fault::of(&error), owner)));
                }
            }
            // Each file once, however many certificates have it.
            next = keys::after(&key);
        }
        batch.next = ControlFlow::Continue(next);
        Ok(batch)
    }

    async fn pause(&self, duration: Duration) -> Result<(), Stopping> {
        tokio::select! {
            biased;
            () = self.tasks.stopping() => Err(Stopping),
            () = self.clock.sleep(duration) => Ok(()),
        }
    }

    /// The next round tries again.
    fn failed(&self, error: &Refusal) -> Result<(), Stopping> {
        tracing::error!(%error, "kept files could not be looked after");
        Ok(())
    }
}

struct Batch {
    checked: u64,
    bytes: u64,
    damaged: Vec<(BlobKey, (Fault, String))>,
    next: ControlFlow<(), Vec<u8>>,
}
