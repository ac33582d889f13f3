//! `demo`.

use super::{Failure, Format, output::print_json};
use crate::{demo, exit::Exit};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  exchange-node demo
  # Leave everything running, and print how to reach it
  exchange-node demo --keep
  # Over a real broker, with the topics of the five regions
  deploy/kafka/kafka start --port 29092 --topics \"370000 370100 370200 370300 370600\"
  exchange-node demo --kafka 127.0.0.1:29092
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct DemoArgs {
    /// Leave the nodes running afterwards, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// A real broker instead of the one in process.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Make the province here, in an empty folder, and leave it; else in a temporary one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Log lines of the nodes on standard error, as in RUST_LOG.
    #[arg(long, value_name = "FILTER", default_value = "off")]
    log: String,
}

pub(super) async fn run(args: DemoArgs, format: Format) -> Result<Exit, Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(&args.log).map_err(Failure::usage)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    let quiet = format == Format::Json;
    let options = demo::Options { keep: args.keep, kafka: args.kafka, folder: args.dir, quiet };
    let ended = |summary: &demo::Summary| {
        if quiet && let Ok(value) = serde_json::to_value(summary) {
            // Nobody may be reading it, as with the lines.
            let _ = print_json(&value);
        }
    };
    let summary = demo::run(options, ended).await.map_err(|error| Failure::new(Exit::Failed, format!("{error:#}")))?;
    Ok(if summary.failed == 0 { Exit::Ok } else { Exit::Failed })
}
