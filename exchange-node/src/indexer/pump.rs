//! Brings deliveries to the replicas: from Kafka, and from other nodes when something is missing or silent.

mod own;

pub(super) use own::own;

use super::{
    Ask, Committed, Context, Delivery, Fork, KeepEvidence, Outcome, Replica, Shared,
    replica::{Carrier, Ingested},
};
use crate::{
    crash::Point,
    kafka::{Feed, Record},
    store,
};
use exchange_core::{checkpoint::VerifiedCheckpoint, region::Region};
use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Records that are taken at once while catching up.
const BATCH: usize = 8;
/// Segments of one `ReadLog` call, and taken at once then.
const READ: u32 = 8;
/// Longest `ReadLog` call.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// Between calls to one source: at most 160,000 entries a second.
const READ_PAUSE: Duration = Duration::from_millis(50);
/// Nodes that are asked about a silent region: itself and two others.
const ASKED: usize = 3;
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// Follows another region's log until the node stops.
pub(super) async fn follow(shared: Arc<Shared>, region: Region, mut witnesses: mpsc::Receiver<VerifiedCheckpoint>) {
    let mut context = shared.parts.context.clone();
    loop {
        let opened = {
            let shared = Arc::clone(&shared);
            let tasks = shared.parts.tasks.clone();
            tasks.blocking(move || Replica::open(&shared.parts.store, region, shared.parts.province)).await
        };
        let ended = match opened {
            Ok(Ok(replica)) => {
                let (cluster, offset) = replica.offset();
                let feed = shared.parts.kafka.feed(region, cluster, offset);
                let current = context.borrow_and_update().clone();
                let pump = Pump {
                    shared: Arc::clone(&shared),
                    region,
                    replica: Some(Box::new(replica)),
                    context: current,
                    feed,
                    pending: VecDeque::new(),
                    retry: FIRST_RETRY,
                };
                pump.run(&mut context, &mut witnesses).await
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match ended {
            Ok(()) => return,
            Err(error) => tracing::error!(%region, error, "the copy of a log failed and is opened again"),
        }
        shared.note_failure();
        tokio::select! {
            () = shared.parts.tasks.stopping() => return,
            () = shared.parts.clock.sleep(LAST_RETRY) => {}
        }
    }
}

struct Pump {
    shared: Arc<Shared>,
    region: Region,
    /// `None` only while it works on another thread.
    replica: Option<Box<Replica>>,
    context: Context,
    feed: Feed,
    /// Taken from Kafka and not yet taken in.
    pending: VecDeque<Delivery>,
    retry: Duration,
}

/// What a batch came to.
struct Taken {
    /// Did anything new come, a heartbeat included?
    news: bool,
    /// What ended the batch early, with the delivery.
    halt: Option<(Outcome, Delivery)>,
    /// Not looked at.
    rest: VecDeque<Delivery>,
    committed: Committed,
}

impl Pump {
    async fn run(
        mut self,
        context: &mut watch::Receiver<Context>,
        witnesses: &mut mpsc::Receiver<VerifiedCheckpoint>,
    ) -> Result<(), String> {
        self.retry_tags().await?;
        self.resolve_waiting().await?;
        let silent_after = self.shared.parts.heartbeat * 2;
        let mut silence = self.shared.parts.clock.instant() + silent_after;
        loop {
            let shared = Arc::clone(&self.shared);
            let wait = silence.saturating_duration_since(shared.parts.clock.instant());
            let blocked = !self.pending.is_empty();
            let pause = if blocked { self.retry } else { wait };
            let news = tokio::select! {
                biased;
                () = shared.parts.tasks.stopping() => return Ok(()),
                changed = context.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.context = context.borrow_and_update().clone();
                    self.trust_changed().await?;
                    self.ask(None, ASKED).await?
                }
                Some(checkpoint) = witnesses.recv() => self.witness(checkpoint).await?,
                records = batch(&mut self.feed), if !blocked => {
                    self.pending.extend(records.into_iter().map(delivery));
                    self.take_pending().await?
                }
                () = shared.parts.clock.sleep(pause) => {
                    if blocked {
                        self.take_pending().await?
                    } else {
                        silence = shared.parts.clock.instant() + shared.parts.random.jitter(silent_after * 2);
                        self.ask(None, ASKED).await?
                    }
                }
            };
            if news {
                silence = self.shared.parts.clock.instant() + silent_after;
                self.retry = FIRST_RETRY;
            } else if !self.pending.is_empty() {
                self.retry = (self.retry * 2).min(LAST_RETRY);
            }
        }
    }

    /// Takes in what came from Kafka; fills gaps on the way. What cannot be taken in yet stays pending.
    async fn take_pending(&mut self) -> Result<bool, String> {
        let mut news = false;
        while !self.pending.is_empty() {
            let deliveries = std::mem::take(&mut self.pending);
            let taken = self.take(deliveries).await?;
            news |= taken.news;
            self.pending = taken.rest;
            match taken.halt {
                None => {}
                Some((Outcome::Gap { to, .. }, delivery)) => {
                    self.pending.push_front(delivery);
                    let filled = self.ask(Some(to), usize::MAX).await?;
                    news |= filled;
                    if !filled {
                        return Ok(news); // tried again later; the region is stale meanwhile
                    }
                }
                Some((Outcome::Altered { to, .. }, _)) => news |= self.ask(Some(to), usize::MAX).await?,
                Some(_) => {}
            }
        }
        Ok(news)
    }

    /// One batch on a thread that may block, once there is room for it.
    async fn take(&mut self, deliveries: VecDeque<Delivery>) -> Result<Taken, String> {
        self.shared.wait_for_room().await;
        let context = self.context.clone();
        let taken = self.with_replica(move |replica, shared| take(replica, deliveries, &context, shared)).await?;
        let mut forks = taken.committed.forks.clone();
        if let Some((Outcome::Fork(fork), _)) = &taken.halt {
            forks.push(Fork::clone(fork));
        }
        self.keep(forks).await?;
        Ok(taken)
    }

    /// Keeps the evidence, and only then writes that the feed has stopped: after a crash between the two the evidence
    /// stops it, while a stop that came first would have lost its reason.
    async fn keep(&mut self, forks: Vec<Fork>) -> Result<(), String> {
        if forks.is_empty() {
            return Ok(());
        }
        for fork in forks {
            tracing::error!(region = %self.region, epoch = fork.epoch, size = fork.size, "a log contradicts itself: its feed stops");
            let labels = [("region", self.region.to_string()), ("outcome", "FORK".to_owned())];
            metrics::counter!(crate::telemetry::FEED_OUTCOMES, &labels).increment(1);
            self.shared.parts.crash.pass(Point::IndexerForked);
            if let Err(error) = self.shared.parts.ledger.submit(KeepEvidence(fork)).await {
                return Err(format!("fork evidence was not kept: {error}"));
            }
        }
        self.shared.parts.crash.pass(Point::IndexerEvidenceKept);
        self.with_replica(|replica, shared| {
            let alone = replica.region() == shared.parts.province;
            let committed = under_gate(shared, alone, |_| replica.commit(shared.parts.clock.now_ms()))?;
            hand_on(shared, &committed);
            Ok(())
        })
        .await
    }

    /// Reads from other nodes up to a size, or once; the origin first. True when something new came.
    async fn ask(&mut self, to: Option<u64>, most: usize) -> Result<bool, String> {
        let mut news = false;
        for peer in self.sources().into_iter().take(most) {
            loop {
                let Some((size, epoch)) = self.replica.as_ref().map(|replica| (replica.size(), replica.epoch())) else {
                    return Ok(news);
                };
                let ask = Ask { peer, region: self.region, epoch, from: size, most: READ };
                let read = tokio::time::timeout(READ_WITHIN, self.shared.parts.source.read(ask));
                let segments = tokio::select! {
                    biased;
                    () = self.shared.parts.tasks.stopping() => return Ok(false),
                    read = read => match read {
                        Ok(Ok(segments)) => segments,
                        Ok(Err(error)) => {
                            tracing::debug!(region = %self.region, %peer, error, "no segments from this node");
                            break;
                        }
                        Err(_) => break,
                    }
                };
                let count = segments.len();
                let labels = [("region", self.region.to_string())];
                metrics::counter!(crate::telemetry::GAP_SEGMENTS, &labels).increment(count as u64);
                let full = count == READ as usize;
                let deliveries = segments.iter().map(|segment| Replica::delivery(segment, peer)).collect();
                let taken = self.take(deliveries).await?;
                news |= taken.news;
                let reached = self.replica.as_ref().map_or(0, |replica| replica.size());
                if to.is_some_and(|to| reached >= to) {
                    return Ok(news);
                }
                if !taken.news || taken.halt.is_some() || (to.is_none() && !full) {
                    break;
                }
                self.shared.parts.clock.sleep(READ_PAUSE).await;
            }
            if to.is_none() && news {
                break;
            }
        }
        Ok(news)
    }

    /// The origin, then the others from a random one on.
    fn sources(&self) -> Vec<Region> {
        let own = self.shared.parts.region;
        let mut others: Vec<Region> = self
            .context
            .bundle
            .regions
            .iter()
            .filter(|(region, trust)| **region != own && **region != self.region && !trust.nodes.is_empty())
            .map(|(region, _)| *region)
            .collect();
        if !others.is_empty() {
            let start = usize::from(self.shared.parts.random.array::<1>()[0]) % others.len();
            others.rotate_left(start);
        }
        let mut sources = vec![self.region];
        sources.extend(others);
        sources
    }

    async fn witness(&mut self, checkpoint: VerifiedCheckpoint) -> Result<bool, String> {
        let outcome = self
            .with_replica(move |replica, shared| {
                let now_ms = shared.parts.clock.now_ms();
                replica.witness(&checkpoint, now_ms, "gossip")
            })
            .await?;
        match outcome {
            Outcome::Fork(fork) => {
                self.keep(vec![*fork]).await?;
                Ok(false)
            }
            Outcome::Gap { to, .. } => self.ask(Some(to), ASKED).await,
            _ => Ok(false),
        }
    }

    async fn trust_changed(&mut self) -> Result<(), String> {
        if let Some(offset) = self.replica.as_mut().and_then(|replica| replica.retry_from()) {
            self.pending.clear(); // they come again behind it
            self.feed.seek(offset);
        }
        self.retry_tags().await
    }

    /// At the start: a crash may have come between the province's rows and what waited for them.
    async fn resolve_waiting(&mut self) -> Result<(), String> {
        if self.region != self.shared.parts.province {
            return Ok(());
        }
        self.with_replica(|replica, shared| under_gate(shared, true, |_| replica.resolve_waiting())).await
    }

    async fn retry_tags(&mut self) -> Result<(), String> {
        let context = self.context.clone();
        self.with_replica(move |replica, shared| {
            replica.retry_tags(&context)?;
            replica.commit(shared.parts.clock.now_ms()).map(drop)
        })
        .await
    }

    /// Lends the replica to a thread that may block. After an error it is gone: it has to be opened again.
    async fn with_replica<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Replica, &Shared) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, String> {
        let Some(mut replica) = self.replica.take() else { return Err("the copy is gone".to_owned()) };
        let shared = Arc::clone(&self.shared);
        let done = self
            .shared
            .parts
            .tasks
            .blocking(move || {
                let done = work(&mut replica, &shared);
                (replica, done)
            })
            .await;
        let (replica, done) = done.map_err(|error| error.to_string())?;
        let done = done.map_err(|error| error.to_string())?;
        self.replica = Some(replica);
        Ok(done)
    }
}

