//! The largest document, through a node that is a process of its own: its memory does not grow with the document. And a
//! node with little patience, and one without room on its disk.

use super::{Answer, CHUNK, chunk, header, send, stuck};
use crate::{
    programs,
    world::{JINAN, PROVINCE, refused, region},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange_node::{
    documents::MAX_BYTES,
    node::{Node, Source},
    practice::{Options, Practice, SYSTEM, connect},
};
use exchange_proto::v1::{
    DocumentStep, DocumentVerdict, FindingResult, document_service_client::DocumentServiceClient,
};
use std::{
    fs::File,
    io::{Read, Seek, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const MIB: u64 = 1 << 20;
/// Of the picture in it; the rest of the package is small.
const PICTURE: u64 = MAX_BYTES - MIB;
/// What a node may take for a document of 100 MiB: its pieces, the reader's tables, and what its allocator keeps.
const MORE: u64 = 32 * MIB;
const SOON: Duration = Duration::from_secs(60);

/// A node alone; no other city is needed to judge a document.
fn practice(folder: &Path, limits: &str) -> Practice {
    let more_config = format!("[limits]\ndrain_seconds = 1\n{limits}");
    let options = Options { regions: [PROVINCE, JINAN].map(region).to_vec(), kafka: None, more_config };
    Practice::create(&folder.join("province"), options).unwrap()
}

async fn system(practice: &Practice) -> Channel {
    let begin = Instant::now();
    loop {
        match connect(&practice.client(region(JINAN), SYSTEM)).await {
            Ok(channel) => return channel,
            Err(error) => assert!(begin.elapsed() < SOON, "no connection: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A document with a picture of 99 MiB whose digest is right, and a signature that is none: every step is judged.
fn large(file: &mut File) {
    const NAMESPACE: &str = r#"xmlns:ofd="http://www.ofdspec.org/2016""#;
    let mut package = ZipWriter::new(file);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut sha256 = ring::digest::Context::new(&ring::digest::SHA256);
    package.start_file("Doc_0/Res/picture.png", stored).unwrap();
    let piece: Vec<u8> = (0..MIB).map(|at| (at * 7 % 251) as u8).collect();
    for _ in 0..PICTURE / MIB {
        package.write_all(&piece).unwrap();
        sha256.update(&piece);
    }
    let digest = STANDARD.encode(sha256.finish());
    for (name, content) in [
        (
            "OFD.xml",
            format!(
                r#"<ofd:OFD {NAMESPACE} Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot><ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody></ofd:OFD>"#
            ),
        ),
        ("Doc_0/Document.xml", format!("<ofd:Document {NAMESPACE}/>")),
        (
            "Doc_0/Signs/Signatures.xml",
            format!(
                r#"<ofd:Signatures {NAMESPACE}><ofd:MaxSignId>1</ofd:MaxSignId><ofd:Signature ID="1" Type="Sign" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/></ofd:Signatures>"#
            ),
        ),
        (
            "Doc_0/Signs/Sign_0/Signature.xml",
            format!(
                r#"<ofd:Signature {NAMESPACE}><ofd:SignedInfo><ofd:Provider ProviderName="lab" Version="1.0"/><ofd:SignatureMethod>1.3.101.112</ofd:SignatureMethod><ofd:SignatureDateTime>2026-06-01 10:00:00</ofd:SignatureDateTime><ofd:References CheckMethod="SHA-256"><ofd:Reference FileRef="/Doc_0/Res/picture.png"><ofd:CheckValue>{digest}</ofd:CheckValue></ofd:Reference></ofd:References></ofd:SignedInfo><ofd:SignedValue>/Doc_0/Signs/Sign_0/SignedValue.dat</ofd:SignedValue></ofd:Signature>"#
            ),
        ),
        ("Doc_0/Signs/Sign_0/SignedValue.dat", "none".to_owned()),
    ] {
        package.start_file(name, stored).unwrap();
        package.write_all(content.as_bytes()).unwrap();
    }
    package.finish().unwrap();
}

/// Sends a file piece by piece.
async fn send_file(channel: &Channel, mut file: File) -> Answer {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        sender.blocking_send(header("")).unwrap();
        let mut piece = vec![0; CHUNK];
        loop {
            let count = file.read(&mut piece).unwrap();
            if count == 0 || sender.blocking_send(chunk(&piece[..count])).is_err() {
                return;
            }
        }
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    DocumentServiceClient::new(channel.clone()).verify(stream).await
}

/// Ends with the test.
struct Process(Child);

impl Process {
    fn start(config: &Path) -> Self {
        let log = File::create(config.with_file_name("log")).unwrap();
        let mut command = Command::new(programs::node());
        Self(command.args(["run", "--config"]).arg(config).stderr(Stdio::from(log)).spawn().unwrap())
    }

    /// The most memory that it ever had, in bytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_the_document() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let practice = practice(folder.path(), "free_space_mib = 64\n");
    let node = Process::start(&practice.config(region(JINAN)));
    let channel = system(&practice).await;
    // One small document first: what is set up once is not the document's.
    let small = send(&channel, vec![header(""), chunk(b"PK")]).await.unwrap().into_inner();
    assert_eq!(small.verdict(), DocumentVerdict::Malformed);
    let before = node.peak();
    let mut file = tempfile::tempfile_in(folder.path()).unwrap();
    large(&mut file);
    let size = file.metadata().unwrap().len();
    assert!(size > 99 * MIB && size <= MAX_BYTES, "{size}");
    let begin = Instant::now();
    for _ in 0..2 {
        file.rewind().unwrap();
        let found = send_file(&channel, file.try_clone().unwrap()).await.unwrap().into_inner();
        assert_eq!(found.size_bytes, size);
        let [signature] = &found.signatures[..] else { panic!("{found:#?}") };
        let references = signature.steps.iter().find(|step| step.step() == DocumentStep::References).unwrap();
        let same = |found: &str| found.starts_with("1 files are as signed");
        let whole =
            references.findings.iter().find(|one| same(&one.found)).unwrap_or_else(|| panic!("{references:#?}"));
        assert_eq!(whole.result(), FindingResult::Holds, "all of it was read");
        assert_ne!(found.verdict(), DocumentVerdict::Valid);
    }
    let more = node.peak() - before;
    println!("two documents of {} MiB in {:?}: {} MiB more", size / MIB, begin.elapsed(), more / MIB);
    assert!(more < MORE, "{} MiB more than {} MiB", more / MIB, before / MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_documents_and_full_disks_are_refused() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (limits, reasons) in [
        ("free_space_mib = 1\ndocument_idle_seconds = 1\n", ["DOCUMENT_TOO_SLOW", "DOCUMENT_TOO_SLOW"]),
        ("free_space_mib = 1\ndocument_seconds = 1\n", ["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]),
        ("free_space_mib = 1000000000\ndocument_idle_seconds = 1\n", ["DOCUMENT_TOO_SLOW", "NO_SPACE"]),
    ] {
        let folder = tempfile::tempdir_in(folder.path()).unwrap();
        let practice = practice(folder.path(), limits);
        let source = Source::File { path: practice.config(region(JINAN)), overrides: Vec::new() };
        let node = Node::start(source).await.unwrap();
        let channel = system(&practice).await;
        // Nothing at all, and half a document.
        for (messages, reason) in [vec![], vec![header(""), chunk(b"PK")]].into_iter().zip(reasons) {
            refused(stuck(&channel, messages).await.unwrap(), reason);
        }
        // One byte in each message: never silent for long, and far too slow.
        if reasons[1] == "DOCUMENT_TOO_SLOW" {
            let bytes = std::iter::repeat_with(|| chunk(b"P"));
            let trickle = tokio_stream::iter(std::iter::once(header("")).chain(bytes)).then(|message| async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                message
            });
            let answer = DocumentServiceClient::new(channel.clone()).verify(trickle).await;
            let (found, needed) = refused(answer, "DOCUMENT_TOO_SLOW");
            assert!(found.contains(" bytes in ") && needed.contains("8192 bytes a second"), "{found}; {needed}");
        }
        node.drain().await;
    }
}
