//! One exchange node: what it is started from, and how it ends.

mod build;
mod control;
mod follow;

pub use control::Control;

use crate::{
    blobs,
    clock::Clock,
    config::{self, Config},
    crash::Crash,
    kafka::Kafka,
    keys, licences,
    spawn::Tasks,
    store, tls, trust,
};
use exchange_core::checkpoint;
use std::{net::SocketAddr, path::PathBuf};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The folder of kept files.
    #[error(transparent)]
    Blobs(#[from] blobs::Error),
    /// Roots, bundle or CRLs.
    #[error(transparent)]
    Trust(#[from] trust::Error),
    /// A key or credential.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// Templates and departments' seals.
    #[error(transparent)]
    Licences(#[from] licences::Error),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The name of an own log.
    #[error(transparent)]
    Origin(#[from] checkpoint::Error),
    /// A department in the configuration.
    #[error(transparent)]
    Department(#[from] exchange_core::uscc::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A thread cannot be had, or the descriptors do not read.
    #[error("{0}")]
    Start(String),
}

/// Where the configuration comes from, for a reload.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, with overrides of the environment.
    File {
        /// Which.
        path: PathBuf,
        /// `EXCHANGE__SECTION__KEY` and value.
        overrides: Vec<(String, String)>,
    },
    /// Given in process; a reload changes nothing.
    Given(Box<Config>),
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// [`config::Error`].
    pub fn read(&self) -> Result<Config, config::Error> {
        match self {
            Self::File { path, overrides } => config::load(path, overrides.iter().cloned()),
            Self::Given(config) => Ok((**config).clone()),
        }
    }
}

/// What tests put in the place of a node's own; the default is the node's own.
#[derive(Default)]
pub struct Seams {
    /// Another carrier than the configured one.
    pub carrier: Option<Kafka>,
    /// Where the node stops.
    pub crash: Crash,
    /// A clock that can be moved from outside.
    pub clock: Clock,
    /// What happens to its calls to other nodes.
    #[cfg(feature = "test-util")]
    pub faults: crate::peers::wire::Faults,
}

/// A running node. Dropping it does not stop it: [`Node::drain`] does.
pub struct Node {
    control: Control,
    address: SocketAddr,
    tasks: Tasks,
    server: tokio::task::JoinHandle<()>,
}

impl Node {
    /// Builds and starts every part. When it returns the node answers; it takes writes once its own log was compared
    /// with other nodes' copies.
    ///
    /// # Errors
    /// The first part that cannot be built.
    pub async fn start(source: Source) -> Result<Self, Error> {
        Self::start_with(source, Seams::default()).await
    }

    /// As [`Node::start`], with what a test has in its hands.
    ///
    /// # Errors
    /// As [`Node::start`].
    #[cfg(feature = "test-util")]
    pub async fn start_under(source: Source, seams: Seams) -> Result<Self, Error> {
        Self::start_with(source, seams).await
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// State, reload, drain.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// Resolves when the node has to stop: it was drained by an operator, or a commit failed (then true).
    pub async fn finished(&self) -> bool {
        self.control.finished().await
    }

    /// Stops gracefully within the configured time: takes no more calls, finishes those in work, publishes, ends.
    pub async fn drain(mut self) {
        self.control.drain();
        let grace = self.control.grace();
        if tokio::time::timeout(grace, &mut self.server).await.is_err() {
            tracing::warn!("some calls were still in work after the grace period");
            self.server.abort();
        }
        self.control.flush(grace / 2).await;
        self.tasks.stop();
        drop(self.control);
        if tokio::time::timeout(grace, self.tasks.ended()).await.is_err() {
            tracing::warn!("some tasks did not end within the grace period");
        }
    }

    /// Stops at once, as a crash does: nothing is finished, nothing is published.
    pub fn kill(self) {
        self.server.abort();
        self.tasks.stop();
    }
}
