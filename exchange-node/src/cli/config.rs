//! `config`.

use super::{Failure, output};
use crate::{
    config::{self, Config},
    exit::Exit,
};
use clap::Subcommand;
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

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

pub(super) fn run(ConfigCommand::Check { config: path }: &ConfigCommand) -> Result<Exit, Failure> {
    let config = config::load(path, overrides())?;
    let faults = faults(&config);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        output::print(&format!("{}: region {}, node {}: ok", path.display(), config.node.region, config.node.name))?;
        return Ok(Exit::Ok);
    }
    eprintln!("{}: {} files are not as they should be", path.display(), faults.len());
    Ok(Exit::CheckFailed)
}

/// Settings of the environment: `EXCHANGE__SECTION__KEY`.
pub(super) fn overrides() -> Vec<(String, String)> {
    let texts =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    texts.filter(|(name, _)| name.starts_with("EXCHANGE__")).collect()
}

/// Files that are not there, and keys that others can read.
fn faults(config: &Config) -> Vec<String> {
    let mut public: Vec<(&str, &Path)> =
        vec![("identity.certificate", &config.identity.certificate), ("trust.bundle", &config.trust.bundle)];
    public.extend(config.trust.roots.iter().map(|path| ("trust.roots", path.as_path())));
    public.extend(config.trust.crls.iter().map(|path| ("trust.crls", path.as_path())));
    let mut secret: Vec<(&str, &Path)> = vec![
        ("identity.key", &config.identity.key),
        ("keys.event_log", &config.keys.event_log),
        ("keys.access_log", &config.keys.access_log),
        ("keys.store", &config.keys.store),
    ];
    secret.extend(config.keys.index.iter().map(|path| ("keys.index", path.as_path())));
    for department in config.departments.values() {
        public.push(("departments.….certificate", &department.certificate));
        secret.push(("departments.….key", &department.key));
    }
    if let Some(kafka) = &config.kafka {
        public.extend([&kafka.ca, &kafka.certificate].into_iter().flatten().map(|path| ("kafka", path.as_path())));
        secret.extend(kafka.key.iter().map(|path| ("kafka.key", path.as_path())));
    }
    let all = public.iter().map(|file| (file, false)).chain(secret.iter().map(|file| (file, true)));
    all.filter_map(|((name, path), secret)| fault(name, path, secret)).collect()
}

fn fault(name: &str, path: &Path, secret: bool) -> Option<String> {
    match std::fs::metadata(path) {
        Err(error) => Some(format!("{name}: {}: {error}", path.display())),
        Ok(found) if secret && found.permissions().mode() & 0o177 != 0 => {
            let mode = found.permissions().mode() & 0o7777;
            Some(format!("{name}: {}: found mode {mode:04o}, needed 0600: chmod 600 it", path.display()))
        }
        Ok(_) => None,
    }
}
