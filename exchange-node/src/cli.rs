//! The command line: arguments, one call, exit code. Data go to standard output, messages to standard error.

mod catalogue;
mod certificate;
mod change;
mod client;
mod config;
mod demo;
mod document;
mod export;
mod failure;
mod import;
mod init;
mod lookup;
mod offline;
mod output;
mod question;
mod run;
mod sample;
mod status;
#[cfg(test)]
mod tests;
mod uses;
mod verify;

pub use client::{ClientArgs, Profile};
pub use failure::Failure;
pub use output::Format;

use crate::exit::Exit;
use clap::{CommandFactory, Parser, Subcommand};
use std::{ffi::OsString, process::ExitCode, sync::LazyLock};

const EXAMPLES: &str = "\
Examples:
  # Three cities and the province at work on this machine, in less than a minute
  exchange-node demo

  # A node of one's own: folder, keys, configuration; it says what to do next
  exchange-node init --region 370100 --name jinan-1 --trust-domain dzzz.example --dir jinan
  exchange-node config check --config jinan/config.toml
  exchange-node run --config jinan/config.toml

  # Load a licence library, and see how the node stands
  exchange-node sample --rows 10000 --region 370100 --out rows.csv
  exchange-node certificate import --profile system.toml --file rows.csv
  exchange-node status --profile operator.toml

  # Ask another city, for a matter and a case
  exchange-node lookup find --profile window.toml --matter 370117002011 --version 1 \\
    --responsible-region 370200 --case 3702002026112300000001 --clerk 0117 --party-file party.txt

Connections are by mutual TLS. A profile keeps commands short: a TOML file with node, credential, key, roots, crls and
bundle, named by --profile or EXCHANGE_PROFILE.
";

const AFTER: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 identity, 5 refused by policy, 6 conflict,
7 unavailable (try again), 10 warnings or rejected rows, 11 checks failed.
";

/// The exchange node of a city.
#[derive(Debug, Parser)]
#[command(
    name = "exchange-node",
    version = VERSION.as_str(),
    before_help = EXAMPLES,
    after_help = AFTER,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    /// How results are shown.
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value = "table")]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

/// Version, features and commit: a build for tests says so, and support knows what runs. `./x` names the commit.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let switched =
        [("test-util", cfg!(feature = "test-util")), ("vendored-openssl", cfg!(feature = "vendored-openssl"))];
    let features: Vec<&str> = switched.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(" ") };
    let commit = option_env!("EXCHANGE_COMMIT").filter(|commit| !commit.is_empty()).unwrap_or("unknown");
    format!("{} (features: {features}, commit: {commit})", env!("CARGO_PKG_VERSION"))
});

#[derive(Debug, Subcommand)]
enum Command {
    /// Show three cities and the province at work on this machine.
    Demo(demo::DemoArgs),
    /// Make the folder of a new node: configuration, keys, request for a credential.
    Init(init::InitArgs),
    /// Run a node until it is told to stop.
    Run(run::RunArgs),
    /// Check a configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// How a node stands: logs, other cities, trust, Kafka.
    Status(status::StatusArgs),
    /// Issue, import, show, change and verify certificates.
    #[command(subcommand)]
    Certificate(Box<certificate::CertificateCommand>),
    /// Find and read certificates of any city, for a matter and a case.
    #[command(subcommand)]
    Lookup(Box<lookup::LookupCommand>),
    /// Who read what of a holder (用证记录).
    Uses(uses::UsesArgs),
    /// Publish and show certificate types, matters and implementations.
    #[command(subcommand)]
    Catalogue(catalogue::CatalogueCommand),
    /// Judge and show sealed OFD documents and seals, from the file itself.
    #[command(subcommand)]
    Document(document::DocumentCommand),
    /// Make a sample licence library, all of it invented.
    Sample(sample::SampleArgs),
}

/// Runs a command line and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return exit.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::new(Exit::Failed, error)),
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(exit) => exit.into(),
        Err(failure) => report(&failure),
    }
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let format = cli.format;
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Init(args) => init::run(&args),
        Command::Run(args) => run::run(&args).await,
        Command::Config(command) => config::run(&command),
        Command::Status(args) => status::run(&args, format).await,
        Command::Certificate(command) => certificate::run(*command, format).await,
        Command::Lookup(command) => lookup::run(*command, format).await,
        Command::Uses(args) => uses::run(&args, format).await,
        Command::Catalogue(command) => catalogue::run(&command, format).await,
        Command::Document(command) => document::run(&command, format),
        Command::Sample(args) => sample::run(&args),
    }
}

fn report(failure: &Failure) -> ExitCode {
    if output::coloured() {
        eprintln!("\u{1b}[1;31merror\u{1b}[0m: {failure}");
    } else {
        eprintln!("error: {failure}");
    }
    failure.exit.into()
}

/// The command line's own description, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}
