//! A node in a runtime of its own, so that a kill takes the runtime and the store's handle with the open group.

use crate::node::{Node, Source};
use anyhow::{Context, Result, bail};
use std::{path::PathBuf, time::Duration};
use tokio::runtime::{Builder, Runtime};

/// After a kill the store is free when the last thread of the old runtime has let go of it.
const REOPEN: Duration = Duration::from_secs(10);

pub(super) struct Host {
    config: PathBuf,
    runtime: Option<Runtime>,
    node: Option<Node>,
}

impl Host {
    pub(super) async fn start(config: PathBuf) -> Result<Self> {
        let mut host = Self { config, runtime: None, node: None };
        host.up().await?;
        Ok(host)
    }

    /// Starts, waiting for the store that a killed node may still hold.
    pub(super) async fn up(&mut self) -> Result<()> {
        let clock = crate::clock::Clock::default();
        let end = clock.instant() + REOPEN;
        loop {
            let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("node").enable_all().build()?;
            let source = Source::File { path: self.config.clone(), overrides: Vec::new() };
            match runtime.spawn(Node::start(source)).await? {
                Ok(node) => {
                    self.runtime = Some(runtime);
                    self.node = Some(node);
                    return Ok(());
                }
                Err(error) if clock.instant() < end && matches!(error, crate::node::Error::Store(_)) => {
                    runtime.shutdown_background();
                    clock.sleep(Duration::from_millis(50)).await;
                }
                Err(error) => {
                    runtime.shutdown_background();
                    bail!(error);
                }
            }
        }
    }

    pub(super) fn node(&self) -> Result<&Node> {
        self.node.as_ref().context("the node is down")
    }

    /// As a crash: nothing is finished, nothing is said.
    pub(super) fn kill(&mut self) {
        if let Some(node) = self.node.take() {
            node.kill();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub(super) async fn stop(mut self) {
        if let (Some(node), Some(runtime)) = (self.node.take(), self.runtime.take()) {
            let _ = runtime.spawn(node.drain()).await;
            runtime.shutdown_background();
        }
    }
}
