#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::{
    certificate::{Environment, Origin},
    certificate_id::{CertificateId, TypeCode},
    date::Date,
    issuer::Issuer,
    matter::{Limit, LimitUnit},
    matter_code::{BasicCode, ExerciseLevel, ImplementationCode},
    status::Authority,
    uscc::Uscc,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

fn province() -> Region {
    region("370000")
}

fn jinan() -> Region {
    region("370100")
}

fn qingdao() -> Region {
    region("370200")
}

fn uscc() -> Uscc {
    Uscc::parse("11370100MB2848563A")
        .or_else(|error| {
            let right = error.right_check_digit().unwrap();
            Uscc::parse(&format!("11370100MB2848563{right}"))
        })
        .unwrap()
}

fn type_code() -> TypeCode {
    TypeCode::parse("11100000MB0143028R001").unwrap()
}

fn issuer() -> Issuer {
    Issuer { uscc: uscc(), name: "济南市行政审批服务局".to_owned() }
}

fn day(day: u32) -> Date {
    Date::new(2026, 3, day).unwrap()
}

fn id(serial: u32, version: u16) -> CertificateId {
    CertificateId::new(&type_code(), &uscc(), &format!("{serial:020}"), version).unwrap()
}

fn header(of: Region, serial: u32, version: u16) -> Header {
    Header {
        environment: Environment::Exercise,
        certificate_id: id(serial, version),
        type_code: type_code(),
        type_version: 1,
        issuer: issuer(),
        issuing_region: of,
        custodian_region: of,
        issued_on: day(1),
        valid_from: day(1),
        valid_until: None,
        revision: u32::from(version),
        previous: (version > 1).then(|| id(serial, version - 1)),
        origin: Origin::Synchronous,
        fields: Vec::new(),
        files: Vec::new(),
    }
}

fn change(serial: u32, from: Status, to: Status, previous: Position) -> StatusChange {
    StatusChange {
        certificate_id: id(serial, 1).to_string(),
        from,
        to,
        status_code: "05".to_owned(),
        effective_on: day(2),
        decided_on: day(2),
        deciding_body: issuer(),
        document_number: "济审批〔2026〕1号".to_owned(),
        reason: String::new(),
        previous,
        authority: Authority::Issuer,
        restoring: false,
    }
}

fn basic_code() -> BasicCode {
    BasicCode::parse("000109001000").or_else(|_| BasicCode::parse("370109001000")).unwrap()
}

fn limit() -> Limit {
    Limit { amount: 20, unit: LimitUnit::WorkingDays, extension: 0 }
}

fn matter() -> Matter {
    Matter {
        matter_code: basic_code(),
        version: 1,
        name: "医师执业注册".to_owned(),
        kind: basic_code().kind(),
        legal_basis: vec!["《中华人民共和国医师法》".to_owned()],
        power_list_item: String::new(),
        permit_list_item: String::new(),
        materials: Vec::new(),
        steps: vec!["受理".to_owned()],
        statutory_limit: limit(),
        situations: Vec::new(),
        modes: Vec::new(),
        result_type_code: None,
    }
}

fn implementing(of: Region, name: &str, at: u64) -> Implementation {
    let uniform = matter();
    Implementation {
        implementation_code: ImplementationCode::new(&uscc(), ExerciseLevel::from_digit('4').unwrap(), &basic_code()),
        version: 1,
        region: of,
        matter_code: uniform.matter_code,
        matter_version: 1,
        province_position: Some(Position { region: province(), epoch: 1, index: at }),
        name: name.to_owned(),
        kind: uniform.kind,
        legal_basis: uniform.legal_basis,
        materials: Vec::new(),
        steps: uniform.steps,
        statutory_limit: limit(),
        promised_limit: Limit { amount: 5, ..limit() },
        collecting_regions: Vec::new(),
        delegates: Vec::new(),
        modes: Vec::new(),
        department: issuer(),
    }
}

/// An entry as the tests write it.
#[derive(Clone)]
enum Entry {
    Issue(Box<Header>),
    Is(EventKind),
}

fn credential() -> Entry {
    Entry::Is(EventKind::CredentialPublished { leaf: b"credential".to_vec(), intermediates: Vec::new() })
}

fn issue(header: Header) -> Entry {
    Entry::Issue(Box::new(header))
}

fn changed(change: StatusChange) -> Entry {
    Entry::Is(EventKind::CertificateStatusChanged(Box::new(change)))
}

