//! Processes that this program starts from itself.
//!
//! A server prints `ready ADDRESS` when it serves. It ends when its standard input closes, so that none outlives a bench
//! that was killed; the bench kills it by its own handle when it is done.

use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// A server in a process of its own; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a hidden subcommand and waits until it serves.
    pub(crate) fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut child = command(arguments)?.spawn()?;
        let output = child.stdout.take().context("the server has no output")?;
        // From here on dropping it ends the process.
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut lines = BufReader::new(output).lines();
        let line = lines.next().context("a server ended before it served; its message is above")??;
        let Some(address) = line.strip_prefix("ready ") else { bail!("a server said {line:?}, not where it listens") };
        server.address = address.parse()?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a hidden subcommand to its end and gives what it printed.
pub(crate) fn output<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<String> {
    let mut command = command(arguments)?;
    let mut child = command.spawn()?;
    let mut text = String::new();
    let read = child.stdout.take().context("the process has no output")?.read_to_string(&mut text);
    let status = child.wait()?;
    read?;
    anyhow::ensure!(status.success(), "{command:?} ended with {status}; its message is above");
    Ok(text)
}

fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}

/// On the server's side: says where it listens.
pub(crate) fn ready(address: SocketAddr) -> Result<()> {
    println!("ready {address}");
    Ok(std::io::stdout().flush()?)
}

/// On the server's side: ends this process when the parent is gone.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(0);
    });
}
