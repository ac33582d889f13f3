//! THE writer of own data: commands in, decided in order, one durable commit per group, answers out.
//!
//! It knows no use case. A command says which rows it reads and decides on them; what it returns are entries for the
//! event log and the access log, and rows.
//!
//! The order of a group, which recovery relies on:
//! 1. decide every command on the prefetched rows and on what the group has staged so far;
//! 2. append the entries to the trees;
//! 3. sign one checkpoint per log that grew;
//! 4. one batch: rows, entries, full tiles, checkpoints; durable when it returns;
//! 5. answer every caller.
//!
//! Nothing reads rows that are not durable, and there is no truth in memory besides the heads of the logs, which are
//! read back from the store when it opens. A commit that fails has an unknown outcome: every caller is told so, and the
//! ledger takes no more commands.

mod group;
mod head;
mod unknown;

pub use group::{View, foresee};
pub use head::{Head, Signer};

use crate::{
    clock::Clock,
    crash::{Crash, Point},
    refusal::Refusal,
    space::FreeSpace,
    spawn::Tasks,
    store::{self, Space, Store, Value, Write, log::Kind},
};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use exchange_core::{merkle::Hash, reason::Reason};
use group::Group;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use unknown::UnknownAfterPanic;

/// Most commands of a group.
pub const MAX_COMMANDS: usize = 512;
/// Most entries of a group.
pub const MAX_ENTRIES: usize = 1_000;
/// Most bytes of entries of a group.
pub const MAX_ENTRY_BYTES: usize = 768_000;
/// Commands that may wait; more callers wait for a place.
const QUEUE: usize = 1_024;
/// How often a group in which several commands wait gives way to the other threads, if each time brings another command: a
/// sync, two signatures and the readers' checks of them cost the same for one command and for fifty. Where a core is idle
/// nothing comes of it, and nothing is waited for.
const MAX_GATHERS: usize = 64;

/// Something that wants to change own data.
pub trait Command: Send + 'static {
    /// Keys of the rows that [`Command::decide`] reads.
    fn reads(&self, keys: &mut Vec<(Space, store::Key)>);

    /// Decides, from the view alone. A refusal stages nothing.
    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal>;

    /// May it run while the node is read-only? Only what keeps evidence or trust.
    fn while_read_only(&self) -> bool {
        false
    }
}

/// Rows that need no decision: evidence, trust, marks. They are kept while the node is read-only too.
pub struct Rows(pub Vec<Write>);

impl Command for Rows {
    fn reads(&self, _keys: &mut Vec<(Space, store::Key)>) {}

    fn decide(&self, _view: &View<'_>) -> Result<Decision, Refusal> {
        Ok(Decision::Commit(Changes { rows: self.0.clone(), ..Changes::default() }))
    }

    fn while_read_only(&self) -> bool {
        true
    }
}

/// An entry of the event log that needs no decision; all but its time.
pub struct Notice(pub Bytes);

impl Command for Notice {
    fn reads(&self, _keys: &mut Vec<(Space, store::Key)>) {}

    fn decide(&self, _view: &View<'_>) -> Result<Decision, Refusal> {
        Ok(Decision::Commit(Changes { events: vec![self.0.clone()], ..Changes::default() }))
    }
}

/// What a command comes to.
#[derive(Debug)]
pub enum Decision {
    /// To be written.
    Commit(Changes),
    /// It was done before: the row that says so.
    Earlier(Value),
}

/// What a command changes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Entries of the event log, all but their time.
    pub events: Vec<Bytes>,
    /// Entries of the access log, all but their time.
    pub access: Vec<Bytes>,
    /// Rows.
    pub rows: Vec<Write>,
    /// Signs the event log's checkpoint anew although it may not grow.
    pub heartbeat: bool,
    /// Which of `events` the answer names, from 0: what a caller asked for may stand behind what it needs.
    pub named: u64,
}

/// What a caller gets.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Durable.
    Committed(Committed),
    /// It was done before: the row that says so.
    Earlier(Value),
}

