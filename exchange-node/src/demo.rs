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
    /// Print no lines: the caller shows the summary.
    pub quiet: bool,
}

/// One step, as it ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Step {
    /// From 1.
    pub number: u32,
    /// What was done.
    pub what: String,
    /// What was checked and found, or why it failed.
    pub found: String,
    /// Did every check hold?
    pub passed: bool,
    /// How long it took.
    pub milliseconds: f64,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Summary {
    /// Each step that was begun.
    pub steps: Vec<Step>,
    /// Steps whose every check held.
    pub passed: u32,
    /// Steps that failed; the demo stops at the first.
    pub failed: u32,
}

/// Runs the steps in order; the first failure ends them. `ended` is called with the summary when they are through, before
/// a demo that is kept waits for Ctrl-C.
///
/// # Errors
/// The province cannot be made. A step that fails is no error: the summary counts it.
pub async fn run(options: Options, ended: impl FnOnce(&Summary)) -> anyhow::Result<Summary> {
    let temporary = if options.folder.is_none() { Some(tempfile::tempdir()?) } else { None };
    let folder = match (&options.folder, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => anyhow::bail!("no folder"),
    };
    let mut printer = print::Printer::new(options.quiet);
    let mut world = world::World::new(folder, options.kafka.clone());
    steps::all(&mut world, &mut printer).await;
    let summary = printer.end();
    ended(&summary);
    if options.keep {
        world.explain()?;
        tokio::signal::ctrl_c().await?;
    }
    world.stop().await;
    Ok(summary)
}
