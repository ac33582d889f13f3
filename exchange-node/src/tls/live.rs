//! The connections that are open, and cutting those that would be refused now.

use super::Caller;
use crate::{clock::Clock, trust::Snapshot};
use exchange_core::chain::{Crl, Serial, VerifiedCredential};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Every open connection, those that came in and those that this node opened.
#[derive(Debug)]
pub struct Live {
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    caller: Arc<Caller>,
    /// (SHA-256 of the issuer's key, serial) of every certificate of the path.
    path: Vec<([u8; 32], Serial)>,
    not_after_ms: u64,
    admit_stale_crl: bool,
    cut: Arc<Cut>,
}

/// Ends one connection, from outside of it.
#[derive(Debug, Default)]
pub(super) struct Cut {
    done: AtomicBool,
    token: CancellationToken,
}

impl Cut {
    /// Cheap, for every read and write.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// To be woken by it.
    pub(super) const fn token(&self) -> &CancellationToken {
        &self.token
    }

    fn now(&self) {
        self.done.store(true, Ordering::Release);
        self.token.cancel();
    }
}

/// A place in the registry; given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    live: Arc<Live>,
    id: u64,
    pub(super) caller: Arc<Caller>,
    pub(super) cut: Arc<Cut>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.live.inner().connections.remove(&self.id);
    }
}

impl Live {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, inner: Mutex::default() }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.inner().connections.len()
    }

    /// How many of one identity are open.
    pub(super) fn of_caller(&self, uri: &str) -> usize {
        self.inner().connections.values().filter(|connection| *connection.caller.uri == *uri).count()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all, when the time to drain is over.
    pub fn cut_all(&self) {
        for connection in self.inner().connections.values() {
            connection.cut.now();
        }
    }

    pub(super) fn open(
        self: &Arc<Self>,
        caller: Caller,
        verified: &VerifiedCredential,
        admit_stale_crl: bool,
    ) -> Place {
        let mut inner = self.inner();
        let Inner { next, connections } = &mut *inner;
        *next += 1;
        let caller = Arc::new(caller);
        let cut = Arc::new(Cut::default());
        connections.insert(
            *next,
            Connection {
                caller: Arc::clone(&caller),
                path: verified.path().to_vec(),
                not_after_ms: verified.credential().not_after_ms,
                admit_stale_crl,
                cut: Arc::clone(&cut),
            },
        );
        Place { live: Arc::clone(self), id: *next, caller, cut }
    }

    /// Judges every connection by what is believed now and ends those that would be refused; gives their number.
    pub(super) fn judge(&self, snapshot: &Snapshot) -> usize {
        let now_ms = self.clock.now_ms();
        let crls: BTreeMap<&[u8; 32], &Arc<Crl>> = snapshot.crls().proven().collect();
        let mut count = 0;
        for connection in self.inner().connections.values() {
            if connection.cut.is_done() {
                continue;
            }
            let Err(fault) = connection.judge(snapshot, &crls, now_ms) else { continue };
            let caller = &connection.caller;
            tracing::warn!(caller = %caller.uri, serial = %caller.serial, fault, "a live connection is cut");
            metrics::counter!(crate::telemetry::TLS_CUT, "fault" => fault).increment(1);
            connection.cut.now();
            count += 1;
        }
        count
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// What can change after the handshake: the bundle's bindings and cut list, CRLs, time.
    fn judge(
        &self,
        snapshot: &Snapshot,
        crls: &BTreeMap<&[u8; 32], &Arc<Crl>>,
        now_ms: u64,
    ) -> Result<(), &'static str> {
        if now_ms > self.not_after_ms {
            return Err("EXPIRED");
        }
        let bundle = snapshot.bundle();
        if !bundle.ca_is_bound(self.caller.region, &self.caller.issuer_spki_sha256) {
            return Err("CA_NOT_BOUND");
        }
        let mut stale = false;
        for (issuer, serial) in &self.path {
            if bundle.is_cut(issuer, serial) {
                return Err("CUT");
            }
            // A CRL that was there at the handshake never goes away again; none is judged as a stale one.
            let Some(crl) = crls.get(issuer) else {
                stale = true;
                continue;
            };
            if crl.withdrawn.contains_key(serial) {
                return Err("REVOKED");
            }
            stale |= crl.is_stale(now_ms, snapshot.crl_grace_ms());
        }
        if stale && !self.admit_stale_crl {
            return Err("CRL_EXPIRED");
        }
        self.caller.set_crl_stale_only(stale);
        Ok(())
    }
}
