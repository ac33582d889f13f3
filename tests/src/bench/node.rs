//! A real node as a process of the bench.

use crate::process;
use anyhow::{Result, ensure};
use clap::Args;
use exchange_node::node::{Node, Source};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Its configuration.
    #[arg(long)]
    config: PathBuf,
}

/// Serves until the parent ends.
pub(crate) async fn serve(options: Options) -> Result<()> {
    process::end_with_parent();
    let node = Node::start(Source::File { path: options.config, overrides: Vec::new() }).await?;
    process::ready(node.address())?;
    let failed = node.finished().await;
    ensure!(!failed, "a commit of the node failed");
    Ok(())
}
