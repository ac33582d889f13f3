//! `run`.

use super::{Failure, Format, config::overrides, output::print_json};
use crate::{
    config::{LogFormat, Telemetry},
    exit::Exit,
    node::{Error, Node, Source},
    telemetry::{self, mask::Masked},
};
use ca_tools::console::coloured;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "\
Examples:
  exchange-node run --config jinan/config.toml
  # Read CRLs, trust bundle and the [kafka] section again
  kill -HUP $(pidof exchange-node)

SIGTERM and SIGINT: no new calls, finish, publish, stop. SIGHUP: validate the configuration, then
swap, else keep the old. Log lines go to standard error; with -o json one object on standard output
says that the node answers, and where.
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The file; environment variables EXCHANGE__SECTION__KEY are laid over it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) async fn run(args: &RunArgs, format: Format) -> Result<Exit, Failure> {
    let source = Source::File { path: args.config.clone(), overrides: overrides() };
    let config = source.read()?;
    log(&config.telemetry)?;
    if let Some(address) = config.listen.metrics {
        telemetry::serve(address)
            .map_err(|error| Failure::new(Exit::Conflict, format!("listen.metrics {address}: {error}")))?;
        tracing::info!(%address, "metrics are served");
    }
    let signals = |kind| signal(kind).map_err(|error| Failure::new(Exit::Failed, error));
    let mut reload = signals(SignalKind::hangup())?;
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;
    let node = Node::start(source).await.map_err(failure)?;
    if format == Format::Json {
        print_json(&json!({
            "region": config.node.region.as_str(),
            "node": config.node.name,
            "address": node.address().to_string(),
            "metrics": config.listen.metrics.map(|address| address.to_string()),
            "process": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
        }))?;
    }
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            failed = node.finished() => {
                node.drain().await;
                return match failed {
                    true => Err(Failure::new(Exit::Failed, "a commit failed, and its outcome is unknown: start again")),
                    false => Ok(Exit::Ok),
                };
            }
            _ = reload.recv() => match node.control().reload() {
                Ok(changed) => tracing::info!(?changed, "reloaded"),
                Err(refusal) => tracing::error!(%refusal, "the reload is refused; the old configuration stays"),
            },
        }
    }
    tracing::info!("told to stop");
    node.drain().await;
    Ok(Exit::Ok)
}

/// Log lines go to standard error, as the configuration says, and without identity numbers.
fn log(telemetry: &Telemetry) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(&telemetry.filter).map_err(|error| Failure::usage(format!("telemetry.filter: {error}")))?;
    let colours = telemetry.format == LogFormat::Text && coloured();
    let out = Masked { make: std::io::stderr, colours };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(out);
    let set = match telemetry.format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => lines.with_ansi(colours).try_init(),
    };
    set.map_err(|error| Failure::new(Exit::Failed, error))
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Config(error) => error.into(),
        Error::Keys(error) => error.into(),
        Error::Trust(error) => error.into(),
        Error::Listen { .. } => Failure::new(Exit::Conflict, error),
        other => Failure::new(Exit::Failed, other),
    }
}
