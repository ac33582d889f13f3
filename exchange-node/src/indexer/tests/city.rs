//! A city with a real ledger in memory, whose log others follow.

use crate::{
    clock::Clock,
    crash::Crash,
    indexer::{Carrier, Context, Delivery},
    ledger::{Changes, Command, Decision, Head, Ledger, Parts, Signer, View},
    publisher::Segments,
    refusal::Refusal,
    spawn::Tasks,
    store::{Key, Space, Store},
};
use bytes::Bytes;
use exchange_core::{
    bundle::{LogTrust, NodeAddress, RegionTrust, TrustBundle},
    certificate::{Environment, Header, Origin, PAYLOAD_TYPE},
    certificate_id::{CertificateId, TypeCode},
    checkpoint::{self, LogKey, LogKind},
    date::Date,
    dsse::Envelope,
    event::EventKind,
    holder::{Holder, HolderTags, Tag, holder_tag},
    issuer::Issuer,
    position::Position,
    region::Region,
    sealed::IndexKey,
    spiffe::{Name, TrustDomain},
    status::{Authority, Status, StatusChange},
    uscc::Uscc,
};
use exchange_proto::{certificate, event};
use prost::Message;
use ring::digest::{SHA256, digest};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const DOMAIN: &str = "exchange.test";
pub(crate) const CREDENTIAL: &[u8] = b"credential";

pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

pub(crate) fn province() -> Region {
    region("370000")
}

pub(crate) fn jinan() -> Region {
    region("370100")
}

pub(crate) fn qingdao() -> Region {
    region("370200")
}

pub(crate) fn index_key() -> IndexKey {
    IndexKey::new(1, [9; 32])
}

fn origin(of: Region, kind: LogKind) -> checkpoint::Origin {
    checkpoint::Origin::new(DOMAIN, of.as_str(), kind, 1).unwrap()
}

fn key(of: Region, kind: LogKind) -> LogKey {
    let mut seed = [kind as u8; 32];
    seed[..6].copy_from_slice(&of.as_bytes());
    LogKey::from_seed(&origin(of, kind).to_string(), &seed).unwrap()
}

/// A bundle that knows the logs of these regions.
pub(crate) fn bundle(regions: &[Region]) -> TrustBundle {
    let logs = |of: Region| {
        [LogKind::Events, LogKind::Access]
            .map(|kind| LogTrust {
                kind,
                epoch: 1,
                public_key: *key(of, kind).verifier().key(),
                from_size: 0,
                to_size: None,
                closing: None,
            })
            .to_vec()
    };
    let trust = |of: Region| RegionTrust {
        nodes: vec![NodeAddress { address: "127.0.0.1:1".to_owned(), server_name: "node".to_owned() }],
        logs: logs(of),
        ..RegionTrust::default()
    };
    TrustBundle {
        trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
        province: province(),
        series: Name::parse("first").unwrap(),
        number: 1,
        issued_at_ms: 0,
        expires_at_ms: u64::MAX,
        roots: Vec::new(),
        regions: regions.iter().map(|of| (*of, trust(*of))).collect(),
        bodies: Vec::new(),
        custody: Vec::new(),
        seal_anchors: Vec::new(),
        seal_trust: Default::default(),
    }
}

pub(crate) fn context(regions: &[Region]) -> Context {
    Context { bundle: Arc::new(bundle(regions)), index_keys: Arc::new(vec![index_key()]) }
}

/// Writes entries as one command.
pub(crate) struct Say(pub(crate) Vec<EventKind>);

impl Command for Say {
    fn reads(&self, _: &mut Vec<(Space, Key)>) {}

    fn decide(&self, _: &View<'_>) -> Result<Decision, Refusal> {
        let events = self.0.iter().map(|kind| event::encode_body(kind, false).into()).collect();
        // Without entries it is a heartbeat.
        Ok(Decision::Commit(Changes { events, heartbeat: self.0.is_empty(), ..Changes::default() }))
    }
}

/// A city that writes its log.
pub(crate) struct City {
    pub(crate) region: Region,
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
}

impl City {
    pub(crate) fn new(of: Region) -> Self {
        let (store, clock, tasks) = (Store::in_memory(of), Clock::default(), Tasks::default());
        let signer = |kind| Signer { origin: origin(of, kind), region: of, keys: Arc::new(vec![key(of, kind)]) };
        let ledger = Ledger::start(
            Parts {
                store: store.clone(),
                clock: clock.clone(),
                events: Head::open(&store, signer(LogKind::Events)).unwrap(),
                access: Head::open(&store, signer(LogKind::Access)).unwrap(),
                space: None,
                read_only: None,
                crash: Crash::default(),
            },
            &tasks,
        )
        .unwrap();
        Self { region: of, store, ledger, clock, tasks }
    }

    /// One group with these entries; without any, a heartbeat.
    pub(crate) async fn say(&self, kinds: Vec<EventKind>) {
        self.ledger.submit(Say(kinds)).await.unwrap();
    }

    /// Entries that are durable.
    pub(crate) fn size(&self) -> u64 {
        let log = crate::store::log::Log::new(&self.store.own, crate::store::log::Kind::Events, self.region, 1);
        log.newest_checkpoint().unwrap().map_or(0, |(size, _)| size)
    }

    /// A credential, then `groups` groups of a certificate with its tags each; every third is revoked.
    pub(crate) async fn issue(&self, groups: u32) {
        self.say(vec![credential()]).await;
        for serial in 0..groups {
            let issued = self.size();
            let id = id(serial).to_string();
            let mut kinds = vec![issued_kind(header(self.region, serial)), tags(self.region, &id)];
            if serial % 3 == 0 {
                kinds.push(revoked(serial, Position { region: self.region, epoch: 1, index: issued }));
            }
            self.say(kinds).await;
        }
    }

