//! A province of real nodes in one process: real credentials, TLS, gRPC and stores on disk; the carrier is in memory and
//! does what a carrier may do. Each node has a runtime of its own, so that a kill is one: nothing of it goes on.

mod asks;
mod checks;
mod conduct;
mod disk;
mod files;
mod forge;
mod held;
mod outputs;
mod relay;

pub(crate) use asks::*;
pub(crate) use disk::*;
pub(crate) use forge::*;
pub(crate) use relay::*;

use checks::Told;
use exchange_core::region::Region;
use exchange_node::{
    access::audit::Outcome,
    clock::Clock,
    crash::{Crash, trap::Trap},
    kafka::{Kafka, memory::Broker},
    node::{Node, Seams, Source},
    peers::wire::Faults,
    practice::{self, Client, OPERATOR, Options, Practice, SYSTEM},
    store::{
        Space, Store, keys,
        log::{Kind, Log},
    },
};
use exchange_proto::v1::{
    admin_service_client::AdminServiceClient, catalogue_service_client::CatalogueServiceClient,
    certificate_service_client::CertificateServiceClient, lookup_service_client::LookupServiceClient,
    peer_service_client::PeerServiceClient,
};
use exchange_proto::{rows, store::ForkEvidence};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::transport::Channel;

/// 山东省.
pub(crate) const PROVINCE: &str = "370000";
/// 济南.
pub(crate) const JINAN: &str = "370100";
/// 青岛.
pub(crate) const QINGDAO: &str = "370200";
/// 烟台.
pub(crate) const YANTAI: &str = "370600";
/// 淄博: in the trust bundle, but no node of it is started. Its log is forged by [`ThrowAway`].
pub(crate) const ZIBO: &str = "370300";

/// Longest wait for what has to come; nothing waits without a condition.
const WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// What every node of a world has in its configuration: quick words, little patience.
const CONFIG: &str = "[freshness]\nheartbeat_seconds = 1\nanchor_seconds = 1\nstale_after_seconds = 30\n\n\
                      [limits]\nfree_space_mib = 64\ndrain_seconds = 4\n\n\
                      [systems.kiosk]\nlookup = true\n";

/// A second system that each node lists; its credential is made by the test that needs it.
pub(crate) const KIOSK: &str = "kiosk";

pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

struct Running {
    node: Node,
    runtime: Runtime,
    trap: Arc<Trap>,
}

impl Running {
    /// Nothing of it goes on; where it stood still at a crash point, its threads end.
    fn end(self) {
        self.node.kill();
        self.runtime.shutdown_background();
        self.trap.release();
    }
}

/// A province, what its clients were told, and what carries its logs.
pub(crate) struct World {
    pub(crate) practice: Practice,
    pub(crate) broker: Broker,
    /// What happens to calls between nodes, and of the clients that ask for it.
    pub(crate) faults: Faults,
    clocks: BTreeMap<Region, Clock>,
    folder: TempDir,
    running: BTreeMap<Region, Running>,
    told: Mutex<Told>,
    over_kafka: bool,
    label: &'static str,
}

impl World {
    /// The province and three cities, all running, with nothing published.
    pub(crate) async fn new(label: &'static str) -> Self {
        Self::of(label, &[PROVINCE, JINAN, QINGDAO, YANTAI], &[ZIBO]).await
    }

    /// Regions with a running node, and regions of which no node is started.
    pub(crate) async fn of(label: &'static str, nodes: &[&str], silent: &[&str]) -> Self {
        let begun = Instant::now();
        let mut world = Self::made_of(label, &[nodes, silent].concat(), true);
        let made = begun.elapsed();
        for code in nodes {
            world.start(code).await;
        }
        let started = begun.elapsed();
        world.all_writable().await;
        println!("{label}: credentials in {made:?}, running after {started:?}, writing after {:?}", begun.elapsed());
        world
    }

    /// As [`World::new`], with the sample catalogue published and known everywhere.
    pub(crate) async fn with_catalogue(label: &'static str) -> Self {
        let world = Self::new(label).await;
        world.publish_samples().await;
        world
    }

    /// The credentials and folders; no node is started. Without `over_kafka` the nodes have no carrier at all.
    pub(crate) fn made(label: &'static str, over_kafka: bool) -> Self {
        Self::made_of(label, &[PROVINCE, JINAN, QINGDAO, YANTAI, ZIBO], over_kafka)
    }

    fn made_of(label: &'static str, regions: &[&str], over_kafka: bool) -> Self {
        outputs::record();
        let folder = tempfile::tempdir_in(fast_folder()).unwrap();
        let regions = regions.iter().copied().map(region).collect();
        let options = Options { regions, kafka: None, more_config: CONFIG.to_owned() };
        let practice = Practice::create(&folder.path().join("province"), options).unwrap();
        Self {
            practice,
            broker: Broker::default(),
            faults: Faults::default(),
            clocks: BTreeMap::new(),
            folder,
            running: BTreeMap::new(),
            told: Mutex::default(),
            over_kafka,
            label,
        }
    }

