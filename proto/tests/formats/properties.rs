//! Whatever comes, decoders answer; whatever is valid, comes back.

use crate::{golden, samples};
use bytes::Bytes;
use exchange_core::{
    access::{AccessKind, AccessRecord},
    certificate::{FieldDigest, FileDigest, Header, Origin},
    checkpoint::LogKind,
    date::Date,
    disclosure::Disclosure,
    event::{EventKind, MAX_ENTRY_BYTES},
    issuer::Issuer,
    question::Relation,
    status::{Status, StatusChange},
};
use exchange_proto::{access, bundle, certificate, event, peer, segment, store, v1};
use proptest::prelude::*;
use prost::Message;

/// Everything that reads bytes of others.
pub(crate) fn decode_all(bytes: &[u8]) {
    let _ = certificate::decode_header(bytes);
    let _ = certificate::decode_envelope(bytes);
    let _ = certificate::decode_disclosures(bytes);
    let _ = event::decode(bytes);
    let _ = access::decode(bytes);
    let _ = access::decode_party(bytes);
    let _ = segment::decode_segment(Bytes::copy_from_slice(bytes));
    let _ = bundle::decode(bytes);
    let _ = v1::LogProof::decode(bytes).map(|proof| peer::proof("proof", Some(proof)));
    let _ = v1::IssueCertificateRequest::decode(bytes).map(certificate::issue);
    let _ = v1::ReviseCertificateRequest::decode(bytes).map(certificate::revise);
    let _ = v1::ChangeStatusRequest::decode(bytes).map(certificate::change_status);
    let _ = v1::Question::decode(bytes).map(|question| access::question(Some(question)));
    let _ = v1::PeerQuestion::decode(bytes).map(peer::asked);
    let _ = v1::PeerAnswer::decode(bytes).map(peer::answer);
}

#[test]
fn every_truncation_of_every_golden_file_is_answered() {
    for (_, bytes) in golden::all() {
        (0..bytes.len()).for_each(|end| decode_all(&bytes[..end]));
    }
}

fn text(max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![Just('证'), Just('𠮷'), proptest::char::range('!', '~')], 1..max)
        .prop_map(|characters| characters.into_iter().collect())
}

fn date() -> impl Strategy<Value = Date> {
    (samples::date("1900-01-01").days()..=samples::date("9999-12-31").days())
        .prop_map(|days| Date::from_days(days).unwrap())
}

fn header() -> impl Strategy<Value = Header> {
    let names = proptest::collection::btree_set("[A-Z_]{1,64}", 0..=128);
    let fields = names.prop_map(|names| {
        let digest = |name: &String| [u8::try_from(name.len()).unwrap(); 32];
        names.into_iter().map(|name| FieldDigest { digest: digest(&name), name }).collect::<Vec<_>>()
    });
    let files = proptest::collection::vec(("[a-z]{1,10}/[a-z]{1,200}", any::<[u8; 32]>(), 0..1_000_u64), 0..4);
    let files = files.prop_map(|files| {
        let file = |(media_type, digest, blocks)| FileDigest { media_type, digest, rounded_length: blocks * 65_536 };
        files.into_iter().map(file).collect::<Vec<_>>()
    });
    let dates = (date(), date(), proptest::option::of(date()));
    (text(64), dates, 1..=u32::MAX, 1..=999_u16, any::<bool>(), fields, files).prop_map(
        |(name, (issued_on, valid_from, valid_until), type_version, version, again, fields, files)| Header {
            issuer: Issuer { name, ..samples::department() },
            certificate_id: samples::certificate_id(version),
            previous: again.then(|| samples::certificate_id(1)),
            origin: if again { Origin::Converted } else { Origin::Synchronous },
            revision: version.into(),
            type_version,
            issued_on,
            valid_from,
            valid_until,
            fields,
            files,
            ..samples::header()
        },
    )
}

fn status_change() -> impl Strategy<Value = StatusChange> {
    let status = proptest::sample::select(Status::ALL.to_vec());
    (status.clone(), status, date(), text(64), 1..=u32::MAX, any::<u64>()).prop_map(
        |(from, to, effective_on, reason, epoch, index)| {
            let previous = exchange_core::position::Position { epoch, index, ..samples::position(0) };
            StatusChange { from, to, effective_on, reason, previous, ..samples::status_change() }
        },
    )
}