/// Where a command's entries stand.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Time of the group, Unix milliseconds.
    pub at_ms: u64,
    /// Epoch of both logs.
    pub epoch: u32,
    /// Index of the event entry that [`Changes::named`] says.
    pub event: u64,
    /// Its first access entry with its proof, if it wrote one.
    pub access: Option<AccessProof>,
}

/// An access entry with its path in the tree of its group's size.
#[derive(Debug, Clone)]
pub struct AccessProof {
    /// Index of the entry.
    pub index: u64,
    /// The entry's bytes.
    pub entry: Bytes,
    /// Leaf to root.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint that the group shares.
    pub note: Bytes,
}

/// Why a command has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It was decided against.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The commit failed: it may have been written or not.
    #[error("the outcome is unknown: ask again with the same request id")]
    OutcomeUnknown,
    /// The node takes no commands any more.
    #[error("the node is stopping")]
    Stopped,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::OutcomeUnknown => Self::node(
                Reason::OutcomeUnknown,
                "a commit that did not say how it ended",
                "the same request again, with the same request id",
            ),
            Error::Stopped => Self::node(Reason::Draining, "a node that is stopping", "the same request again, later"),
        }
    }
}

/// How far the own logs are, for those who follow them. Only a hint: the rows decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries of the event log.
    pub events: u64,
    /// Entries of the access log.
    pub access: u64,
    /// Time of the event log's newest checkpoint.
    pub at_ms: u64,
}

impl Progress {
    /// Waits until the event log has grown since, or its checkpoint was signed anew; what happens to the access log
    /// wakes nobody.
    ///
    /// # Errors
    /// The ledger is gone.
    pub async fn event_log_since(self, now: &mut watch::Receiver<Self>) -> Result<(), watch::error::RecvError> {
        let of = |progress: &Self| (progress.events, progress.at_ms);
        now.wait_for(|now| of(now) != of(&self)).await.map(drop)
    }
}

struct Waiting {
    command: Box<dyn Command>,
    answer: oneshot::Sender<Result<Answer, Error>>,
}

/// The handle that use cases hold.
#[derive(Clone)]
pub struct Ledger {
    queue: mpsc::Sender<Waiting>,
    read_only: Arc<ArcSwapOption<String>>,
    progress: watch::Receiver<Progress>,
    failed: watch::Receiver<bool>,
}

/// What the ledger needs to start.
pub struct Parts {
    /// Where it writes.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Head of the event log.
    pub events: Head,
    /// Head of the access log.
    pub access: Head,
    /// Without enough of it nothing is written. `None`: it is not watched.
    pub space: Option<FreeSpace>,
    /// Why writes are refused at first, if they are.
    pub read_only: Option<String>,
    /// Where tests stop it.
    pub crash: Crash,
}

impl Ledger {
    /// Starts the writer on a thread of its own.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(parts: Parts, tasks: &Tasks) -> std::io::Result<Self> {
        let (queue, commands) = mpsc::channel(QUEUE);
        let start = Progress { events: parts.events.size(), access: parts.access.size(), at_ms: parts.events.at_ms() };
        let (progress_sender, progress) = watch::channel(start);
        let (failed_sender, failed) = watch::channel(false);
        let read_only = Arc::new(ArcSwapOption::from(parts.read_only.clone().map(Arc::new)));
        let writer = Writer {
            parts,
            commands,
            read_only: Arc::clone(&read_only),
            progress: progress_sender,
            failed: failed_sender,
        };
        tasks.thread("ledger", move || writer.run())?;
        Ok(Self { queue, read_only, progress, failed })
    }

    /// Hands a command over and waits for its group. Dropping the future does not withdraw the command.
    pub async fn submit(&self, command: impl Command) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { command: Box::new(command), answer };
        self.queue.send(waiting).await.map_err(|_| Error::Stopped)?;
        // The writer drops what it did not answer only when it stops or failed.
        answered
            .await
            .unwrap_or_else(|_| Err(if *self.failed.borrow() { Error::OutcomeUnknown } else { Error::Stopped }))
    }

    /// Why writes are refused, if they are.
    pub fn read_only(&self) -> Option<Arc<String>> {
        self.read_only.load_full()
    }

    /// Refuses writes from now on, or takes them again.
    pub fn set_read_only(&self, reason: Option<String>) {
        self.read_only.store(reason.map(Arc::new));
    }

    /// How far the logs are.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Becomes true when a commit failed: the node has to drain and exit.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }
}

