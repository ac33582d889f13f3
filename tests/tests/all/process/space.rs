//! DISK-1: no space left. Below the watermark reads go on and writes are refused; without a watermark the engine itself
//! fails and the node ends. Both come back when there is room, and nothing is lost.
//!
//! The small file system is a tmpfs that this test mounts, which needs root; it is unmounted when the test ends, also by
//! a panic.

use super::{
    ALONE,
    callers::{Callers, is_clean},
    node, step,
    world::{DRAIN, JINAN, QINGDAO, World},
};
use exchange_node::{
    practice::{OPERATOR, SYSTEM},
    rpc::status::reason_of,
};
use exchange_proto::v1::{
    self, certificate_service_client::CertificateServiceClient, lookup_service_client::LookupServiceClient,
};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

const DISK_MIB: u64 = 320;
/// As in the world's configuration.
const WATERMARK_MIB: u64 = 64;
/// What a full disk leaves: less than the watermark, more than the node writes in the test.
const LEFT_MIB: u64 = 40;
const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn without_space_reads_go_on_and_writes_come_back() {
    let _alone = ALONE.lock().await;
    node::program();
    let Some(disk) = SmallDisk::mount() else { return };
    let Some(mut world) = step("start", World::start_on(JINAN, &disk.folder())).await else { return };
    let callers = Callers::start(&world).await;
    callers.go_on(50, 50).await;
    step("below the watermark", watermark(&mut world, &disk, &callers)).await;
    step("no byte is left", no_byte(&mut world, &disk, &callers)).await;
    let heard = callers.end().await;
    step("what was told holds", world.nothing_lost_or_doubled(&heard)).await;
    println!("{} issued, {} questions answered", heard.issued.len(), heard.answered.len());
}

