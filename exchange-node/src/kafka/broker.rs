//! The real carrier: one producer and one consumer per node, both rebuilt whenever the configuration, the set of regions
//! or the cluster changes.
//!
//! Each region has its own partition queue, so that a region whose gap is being filled holds up no other.

use super::{Error, Outgoing, Record, Settings, topic};
use crate::spawn::Tasks;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use exchange_core::region::Region;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, DefaultConsumerContext, StreamConsumer, stream_consumer::StreamPartitionQueue},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer},
    util::Timeout,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Own timer round a delivery: librdkafka's report can come late.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(20);
/// For the first answer of a cluster.
const CLUSTER_WITHIN: Duration = Duration::from_secs(5);
/// How often the cluster's id is looked at: a broker may be replaced by an empty one under the same address.
const CLUSTER_INTERVAL: Duration = Duration::from_secs(5);
/// Largest answer of a broker, in bytes; a record has at most [`super::MAX_RECORD_BYTES`].
const MAX_FETCH_BYTES: usize = 4 << 20;
/// Between attempts to reach a cluster.
const RETRY: Duration = Duration::from_millis(500);

type Queue = StreamPartitionQueue<DefaultConsumerContext>;

/// Producer and consumer of one node.
pub(super) struct Clients {
    tasks: Tasks,
    settings: ArcSwapOption<Settings>,
    producer: ArcSwapOption<FutureProducer>,
    positions: Mutex<BTreeMap<Region, Position>>,
    /// Counts changes of positions that a feed asked for; a session says which of them it knows.
    asked: AtomicU64,
    sessions: watch::Sender<Arc<Session>>,
    rebuild: Notify,
    trouble: ArcSwapOption<String>,
    /// Rises with each swap: what waits for a broker that is given up waits no longer.
    swaps: watch::Sender<u64>,
}

/// Where a region's feed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    cluster: Arc<str>,
    offset: i64,
}

/// One consumer with its queues; replaced whole.
struct Session {
    knows: u64,
    cluster: Arc<str>,
    queues: BTreeMap<Region, Queue>,
    consumer: Option<Arc<StreamConsumer>>,
}

impl Session {
    fn none() -> Arc<Self> {
        Arc::new(Self { knows: 0, cluster: Arc::from(""), queues: BTreeMap::new(), consumer: None })
    }
}

impl Clients {
    pub(super) fn start(settings: Option<Settings>, tasks: &Tasks) -> Arc<Self> {
        let clients = Arc::new(Self {
            tasks: tasks.clone(),
            settings: ArcSwapOption::from(settings.map(Arc::new)),
            producer: ArcSwapOption::empty(),
            positions: Mutex::default(),
            asked: AtomicU64::new(0),
            sessions: watch::Sender::new(Session::none()),
            rebuild: Notify::new(),
            trouble: ArcSwapOption::empty(),
            swaps: watch::Sender::new(0),
        });
        let running = Arc::clone(&clients);
        tasks.spawn(async move { running.run().await });
        clients
    }

    pub(super) fn swap(&self, settings: Option<Settings>) {
        self.settings.store(settings.map(Arc::new));
        self.retire_producer();
        self.swaps.send_modify(|count| *count += 1);
        self.rebuild.notify_one();
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.load().as_deref().cloned()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        self.trouble.store(trouble.map(Arc::new));
    }

