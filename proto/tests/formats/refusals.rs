//! What is refused, where and why: headers, entries, segments, requests.

use crate::samples;
use bytes::Bytes;
use exchange_core::{
    certificate::{MAX_FIELDS, MAX_HEADER_BYTES, MAX_VALUE_BYTES, Origin},
    checkpoint::LogKind,
    event::{EventKind, MAX_ENTRY_BYTES},
    file::{MAX_FILE_BYTES, MAX_FILES, OFD},
    reason::Reason,
    request::Previous,
    segment::{MAX_BYTES, MAX_ENTRIES},
    status::{Authority, Status},
};
use exchange_proto::{Error, certificate, event, segment, v1};
use prost::Message;

fn check<T: std::fmt::Debug>(result: Result<T, Error>, reason: Reason, path: &str) {
    let error = result.expect_err(path);
    assert_eq!((error.reason(), error.path()), (reason, path), "{error}");
}

fn with_header(change: impl FnOnce(&mut v1::CertificateHeader)) -> Vec<u8> {
    let mut message = v1::CertificateHeader::decode(certificate::encode_header(&samples::header()).as_slice()).unwrap();
    change(&mut message);
    message.encode_to_vec()
}

#[test]
fn headers_are_refused_with_their_reason() {
    type Change = fn(&mut v1::CertificateHeader);
    let cases: [(Change, Reason, &str); 16] = [
        (|h| h.schema_major = 2, Reason::UnknownSchema, "header.schema_major"),
        (|h| h.schema_major = 0, Reason::UnknownSchema, "header.schema_major"),
        (|h| h.origin = 9, Reason::UnknownSchema, "header.origin"),
        (|h| h.environment = 9, Reason::UnknownSchema, "header.environment"),
        (|h| h.environment = 0, Reason::FieldMissing, "header.environment"),
        (|h| h.issuer = None, Reason::FieldMissing, "header.issuer"),
        (|h| h.issuer.as_mut().unwrap().uscc.replace_range(17.., "0"), Reason::CheckDigitWrong, "header.issuer.uscc"),
        (|h| h.issuer.as_mut().unwrap().name = "x".repeat(257), Reason::FieldTooLong, "header.issuer.name"),
        (|h| h.certificate_id.clear(), Reason::FieldMissing, "header.certificate_id"),
        (|h| h.issuing_region = "37010".to_owned(), Reason::FieldInvalid, "header.issuing_region"),
        (|h| h.revision = 0, Reason::FieldMissing, "header.revision"),
        (|h| h.issued_on.as_mut().unwrap().month = 13, Reason::FieldInvalid, "header.issued_on"),
        (|h| h.fields[1].digest.truncate(31), Reason::FieldInvalid, "header.fields[1].digest"),
        (|h| h.fields[2].name = h.fields[0].name.clone(), Reason::FieldRepeated, "header.fields[2].name"),
        (|h| h.fields[3].name = "N".repeat(65), Reason::FieldTooLong, "header.fields[3].name"),
        (|h| h.files[0].rounded_length = 65_535, Reason::FieldInvalid, "header.files[0].rounded_length"),
    ];
    for (change, reason, path) in cases {
        check(certificate::decode_header(&with_header(change)), reason, path);
    }
    let many = with_header(|h| {
        let field = |index| v1::FieldDigest { name: format!("F{index}"), digest: vec![1; 32].into() };
        h.fields = (0..=MAX_FIELDS).map(field).collect();
    });
    check(certificate::decode_header(&many), Reason::FieldTooLong, "header.fields");
    check(certificate::decode_header(&vec![0; MAX_HEADER_BYTES + 1]), Reason::MessageTooLarge, "header");
    check(certificate::decode_header(b"\x12\xFF"), Reason::MessageUndecodable, "header");
}

#[test]
fn a_later_major_version_is_told_from_garbage_whatever_its_fields_are() {
    // Field 4 is a text in version 1; here it is a number.
    check(certificate::decode_header(&[0x08, 2, 0x20, 1]), Reason::UnknownSchema, "header.schema_major");
    check(certificate::decode_header(&[0x08, 1, 0x20, 1]), Reason::MessageUndecodable, "header");
}

#[test]
fn a_later_minor_version_is_read_and_its_new_fields_passed_over() {
    let mut bytes = with_header(|h| h.schema_minor = 7);
    bytes.extend([0xFA, 0x3F, 1, 0x2A]);
    assert_eq!(certificate::decode_header(&bytes).unwrap(), samples::header());
}

