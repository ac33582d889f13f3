//! One value of everything that is signed, logged or sent, always the same. Persons are invented: 379999 is no division.

use bytes::Bytes;
use exchange_core::{
    access::{AccessKind, AccessRecord, party_digest},
    bundle::{BodyException, Custody, EpochClosing, LogTrust, NodeAddress, RegionTrust, TrustBundle},
    case_number::CaseRef,
    certificate::{Environment, FieldDigest, FileDigest, Header, Origin, PAYLOAD_TYPE},
    certificate_id::{CertificateId, TypeCode},
    check_digit::gb32100,
    checkpoint::{Checkpoint, LogKey, LogKind, LogProof, Origin as LogOrigin},
    date::Date,
    disclosure::{Disclosure, file_digest},
    dsse::Envelope,
    event::{Carried, EventKind},
    export::{ExportRecord, sha256},
    file::{OFD, StoredFile},
    holder::{Holder, HolderTags, holder_tag, number_tag},
    issuer::Issuer,
    merkle::{Frontier, leaf_hash},
    position::Position,
    question::{Basis, Clerk, MatterPurpose, Purpose, Relation},
    region::Region,
    sealed::IndexKey,
    spiffe::{Name, TrustDomain},
    status::{Authority, Status, StatusChange},
    uscc::Uscc,
};
use exchange_proto::{
    certificate, event,
    export::{self, Content},
    segment,
};
use std::collections::BTreeMap;

mod catalogue;
mod copy;
mod seal_trust;

pub use catalogue::{certificate_type, implementation, matter, matter_code};
pub use copy::copy_made;
pub use seal_trust::bundle_with_seal_trust;

pub const DOMAIN: &str = "exchange.sd.example";
pub const AT_MS: u64 = 1_790_000_000_123;
/// No valid number: its check character is wrong.
pub const HOLDER_CODE: &str = "379999199001010018";
/// A valid one of nobody, for what must be refused and never repeated.
pub const IDENTITY_NUMBER: &str = "379999199001010010";

pub fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

pub fn uscc(first: &str) -> Uscc {
    Uscc::parse(&format!("{first}{}", gb32100(first).unwrap())).unwrap()
}

pub fn department() -> Issuer {
    Issuer { uscc: uscc("113701000041886XY"), name: "济南市自然资源和规划局".to_owned() }
}

pub fn type_code() -> TypeCode {
    TypeCode::parse(&format!("{}057", uscc("11100000000014349"))).unwrap()
}

pub fn certificate_id(version: u16) -> CertificateId {
    CertificateId::new(&type_code(), &department().uscc, "0KZ4T8QWERTY1234ABCD", version).unwrap()
}

pub fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

pub fn disclosures() -> Vec<Disclosure> {
    let values = [("ZZBH", "鲁(2026)济南市不动产权第0000001号"), ("CZZT", "某甲"), ("CZZTDM", HOLDER_CODE), ("BZ", "")];
    let salted = |(index, (name, value)): (usize, (&str, &str))| {
        Disclosure::new(name, value, [u8::try_from(index).unwrap(); 16]).unwrap()
    };
    values.into_iter().enumerate().map(salted).collect()
}

pub fn stored_files() -> Vec<StoredFile> {
    let (ofd, salt) = (b"an invented document".as_slice(), [5; 16]);
    vec![StoredFile {
        media_type: OFD.to_owned(),
        digest: file_digest(&salt, ofd),
        salt,
        length: ofd.len() as u64,
        blob: [0xB1; 32],
    }]
}

pub fn header() -> Header {
    let fields = disclosures().iter().map(|one| FieldDigest { name: one.name.clone(), digest: one.digest() }).collect();
    Header {
        environment: Environment::Exercise,
        certificate_id: certificate_id(2),
        type_code: type_code(),
        type_version: 3,
        issuer: department(),
        issuing_region: region("370100"),
        custodian_region: region("370000"),
        issued_on: date("2026-02-28"),
        valid_from: date("2026-03-01"),
        valid_until: Some(date("2036-02-29")),
        revision: 2,
        previous: Some(certificate_id(1)),
        origin: Origin::Backfilled,
        fields,
        files: vec![FileDigest {
            media_type: "application/ofd".to_owned(),
            digest: [0xF1; 32],
            rounded_length: 131_072,
        }],
    }
}

