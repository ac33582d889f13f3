//! One group: commands decided in order on prefetched and staged rows, then closed into one batch.

use super::{
    AccessProof, Answer, Changes, Command, Committed, Decision, Error, MAX_ENTRIES, MAX_ENTRY_BYTES, Parts, head::Head,
};
use crate::{
    crash::Crash,
    refusal::Refusal,
    store::{
        self, Key, Space, Store, Value, Write,
        log::{entry_in, entry_row},
    },
};
use bytes::Bytes;
use exchange_core::{event::MAX_ENTRY_BYTES as MAX_ENTRY, position::Position, reason::Reason};
use exchange_proto::event;
use std::collections::{BTreeMap, HashMap, hash_map::Entry::Vacant};

/// Rows that the group's commands named, read before and as staged since.
type Rows = BTreeMap<Space, HashMap<Key, Option<Value>>>;

/// What a command decides on: rows as they will be when its turn comes.
pub struct View<'a> {
    rows: &'a Rows,
    next_event: Position,
    next_access: u64,
    now_ms: u64,
}

impl View<'_> {
    /// A row that the command named in [`Command::reads`].
    ///
    /// # Errors
    /// The row was not named: a fault of the command, refused as internal instead of deciding on nothing.
    pub fn row(&self, space: Space, key: &[u8]) -> Result<Option<&Value>, Refusal> {
        match self.rows.get(&space).and_then(|rows| rows.get(key)) {
            Some(row) => Ok(row.as_ref()),
            None => Err(Refusal::node(
                Reason::Internal,
                format!("a command read a row of {} that it had not named", space.name()),
                "a mended release",
            )),
        }
    }

    /// Where the command's first event entry will stand.
    pub const fn next_event(&self) -> Position {
        self.next_event
    }

    /// Index of the command's first access entry, in the event log's epoch.
    pub const fn next_access(&self) -> u64 {
        self.next_access
    }

    /// The ledger's time, which never goes back.
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }
}

/// What a command would come to now, on durable rows alone: for whoever does something costly before its turn. Only a hint,
/// since others may come first.
///
/// # Errors
/// The command's refusal; the store fails.
pub fn foresee(store: &Store, command: &impl Command, next_event: Position, now_ms: u64) -> Result<Decision, Refusal> {
    let mut keys = Vec::new();
    command.reads(&mut keys);
    let mut rows = Rows::new();
    for (space, key) in keys {
        let value = store.own.get(space, &key)?;
        rows.entry(space).or_default().insert(key, value);
    }
    command.decide(&View { rows: &rows, next_event, next_access: 0, now_ms })
}

/// A group being filled.
pub(super) struct Group<'a> {
    store: &'a Store,
    crash: &'a Crash,
    events_head: &'a Head,
    access_head: &'a Head,
    now_ms: u64,
    rows: Rows,
    writes: Vec<Write>,
    events: Vec<Bytes>,
    access: Vec<Bytes>,
    bytes: usize,
    heartbeat: bool,
    outcomes: Vec<Outcome>,
}

fn entries_fit(changes: &Changes) -> Result<(), Refusal> {
    match changes.events.iter().chain(&changes.access).find(|body| body.len() + event::MAX_TIME_BYTES > MAX_ENTRY) {
        None => Ok(()),
        Some(body) => Err(Refusal::caller(
            Reason::EntryTooLarge,
            format!("an entry of {} bytes", body.len()),
            format!("at most {MAX_ENTRY} bytes"),
        )),
    }
}

enum Outcome {
    Committed { event: u64, access: Option<usize> },
    Earlier(Value),
    Refused(Refusal),
}

/// A group ready to be committed.
pub(super) struct Closed {
    pub(super) rows: Vec<Write>,
    /// `None`: as it stood.
    pub(super) events: Option<Head>,
    /// `None`: as it stood.
    pub(super) access: Option<Head>,
    pub(super) answers: Vec<Result<Answer, Error>>,
}

impl<'a> Group<'a> {
    pub(super) fn new(parts: &'a Parts, now_ms: u64) -> Self {
        Self {
            store: &parts.store,
            crash: &parts.crash,
            events_head: &parts.events,
            access_head: &parts.access,
            now_ms: now_ms.max(parts.events.at_ms()).max(parts.access.at_ms()),
            rows: Rows::new(),
            writes: Vec::new(),
            events: Vec::new(),
            access: Vec::new(),
            bytes: 0,
            heartbeat: false,
            outcomes: Vec::new(),
        }
    }