#[test]
fn envelopes_of_other_payloads_are_refused() {
    let of_type = |payload_type: &str| {
        let payload_type = payload_type.to_owned();
        certificate::encode_envelope(&exchange_core::dsse::Envelope { payload_type, ..samples::envelope() })
    };
    let later = of_type("application/vnd.exchange.certificate.v2+protobuf");
    check(certificate::decode_envelope(&later), Reason::UnknownSchema, "envelope.payload_type");
    let bundle = of_type("application/vnd.exchange.trust-bundle.v1+protobuf");
    check(certificate::decode_envelope(&bundle), Reason::FieldInvalid, "envelope.payload_type");
    let unsigned = exchange_core::dsse::Envelope { signature: Vec::new(), ..samples::envelope() };
    let unsigned = certificate::encode_envelope(&unsigned);
    check(certificate::decode_envelope(&unsigned), Reason::FieldMissing, "envelope.signature");
}

#[test]
fn unknown_kinds_of_entries_are_kept_as_such() {
    // Kind 99 with three bytes, to be understood.
    let entry = event::with_at(5, &[0x10, 1, 0x9A, 0x06, 3, 1, 2, 3]);
    let read = event::decode(&entry).unwrap();
    assert_eq!((read.at_ms, read.must_understand, read.kind), (5, true, EventKind::Unknown));

    let kind = EventKind::CertificateStatusChanged(Box::new(samples::status_change()));
    let change = |change: fn(&mut v1::CertificateStatusChanged)| {
        let mut message = v1::Event::decode(event::encode_body(&kind, true).as_slice()).unwrap();
        let Some(v1::event::Kind::CertificateStatusChanged(inner)) = &mut message.kind else { unreachable!() };
        change(inner);
        event::decode(&message.encode_to_vec())
    };
    let later = change(|inner| inner.to = 77).unwrap();
    assert_eq!((later.must_understand, later.kind), (true, EventKind::Unknown));
    check(change(|inner| inner.to = 0), Reason::FieldMissing, "certificate_status_changed.to");
    check(change(|inner| inner.previous = None), Reason::FieldMissing, "certificate_status_changed.previous");
}

#[test]
fn entries_past_a_limit_are_refused() {
    let notice = |length: usize| {
        event::decode(&samples::entry(&EventKind::RegionNotice { text: "x".repeat(length) })).map(|read| read.at_ms)
    };
    assert_eq!(notice(1_024).unwrap(), samples::AT_MS);
    check(notice(1_025), Reason::FieldTooLong, "region_notice.text");
    check(notice(MAX_ENTRY_BYTES), Reason::MessageTooLarge, "event");
    let inline = exchange_core::event::Carried::Inline(vec![0x30; 48 * 1024 + 1]);
    let crl = EventKind::CrlPublished { issuer_spki_sha256: [1; 32], number: 1, body: inline };
    check(event::decode(&samples::entry(&crl)), Reason::FieldTooLong, "crl_published.inline");
    let tags = EventKind::HolderTags { certificate_id: String::new(), index_key_id: [1; 8], sealed: vec![1] };
    check(event::decode(&samples::entry(&tags)), Reason::FieldMissing, "holder_tags.certificate_id");
    let hidden = EventKind::RegionNotice { text: "a\u{202E}b".to_owned() };
    check(event::decode(&samples::entry(&hidden)), Reason::ControlCharacter, "region_notice.text");
}

fn with_segment(change: impl FnOnce(&mut v1::Segment)) -> Bytes {
    let mut message = v1::Segment::decode(samples::segment()).unwrap();
    change(&mut message);
    message.encode_to_vec().into()
}

#[test]
fn segments_are_refused_before_they_are_decoded() {
    check(segment::decode_segment(vec![0; MAX_BYTES + 1].into()), Reason::MessageTooLarge, "segment");
    // Two bytes for each entry: a small record that would be 36 MB in memory.
    let bomb = Bytes::from([0x22, 0].repeat(MAX_BYTES / 2));
    check(segment::decode_segment(bomb), Reason::MessageTooLarge, "segment");
    let most = Bytes::from([0x22, 0].repeat(MAX_ENTRIES));
    check(segment::decode_segment(most), Reason::FieldMissing, "segment.region");
    // A length that lies.
    check(segment::decode_segment(Bytes::from_static(&[0x22, 0xFF, 0x7F, 1])), Reason::MessageUndecodable, "segment");
    let lying = Bytes::from_static(&[0x22, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]);
    check(segment::decode_segment(lying), Reason::MessageUndecodable, "segment");
}

