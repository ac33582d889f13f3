//! The own log → Kafka.
//!
//! A plain function makes segments from stored entries and stored checkpoints; a pump sends them. The publisher signs
//! nothing: heartbeats and anchors are ledger commands. The durable mark moves only after the broker has confirmed, so
//! that after a crash some segments are sent again, and none is left out.

mod commands;

use crate::{
    clock::Clock,
    crash::{Crash, Point},
    kafka::{self, Kafka, Outgoing},
    ledger::Ledger,
    random::Random,
    spawn::Tasks,
    store::{
        self, Store,
        log::{Entry, Kind, Log},
    },
};
use bytes::Bytes;
use commands::{Anchor, Heartbeat, Published};
use exchange_core::{
    checkpoint::Checkpoint,
    region::Region,
    segment::{MAX_BYTES, MAX_ENTRIES},
};
use exchange_proto::v1;
use prost::Message;
use std::{sync::Arc, time::Duration};

/// Left in a segment for the checkpoint and the framing of the entries.
const FRAMING_BYTES: usize = 20_000;
/// The mark is moved when nothing came for this long: one commit for a burst.
const MARK_AFTER: Duration = Duration::from_millis(100);
/// And this often while something always comes: what was confirmed since is sent again after a crash.
const MARK_EVERY: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// The next segment of an event log from an index on: as many entries as fit and end at a stored checkpoint. Exactly at
/// the newest checkpoint it is a heartbeat. `None`: the log does not reach that far.
///
/// # Errors
/// The store fails or lacks what its checkpoints cover.
pub fn segment(log: &Log<'_>, region: Region, epoch: u32, from: u64) -> Result<Option<v1::Segment>, store::Error> {
    let Some((mut size, mut note)) = log.checkpoint_up_to(from.saturating_add(MAX_ENTRIES as u64))? else {
        return Ok(None);
    };
    if size < from {
        return Ok(None);
    }
    let count = |size: u64| usize::try_from(size - from).unwrap_or(usize::MAX);
    let mut entries = log.entries(from, count(size), MAX_BYTES - FRAMING_BYTES)?;
    if entries.len() < count(size) {
        let shorter = log.checkpoint_up_to(from + entries.len() as u64)?.filter(|(size, _)| *size > from);
        (size, note) = shorter.ok_or_else(|| store::Error::Row {
            space: "checkpoints",
            problem: format!("no checkpoint of {region}/{epoch} covers the {} entries from {from}", entries.len()),
        })?;
        entries.truncate(count(size));
    }
    let entries = entries.into_iter().map(|entry| v1::SegmentEntry { content: Some(content(entry)) }).collect();
    Ok(Some(v1::Segment { region: region.to_string(), epoch, first: from, entries, checkpoint: note }))
}

fn content(entry: Entry) -> v1::segment_entry::Content {
    match entry {
        Entry::Bytes(bytes) => v1::segment_entry::Content::Entry(bytes),
        Entry::LeafHash(hash) => v1::segment_entry::Content::LeafHash(Bytes::copy_from_slice(&hash)),
    }
}

/// Segments of a region's log from an index on, for `ReadLog`: the own log from `own/`, others from `province/`. A
/// reader that has everything gets one heartbeat.
pub struct Segments {
    store: Store,
    own: bool,
    region: Region,
    epoch: u32,
    next: u64,
    left: u32,
}

impl Segments {
    /// At most `most` segments; 0 is until the newest checkpoint.
    pub const fn new(store: Store, own: bool, region: Region, epoch: u32, from: u64, most: u32) -> Self {
        Self { store, own, region, epoch, next: from, left: if most == 0 { u32::MAX } else { most } }
    }
}

impl Iterator for Segments {
    type Item = Result<v1::Segment, store::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let database = if self.own { &self.store.own } else { &self.store.province };
        let log = Log::new(database, Kind::Events, self.region, self.epoch);
        match segment(&log, self.region, self.epoch, self.next) {
            Ok(Some(segment)) => {
                self.next += segment.entries.len() as u64;
                // The newest segment, or a heartbeat, is the last one.
                let newest = log.newest_checkpoint().map(|newest| newest.map_or(0, |(size, _)| size));
                self.left = if newest.is_ok_and(|newest| self.next < newest) { self.left - 1 } else { 0 };
                Some(Ok(segment))
            }
            Ok(None) => None,
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}

/// What the publisher needs.
#[derive(Clone)]
pub struct Publisher {
    /// Where the own log is.
    pub store: Store,
    /// Writes heartbeats, anchors and the mark.
    pub ledger: Ledger,
    /// The carrier.
    pub kafka: Kafka,
    /// Tracks its tasks.
    pub tasks: Tasks,
    /// For the age of checkpoints.
    pub clock: Clock,
    /// For jitter.
    pub random: Random,
    /// Whose log.
    pub region: Region,
    /// Its epoch.
    pub epoch: u32,
    /// A checkpoint is signed at least this often.
    pub heartbeat: Duration,
    /// The access log is anchored this often, if it grew.
    pub anchor: Duration,
    /// Where tests stop it.
    pub crash: Crash,
}

impl Publisher {
    /// Starts its three tasks; they end when the node stops.
    pub fn start(self) {
        let publisher = Arc::new(self);
        let tasks = publisher.tasks.clone();
        tasks.spawn(Arc::clone(&publisher).publish());
        tasks.spawn(Arc::clone(&publisher).heartbeats());
        tasks.spawn(publisher.anchors());
    }

    /// Index of the next entry that no broker has confirmed.
    fn mark(&self) -> Result<u64, store::Error> {
        Ok(self.store.published()?.filter(|(epoch, _)| *epoch == self.epoch).map_or(0, |(_, next)| next))
    }

