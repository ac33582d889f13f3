//! The invariants of `core::invariants`, fed from the stores of running nodes and from what their clients were told.

use super::{
    World,
    asks::CANARIES,
    conduct::Conduct,
    held::{Copy, Held},
    outputs, region,
};
use exchange_core::{
    access::{AccessKind, AccessRecord},
    certificate_id::TypeCode,
    checkpoint::Checkpoint,
    copy,
    disclosure::Disclosure,
    event::EventKind,
    file,
    holder::{Holder, holder_tag},
    invariants::{self, Acknowledged, Allowed, Answered, Asker, Chain, Issued, Link, Release, Violation},
    matter::{Implementation, Material, Matter},
    merkle::leaf_hash,
    position::Position,
    question::{Purpose, Relation},
    region::Region,
    sealed::{self, IndexKey, StoreKey},
    status::Status,
};
use exchange_node::{
    practice::SYSTEM,
    store::{
        Database, Space, Store, keys,
        log::{Kind, Log},
    },
};
use exchange_proto::{access, catalogue, certificate, store as row, v1};
use std::collections::{BTreeMap, BTreeSet};

/// What clients were told.
#[derive(Default)]
pub(super) struct Told {
    answers: Vec<Answered>,
    acknowledged: BTreeMap<Region, Vec<Acknowledged>>,
    /// By question id: the values that were handed on.
    released: BTreeMap<[u8; 16], Vec<Disclosure>>,
    pub(super) conduct: Conduct,
}

impl Told {
    pub(super) fn issued(&mut self, region: Region, request: &str, body_digest: [u8; 32], answer: &v1::Certificate) {
        let certificate_id = answer.certificate_id.clone();
        let position = certificate::position(answer.position.clone().unwrap()).unwrap();
        self.answers.push(Answered {
            caller: format!("{region}/{SYSTEM}"),
            request_id: request.to_owned(),
            body_digest,
            certificate_id: certificate_id.clone(),
        });
        let acknowledged = self.acknowledged.entry(region).or_default();
        if !acknowledged.iter().any(|one| one.certificate_id == certificate_id) {
            acknowledged.push(Acknowledged { certificate_id, position });
        }
    }

    pub(super) fn answered(&mut self, question: &v1::Question, answer: &v1::LookupCertificateResponse) {
        let id = uuid::Uuid::parse_str(&question.question_id).unwrap().into_bytes();
        let disclosures = answer.certificate.clone().unwrap().disclosures;
        let read = |one: v1::Disclosure| Disclosure::new(&one.name, &one.value, one.salt.as_ref().try_into().unwrap());
        self.released.insert(id, disclosures.into_iter().map(read).collect::<Result<_, _>>().unwrap());
    }
}

impl Told {
    pub(super) fn fetched(&mut self, question: &v1::Question, file: &v1::FetchedFile) {
        let id = uuid::Uuid::parse_str(&question.question_id).unwrap().into_bytes();
        let (digest, salt) = (file.digest.as_ref().try_into().unwrap(), file.salt.as_ref().try_into().unwrap());
        let released = if file.copy.is_some() { copy::released } else { file::released };
        self.released.insert(id, vec![released(file.file, &digest, &salt)]);
    }
}

impl World {
    /// Panics with the invariant that is broken.
    #[track_caller]
    pub(crate) fn check_invariants(&self) {
        if let Err(violation) = self.invariants() {
            panic!("{}: {violation}", self.label);
        }
    }

    pub(crate) fn invariants(&self) -> Result<(), Violation> {
        let nodes = self.running();
        // Copies first, then the logs that they are of, then the access logs that those anchor: each is at least as long
        // as what was read before it.
        let copies: Vec<Copy> = nodes
            .iter()
            .flat_map(|node| {
                let others = self.regions().into_iter().filter(move |of| of != node);
                others.map(move |of| Copy::read(self.store(node.as_str()), of))
            })
            .collect();
        let held = |kind| {
            let read = |of: &Region| (*of, Held::read(&Log::new(&self.store(of.as_str()).own, kind, *of, 1)));
            nodes.iter().map(read).collect::<BTreeMap<Region, Held>>()
        };
        let events = held(Kind::Events);
        let accesses = held(Kind::Access);
        for log in events.values().chain(accesses.values()) {
            invariants::log_1(&log.leaves, &log.checkpoints)?;
        }
        for copy in &copies {
            Self::copy(copy, &events, &accesses)?;
        }
        for node in &nodes {
            self.releases(*node, &accesses)?;
        }
        self.issues(&events)?;
        self.files(&events)?;
        self.rows(&nodes)?;
        self.revocations()?;
        let records = |(of, held): (&Region, &Held)| (*of, held.records().into_iter().map(|(_, one)| one).collect());
        self.conduct(&accesses.iter().map(records).collect())?;
        self.secrets(&events, &accesses)
    }