#[test]
fn segments_whose_checkpoint_is_not_theirs_are_refused() {
    let checkpoint = |change: fn(&mut v1::Segment)| segment::decode_segment(with_segment(change));
    for change in [
        (|s| s.first = 1) as fn(&mut v1::Segment),
        |s| s.first = u64::MAX,
        |s| s.epoch = 3,
        |s| s.region = "370200".to_owned(),
        |s| drop(s.entries.pop()),
        |s| s.checkpoint = samples::note(LogKind::Access, &samples::segment_entries()).into(),
        |s| s.checkpoint = Bytes::from_static(b"no note"),
    ] {
        check(checkpoint(change), Reason::CheckpointInvalid, "segment.checkpoint");
    }
    check(checkpoint(|s| s.entries[2].content = None), Reason::FieldMissing, "segment.entries[2]");
    let empty = |s: &mut v1::Segment| s.entries[0].content = Some(v1::segment_entry::Content::Entry(Bytes::new()));
    check(checkpoint(empty), Reason::FieldMissing, "segment.entries[0].entry");
    let hash =
        |s: &mut v1::Segment| s.entries[1].content = Some(v1::segment_entry::Content::LeafHash(vec![1; 31].into()));
    check(checkpoint(hash), Reason::FieldInvalid, "segment.entries[1].leaf_hash");
}

const REQUEST_ID: &str = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

fn date(year: u32, month: u32, day: u32) -> Option<v1::Date> {
    Some(v1::Date { year, month, day })
}

fn field(name: &str, value: &str) -> v1::FieldValue {
    v1::FieldValue { name: name.to_owned(), value: value.to_owned() }
}

fn issue() -> v1::IssueCertificateRequest {
    v1::IssueCertificateRequest {
        request_id: REQUEST_ID.to_owned(),
        type_code: samples::type_code().to_string(),
        issuer: Some(certificate::encode_issuer(&samples::department())),
        issued_on: date(2026, 2, 28),
        fields: vec![field("CZZT", "某甲"), field("CZZTDM", samples::IDENTITY_NUMBER)],
        ..Default::default()
    }
}

#[test]
fn a_request_to_issue_becomes_a_draft() {
    let issue = certificate::issue(issue()).unwrap();
    assert_eq!(issue.request_id[..6], [0x01, 0x7F, 0x22, 0xE2, 0x79, 0xB0]);
    let draft = issue.draft;
    assert_eq!((draft.type_version, draft.origin, draft.serial), (None, Origin::Synchronous, None));
    assert_eq!((draft.valid_from, draft.valid_until), (draft.issued_on, None));
    assert!(!format!("{:?}", draft.fields).contains(samples::IDENTITY_NUMBER));
}

#[test]
fn requests_to_issue_are_refused_with_their_reason() {
    type Change = fn(&mut v1::IssueCertificateRequest);
    let cases: [(Change, Reason, &str); 17] = [
        (|r| r.request_id.clear(), Reason::RequestIdMissing, "request_id"),
        (|r| r.request_id = "1".to_owned(), Reason::RequestIdInvalid, "request_id"),
        (|r| r.type_code.truncate(20), Reason::FieldInvalid, "type_code"),
        (|r| r.issuer = None, Reason::FieldMissing, "issuer"),
        (|r| r.issuer.as_mut().unwrap().uscc.clear(), Reason::FieldMissing, "issuer.uscc"),
        (|r| r.issued_on = None, Reason::FieldMissing, "issued_on"),
        (|r| r.issued_on = date(2026, 2, 29), Reason::FieldInvalid, "issued_on"),
        (|r| r.valid_until = date(2026, 2, 27), Reason::DatesOutOfOrder, "valid_until"),
        (|r| r.origin = 4, Reason::FieldInvalid, "origin"),
        (|r| r.fields[1].name = "CZZT".to_owned(), Reason::FieldRepeated, "fields[1].name"),
        (|r| r.fields[0].name.clear(), Reason::FieldMissing, "fields[0].name"),
        (|r| r.fields[0].value = "x".repeat(MAX_VALUE_BYTES + 1), Reason::FieldTooLong, "fields[0].value"),
        (|r| r.fields = vec![field("A", ""); MAX_FIELDS + 1], Reason::TooManyFields, "fields"),
        (|r| r.serial = "ab".to_owned(), Reason::FieldInvalid, "serial"),
        (|r| r.serial = "A".repeat(65), Reason::FieldTooLong, "serial"),
        (|r| r.serial = samples::IDENTITY_NUMBER.to_owned(), Reason::IdentityNumberNotAllowed, "serial"),
        (|r| r.source = Some(v1::ImportSource::default()), Reason::FieldMissing, "source.source_id"),
    ];
    for (change, reason, path) in cases {
        let mut request = issue();
        change(&mut request);
        check(certificate::issue(request), reason, path);
    }
    let mut large = issue();
    large.fields = (0..17).map(|index| field(&format!("F{index}"), &"x".repeat(MAX_VALUE_BYTES))).collect();
    check(certificate::issue(large), Reason::ValuesTooLarge, "fields");
}

