//! Golden files: today's encoder writes exactly these bytes, and today's decoder reads them. A file, once released, is
//! never changed; `UPDATE_GOLDEN=1` adds the ones that are missing and touches no other.

use crate::samples;
use exchange_core::{
    checkpoint::{Checkpoint, LogKind},
    event::Event,
    sealed,
};
use exchange_proto::{access, bundle, certificate, copy, event, file, peer, segment, v1};
use prost::Message;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDEN=1 adds missing ones", path.display()))
}

/// Writes a file that is not there yet, if that is wanted.
pub(crate) fn add_if_missing(path: &PathBuf, bytes: &[u8]) {
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") && !path.exists() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn tags_plaintext() -> Vec<u8> {
    let key = samples::index_key().subkey("exchange/holder-tags/v1");
    let aad = format!("370100{}", samples::certificate_id(2));
    sealed::open_anonymous(&key, aad.as_bytes(), &samples::sealed_tags()).unwrap()
}

/// What today's encoders write.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("header.binpb".to_owned(), certificate::encode_header(&samples::header())),
        ("header-plain.binpb".to_owned(), certificate::encode_header(&samples::plain_header())),
        ("envelope.binpb".to_owned(), certificate::encode_envelope(&samples::envelope())),
        ("disclosures.binpb".to_owned(), certificate::encode_disclosures(&samples::disclosures())),
        ("files.binpb".to_owned(), file::encode_stored(&samples::stored_files())),
        ("copy.bin".to_owned(), copy::encode_row(&samples::copy_made())),
        ("access-record.binpb".to_owned(), access::encode(&samples::access_record())),
        ("access-record-searched.binpb".to_owned(), access::encode(&samples::search_record())),
        ("access-record-exported.binpb".to_owned(), samples::export_record_entry()),
        ("export.cert.pb".to_owned(), samples::export_file()),
        ("party.binpb".to_owned(), access::encode_party(&samples::holder(), &[3; 16])),
        ("log-proof.binpb".to_owned(), peer::encode_proof(samples::log_proof()).encode_to_vec()),
        ("segment.binpb".to_owned(), samples::segment().to_vec()),
        ("heartbeat.binpb".to_owned(), samples::heartbeat().to_vec()),
        ("checkpoint.note".to_owned(), samples::note(LogKind::Events, &samples::segment_entries())),
        ("bundle.binpb".to_owned(), bundle::encode(&samples::bundle())),
        ("bundle-seal-trust.binpb".to_owned(), bundle::encode(&samples::bundle_with_seal_trust())),
        ("holder-tags.plaintext.bin".to_owned(), tags_plaintext()),
        ("holder-tags.sealed.bin".to_owned(), samples::sealed_tags()),
    ];
    for (name, kind) in samples::events() {
        files.push((format!("event-{name}.binpb"), samples::entry(&kind)));
    }
    files
}

#[test]
fn encoders_write_the_golden_bytes() {
    for (name, bytes) in all() {
        add_if_missing(&folder().join(&name), &bytes);
        let golden = read(&name);
        assert!(golden == bytes, "{name} has {} bytes, the encoder writes {} others", golden.len(), bytes.len());
    }
}

#[test]
fn every_golden_file_is_compared() {
    let known: BTreeSet<String> = all().into_iter().map(|(name, _)| name).collect();
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is read by no test");
    }
}

#[test]
fn golden_bytes_are_read() {
    assert_eq!(certificate::decode_header(&read("header.binpb")).unwrap(), samples::header());
    assert_eq!(certificate::decode_header(&read("header-plain.binpb")).unwrap(), samples::plain_header());
    assert_eq!(certificate::decode_envelope(&read("envelope.binpb")).unwrap(), samples::envelope());
    assert_eq!(certificate::decode_disclosures(&read("disclosures.binpb")).unwrap(), samples::disclosures());
    assert_eq!(file::decode_stored(&read("files.binpb")).unwrap(), samples::stored_files());
    assert_eq!(copy::decode_row(&read("copy.bin")).unwrap(), samples::copy_made());
    assert_eq!(access::decode(&read("access-record.binpb")).unwrap(), samples::access_record());
    assert_eq!(access::decode(&read("access-record-searched.binpb")).unwrap(), samples::search_record());
    assert_eq!(access::decode_party(&read("party.binpb")).unwrap(), (samples::holder(), [3; 16]));
    assert_eq!(bundle::decode(&read("bundle.binpb")).unwrap(), samples::bundle());
    assert_eq!(bundle::decode(&read("bundle-seal-trust.binpb")).unwrap(), samples::bundle_with_seal_trust());
    let checkpoint = Checkpoint::parse_unverified(&read("checkpoint.note")).unwrap();
    assert_eq!((checkpoint.size, checkpoint.at_ms), (3, samples::AT_MS));
    let proof = v1::LogProof::decode(read("log-proof.binpb").as_slice()).unwrap();
    assert_eq!(peer::proof("proof", Some(proof)).unwrap(), samples::log_proof());
    let heartbeat = segment::decode_segment(read("heartbeat.binpb").into()).unwrap();
    assert_eq!((heartbeat.entries.len(), heartbeat.end()), (0, 0));
    let tags = exchange_core::holder::HolderTags::open(
        &samples::index_key(),
        "370100",
        samples::certificate_id(2).as_str(),
        &read("holder-tags.sealed.bin"),
    );
    assert_eq!(tags.unwrap(), samples::tags());
}

#[test]
fn golden_entries_of_every_kind_are_read() {
    for (name, kind) in samples::events() {
        let must_understand = name == "redacted";
        let read = event::decode(&read(&format!("event-{name}.binpb"))).unwrap();
        assert_eq!(read, Event { at_ms: samples::AT_MS, must_understand, kind }, "{name}");
    }
}

#[test]
fn a_golden_segment_shares_the_memory_of_its_record() {
    let record = bytes::Bytes::from(read("segment.binpb"));
    let segment = segment::decode_segment(record.clone()).unwrap();
    assert_eq!((segment.region, segment.epoch, segment.first), (samples::region("370100"), 2, 0));
    assert_eq!(segment.entries, samples::segment_entries());
    assert_eq!(segment.end(), 3);
    assert_eq!(segment.note, read("checkpoint.note"));
    let within = |part: &[u8]| record.as_ptr_range().contains(&part.as_ptr());
    let segment::Entry::Bytes(first) = &segment.entries[0] else { panic!("the first entry has its bytes") };
    assert!(within(first) && within(&segment.note));
    assert_eq!(segment.views()[1].leaf(), samples::segment_entries_leaf());
}