    /// Starts a node; waits while an earlier run of it still holds its folder.
    pub(crate) async fn start(&mut self, code: &str) {
        self.start_with(code, Trap::default()).await;
    }

    /// As [`World::start`], with somebody who sees every crash point.
    pub(crate) async fn start_with(&mut self, code: &str, trap: Trap) {
        let trap = Arc::new(trap);
        let clock = self.clocks.entry(region(code)).or_default().clone();
        let source = Source::File { path: self.practice.config(region(code)), overrides: Vec::new() };
        let end = Instant::now() + WITHIN;
        loop {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let seams = Seams {
                carrier: self.over_kafka.then(|| Kafka::memory(self.broker.seen_by(region(code)))),
                crash: Crash::trapped(Arc::clone(&trap)),
                clock: clock.clone(),
                faults: self.faults.clone(),
            };
            let source = source.clone();
            let started = runtime.spawn(async move { Node::start_under(source, seams).await });
            match started.await.unwrap() {
                Ok(node) => {
                    self.running.insert(region(code), Running { node, runtime, trap });
                    return;
                }
                Err(error) => {
                    runtime.shutdown_background();
                    assert!(Instant::now() < end, "{code} does not start: {error}");
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    /// Ends a node as a crash does. Its folder is free once [`World::start`] gets it.
    pub(crate) fn kill(&mut self, code: &str) {
        self.running.remove(&region(code)).unwrap().end();
    }

    /// Ends a node as SIGTERM does; what it still has to answer is answered.
    pub(crate) async fn drain(&mut self, code: &str) {
        let Running { node, runtime, trap } = self.running.remove(&region(code)).unwrap();
        runtime.spawn(node.drain()).await.unwrap();
        runtime.shutdown_background();
        trap.release();
    }

    /// The crash points of a running node.
    pub(crate) fn trap(&self, code: &str) -> &Arc<Trap> {
        &self.running[&region(code)].trap
    }

    /// Moves a node's clock, this run of it and those after it.
    pub(crate) fn shift_clock(&mut self, code: &str, by_ms: i64) {
        self.clocks.entry(region(code)).or_default().shift_ms(by_ms);
    }

    pub(crate) fn node(&self, code: &str) -> &Node {
        &self.running[&region(code)].node
    }

    pub(crate) fn store(&self, code: &str) -> &Store {
        self.node(code).control().store()
    }

    pub(crate) fn is_running(&self, code: &str) -> bool {
        self.running.contains_key(&region(code))
    }

    pub(crate) fn running(&self) -> Vec<Region> {
        self.running.keys().copied().collect()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a node keeps its store.
    pub(crate) fn data(&self, code: &str) -> PathBuf {
        self.practice.node_folder(region(code)).join("data")
    }

    pub(crate) async fn channel(client: &Client) -> Channel {
        let end = Instant::now() + WITHIN;
        loop {
            match practice::connect(client).await {
                Ok(channel) => return channel,
                Err(error) => assert!(Instant::now() < end, "no connection to {}: {error}", client.address),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A channel to a city's node as its calling system.
    pub(crate) async fn system(&self, code: &str) -> Channel {
        Self::channel(&self.practice.client(region(code), SYSTEM)).await
    }

    /// A channel to one city's node with a credential of another.
    pub(crate) async fn channel_of(&self, to: &str, of: &str, name: &str) -> Channel {
        Self::channel(&self.practice.client_of(region(to), region(of), name)).await
    }

    /// A channel to a city's node as its operator.
    pub(crate) async fn operator(&self, code: &str) -> Channel {
        Self::channel(&self.practice.client(region(code), OPERATOR)).await
    }

    pub(crate) async fn certificates(&self, code: &str) -> CertificateServiceClient<Channel> {
        CertificateServiceClient::new(self.system(code).await)
    }

    pub(crate) async fn lookups(&self, code: &str) -> LookupServiceClient<Channel> {
        LookupServiceClient::new(self.system(code).await)
    }

    pub(crate) async fn catalogue(&self, code: &str) -> CatalogueServiceClient<Channel> {
        CatalogueServiceClient::new(self.operator(code).await)
    }

    pub(crate) async fn admin(&self, code: &str) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.operator(code).await)
    }

    /// A city's node speaking to another city's, as whoever holds the first one's credential may.
    pub(crate) async fn peer(&self, from: &str, to: &str) -> PeerServiceClient<Channel> {
        PeerServiceClient::new(Self::channel(&self.practice.client_of(region(to), region(from), "node")).await)
    }

    /// Waits until every running node takes writes.
    pub(crate) async fn all_writable(&self) {
        for code in self.running() {
            until(&format!("{code} takes writes"), async || {
                self.node(code.as_str()).control().status().unwrap().writable
            })
            .await;
        }
    }

    /// Waits until every running node has applied all that the others have said.
    pub(crate) async fn settle(&self) {
        until("every node has applied every log", async || {
            let before = self.sizes();
            let applied = self.running().iter().all(|node| {
                before.iter().all(|(of, size)| {
                    let state = self.store(node.as_str()).region_state(*of).unwrap();
                    state.is_some_and(|state| state.forked || state.applied >= *size) || *size == 0
                })
            });
            applied && before == self.sizes()
        })
        .await;
    }

    /// One step of a scenario is done: everything arrives, and every invariant is checked.
    pub(crate) async fn step(&self, name: &str) {
        let begun = Instant::now();
        self.settle().await;
        let settled = begun.elapsed();
        self.check_invariants();
        let checked = begun.elapsed() - settled;
        println!("{}: {name} (settled in {settled:?}, checked in {checked:?})", self.label);
    }

    /// One round of a node's audit, which by itself runs once a minute.
    pub(crate) async fn audit(&self, code: &str) -> Vec<(Region, Outcome)> {
        let running = &self.running[&region(code)];
        let auditor = running.node.control().auditor().clone();
        running.runtime.spawn(async move { auditor.round().await }).await.unwrap()
    }

    /// Forks of a region's event log that a node keeps the evidence of.
    pub(crate) fn kept_forks(&self, at: &str, of: &str) -> usize {
        let prefix = keys::log(region(of), 1);
        self.store(at).own.scan(Space::Evidence, &prefix, &keys::after(&prefix), usize::MAX).unwrap().len()
    }

    /// Faults of the handshakes that a node has refused.
    pub(crate) fn refused_handshakes(&self, code: &str) -> Vec<&'static str> {
        self.node(code).control().tls().refusals().last().iter().map(|one| one.fault).collect()
    }

    /// Contradictions of access logs that a node keeps.
    pub(crate) fn kept_contradictions(&self, code: &str) -> usize {
        let all = self.store(code).own.scan(Space::Evidence, &[], &[u8::MAX; 64], usize::MAX).unwrap();
        let evidence = all.iter().map(|(_, value)| rows::decode::<ForkEvidence>(value).unwrap());
        evidence.filter(|evidence| evidence.origin.contains("/access/")).count()
    }

    /// Entries of the own event log of each running node.
    fn sizes(&self) -> BTreeMap<Region, u64> {
        self.running().into_iter().map(|code| (code, self.size(code.as_str()))).collect()
    }

    /// Entries of a city's own event log.
    pub(crate) fn size(&self, code: &str) -> u64 {
        let log = Log::new(&self.store(code).own, Kind::Events, region(code), 1);
        log.newest_checkpoint().unwrap().map_or(0, |(size, _)| size)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The stores are closed by what drops last; nobody waits for them.
        std::mem::take(&mut self.running).into_values().for_each(Running::end);
    }
}

/// In memory where there is room: thirty stores are made in a run, each with hundreds of syncs, and no scenario loses
/// power. What is measured and what is killed by the system itself is elsewhere, on disks.
fn fast_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    match exchange_node::space::free_bytes(&memory) {
        Ok(free) if free > 2 << 30 => memory,
        _ => std::env::temp_dir(),
    }
}

/// Waits for a condition, and says what did not come.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + WITHIN;
    while !condition().await {
        assert!(Instant::now() < end, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// A UUIDv7 that was made at a time, Unix milliseconds.
pub(crate) fn uuid_of(at_ms: u64) -> String {
    uuid::Builder::from_unix_timestamp_millis(at_ms, &[7; 10]).into_uuid().to_string()
}

/// Numbers that look random, by a seed that is printed: `EXCHANGE_SEED` gives the same run again.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(label: &str) -> Self {
        Self::of(label, Self::drawn(label))
    }

    pub(crate) fn of(label: &str, seed: u64) -> Self {
        println!("{label}: EXCHANGE_SEED={seed}");
        Self((seed << 1) | 1)
    }

    /// The given seed, or one of the clock.
    pub(crate) fn drawn(label: &str) -> u64 {
        if let Ok(given) = std::env::var("EXCHANGE_SEED") {
            return given.parse().unwrap_or_else(|_| panic!("{label}: EXCHANGE_SEED is no number"));
        }
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        u64::try_from(now & 0xFFFF_FFFF).unwrap()
    }

    /// Below `end` (xorshift64*).
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }
}