struct Writer {
    parts: Parts,
    commands: mpsc::Receiver<Waiting>,
    read_only: Arc<ArcSwapOption<String>>,
    progress: watch::Sender<Progress>,
    failed: watch::Sender<bool>,
}

impl Writer {
    fn run(mut self) {
        let mut waiting = Vec::with_capacity(MAX_COMMANDS);
        // Dropped before the commands are, with what they hold: whoever sees them gone sees first that the outcome is unknown.
        let _unknown = UnknownAfterPanic::new(self.failed.clone());
        loop {
            if waiting.is_empty() && self.commands.blocking_recv_many(&mut waiting, MAX_COMMANDS) == 0 {
                return; // every handle is gone
            }
            self.gather(&mut waiting);
            if let Err(error) = self.group(&mut waiting) {
                tracing::error!(%error, "a commit failed: its outcome is unknown, the node has to restart");
                self.failed.send_replace(true);
                return; // drops the waiting ones: their outcome is unknown
            }
        }
    }

    /// Takes what the other threads have under way, if callers come in numbers; one that comes alone is not held up.
    fn gather(&mut self, waiting: &mut Vec<Waiting>) {
        for _ in 0..MAX_GATHERS {
            let before = waiting.len();
            if !(2..MAX_COMMANDS).contains(&before) {
                return;
            }
            std::thread::yield_now();
            while waiting.len() < MAX_COMMANDS
                && let Ok(one) = self.commands.try_recv()
            {
                waiting.push(one);
            }
            if waiting.len() == before {
                return;
            }
        }
    }

    /// One group from what is waiting; what does not fit stays.
    fn group(&mut self, waiting: &mut Vec<Waiting>) -> Result<(), store::Error> {
        let short = self.parts.space.as_ref().and_then(|space| space.check().err());
        let no_space = short.map(|short| Refusal::node(Reason::NoSpace, short.found, short.needed));
        let mut group = Group::new(&self.parts, self.parts.clock.now_ms());
        group.prefetch(waiting.iter().map(|one| &*one.command))?;
        let read_only = self.read_only.load_full();
        let mut taken = 0;
        for one in waiting.iter() {
            let barred = read_only
                .as_ref()
                .filter(|_| !one.command.while_read_only())
                .map(|why| Refusal::node(Reason::ReadOnly, why.as_str(), "a node that may write"))
                .or_else(|| no_space.clone());
            if !group.decide(&*one.command, barred) {
                break;
            }
            taken += 1;
        }
        self.parts.crash.pass(Point::LedgerDecided);
        let closed = group.close(self.parts.clock.now_ms())?;
        if !closed.rows.is_empty() {
            self.parts.crash.pass(Point::LedgerSigned);
            self.parts.store.own.commit(closed.rows)?;
            self.parts.crash.pass(Point::LedgerCommitted);
        }
        if let Some(grown) = closed.events {
            self.parts.events = grown;
        }
        if let Some(grown) = closed.access {
            self.parts.access = grown;
        }
        let progress = Progress {
            events: self.parts.events.size(),
            access: self.parts.access.size(),
            at_ms: self.parts.events.at_ms(),
        };
        for (one, answer) in waiting.drain(..taken).zip(closed.answers) {
            let _ = one.answer.send(answer); // a caller that went away has its answer in the store
        }
        self.parts.crash.pass(Point::LedgerAnswered);
        self.progress.send_if_modified(|old| std::mem::replace(old, progress) != progress);
        metrics::histogram!(crate::telemetry::LEDGER_GROUP_COMMANDS).record(taken as f64);
        Ok(())
    }
}

/// Name of a log kind in metrics.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Events => "events",
        Kind::Access => "access",
    }
}
