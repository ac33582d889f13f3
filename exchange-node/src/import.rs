//! Import of a licence library: the rows of the national table `up_lic_data` become certificates.
//!
//! `cd_operation` I issues, U revises, D is a rejected row. A row is one call of the node's public interface, and the node
//! knows each row by issuer, type, source id and row time for ever: an import can be killed and run again, and nothing
//! is issued twice. Rows of one source id keep their order; all others go side by side. Memory stays flat: the file is
//! read as a stream, and only rows in work are held.

mod code_type;
mod columns;
mod kinds;
mod read;
mod reject;
mod row;
mod send;
#[cfg(test)]
mod tests;

pub use columns::Missing;
pub use read::Encoding;
pub use reject::Rejection;

use crate::{random::Random, spawn::Tasks};
use columns::Columns;
use csv::StringRecord;
use indicatif::ProgressBar;
use kinds::Kinds;
use reject::RejectedFile;
use row::Job;
use send::{Sender, Sent};
use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet};
use tonic::transport::Channel;

/// Rows that are read ahead.
const AHEAD: usize = 256;

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// CSV with a header, commas, and quotes where needed.
    pub file: PathBuf,
    /// Where rows go that are not issued; `None`: `<file stem>.rejected.csv` beside the file.
    pub rejected: Option<PathBuf>,
    /// `None`: found out.
    pub encoding: Option<Encoding>,
    /// Rows in work at once, at least 1.
    pub parallel: usize,
    /// Only check; the types are asked from the node, nothing is issued.
    pub dry_run: bool,
    /// How long one row is tried again while the node is not available.
    pub patience: Duration,
}

impl Options {
    /// With defaults: 128 rows at once, two minutes of patience.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            rejected: None,
            encoding: None,
            parallel: 128,
            dry_run: false,
            patience: Duration::from_secs(120),
        }
    }

    /// Where rejected rows go.
    pub fn rejected_path(&self) -> PathBuf {
        self.rejected.clone().unwrap_or_else(|| {
            let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
            self.file.with_file_name(format!("{stem}.rejected.csv"))
        })
    }
}

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Certificates issued by this run; with `dry_run`: that would be.
    pub issued: u64,
    /// Revisions issued by this run.
    pub revised: u64,
    /// Rows that an earlier run, or a repetition of the row, had issued.
    pub already_there: u64,
    /// Certificates whose status this run changed after issuing.
    pub status_changed: u64,
    /// Rows in the rejected file.
    pub rejected: u64,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    /// Rows a second.
    #[allow(clippy::cast_precision_loss, reason = "shown to people")]
    pub fn rate(&self) -> f64 {
        self.rows as f64 / self.took.as_secs_f64().max(0.001)
    }
}

