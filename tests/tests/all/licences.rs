//! Certificates whose sealed document the node makes when it issues them.

mod ended;
mod original;

use crate::world::*;
use exchange_core::{chain::Instant, region::Region};
use exchange_proto::{certificate, v1};
use exchange_seal::{
    Anchors, Basis, Limits, Report, Verdict,
    certificate::Certificate as X509,
    crl::{Crl, Crls},
    ofd::{ENTRY_FILE, Package, documents},
    verify,
};
use std::{
    io::{Cursor, Read, Write},
    path::PathBuf,
};

const OFD: &str = "application/ofd";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_at_issue() {
    let mut world = World::with_catalogue("licences").await;
    // Without a seal: as ever.
    let plain = world.issue(JINAN, licence(JINAN, 1)).await;
    assert!(files(&world, &plain).is_empty());

    // The seals come by a reload.
    world.practice.seal(region(JINAN)).unwrap();
    let changed = world.node(JINAN).control().reload().unwrap();
    assert!(changed.contains(&"[licences]".to_owned()), "{changed:?}");
    assert!(!world.node(JINAN).control().reload().unwrap().contains(&"[licences]".to_owned()));

    let request = licence(JINAN, 2);
    let issued = world.issue(JINAN, request.clone()).await;
    let kept = files(&world, &issued);
    assert_eq!(kept.len(), 1);
    let document = &kept[0];
    println!("{} bytes", document.len());
    let report = judged(&world, document);
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(report.signatures[0].signer.as_deref().map(|name| name.contains("济南市市场监督管理局")), Some(true));
    assert_eq!(said(document, "ZZBS"), issued.certificate_id);
    assert_eq!(said(document, "CZZT"), request.fields[0].value);

    // The same request makes the same certificate; its document is not another.
    assert!(world.issue(JINAN, request).await.repeated_request);
    assert_eq!(files(&world, &issued), kept);
    world.step("sealed when issued").await;

    // One character of the page.
    let altered = edited(document, "Doc_0/Pages/Page_0/Content.xml", "金丝雀", "金丝燕");
    assert_eq!(judged(&world, &altered).verdict, Verdict::Altered);
    // One of the metadata.
    let altered = edited(document, "OFD.xml", "金丝雀", "金丝燕");
    assert_eq!(judged(&world, &altered).verdict, Verdict::Altered);

    // A revision has a document of its own.
    let revision = v1::ReviseCertificateRequest {
        request_id: request_id(),
        previous: issued.certificate_id.clone(),
        issued_on: issued.issued_on,
        fields: licence(JINAN, 2).fields,
        ..Default::default()
    };
    let revised = world.certificates(JINAN).await.revise_certificate(revision).await.unwrap().into_inner();
    assert_eq!(said(&files(&world, &revised)[0], "ZZBS"), revised.certificate_id);
    world.step("revised").await;
    others(&world).await;
    refusals(&mut world).await;
    ended::seals_whose_time_is_over(&mut world).await;
}

/// What has no document of the node's.
async fn others(world: &World) {
    let own = v1::IssueCertificateRequest { files: vec![file(OFD, b"made elsewhere")], ..licence(JINAN, 3) };
    let issued = world.issue(JINAN, own).await;
    assert_eq!(files(world, &issued), [b"made elsewhere".to_vec()], "the caller's document is the document");
    let beside = v1::IssueCertificateRequest { files: vec![file("image/png", b"a picture")], ..licence(JINAN, 4) };
    assert_eq!(files(world, &world.issue(JINAN, beside).await).len(), 2);
    // Another city's departments have no seals.
    assert!(header(&world.issue(QINGDAO, licence(QINGDAO, 5)).await).files.is_empty());
    world.step("others have none").await;
}