/// Filled below the watermark under load; emptied again: the node goes on by itself.
async fn watermark(world: &mut World, disk: &SmallDisk, callers: &Callers) {
    callers.refusals();
    disk.fill_to(LEFT_MIB);
    let told = loop {
        let refusals = callers.refusals();
        if refusals.iter().any(|(_, refusal)| reason_of(refusal).as_deref() == Some("NO_SPACE")) {
            break refusals;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // From here on, but for what was under way, no log grows, neither its own nor its copies of the others.
    tokio::time::sleep(exchange_node::space::INTERVAL).await;
    let before = world.status(JINAN).await;
    assert!(before.writable, "no space is no reason to be read-only: it passes by itself");
    assert!(before.free_bytes < WATERMARK_MIB * MIB && before.free_bytes > 0);
    reads_go_on(world, callers).await;
    // Longer than any tick of heartbeats and anchors, and long enough that the others hear nothing of it.
    let silent =
        |status: &v1::NodeStatus| status.regions.iter().any(|region| region.region == JINAN && region.state == "STALE");
    world.when("STALE", QINGDAO, silent).await;
    let after = world.status(JINAN).await;
    assert_eq!((&after.events, &after.access), (&before.events, &before.access), "its own logs stand still");
    let copies = |status: &v1::NodeStatus| -> Vec<_> {
        status.regions.iter().map(|region| (region.region.clone(), region.size, region.as_of_ms)).collect()
    };
    assert_eq!(copies(&after), copies(&before), "its copies stand still");
    assert!(after.free_bytes > (LEFT_MIB - 8) * MIB, "{} MiB are left", after.free_bytes / MIB);
    reads_go_on(world, callers).await;
    disk.clear();
    callers.go_on(50, 50).await;
    world.node(JINAN).check();
    world.when("CURRENT", QINGDAO, |status| !silent(status)).await;
    world.settled().await;
    for (_, refusal) in told.iter().chain(&callers.refusals()) {
        is_clean(refusal, &["NO_SPACE", "OVERLOADED", "DEADLINE_EXCEEDED"]);
    }
}

/// What needs no record is answered. What was issued last may be in no index yet, and is in none until there is room.
async fn reads_go_on(world: &World, callers: &Callers) {
    let listed = super::listed(world, JINAN, "").await;
    let certificate_id = callers.flat();
    assert!(listed.iter().any(|id| id == certificate_id));
    let mut client = CertificateServiceClient::new(world.channel(JINAN, OPERATOR).await);
    client.get_certificate(v1::GetCertificateRequest { certificate_id: certificate_id.to_owned() }).await.unwrap();
    let mut client = LookupServiceClient::new(world.channel(JINAN, SYSTEM).await);
    let certificate = Some(v1::verify_certificate_request::Certificate::CertificateId(certificate_id.to_owned()));
    let request = v1::VerifyCertificateRequest { certificate, on_day: None };
    assert_eq!(client.verify_certificate(request).await.unwrap().into_inner().verdict(), v1::Verdict::Genuine);
}

/// Filled faster than the watermark is looked at: a commit fails, its outcome is unknown, and the node ends by itself. It
/// is started again when there is room.
async fn no_byte(world: &mut World, disk: &SmallDisk, callers: &Callers) {
    const ATTEMPTS: usize = 10;
    let mut attempt = 0;
    let status = loop {
        attempt += 1;
        disk.fill_to(0);
        let noticed = async {
            loop {
                if callers.refusals().iter().any(|(_, one)| reason_of(one).as_deref() == Some("NO_SPACE")) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::select! {
            status = world.node(JINAN).ended(DRAIN * 3) => Some(status),
            () = noticed => None,
        };
        disk.clear();
        if let Some(status) = ended {
            break status;
        }
        // The watermark was looked at in the very moment: once more, unless a commit failed beside it.
        assert!(attempt < ATTEMPTS, "the watermark was quicker {ATTEMPTS} times");
        tokio::select! {
            status = world.node(JINAN).ended(Duration::MAX) => break status,
            () = callers.go_on(20, 0) => {}
        }
    };
    assert_eq!(status.code(), Some(1), "{}", world.node(JINAN).log());
    let log = world.node(JINAN).log();
    // Of the ledger, or of the own index, whose store is another one: whichever writes first.
    let of_either =
        ["its outcome is unknown, the node has to restart", "takes no commits any more: the node has to restart"];
    assert!(of_either.iter().any(|line| log.contains(line)), "{log}");
    assert!(log.contains("a commit failed, and its outcome is unknown: start again"), "{log}");
    let unknown = callers.refusals();
    world.up(JINAN).await;
    callers.go_on(50, 50).await;
    for (_, refusal) in unknown.iter().chain(&callers.refusals()) {
        let reasons = ["OUTCOME_UNKNOWN", "DRAINING", "NO_SPACE", "READ_ONLY", "PEER_UNAVAILABLE", "DEADLINE_EXCEEDED"];
        is_clean(refusal, &reasons);
    }
}

/// A file system of its own; unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None, and the line that says so, where it cannot be mounted.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let options = format!("size={DISK_MIB}m,mode=0700");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &options, "exchange-test"]).arg(folder.path());
        match command.stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Some(Self(folder)),
            _ => {
                println!("skipped: a file system cannot be mounted here; it needs root");
                None
            }
        }
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }

    /// Writes until so much is left.
    fn fill_to(&self, left_mib: u64) {
        let free = free(self.0.path());
        let mut file = File::create(self.ballast()).unwrap();
        let chunk = vec![0; 64 << 10];
        let mut rest = free.saturating_sub(left_mib * MIB);
        // To the last byte if nothing is to be left: the node writes meanwhile, so it is not known beforehand.
        while left_mib == 0 || rest > 0 {
            let length = if left_mib == 0 { chunk.len() } else { chunk.len().min(usize::try_from(rest).unwrap()) };
            match file.write(&chunk[..length]) {
                Ok(written) => rest = rest.saturating_sub(written as u64),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
                    return;
                }
            }
        }
    }

    fn clear(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that still has a file there, which a panic may leave for a moment, does not stand in the way.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn free(folder: &Path) -> u64 {
    exchange_node::space::free_bytes(folder).unwrap()
}
