//! `doctor`.

use super::{
    ClientArgs, Failure, Format,
    config::overrides,
    output::{print, print_json},
};
use crate::{
    clock::Clock,
    doctor::{self, Category, Check, Node, Options, Report, Source, State},
    exit::Exit,
};
use clap::Args;
use exchange_core::region::Region;
use std::{fmt::Write, io::IsTerminal, path::PathBuf};

const EXAMPLES: &str = "\
Examples:
  # Before the first start: configuration, keys, trust, Kafka, the address
  exchange-node doctor --pre --config /etc/exchange-node/node.toml
  # With the running node, which an operator's profile asks
  exchange-node doctor --config /etc/exchange-node/node.toml --profile operator.toml
  # The whole path to one city, from another machine; exit code 0, 10 or 11
  exchange-node doctor --profile operator.toml --peer 370200 -o json

A check is ok, not proved yet (reached, never used), warning or failed. Nothing is changed.
With --config it has to be run as the node's own user: others cannot read its keys.
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// The node's configuration; environment variables EXCHANGE__SECTION__KEY are laid over it. Without it only the
    /// running node is asked.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Before the first start: no node is asked, no store expected, and the address must be free.
    #[arg(long, requires = "config")]
    pre: bool,
    /// Try the whole path to this region's node; may be given several times. By the running node, else from here with
    /// the node's own credential.
    #[arg(long = "peer", value_name = "CODE")]
    peers: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &DoctorArgs, format: Format) -> Result<Exit, Failure> {
    let mut peers = Vec::new();
    for code in &args.peers {
        peers.push(Region::parse(code).map_err(|error| Failure::usage(format!("--peer: {error}")))?);
    }
    if args.config.is_none() && !args.client.is_given() {
        return Err(Failure::usage("neither --config nor --profile: one of them says what to look at"));
    }
    let node = if args.pre || !args.client.is_given() {
        Node::NotAsked
    } else {
        match args.client.channel().await {
            Ok(channel) => Node::Answers(channel),
            Err(failure) => Node::Silent(failure.message().to_owned()),
        }
    };
    let config = args.config.clone().map(|path| Source { path, overrides: overrides() });
    let options = Options { config, pre: args.pre, peers, clock: Clock::default() };
    let report = doctor::run(&options, node).await;
    match format {
        Format::Json => print_json(&report.json())?,
        Format::Table => print(&text(&report, std::io::stdout().is_terminal() && ca_tools::console::coloured()))?,
    }
    Ok(report.exit())
}

/// By category, with cure and link under what needs one; the sum last.
fn text(report: &Report, coloured: bool) -> String {
    let checks = report.checks();
    let width = checks.iter().map(|check| check.subject.name().len()).max().unwrap_or_default();
    let mut text = String::new();
    for category in Category::ALL {
        let of_category: Vec<&&Check> = checks.iter().filter(|check| check.subject.category() == category).collect();
        if of_category.is_empty() {
            continue;
        }
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", category.title());
        for check in of_category {
            let (word, colour) = match check.state {
                State::Ok => ("ok", "32"),
                State::NotProved => ("not proved", "36"),
                State::Warning => ("warning", "33"),
                State::Failed => ("FAILED", "31"),
            };
            let word = if coloured { format!("\u{1b}[{colour}m{word:<10}\u{1b}[0m") } else { format!("{word:<10}") };
            let peer = check.peer.map(|peer| format!("{peer} ")).unwrap_or_default();
            let fault = if check.fault.is_empty() { String::new() } else { format!(" [{}]", check.fault) };
            let _ = writeln!(text, "  {word}  {:<width$}  {peer}{}{fault}", check.subject.name(), check.found);
            for (name, value) in [("cure", check.cure()), ("see", &check.see())] {
                if !value.is_empty() {
                    let _ = writeln!(text, "              {name:<width$}  {value}");
                }
            }
        }
    }
    let count = report.count();
    let of = |state: State| count.get(&state).copied().unwrap_or_default();
    let _ = write!(
        text,
        "doctor: {} ok, {} not proved yet, {} warnings, {} failed",
        of(State::Ok),
        of(State::NotProved),
        of(State::Warning),
        of(State::Failed)
    );
    text
}
