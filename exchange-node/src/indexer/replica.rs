//! A city's copy of another city's log: takes segments, checks them in a fixed order, and makes one commit of what it
//! took.
//!
//! The order: size limit → decode → region = topic → signature of the checkpoint → position. What is not progress has a
//! name: *rejected*, *altered* (genuine checkpoint, other entries: fetched elsewhere), *deferred* (key or epoch not yet
//! known), *fork* (two genuine checkpoints contradict each other: only this stops the feed).

mod commit;
mod judge;

pub use commit::Ingested;
use commit::Leaving;

use super::{
    Context,
    fork::{Fork, is_forked},
    index::{Index, Step},
    ring::{MAX_EVIDENCE_BYTES, Ring},
};
use crate::store::{
    Error, Space, Store,
    log::{Entry, Kind, Log, Tree},
};
use crate::watch;
use bytes::Bytes;
use exchange_core::{
    apply::Void,
    checkpoint::{Checkpoint, VerifiedCheckpoint},
    merkle::Hash,
    position::Position,
    region::Region,
    segment::Known,
};
use exchange_proto::store::{ForkEvidence, LogState, RejectedRow};
use prost::Message;
use std::sync::Arc;

/// Genuine checkpoints that the own tree does not reach yet, or that did not fit: compared once it does.
const MAX_SUSPECTS: usize = 64;
/// While records are deferred, the offset is kept back for at most this many records.
const MAX_KEPT_BACK: i64 = 10_000;

/// A record or a peer's segment.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The encoded segment.
    pub payload: Bytes,
    /// Who carried it.
    pub carrier: Carrier,
}

/// Who carried a segment. Nobody is believed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Kafka.
    Kafka {
        /// Id of the cluster.
        cluster: Arc<str>,
        /// Offset of the record.
        offset: i64,
    },
    /// Another node, by its region.
    Peer(Region),
}

impl Carrier {
    fn name(&self) -> String {
        match self {
            Self::Kafka { .. } => "kafka".to_owned(),
            Self::Peer(region) => region.to_string(),
        }
    }
}

