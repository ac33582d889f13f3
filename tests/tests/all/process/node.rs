//! A node as a process of its own.

use crate::programs;
use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One `exchange-node run`; killed when dropped.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    metrics: SocketAddr,
}

impl Process {
    pub(super) fn start(config: &Path) -> Self {
        let log = config.with_file_name("log");
        // Each start has a log of its own: what is looked for in it is of this process.
        let output = File::create(&log).unwrap();
        let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(program());
        command.args(["run", "--config"]).arg(config).env("EXCHANGE__LISTEN__METRICS", metrics.to_string());
        let child = command.stderr(output).spawn().unwrap();
        Self { child, log, metrics }
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn signal(&self, name: &str) {
        kill(&self.child.id().to_string(), name);
    }

    /// Waits until it has ended by itself.
    pub(super) async fn ended(&mut self, within: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < within, "still running after {within:?}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Is it there?
    pub(super) fn check(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the node ended with {status}: {}", self.log());
        }
    }

    /// What it said, for messages.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits for a log line with this text.
    pub(super) async fn line(&self, text: &str) -> String {
        self.line_number(text, 0).await
    }

    /// Waits for a log line with this text behind so many others with it.
    pub(super) async fn line_number(&self, text: &str, behind: usize) -> String {
        let begin = Instant::now();
        loop {
            if let Some(line) = self.log().lines().filter(|line| line.contains(text)).nth(behind) {
                return line.to_owned();
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "no line says {text:?}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What Prometheus would read.
    pub(super) async fn metrics(&self) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.metrics).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process.
pub(super) fn kill(pid: &str, signal: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().unwrap();
    assert!(sent.success(), "kill -{signal} {pid}");
}

/// The node's program as it ships.
pub(crate) fn program() -> &'static Path {
    programs::node()
}