/// The header without what may be absent.
pub fn plain_header() -> Header {
    let absent = Header { previous: None, valid_until: None, files: Vec::new(), ..header() };
    Header { certificate_id: certificate_id(1), revision: 1, origin: Origin::Synchronous, ..absent }
}

pub fn envelope() -> Envelope {
    let payload = certificate::encode_header(&header());
    Envelope { payload_type: PAYLOAD_TYPE.to_owned(), payload, key_id: [0x4B; 32], signature: vec![0x51; 64] }
}

pub fn position(index: u64) -> Position {
    Position { region: region("370100"), epoch: 2, index }
}

fn text(text: &str) -> String {
    text.to_owned()
}

pub fn status_change() -> StatusChange {
    StatusChange {
        certificate_id: certificate_id(2).to_string(),
        from: Status::Active,
        to: Status::Annulled,
        status_code: text("04"),
        effective_on: date("2026-05-01"),
        decided_on: date("2026-04-30"),
        deciding_body: department(),
        document_number: text("济自然规划撤字〔2026〕3号"),
        reason: text("以欺骗手段取得"),
        previous: position(40),
        authority: Authority::Supervisor,
        restoring: true,
    }
}

pub fn index_key() -> IndexKey {
    IndexKey::new(1, [0x1D; 32])
}

pub fn holder() -> Holder {
    Holder::new("111", HOLDER_CODE).unwrap()
}

pub fn tags() -> HolderTags {
    let by_holder = holder_tag(&index_key(), type_code().as_str(), &holder()).unwrap();
    let by_number = number_tag(&index_key(), type_code().as_str(), "鲁(2026)济南市不动产权第0000001号").unwrap();
    HolderTags::new([by_number, by_holder]).unwrap()
}

pub fn sealed_tags() -> Vec<u8> {
    tags().seal(&index_key(), [9; 12], "370100", certificate_id(2).as_str()).unwrap()
}

/// Every kind of entry, under its name; both ways in which a CRL and a bundle are carried.
pub fn events() -> Vec<(String, EventKind)> {
    let reference = || Carried::Reference { sha256: [0xB2; 32], length: 300_000 };
    let kinds = vec![
        EventKind::CertificateTypePublished(Box::new(certificate_type())),
        EventKind::CredentialPublished { leaf: vec![0x30, 0x03, 1], intermediates: vec![vec![0x30, 0x02], vec![0x30]] },
        EventKind::CertificateIssued { envelope: certificate::encode_envelope(&envelope()) },
        EventKind::HolderTags {
            certificate_id: certificate_id(2).to_string(),
            index_key_id: index_key().id(),
            sealed: sealed_tags(),
        },
        EventKind::CertificateStatusChanged(Box::new(status_change())),
        EventKind::MatterPublished(Box::new(matter())),
        EventKind::ImplementationPublished(Box::new(implementation())),
        EventKind::CaseMoved { transfer_id: [7; 16], from: region("370100"), to: region("370200"), digest: [8; 32] },
        EventKind::CrlPublished { issuer_spki_sha256: [9; 32], number: 12, body: Carried::Inline(vec![0x30; 40]) },
        EventKind::TrustBundlePublished { series: text("2026"), number: 5, body: Carried::Inline(vec![0x0A; 40]) },
        EventKind::AccessCheckpoint { epoch: 2, size: 100, root: [0xAC; 32], note: note(LogKind::Access, &[]) },
        EventKind::Redacted { epoch: 2, index: 41, legal_basis: text("个人信息保护法 第四十七条") },
        EventKind::RegionNotice { text: text("维护窗口 22:00-23:00") },
    ];
    let named = |kind: EventKind| (kind.name().to_owned(), kind);
    let by_reference = [
        (
            text("crl_published_reference"),
            EventKind::CrlPublished { issuer_spki_sha256: [9; 32], number: 13, body: reference() },
        ),
        (
            text("trust_bundle_published_reference"),
            EventKind::TrustBundlePublished { series: text("2026"), number: 6, body: reference() },
        ),
    ];
    kinds.into_iter().map(named).chain(by_reference).collect()
}

