//! A real Kafka by `deploy/kafka/kafka`.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/kafka");

/// A broker on loopback; killed when dropped.
pub(crate) struct Broker {
    folder: PathBuf,
    port: u16,
}

impl Broker {
    /// What is missing on this machine for one, if anything.
    pub(crate) fn missing() -> Option<&'static str> {
        let there = |name: &str| Command::new(name).arg("-version").output().is_ok();
        let folder = std::env::var_os("EXCHANGE_KAFKA_LIBS")
            .map_or_else(|| Path::new(SCRIPT).with_file_name("libs"), PathBuf::from);
        match there("java") {
            false => Some("java"),
            true if !folder.join(".complete").exists() && !there("mvn") => {
                Some("mvn, or the jars in EXCHANGE_KAFKA_LIBS")
            }
            true => None,
        }
    }

    /// Starts it with the topics of these regions' logs.
    pub(crate) fn start(folder: &Path, regions: &[&str]) -> Self {
        let broker = Self { folder: folder.to_owned(), port: free_ports() };
        let mut command = Command::new(SCRIPT);
        command.args(["start", "--topics", &regions.join(" "), "--port", &broker.port.to_string(), "--dir"]);
        let output = command.arg(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        broker
    }

    /// `host:port`.
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// kill -9, by the process id that the script noted.
    pub(super) fn kill(&self) {
        if self.folder.join("pid").exists() {
            self.signal("KILL");
            let _ = std::fs::remove_file(self.folder.join("pid"));
        }
    }

    /// Sends a signal to it.
    pub(super) fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap();
        super::node::kill(pid.trim(), name);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port whose successor is free too: the controller listens there.
fn free_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if first < u16::MAX && TcpListener::bind(("127.0.0.1", first + 1)).is_ok() {
            return first;
        }
    }
}
