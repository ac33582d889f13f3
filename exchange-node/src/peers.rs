//! The other cities' nodes: their addresses from the trust bundle, and two channels to each.
//!
//! One channel carries questions, and refuses a node whose CA's CRL is stale here. The other only reads logs and trust,
//! and admits such a node, so that a node that was away can fetch what it misses; a long read never delays a question on
//! it either.

mod calls;
mod file;
mod probe;
#[cfg(feature = "test-util")]
pub mod wire;

pub use file::{FileParts, within};
pub use probe::{Step, StepState};

use crate::{
    clock::Clock,
    limits::{
        self,
        room::{Place, Room},
    },
    random::Random,
    refusal::Refusal,
    tls::{Stream, Target, Tls},
    trust::Trust,
};
use exchange_core::{reason::Reason, region::Region};
use exchange_proto::v1::peer_service_client::PeerServiceClient;
use hyper_util::rt::TokioIo;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tonic::transport::{Channel, Endpoint, Uri};

/// Longest wait for a connection, and again for its handshake.
const CONNECT: Duration = Duration::from_secs(3);
/// Largest message of a log or of trust: a segment, or a chunk. A peer that answers with more, which may be a million
/// entries of nothing, is not read.
const READING_BYTES: usize = 1 << 20;
/// First pause after a failed connection; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// HTTP/2 keep-alive, so that a dead connection is found before the next question.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What carries a call to another node.
#[cfg(not(feature = "test-util"))]
pub type Wire = Channel;
#[cfg(feature = "test-util")]
pub use wire::Wire;

/// All other nodes.
#[derive(Debug)]
pub struct Peers {
    tls: Arc<Tls>,
    trust: Arc<Trust>,
    clock: Clock,
    random: Random,
    own: Region,
    message_bytes: usize,
    known: Mutex<BTreeMap<Region, Arc<Peer>>>,
    #[cfg(feature = "test-util")]
    faults: std::sync::OnceLock<wire::Faults>,
}

/// What a channel may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Questions,
    Reading,
}

/// One region's node.
#[derive(Debug)]
struct Peer {
    questions: Channel,
    reading: Channel,
    /// Questions that it has not answered yet.
    unanswered: Arc<Room>,
    state: Arc<Mutex<Progress>>,
}

#[derive(Debug, Default)]
struct Progress {
    address: String,
    connected: bool,
    last_error: String,
    /// In a row.
    failures: u32,
    not_before: Option<Instant>,
}

/// How it stands with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The last connection succeeded.
    Connected,
    /// Nobody asked for it yet.
    Idle,
    /// The last connection failed.
    Failed,
}

/// A peer for `ListPeers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its region.
    pub region: Region,
    /// The region's name.
    pub name: String,
    /// The address used last, or the first of the bundle.
    pub address: String,
    /// How it stands.
    pub state: State,
    /// Empty: none.
    pub last_error: String,
}

