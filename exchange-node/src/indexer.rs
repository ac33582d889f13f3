//! Kafka and gap fill → copies of the other cities' logs, and the index of all regions. It only writes rows of
//! `province/`; deleting that and replaying is the repair.
//!
//! One pump per region brings deliveries; [`Replica`] is the plain function over them. Trust and watch are only hinted
//! at: they read rows.

mod fork;
mod freshness;
mod index;
mod own;
mod pump;
mod replica;
mod ring;
pub mod rows;
mod source;
mod staged;
#[cfg(all(test, feature = "test-util"))]
pub(crate) mod tests;

pub use fork::{Fork, KeepEvidence, is_forked};
pub use freshness::{CLOCK_ALARM_MS, Freshness, freshness};
pub(crate) use index::issue;
pub use own::OwnIndex;
pub use replica::{Carrier, Committed, Delivery, Ingested, Outcome, Replica};
pub use ring::{MAX_EVIDENCE_BYTES, MAX_ROWS};
pub use source::{Ask, LogSource, Reading};

use crate::{
    clock::Clock,
    crash::Crash,
    kafka::Kafka,
    ledger::Ledger,
    random::Random,
    space::{self, FreeSpace, Short},
    spawn::Tasks,
    store::{
        self, Space, Store, keys,
        log::{Entry, Kind, Log},
    },
    verification::Known,
    watch::Watch,
};
use exchange_core::{
    apply::Void,
    bundle::TrustBundle,
    checkpoint::VerifiedCheckpoint,
    event::{Carried, EventKind},
    position::Position,
    region::Region,
    sealed::IndexKey,
};
use exchange_proto::v1;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// What deliveries are judged by: keys by position, and keys that open holder tags. Made anew when either changes.
#[derive(Clone)]
pub struct Context {
    /// The trust bundle.
    pub bundle: Arc<TrustBundle>,
    /// Every index key that is loaded.
    pub index_keys: Arc<Vec<IndexKey>>,
}

/// What the indexer needs.
#[derive(Clone)]
pub struct Parts {
    /// Reads `own/`, writes `province/`.
    pub store: Store,
    /// Keeps fork evidence.
    pub ledger: Ledger,
    /// The fast path.
    pub kafka: Kafka,
    /// The sure one.
    pub source: LogSource,
    /// Tracks the pumps.
    pub tasks: Tasks,
    /// When checkpoints came.
    pub clock: Clock,
    /// Which peer is asked.
    pub random: Random,
    /// Own region.
    pub region: Region,
    /// Epoch of the own log.
    pub epoch: u32,
    /// The province's region.
    pub province: Region,
    /// Changes when the bundle or the index keys do.
    pub context: watch::Receiver<Context>,
    /// Subscribers.
    pub watch: Watch,
    /// Forgets entries when one is redacted.
    pub known: Known,
    /// After two of these without a word a region is asked.
    pub heartbeat: Duration,
    /// Where tests stop it.
    pub crash: Crash,
    /// Without enough of it nothing is taken in: regions get stale, and go on when there is.
    pub room: FreeSpace,
}

/// What all pumps share.
struct Shared {
    parts: Parts,
    /// Rows of implementations depend on the province's log too: its pump writes alone, the others together.
    gate: RwLock<()>,
    trust: watch::Sender<u64>,
    catalogue: watch::Sender<u64>,
    failed: watch::Sender<bool>,
}

impl Shared {
    /// Waits until there is room to write, or the node stops.
    async fn wait_for_room(&self) {
        let mut said = false;
        while let Err(Short { found, needed }) = self.parts.room.check() {
            if !said {
                tracing::warn!(found, needed, "no space: nothing is taken in until there is room");
                said = true;
            }
            tokio::select! {
                biased;
                () = self.parts.tasks.stopping() => return,
                () = self.parts.clock.sleep(space::INTERVAL) => {}
            }
        }
    }

    /// After an error: an engine whose commit or flush failed takes none any more, only a start mends it.
    fn note_failure(&self) {
        if self.parts.store.province.has_failed() {
            tracing::error!("the store of the province takes no commits any more: the node has to restart");
            self.failed.send_replace(true);
        }
    }
}

/// The indexer, running.
#[derive(Clone)]
pub struct Indexer {
    shared: Arc<Shared>,
    pumps: Arc<Mutex<BTreeMap<Region, mpsc::Sender<VerifiedCheckpoint>>>>,
}