/// Takes deliveries in order until one is no progress that the pump has to act on; all is in the store when it returns.
fn take(
    replica: &mut Replica,
    mut deliveries: VecDeque<Delivery>,
    context: &Context,
    shared: &Shared,
) -> Result<Taken, store::Error> {
    let parts = &shared.parts;
    replica.set_watched(parts.watch.is_watched());
    let taken = under_gate(shared, replica.region() == parts.province, |alone| {
        let before = replica.size();
        let ingested = replica.ingest_all(&mut deliveries, context, &parts.clock, &parts.tasks)?;
        parts.crash.pass(Point::IndexerTaken);
        if matches!(ingested.halt, Some((Outcome::Fork(_), _))) {
            replica.settle()?;
            return Ok((ingested, replica.written())); // the stop is written once its evidence is kept
        }
        let committed = replica.commit(parts.clock.now_ms())?;
        parts.crash.pass(Point::IndexerCommitted);
        if alone && replica.size() > before {
            replica.resolve_waiting()?;
        }
        Ok((ingested, committed))
    });
    match taken {
        Ok((Ingested { news, halt }, committed)) => {
            hand_on(shared, &committed);
            Ok(Taken { news, halt, rest: deliveries, committed })
        }
        Err(error) => {
            hand_on(shared, &replica.written()); // the copy is opened again behind it
            shared.parts.known.forget_entries(); // more may be in the store than is known to be
            Err(error)
        }
    }
}

/// The province's entries decide implementations that wait in all other regions: it writes alone.
fn under_gate<T>(
    shared: &Shared,
    province: bool,
    work: impl FnOnce(bool) -> Result<T, store::Error>,
) -> Result<T, store::Error> {
    if province {
        let _alone = shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        work(true)
    } else {
        let _together = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
        work(false)
    }
}

fn hand_on(shared: &Shared, committed: &Committed) {
    shared.parts.watch.offer(committed.events.clone());
    if committed.trust {
        shared.trust.send_modify(|count| *count += 1);
    }
    if committed.catalogue {
        shared.catalogue.send_modify(|count| *count += 1);
    }
    if committed.redacted {
        shared.parts.known.forget_entries();
    }
}

fn delivery(record: Record) -> Delivery {
    let carrier = Carrier::Kafka { cluster: record.cluster, offset: record.offset };
    Delivery { payload: record.payload, carrier }
}

/// At least one record, and what else is there already.
async fn batch(feed: &mut Feed) -> Vec<Record> {
    let mut records = vec![feed.next().await];
    while records.len() < BATCH {
        tokio::select! {
            biased;
            record = feed.next() => records.push(record),
            () = std::future::ready(()) => break,
        }
    }
    records
}