fn access_record() -> impl Strategy<Value = AccessRecord> {
    let kinds =
        [AccessKind::Asked, AccessKind::Answered, AccessKind::Refused, AccessKind::Received, AccessKind::Searched];
    let kind = proptest::sample::select(kinds.to_vec());
    let relation = proptest::sample::select(Relation::ALL.to_vec());
    let fields = proptest::collection::vec("[A-Z_]{1,64}", 0..=128);
    (kind, relation, any::<u64>(), any::<[u8; 16]>(), fields, proptest::option::of(any::<[u8; 32]>()), text(50))
        .prop_map(|(kind, relation, at_ms, nonce, fields, digest, purpose_text)| AccessRecord {
            reason: if kind == AccessKind::Refused { "NOT_A_HOLDER".to_owned() } else { String::new() },
            disclosures_digest: digest,
            question_leaf: digest,
            kind,
            relation,
            at_ms,
            nonce,
            fields,
            purpose_text,
            ..samples::access_record()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        decode_all(&bytes);
    }

    #[test]
    fn flipped_bits_of_golden_files_are_answered(file in any::<prop::sample::Index>(), bits in proptest::collection::vec(any::<prop::sample::Index>(), 1..4)) {
        let all = golden::all();
        let mut bytes = all[file.index(all.len())].1.clone();
        for bit in bits {
            let at = bit.index(bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
        }
        decode_all(&bytes);
    }

    /// Written by hand for speed, so compared with what prost makes of the same message.
    #[test]
    fn headers_come_back_and_have_the_bytes_that_prost_writes(header in header()) {
        let bytes = certificate::encode_header(&header);
        prop_assert_eq!(v1::CertificateHeader::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes.clone());
        prop_assert_eq!(certificate::decode_header(&bytes).unwrap(), header);
    }

    #[test]
    fn envelopes_come_back_and_have_the_bytes_that_prost_writes(payload in proptest::collection::vec(any::<u8>(), 1..2_000), signature in proptest::collection::vec(any::<u8>(), 1..128)) {
        let envelope = exchange_core::dsse::Envelope { payload, signature, ..samples::envelope() };
        let bytes = certificate::encode_envelope(&envelope);
        prop_assert_eq!(v1::Envelope::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes.clone());
        prop_assert_eq!(certificate::decode_envelope(&bytes).unwrap(), envelope);
    }

    #[test]
    fn entries_of_an_issue_have_the_bytes_that_prost_writes(bytes in proptest::collection::vec(any::<u8>(), 0..20_000), id in "[0-9A-Z.]{0,100}", key_id in any::<[u8; 8]>()) {
        let issued = EventKind::CertificateIssued { envelope: bytes.clone() };
        prop_assert_eq!(event::encode_issued(&bytes), event::encode_body(&issued, false));
        prop_assert!(event::encode_issued(&bytes).ends_with(&bytes));
        let tags = event::encode_tags(&id, &key_id, &bytes);
        prop_assert_eq!(tags, event::encode_body(&EventKind::HolderTags { certificate_id: id, index_key_id: key_id, sealed: bytes }, false));
    }

    #[test]
    fn disclosures_come_back_and_have_the_bytes_that_prost_writes(values in proptest::collection::vec((any::<[u8; 16]>(), "\\PC{0,200}"), 0..20)) {
        let disclosure = |(at, (salt, value)): (usize, &([u8; 16], String))| Disclosure::new(format!("F{at}"), value.as_str(), *salt).unwrap();
        let disclosures: Vec<Disclosure> = values.iter().enumerate().map(disclosure).collect();
        let bytes = certificate::encode_disclosures(&disclosures);
        prop_assert_eq!(store::Disclosures::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes.clone());
        prop_assert_eq!(certificate::decode_disclosures(&bytes).unwrap(), disclosures);
    }

    #[test]
    fn changes_of_status_come_back(change in status_change(), at_ms in any::<u64>(), must_understand in any::<bool>()) {
        let kind = EventKind::CertificateStatusChanged(Box::new(change));
        let read = event::decode(&event::with_at(at_ms, &event::encode_body(&kind, must_understand))).unwrap();
        prop_assert_eq!(read, exchange_core::event::Event { at_ms, must_understand, kind });
    }

    #[test]
    fn access_records_come_back_and_have_the_bytes_that_prost_writes(record in access_record()) {
        let bytes = access::encode(&record);
        prop_assert_eq!(v1::AccessRecord::decode(bytes.as_slice()).unwrap().encode_to_vec(), if record.at_ms == 0 { access::encode_body(&record) } else { bytes.clone() });
        prop_assert!(bytes.len() <= MAX_ENTRY_BYTES);
        prop_assert_eq!(access::decode(&bytes).unwrap(), record);
    }

    #[test]
    fn segments_come_back(entries in proptest::collection::vec(prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..200).prop_map(|bytes| segment::Entry::Bytes(bytes.into())),
        any::<[u8; 32]>().prop_map(segment::Entry::LeafHash),
    ], 0..40)) {
        let note = Bytes::from(samples::note(LogKind::Events, &entries));
        let record = segment::encode_segment(samples::region("370100"), 2, 0, &entries, &note);
        let beside: usize = entries.iter().map(|entry| match entry {
            segment::Entry::Bytes(bytes) => bytes.len(),
            segment::Entry::LeafHash(_) => 32,
        }).sum();
        prop_assert!(record.len() <= beside + segment::overhead(entries.len()));
        let read = segment::decode_segment(record).unwrap();
        prop_assert_eq!(read.end(), entries.len() as u64);
        prop_assert_eq!((read.entries, read.note), (entries, note));
    }
}
