//! A node as a process of its own.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::OnceLock,
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

/// The program as it ships, beside this test's own: cargo decides whether it has to be built, so that no old one is
/// tested. A test's own build could not be it: that has the features of tests.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "-p", "exchange-node", "--target-dir"]).arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            command.arg("--release");
        }
        // What cargo told this test about its own package would make build scripts (ring's) run again, here and in the
        // next build outside.
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_", "LD_LIBRARY_PATH"];
        for (name, _) in std::env::vars_os() {
            if own.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let program = profile.join("exchange-node");
        let version = Command::new(&program).arg("--version").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        assert!(version.contains("(features: none, commit: "), "not the program that ships: {version}");
        program
    })
}
