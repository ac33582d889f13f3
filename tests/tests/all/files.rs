//! Files of certificates: kept with the custodian, named in the header.

mod fetch;
mod slow;

use crate::world::*;
use exchange_core::disclosure::file_digest;
use exchange_core::file::MAX_FILE_BYTES;
use exchange_node::{
    clock::Clock,
    doctor::{self, State, Subject},
};
use exchange_proto::{certificate, v1};
use std::path::Path;

const OFD: &str = "application/ofd";

/// As many bytes as wanted, by a seed.
fn bytes(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + seed * 13) % 251).unwrap()).collect()
}

pub(super) fn with_files(request: v1::IssueCertificateRequest, files: &[&[u8]]) -> v1::IssueCertificateRequest {
    v1::IssueCertificateRequest { files: files.iter().map(|bytes| file(OFD, bytes)).collect(), ..request }
}

fn header(one: &Certificate) -> exchange_core::certificate::Header {
    let envelope = certificate::decode_envelope(&one.envelope).unwrap();
    certificate::decode_header(&envelope.payload).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issued() {
    let mut world = World::with_catalogue("files").await;
    let (small, large) = (bytes(1, 1_000), bytes(2, 200_000));
    let request = with_files(licence(JINAN, 1), &[&small, &large]);
    let first = world.issue(JINAN, request.clone()).await;
    named(&world, &first, &[&small, &large]);
    world.step("issued with two files").await;

    // The same request again, the same file in another certificate, and none.
    assert!(world.issue(JINAN, request.clone()).await.repeated_request);
    let other = v1::IssueCertificateRequest { files: vec![file(OFD, &small)], ..request.clone() };
    refused(world.certificates(JINAN).await.issue_certificate(other).await, "REQUEST_ID_REUSED");
    refused_without_a_trace(&world, &request, &first).await;
    kept_elsewhere(&world, &bytes(9, 5_000)).await;
    let second = world.issue(JINAN, with_files(licence(JINAN, 2), &[&small])).await;
    assert_ne!(header(&second).files[0].digest, header(&first).files[0].digest, "a salt of its own");
    assert!(header(&world.issue(JINAN, licence(JINAN, 3)).await).files.is_empty());
    assert_eq!(world.blobs_of(JINAN), 2, "the same bytes are kept once");
    world.step("the same file twice").await;

    // A revision has the files that it was issued with, and no others.
    let revision = v1::ReviseCertificateRequest {
        request_id: request_id(),
        previous: first.certificate_id.clone(),
        issued_on: first.issued_on,
        fields: licence(JINAN, 1).fields,
        files: vec![file(OFD, &bytes(3, 70_000))],
        ..Default::default()
    };
    let revised = world.certificates(JINAN).await.revise_certificate(revision).await.unwrap().into_inner();
    named(&world, &revised, &[&bytes(3, 70_000)]);
    named(&world, &first, &[&small, &large]);
    world.step("revised").await;

    // What is refused is refused before anything is kept.
    let largest = bytes(4, MAX_FILE_BYTES);
    world.issue(JINAN, with_files(licence(JINAN, 4), &[&largest])).await;
    let kept = world.blobs_of(JINAN);
    let mut client = world.certificates(JINAN).await;
    let more = bytes(5, MAX_FILE_BYTES + 1);
    let cases: [(&str, v1::IssueCertificateRequest); 4] = [
        ("FILE_TOO_LARGE", with_files(licence(JINAN, 5), &[&more])),
        ("TOO_MANY_FILES", with_files(licence(JINAN, 5), &[small.as_slice(); 9])),
        ("FIELD_MISSING", with_files(licence(JINAN, 5), &[&[]])),
        ("MESSAGE_TOO_LARGE", with_files(licence(JINAN, 5), &[&largest, &bytes(6, 1_100_000)])),
    ];
    for (reason, request) in cases {
        refused(client.issue_certificate(request).await, reason);
    }
    refused(client.issue_certificate(with_files(licence(QINGDAO, 5), &[&more[..9]])).await, "ISSUER_NOT_CALLERS");
    assert_eq!(world.blobs_of(JINAN), kept);
    world.step("refused").await;
    cared_for(&mut world, &first, &small).await;
}

/// What the ledger would refuse leaves no file, not even until the next sweep.
async fn refused_without_a_trace(world: &World, request: &v1::IssueCertificateRequest, first: &Certificate) {
    let kept = world.blobs_of(JINAN);
    let mut client = world.certificates(JINAN).await;
    let new = bytes(9, 5_000);
    refused(client.issue_certificate(with_files(request.clone(), &[&new])).await, "REQUEST_ID_REUSED");
    let with_serial = |request, files: &[&[u8]]| v1::IssueCertificateRequest {
        serial: "TRACELESS1".into(),
        ..with_files(request, files)
    };
    world.issue(JINAN, with_serial(licence(JINAN, 91), &[])).await;
    refused(client.issue_certificate(with_serial(licence(JINAN, 91), &[&new])).await, "CERTIFICATE_EXISTS");
    let old = v1::IssueCertificateRequest { request_id: uuid_of(1_700_000_000_000), ..licence(JINAN, 92) };
    refused(client.issue_certificate(with_files(old, &[&new])).await, "REQUEST_ID_TOO_OLD");
    let revision = v1::ReviseCertificateRequest {
        request_id: request_id(),
        previous: first.certificate_id.clone(),
        issued_on: first.issued_on,
        fields: licence(JINAN, 1).fields,
        ..Default::default()
    };
    let revoked = world.issue(JINAN, licence(JINAN, 93)).await;
    client.change_status(change(&revoked, v1::Status::Revoked, "样例〔2026〕93号")).await.unwrap();
    let revision =
        v1::ReviseCertificateRequest { previous: revoked.certificate_id, files: vec![file(OFD, &new)], ..revision };
    refused(client.revise_certificate(revision).await, "REVISION_CONFLICT");
    assert_eq!(world.blobs_of(JINAN), kept, "a refused issue has left its file");
}

/// A type whose certificates another city keeps: it would be asked for the file, and could not be given it.
async fn kept_elsewhere(world: &World, new: &[u8]) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue/certificate-types.json");
    let items = exchange_node::catalogue::file::read(&samples).unwrap();
    let mut kind = items
        .into_iter()
        .find_map(|item| match item {
            exchange_node::catalogue::Item::CertificateType(kind) if kind.type_code.as_str() == MARRIAGE => Some(kind),
            _ => None,
        })
        .unwrap();
    (kind.version, kind.custodian_region) = (kind.version + 1, Some(region(QINGDAO)));
    let request = v1::PublishCertificateTypeRequest {
        request_id: request_id(),
        certificate_type: Some(exchange_proto::catalogue::encode_certificate_type(&kind)),
        validate_only: false,
    };
    world.catalogue(PROVINCE).await.publish_certificate_type(request).await.unwrap();
    world.settle().await;
    let (one, other) = (Person::new(0, 51), Person::new(1, 52));
    let request = v1::IssueCertificateRequest { type_version: kind.version, ..marriage(JINAN, &one, &other) };
    let mut client = world.certificates(JINAN).await;
    until("the version is known", async || {
        client
            .issue_certificate(v1::IssueCertificateRequest { request_id: request_id(), ..request.clone() })
            .await
            .is_ok()
    })
    .await;
    let kept = world.blobs_of(JINAN);
    refused(client.issue_certificate(with_files(request, &[new])).await, "FILE_KEPT_ELSEWHERE");
    assert_eq!(world.blobs_of(JINAN), kept, "a file that nobody could fetch is kept");
}