    /// A segment for each group, as a slow publisher makes them.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let mut found = Vec::new();
        let log = crate::store::log::Log::new(&self.store.own, crate::store::log::Kind::Events, self.region, 1);
        let mut from = 0;
        while let Some((size, note)) = log.checkpoint_from(from + 1).unwrap() {
            let entries = log.entries(from, usize::try_from(size - from).unwrap(), usize::MAX).unwrap();
            let entries = entries.into_iter().map(entry).collect();
            let segment = exchange_proto::v1::Segment {
                region: self.region.to_string(),
                epoch: 1,
                first: from,
                entries,
                checkpoint: note,
            };
            found.push(kafka(i64::try_from(found.len()).unwrap(), segment.encode_to_vec()));
            from = size;
        }
        found
    }

    /// What `ReadLog` answers.
    pub(crate) fn read_log(&self, from: u64, most: u32) -> Vec<exchange_proto::v1::Segment> {
        Segments::new(self.store.clone(), true, self.region, 1, from, most).map(Result::unwrap).collect()
    }
}

fn entry(entry: crate::store::log::Entry) -> exchange_proto::v1::SegmentEntry {
    use exchange_proto::v1::{SegmentEntry, segment_entry::Content};
    let crate::store::log::Entry::Bytes(bytes) = entry else { panic!("nothing is redacted here") };
    SegmentEntry { content: Some(Content::Entry(bytes)) }
}

pub(crate) fn kafka(offset: i64, payload: Vec<u8>) -> Delivery {
    Delivery { payload: Bytes::from(payload), carrier: Carrier::Kafka { cluster: Arc::from("test"), offset } }
}

pub(crate) fn credential() -> EventKind {
    EventKind::CredentialPublished { leaf: CREDENTIAL.to_vec(), intermediates: Vec::new() }
}

fn uscc() -> Uscc {
    Uscc::parse("11370100MB2848563A")
        .or_else(|error| Uscc::parse(&format!("11370100MB2848563{}", error.right_check_digit().unwrap())))
        .unwrap()
}

fn type_code() -> TypeCode {
    TypeCode::parse("11100000MB0143028R001").unwrap()
}

pub(crate) fn id(serial: u32) -> CertificateId {
    CertificateId::new(&type_code(), &uscc(), &format!("{serial:020}"), 1).unwrap()
}

pub(crate) fn header(of: Region, serial: u32) -> Header {
    let day = Date::new(2026, 3, 1).unwrap();
    Header {
        environment: Environment::Exercise,
        certificate_id: id(serial),
        type_code: type_code(),
        type_version: 1,
        issuer: Issuer { uscc: uscc(), name: "行政审批服务局".to_owned() },
        issuing_region: of,
        custodian_region: of,
        issued_on: day,
        valid_from: day,
        valid_until: None,
        revision: 1,
        previous: None,
        origin: Origin::Synchronous,
        fields: vec![exchange_core::certificate::FieldDigest { name: "CZZT".to_owned(), digest: [3; 32] }],
        files: Vec::new(),
    }
}

pub(crate) fn issued_kind(header: Header) -> EventKind {
    let envelope = Envelope {
        payload_type: PAYLOAD_TYPE.to_owned(),
        payload: certificate::encode_header(&header),
        key_id: digest(&SHA256, CREDENTIAL).as_ref().try_into().unwrap(),
        signature: vec![1; 70],
    };
    EventKind::CertificateIssued { envelope: certificate::encode_envelope(&envelope) }
}

pub(crate) fn tag(serial_id: &str) -> Tag {
    let holder = Holder::new("001", &format!("HOLDER{}", &serial_id[serial_id.len() - 12..])).unwrap();
    holder_tag(&index_key(), type_code().as_str(), &holder).unwrap()
}

pub(crate) fn tags(of: Region, id: &str) -> EventKind {
    let tags = HolderTags::new([tag(id)]).unwrap();
    EventKind::HolderTags {
        certificate_id: id.to_owned(),
        index_key_id: index_key().id(),
        sealed: tags.seal(&index_key(), [4; 12], of.as_str(), id).unwrap(),
    }
}

pub(crate) fn revoked(serial: u32, previous: Position) -> EventKind {
    let day = Date::new(2026, 3, 2).unwrap();
    EventKind::CertificateStatusChanged(Box::new(StatusChange {
        certificate_id: id(serial).to_string(),
        from: Status::Active,
        to: Status::Revoked,
        status_code: "05".to_owned(),
        effective_on: day,
        decided_on: day,
        deciding_body: Issuer { uscc: uscc(), name: "行政审批服务局".to_owned() },
        document_number: String::new(),
        reason: String::new(),
        previous,
        authority: Authority::Issuer,
        restoring: false,
    }))
}

/// Index rows of a node: what all nodes that have the same logs agree on.
pub(crate) fn index_rows(store: &Store) -> BTreeMap<(Space, Key), Bytes> {
    let spaces = [
        Space::Certificates,
        Space::Credentials,
        Space::Holders,
        Space::Types,
        Space::Matters,
        Space::Implementations,
        Space::DeferredTags,
        Space::Entries,
    ];
    let mut rows = BTreeMap::new();
    for space in spaces {
        for (key, value) in store.province.scan(space, &[0], &[0xFF; 64], usize::MAX).unwrap() {
            rows.insert((space, key), value);
        }
    }
    rows
}