async fn refusals(world: &mut World) {
    let kept = world.blobs_of(JINAN);
    let mut request = licence(JINAN, 6);
    request.fields[0].value = "样例\u{1F600}有限公司".into();
    let (found, _) =
        refused(world.certificates(JINAN).await.issue_certificate(request.clone()).await, "LICENCE_NOT_WRITABLE");
    assert!(found.contains("CZZT has the character U+1F600") && !found.contains("样例"), "{found}");
    request.fields[0].value = "样例".repeat(3_000);
    let (found, _) = refused(world.certificates(JINAN).await.issue_certificate(request).await, "LICENCE_NOT_WRITABLE");
    assert!(found.contains("CZZT does not fit") && !found.contains("样例"), "{found}");
    assert_eq!(world.blobs_of(JINAN), kept, "something was kept");

    // A seal that does not list the signer is not taken over, and the old one goes on.
    let folder = seals(world);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| ends(path, "esl"))
        .collect();
    found.sort();
    let good = std::fs::read(&found[0]).unwrap();
    std::fs::copy(&found[1], &found[0]).unwrap();
    let refusal = world.node(JINAN).control().reload().unwrap_err();
    assert!(refusal.to_string().contains("the seal does not list"), "{refusal}");
    std::fs::write(&found[0], &good[..good.len() / 2]).unwrap();
    let refusal = world.node(JINAN).control().reload().unwrap_err();
    assert!(refusal.to_string().contains("no seal"), "{refusal}");
    let issued = world.issue(JINAN, licence(JINAN, 7)).await;
    assert_eq!(judged(world, &files(world, &issued)[0]).verdict, Verdict::Valid);
    std::fs::write(&found[0], good).unwrap();
    world.step("the old seal goes on").await;
}

fn ends(path: &std::path::Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

fn seals(world: &World) -> PathBuf {
    world.practice.node_folder(region(JINAN)).join("../seals").join(JINAN)
}

fn header(one: &Certificate) -> exchange_core::certificate::Header {
    let envelope = certificate::decode_envelope(&one.envelope).unwrap();
    certificate::decode_header(&envelope.payload).unwrap()
}

/// What the node keeps; the header names each.
#[track_caller]
fn files(world: &World, one: &Certificate) -> Vec<Vec<u8>> {
    let node: Region = region(JINAN);
    let stored = world.stored_files(node, &one.certificate_id);
    let named: Vec<_> = stored.iter().map(exchange_core::file::StoredFile::named).collect();
    assert_eq!(header(one).files, named);
    stored.iter().map(|file| world.kept_bytes(node, file).unwrap()).collect()
}

/// Judged with the files that anybody may have: the CA's certificate and its CRL.
fn judged(world: &World, document: &[u8]) -> Report {
    let folder = seals(world);
    let read = |name: &str, label: &str| {
        let pem = std::fs::read(folder.join(name)).unwrap();
        ca_tools::files::blocks(&pem, label, name).unwrap().remove(0)
    };
    let ca = X509::parse(&read("ca.pem", ca_tools::files::CERTIFICATE)).unwrap();
    let anchors = Anchors { makers: vec![ca.clone()], signers: vec![ca], ..Anchors::default() };
    let crls = Crls::new(vec![Crl::parse(&read("ca.crl", ca_tools::files::CRL)).unwrap()]);
    let (now, limits) = (Instant(now_ms() + 1_000), Limits::DEFAULT);
    let basis =
        Basis { anchors: &anchors, crls: &crls, signers: &[], now, crl_grace_ms: 0, without_crl: false, limits };
    verify(Cursor::new(document), &basis)
}

/// A value of the document's metadata.
fn said(document: &[u8], name: &str) -> String {
    let mut package = Package::open(Cursor::new(document), Limits::DEFAULT).unwrap();
    let entry = package.find(ENTRY_FILE).unwrap();
    let bytes = package.read(entry.index, Limits::DEFAULT.xml_bytes).unwrap();
    let custom = documents(&bytes, &Limits::DEFAULT).unwrap().remove(0).custom;
    custom.into_iter().find(|(found, _)| found == name).unwrap().1
}

/// The package with a text in one file replaced.
fn edited(document: &[u8], name: &str, from: &str, to: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(document)).unwrap();
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut replaced = 0;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let entry_name = entry.name().unwrap().into_owned();
        if entry_name == name {
            let text = String::from_utf8(bytes).unwrap();
            replaced = text.matches(from).count();
            bytes = text.replace(from, to).into_bytes();
        }
        let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
        writer.start_file(entry_name, options).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    assert!(replaced > 0, "{from} is not in {name}");
    writer.finish().unwrap().into_inner()
}