#[test]
fn files_are_refused_with_their_reason() {
    let file = |media_type: &str, length: usize| v1::CertificateFile {
        media_type: media_type.to_owned(),
        content: vec![1; length].into(),
    };
    let with = |files| certificate::issue(v1::IssueCertificateRequest { files, ..issue() });
    let read = with(vec![file(OFD, MAX_FILE_BYTES), file("image/jpeg", 1)]).unwrap().files;
    assert_eq!((read.len(), read[0].bytes.len(), read[1].media_type.as_str()), (2, MAX_FILE_BYTES, "image/jpeg"));
    let personal = format!("application/{}", samples::IDENTITY_NUMBER);
    let cases = [
        (file(OFD, MAX_FILE_BYTES + 1), Reason::FileTooLarge, "files[1].content"),
        (file(OFD, 0), Reason::FieldMissing, "files[1].content"),
        (file("", 1), Reason::FieldMissing, "files[1].media_type"),
        (file("application/OFD", 1), Reason::FieldInvalid, "files[1].media_type"),
        (file("text/plain; charset=utf-8", 1), Reason::FieldInvalid, "files[1].media_type"),
        (file(&"x".repeat(130), 1), Reason::FieldTooLong, "files[1].media_type"),
        (file(&personal, 1), Reason::IdentityNumberNotAllowed, "files[1].media_type"),
    ];
    for (bad, reason, path) in cases {
        check(with(vec![file(OFD, 1), bad]), reason, path);
    }
    check(with(vec![file(OFD, 1); MAX_FILES + 1]), Reason::TooManyFiles, "files");
}

#[test]
fn a_revision_names_what_it_replaces() {
    let request = v1::ReviseCertificateRequest {
        request_id: REQUEST_ID.to_owned(),
        previous: samples::certificate_id(1).to_string(),
        issued_on: date(2026, 3, 1),
        fields: vec![field("CZZT", "某甲")],
        ..Default::default()
    };
    let parsed = certificate::revise(request.clone()).unwrap();
    assert_eq!(parsed.previous, Previous::Certificate(samples::certificate_id(1)));

    let nothing = v1::ReviseCertificateRequest { previous: String::new(), ..request.clone() };
    check(certificate::revise(nothing.clone()), Reason::FieldMissing, "previous");
    let source = Some(v1::ImportSource { source_id: "77".to_owned(), row_time: "2026-03-01".to_owned() });
    let untyped = v1::ReviseCertificateRequest { source, ..nothing };
    check(certificate::revise(untyped.clone()), Reason::FieldMissing, "type_code");
    let (type_code, issuer) =
        (samples::type_code().to_string(), Some(certificate::encode_issuer(&samples::department())));
    let imported = certificate::revise(v1::ReviseCertificateRequest { type_code, issuer, ..untyped }).unwrap();
    let previous = Previous::Imported { type_code: samples::type_code(), issuer: samples::department() };
    assert_eq!(imported.previous, previous);

    let mut wrong = samples::certificate_id(1).to_string();
    wrong.replace_range(wrong.len() - 1.., samples::IDENTITY_NUMBER);
    let error = certificate::revise(v1::ReviseCertificateRequest { previous: wrong, ..request }).unwrap_err();
    assert_eq!((error.reason(), error.found()), (Reason::CheckDigitWrong, "an identity number"));
}

#[test]
fn changes_of_status_are_refused_with_their_reason() {
    let request = || v1::ChangeStatusRequest {
        request_id: REQUEST_ID.to_owned(),
        certificate_id: samples::certificate_id(1).to_string(),
        to: Status::Annulled as i32,
        decided_on: date(2026, 4, 30),
        deciding_body: Some(certificate::encode_issuer(&samples::department())),
        reason: "以欺骗手段取得".to_owned(),
        ..Default::default()
    };
    let parsed = certificate::change_status(request()).unwrap();
    assert_eq!((parsed.to, parsed.authority, parsed.effective_on), (Status::Annulled, Authority::Issuer, None));
    type Change = fn(&mut v1::ChangeStatusRequest);
    let cases: [(Change, Reason, &str); 10] = [
        (|r| r.certificate_id.clear(), Reason::FieldMissing, "certificate_id"),
        (|r| r.to = 0, Reason::FieldMissing, "to"),
        (|r| r.to = 11, Reason::FieldInvalid, "to"),
        (|r| r.to = 99, Reason::FieldInvalid, "to"),
        (|r| r.authority = 5, Reason::FieldInvalid, "authority"),
        (|r| r.decided_on = None, Reason::FieldMissing, "decided_on"),
        (|r| r.deciding_body = None, Reason::FieldMissing, "deciding_body"),
        (|r| r.document_number = "x".repeat(129), Reason::FieldTooLong, "document_number"),
        (|r| r.reason = "x\ny".to_owned(), Reason::ControlCharacter, "reason"),
        (|r| r.reason = format!("本人{}", samples::IDENTITY_NUMBER), Reason::IdentityNumberNotAllowed, "reason"),
    ];
    for (change, reason, path) in cases {
        let mut request = request();
        change(&mut request);
        check(certificate::change_status(request), reason, path);
    }
}
