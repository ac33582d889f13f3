//! `exchange-bench`: how fast a node is, beside the bare limit of the same machine, measured in the same run.
//!
//! Everything that is measured runs in processes of its own, which this binary starts from itself with hidden
//! subcommands; this process is the client. docs/BENCHMARKS.md says what each limit is and how figures are made.
#![allow(clippy::disallowed_methods, reason = "clocks, sockets and threads are what a benchmark is made of")]

mod carrier;
mod catalogue;
mod city;
mod data;
mod disk;
mod import;
mod ingest;
mod issue;
mod limits;
mod load;
mod lookup;
mod memory;
mod model;
mod network;
mod node;
mod open;
mod overload;
mod pki;
mod process;
mod province;
mod report;
mod revoke;
mod rounds;
mod seal;
mod verify;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, time::Duration};

/// The allocator of the shipped program, for both sides of each comparison and for the client.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Speed of a node beside the limit of this machine; see docs/BENCHMARKS.md.
#[derive(Debug, Parser)]
#[command(name = "exchange-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Certificates issued a second: acknowledged, durable, logged.
    Issue(Settings),
    /// Questions between two cities, each with three durable records: rate and latency.
    Lookup(Settings),
    /// Entries of another city's log checked and indexed a second.
    Ingest(Settings),
    /// From an acknowledged revocation to the event in another city, over a real Kafka.
    Revoke(Settings),
    /// Certificates verified a second: new ones, and the same ones again.
    Verify(Settings),
    /// Rows of the national table that become certificates, a second.
    Import(Settings),
    /// Memory of a fresh node, and after many certificates.
    Memory(Settings),
    /// Sealed documents verified and stamped a second, beside ofdrw and beside the bare signature checks.
    Seal(Settings),
    /// More questions than can be answered, by a schedule, and others that are slow.
    Overload(Settings),
    #[command(name = "__seal-memory", hide = true)]
    SealMemory(seal::memory::Options),
    #[command(name = "__node", hide = true)]
    Node(node::Options),
    #[command(name = "__ingest", hide = true)]
    Replica(ingest::replica::Options),
    #[command(name = "__limit-issue", hide = true)]
    LimitIssue(limits::issue::Options),
    #[command(name = "__limit-relay", hide = true)]
    LimitRelay(limits::relay::Options),
    #[command(name = "__limit-rows", hide = true)]
    LimitRows(limits::rows::Options),
    #[command(name = "__limit-verify", hide = true)]
    LimitVerify(limits::verify::Options),
}

/// Settings that all benches share.
#[derive(Debug, Clone, Args)]
struct Settings {
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// The large sizes.
    #[arg(long)]
    full: bool,
    /// Measure the limit alone: its figures against those of docs/BENCHMARKS.md.
    #[arg(long)]
    limit_only: bool,
    /// Working folder, on a real file system [default: bench/ in the folder where cargo builds]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Rounds; in each the limit and the node are measured in turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Length of one measurement, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

impl Settings {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// The working folder, made and checked.
    fn folder(&self) -> Result<PathBuf> {
        let folder = match &self.dir {
            Some(folder) => folder.clone(),
            None => {
                let program = std::env::current_exe()?;
                program.ancestors().nth(2).context("this program stands in no build folder: give --dir")?.join("bench")
            }
        };
        std::fs::create_dir_all(&folder)?;
        disk::refuse_memory(&folder)?;
        Ok(std::path::absolute(folder)?)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a crypto provider was installed before"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.command {
        Command::Issue(settings) => {
            report::run("issue", &settings, |folder| runtime.block_on(issue::run(&settings, folder)))
        }
        Command::Lookup(settings) => {
            report::run("lookup", &settings, |folder| runtime.block_on(lookup::run(&settings, folder)))
        }
        Command::Ingest(settings) => {
            report::run("ingest", &settings, |folder| runtime.block_on(ingest::run(&settings, folder)))
        }
        Command::Revoke(settings) => {
            report::run("revoke", &settings, |folder| runtime.block_on(revoke::run(&settings, folder)))
        }
        Command::Verify(settings) => {
            report::run("verify", &settings, |folder| runtime.block_on(verify::run(&settings, folder)))
        }
        Command::Import(settings) => {
            report::run("import", &settings, |folder| runtime.block_on(import::run(&settings, folder)))
        }
        Command::Memory(settings) => {
            report::run("memory", &settings, |folder| runtime.block_on(memory::run(&settings, folder)))
        }
        Command::Overload(settings) => {
            report::run("overload", &settings, |folder| runtime.block_on(overload::run(&settings, folder)))
        }
        Command::Seal(settings) => {
            report::run("seal", &settings, |folder| runtime.block_on(seal::run(&settings, folder)))
        }
        Command::SealMemory(options) => seal::memory::run(&options),
        Command::Node(options) => runtime.block_on(node::serve(options)),
        Command::Replica(options) => {
            let _entered = runtime.enter();
            ingest::replica::run(&options)
        }
        Command::LimitIssue(options) => runtime.block_on(limits::issue::serve(options)),
        Command::LimitRelay(options) => runtime.block_on(limits::relay::serve(options)),
        Command::LimitRows(options) => limits::rows::run(&options),
        Command::LimitVerify(options) => runtime.block_on(limits::verify::serve(options)),
    }
}
