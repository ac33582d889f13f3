//! `config`.

use super::{Failure, Format, output};
use crate::{
    config::{self, files},
    exit::Exit,
};
use ca_tools::console::note;
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  exchange-node config check --config jinan/config.toml
  EXCHANGE__LISTEN__GRPC=0.0.0.0:8443 exchange-node config check --config jinan/config.toml
";

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Read a configuration as the node would, and look for the files that it names. Exit code 0, 2 or 11.
    #[command(before_help = EXAMPLES)]
    Check {
        /// The file; environment variables EXCHANGE__SECTION__KEY are laid over it.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

pub(super) fn run(ConfigCommand::Check { config: path }: &ConfigCommand, format: Format) -> Result<Exit, Failure> {
    let config = config::load(path, overrides())?;
    let faults = files::faults(&config);
    if format == Format::Json {
        output::print_json(&json!({
            "file": path,
            "region": config.node.region.as_str(),
            "node": config.node.name,
            "result": if faults.is_empty() { "ok" } else { "failed" },
            "faults": faults,
        }))?;
    } else {
        for fault in &faults {
            note(&fault.to_string(), format);
        }
        if faults.is_empty() {
            output::print(&format!(
                "{}: region {}, node {}: ok",
                path.display(),
                config.node.region,
                config.node.name
            ))?;
        } else {
            note(&format!("{}: {} files are not as they should be", path.display(), faults.len()), format);
        }
    }
    Ok(if faults.is_empty() { Exit::Ok } else { Exit::CheckFailed })
}

/// Settings of the environment: `EXCHANGE__SECTION__KEY`.
pub(super) fn overrides() -> Vec<(String, String)> {
    let texts =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    texts.filter(|(name, _)| name.starts_with("EXCHANGE__")).collect()
}