    /// Reads every row that the commands name.
    pub(super) fn prefetch<'c>(&mut self, commands: impl Iterator<Item = &'c dyn Command>) -> Result<(), store::Error> {
        let mut keys = Vec::new();
        for command in commands {
            command.reads(&mut keys);
        }
        for (space, key) in keys {
            if let Vacant(place) = self.rows.entry(space).or_default().entry(key) {
                let value = self.store.own.get(space, place.key())?;
                place.insert(value);
            }
        }
        Ok(())
    }

    /// Decides one command. False when the group is full: the command's turn comes in the next one.
    pub(super) fn decide(&mut self, command: &dyn Command, barred: Option<Refusal>) -> bool {
        let events = self.events_head;
        let index = events.size() + self.events.len() as u64;
        let view = View {
            rows: &self.rows,
            next_event: Position { region: events.region(), epoch: events.epoch(), index },
            next_access: self.access_head.size() + self.access.len() as u64,
            now_ms: self.now_ms,
        };
        let decided = match command.decide(&view) {
            Ok(Decision::Commit(_)) if let Some(refusal) = barred => Err(refusal),
            decided => decided,
        };
        let decided = match decided {
            Ok(Decision::Commit(changes)) => entries_fit(&changes).map(|()| Decision::Commit(changes)),
            other => other,
        };
        let outcome = match decided {
            Err(refusal) => Outcome::Refused(refusal),
            Ok(Decision::Earlier(row)) => Outcome::Earlier(row),
            Ok(Decision::Commit(changes)) => {
                let size: usize = changes.events.iter().chain(&changes.access).map(Bytes::len).sum();
                let most = |log: &[Bytes], new: &[Bytes]| log.len() + new.len() <= MAX_ENTRIES;
                let fits = most(&self.events, &changes.events)
                    && most(&self.access, &changes.access)
                    && self.bytes + size <= MAX_ENTRY_BYTES;
                if !fits && !self.outcomes.is_empty() {
                    return false;
                }
                self.bytes += size;
                self.stage(changes)
            }
        };
        self.outcomes.push(outcome);
        true
    }

    fn stage(&mut self, changes: Changes) -> Outcome {
        let event = self.events_head.size() + self.events.len() as u64 + changes.named;
        let access = (!changes.access.is_empty()).then_some(self.access.len());
        self.events.extend(changes.events);
        self.access.extend(changes.access);
        self.heartbeat |= changes.heartbeat;
        for row in changes.rows {
            // Only rows that a command of this group named can be read again by a later one.
            if let Some(staged) = self.rows.get_mut(&row.space).and_then(|rows| rows.get_mut(&row.key)) {
                staged.clone_from(&row.value);
            }
            self.writes.push(row);
        }
        Outcome::Committed { event, access }
    }

    /// Appends, signs, and makes the batch.
    pub(super) fn close(self, now_ms: u64) -> Result<Closed, store::Error> {
        let at_ms = now_ms.max(self.now_ms);
        let epoch = self.events_head.epoch();
        // The row, not only the entry: the bytes that are hashed are those that are kept and handed out.
        let row = |body: &Bytes| entry_row(body.len() + event::MAX_TIME_BYTES, |row| event::put(at_ms, body, row));
        let stamp = |bodies: Vec<Bytes>| -> Vec<Value> { bodies.iter().map(row).collect() };
        let mut rows = self.writes;
        let events =
            self.events_head.grow(self.store, stamp(self.events), at_ms, self.heartbeat, &mut rows, self.crash)?;
        let access = self.access_head.grow(self.store, stamp(self.access), at_ms, false, &mut rows, self.crash)?;
        let first_access = self.access_head.size();
        let answers = self
            .outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Refused(refusal) => Ok(Err(Error::Refused(refusal))),
                Outcome::Earlier(row) => Ok(Ok(Answer::Earlier(row))),
                Outcome::Committed { event, access: offset } => {
                    let proof = match (offset, &access) {
                        (Some(offset), Some(access)) => Some(AccessProof {
                            index: first_access + offset as u64,
                            entry: entry_in(&access.entries[offset]),
                            hashes: access.group.proof(offset)?,
                            note: access.note.clone(),
                        }),
                        _ => None,
                    };
                    Ok(Ok(Answer::Committed(Committed { at_ms, epoch, event, access: proof })))
                }
            })
            .collect::<Result<_, store::Error>>()?;
        Ok(Closed { rows, events: events.map(|grown| grown.head), access: access.map(|grown| grown.head), answers })
    }
}
