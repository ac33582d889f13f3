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

impl Server {
    /// What it holds.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Memory::read(&status)
    }
}

/// Memory of a process, in megabytes of 1,000,000 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident_mb: f64,
    /// Resident at most until now.
    pub(crate) peak_mb: f64,
}

impl Memory {
    /// Of this process.
    pub(crate) fn own() -> Result<Self> {
        Self::read(&std::fs::read_to_string("/proc/self/status")?)
    }

    /// From `/proc/PID/status` (proc_pid_status(5)), whose kB are 1,024 bytes.
    fn read(status: &str) -> Result<Self> {
        let line = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
            anyhow::Ok(rest.trim().trim_end_matches(" kB").parse::<f64>()? * 1_024.0 / 1e6)
        };
        Ok(Self { resident_mb: line("VmRSS:")?, peak_mb: line("VmHWM:")? })
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_megabytes() {
        let memory = Memory::read("Name:\tx\nVmHWM:\t  250000 kB\nVmRSS:\t  125000 kB\n").unwrap();
        assert_eq!(memory, Memory { resident_mb: 128.0, peak_mb: 256.0 });
        assert!(Memory::read("Name:\tx\n").is_err());
    }
}