impl Indexer {
    /// Starts a pump for each region of the bundle, and for those that a later bundle adds.
    pub fn start(parts: Parts) -> Self {
        let tasks = parts.tasks.clone();
        let shared = Arc::new(Shared {
            parts,
            gate: RwLock::default(),
            trust: watch::Sender::new(0),
            catalogue: watch::Sender::new(0),
            failed: watch::Sender::new(false),
        });
        let indexer = Self { shared: Arc::clone(&shared), pumps: Arc::default() };
        tasks.spawn(pump::own(shared));
        let following = indexer.clone();
        tasks.spawn(async move { following.follow().await });
        indexer
    }

    async fn follow(&self) {
        let parts = &self.shared.parts;
        let mut context = parts.context.clone();
        loop {
            let regions: Vec<Region> = context.borrow_and_update().bundle.regions.keys().copied().collect();
            for region in regions.into_iter().filter(|region| *region != parts.region) {
                self.pumps.lock().unwrap_or_else(PoisonError::into_inner).entry(region).or_insert_with(|| {
                    let (witnesses, seen) = mpsc::channel(16);
                    parts.tasks.spawn(pump::follow(Arc::clone(&self.shared), region, seen));
                    witnesses
                });
            }
            tokio::select! {
                biased;
                () = parts.tasks.stopping() => return,
                changed = context.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Becomes true when `province/` takes no commits any more: the node has to drain and exit.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.shared.failed.subscribe()
    }

    /// Rises when a CRL or a bundle was applied: [`carried`] reads them.
    pub fn trust_hint(&self) -> watch::Receiver<u64> {
        self.shared.trust.subscribe()
    }

    /// Rises when types, matters or implementations may have changed.
    pub fn catalogue_hint(&self) -> watch::Receiver<u64> {
        self.shared.catalogue.subscribe()
    }

    /// Compares a genuine checkpoint that came by gossip with the copy of its region; if it is ahead, the region is
    /// asked. Dropped when the region has enough of them waiting.
    pub fn witness(&self, region: Region, checkpoint: VerifiedCheckpoint) {
        if let Some(pump) = self.pumps.lock().unwrap_or_else(PoisonError::into_inner).get(&region) {
            let _ = pump.try_send(checkpoint);
        }
    }

    /// How fresh answers about a region are.
    ///
    /// # Errors
    /// The store fails.
    pub fn freshness(&self, region: Region, stale_after: Duration) -> Result<Freshness, store::Error> {
        let state = self.shared.parts.store.region_state(region)?;
        Ok(freshness(region, state.as_deref(), self.shared.parts.clock.now_ms(), stale_after))
    }
}

/// A CRL or a bundle as a log says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedItem {
    /// Where it stands.
    pub position: Position,
    /// Is it a CRL? Else a trust bundle.
    pub crl: bool,
    /// The bytes, or where they are.
    pub body: Carried,
}

/// The newest CRLs and bundles that the logs of all regions carry. They prove themselves; nothing is checked here.
///
/// # Errors
/// The store fails.
pub fn carried(store: &Store, own: Region) -> Result<Vec<CarriedItem>, store::Error> {
    let rows = store.province.scan(Space::Regions, index::CARRIED, &keys::after(index::CARRIED), usize::MAX)?;
    let mut found = Vec::new();
    for (_, value) in rows {
        let row: v1::LogPosition = store::own::decode(Space::Regions, &value)?;
        let Ok(position) = exchange_proto::certificate::position(row) else { continue };
        let database = if position.region == own { &store.own } else { &store.province };
        let entry = Log::new(database, Kind::Events, position.region, position.epoch).entry(position.index)?;
        let Some(Entry::Bytes(bytes)) = entry else { continue };
        match exchange_proto::event::decode(&bytes).map(|event| event.kind) {
            Ok(EventKind::CrlPublished { body, .. }) => found.push(CarriedItem { position, crl: true, body }),
            Ok(EventKind::TrustBundlePublished { body, .. }) => found.push(CarriedItem { position, crl: false, body }),
            _ => {}
        }
    }
    Ok(found)
}

fn count_void(region: Region, reason: &Void) {
    tracing::warn!(%region, reason = reason.code(), "a void entry");
    let labels = [("region", region.to_string()), ("reason", reason.code().to_owned())];
    metrics::counter!(crate::telemetry::VOID_ENTRIES, &labels).increment(1);
}