/// What a delivery came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// New entries were staged.
    Appended {
        /// How many.
        entries: u64,
    },
    /// A newer checkpoint of what is known.
    Heartbeat,
    /// Nothing new.
    Known,
    /// Entries are missing before it: read this range, then take it again.
    Gap {
        /// First missing.
        from: u64,
        /// One behind the last missing.
        to: u64,
    },
    /// The carrier changed entries under a genuine checkpoint: read this range elsewhere.
    Altered {
        /// First wanted.
        from: u64,
        /// One behind the last wanted.
        to: u64,
    },
    /// Not a segment of this log.
    Rejected(&'static str),
    /// May become good with the next trust bundle.
    Deferred(&'static str),
    /// The region's log contradicts itself.
    Fork(Box<Fork>),
    /// The feed is stopped: the log was forked.
    Stopped,
}

/// What a commit came to.
#[derive(Debug, Default)]
pub struct Committed {
    /// Contradictions that showed only now.
    pub forks: Vec<Fork>,
    /// A CRL or a bundle came.
    pub trust: bool,
    /// A type, a matter or an implementation came.
    pub catalogue: bool,
    /// An entry was redacted.
    pub redacted: bool,
    /// For subscribers.
    pub events: Vec<watch::Applied>,
}

impl Committed {
    fn add(&mut self, other: Self) {
        self.forks.extend(other.forks);
        self.trust |= other.trust;
        self.catalogue |= other.catalogue;
        self.redacted |= other.redacted;
        self.events.extend(other.events);
    }
}

/// The copy of one region's log, with its index.
pub struct Replica {
    store: Store,
    region: Region,
    state: LogState,
    changed: bool,
    tree: Tree,
    /// Size in the store; what is above is staged, or on its way.
    stored: u64,
    leaving: Leaving,
    /// What is in the store and was not handed on yet.
    written: Committed,
    suspects: Vec<VerifiedCheckpoint>,
    ring: Ring,
    index: Index,
    /// Offset of the first record that was deferred.
    kept_back: Option<i64>,
}

impl Replica {
    /// Opens the copy as the store has it.
    ///
    /// # Errors
    /// The store fails, or its copy does not have the root that it was accepted with.
    pub fn open(store: &Store, region: Region, province: Region) -> Result<Self, Error> {
        let mut state = store.region_state(region)?.map(Arc::unwrap_or_clone).unwrap_or_default();
        state.epoch = state.epoch.max(1);
        let forked = is_forked(store, region, state.epoch)?;
        let stopped = std::mem::replace(&mut state.forked, forked);
        let log = Log::new(&store.province, Kind::Events, region, state.epoch);
        let tree = log.tree(state.size)?;
        if !state.checkpoint.is_empty() {
            let broken = |problem: String| Error::Row { space: Space::Regions.name(), problem };
            let checkpoint =
                Checkpoint::parse_unverified(&state.checkpoint).map_err(|error| broken(error.to_string()))?;
            if checkpoint.size == state.size && checkpoint.root != tree.frontier.root() {
                return Err(broken(format!("the copy of {region} does not have the root that it was accepted with")));
            }
        }
        let mut replica = Self {
            region,
            stored: state.size,
            leaving: Leaving::none(state.size),
            written: Committed::default(),
            tree,
            changed: stopped != forked,
            suspects: Vec::new(),
            ring: Ring::open(store, region)?,
            index: Index::new(store.clone(), region, province),
            kept_back: None,
            state,
            store: store.clone(),
        };
        if forked && !stopped {
            // The evidence was kept, the stop was not written any more: nobody is told meanwhile that all is well.
            replica.forked();
            replica.write()?;
        }
        Ok(replica)
    }

    /// Whose log.
    pub const fn region(&self) -> Region {
        self.region
    }

    /// Entries, staged ones included.
    pub const fn size(&self) -> u64 {
        self.state.size
    }

    /// Epoch that is followed.
    pub const fn epoch(&self) -> u32 {
        self.state.epoch
    }

    /// Has the log contradicted itself?
    pub const fn is_forked(&self) -> bool {
        self.state.forked
    }

    /// Cluster and offset to read from.
    pub fn offset(&self) -> (&str, i64) {
        (&self.state.cluster, self.state.next_offset)
    }

    /// Takes one delivery. What it stages is durable with [`Replica::commit`].
    ///
    /// # Errors
    /// The store fails: open the replica again.
    pub fn ingest(&mut self, delivery: &Delivery, context: &Context, now_ms: u64) -> Result<Outcome, Error> {
        let outcome = self.judge(delivery, context, now_ms)?;
        match &outcome {
            Outcome::Appended { .. } | Outcome::Heartbeat | Outcome::Known | Outcome::Stopped => {}
            Outcome::Gap { .. } => return Ok(outcome), // it is taken again, so its offset stays
            Outcome::Rejected(reason) => {
                self.state.rejected += 1;
                self.remember("REJECTED", reason, delivery, now_ms);
            }
            Outcome::Altered { .. } => {
                self.state.altered += 1;
                self.remember("ALTERED", "ROOT_DIFFERS", delivery, now_ms);
            }
            Outcome::Deferred(reason) => {
                self.state.deferred += 1;
                self.remember("DEFERRED", reason, delivery, now_ms);
            }
            Outcome::Fork(_) => self.forked(),
        }
        if let Carrier::Kafka { cluster, offset } = &delivery.carrier {
            if matches!(outcome, Outcome::Deferred(_)) {
                self.kept_back.get_or_insert(*offset);
            }
            self.state.cluster = cluster.to_string();
            self.state.next_offset = self.kept_back.filter(|kept| offset - kept < MAX_KEPT_BACK).unwrap_or(offset + 1);
            self.changed = true;
        }
        Ok(outcome)
    }

    /// After the trust bundle changed: the offset of the first record that was deferred, to be read again.
    pub const fn retry_from(&mut self) -> Option<i64> {
        self.kept_back.take()
    }

    /// Opens holder tags that waited for an index key.
    ///
    /// # Errors
    /// The store fails.
    pub fn retry_tags(&mut self, context: &Context) -> Result<usize, Error> {
        self.index.retry_tags(&context.index_keys)
    }

    /// Compares a genuine checkpoint that came by another way (gossip, an answer) with the copy. `Gap` says that it is
    /// ahead of the copy.
    ///
    /// # Errors
    /// The store fails.
    pub fn witness(&mut self, checkpoint: &VerifiedCheckpoint, now_ms: u64, source: &str) -> Result<Outcome, Error> {
        if checkpoint.origin().epoch() != self.state.epoch {
            return Ok(Outcome::Deferred("EPOCH_UNKNOWN"));
        }
        if checkpoint.size() > self.state.size {
            self.suspect(checkpoint);
            return Ok(Outcome::Gap { from: self.state.size, to: checkpoint.size() });
        }
        match self.contradiction(checkpoint, now_ms, source)? {
            Some(fork) => {
                self.forked();
                Ok(Outcome::Fork(Box::new(fork)))
            }
            None => Ok(Outcome::Known),
        }
    }

    /// Says whether applied events are wanted by [`Replica::commit`].
    pub const fn set_watched(&mut self, watched: bool) {
        self.index.watched = watched;
    }

    /// After the province's log grew: decides implementations that waited for it.
    ///
    /// # Errors
    /// The store fails.
    pub fn resolve_waiting(&mut self) -> Result<(), Error> {
        self.index.resolve_waiting()?;
        self.write()
    }

    const fn log(&self) -> Log<'_> {
        Log::new(&self.store.province, Kind::Events, self.region, self.state.epoch)
    }

    fn known(&self) -> Known {
        Known { region: self.region, epoch: self.state.epoch, frontier: self.tree.frontier.clone() }
    }

    fn forked(&mut self) {
        self.state.forked = true;
        self.state.forks += 1;
        "FORK".clone_into(&mut self.state.last_reason);
        self.changed = true;
    }

    fn suspect(&mut self, checkpoint: &VerifiedCheckpoint) {
        let same =
            |suspect: &VerifiedCheckpoint| (suspect.size(), suspect.root()) == (checkpoint.size(), checkpoint.root());
        if !self.suspects.iter().any(same) {
            if self.suspects.len() == MAX_SUSPECTS {
                self.suspects.remove(0);
            }
            self.suspects.push(checkpoint.clone());
        }
    }

    /// The root of the copy at a size that it has reached.
    fn root(&mut self, size: u64) -> Result<Hash, Error> {
        if size == self.state.size {
            return Ok(self.tree.frontier.root());
        }
        if self.stored < self.state.size {
            self.write()?;
        }
        self.log().root(&self.tree, size)
    }

    /// Does a genuine checkpoint of a size that the copy has reached contradict it?
    fn contradiction(
        &mut self,
        checkpoint: &VerifiedCheckpoint,
        now_ms: u64,
        source: &str,
    ) -> Result<Option<Fork>, Error> {
        let size = checkpoint.size();
        if self.root(size)? == *checkpoint.root() {
            return Ok(None);
        }
        if self.stored < self.state.size {
            self.write()?;
        }
        // The first own checkpoint that covers that size, and the leaves between: they prove it to anybody.
        let (reached, note) = self.log().checkpoint_from(size)?.unwrap_or((size, Bytes::new()));
        let leaf_hashes = (size..reached)
            .map(|index| self.log().leaf(index).map(|leaf| Bytes::copy_from_slice(&leaf)))
            .collect::<Result<_, _>>()?;
        Ok(Some(Fork {
            region: self.region,
            epoch: self.state.epoch,
            size,
            evidence: ForkEvidence {
                at_ms: now_ms,
                origin: checkpoint.origin().to_string(),
                note_a: note,
                note_b: Bytes::copy_from_slice(checkpoint.note()),
                leaf_hashes,
                source: source.to_owned(),
            },
        }))
    }

    fn remember(&mut self, outcome: &'static str, reason: &str, delivery: &Delivery, now_ms: u64) {
        let labels = [("region", self.region.to_string()), ("outcome", outcome.to_owned())];
        metrics::counter!(crate::telemetry::FEED_OUTCOMES, &labels).increment(1);
        self.state.last_reason = format!("{outcome} {reason}");
        let payload = &delivery.payload;
        let row = RejectedRow {
            at_ms: now_ms,
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            first: self.state.size,
            count: 0,
            evidence: payload.slice(..payload.len().min(MAX_EVIDENCE_BYTES)),
            source: delivery.carrier.name(),
        };
        self.ring.push(&mut self.index.staged, &row);
        self.changed = true;
    }

    fn void(&mut self, index: u64, reason: &Void, now_ms: u64) {
        super::count_void(self.region, reason);
        self.state.void_entries += 1;
        let row = RejectedRow {
            at_ms: now_ms,
            outcome: "VOID".to_owned(),
            reason: format!("{}: {reason}", reason.code()),
            first: index,
            count: 1,
            evidence: Bytes::new(), // it stands in the log
            source: String::new(),
        };
        self.ring.push(&mut self.index.staged, &row);
    }

    /// Stages verified entries, from an offset within the segment on.
    fn append(
        &mut self,
        entries: &[Entry],
        leaves: &[Hash],
        checkpoint: &VerifiedCheckpoint,
        context: &Context,
        now_ms: u64,
    ) -> Result<(), Error> {
        let first = self.state.size;
        let log = Log::new(&self.store.province, Kind::Events, self.region, self.state.epoch);
        let writes = self.index.staged.blind();
        for leaf in leaves {
            self.tree.edge.append(*leaf, |tile| writes.push(log.put_tile(&tile)));
        }
        for (index, entry) in (first..).zip(entries) {
            writes.push(log.put_entry(index, entry));
        }
        writes.push(log.put_checkpoint(checkpoint.size(), checkpoint.note()));
        for (index, entry) in (first..).zip(entries) {
            let Entry::Bytes(bytes) = entry else { continue };
            let position = Position { region: self.region, epoch: self.state.epoch, index };
            match self.index.apply(position, bytes, &context.index_keys)? {
                Step::Applied => {}
                Step::Void(reason) => self.void(index, &reason, now_ms),
                Step::UpgradeNeeded if self.state.upgrade_needed_from == 0 => {
                    self.state.upgrade_needed_from = index + 1;
                }
                Step::UpgradeNeeded => {}
            }
        }
        self.state.size = checkpoint.size();
        self.state.applied = checkpoint.size();
        self.state.peaks = self.tree.frontier.peaks().iter().map(|peak| Bytes::copy_from_slice(peak)).collect();
        self.covered(checkpoint, now_ms);
        let region = [("region", self.region.to_string())];
        metrics::counter!(crate::telemetry::INGESTED_ENTRIES, &region).increment(entries.len() as u64);
        Ok(())
    }

    /// The newest checkpoint whose every entry is applied.
    fn covered(&mut self, checkpoint: &VerifiedCheckpoint, now_ms: u64) {
        self.state.checkpoint = Bytes::copy_from_slice(checkpoint.note());
        self.state.at_ms = checkpoint.at_ms();
        self.state.received_at_ms = now_ms;
        self.changed = true;
    }

    /// Begins the next epoch: the province has closed this one exactly here.
    fn next_epoch(&mut self) -> Result<(), Error> {
        self.write()?;
        self.state.epoch += 1;
        self.state.size = 0;
        self.state.applied = 0;
        self.state.peaks.clear();
        self.state.forked = is_forked(&self.store, self.region, self.state.epoch)?;
        self.tree = Tree::default();
        self.stored = 0;
        self.leaving.size = 0;
        self.changed = true;
        Ok(())
    }

    /// Encodes a segment that a peer sent, for [`Replica::ingest`].
    pub fn delivery(segment: &exchange_proto::v1::Segment, peer: Region) -> Delivery {
        Delivery { payload: Bytes::from(segment.encode_to_vec()), carrier: Carrier::Peer(peer) }
    }
}
