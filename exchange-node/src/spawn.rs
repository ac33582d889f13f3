//! The only place that starts tasks and threads. All are tracked, so that a stop can wait for them.

use std::{future::Future, io};
use tokio::task::JoinHandle;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFuture},
    task::TaskTracker,
};

/// The tasks of one node.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts a task that ends by itself, or when [`Tasks::stopping`] says so.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        tokio::spawn(self.tracker.track_future(task))
    }

    /// Runs work that blocks on the runtime's own threads for it.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let token = self.tracker.token();
        tokio::task::spawn_blocking(move || {
            let _tracked = token;
            work()
        })
    }

    /// A thread of its own, for what commits to disk.
    ///
    /// # Errors
    /// When the operating system has no thread left.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let token = self.tracker.token();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _tracked = token;
            work();
        })?;
        Ok(())
    }

    /// Resolves when the node stops.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// The token behind [`Tasks::stopping`], for a wait of its own lifetime.
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Is the node stopping?
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Tells every task to stop.
    pub fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
    }

    /// Resolves when every task has ended after [`Tasks::stop`].
    pub async fn ended(&self) {
        self.tracker.wait().await;
    }
}