/// Why an import ends before its file does. What was issued stays; run it again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Neither UTF-8 nor GB18030.
    #[error("{path} is neither UTF-8 nor GB18030; name its encoding, or save it in one of them")]
    Encoding {
        /// Which.
        path: PathBuf,
    },
    /// The header lacks columns.
    #[error("{0}")]
    Columns(#[from] Missing),
    /// No CSV.
    #[error("{path}: {source}")]
    Csv {
        /// Which.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// The rejected rows would replace the rows that are read.
    #[error("{path} is read and would be replaced by the rejected rows: name another file for them")]
    OwnInput {
        /// Which.
        path: PathBuf,
    },
    /// The node refuses everything, or is not available.
    #[error("{}", .0.message())]
    Node(#[from] Box<tonic::Status>),
    /// A task of the import ended by itself.
    #[error("a task of the import failed: {0}")]
    Task(String),
}

/// Imports a file through `channels`, which lead to one node and carry a system's credential. `progress` counts bytes of
/// the file; its length is set here.
///
/// # Errors
/// See [`Error`]. Rows that are refused are no error: they are in the rejected file and in the summary.
pub async fn run(
    options: &Options,
    channels: Vec<Channel>,
    random: Random,
    progress: &ProgressBar,
) -> Result<Summary, Error> {
    let clock = crate::clock::Clock::default();
    let from = clock.instant();
    let tasks = Tasks::default();
    let same = |a: &Path, b: &Path| a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(&options.file, &options.rejected_path()) {
        return Err(Error::OwnInput { path: options.file.clone() });
    }
    let source = read::open(options, progress)?;
    let columns = Arc::new(Columns::new(&source.header)?);
    for name in columns.unused() {
        tracing::warn!(column = name, "a column that the import does not use");
    }
    let (rows_out, rows) = mpsc::channel(AHEAD);
    let header = source.header.clone();
    let file = options.file.clone();
    tasks
        .thread("import-reader", move || source.send_all(&file, &rows_out))
        .map_err(|source| Error::File { path: options.file.clone(), source })?;
    let rejected = RejectedFile::create(options.rejected_path(), &header)?;
    let sender = Arc::new(Sender::new(channels, options, clock.clone(), random));
    let work = Work {
        kinds: Kinds::new(Arc::clone(&sender)),
        sender,
        columns,
        rejected,
        summary: Summary::default(),
        tasks: JoinSet::new(),
        busy: HashMap::new(),
        in_work: 0,
        parallel: options.parallel.max(1),
        dry_run: options.dry_run,
        progress: progress.clone(),
        from,
        clock,
    };
    work.all(rows).await
}

/// A row as it was read.
pub(crate) struct Read {
    /// Line of the file, from 1.
    line: u64,
    record: StringRecord,
}

type Finished = (Job, Result<Sent, send::Error>);

struct Work {
    kinds: Kinds,
    sender: Arc<Sender>,
    columns: Arc<Columns>,
    rejected: RejectedFile,
    summary: Summary,
    tasks: JoinSet<Finished>,
    /// Source ids in work, each with the rows that wait for it.
    busy: HashMap<String, VecDeque<Job>>,
    in_work: usize,
    parallel: usize,
    dry_run: bool,
    progress: ProgressBar,
    from: Instant,
    clock: crate::clock::Clock,
}

impl Work {
    async fn all(mut self, mut rows: mpsc::Receiver<Result<Read, Error>>) -> Result<Summary, Error> {
        let mut more = true;
        while more || self.in_work > 0 {
            tokio::select! {
                biased;
                Some(finished) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    let (job, outcome) = finished.map_err(|error| Error::Task(error.to_string()))?;
                    self.finish(job, outcome)?;
                }
                row = rows.recv(), if more && self.in_work < self.parallel => match row {
                    Some(row) => self.take(row?).await?,
                    None => more = false,
                },
            }
        }
        self.summary.took = self.clock.instant().duration_since(self.from);
        self.rejected.finish()?;
        Ok(self.summary)
    }

    async fn take(&mut self, row: Read) -> Result<(), Error> {
        self.summary.rows += 1;
        if self.summary.rows.is_multiple_of(256) {
            let seconds = self.clock.instant().duration_since(self.from).as_secs_f64();
            #[allow(clippy::cast_precision_loss, reason = "shown to people")]
            let rate = self.summary.rows as f64 / seconds.max(0.001);
            self.progress
                .set_message(format!("{} rows, {rate:.0}/s, {} rejected", self.summary.rows, self.summary.rejected));
        }
        let job = match row::prepare(&self.columns, &mut self.kinds, row).await? {
            Ok(job) => job,
            Err((row, rejection)) => return self.reject(&row, &rejection),
        };
        if self.dry_run {
            match job.is_revision() {
                true => self.summary.revised += 1,
                false => self.summary.issued += 1,
            }
            return Ok(());
        }
        self.in_work += 1;
        match self.busy.entry(job.source_id().to_owned()) {
            Entry::Occupied(mut waiting) => waiting.get_mut().push_back(job),
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                self.start(job);
            }
        }
        Ok(())
    }

    fn start(&mut self, mut job: Job) {
        let sender = Arc::clone(&self.sender);
        self.tasks.spawn(async move {
            let outcome = sender.send(&mut job).await;
            (job, outcome)
        });
    }

    fn finish(&mut self, job: Job, outcome: Result<Sent, send::Error>) -> Result<(), Error> {
        self.in_work -= 1;
        match outcome {
            Ok(sent) => {
                match (sent.repeated, job.is_revision()) {
                    (true, _) => self.summary.already_there += 1,
                    (false, true) => self.summary.revised += 1,
                    (false, false) => self.summary.issued += 1,
                }
                self.summary.status_changed += u64::from(sent.status_changed);
            }
            Err(send::Error::Row(rejection)) => self.reject(job.row(), &rejection)?,
            Err(send::Error::Node(status)) => return Err(Error::Node(status)),
        }
        let next = self.busy.get_mut(job.source_id()).and_then(VecDeque::pop_front);
        match next {
            Some(next) => self.start(next),
            None => {
                self.busy.remove(job.source_id());
            }
        }
        Ok(())
    }

    fn reject(&mut self, row: &Read, rejection: &Rejection) -> Result<(), Error> {
        self.summary.rejected += 1;
        self.rejected.write(row, rejection)
    }
}