    /// LOG-1, LOG-2, ACC-1 and FORK-1 of what one node holds of another city.
    fn copy(copy: &Copy, events: &BTreeMap<Region, Held>, accesses: &BTreeMap<Region, Held>) -> Result<(), Violation> {
        let Copy { of, state, held, seen, evidence } = copy;
        invariants::log_1(&held.leaves, &held.checkpoints)?;
        if !state.checkpoint.is_empty() {
            let signed = Checkpoint::parse_unverified(&state.checkpoint).unwrap();
            invariants::log_2(&held.frontier(), &signed)?;
        }
        invariants::fork_1(state.forked, evidence, &held.leaves, &held.checkpoints)?;
        let Some(origin) = events.get(of) else { return Ok(()) };
        // What a copy was accepted with belongs to the one history of its origin.
        invariants::acc_1(&origin.leaves, &held.checkpoints)?;
        let anchored = origin.events().filter_map(|(_, kind)| match kind {
            EventKind::AccessCheckpoint { note, .. } => Some(Checkpoint::parse_unverified(&note).unwrap()),
            _ => None,
        });
        invariants::acc_1(&accesses[of].leaves, &anchored.chain(seen.iter().cloned()).collect::<Vec<_>>())
    }

    /// ISS-1 to ISS-3, VER-1 and REV-2, on every node's copy of every log.
    fn issues(&self, events: &BTreeMap<Region, Held>) -> Result<(), Violation> {
        let told = self.told.lock().unwrap();
        invariants::iss_2(&told.answers)?;
        for (of, log) in events {
            for node in self.running() {
                let store = self.store(node.as_str());
                let indexed = |id: &str| store.indexed_certificate(*of, id).unwrap();
                let mut issued = Vec::new();
                for (index, kind) in log.events() {
                    let EventKind::CertificateIssued { envelope } = kind else { continue };
                    let Ok(envelope) = certificate::decode_envelope(&envelope) else { continue };
                    let Ok(header) = certificate::decode_header(&envelope.payload) else { continue };
                    let id = header.certificate_id.to_string();
                    let Some(row) = indexed(&id).filter(|row| row.index == index) else { continue }; // void
                    invariants::rev_2(&chain(*of, &id, &row))?;
                    issued.push(Issued {
                        position: Position { region: *of, epoch: 1, index },
                        certificate_id: id,
                        revision: header.revision,
                        previous: header.previous.map(|id| id.to_string()),
                    });
                }
                invariants::iss_3(&issued)?;
                invariants::ver_1(&issued)?;
                invariants::iss_1(told.acknowledged.get(of).map_or(&[][..], Vec::as_slice), &issued)?;
            }
        }
        Ok(())
    }

    /// APP-1: rows of all nodes, without those of regions whose feed was stopped somewhere.
    fn rows(&self, nodes: &[Region]) -> Result<(), Violation> {
        let stopped: BTreeSet<Region> = self.regions().into_iter().filter(|of| self.is_stopped(*of)).collect();
        let mut all = nodes.iter().map(|node| index_rows(self.store(node.as_str()), &stopped));
        let Some(first) = all.next() else { return Ok(()) };
        all.try_for_each(|other| invariants::app_1(&first, &other))
    }