/// Rows as a node keeps them, for several regions.
#[derive(Default, Clone, PartialEq, Debug)]
struct Node {
    sizes: BTreeMap<Region, u64>,
    certificates: BTreeMap<(Region, String), CertificateState>,
    credentials: BTreeSet<(Region, [u8; 32])>,
    types: BTreeSet<(String, u32)>,
    matters: BTreeMap<u64, u32>,
    /// State and position by region and version.
    implementations: BTreeMap<(Region, u32), (&'static str, u64)>,
    waiting: BTreeMap<(Region, u32, u64), Implementation>,
    tags: BTreeSet<(Region, String)>,
    voids: BTreeSet<(Region, u64, &'static str)>,
}

impl Node {
    fn take(&mut self, of: Region, entry: &Entry) -> Option<Void> {
        let index = *self.sizes.entry(of).or_default();
        let position = Position { region: of, epoch: 1, index };
        let (kind, header) = match entry {
            Entry::Issue(header) => (EventKind::CertificateIssued { envelope: Vec::new() }, Some(header)),
            Entry::Is(kind) => (kind.clone(), None),
        };
        let event = Event { at_ms: 1, must_understand: false, kind };
        let key_id = sha256(b"credential");
        let before = self.clone();
        let issue = header.map(|header| Issue { header, key_id: &key_id });
        let outcome = before.decide(position, &event, issue);
        let void = self.note(position, outcome);
        self.sizes.insert(of, index + 1);
        if of == province() {
            self.resolve();
        }
        void
    }

    fn decide<'a>(&self, position: Position, event: &'a Event, issue: Option<Issue<'a>>) -> Outcome<'a> {
        let of = position.region;
        let free = |taken: bool| if taken { Version::Taken } else { Version::Free };
        let mut rows = Rows::<Infallible> {
            issued: &mut |id| Ok(self.certificates.contains_key(&(of, id.to_owned()))),
            certificate: &mut |id| Ok(self.certificates.get(&(of, id.to_owned())).cloned()),
            credential: &mut |key| Ok(self.credentials.contains(&(of, *key))),
            certificate_type: &mut |item| Ok(free(self.types.contains(&(item.type_code.to_string(), item.version)))),
            matter: &mut |item| Ok(free(self.matters.values().any(|version| *version == item.version))),
            implementation: &mut |item| Ok(self.version(of, item.version)),
            uniform: &mut |named| Ok(self.uniform(named.index)),
        };
        apply(province(), position, event, issue, &mut rows).unwrap()
    }

    fn version(&self, of: Region, version: u32) -> Version {
        match self.implementations.get(&(of, version)) {
            Some(("IN_FORCE", _)) => Version::Taken,
            Some(("PENDING", _)) => Version::Waiting,
            _ => Version::Free,
        }
    }

    fn uniform(&self, index: u64) -> Uniform {
        if index >= self.sizes.get(&province()).copied().unwrap_or_default() {
            Uniform::NotApplied
        } else if self.matters.contains_key(&index) {
            Uniform::Matter(Box::new(matter()))
        } else {
            Uniform::Nothing
        }
    }

    fn note(&mut self, position: Position, outcome: Outcome<'_>) -> Option<Void> {
        let (changes, void) = match outcome {
            Outcome::Applied { changes, .. } => (changes, None),
            Outcome::Void { reason, shown } => (shown.into_iter().collect(), Some(reason)),
            Outcome::UpgradeNeeded => panic!("nothing here needs an upgrade"),
        };
        for change in changes {
            self.change(position, change);
        }
        if let Some(reason) = &void {
            self.voids.insert((position.region, position.index, reason.code()));
        }
        void
    }

    fn change(&mut self, position: Position, change: RowChange<'_>) {
        let of = position.region;
        match change {
            RowChange::Issued { header, .. } => {
                let state = CertificateState {
                    status: FIRST_STATUS,
                    newest_link: position,
                    revision: header.revision,
                    replaced: false,
                };
                self.certificates.insert((of, header.certificate_id.to_string()), state);
            }
            RowChange::Replaced { certificate_id, .. } => {
                let state = self.certificates.get_mut(&(of, certificate_id.to_owned())).unwrap();
                state.status = Status::Replaced;
                state.newest_link = position;
                state.replaced = true;
            }
            RowChange::StatusChanged(change) => {
                let state = self.certificates.get_mut(&(of, change.certificate_id.clone())).unwrap();
                state.status = change.to;
                state.newest_link = position;
            }
            RowChange::Credential { key_id, .. } => {
                self.credentials.insert((of, key_id));
            }
            RowChange::HolderTags { certificate_id, .. } => {
                self.tags.insert((of, certificate_id.to_owned()));
            }
            RowChange::CertificateType(item) => {
                self.types.insert((item.type_code.to_string(), item.version));
            }
            RowChange::Matter(item) => {
                self.matters.insert(position.index, item.version);
            }
            RowChange::Implementation(item) => {
                self.implementations.insert((of, item.version), ("IN_FORCE", position.index));
            }
            RowChange::VoidImplementation(item, _) => {
                self.implementations.insert((of, item.version), ("VOID", position.index));
            }
            RowChange::Waiting(item) => {
                if self.version(of, item.version) == Version::Free {
                    self.implementations.insert((of, item.version), ("PENDING", position.index));
                }
                self.waiting.insert((of, item.version, position.index), item.clone());
            }
            RowChange::Redact { .. } => {}
        }
    }

    /// What a node does after the province's log grew.
    fn resolve(&mut self) {
        let mut blocked = BTreeSet::new();
        for ((of, version, index), item) in self.waiting.clone() {
            if blocked.contains(&(of, version)) {
                continue;
            }
            let position = Position { region: of, epoch: 1, index };
            let taken = self.version(of, version) == Version::Taken;
            let uniform = self.uniform(item.province_position.unwrap().index);
            if !taken && uniform == Uniform::NotApplied {
                self.implementations.insert((of, version), ("PENDING", index));
                blocked.insert((of, version));
                continue;
            }
            self.waiting.remove(&(of, version, index));
            let version = if taken { Version::Taken } else { Version::Free };
            let outcome = implementation(position, &item, version, &uniform);
            self.note(position, outcome);
        }
    }
}

fn at(of: Region, index: u64) -> Position {
    Position { region: of, epoch: 1, index }
}

/// A node that has taken these entries of Jinan's log; the outcome of the last one.
fn after(entries: &[Entry]) -> (Node, Option<Void>) {
    let mut node = Node::default();
    let mut last = None;
    for entry in entries {
        last = node.take(jinan(), entry);
    }
    (node, last)
}

#[test]
fn an_issue_makes_a_row() {
    let (node, void) = after(&[credential(), issue(header(jinan(), 1, 1))]);
    assert_eq!(void, None);
    let state = &node.certificates[&(jinan(), id(1, 1).to_string())];
    assert_eq!((state.status, state.newest_link), (Status::Active, at(jinan(), 1)));
}

#[test]
fn an_id_used_twice_is_void_and_the_first_stays() {
    let second = Header { type_version: 2, ..header(jinan(), 1, 1) };
    let (node, void) = after(&[credential(), issue(header(jinan(), 1, 1)), issue(second)]);
    assert_eq!(void, Some(Void::IdUsedTwice));
    assert_eq!(node.certificates[&(jinan(), id(1, 1).to_string())].newest_link, at(jinan(), 1));
}

#[test]
fn a_certificate_of_another_region_is_void() {
    let (_, void) = after(&[credential(), issue(header(qingdao(), 1, 1))]);
    assert_eq!(void, Some(Void::OtherRegion { found: qingdao(), needed: jinan() }));
}

#[test]
fn a_signer_has_to_be_published_before_in_the_same_log() {
    let mut node = Node::default();
    node.take(qingdao(), &credential());
    assert_eq!(node.take(jinan(), &issue(header(jinan(), 1, 1))), Some(Void::CredentialUnknown));
    node.take(jinan(), &credential());
    assert_eq!(node.take(jinan(), &issue(header(jinan(), 1, 1))), None, "the void one took no id");
}

#[test]
fn an_envelope_that_does_not_read_is_void() {
    let entry = Entry::Is(EventKind::CertificateIssued { envelope: b"?".to_vec() });
    assert_eq!(after(&[credential(), entry]).1, Some(Void::Malformed));
}

#[test]
fn a_revision_replaces_the_newest_one_in_the_same_step() {
    let (mut node, void) = after(&[credential(), issue(header(jinan(), 1, 1)), issue(header(jinan(), 1, 2))]);
    assert_eq!(void, None);
    let first = node.certificates[&(jinan(), id(1, 1).to_string())].clone();
    assert_eq!((first.status, first.newest_link), (Status::Replaced, at(jinan(), 2)));
    let again = Header { certificate_id: id(2, 2), ..header(jinan(), 1, 2) };
    let void = node.take(jinan(), &issue(again));
    let needed = "another one has followed it already";
    assert_eq!(void, Some(Void::NotNewestRevision { found: 2, previous: 1, needed }));
}

#[test]
fn a_revision_counts_one_up_and_follows_something() {
    let jump = Header { revision: 3, ..header(jinan(), 1, 2) };
    let (_, void) = after(&[credential(), issue(header(jinan(), 1, 1)), issue(jump)]);
    assert_eq!(void, Some(Void::NotNewestRevision { found: 3, previous: 1, needed: "one more is needed" }));
    let (_, void) = after(&[credential(), issue(header(jinan(), 1, 2))]);
    assert_eq!(void, Some(Void::CertificateUnknown));
}

#[test]
fn a_revoked_certificate_has_no_next_revision() {
    let revoked = changed(change(1, Status::Active, Status::Revoked, at(jinan(), 1)));
    let (_, void) = after(&[credential(), issue(header(jinan(), 1, 1)), revoked, issue(header(jinan(), 1, 2))]);
    let Some(Void::Status(status::Error::NotAllowed { from, to, .. })) = void else { panic!("{void:?}") };
    assert_eq!((from, to), (Status::Revoked, Status::Replaced));
}

#[test]
fn a_change_hangs_on_the_newest_link() {
    let first = changed(change(1, Status::Active, Status::Suspended, at(jinan(), 1)));
    let stale = changed(change(1, Status::Active, Status::Revoked, at(jinan(), 1)));
    let (_, void) = after(&[credential(), issue(header(jinan(), 1, 1)), first, stale]);
    let expected = status::Error::ChainBroken { claimed: at(jinan(), 1), found: at(jinan(), 2) };
    assert_eq!(void, Some(Void::Status(expected)));
}

#[test]
fn a_change_starts_from_what_is() {
    let wrong = changed(change(1, Status::Suspended, Status::Active, at(jinan(), 1)));
    let (_, void) = after(&[credential(), issue(header(jinan(), 1, 1)), wrong]);
    let expected = status::Error::FromMismatch { claimed: Status::Suspended, found: Status::Active };
    assert_eq!(void, Some(Void::Status(expected)));
}

#[test]
fn a_status_turns_back_only_by_a_restoring_decision() {
    let annulled = changed(change(1, Status::Active, Status::Annulled, at(jinan(), 1)));
    let back = change(1, Status::Annulled, Status::Active, at(jinan(), 2));
    let entries = [credential(), issue(header(jinan(), 1, 1)), annulled];
    let (mut node, _) = after(&entries);
    let void = node.take(jinan(), &changed(back.clone()));
    assert!(matches!(void, Some(Void::Status(status::Error::NotAllowed { .. }))), "{void:?}");
    assert_eq!(node.take(jinan(), &changed(StatusChange { restoring: true, ..back })), None);
    assert_eq!(node.certificates[&(jinan(), id(1, 1).to_string())].status, Status::Active);
}

#[test]
fn a_change_of_another_citys_certificate_is_void() {
    let mut node = Node::default();
    node.take(jinan(), &credential());
    node.take(jinan(), &issue(header(jinan(), 1, 1)));
    let revoked = change(1, Status::Active, Status::Revoked, at(jinan(), 1));
    assert_eq!(node.take(qingdao(), &changed(revoked)), Some(Void::CertificateUnknown));
    assert_eq!(node.certificates[&(jinan(), id(1, 1).to_string())].status, Status::Active);
}

#[test]
fn tags_belong_to_a_certificate_of_the_same_log() {
    let tags = |serial| {
        Entry::Is(EventKind::HolderTags {
            certificate_id: id(serial, 1).to_string(),
            index_key_id: [1; 8],
            sealed: vec![1],
        })
    };
    let (mut node, _) = after(&[credential(), issue(header(jinan(), 1, 1))]);
    assert_eq!(node.take(jinan(), &tags(1)), None);
    assert_eq!(node.take(jinan(), &tags(2)), Some(Void::CertificateUnknown));
}

#[test]
fn uniform_matters_come_from_the_province_and_stay() {
    let published = Entry::Is(EventKind::MatterPublished(Box::new(matter())));
    let mut node = Node::default();
    assert_eq!(node.take(jinan(), &published), Some(Void::NotProvince(jinan())));
    assert_eq!(node.take(province(), &published), None);
    assert_eq!(node.take(province(), &published), Some(Void::VersionExists));
}

#[test]
fn an_implementation_waits_for_the_province_and_is_then_checked() {
    let published =
        |name: &str, at| Entry::Is(EventKind::ImplementationPublished(Box::new(implementing(jinan(), name, at))));
    let mut node = Node::default();
    assert_eq!(node.take(jinan(), &published("另一个名称", 0)), None);
    assert_eq!(node.take(jinan(), &published("医师执业注册", 0)), None);
    assert_eq!(node.implementations[&(jinan(), 1)], ("PENDING", 0));
    node.take(province(), &Entry::Is(EventKind::MatterPublished(Box::new(matter()))));
    assert_eq!(node.implementations[&(jinan(), 1)], ("IN_FORCE", 1), "the void one left the version free");
    assert!(node.voids.contains(&(jinan(), 0, "NOT_UNIFORM")));
    assert_eq!(node.take(jinan(), &published("医师执业注册", 0)), Some(Void::VersionExists));
}

#[test]
fn an_implementation_names_a_matter_of_the_province() {
    let (_, void) = after(&[Entry::Is(EventKind::ImplementationPublished(Box::new(Implementation {
        province_position: Some(at(qingdao(), 0)),
        ..implementing(jinan(), "医师执业注册", 0)
    })))]);
    assert_eq!(void, Some(Void::MatterUnknown { named: Some(at(qingdao(), 0)) }));
    let (_, void) = after(&[Entry::Is(EventKind::ImplementationPublished(Box::new(implementing(qingdao(), "", 0))))]);
    assert_eq!(void, Some(Void::OtherRegion { found: qingdao(), needed: jinan() }));
}

#[test]
fn a_redaction_names_an_earlier_entry() {
    let redacted = |index| EventKind::Redacted { epoch: 1, index, legal_basis: "法院裁定".to_owned() };
    let (mut node, void) = after(&[credential(), Entry::Is(redacted(0))]);
    assert_eq!(void, None);
    assert_eq!(node.take(jinan(), &Entry::Is(redacted(9))), Some(Void::NotEarlier { epoch: 1, index: 9 }));
}

#[test]
fn an_unknown_kind_changes_nothing_unless_it_must_be_understood() {
    let decide = |must_understand| {
        let event = Event { at_ms: 1, must_understand, kind: EventKind::Unknown };
        match Node::default().decide(at(jinan(), 0), &event, None) {
            Outcome::Applied { changes, .. } => changes.is_empty(),
            outcome => {
                assert_eq!(outcome, Outcome::UpgradeNeeded);
                false
            }
        }
    };
    assert_eq!((decide(false), decide(true)), (true, false));
}

/// APP-1: whatever the order in which the logs of several regions arrive, the rows are the same.
#[test]
fn any_interleaving_of_logs_gives_the_same_rows() {
    let implementation =
        |of, name: &str, at| Entry::Is(EventKind::ImplementationPublished(Box::new(implementing(of, name, at))));
    let city = |of: Region| {
        let change = change(1, Status::Active, Status::Revoked, at(of, 1));
        vec![
            credential(),
            issue(header(of, 1, 1)), // the same id in both cities: a conflict that is shown, not resolved
            issue(header(of, 2, 1)),
            issue(header(of, 2, 2)),
            implementation(of, "另一个名称", 1),
            implementation(of, "医师执业注册", 0), // holds no matter
            implementation(of, "医师执业注册", 1),
            implementation(of, "医师执业注册", 1),
            changed(change),
            issue(header(of, 1, 1)),
        ]
    };
    let logs = [
        (jinan(), city(jinan())),
        (qingdao(), city(qingdao())),
        (
            province(),
            vec![
                Entry::Is(EventKind::RegionNotice { text: "公告".to_owned() }),
                Entry::Is(EventKind::MatterPublished(Box::new(matter()))),
                Entry::Is(EventKind::MatterPublished(Box::new(matter()))),
            ],
        ),
    ];
    let run = |mut seed: u64| {
        let mut node = Node::default();
        let mut next = [0_usize; 3];
        while next.iter().zip(&logs).any(|(next, log)| *next < log.1.len()) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let turn = (seed >> 33) as usize % 3;
            if let Some(entry) = logs[turn].1.get(next[turn]) {
                node.take(logs[turn].0, entry);
                next[turn] += 1;
            }
        }
        node
    };
    let expected = run(1);
    assert_eq!(expected.implementations[&(jinan(), 1)], ("IN_FORCE", 6));
    for seed in 2..500 {
        assert_eq!(run(seed), expected, "seed {seed}");
    }
}
