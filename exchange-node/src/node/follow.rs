//! Follows what changes while the node runs: trust that arrives over logs or files, and the catalogue.

use crate::{
    access::Proofs,
    catalogue::Catalogue,
    documents,
    indexer::{self, CarriedItem, Context},
    keys::Keys,
    ledger::Ledger,
    peers::Peers,
    spawn::Tasks,
    store::Store,
    trust::Trust,
};
use exchange_core::{event::Carried, region::Region};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// What is followed, and who is told.
pub(super) struct Followed {
    pub(super) region: Region,
    pub(super) store: Store,
    pub(super) ledger: Ledger,
    pub(super) trust: Arc<Trust>,
    pub(super) peers: Arc<Peers>,
    pub(super) keys: Arc<Keys>,
    pub(super) context: watch::Sender<Context>,
    pub(super) carried: watch::Receiver<u64>,
    pub(super) catalogue: watch::Receiver<u64>,
    pub(super) cache: Catalogue,
    pub(super) proofs: Proofs,
}

impl Followed {
    pub(super) async fn run(mut self, tasks: Tasks) {
        let mut named = self.name_unreadable(None);
        let mut changed = self.trust.subscribe();
        let fetching = Arc::<Mutex<BTreeSet<Region>>>::default();
        self.save().await;
        // What was applied before the last stop may not have been offered any more: hints are not durable, rows are.
        self.take_carried(&tasks, &fetching);
        loop {
            tokio::select! {
                biased;
                () = tasks.stopping() => return,
                hint = self.catalogue.changed() => {
                    if hint.is_err() { return }
                    self.catalogue.borrow_and_update();
                    self.cache.forget();
                }
                hint = self.carried.changed() => {
                    if hint.is_err() { return }
                    self.carried.borrow_and_update();
                    self.take_carried(&tasks, &fetching);
                }
                hint = changed.changed() => {
                    if hint.is_err() { return }
                    changed.borrow_and_update();
                    self.tell();
                    named = self.name_unreadable(named);
                    self.save().await;
                }
            }
        }
    }

    /// Bundles and CRLs prove themselves: they are offered as they come, from whatever log. Those that have to be
    /// fetched first are the business of a task for each region: one that answers slowly, or names what it does not
    /// have, holds up nobody else's word.
    fn take_carried(&self, tasks: &Tasks, fetching: &Arc<Mutex<BTreeSet<Region>>>) {
        let items = match indexer::carried(&self.store, self.region) {
            Ok(items) => items,
            Err(error) => return tracing::error!(%error, "what the logs carry does not read"),
        };
        let mut to_fetch: Vec<CarriedItem> = Vec::new();
        for item in items {
            match &item.body {
                Carried::Inline(bytes) => offer(&self.trust, &item, bytes),
                Carried::Reference { .. } => to_fetch.push(item),
            }
        }
        while let Some(region) = to_fetch.first().map(|item| item.position.region) {
            let (items, rest) = to_fetch.into_iter().partition(|item| item.position.region == region);
            to_fetch = rest;
            if fetching.lock().unwrap_or_else(PoisonError::into_inner).insert(region) {
                let fetch = fetch(Arc::clone(&self.trust), Arc::clone(&self.peers), items, tasks.clone());
                let fetching = Arc::clone(fetching);
                tasks.spawn(async move {
                    fetch.await;
                    fetching.lock().unwrap_or_else(PoisonError::into_inner).remove(&region);
                });
            }
        }
    }

    fn tell(&self) {
        self.proofs.forget();
        let bundle = Arc::new(self.trust.snapshot().bundle().clone());
        let index_keys = Arc::new(self.keys.index.clone());
        self.context.send_replace(Context { bundle, index_keys });
    }

    /// CAs behind seals that do not read: once for each bundle.
    fn name_unreadable(&self, named: Option<u64>) -> Option<u64> {
        let snapshot = self.trust.snapshot();
        let number = snapshot.bundle().number;
        if named != Some(number) {
            for found in documents::unreadable(snapshot.bundle()) {
                tracing::warn!(bundle = number, found, "a CA behind seals does not read: nobody is believed for it");
            }
        }
        Some(number)
    }

    async fn save(&self) {
        let Some(keep) = self.trust.unsaved() else { return };
        match self.ledger.submit(keep.clone()).await {
            Ok(_) => self.trust.saved(keep),
            Err(error) => tracing::warn!(%error, "the new trust is not in the store yet"),
        }
    }
}

/// Fetches what one region's log names, from its node.
async fn fetch(trust: Arc<Trust>, peers: Arc<Peers>, items: Vec<CarriedItem>, tasks: Tasks) {
    for item in items {
        let Carried::Reference { sha256, length } = item.body else { continue };
        let fetched = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            fetched = peers.trust_item(item.position.region, &sha256, length) => fetched,
        };
        match fetched {
            Ok(bytes) => offer(&trust, &item, &bytes),
            Err(error) => {
                tracing::warn!(%error, position = %item.position, "a CRL or bundle could not be fetched");
            }
        }
    }
}

fn offer(trust: &Trust, item: &CarriedItem, bytes: &[u8]) {
    let offered = if item.crl { trust.offer_crl(item.position.region, bytes) } else { trust.offer_bundle(bytes) };
    if let Err(error) = offered {
        tracing::debug!(%error, position = %item.position, "not taken");
    }
}
