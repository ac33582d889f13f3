//! The command line: arguments, one function call, exit code. Data go to standard output, messages to standard error.

mod authority;
mod bundle;
mod crl;
mod inspect;
mod keys;
mod output;
mod seals;
mod verify;

use std::{
    ffi::OsString,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand};
use serde_json::json;

use crate::{
    Error,
    console::{Format, Report},
    exit::Exit,
    keyfile::Passphrase,
    manual::{self, CompletionsArgs, ManArgs},
};

const EXAMPLES: &str = "\
Examples:
  # The province: a root, a city's CA, the key that signs trust bundles
  ca-tools root init --domain dzzz.sd.gov.cn --out root --passphrase-file root.pass
  ca-tools ca init --root root --region 370100 --out jinan --passphrase-file jinan.pass \\
    --root-passphrase-file root.pass

  # A node: the key stays where it was made, only the request travels
  ca-tools csr new --name node-1 --out node-1
  ca-tools issue --ca jinan --profile node --name node-1 --csr node-1.csr --out node-1.crt \\
    --passphrase-file jinan.pass

  # Withdraw it, and see that it is
  ca-tools revoke --ca jinan --cert node-1.crt --reason keyCompromise --passphrase-file jinan.pass
  ca-tools verify --as node-server --root root/ca.crt --crl root/crl.pem --crl jinan/crl.pem \\
    --bundle bundle.pb node-1.crt
";

const AFTER: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 identity, 5 refused by policy, 6 conflict,
10 check warnings, 11 check failures.
";

/// Roots, city CAs, credentials, CRLs, the trust bundle, and electronic seals.
#[derive(Debug, Parser)]
#[command(name = "ca-tools", version, before_help = EXAMPLES, after_help = AFTER, subcommand_required = true,
    arg_required_else_help = true)]
struct Cli {
    /// How results are shown.
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value = "table")]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The province's root, or Kafka's own CA.
    #[command(subcommand)]
    Root(authority::RootCommand),
    /// A city's CA.
    #[command(subcommand)]
    Ca(authority::CaCommand),
    /// A new key and a request for a credential.
    #[command(subcommand)]
    Csr(keys::CsrCommand),
    /// Issue a credential; of the request only the public key is taken.
    Issue(authority::IssueArgs),
    /// Withdraw a credential and sign the CRL that says so.
    Revoke(crl::RevokeArgs),
    /// Sign the next CRL, or look at one.
    #[command(subcommand)]
    Crl(crl::CrlCommand),
    /// What a CA has issued.
    List(inspect::ListArgs),
    /// A new key of a log.
    #[command(subcommand)]
    LogKey(keys::LogKeyCommand),
    /// A new key of the province's holder index.
    #[command(subcommand)]
    IndexKey(keys::IndexKeyCommand),
    /// A new key of one node's store.
    #[command(subcommand)]
    StoreKey(keys::StoreKeyCommand),
    /// Build, sign or look at a trust bundle.
    #[command(subcommand)]
    Bundle(bundle::BundleCommand),
    /// The authority over seal makers and signers.
    #[command(subcommand)]
    SealCa(seals::SealCaCommand),
    /// Electronic seals for documents.
    #[command(subcommand)]
    Seal(seals::SealCommand),
    /// Look at a certificate, a CRL or a request.
    Inspect(inspect::InspectArgs),
    /// Judge a credential as a node would.
    Verify(verify::VerifyArgs),
    /// Print a completion script for a shell.
    #[command(before_help = COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write man pages, one for each command.
    #[command(before_help = MAN)]
    Man(ManArgs),
}

const COMPLETIONS: &str = "\
Examples:
  ca-tools completions bash > /usr/share/bash-completion/completions/ca-tools
  ca-tools completions zsh > ~/.zfunc/_ca-tools
";

const MAN: &str = "\
Examples:
  ca-tools man --out /usr/local/share/man/man1
  man ca-tools-issue
";

/// The passphrase of a CA's key: from a file of mode 600, or asked for.
#[derive(Debug, Args)]
struct PassphraseArgs {
    /// File with the passphrase, mode 600; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    fn existing(&self, whose: &Path) -> Result<Passphrase, Error> {
        passphrase(self.passphrase_file.as_deref(), &format!("Passphrase of {}: ", whose.display()))
    }

    /// Asked for twice where it is typed.
    fn chosen(&self) -> Result<Passphrase, Error> {
        if let Some(file) = &self.passphrase_file {
            return Passphrase::from_file(file);
        }
        let first = prompt("New passphrase (12 characters or more): ")?;
        if prompt("Once more: ")? != first {
            return Err(Error::Usage("the two passphrases are not the same".to_owned()));
        }
        Passphrase::new(first.into_bytes())
    }
}

fn passphrase(file: Option<&Path>, question: &str) -> Result<Passphrase, Error> {
    match file {
        Some(file) => Passphrase::from_file(file),
        None => Passphrase::new(prompt(question)?.into_bytes()),
    }
}

fn prompt(question: &str) -> Result<String, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::Usage("no terminal to ask for the passphrase: use --passphrase-file".to_owned()));
    }
    rpassword::prompt_password(question).map_err(|source| Error::Io { path: "terminal".into(), source })
}

/// Runs a command line and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return crate::console::unparsed(&error, &arguments).into(),
    };
    let format = cli.format;
    match run(cli.command, format) {
        Ok(exit) => exit.into(),
        Err(error) => {
            Report::from(&error).show(format);
            error.exit().into()
        }
    }
}

/// The command line's own description, for completions, man pages and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

fn run(asked: Command, format: Format) -> Done {
    match asked {
        Command::Root(command) => authority::root(command, format),
        Command::Ca(command) => authority::ca(command, format),
        Command::Csr(command) => keys::csr(command, format),
        Command::Issue(args) => authority::issue(&args, format),
        Command::Revoke(args) => crl::revoke(&args, format),
        Command::Crl(command) => crl::run(command, format),
        Command::List(args) => inspect::list(&args, format),
        Command::LogKey(command) => keys::log_key(command, format),
        Command::IndexKey(command) => keys::index_key(command, format),
        Command::StoreKey(command) => keys::store_key(command, format),
        Command::Bundle(command) => bundle::run(command, format),
        Command::SealCa(command) => seals::seal_ca(command, format),
        Command::Seal(command) => seals::seal(command, format),
        Command::Inspect(args) => inspect::run(&args, format),
        Command::Verify(args) => verify::run(&args, format),
        Command::Completions(args) => completions(&args, format),
        Command::Man(args) => {
            output::show(&manual::write(command(), &args.out)?, format)?;
            Ok(Exit::Ok)
        }
    }
}

fn completions(args: &CompletionsArgs, format: Format) -> Done {
    let script = manual::completions(command(), args.shell);
    match format {
        Format::Json => output::show(&json!({ "shell": args.shell.to_string(), "script": script }), format)?,
        Format::Table => output::print(&script)?,
    }
    Ok(Exit::Ok)
}

/// What a command returns.
type Done = Result<Exit, Error>;
