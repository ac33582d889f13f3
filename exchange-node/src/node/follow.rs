//! Follows what changes while the node runs: trust that arrives over logs or files, and the catalogue.

use crate::{
    access::Proofs,
    catalogue::Catalogue,
    indexer::{self, Context},
    keys::Keys,
    ledger::Ledger,
    peers::Peers,
    spawn::Tasks,
    store::Store,
    trust::Trust,
};
use exchange_core::{event::Carried, region::Region};
use std::sync::Arc;
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
        let mut changed = self.trust.subscribe();
        self.save().await;
        // What was applied before the last stop may not have been offered any more: hints are not durable, rows are.
        self.take_carried().await;
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
                    self.take_carried().await;
                }
                hint = changed.changed() => {
                    if hint.is_err() { return }
                    changed.borrow_and_update();
                    self.tell();
                    self.save().await;
                }
            }
        }
    }

    /// Bundles and CRLs prove themselves: they are offered as they come, from whatever log.
    async fn take_carried(&self) {
        let items = match indexer::carried(&self.store, self.region) {
            Ok(items) => items,
            Err(error) => return tracing::error!(%error, "what the logs carry does not read"),
        };
        for item in items {
            let bytes = match item.body {
                Carried::Inline(bytes) => bytes,
                Carried::Reference { sha256, length } => {
                    match self.peers.trust_item(item.position.region, &sha256, length).await {
                        Ok(bytes) => bytes,
                        Err(error) => {
                            tracing::warn!(%error, position = %item.position, "a CRL or bundle could not be fetched");
                            continue;
                        }
                    }
                }
            };
            let offered = if item.crl { self.trust.offer_crl(&bytes) } else { self.trust.offer_bundle(&bytes) };
            if let Err(error) = offered {
                tracing::debug!(%error, position = %item.position, "not taken");
            }
        }
    }

    fn tell(&self) {
        self.proofs.forget();
        let bundle = Arc::new(self.trust.snapshot().bundle().clone());
        let index_keys = Arc::new(self.keys.index.clone());
        self.context.send_replace(Context { bundle, index_keys });
    }

    async fn save(&self) {
        let Some(keep) = self.trust.unsaved() else { return };
        match self.ledger.submit(keep.clone()).await {
            Ok(_) => self.trust.saved(keep),
            Err(error) => tracing::warn!(%error, "the new trust is not in the store yet"),
        }
    }
}
