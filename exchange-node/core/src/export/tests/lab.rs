//! A certificate, a city's two logs and an export, all of it consistent, for tests to spoil.

use super::*;

pub(super) const SIGNED_MS: u64 = NOW_MS - 5 * DAY_MS;
pub(super) const AS_OF_MS: u64 = NOW_MS - DAY_MS;
pub(super) const DEPARTMENT: &str = "113701000041886007";
pub(super) const SERIAL: u64 = 0x99;

/// A city's log that the test keeps itself, epoch by epoch.
pub(super) struct Kept {
    pub(super) key: LogKey,
    pub(super) origin: Origin,
    pub(super) entries: Vec<Vec<u8>>,
}

impl Kept {
    pub(super) fn new(code: &str, kind: LogKind, epoch: u32, seed: u8) -> Self {
        let origin = Origin::new(DOMAIN, code, kind, epoch).unwrap();
        Self { key: LogKey::from_seed(&origin.to_string(), &[seed; 32]).unwrap(), origin, entries: Vec::new() }
    }

    pub(super) fn trust(&self, closing: Option<EpochClosing>) -> LogTrust {
        let (kind, epoch, public_key) = (self.origin.kind(), self.origin.epoch(), *self.key.verifier().key());
        LogTrust { kind, epoch, public_key, from_size: 0, to_size: None, closing }
    }

    pub(super) fn tree(&self, size: usize) -> GroupTree {
        GroupTree::new(&Frontier::new(), self.entries[..size].iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>())
    }

    pub(super) fn note(&self, size: usize, at_ms: u64) -> Vec<u8> {
        let root = self.tree(size).root();
        Checkpoint { origin: self.origin.clone(), size: size as u64, root, at_ms }.sign(&self.key).unwrap()
    }

    pub(super) fn proof(&self, index: usize, size: usize, at_ms: u64) -> LogProof {
        LogProof {
            origin: self.origin.clone(),
            index: index as u64,
            entry: self.entries[index].clone(),
            hashes: self.tree(size).proof(index).unwrap(),
            checkpoint_note: self.note(size, at_ms),
        }
    }

    pub(super) fn consistency(&self, old: usize, new: usize) -> Vec<Hash> {
        consistency_proof(old as u64, new as u64, &mut |level, index| {
            Ok::<_, crate::merkle::Error>(self.node(level, usize::try_from(index).unwrap()))
        })
        .unwrap()
    }

    pub(super) fn node(&self, level: u8, index: usize) -> Hash {
        match level {
            0 => leaf_hash(&self.entries[index]),
            _ => node_hash(&self.node(level - 1, 2 * index), &self.node(level - 1, 2 * index + 1)),
        }
    }
}

/// 济南, which exports; whatever a test changes, the city vouches for: [`Lab::vouched`].
pub(super) struct Lab {
    pub(super) province: Province,
    pub(super) events: Kept,
    pub(super) access: Kept,
    pub(super) department: KeyPair,
    pub(super) export: Export,
    pub(super) crls: CrlSet,
    pub(super) now_ms: u64,
}

pub(super) fn header(revision: u32) -> Header {
    let issuer = Issuer { uscc: Uscc::parse(DEPARTMENT).unwrap(), name: "样例局".into() };
    let type_code = TypeCode::parse(DEED).unwrap();
    let id = |version: u32| {
        CertificateId::new(&type_code, &issuer.uscc, "0KZ4T8QWERTY1234ABCD", u16::try_from(version).unwrap()).unwrap()
    };
    Header {
        environment: Environment::Exercise,
        certificate_id: id(revision),
        type_code,
        type_version: 1,
        issuing_region: region("370100"),
        custodian_region: region("370100"),
        issued_on: day("2026-06-01"),
        valid_from: day("2026-06-01"),
        valid_until: Some(day("2036-05-31")),
        revision,
        previous: (revision > 1).then(|| id(revision - 1)),
        origin: HowMade::Synchronous,
        fields: disclosures().iter().map(|one| FieldDigest { name: one.name.clone(), digest: one.digest() }).collect(),
        files: Vec::new(),
        issuer,
    }
}

pub(super) fn disclosures() -> Vec<Disclosure> {
    ["CZZT", "ZZBH", "KZ_ZL"].map(|name| Disclosure::new(name, "某", [7; 16]).unwrap()).to_vec()
}

pub(super) fn change(from: Status, to: Status, previous: (u32, u64)) -> StatusChange {
    StatusChange {
        certificate_id: header(1).certificate_id.to_string(),
        from,
        to,
        status_code: "07".into(),
        effective_on: day("2026-06-28"),
        decided_on: day("2026-06-27"),
        deciding_body: header(1).issuer,
        document_number: "样例〔2026〕1号".into(),
        reason: String::new(),
        previous: Position { region: region("370100"), epoch: previous.0, index: previous.1 },
        authority: Deciding::Issuer,
        restoring: false,
    }
}