/// Each kind with its time; one that must be understood among them.
pub fn entry(kind: &EventKind) -> Vec<u8> {
    let must_understand = matches!(kind, EventKind::Redacted { .. });
    event::with_at(AT_MS, &event::encode_body(kind, must_understand))
}

pub fn clerk() -> Clerk {
    Clerk { staff_number: text("JN-0421"), organisation: department().uscc, window: text("A12") }
}

pub fn access_record() -> AccessRecord {
    AccessRecord {
        at_ms: AT_MS,
        nonce: [0x0A; 16],
        question_id: *b"\x01\x7f\x22\xe2\x79\xb0\x7c\xc3\x98\xc4\xdc\x0c\x0c\x07\x39\x8f",
        kind: AccessKind::Answered,
        reason: String::new(),
        caller: format!("spiffe://{DOMAIN}/region/370200/system/hall-1"),
        clerk: clerk(),
        purpose: Purpose::Matter(MatterPurpose {
            matter_code: matter_code(),
            version: 1,
            situation: text("A"),
            responsible_region: region("370100"),
        }),
        case: CaseRef::parse("3702002026030100000001").unwrap(),
        party: party_digest(&[3; 16], &holder()),
        relation: Relation::Spouse,
        basis: Basis::HolderConsent,
        evidence_id: text("consent-7f3a"),
        purpose_text: text("购房提取"),
        certificate_id: certificate_id(2).to_string(),
        fields: vec![text("ZZBH"), text("CZZT")],
        disclosures_digest: Some([0xD1; 32]),
        peer_region: region("370200"),
        question_leaf: Some([0x1E; 32]),
        certificate_ids: Vec::new(),
    }
}

/// A search, with what is absent in an answer.
pub fn search_record() -> AccessRecord {
    AccessRecord {
        kind: AccessKind::Searched,
        purpose: Purpose::UseScenario(text("执法核验")),
        certificate_id: String::new(),
        fields: Vec::new(),
        disclosures_digest: None,
        question_leaf: None,
        certificate_ids: vec![certificate_id(1).to_string(), certificate_id(2).to_string()],
        ..access_record()
    }
}

/// A signed checkpoint of region 370100, epoch 2, after these entries.
pub fn note(kind: LogKind, entries: &[segment::Entry]) -> Vec<u8> {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.append(match entry {
            segment::Entry::Bytes(bytes) => leaf_hash(bytes),
            segment::Entry::LeafHash(hash) => *hash,
        });
    }
    let origin = LogOrigin::new(DOMAIN, "370100", kind, 2).unwrap();
    let key = LogKey::from_seed(&origin.to_string(), &[0x5E; 32]).unwrap();
    let root = frontier.root();
    Checkpoint { origin, size: entries.len() as u64, root, at_ms: AT_MS }.sign(&key).unwrap()
}

/// Three entries, the second redacted.
pub fn segment_entries() -> Vec<segment::Entry> {
    let notice = |text: &str| Bytes::from(entry(&EventKind::RegionNotice { text: text.to_owned() }));
    vec![
        segment::Entry::Bytes(notice("一")),
        segment::Entry::LeafHash(leaf_hash(&notice("二"))),
        segment::Entry::Bytes(notice("三")),
    ]
}

pub fn segment() -> Bytes {
    let entries = segment_entries();
    let note = note(LogKind::Events, &entries).into();
    segment::encode_segment(region("370100"), 2, 0, &entries, &note)
}