impl Peers {
    /// None is connected before it is needed. `message_bytes`: the largest answer that is taken.
    pub fn new(
        tls: Arc<Tls>,
        trust: Arc<Trust>,
        clock: Clock,
        random: Random,
        own: Region,
        message_bytes: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            tls,
            trust,
            clock,
            random,
            own,
            message_bytes,
            known: Mutex::default(),
            #[cfg(feature = "test-util")]
            faults: std::sync::OnceLock::new(),
        })
    }

    /// For questions to a region's node. The caller gives each request its deadline ([`with_deadline`]).
    ///
    /// # Errors
    /// `PEER_UNKNOWN`, `BUNDLE_EXPIRED`.
    pub fn client(self: &Arc<Self>, region: Region) -> Result<PeerServiceClient<Wire>, Refusal> {
        self.new_peers_allowed(region)?;
        Ok(self.service(region, self.peer(region)?.questions.clone(), self.message_bytes))
    }

    /// A place for a question of `who` to a region's node, so that a city which answers slowly holds a bounded number of
    /// calls here. `None` for one that may not be asked: asking it says why.
    ///
    /// # Errors
    /// `OVERLOADED`: too many questions to it are not answered yet.
    pub async fn admit(self: &Arc<Self>, region: Region, who: &Arc<str>) -> Result<Option<Place>, Refusal> {
        match self.new_peers_allowed(region).and_then(|()| self.peer(region)) {
            Ok(peer) => limits::enter_for_peer(&peer.unanswered, who).await.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// For `ReadLog`, `GetCheckpoint`, `GetConsistencyProof` and `GetTrust` alone: also a node whose CRL is stale here.
    ///
    /// # Errors
    /// `PEER_UNKNOWN`.
    pub fn reader(self: &Arc<Self>, region: Region) -> Result<PeerServiceClient<Wire>, Refusal> {
        Ok(self.service(region, self.peer(region)?.reading.clone(), READING_BYTES))
    }

    /// The regions of the bundle that have a node, without the own one.
    pub fn regions(&self) -> Vec<Region> {
        let snapshot = self.trust.snapshot();
        let with_node = snapshot.bundle().regions.iter().filter(|(_, trust)| !trust.nodes.is_empty());
        with_node.map(|(region, _)| *region).filter(|region| *region != self.own).collect()
    }

    /// Every other node, for operators.
    pub fn list(&self) -> Vec<Listed> {
        let snapshot = self.trust.snapshot();
        let known = self.known();
        let mut listed = Vec::new();
        for (region, trust) in &snapshot.bundle().regions {
            let Some(first) = trust.nodes.first().filter(|_| *region != self.own) else { continue };
            let mut one = Listed {
                region: *region,
                name: trust.name.clone(),
                address: first.address.clone(),
                state: State::Idle,
                last_error: String::new(),
            };
            if let Some(peer) = known.get(region) {
                let progress = lock(&peer.state);
                one.last_error.clone_from(&progress.last_error);
                if !progress.address.is_empty() {
                    one.address.clone_from(&progress.address);
                }
                one.state = match (progress.connected, progress.failures) {
                    (_, 1..) => State::Failed,
                    (true, 0) => State::Connected,
                    (false, 0) => State::Idle,
                };
            }
            listed.push(one);
        }
        listed
    }

    /// After the bundle's end no new peer is met; those that are known go on.
    fn new_peers_allowed(&self, region: Region) -> Result<(), Refusal> {
        if self.known().contains_key(&region) {
            return Ok(());
        }
        self.trust.require_current_bundle("a new peer")
    }

    fn service(&self, region: Region, channel: Channel, most: usize) -> PeerServiceClient<Wire> {
        PeerServiceClient::new(self.wire(region, channel)).max_decoding_message_size(most)
    }

    #[cfg(not(feature = "test-util"))]
    const fn wire(&self, _region: Region, channel: Channel) -> Wire {
        channel
    }

    #[cfg(feature = "test-util")]
    fn wire(&self, region: Region, channel: Channel) -> Wire {
        let faults = self.faults.get().cloned().unwrap_or_default();
        Wire::new(channel, faults, wire::Link::new(self.own.as_str(), region.as_str()))
    }

    /// What happens to calls from now on.
    #[cfg(feature = "test-util")]
    pub fn put_faults(&self, faults: wire::Faults) {
        let _ = self.faults.set(faults);
    }

    fn peer(self: &Arc<Self>, region: Region) -> Result<Arc<Peer>, Refusal> {
        if let Some(peer) = self.known().get(&region) {
            return Ok(Arc::clone(peer));
        }
        if region == self.own || self.targets(region, Use::Reading).is_empty() {
            return Err(unknown(region));
        }
        let state = Arc::<Mutex<Progress>>::default();
        let peer = Arc::new(Peer {
            questions: self.channel(region, Use::Questions, &state)?,
            reading: self.channel(region, Use::Reading, &state)?,
            unanswered: limits::to_a_peer(self.clock.clone()),
            state,
        });
        Ok(Arc::clone(self.known().entry(region).or_insert(peer)))
    }

    /// A channel that connects when it is used, and again when the connection has ended.
    fn channel(
        self: &Arc<Self>,
        region: Region,
        used_for: Use,
        state: &Arc<Mutex<Progress>>,
    ) -> Result<Channel, Refusal> {
        // TLS is the connector's own, so the scheme is http; the name is only for logs.
        let endpoint = Endpoint::from_shared(format!("http://{region}.peer"))
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "an endpoint"))?
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20);
        let (peers, state) = (Arc::downgrade(self), Arc::clone(state));
        Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (peers, state) = (peers.clone(), Arc::clone(&state));
            async move {
                let peers = peers.upgrade().ok_or_else(|| io::Error::other("the node is stopping"))?;
                Ok::<_, io::Error>(TokioIo::new(peers.connect(region, used_for, &state).await?))
            }
        })))
    }

    async fn connect(&self, region: Region, used_for: Use, state: &Mutex<Progress>) -> io::Result<Stream> {
        let now = self.clock.instant();
        if lock(state).not_before.is_some_and(|at| now < at) {
            let last = lock(state).last_error.clone();
            return Err(io::Error::other(format!("not tried again so soon after: {last}")));
        }
        let mut faults = Vec::new();
        for target in self.targets(region, used_for) {
            match self.tls.connect(&target, CONNECT).await {
                Ok(stream) => {
                    *lock(state) = Progress { address: target.address, connected: true, ..Progress::default() };
                    return Ok(stream);
                }
                Err(error) => faults.push(format!("{}: {error}", target.address)),
            }
        }
        let fault = if faults.is_empty() { "no address in the trust bundle".to_owned() } else { faults.join("; ") };
        tracing::warn!(%region, fault, "a peer cannot be reached");
        let mut progress = lock(state);
        let pause = FIRST_PAUSE.saturating_mul(1 << progress.failures.min(7)).min(LONGEST_PAUSE);
        progress.failures = progress.failures.saturating_add(1);
        progress.not_before = Some(self.clock.instant() + self.random.jitter(pause));
        progress.last_error.clone_from(&fault);
        progress.connected = false;
        Err(io::Error::other(fault))
    }

    fn targets(&self, region: Region, used_for: Use) -> Vec<Target> {
        let snapshot = self.trust.snapshot();
        let nodes = snapshot.bundle().regions.get(&region).map_or(&[][..], |trust| &trust.nodes);
        nodes
            .iter()
            .map(|node| Target {
                region,
                address: node.address.clone(),
                server_name: node.server_name.clone(),
                admit_stale_crl: used_for == Use::Reading,
            })
            .collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Region, Arc<Peer>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that tells the peer how long it may take (`Endpoint::timeout` would only end the wait here).
pub fn with_deadline<T>(message: T, left: Duration) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(left);
    request
}

fn unknown(region: Region) -> Refusal {
    Refusal::caller(Reason::PeerUnknown, region.to_string(), "another region that has a node in the trust bundle")
}

fn lock(state: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