    /// PUR-1 to PUR-3 of every answer that a node has given.
    fn releases(&self, node: Region, accesses: &BTreeMap<Region, Held>) -> Result<(), Violation> {
        let told = self.told.lock().unwrap();
        let store = self.store(node.as_str());
        for (index, answered) in accesses[&node].records() {
            if answered.kind != AccessKind::Answered {
                continue;
            }
            let Some(asking) = accesses.get(&answered.peer_region) else { continue }; // that node is not running
            let records = asking.records();
            let of = |leaf| (0..).zip(&asking.leaves).find(|(_, one)| Some(**one) == leaf).map(|(index, _)| index);
            let asked = of(answered.question_leaf);
            let asked = asked.and_then(|asked| records.iter().find(|(index, _)| *index == asked));
            let received = records.iter().find(|(_, record)| {
                record.kind == AccessKind::Received && record.question_leaf == answered.question_leaf
            });
            let disclosures = told.released.get(&answered.question_id);
            let (holder, salt) = self.party(node, index, &answered.question_id);
            let (fields, relations, is_holder) = self.allowed(store, node, &answered, &holder);
            let release = Release {
                answered: &answered,
                asker: asked.map(|(index, asked)| Asker {
                    asked_entry: asking.entries[usize::try_from(*index).unwrap()].as_ref().unwrap(),
                    asked,
                    asked_index: *index,
                    received: received.map(|(index, record)| (*index, record)),
                    handed_on: disclosures.is_some() && answered.peer_region != node,
                }),
                disclosures: disclosures.map(Vec::as_slice),
                allowed: Some(Allowed { fields: &fields, relations: &relations, party: (&holder, &salt), is_holder }),
            };
            invariants::pur_1(&release)?;
            invariants::pur_2(&release)?;
            invariants::pur_3(&release)?;
        }
        Ok(())
    }

    /// The party behind a record, opened with the node's own store key.
    fn party(&self, node: Region, index: u64, question: &[u8; 16]) -> (Holder, [u8; 16]) {
        let key: StoreKey = self.key_file(node, "store.key").parse().unwrap();
        let value = self.store(node.as_str()).own.get(Space::Parties, keys::access(1, index)).unwrap().unwrap();
        let aad = [b"party/v1".as_slice(), question].concat();
        let plain = sealed::open(&key.subkey("exchange/parties/v1"), key.id(), &aad, &value).unwrap();
        access::decode_party(&plain).unwrap()
    }

    pub(super) fn key_file(&self, node: Region, name: &str) -> String {
        std::fs::read_to_string(self.practice.node_folder(node).join(name)).unwrap()
    }

    /// What the matter needs of the certificate's type, of whom, and whether the party is a holder; said once more here,
    /// not by the code that decided it.
    fn allowed(
        &self,
        store: &Store,
        node: Region,
        record: &AccessRecord,
        holder: &Holder,
    ) -> (Vec<String>, Vec<Relation>, bool) {
        let Purpose::Matter(purpose) = &record.purpose else { return Default::default() };
        let code = purpose.matter_code.as_str();
        let matter = store.matter(code, Some(purpose.version)).unwrap().unwrap().matter.unwrap();
        let matter: Matter = catalogue::matter(matter).unwrap();
        let local = store.implementation(purpose.responsible_region, code).unwrap().unwrap().implementation.unwrap();
        let local: Implementation = catalogue::implementation(local).unwrap();
        let certificate = store.own_certificate(node, &record.certificate_id).unwrap().unwrap();
        let kind = TypeCode::parse(&certificate.type_code).unwrap();
        let (mut fields, mut relations) = (Vec::new(), Vec::new());
        let names = |one: &&Material| one.type_code == Some(kind);
        for uniform in matter.materials.iter().filter(names) {
            for local in local.materials.iter().filter(names).filter(|local| local.name == uniform.name) {
                fields.extend(uniform.fields.iter().filter(|name| local.fields.contains(name)).cloned());
                // The file that the record names, where the document itself is needed.
                fields.extend(
                    record
                        .fields
                        .iter()
                        .filter(|name| {
                            let name = [(*name).clone()];
                            let is_document = file::recorded(&name).or_else(|| copy::recorded(&name)).is_some();
                            uniform.file && local.file && is_document
                        })
                        .cloned(),
                );
                relations.extend(Relation::ALL.iter().filter(|one| uniform.allows(**one) && local.allows(**one)));
            }
        }
        let index: IndexKey = self.key_file(node, "../index.key").parse().unwrap();
        let tag = holder_tag(&index, kind.as_str(), holder).unwrap();
        let is_holder = store.has_holder(&index.id(), &tag.bytes, node, &record.certificate_id).unwrap();
        (fields, relations, is_holder)
    }

