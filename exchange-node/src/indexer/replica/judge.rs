//! The checks of a delivery, in their order.

use super::{Carrier, Delivery, Outcome, Replica};
use crate::{
    indexer::Context,
    store::{Error, log::Entry},
};
use exchange_core::{
    bundle::EpochClosing,
    checkpoint::{self, Checkpoint, LogKind, VerifiedCheckpoint},
    event::MAX_ENTRY_BYTES,
    segment::{EntryBytes, Fit, MAX_BYTES, MAX_ENTRIES, fit},
};
use exchange_proto::{segment::count_entries, v1};
use prost::Message;

/// A segment that reads, with its entries.
struct Read {
    epoch: u32,
    first: u64,
    entries: Vec<Entry>,
}

impl Replica {
    pub(super) fn judge(&mut self, delivery: &Delivery, context: &Context, now_ms: u64) -> Result<Outcome, Error> {
        if self.state.forked && !self.may_leave(context) {
            return Ok(Outcome::Stopped);
        }
        let (read, checkpoint) = match self.read(delivery, context) {
            Ok(read) => read,
            Err(outcome) => return Ok(outcome),
        };
        if let Some(outcome) = self.enter_epoch(&checkpoint, context)? {
            return Ok(outcome);
        }
        if checkpoint.size() <= self.state.size
            && let Some(fork) = self.contradiction(&checkpoint, now_ms, &delivery.carrier.name())?
        {
            return Ok(Outcome::Fork(Box::new(fork)));
        }
        let end = read.first.checked_add(read.entries.len() as u64);
        if read.epoch != self.state.epoch || end != Some(checkpoint.size()) {
            return Ok(self.altered(&checkpoint));
        }
        if read.first < self.state.size && self.stored < self.state.size {
            self.write()?; // the known part is read back below
        }
        let entries: Vec<EntryBytes<'_>> = read.entries.iter().map(borrowed).collect();
        let fitted = fit(
            &self.known(),
            read.first,
            &entries,
            &checkpoint,
            |index| self.log().leaf(index),
            |_| Ok::<_, Error>(None), // a checkpoint that covers what is known was compared above
        )?;
        Ok(match fitted {
            Fit::Append { skip, leaves, frontier } => {
                self.tree.frontier = frontier;
                let entries = &read.entries[skip..];
                self.append(entries, &leaves, &checkpoint, context, now_ms)?;
                Outcome::Appended { entries: entries.len() as u64 }
            }
            Fit::Known if checkpoint.size() == self.state.size && checkpoint.at_ms() > self.state.at_ms => {
                let write = self.log().put_checkpoint(checkpoint.size(), checkpoint.note());
                let blind = self.index.staged.blind();
                blind.retain(|staged| (staged.space, &staged.key) != (write.space, &write.key));
                blind.push(write);
                self.covered(&checkpoint, now_ms);
                Outcome::Heartbeat
            }
            Fit::Known => Outcome::Known,
            Fit::Gap { from, to } => Outcome::Gap { from, to },
            Fit::Altered | Fit::Fork => self.altered(&checkpoint),
        })
    }

    /// A fork is left behind only by the next epoch, once the province has closed this one.
    fn may_leave(&self, context: &Context) -> bool {
        self.closing(context).is_some_and(|closing| closing.size == self.state.size)
    }

    fn closing(&self, context: &Context) -> Option<EpochClosing> {
        context.bundle.closing(self.region, LogKind::Events, self.state.epoch)
    }

    /// Size limit, decoding, region, signature.
    fn read(&self, delivery: &Delivery, context: &Context) -> Result<(Read, VerifiedCheckpoint), Outcome> {
        if delivery.payload.len() > MAX_BYTES {
            return Err(Outcome::Rejected("OVERSIZE"));
        }
        let undecodable = || Outcome::Rejected("UNDECODABLE");
        // Before anything is decoded: 900 kB of empty entries would take forty times as much.
        if count_entries(&delivery.payload).ok_or_else(undecodable)? > MAX_ENTRIES {
            return Err(Outcome::Rejected("OVERSIZE"));
        }
        let segment = v1::Segment::decode(delivery.payload.clone()).map_err(|_| undecodable())?;
        let entries = segment.entries.into_iter().map(entry).collect::<Option<Vec<_>>>().ok_or_else(undecodable)?;
        if segment.region.as_bytes() != self.region.as_bytes() {
            return Err(Outcome::Rejected("OTHER_REGION"));
        }
        let checkpoint = self.open_checkpoint(&segment.checkpoint, context)?;
        Ok((Read { epoch: segment.epoch, first: segment.first, entries }, checkpoint))
    }