    async fn publish(self: Arc<Self>) {
        let mut progress = self.ledger.progress();
        let mut retry = FIRST_RETRY;
        let Some(mut next) = self.blocking(Self::mark).await else { return };
        let (mut moved, mut published_at_ms) = (next, 0);
        let mut mark_due = self.clock.instant() + MARK_EVERY;
        loop {
            if moved < next && self.clock.instant() >= mark_due {
                mark_due = self.clock.instant() + MARK_EVERY;
                if self.move_mark(next).await {
                    moved = next;
                }
            }
            let seen = *progress.borrow_and_update();
            let from = next;
            let Some(segment) = self.blocking(move |this| this.outgoing(from)).await else { return };
            let news = segment.filter(|segment| segment.count > 0 || seen.at_ms > published_at_ms);
            if let Some(segment) = news {
                self.crash.pass(Point::PublisherMade);
                match self.kafka.publish(self.region, &segment).await {
                    Ok(()) => {
                        self.crash.pass(Point::PublisherSent);
                        next = segment.first + segment.count;
                        published_at_ms = seen.at_ms;
                        retry = FIRST_RETRY;
                        metrics::counter!(crate::telemetry::PUBLISHED_ENTRIES).increment(segment.count);
                        continue;
                    }
                    Err(error) => {
                        tracing::debug!(%error, first = segment.first, "a segment was not published");
                        metrics::counter!(crate::telemetry::PUBLISH_FAILURES).increment(1);
                        if self.tasks.is_stopping() {
                            break; // it is sent again after the next start
                        }
                        let wait = if error == kafka::Error::Off { LAST_RETRY } else { self.random.jitter(retry) };
                        self.pause(wait).await;
                        retry = (retry * 2).min(LAST_RETRY);
                        continue;
                    }
                }
            }
            tokio::select! {
                biased;
                () = self.tasks.stopping() => break,
                grown = seen.event_log_since(&mut progress) => if grown.is_err() { break },
                () = self.clock.sleep(MARK_AFTER), if moved < next => {
                    if self.move_mark(next).await {
                        moved = next;
                    } else {
                        self.pause(LAST_RETRY).await;
                    }
                }
            }
        }
        if moved < next {
            // The ledger may have stopped before: then some segments are sent twice.
            let _ = self.ledger.submit(Published { epoch: self.epoch, next }).await;
        }
    }

    async fn move_mark(&self, next: u64) -> bool {
        self.crash.pass(Point::PublisherConfirmed);
        let done = self.ledger.submit(Published { epoch: self.epoch, next }).await;
        if let Err(error) = &done {
            tracing::debug!(%error, "the publisher's mark was not moved");
            return false;
        }
        self.crash.pass(Point::PublisherMarked);
        true
    }

    fn outgoing(&self, from: u64) -> Result<Option<Outgoing>, store::Error> {
        let log = Log::new(&self.store.own, Kind::Events, self.region, self.epoch);
        Ok(segment(&log, self.region, self.epoch, from)?.map(|segment| Outgoing {
            epoch: self.epoch,
            first: segment.first,
            count: segment.entries.len() as u64,
            bytes: Bytes::from(segment.encode_to_vec()),
        }))
    }

    /// Reads of the store block; a store that fails ends the publisher, the ledger notices it too.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, store::Error> + Send + 'static,
    ) -> Option<T> {
        let this = Arc::clone(self);
        match self.tasks.blocking(move || work(&this)).await {
            Ok(Ok(found)) => Some(found),
            Ok(Err(error)) => {
                tracing::error!(%error, "the publisher stops: the own log does not read");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the publisher stops");
                None
            }
        }
    }

    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.tasks.stopping() => {}
            () = self.clock.sleep(time) => {}
        }
    }

    /// Signs the checkpoint anew when nothing else did for a while.
    async fn heartbeats(self: Arc<Self>) {
        let mut progress = self.ledger.progress();
        loop {
            let last = progress.borrow_and_update().at_ms;
            let news = async { progress.wait_for(|progress| progress.at_ms != last).await.map(drop) };
            let news = tokio::time::timeout(self.heartbeat, news);
            tokio::select! {
                biased;
                () = self.tasks.stopping() => return,
                news = news => match news {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return, // the ledger is gone
                    Err(_) => {
                        if let Err(error) = self.ledger.submit(Heartbeat).await {
                            tracing::debug!(%error, "no heartbeat");
                            self.pause(self.heartbeat).await;
                        }
                    }
                }
            }
        }
    }

    /// Puts the access log's newest checkpoint into the event log.
    async fn anchors(self: Arc<Self>) {
        let mut anchored = None;
        loop {
            self.pause(self.anchor).await;
            if self.tasks.is_stopping() {
                return;
            }
            let Some(newest) = self.blocking(Self::access_checkpoint).await else { return };
            let Some((checkpoint, note)) = newest.filter(|(found, _)| anchored != Some(found.size)) else { continue };
            let size = checkpoint.size;
            match self.ledger.submit(Anchor { checkpoint, note }).await {
                Ok(_) => anchored = Some(size),
                Err(error) => tracing::debug!(%error, "the access log was not anchored"),
            }
        }
    }

    fn access_checkpoint(&self) -> Result<Option<(Checkpoint, Bytes)>, store::Error> {
        let log = Log::new(&self.store.own, Kind::Access, self.region, self.epoch);
        let Some((size, note)) = log.newest_checkpoint()?.filter(|(size, _)| *size > 0) else { return Ok(None) };
        let checkpoint = Checkpoint::parse_unverified(&note).map_err(|error| store::Error::Row {
            space: "access_checkpoints",
            problem: format!("the checkpoint of size {size} does not read: {error}"),
        })?;
        Ok(Some((checkpoint, note)))
    }
}