    fn positions(&self) -> MutexGuard<'_, BTreeMap<Region, Position>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn feed(self: &Arc<Self>, region: Region, cluster: &str, offset: i64) -> Feed {
        self.positions().insert(region, Position { cluster: Arc::from(cluster), offset });
        let needs = self.ask();
        Feed { clients: Arc::clone(self), region, sessions: self.sessions.subscribe(), needs }
    }

    /// Asks for a session that knows the positions as they are now.
    fn ask(&self) -> u64 {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.rebuild.notify_one();
        asked
    }

    pub(super) async fn publish(&self, region: Region, segment: &Outgoing) -> Result<(), Error> {
        let producer = self.producer()?;
        let (epoch, first, count) = (segment.epoch.to_string(), segment.first.to_string(), segment.count.to_string());
        let (region_name, topic) = (region.to_string(), topic(region));
        let headers = [("region", &region_name), ("epoch", &epoch), ("first", &first), ("count", &count)]
            .into_iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        let record = FutureRecord::<(), [u8]>::to(&topic).partition(0).payload(segment.bytes.as_ref()).headers(headers);
        let mut swaps = self.swaps.subscribe();
        let delivered = tokio::select! {
            biased;
            delivered = tokio::time::timeout(CONFIRMED_WITHIN, producer.send(record, Timeout::After(RETRY))) => delivered,
            _ = swaps.changed() => return Err(Error::NotConfirmed("the settings have changed".to_owned())),
        };
        let error = match delivered {
            Ok(Ok(_)) => {
                self.set_trouble(None);
                return Ok(());
            }
            Ok(Err((error, _))) => Error::NotConfirmed(error.to_string()),
            Err(_) => Error::TimedOut { seconds: CONFIRMED_WITHIN.as_secs() },
        };
        if let Some((code, text)) = producer.client().fatal_error() {
            tracing::warn!(?code, text, "the Kafka producer failed for good and is rebuilt");
            self.retire_producer();
        }
        self.set_trouble(Some(error.to_string()));
        Err(error)
    }

    fn producer(&self) -> Result<Arc<FutureProducer>, Error> {
        if let Some(producer) = self.producer.load_full() {
            return Ok(producer);
        }
        let settings = self.settings.load_full().ok_or(Error::Off)?;
        let built: FutureProducer = common(&settings)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "60000")
            .set("linger.ms", "0") // one segment at a time, and each is full when there is much to send
            .set("compression.type", "zstd")
            .set("message.max.bytes", super::MAX_RECORD_BYTES.to_string())
            .create()
            .map_err(|error| Error::Configuration(error.to_string()))?;
        let built = Arc::new(built);
        self.producer.store(Some(Arc::clone(&built)));
        Ok(built)
    }

    /// Destroying a client blocks.
    fn retire_producer(&self) {
        if let Some(producer) = self.producer.swap(None) {
            self.tasks.blocking(move || drop(producer));
        }
    }

    fn replace(&self, session: Arc<Session>) {
        let old = self.sessions.send_replace(session);
        self.tasks.blocking(move || {
            // The feeds let go of it as soon as they see the new one; the last owner pays for the close.
            for _ in 0..100 {
                if Arc::strong_count(&old) == 1 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
    }

    async fn run(self: Arc<Self>) {
        let stop = self.tasks.token();
        loop {
            let built = self.build().await;
            let watched = match &built {
                Ok(Some(session)) => session.consumer.clone().map(|consumer| (consumer, Arc::clone(&session.cluster))),
                _ => None,
            };
            let retry = match built {
                Ok(session) => {
                    self.replace(session.unwrap_or_else(Session::none));
                    None
                }
                Err(error) => {
                    tracing::debug!(%error, "no Kafka consumer yet");
                    self.set_trouble(Some(error.to_string()));
                    Some(RETRY)
                }
            };
            let waiting = async {
                match (retry, watched) {
                    (Some(retry), _) => tokio::time::sleep(retry).await,
                    (None, Some((consumer, cluster))) => self.serve(&consumer, &cluster).await,
                    (None, None) => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.rebuild.notified() => {
                    // Several regions are added at once at a start.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                () = waiting => {}
            }
        }
        self.retire_producer();
        self.replace(Session::none());
    }

    /// Serves the consumer's events; returns when its cluster was replaced.
    async fn serve(&self, consumer: &Arc<StreamConsumer>, cluster: &Arc<str>) {
        loop {
            match tokio::time::timeout(CLUSTER_INTERVAL, consumer.recv()).await {
                Ok(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::PartitionEOF))) | Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::debug!(%error, "Kafka consumer");
                    self.set_trouble(Some(error.to_string()));
                    tokio::time::sleep(RETRY).await;
                }
                Err(_) => {
                    let asked = Arc::clone(consumer);
                    let work = move || asked.client().fetch_cluster_id(Duration::from_millis(100));
                    if let Ok(Some(found)) = self.tasks.blocking(work).await
                        && found != **cluster
                    {
                        tracing::warn!(%found, needed = %cluster, "Kafka's brokers are another cluster now");
                        return;
                    }
                }
            }
        }
    }

    async fn build(&self) -> Result<Option<Arc<Session>>, Error> {
        let knows = self.asked.load(Ordering::SeqCst);
        let positions = self.positions().clone();
        let Some(settings) = self.settings.load_full().filter(|_| !positions.is_empty()) else { return Ok(None) };
        let session = self.tasks.blocking(move || session(&settings, &positions, knows)).await;
        let session = session.map_err(|error| Error::NotConfirmed(error.to_string()))??;
        let mut positions = self.positions();
        for position in positions.values_mut().filter(|position| position.cluster != session.cluster) {
            *position = Position { cluster: Arc::clone(&session.cluster), offset: 0 };
        }
        drop(positions);
        self.set_trouble(None);
        Ok(Some(Arc::new(session)))
    }
}

/// Builds a consumer and assigns every region at its position. Blocks.
fn session(settings: &Settings, positions: &BTreeMap<Region, Position>, knows: u64) -> Result<Session, Error> {
    let refused = |error: KafkaError| Error::Configuration(error.to_string());
    let consumer: StreamConsumer = common(settings)
        .set("group.id", &settings.client) // assign() needs one; nothing is committed to it
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("queued.max.messages.kbytes", "4096")
        // What a few compressed bytes may become: librdkafka unpacks no batch beyond the largest answer that it takes.
        .set("fetch.message.max.bytes", MAX_FETCH_BYTES.to_string())
        .set("fetch.max.bytes", MAX_FETCH_BYTES.to_string())
        .set("receive.message.max.bytes", (MAX_FETCH_BYTES + (1 << 20)).to_string())
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "50")
        .set("fetch.error.backoff.ms", "100")
        .create()
        .map_err(refused)?;
    let consumer = Arc::new(consumer);
    let cluster = consumer
        .client()
        .fetch_cluster_id(CLUSTER_WITHIN)
        .ok_or_else(|| Error::NotConfirmed(format!("no broker of {} answers", settings.bootstrap_servers)))?;
    let cluster: Arc<str> = Arc::from(cluster);
    let mut list = TopicPartitionList::new();
    for (region, position) in positions {
        let offset = if position.cluster == cluster && position.offset > 0 {
            Offset::Offset(position.offset)
        } else {
            Offset::Beginning
        };
        list.add_partition_offset(&topic(*region), 0, offset).map_err(refused)?;
    }
    consumer.assign(&list).map_err(refused)?;
    let queues = positions
        .keys()
        .filter_map(|region| Some((*region, consumer.split_partition_queue(&topic(*region), 0)?)))
        .collect();
    Ok(Session { knows, cluster, queues, consumer: Some(consumer) })
}

