//! Exports as files: what is read, and what is refused by which check.

use crate::samples;
use exchange_core::export::{Change, Export, Report};
use exchange_proto::{
    access,
    export::{self, MAGIC, MAX_FILE_BYTES, decode_file, decode_record, is_record},
    v1,
};
use prost::Message;

/// Magic, version, digest.
const HEAD: usize = 42;

/// The file around another body, with the digest that belongs to it.
fn around(body: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&[0, 1]);
    file.extend_from_slice(&exchange_core::export::sha256(body));
    file.extend_from_slice(body);
    file
}

fn changed(change: impl FnOnce(&mut v1::CertificateExport)) -> Vec<u8> {
    let mut message = v1::CertificateExport::decode(&samples::export_file()[HEAD..]).unwrap();
    change(&mut message);
    around(&message.encode_to_vec())
}

fn with_content(change: impl FnOnce(&mut v1::ExportContent)) -> Vec<u8> {
    changed(|message| {
        let mut content = v1::ExportContent::decode(message.content.clone()).unwrap();
        change(&mut content);
        message.content = content.encode_to_vec().into();
    })
}

#[track_caller]
fn refused(file: &[u8], name: &str, found: &str) -> Report {
    let report = decode_file(file).map(|_| ()).unwrap_err();
    let failure = report.failure().unwrap();
    assert_eq!(failure.name, name, "{failure:?}");
    assert!(failure.found.contains(found), "{failure:?}");
    report
}

#[test]
fn an_export_is_read_as_it_was_written() {
    let Export { issue, header, links, disclosures, record, content_sha256, bundle, .. } =
        decode_file(&samples::export_file()).unwrap();
    assert_eq!((issue, bundle), (samples::export_content().issue, (String::from("2026"), 5)));
    assert_eq!((header, content_sha256), (samples::header(), record.content_sha256));
    assert_eq!(record, samples::export_record());
    assert_eq!(disclosures, samples::disclosures()[..2]);
    assert_eq!(links[0].change, Change::Status(Box::new(samples::status_change())));
    assert_eq!(links[1].change, Change::Replaced(Box::new(samples::header())));
}

#[test]
fn a_record_of_an_export_is_told_from_that_of_a_question() {
    let (exported, answered) = (samples::export_record_entry(), access::encode(&samples::access_record()));
    assert!(is_record(&exported) && !is_record(&answered) && !is_record(b"\xff"));
    assert_eq!(access::decode(&exported).unwrap_err().path(), "access_record.kind");
    assert_eq!(decode_record(&answered).unwrap_err().path(), "access_record.kind");
}

#[test]
fn damage_is_found_before_anything_is_decoded() {
    let file = samples::export_file();
    refused(b"", "format", "an empty file");
    refused(b"-----BEGIN CERTIFICATE-----", "format", "does not begin");
    refused(&file[..20], "format", "the first 20 bytes");
    refused(&file[..file.len() - 1], "format", "damaged");
    refused(&[&file[..], b"\n"].concat(), "format", "damaged");
    refused(&vec![MAGIC[0]; MAX_FILE_BYTES + 1], "format", "at most 4000000");
    let mut newer = file;
    newer[9] = 2;
    assert!(refused(&newer, "format", "version 2").unknown_version);
}

#[test]
fn only_the_one_encoding_is_read() {
    let body = &samples::export_file()[HEAD..];
    refused(&around(&[body, &[0x98, 0x06, 0x01]].concat()), "structure", "another encoding"); // field 99
    let mut twice = body.to_vec();
    twice.extend_from_slice(body);
    refused(&around(&twice), "structure", "another encoding");
    let unknown = changed(|message| message.content = [&message.content[..], &[0x98, 0x06, 0x01]].concat().into());
    refused(&unknown, "structure", "content: found another encoding");
    refused(&around(b"\xff\xff"), "structure", "cannot be decoded");
}

#[test]
fn parts_that_are_missing_or_of_another_kind_are_named() {
    refused(&changed(|message| message.receipt = None), "structure", "receipt");
    refused(&with_content(|content| content.issue = None), "structure", "issue");
    refused(&with_content(|content| content.credential = None), "structure", "credential");
    refused(&with_content(|content| content.as_of.clear()), "structure", "as_of");
    refused(&with_content(|content| content.bundle_series = "../x".into()), "structure", "bundle_series");
    refused(&with_content(|content| content.crls = vec![vec![1].into(); 5]), "structure", "crls");
    refused(&with_content(|content| content.links = vec![content.links[0].clone(); 257]), "structure", "links");
    let notice = samples::entry(&exchange_core::event::EventKind::RegionNotice { text: "x".into() });
    let other = notice.clone();
    refused(
        &with_content(|content| content.issue.as_mut().unwrap().entry = notice.into()),
        "structure",
        "found region_notice, needed certificate_issued",
    );
    refused(&with_content(|content| content.links[0].entry = other.into()), "structure", "links[0].kind");
    let question = access::encode(&samples::access_record());
    refused(&changed(|message| message.receipt.as_mut().unwrap().entry = question.into()), "structure", "kind");
    // A certificate of a later schema is neither genuine nor false.
    let mut envelope = samples::envelope();
    envelope.payload[1] = 2;
    let kind = exchange_core::event::EventKind::CertificateIssued {
        envelope: exchange_proto::certificate::encode_envelope(&envelope),
    };
    let file = with_content(|content| content.issue.as_mut().unwrap().entry = samples::entry(&kind).into());
    assert!(refused(&file, "structure", "major version 2").unknown_version);
    assert!(export::envelope(&decode_file(&samples::export_file()).unwrap()).is_some());
}