impl Lab {
    /// Issued as entry 1 of 2 and signed then; five entries in all.
    pub(super) fn new() -> Self {
        let mut province = Province::new();
        let mut events = Kept::new("370100", LogKind::Events, 1, 1);
        let access = Kept::new("370100", LogKind::Access, 1, 2);
        events.entries = (0..5).map(|index| format!("entry {index}").into_bytes()).collect();
        let trust = province.bundle.regions.get_mut(&region("370100")).unwrap();
        trust.logs = vec![events.trust(None), access.trust(None)];
        let department = key();
        let mut lab = Self {
            export: Export {
                content_sha256: [1; 32],
                bundle: ("2026".into(), 1),
                issue: events.proof(1, 2, SIGNED_MS),
                envelope: Envelope {
                    payload_type: PAYLOAD_TYPE.into(),
                    payload: b"the header".to_vec(),
                    key_id: [0; 32],
                    signature: Vec::new(),
                },
                header: header(1),
                as_of: events.note(5, AS_OF_MS),
                consistency: events.consistency(2, 5),
                links: Vec::new(),
                credential: Vec::new(),
                intermediates: Vec::new(),
                crls: Vec::new(),
                disclosures: disclosures(),
                receipt: events.proof(0, 1, AS_OF_MS),
                record: ExportRecord {
                    at_ms: AS_OF_MS,
                    nonce: [0; 16],
                    caller: format!("spiffe://{DOMAIN}/region/370100/system/hall"),
                    certificate_id: header(1).certificate_id.to_string(),
                    fields: disclosures().into_iter().map(|one| one.name).collect(),
                    content_sha256: [1; 32],
                },
            },
            province,
            events,
            access,
            department,
            crls: CrlSet::new(),
            now_ms: NOW_MS,
        };
        lab.sign_with(&|_| {});
        lab.set_crls(&|lab| vec![lab.province.jinan.crl(3, Vec::new()), lab.province.root.crl(2, Vec::new())]);
        lab
    }

    /// A credential of the department, spoilt, and the envelope under it.
    pub(super) fn sign_with(&mut self, spoil: &dyn Fn(&mut rcgen::CertificateParams)) {
        let mut params = leaf_params(&format!("spiffe://{DOMAIN}/region/370100/department/{DEPARTMENT}"), SERIAL);
        spoil(&mut params);
        let ca: &Ca = &self.province.jinan;
        self.export.credential = ca.leaf_of(&params, &self.department);
        self.export.intermediates = vec![ca.der.clone()];
        self.sign_envelope();
    }

    pub(super) fn sign_envelope(&mut self) {
        let random = ring::rand::SystemRandom::new();
        let key = SigningKey::from_pkcs8_der(&self.department.serialize_der(), &random).unwrap();
        let key_id = sha256(&self.export.credential);
        let payload = self.export.envelope.payload.clone();
        self.export.envelope = Envelope::sign(PAYLOAD_TYPE, payload, key_id, &key, &random).unwrap();
    }

    pub(super) fn set_crls(&mut self, make: &dyn Fn(&Self) -> Vec<crate::chain::Crl>) {
        self.export.crls = make(self).into_iter().map(|crl| crl.der).collect();
    }

    /// Adds changes as entries 2, 3, …, under the newest checkpoint.
    pub(super) fn link(&mut self, changes: Vec<Change>) {
        self.export.links = (2..)
            .zip(changes)
            .map(|(index, change)| ExportLink { proof: self.events.proof(index, 5, AS_OF_MS), change })
            .collect();
    }

    /// The city's word for the export as it is now.
    pub(super) fn vouched(mut self) -> Self {
        let record = format!("{:?}", self.export.record);
        self.access.entries = vec![b"a question".to_vec(), record.into_bytes()];
        self.export.receipt = self.access.proof(1, 2, AS_OF_MS);
        self
    }

    pub(super) fn verify(&self) -> Report {
        let mut basis = self.province.basis();
        (basis.crls, basis.at_ms) = (&self.crls, self.now_ms);
        verify(&self.export, &basis)
    }

    #[track_caller]
    pub(super) fn genuine(self) -> Genuine {
        let report = self.vouched().verify();
        let failure = report.failure().cloned();
        *report.genuine.unwrap_or_else(|| panic!("{failure:?}"))
    }

    /// The city itself vouches for what is false: which check finds it, and what it says.
    #[track_caller]
    pub(super) fn refused(self, name: &str, found: &str) {
        refused(&self.vouched().verify(), name, found);
    }
}

impl Lab {
    pub(super) fn access_proof(&mut self) -> LogProof {
        self.access.entries = vec![b"a question".to_vec()];
        self.access.proof(0, 1, SIGNED_MS)
    }

    /// Another tree of the same size, under the log's own key.
    pub(super) fn other_history(&mut self) -> Vec<u8> {
        let mut other = Kept::new("370100", LogKind::Events, 1, 1);
        other.entries = (0..5).map(|index| format!("another {index}").into_bytes()).collect();
        other.note(5, AS_OF_MS)
    }

    pub(super) fn foreign_note(&mut self) -> Vec<u8> {
        let mut other = Kept::new("370100", LogKind::Events, 1, 7);
        other.entries.clone_from(&self.events.entries);
        other.note(5, AS_OF_MS)
    }
}