pub(super) fn common(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("client.id", &settings.client)
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true");
    if let Some(ca) = &settings.ca {
        config.set("security.protocol", "ssl").set("ssl.ca.location", ca.to_string_lossy());
        for (name, file) in [("ssl.certificate.location", &settings.certificate), ("ssl.key.location", &settings.key)] {
            if let Some(file) = file {
                config.set(name, file.to_string_lossy());
            }
        }
    }
    config
}

/// One region's queue, over all sessions.
pub(super) struct Feed {
    clients: Arc<Clients>,
    region: Region,
    sessions: watch::Receiver<Arc<Session>>,
    /// Sessions that do not know this feed's last request are passed over.
    needs: u64,
}

impl Feed {
    pub(super) async fn next(&mut self) -> Record {
        loop {
            let session = Arc::clone(&self.sessions.borrow_and_update());
            let queue = session.queues.get(&self.region).filter(|_| session.knows >= self.needs);
            let received = match queue {
                None => None,
                Some(queue) => tokio::select! {
                    biased;
                    _ = self.sessions.changed() => continue,
                    received = queue.recv() => Some(received.map(|message| {
                        (message.offset(), Bytes::copy_from_slice(message.payload().unwrap_or_default()))
                    })),
                },
            };
            match received {
                Some(Ok((offset, payload))) => {
                    let cluster = Arc::clone(&session.cluster);
                    let position = Position { cluster: Arc::clone(&cluster), offset: offset + 1 };
                    self.clients.positions().insert(self.region, position);
                    return Record { cluster, offset, payload };
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, region = %self.region, "Kafka feed");
                    self.clients.set_trouble(Some(error.to_string()));
                    drop(session);
                    tokio::time::sleep(RETRY).await;
                }
                None => {
                    drop(session);
                    if self.sessions.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }

    pub(super) fn seek(&mut self, offset: i64) {
        if let Some(position) = self.clients.positions().get_mut(&self.region) {
            position.offset = offset;
        }
        self.needs = self.clients.ask();
    }
}
