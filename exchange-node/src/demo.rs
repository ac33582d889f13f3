//! The demo: a province and three cities at work on this machine, with real gRPC, TLS and stores in a folder, and a
//! broker in process unless a real one is named. Each step says what was checked and how long it took.

mod host;
mod print;
mod steps;
mod world;

use std::path::PathBuf;

/// How to run it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Leave everything running afterwards and print how to reach it.
    pub keep: bool,
    /// A real broker's `host:port`, with topics `exchange.log.<region>`; else librdkafka's in-process cluster.
    pub kafka: Option<String>,
    /// Where the province is made; else a temporary folder, removed at the end.
    pub folder: Option<PathBuf>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Steps whose every check held.
    pub passed: u32,
    /// Steps that failed; the demo stops at the first.
    pub failed: u32,
}

/// Runs the steps in order; the first failure ends them.
///
/// # Errors
/// The province cannot be made. A step that fails is no error: the summary counts it.
pub async fn run(options: Options) -> anyhow::Result<Summary> {
    let temporary = if options.folder.is_none() { Some(tempfile::tempdir()?) } else { None };
    let folder = match (&options.folder, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => anyhow::bail!("no folder"),
    };
    let mut printer = print::Printer::new();
    let mut world = world::World::new(folder, options.kafka.clone());
    steps::all(&mut world, &mut printer).await;
    let summary = printer.end();
    if options.keep {
        world.explain()?;
        tokio::signal::ctrl_c().await?;
    }
    world.stop().await;
    Ok(summary)
}
