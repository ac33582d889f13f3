//! What nodes hold of logs, read from their stores while they run.

use super::{LOOK, WITHIN};
use exchange_core::{
    access::AccessRecord,
    checkpoint::Checkpoint,
    event::EventKind,
    merkle::{Frontier, Hash},
    region::Region,
};
use exchange_node::store::{
    Space, Store, keys,
    log::{Entry, Kind, Log},
};
use exchange_proto::{access, event, export, rows, store as row};
use std::time::Instant;

/// A log as one node holds it.
pub(super) struct Held {
    pub(super) entries: Vec<Option<Vec<u8>>>,
    pub(super) leaves: Vec<Hash>,
    pub(super) checkpoints: Vec<Checkpoint>,
}

/// What a node holds of another city's log, and of that city's access checkpoints.
pub(super) struct Copy {
    pub(super) of: Region,
    pub(super) state: row::LogState,
    pub(super) held: Held,
    pub(super) seen: Vec<Checkpoint>,
    pub(super) evidence: Vec<(Checkpoint, Checkpoint)>,
}

impl Copy {
    /// Read again when something changed meanwhile. Evidence is kept before the stop is written
    /// ([`Point::IndexerEvidenceKept`]), and a node that starts finds the one before it writes the other: a feed that
    /// goes on beside evidence is looked at again. Where it goes on for long, that is what was read.
    ///
    /// [`Point::IndexerEvidenceKept`]: exchange_node::crash::Point::IndexerEvidenceKept
    pub(super) fn read(store: &Store, of: Region) -> Self {
        let end = Instant::now() + WITHIN;
        loop {
            let copy = Self::read_once(store, of);
            let between = !copy.state.forked && !copy.evidence.is_empty();
            if !between || Instant::now() >= end {
                return copy;
            }
            std::thread::sleep(LOOK); // every node has threads of its own
        }
    }

    fn read_once(store: &Store, of: Region) -> Self {
        let parse = |note: &[u8]| Checkpoint::parse_unverified(note).unwrap();
        let state = || store.region_state(of).unwrap().as_deref().cloned().unwrap_or_default();
        let scan = |space, prefix: &[u8]| store.own.scan(space, prefix, &keys::after(prefix), usize::MAX).unwrap();
        let (mut before, log) = (state(), Log::new(&store.province, Kind::Events, of, 1));
        let (held, kept) = loop {
            let read = (Held::read(&log), scan(Space::Evidence, &keys::log(of, 1)));
            let after = state();
            if std::mem::replace(&mut before, after) == before {
                break read;
            }
        };
        let seen = scan(Space::SeenAccess, &keys::regional(of, b""));
        Self {
            of,
            state: before,
            held,
            seen: seen.iter().map(|(_, row)| parse(&rows::decode::<row::SeenAccessRow>(row).unwrap().note)).collect(),
            evidence: kept
                .iter()
                .map(|(_, row)| rows::decode::<row::ForkEvidence>(row).unwrap())
                .map(|row| (parse(&row.note_a), parse(&row.note_b)))
                .collect(),
        }
    }
}

impl Held {
    /// Read again when something was added meanwhile: heartbeats and anchors come by themselves.
    pub(super) fn read(log: &Log<'_>) -> Self {
        loop {
            let held = Self::read_once(log);
            let newest = log.newest_checkpoint().unwrap().map_or(0, |(size, _)| size);
            if held.checkpoints.last().map_or(0, |last| last.size) == newest {
                return held;
            }
        }
    }

    fn read_once(log: &Log<'_>) -> Self {
        let mut held = Self { entries: Vec::new(), leaves: Vec::new(), checkpoints: Vec::new() };
        let mut next = 0;
        while let Some((size, note)) = log.checkpoint_from(next).unwrap() {
            held.checkpoints.push(Checkpoint::parse_unverified(&note).unwrap());
            next = size + 1;
        }
        for entry in log.entries(0, 1_000_000, usize::MAX).unwrap() {
            held.leaves.push(entry.leaf());
            held.entries.push(match entry {
                Entry::Bytes(bytes) => Some(bytes.to_vec()),
                Entry::LeafHash(_) => None,
            });
        }
        held
    }

    pub(super) fn frontier(&self) -> Frontier {
        let mut frontier = Frontier::new();
        self.leaves.iter().for_each(|leaf| frontier.append(*leaf));
        frontier
    }

    pub(super) fn events(&self) -> impl Iterator<Item = (u64, EventKind)> + '_ {
        (0..).zip(&self.entries).filter_map(|(index, entry)| {
            let event = event::decode(entry.as_ref()?).ok()?;
            Some((index, event.kind))
        })
    }

    pub(super) fn records(&self) -> Vec<(u64, AccessRecord)> {
        let decode = |(index, entry): (u64, &Option<Vec<u8>>)| {
            let entry = entry.as_ref().filter(|entry| !export::is_record(entry))?;
            Some((index, access::decode(entry).unwrap()))
        };
        (0..).zip(&self.entries).filter_map(decode).collect()
    }
}