    fn open_checkpoint(&self, note: &[u8], context: &Context) -> Result<VerifiedCheckpoint, Outcome> {
        let claimed = Checkpoint::parse_unverified(note).map_err(|_| Outcome::Rejected("CHECKPOINT_MALFORMED"))?;
        let bundle = &context.bundle;
        let epoch = claimed.origin.epoch();
        if bundle.origin(self.region, LogKind::Events, epoch).ok().as_ref() != Some(&claimed.origin) {
            return Err(Outcome::Rejected("OTHER_LOG"));
        }
        if bundle.closing(self.region, LogKind::Events, epoch).is_some_and(|closing| claimed.size > closing.size) {
            return Err(Outcome::Rejected("LOST_ENTRIES")); // of a closed epoch, behind what counts of it
        }
        let keys = bundle.log_keys(self.region, LogKind::Events, epoch, claimed.size);
        checkpoint::open(note, &keys).map_err(|error| {
            if error.is_deferred() { Outcome::Deferred("KEY_UNKNOWN") } else { Outcome::Rejected("BAD_SIGNATURE") }
        })
    }

    /// Brings the copy into the checkpoint's epoch, or says why it is not progress.
    fn enter_epoch(&mut self, checkpoint: &VerifiedCheckpoint, context: &Context) -> Result<Option<Outcome>, Error> {
        let epoch = checkpoint.origin().epoch();
        if epoch < self.state.epoch {
            return Ok(Some(Outcome::Known));
        }
        while epoch > self.state.epoch {
            let Some(closing) = self.closing(context) else { return Ok(Some(Outcome::Deferred("EPOCH_UNKNOWN"))) };
            if self.state.size < closing.size {
                return Ok(Some(Outcome::Gap { from: self.state.size, to: closing.size }));
            }
            if self.state.size > closing.size || self.tree.frontier.root() != closing.root {
                // This copy holds what the province has given up: it has to be made anew (`store rebuild`).
                return Ok(Some(Outcome::Rejected("COPY_BEHIND_CLOSING")));
            }
            self.next_epoch()?;
        }
        Ok(if self.state.forked { Some(Outcome::Stopped) } else { None })
    }

    fn altered(&mut self, checkpoint: &VerifiedCheckpoint) -> Outcome {
        if checkpoint.size() <= self.state.size {
            return Outcome::Rejected("ENTRIES_ALTERED"); // and nothing is missing: the checkpoint agrees
        }
        self.suspect(checkpoint);
        Outcome::Altered { from: self.state.size, to: checkpoint.size() }
    }
}

fn entry(entry: v1::SegmentEntry) -> Option<Entry> {
    match entry.content? {
        v1::segment_entry::Content::Entry(bytes) if bytes.len() <= MAX_ENTRY_BYTES => Some(Entry::Bytes(bytes)),
        v1::segment_entry::Content::Entry(_) => None,
        v1::segment_entry::Content::LeafHash(hash) => Some(Entry::LeafHash(hash.as_ref().try_into().ok()?)),
    }
}

fn borrowed(entry: &Entry) -> EntryBytes<'_> {
    match entry {
        Entry::Bytes(bytes) => EntryBytes::Bytes(bytes),
        Entry::LeafHash(hash) => EntryBytes::LeafHash(*hash),
    }
}

impl Carrier {
    /// May the same bytes be asked for again elsewhere?
    pub const fn is_kafka(&self) -> bool {
        matches!(self, Self::Kafka { .. })
    }
}