/// The header names each file by its salted digest and rounded length; what is kept is sealed.
#[track_caller]
fn named(world: &World, one: &Certificate, files: &[&[u8]]) {
    let named = header(one).files;
    let stored = world.stored_files(region(JINAN), &one.certificate_id);
    assert_eq!((named.len(), stored.len()), (files.len(), files.len()));
    for ((named, stored), bytes) in named.iter().zip(&stored).zip(files) {
        assert_eq!((named.media_type.as_str(), named.rounded_length % 65_536), (OFD, 0));
        assert!(named.rounded_length >= bytes.len() as u64 && named.rounded_length < bytes.len() as u64 + 65_536);
        assert_eq!(named.digest, file_digest(&stored.salt, bytes));
        assert_eq!(stored.length, bytes.len() as u64);
        let on_disk = std::fs::read(world.blob_path(JINAN, &stored.blob)).unwrap();
        assert!(!on_disk.windows(24).any(|part| part == &bytes[..24]), "a file is kept in the clear");
    }
}

/// A node finds what is damaged and says which certificate it is of; what nothing refers to goes.
async fn cared_for(world: &mut World, one: &Certificate, small: &[u8]) {
    let stored = world.stored_files(region(JINAN), &one.certificate_id);
    let kept = |world: &World| world.node(JINAN).control().status().unwrap().kept_files.unwrap();
    until("every file was read", async || kept(world).checked_at_ms > 0).await;
    assert_eq!((kept(world).damaged, kept(world).named.len()), (0, 0));
    let odd = world.issue(JINAN, with_files(licence(JINAN, 8), &[&bytes(8, 500)])).await;
    let odd = world.stored_files(region(JINAN), &odd.certificate_id).remove(0).blob;

    world.kill(JINAN);
    let (missing, altered) = (world.blob_path(JINAN, &stored[0].blob), world.blob_path(JINAN, &stored[1].blob));
    std::fs::remove_file(&missing).unwrap();
    let good = std::fs::read(&altered).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&altered, bad).unwrap();
    // Nobody is kept from reading who is root: a folder cannot be read as a file either.
    let unreadable = world.blob_path(JINAN, &odd);
    let odd = std::fs::read(&unreadable).unwrap();
    std::fs::remove_file(&unreadable).unwrap();
    std::fs::create_dir(&unreadable).unwrap();
    // What a crash leaves before the commit: half a file, and one that no certificate has.
    let folder = world.data(JINAN).join("blobs");
    std::fs::write(folder.join("new-00112233"), b"half").unwrap();
    let stray = folder.join("00").join("0".repeat(64));
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    std::fs::write(&stray, b"stray").unwrap();

    world.start(JINAN).await;
    world.all_writable().await;
    until("the damage is found", async || kept(world).checked_at_ms > 0 && !Path::new(&stray).exists()).await;
    let found = kept(world);
    assert_eq!((found.damaged, folder.join("new-00112233").exists()), (3, false));
    let mut faults: Vec<&str> = found.named.iter().map(|one| one.fault.as_str()).collect();
    faults.sort_unstable();
    assert_eq!(faults, ["ALTERED", "MISSING", "UNREADABLE"]);
    assert!(found.named.iter().any(|one| missing.ends_with(&one.blob)));
    let look = doctor::Options { config: None, pre: false, peers: Vec::new(), clock: Clock::default() };
    let report = doctor::run(&look, doctor::Node::Answers(world.operator(JINAN).await)).await;
    for (fault, path) in [("ALTERED", &altered), ("MISSING", &missing), ("UNREADABLE", &unreadable)] {
        let name = path.file_name().unwrap().to_str().unwrap();
        let line = report.checks().into_iter().find(|check| check.found.contains(name)).unwrap();
        assert_eq!(
            (line.subject, line.state, line.fault.as_str()),
            (Subject::StoreFiles, State::Failed, "FILE_DAMAGED")
        );
        assert!(line.found.starts_with(&format!("{fault}: blobs/")) && !line.cure().is_empty(), "{line:?}");
    }
    let violation = world.invariants().expect_err("FILE-1 is broken");
    assert_eq!(violation.invariant.id(), "FILE-1");

    // Issued again, the one is whole again; the other comes from the backup.
    world.issue(JINAN, with_files(licence(JINAN, 6), &[small])).await;
    std::fs::write(&altered, good).unwrap();
    std::fs::remove_dir(&unreadable).unwrap();
    std::fs::write(&unreadable, odd).unwrap();
    world.kill(JINAN);
    world.start(JINAN).await;
    world.all_writable().await;
    until("nothing is damaged", async || kept(world).checked_at_ms > 0).await;
    assert_eq!(kept(world).damaged, 0);
    world.step("mended").await;
}
