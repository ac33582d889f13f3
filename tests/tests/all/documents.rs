//! `DocumentService.Verify` over whole nodes: what a document is worth, which certificate it is of, what is refused, and
//! that nothing of a document stays behind.

mod large;

use crate::world::*;
use exchange_node::{
    documents::{FOLDER, MAX_BYTES, MAX_SIGNERS},
    practice::SYSTEM,
};
use exchange_proto::v1::{
    self, CertificateNaming, DocumentStep, DocumentVerdict, FindingResult, Freshness, Verdict,
    admin_service_client::AdminServiceClient, document_service_client::DocumentServiceClient,
    verify_document_request::Part,
};
use std::{
    io::{Cursor, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_stream::StreamExt;
use tonic::{Code, Request, Response, Status, transport::Channel};
use zip::{ZipWriter, write::SimpleFileOptions};

const CHUNK: usize = 256 << 10;

/// A document or certificate of the seal crate's own corpus.
fn corpus(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange-node/seal/tests/corpus");
    std::fs::read(folder.join(name)).unwrap()
}

fn message(part: Part) -> v1::VerifyDocumentRequest {
    v1::VerifyDocumentRequest { part: Some(part) }
}

fn header(certificate_id: &str) -> v1::VerifyDocumentRequest {
    let certificate_id = certificate_id.to_owned();
    message(Part::Header(v1::DocumentHeader { certificate_id, ..Default::default() }))
}

fn chunk(bytes: &[u8]) -> v1::VerifyDocumentRequest {
    message(Part::Chunk(bytes.to_vec().into()))
}

type Answer = Result<Response<v1::DocumentVerification>, Status>;

/// Sends these messages and ends the stream.
async fn send(channel: &Channel, messages: Vec<v1::VerifyDocumentRequest>) -> Answer {
    DocumentServiceClient::new(channel.clone()).verify(tokio_stream::iter(messages)).await
}

async fn judged(channel: &Channel, certificate_id: &str, document: &[u8]) -> v1::DocumentVerification {
    let chunks = document.chunks(CHUNK).map(chunk);
    let answer = send(channel, std::iter::once(header(certificate_id)).chain(chunks).collect()).await;
    answer.unwrap().into_inner()
}

/// Sends these messages and then nothing, without an end.
fn stuck(channel: &Channel, messages: Vec<v1::VerifyDocumentRequest>) -> tokio::task::JoinHandle<Answer> {
    let mut client = DocumentServiceClient::new(channel.clone());
    let stream = tokio_stream::iter(messages).chain(tokio_stream::pending());
    tokio::spawn(async move { client.verify(stream).await })
}

/// A package without signatures that says which certificates it is of.
fn unsigned(names: &[&str]) -> Vec<u8> {
    let data: String =
        names.iter().map(|name| format!(r#"<ofd:CustomData Name="ZZBS">{name}</ofd:CustomData>"#)).collect();
    let root = format!(
        r#"<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID><ofd:CustomDatas>{data}</ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"#
    );
    let mut package = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("OFD.xml", root.as_str()), ("Doc_0/Document.xml", "<Document/>")] {
        package.start_file(name, SimpleFileOptions::default()).unwrap();
        package.write_all(content.as_bytes()).unwrap();
    }
    package.finish().unwrap().into_inner()
}

/// Files of this process in a node's folder for documents: with a name, or with none and open.
fn spooled(data: &Path) -> usize {
    let folder = data.join(FOLDER);
    let named = std::fs::read_dir(&folder).unwrap().count();
    let folder = folder.canonicalize().unwrap();
    let open: Vec<PathBuf> =
        std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()).collect();
    named + open.iter().filter(|path| path.starts_with(&folder)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_judged_and_nothing_of_them_stays() {
    let mut world = World::with_catalogue("documents").await;
    seals_are_believed_by_the_bundle(&mut world).await;
    seal_crls_are_read_again(&world).await;
    the_certificate_is_told(&world).await;
    streams_that_are_none(&world).await;
    callers_who_may_not(&world).await;
    nothing_stays(&mut world).await;
    world.step("documents").await;
}

/// Without anchors nobody is believed; with the province's bundle the seal's maker and signer are.
async fn seals_are_believed_by_the_bundle(world: &mut World) {
    let channel = world.system(JINAN).await;
    let before = judged(&channel, "", &corpus("ring-v4.ofd")).await;
    assert_eq!(before.verdict(), DocumentVerdict::Untrusted);
    let root = corpus("ring-root.der");
    world.practice.next_bundle(|bundle| bundle.seal_anchors.push(root)).unwrap();
    let mut admin = AdminServiceClient::new(world.operator(JINAN).await);
    admin.reload(v1::ReloadRequest {}).await.unwrap();

    let document = corpus("ring-v4.ofd");
    let found = judged(&channel, "", &document).await;
    // No CRL of the seals' CA is here.
    assert_eq!(found.verdict(), DocumentVerdict::RevocationUnknown, "{found:#?}");
    assert_eq!(found.size_bytes, document.len() as u64);
    assert_eq!(found.sha256, ring::digest::digest(&ring::digest::SHA256, &document).as_ref());
    assert!(found.certificate.is_none(), "nobody names one");
    let [signature] = &found.signatures[..] else { panic!("{} signatures", found.signatures.len()) };
    assert!(signature.has_seal && !signature.time_is_proven && signature.signed_at_ms > 0);
    assert_eq!((signature.signer.as_str(), signature.verdict()), ("CN=Lab Signer", DocumentVerdict::RevocationUnknown));
    let seal = signature.seal.as_ref().unwrap();
    assert!(!seal.is_national && seal.standard.contains("38540"), "{seal:?}");
    assert_eq!(signature.steps.len(), 5);
    let references = signature.steps.iter().find(|step| step.step() == DocumentStep::References).unwrap();
    assert_eq!(references.verdict(), DocumentVerdict::Valid);
    assert!(references.findings.iter().any(|finding| finding.result() == FindingResult::Remark), "{references:?}");

    for (name, verdict) in [
        ("ring-altered.ofd", DocumentVerdict::Altered),
        ("ring-not-covered.ofd", DocumentVerdict::NotCovered),
        ("ring-blank.ofd", DocumentVerdict::Malformed),
        ("ring-two-seals.ofd", DocumentVerdict::RevocationUnknown),
    ] {
        assert_eq!(judged(&channel, "", &corpus(name)).await.verdict(), verdict, "{name}");
    }
    // Whatever is no document is an answer too.
    for bytes in [&b"PK"[..], b"x", &document[..document.len() / 2]] {
        let found = judged(&channel, "", bytes).await;
        assert_eq!(found.verdict(), DocumentVerdict::Malformed, "{} bytes", bytes.len());
        assert!(!found.package.is_empty());
    }
}

/// With a CRL of the seals' CA a document is VALID; a folder that does not read changes nothing; anchors count for what the
/// bundle says they are for.
async fn seal_crls_are_read_again(world: &World) {
    let channel = world.system(JINAN).await;
    let mut admin = AdminServiceClient::new(world.operator(JINAN).await);
    let verdict = async || judged(&channel, "", &corpus("ring-v4.ofd")).await.verdict();
    let folder = world.folder().join("seal-crls");
    std::fs::create_dir(&folder).unwrap();
    let config = world.practice.config(region(JINAN));
    let before = std::fs::read_to_string(&config).unwrap();
    let with = format!("[trust]\nseal_crls = \"{}\"\n", folder.display());
    std::fs::write(&config, before.replacen("[trust]\n", &with, 1)).unwrap();
    std::fs::write(folder.join("root.crl"), corpus("ring-root.crl")).unwrap();
    let changed = admin.reload(v1::ReloadRequest {}).await.unwrap().into_inner().changed;
    assert_eq!(changed, ["trust.seal_crls"]);
    assert_eq!(verdict().await, DocumentVerdict::Valid);
    assert!(admin.reload(v1::ReloadRequest {}).await.unwrap().into_inner().changed.is_empty());

    std::fs::write(folder.join("broken.crl"), b"0\x03no").unwrap();
    let (found, _) = refused(admin.reload(v1::ReloadRequest {}).await, "CONFIG_INVALID");
    assert!(found.contains("broken.crl"), "{found}");
    assert_eq!(verdict().await, DocumentVerdict::Valid);
    std::fs::remove_dir_all(&folder).unwrap();
    refused(admin.reload(v1::ReloadRequest {}).await, "CONFIG_INVALID");
    assert_eq!(verdict().await, DocumentVerdict::Valid);

    std::fs::write(&config, before).unwrap();
    admin.reload(v1::ReloadRequest {}).await.unwrap();
    assert_eq!(verdict().await, DocumentVerdict::RevocationUnknown);
}

/// Another city's node says what it knows of a certificate that the document, or the caller, names.
async fn the_certificate_is_told(world: &World) {
    let issued = world.issue(JINAN, licence(JINAN, 81)).await;
    let other = world.issue(JINAN, licence(JINAN, 82)).await;
    world.settle().await;
    let channel = world.system(QINGDAO).await;
    let (id, another) = (issued.certificate_id.as_str(), other.certificate_id.as_str());
    let told = async |expected: &str, names: &[&str]| {
        let found = judged(&channel, expected, &unsigned(names)).await;
        assert_eq!(found.verdict(), DocumentVerdict::NotSigned);
        found.certificate
    };
    let named = told("", &[id]).await.unwrap();
    assert_eq!((named.naming(), named.certificate_id.as_str()), (CertificateNaming::Agrees, id));
    assert_eq!(named.document_names, [id]);
    let verification = named.verification.unwrap();
    assert_eq!(verification.verdict(), Verdict::Genuine, "{:?}", verification.checks);
    assert_eq!(verification.certificate.unwrap().region, JINAN);
    let standing = verification.standing.unwrap();
    assert_eq!((standing.status(), standing.freshness()), (v1::Status::Active, Freshness::Current));
    for (expected, names, naming) in [
        (id, &[][..], CertificateNaming::NotNamed),
        (id, &["no identifier"], CertificateNaming::NotNamed),
        (id, &[id], CertificateNaming::Agrees),
        (id, &[another], CertificateNaming::Differs),
        (id, &[id, another], CertificateNaming::Differs),
    ] {
        let named = told(expected, names).await.unwrap();
        assert_eq!((named.naming(), named.certificate_id.as_str()), (naming, id), "{names:?}");
        assert_eq!(named.verification.unwrap().verdict(), Verdict::Genuine);
    }
    // Of two that it names itself none is picked.
    assert!(told("", &[id, another]).await.is_none());
    assert!(told("", &[]).await.is_none());
    // What was decided since is told.
    let request = change(&issued, v1::Status::Annulled, "样例〔2026〕81号");
    world.certificates(JINAN).await.change_status(request).await.unwrap();
    world.settle().await;
    let standing = told("", &[id]).await.unwrap().verification.unwrap().standing.unwrap();
    assert_eq!(standing.status(), v1::Status::Annulled);
}

/// Each has its reason, and the call ends at once.
async fn streams_that_are_none(world: &World) {
    let channel = world.system(JINAN).await;
    let some = chunk(b"PK");
    let none = v1::VerifyDocumentRequest { part: None };
    let signers = |signers: Vec<&[u8]>| {
        let signers = signers.into_iter().map(|der| der.to_vec().into()).collect();
        message(Part::Header(v1::DocumentHeader { signers, ..Default::default() }))
    };
    let root = corpus("ring-root.der");
    for (what, messages, reason) in [
        ("no message", vec![], "DOCUMENT_EMPTY"),
        ("a header alone", vec![header("")], "DOCUMENT_EMPTY"),
        ("an empty chunk", vec![header(""), chunk(b"")], "DOCUMENT_EMPTY"),
        ("an empty chunk in between", vec![header(""), some.clone(), chunk(b""), some.clone()], "DOCUMENT_EMPTY"),
        ("a chunk first", vec![some.clone()], "DOCUMENT_OUT_OF_ORDER"),
        ("two headers", vec![header(""), header("")], "DOCUMENT_OUT_OF_ORDER"),
        ("a header behind chunks", vec![header(""), some.clone(), header("")], "DOCUMENT_OUT_OF_ORDER"),
        ("a message without a part", vec![none.clone()], "DOCUMENT_OUT_OF_ORDER"),
        ("one behind chunks", vec![header(""), some.clone(), none], "DOCUMENT_OUT_OF_ORDER"),
        ("no identifier", vec![header("../../etc"), some.clone()], "FIELD_INVALID"),
        ("no certificate", vec![signers(vec![b"0"]), some.clone()], "FIELD_INVALID"),
        ("too many", vec![signers(vec![&root; MAX_SIGNERS + 1]), some.clone()], "TOO_MANY_FIELDS"),
    ] {
        println!("{what}");
        refused(send(&channel, messages).await, reason);
    }
    let most = signers(vec![&root; MAX_SIGNERS]);
    assert_eq!(send(&channel, vec![most, some]).await.unwrap().into_inner().verdict(), DocumentVerdict::Malformed);
    // One byte more than is read; the node says so without waiting for the end.
    let piece = vec![0; 1 << 20];
    let pieces = (0..MAX_BYTES >> 20).map(|_| chunk(&piece)).chain([chunk(b"1")]);
    refused(stuck(&channel, std::iter::once(header("")).chain(pieces).collect()).await.unwrap(), "DOCUMENT_TOO_LARGE");
}

/// As at LookupService.VerifyCertificate.
async fn callers_who_may_not(world: &World) {
    let node = World::channel(&world.practice.client_of(region(JINAN), region(QINGDAO), "node")).await;
    let system = world.channel_of(JINAN, QINGDAO, SYSTEM).await;
    for channel in [node, system] {
        refused(send(&channel, vec![header(""), chunk(b"PK")]).await, "CALLER_NOT_ALLOWED");
    }
    let operator = world.operator(JINAN).await;
    assert_eq!(judged(&operator, "", b"PK").await.verdict(), DocumentVerdict::Malformed);
}

/// A document that does not end: the deadline, a cut connection and the end of the node each leave nothing. Meanwhile the
/// places are bounded, of one caller and of all.
async fn nothing_stays(world: &mut World) {
    let data = world.data(JINAN);
    let half = || vec![header(""), chunk(&vec![7; 1 << 20])];
    until("no document is here", async || spooled(&data) == 0).await;
    let channel = world.system(JINAN).await;

    let mut request = Request::new(tokio_stream::iter(half()).chain(tokio_stream::pending()));
    request.set_timeout(Duration::from_secs(1));
    let late = DocumentServiceClient::new(channel.clone()).verify(request).await.unwrap_err();
    assert!([Code::DeadlineExceeded, Code::Cancelled].contains(&late.code()), "{late}");
    until("what was late is gone", async || spooled(&data) == 0).await;

    // Two of one caller are the default.
    let held = [stuck(&channel, half()), stuck(&channel, half())];
    until("both are here", async || spooled(&data) == 2).await;
    refused(send(&channel, vec![header(""), chunk(b"PK")]).await, "OVERLOADED");
    let operator = world.operator(JINAN).await;
    assert_eq!(
        judged(&operator, "", b"PK").await.verdict(),
        DocumentVerdict::Malformed,
        "others have places of their own"
    );
    // The calls are given up, as by a connection that is cut.
    for one in held {
        one.abort();
    }
    until("what was cut is gone", async || spooled(&data) == 0).await;
    until("the places are back", async || send(&channel, vec![header(""), chunk(b"PK")]).await.is_ok()).await;

    // The node ends under it; what an older file system had left is removed at the next start.
    let held = stuck(&channel, half());
    until("it is here", async || spooled(&data) == 1).await;
    world.kill(JINAN);
    held.await.unwrap().unwrap_err();
    std::fs::write(data.join(FOLDER).join(".tmpAbC123"), b"left").unwrap();
    world.start(JINAN).await;
    until("nothing is here after the restart", async || spooled(&data) == 0).await;
    world.all_writable().await;
    let channel = world.system(JINAN).await;
    assert_eq!(judged(&channel, "", &corpus("ring-v4.ofd")).await.verdict(), DocumentVerdict::RevocationUnknown);
}
