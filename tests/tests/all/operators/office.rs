//! A province whose nodes are processes, and the programs as an operator starts them.

use crate::programs;
use exchange_core::region::Region;
use exchange_node::practice::{OPERATOR, Options, Practice};
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

pub(super) const PROVINCE: &str = "370000";
pub(super) const JINAN: &str = "370100";
pub(super) const QINGDAO: &str = "370200";

const CONFIG: &str = "[freshness]\nheartbeat_seconds = 1\nstale_after_seconds = 30\n\n[limits]\nfree_space_mib = 64\n\
                      drain_seconds = 5\n";

/// The province and its processes, which end when this is dropped.
pub(super) struct Office {
    pub(super) practice: Practice,
    nodes: BTreeMap<&'static str, Child>,
    folder: tempfile::TempDir,
}

pub(super) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

/// What a program said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Said {
    /// Standard output as JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON: {error}: {self:?}"))
    }

    /// The error that the last line of standard error is, with `-o json`.
    pub(super) fn error(&self) -> serde_json::Value {
        let last = self.err.lines().last().unwrap_or_default();
        let value: serde_json::Value =
            serde_json::from_str(last).unwrap_or_else(|error| panic!("no JSON error: {error}: {self:?}"));
        value["error"].clone()
    }
}

/// Runs a program in a folder, with nothing on standard input and no profile but what the arguments say.
pub(super) fn run(program: &Path, folder: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null()).env_remove("EXCHANGE_PROFILE");
    command.output().unwrap().into()
}

impl Office {
    /// The province and two cities; without Kafka the logs are read from node to node.
    pub(super) fn open(kafka: Option<String>) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let regions = [PROVINCE, JINAN, QINGDAO].map(region).to_vec();
        let options = Options { regions, kafka, more_config: CONFIG.to_owned() };
        let practice = Practice::create(&folder.path().join("province"), options).unwrap();
        Self { practice, nodes: BTreeMap::new(), folder }
    }

    /// Starts the nodes and waits until all is well with each.
    pub(super) fn start(&mut self) {
        for code in [PROVINCE, JINAN, QINGDAO] {
            self.up(code);
        }
        for code in [PROVINCE, JINAN, QINGDAO] {
            let said = self.node(&["status", "--wait", "60", "--profile", &self.profile(code, OPERATOR)]);
            assert_eq!(said.code, 0, "{code}: {said:?}: {}", self.log(code));
        }
    }

    pub(super) fn up(&mut self, code: &'static str) {
        let log = File::create(self.practice.node_folder(region(code)).join("log")).unwrap();
        let mut command = Command::new(programs::node());
        command.args(["run", "--config"]).arg(self.practice.config(region(code))).stderr(log);
        self.nodes.insert(code, command.spawn().unwrap());
    }

    /// kill -9.
    pub(super) fn down(&mut self, code: &str) {
        if let Some(mut node) = self.nodes.remove(code) {
            let _ = node.kill();
            let _ = node.wait();
        }
    }

    /// SIGHUP.
    pub(super) fn reload(&self, code: &str) {
        let pid = self.nodes[code].id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of a node's folder.
    pub(super) fn file(&self, code: &str, name: &str) -> PathBuf {
        self.practice.node_folder(region(code)).join(name)
    }

    pub(super) fn profile(&self, code: &str, who: &str) -> String {
        self.practice.profile(region(code), who).to_str().unwrap().to_owned()
    }

    pub(super) fn config(&self, code: &str) -> String {
        self.practice.config(region(code)).to_str().unwrap().to_owned()
    }

    /// Runs `exchange-node`.
    pub(super) fn node(&self, args: &[&str]) -> Said {
        run(programs::node(), self.folder(), args)
    }

    fn log(&self, code: &str) -> String {
        std::fs::read_to_string(self.file(code, "log")).unwrap_or_default()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        for code in [PROVINCE, JINAN, QINGDAO] {
            self.down(code);
        }
    }
}
