//! The command line: arguments, one call, exit code. Data go to standard output, messages to standard error.

mod attached;
mod catalogue;
mod certificate;
mod change;
mod client;
mod config;
mod demo;
mod doctor;
mod document;
mod export;
mod failure;
mod fetch;
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
mod tried;
mod use_copy;
mod uses;
mod verify;

pub use ca_tools::console::Format;
pub use client::{ClientArgs, Profile};
pub use failure::Failure;

use crate::exit::Exit;
use ca_tools::manual::{self, CompletionsArgs, ManArgs};
use clap::{CommandFactory, Parser, Subcommand};
use serde_json::json;
use std::{ffi::OsString, process::ExitCode, sync::LazyLock};

const EXAMPLES: &str = "\
Examples:
  # Three cities and the province at work on this machine, in less than a minute
  exchange-node demo

  # A node of one's own: folder, keys, configuration; it says what to do next
  exchange-node init --region 370100 --name jinan-1 --trust-domain dzzz.example --dir jinan
  exchange-node config check --config jinan/config.toml
  exchange-node run --config jinan/config.toml

  # What is wrong, and its cure; the full path to one city
  exchange-node doctor --config jinan/config.toml --profile operator.toml --peer 370200

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

const COMPLETIONS: &str = "\
Examples:
  exchange-node completions bash > /usr/share/bash-completion/completions/exchange-node
  exchange-node completions zsh > ~/.zfunc/_exchange-node
";

const MAN: &str = "\
Examples:
  exchange-node man --out /usr/local/share/man/man1
  man exchange-node-certificate-import
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
    /// Check an installation, part by part, and say the cure of what is wrong.
    Doctor(Box<doctor::DoctorArgs>),
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
    /// Print a completion script for a shell.
    #[command(before_help = COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write man pages, one for each command.
    #[command(before_help = MAN)]
    Man(ManArgs),
}

/// Runs a command line and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return ca_tools::console::unparsed(&error, &arguments).into(),
    };
    let format = cli.format;
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(dispatch(cli)),
        Err(error) => Err(Failure::new(Exit::Failed, error)),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.show(format);
            failure.exit().into()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let format = cli.format;
    match cli.command {
        Command::Demo(args) => demo::run(args, format).await,
        Command::Init(args) => init::run(&args, format),
        Command::Run(args) => run::run(&args, format).await,
        Command::Config(command) => config::run(&command, format),
        Command::Doctor(args) => doctor::run(&args, format).await,
        Command::Status(args) => status::run(&args, format).await,
        Command::Certificate(command) => certificate::run(*command, format).await,
        Command::Lookup(command) => lookup::run(*command, format).await,
        Command::Uses(args) => uses::run(&args, format).await,
        Command::Catalogue(command) => catalogue::run(&command, format).await,
        Command::Document(command) => document::run(&command, format),
        Command::Sample(args) => sample::run(&args, format),
        Command::Completions(args) => completions(&args, format),
        Command::Man(args) => {
            let pages = manual::write(command(), &args.out)?;
            match format {
                Format::Json => output::print_json(&pages)?,
                Format::Table => output::print(&format!("man pages are in {}", args.out.display()))?,
            }
            Ok(Exit::Ok)
        }
    }
}

fn completions(args: &CompletionsArgs, format: Format) -> Result<Exit, Failure> {
    let script = manual::completions(command(), args.shell);
    match format {
        Format::Json => output::print_json(&json!({ "shell": args.shell.to_string(), "script": script }))?,
        Format::Table => output::print(script.trim_end())?,
    }
    Ok(Exit::Ok)
}

/// The command line's own description, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}