    /// SEC-1: logs, the carrier's records and what the nodes wrote for people.
    fn secrets(&self, events: &BTreeMap<Region, Held>, accesses: &BTreeMap<Region, Held>) -> Result<(), Violation> {
        for (what, logs) in [("an event", events), ("an access record", accesses)] {
            for (of, log) in logs {
                for (index, entry) in log.entries.iter().enumerate() {
                    let Some(entry) = entry else { continue };
                    invariants::sec_1(&format!("{what} of {of} at {index}"), entry, &CANARIES)?;
                }
            }
        }
        for of in self.regions() {
            for (offset, record) in self.broker.records(of).iter().enumerate() {
                invariants::sec_1(&format!("record {offset} of {of}'s topic"), record, &CANARIES)?;
            }
        }
        let lines = outputs::lines();
        for line in lines.split(|byte| *byte == b'\n') {
            invariants::sec_1(&format!("a log line, {}", String::from_utf8_lossy(line)), line, &CANARIES)?;
        }
        Ok(())
    }

    /// Every region of the trust bundle.
    pub(crate) fn regions(&self) -> Vec<Region> {
        self.practice.bundle().regions.keys().copied().collect()
    }

    /// The rows that a node has derived from all logs but those of some regions.
    pub(crate) fn index_rows(&self, code: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
        index_rows(self.store(code), &BTreeSet::new())
    }

    /// The entry of a question or an answer, by its leaf hash, in a city's access log.
    pub(crate) fn access_records(&self, code: &str) -> Vec<AccessRecord> {
        let log = Log::new(&self.store(code).own, Kind::Access, region(code), 1);
        Held::read(&log).records().into_iter().map(|(_, record)| record).collect()
    }

    /// The event log's entries.
    pub(crate) fn event_entries(&self, code: &str) -> Vec<Vec<u8>> {
        let log = Log::new(&self.store(code).own, Kind::Events, region(code), 1);
        Held::read(&log).entries.into_iter().flatten().collect()
    }

    /// The access log's entries, as a forger who has the node's key would have them.
    pub(crate) fn access_entries(&self, code: &str) -> Vec<Vec<u8>> {
        let log = Log::new(&self.store(code).own, Kind::Access, region(code), 1);
        let held = Held::read(&log);
        assert!(held.leaves.iter().zip(held.entries.iter().flatten()).all(|(leaf, entry)| *leaf == leaf_hash(entry)));
        held.entries.into_iter().flatten().collect()
    }
}

pub(super) fn index_rows(store: &Store, without: &BTreeSet<Region>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = BTreeMap::new();
    for (space, region_at) in [
        (Space::Certificates, Some(0)),
        (Space::Credentials, Some(0)),
        (Space::Implementations, Some(0)),
        (Space::Holders, Some(40)),
        (Space::Types, None),
        (Space::Matters, None),
    ] {
        let everything = |database: &Database| database.scan(space, &[], &[u8::MAX; 64], usize::MAX).unwrap();
        // The own certificates are where the ledger keeps them.
        let own = if space == Space::Certificates { everything(&store.own) } else { Vec::new() };
        for (key, value) in everything(&store.province).into_iter().chain(own) {
            let of = |at: usize| key.get(at..at + 6).map(<[u8]>::to_vec);
            let apart = region_at.and_then(of).is_some_and(|of| without.iter().any(|one| one.as_bytes() == *of));
            if !apart {
                all.insert([space.name().as_bytes(), b"/", &key].concat(), value.to_vec());
            }
        }
    }
    all
}

fn chain(of: Region, id: &str, row: &row::CertificateRow) -> Chain {
    let status = |number: i32| Status::from_number(number).unwrap();
    let position = |epoch: u32, index: u64| Position { region: of, epoch, index };
    Chain {
        certificate_id: id.to_owned(),
        issued: position(row.epoch, row.index),
        status: status(row.status),
        links: row
            .links
            .iter()
            .map(|link| Link {
                position: position(link.epoch, link.index),
                from: status(link.from),
                to: status(link.to),
                restoring: link.restoring,
            })
            .collect(),
    }
}
