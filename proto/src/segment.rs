//! Segments of a log: one Kafka record, one message of `ReadLog`. Entries are slices of the record that came.

use crate::{Error, field, v1};
use bytes::{Buf, Bytes};
use exchange_core::{
    checkpoint::{Checkpoint, LogKind},
    event::MAX_ENTRY_BYTES,
    merkle::Hash,
    reason::Reason,
    region::Region,
    segment::{EntryBytes, MAX_BYTES, MAX_ENTRIES},
};
use prost::{
    Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use v1::segment_entry::Content;

/// Tag of the entries.
const ENTRIES: u32 = 4;

/// An entry on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// As written.
    Bytes(Bytes),
    /// Its leaf hash: the bytes were redacted.
    LeafHash(Hash),
}

/// Consecutive entries and the checkpoint right behind them; none at all is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose log.
    pub region: Region,
    /// From 1.
    pub epoch: u32,
    /// Index of the first entry.
    pub first: u64,
    /// At most [`MAX_ENTRIES`].
    pub entries: Vec<Entry>,
    /// The signed note, as it came.
    pub note: Bytes,
    /// What the note says: of this log, and of size `first` + entries. **Its signature is not verified.**
    pub claimed: Checkpoint,
}

impl Segment {
    /// Index behind the last entry: the checkpoint's size.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.claimed.size
    }

    /// The entries as core reads them.
    #[must_use]
    pub fn views(&self) -> Vec<EntryBytes<'_>> {
        let view = |entry| match entry {
            &Entry::LeafHash(hash) => EntryBytes::LeafHash(hash),
            Entry::Bytes(bytes) => EntryBytes::Bytes(bytes),
        };
        self.entries.iter().map(view).collect()
    }
}

/// The message of a segment. The caller has kept to [`MAX_BYTES`] and [`MAX_ENTRIES`]; [`overhead`] helps to.
#[must_use]
pub fn message(region: Region, epoch: u32, first: u64, entries: &[Entry], note: &Bytes) -> v1::Segment {
    let content = |entry: &Entry| match entry {
        Entry::Bytes(bytes) => Content::Entry(bytes.clone()),
        Entry::LeafHash(hash) => Content::LeafHash(Bytes::copy_from_slice(hash)),
    };
    let entries = entries.iter().map(|entry| v1::SegmentEntry { content: Some(content(entry)) }).collect();
    v1::Segment { region: region.to_string(), epoch, first, entries, checkpoint: note.clone() }
}

/// The bytes of a segment, as Kafka carries them.
#[must_use]
pub fn encode_segment(region: Region, epoch: u32, first: u64, entries: &[Entry], note: &Bytes) -> Bytes {
    message(region, epoch, first, entries, note).encode_to_vec().into()
}

/// Most bytes that a segment has beside its entries' own: ten for each, and room for the checkpoint and the position.
#[must_use]
pub const fn overhead(entries: usize) -> usize {
    entries * 10 + crate::peer::MAX_NOTE_BYTES + 64
}

/// Reads a segment: the record's length first, then the number of entries, and only then what they are. Entries share
/// the record's memory.
///
/// # Errors
/// Too large, too many entries, undecodable, or a checkpoint that is not of this log at the end of the entries.
pub fn decode_segment(record: Bytes) -> Result<Segment, Error> {
    if record.len() > MAX_BYTES {
        let found = format!("{} bytes", record.len());
        return Err(Error::new(Reason::MessageTooLarge, "segment", found, format!("at most {MAX_BYTES} bytes")));
    }
    let count = count_entries(&record).ok_or_else(|| field::undecodable("segment"))?;
    if count > MAX_ENTRIES {
        let found = format!("{count} entries");
        return Err(Error::new(Reason::MessageTooLarge, "segment", found, format!("at most {MAX_ENTRIES}")));
    }
    let message = v1::Segment::decode(record).map_err(|_| field::undecodable("segment"))?;
    read(message)
}

/// Reads a segment that came decoded, by `ReadLog`.
///
/// # Errors
/// As [`decode_segment`].
pub fn read(message: v1::Segment) -> Result<Segment, Error> {
    segment(message).map_err(|error| error.within("segment"))
}

/// How many entries a record holds, counted without decoding it: two bytes can stand for one, which takes forty in
/// memory. `None`: it does not read.
#[must_use]
pub fn count_entries(mut record: &[u8]) -> Option<usize> {
    let mut count = 0;
    while record.has_remaining() {
        let (tag, wire_type) = decode_key(&mut record).ok()?;
        count += usize::from(tag == ENTRIES);
        match wire_type {
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut record).ok()?).ok()?;
                record = record.get(length..)?;
            }
            other => skip_field(other, tag, &mut record, DecodeContext::default()).ok()?,
        }
    }
    Some(count)
}

fn segment(message: v1::Segment) -> Result<Segment, Error> {
    let region = field::region("region", &message.region)?;
    let epoch = field::from_one("epoch", message.epoch)?;
    if message.entries.len() > MAX_ENTRIES {
        let found = format!("{} entries", message.entries.len());
        return Err(Error::new(Reason::MessageTooLarge, "entries", found, format!("at most {MAX_ENTRIES}")));
    }
    field::bytes("checkpoint", &message.checkpoint, crate::peer::MAX_NOTE_BYTES)?;
    let claimed = checkpoint(&message, region)?;
    let entries = message.entries.into_iter().enumerate().map(entry).collect::<Result<_, _>>()?;
    Ok(Segment { region, epoch, first: message.first, entries, note: message.checkpoint, claimed })
}

fn checkpoint(message: &v1::Segment, region: Region) -> Result<Checkpoint, Error> {
    let wrong = |found: String, needed: String| Error::new(Reason::CheckpointInvalid, "checkpoint", found, needed);
    let claimed = Checkpoint::parse_unverified(&message.checkpoint)
        .map_err(|error| wrong(error.to_string(), "a signed checkpoint".to_owned()))?;
    let origin = &claimed.origin;
    if origin.region() != region.as_str() || origin.kind() != LogKind::Events || origin.epoch() != message.epoch {
        let needed = format!("one of {region}, events, epoch {}", message.epoch);
        let found =
            format!("a checkpoint of {}, {}, epoch {}", origin.region(), origin.kind().as_str(), origin.epoch());
        return Err(wrong(found, needed));
    }
    let end = message.first.checked_add(message.entries.len() as u64);
    if end != Some(claimed.size) {
        let needed = format!("the size after {} entries from {} on", message.entries.len(), message.first);
        return Err(wrong(format!("size {}", claimed.size), needed));
    }
    Ok(claimed)
}

fn entry((index, message): (usize, v1::SegmentEntry)) -> Result<Entry, Error> {
    let at = |part: &str| format!("entries[{index}]{part}");
    match message.content {
        Some(Content::Entry(bytes)) if (1..=MAX_ENTRY_BYTES).contains(&bytes.len()) => Ok(Entry::Bytes(bytes)),
        Some(Content::Entry(bytes)) => {
            field::bytes(&at(".entry"), &bytes, MAX_ENTRY_BYTES)?;
            Ok(Entry::Bytes(bytes))
        }
        Some(Content::LeafHash(hash)) => field::array(&at(".leaf_hash"), &hash).map(Entry::LeafHash),
        None => Err(Error::missing(at(""))),
    }
}