pub fn heartbeat() -> Bytes {
    segment::encode_segment(region("370100"), 2, 0, &[], &note(LogKind::Events, &[]).into())
}

pub fn log_proof() -> LogProof {
    LogProof {
        origin: LogOrigin::new(DOMAIN, "370200", LogKind::Access, 1).unwrap(),
        index: 5,
        entry: exchange_proto::access::encode(&access_record()),
        hashes: vec![[1; 32], [2; 32], [3; 32]],
        checkpoint_note: note(LogKind::Access, &[]),
    }
}

/// An export with a change of status and a replacement; none of its proofs leads anywhere.
pub fn export_content() -> Content {
    let proof = |kind: &EventKind, index| LogProof {
        origin: LogOrigin::new(DOMAIN, "370100", LogKind::Events, 2).unwrap(),
        index,
        entry: entry(kind),
        ..log_proof()
    };
    let issued = EventKind::CertificateIssued { envelope: certificate::encode_envelope(&envelope()) };
    Content {
        bundle: (text("2026"), 5),
        issue: proof(&issued, 40),
        as_of: note(LogKind::Events, &segment_entries()),
        consistency: vec![[4; 32], [5; 32]],
        links: vec![proof(&EventKind::CertificateStatusChanged(Box::new(status_change())), 41), proof(&issued, 42)],
        credential: (vec![0x30, 0x03, 1], vec![vec![0x30, 0x02]]),
        crls: vec![vec![0x30, 0x04], vec![0x30, 0x05]],
        disclosures: disclosures().into_iter().take(2).collect(),
    }
}

pub fn export_record() -> ExportRecord {
    ExportRecord {
        at_ms: AT_MS,
        nonce: [0x0B; 16],
        caller: format!("spiffe://{DOMAIN}/region/370100/system/hall-1"),
        certificate_id: certificate_id(2).to_string(),
        fields: vec![text("ZZBH"), text("CZZT")],
        content_sha256: sha256(&export::encode_content(export_content())),
    }
}

pub fn export_record_entry() -> Vec<u8> {
    event::with_at(AT_MS, &export::encode_record(&export_record()))
}

pub fn export_file() -> Vec<u8> {
    let receipt = LogProof { entry: export_record_entry(), ..log_proof() };
    export::encode_file(export::encode_content(export_content()), receipt)
}

pub fn bundle() -> TrustBundle {
    let log = LogTrust {
        kind: LogKind::Events,
        epoch: 1,
        public_key: [0x31; 32],
        from_size: 0,
        to_size: Some(1_000),
        closing: Some(EpochClosing { size: 1_000, root: [0xC1; 32] }),
    };
    let newer = LogTrust { epoch: 2, public_key: [0x32; 32], to_size: None, closing: None, ..log.clone() };
    let address = NodeAddress { address: text("node.jinan.example:7443"), server_name: text("node.jinan.example") };
    let jinan = RegionTrust {
        name: text("济南市"),
        nodes: vec![address],
        ca_spki_sha256: vec![[0xCA; 32]],
        index_key_id: index_key().id(),
        logs: vec![log, newer],
        ..RegionTrust::default()
    };
    TrustBundle {
        trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
        province: region("370000"),
        series: Name::parse("2026").unwrap(),
        number: 5,
        issued_at_ms: AT_MS,
        expires_at_ms: AT_MS + 86_400_000 * 30,
        roots: vec![vec![0x30, 0x01, 0x00]],
        regions: BTreeMap::from([(region("370100"), jinan)]),
        bodies: vec![BodyException { uscc: department().uscc, region: region("370100"), successors: Vec::new() }],
        custody: vec![Custody {
            type_code: type_code().to_string(),
            issuing_regions: Vec::new(),
            custodian: region("370000"),
        }],
        seal_anchors: Vec::new(),
        seal_trust: Default::default(),
    }
}

/// Leaf of the redacted entry.
pub fn segment_entries_leaf() -> [u8; 32] {
    leaf_hash(&entry(&EventKind::RegionNotice { text: text("二") }))
}
