//! The README's second way, "By hand", as it stands: its blocks in their order, in an empty folder, with real Kafka and the
//! programs as they ship. What is changed is where the programs come from, the folder, and the ports, which have to be free.
//!
//! Needs Java and Maven (or the broker's jars); without them it says `skipped:`.

use crate::{process::ALONE, programs};
use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longest run; a quiet machine needs less than a minute.
const LONGEST: Duration = Duration::from_secs(240);
/// Ports of the README, and how they follow from the region there.
const NODE_PORT: &str = "8${region:1:3}";
const KAFKA_PORT: &str = "29092";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The fenced blocks under "By hand".
fn blocks(readme: &str) -> Vec<String> {
    let (_, rest) = readme.split_once("\n## By hand").expect("the second way");
    let (section, _) = rest.split_once("\n## ").expect("a section behind it");
    section.split("```\n").skip(1).step_by(2).map(str::to_owned).collect()
}

/// What bash is given: the blocks, each announced, and every failure with the command that failed.
fn script(blocks: &[String], folder: &Path) -> String {
    assert!(blocks[0].starts_with("cargo build --release -p exchange-node -p ca-tools\n"), "{}", blocks[0]);
    assert!(blocks[0].ends_with("mkdir /tmp/practice && cd /tmp/practice\n"), "{}", blocks[0]);
    let mut script = format!(
        "set -E; trap 'echo \"failed $?: $BASH_COMMAND\" >> failed' ERR\nexport PROJECT={} PATH={}:$PATH\ncd {}\n",
        root().display(),
        programs::node().parent().unwrap().display(),
        folder.display()
    );
    let (nodes, kafka) = (free_ports(3), free_ports(2));
    for (number, block) in blocks.iter().enumerate().skip(1) {
        let block = block.replace(NODE_PORT, &format!("$(({nodes} + ${{region:3:1}}))"));
        let block = block.replace(KAFKA_PORT, &kafka.to_string());
        script.push_str(&format!("echo '== block {number}'\n{block}\n"));
    }
    script
}

/// The first of so many free ports in a row.
fn free_ports(count: u16) -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let last = first.saturating_add(count);
        if last < u16::MAX && (first..last).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}

/// What the script started; all of it ends when this is dropped.
struct Started {
    bash: Child,
    folder: PathBuf,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.bash.kill();
        let _ = self.bash.wait();
        for name in ["370000", "370100", "370200", "kafka"] {
            let Ok(pid) = fs::read_to_string(self.folder.join(name).join("pid")) else { continue };
            // A number may be another process's by now: ours were started in this folder.
            let pid = pid.trim();
            let ours = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&self.folder));
            if ours {
                let _ = Command::new("kill").args(["-KILL", pid]).status();
            }
        }
    }
}

fn missing() -> Option<&'static str> {
    let there = |name: &str| Command::new(name).arg("-version").output().is_ok();
    let jars = std::env::var_os("EXCHANGE_KAFKA_LIBS").map_or_else(|| root().join("deploy/kafka/libs"), PathBuf::from);
    match there("java") {
        false => Some("Java"),
        true if !jars.join(".complete").exists() && !there("mvn") => Some("Maven, or the jars in EXCHANGE_KAFKA_LIBS"),
        true => None,
    }
}

#[test]
fn the_second_way_works_block_by_block() {
    let _alone = ALONE.blocking_lock();
    if let Some(missing) = missing() {
        println!("skipped: the README's second way needs {missing}");
        return;
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 8, "blocks found: {}", blocks.len());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let empty = folder.path().join("practice");
    fs::create_dir(&empty).unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("script"), script(&blocks, &empty)).unwrap();
    let begin = Instant::now();
    let mut bash = Command::new("bash");
    bash.arg(file("script")).stdin(Stdio::null()).env_remove("EXCHANGE_PROFILE");
    bash.stdout(File::create(file("out")).unwrap()).stderr(File::create(file("err")).unwrap());
    let mut started = Started { bash: bash.spawn().unwrap(), folder: empty.clone() };
    let said = || {
        let text = |name: &str| fs::read_to_string(file(name)).unwrap_or_default();
        format!("{}\n{}\n{}", text("practice/failed"), text("err"), text("out"))
    };
    while started.bash.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < LONGEST, "not done after {LONGEST:?}: {}", said());
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("the README's second way: {:.1} s", begin.elapsed().as_secs_f64());

    // Exit code 10 of the import says that rows were rejected; nothing else fails.
    let failed = fs::read_to_string(empty.join("failed")).unwrap_or_default();
    let import = "failed 10: exchange-node certificate import --profile 370100/hall.toml --file rows.csv\n";
    assert_eq!(failed, import, "{}", said());
    let out = fs::read_to_string(file("out")).unwrap();
    let sections: Vec<&str> = out.split("== block ").skip(1).collect();
    assert_eq!(sections.len(), blocks.len() - 1, "{}", said());
    let nodes = sections.iter().find(|section| section.contains("doctor: ")).expect("doctor's sum");
    assert!(nodes.contains(" 0 warnings, 0 failed\n"), "{nodes}");
    let import = sections.iter().find(|section| section.contains("rows/s")).expect("the import");
    let value = |name: &str| {
        let line = import.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {import}"));
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!((value("rows"), value("issued"), value("rejected")), ("10000".into(), "9900".into(), "100".into()));
    let rejected = fs::read_to_string(empty.join("rows.rejected.csv")).unwrap();
    assert_eq!(rejected.lines().count(), 101, "a header and the rejected rows");
    lookup(sections.iter().find(|section| section.contains("receipt there")).expect("the lookup"));
}

/// The fields that the matter needs are released, `KZ_MJ` is not, and both are on the record.
fn lookup(text: &str) {
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).map(|line| line[start.len()..].trim());
    assert!(line("KZ_ZL ").is_some_and(|value| value.contains("济南市")), "{text}");
    assert!(line("KZ_QLR ").is_some_and(|value| !value.is_empty()), "{text}");
    assert_eq!((line("KZ_MJ "), line("not needed by the matter")), (None, Some("KZ_MJ")), "{text}");
    assert!(text.lines().any(|line| line.contains("KZ_ZL,KZ_QLR") && line.ends_with("ANSWERED")), "{text}");
}
