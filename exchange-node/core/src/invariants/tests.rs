#![allow(clippy::unwrap_used, reason = "tests")]

//! Each check holds on sound values, and is red for one planted fault of its own.

use super::*;
use crate::{
    access::{AccessKind, AccessRecord, party_digest},
    case_number::CaseRef,
    checkpoint::{Checkpoint, LogKind, Origin},
    disclosure::{Disclosure, released_digest},
    holder::Holder,
    matter_code::BasicCode,
    merkle::{Frontier, Hash, leaf_hash},
    position::Position,
    question::{Basis, Clerk, MatterPurpose, Purpose, Relation},
    region::Region,
    status::Status,
    uscc::Uscc,
};
use std::collections::{BTreeMap, BTreeSet};

/// The planted fault is found, under its own id and with these words.
fn red(result: Result<(), Violation>, invariant: Invariant, words: &str) {
    let violation = result.unwrap_err();
    assert_eq!(violation.invariant, invariant);
    assert!(violation.found.contains(words), "{violation}");
    assert!(violation.to_string().starts_with(&format!("{invariant} is broken: ")));
}

fn leaves(count: u8) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&[number])).collect()
}

fn frontier(leaves: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    frontier
}

fn checkpoint(leaves: &[Hash], size: usize) -> Checkpoint {
    let origin = Origin::new("sd.example", "370100", LogKind::Events, 1).unwrap();
    let at_ms = 1_700_000_000_000 + size as u64;
    Checkpoint { origin, size: size as u64, root: frontier(&leaves[..size]).root(), at_ms }
}

#[test]
fn log_1_a_changed_entry_a_lost_entry_and_time_that_goes_back() {
    let log = leaves(9);
    let checkpoints: Vec<Checkpoint> = [9, 3, 8].map(|size| checkpoint(&log, size)).into();
    assert_eq!(log_1(&log, &checkpoints), Ok(()));
    assert_eq!(log_1(&[], &[]), Ok(()));
    let mut changed = log.clone();
    changed[5] = leaf_hash(b"another");
    red(log_1(&changed, &checkpoints), Invariant::Log1, "at 8 is no prefix");
    red(log_1(&log[..8], &checkpoints), Invariant::Log1, "8 entries under a newest checkpoint of 9");
    let mut late = checkpoints;
    late[1].at_ms += 60_000;
    red(log_1(&log, &late), Invariant::Log1, "older than that of 3");
}

#[test]
fn log_2_a_copy_with_another_entry() {
    let log = leaves(5);
    assert_eq!(log_2(&frontier(&log), &checkpoint(&log, 5)), Ok(()));
    let mut other = log.clone();
    other[0] = leaf_hash(b"another");
    red(log_2(&frontier(&other), &checkpoint(&log, 5)), Invariant::Log2, "another root at 5");
    red(log_2(&frontier(&log[..4]), &checkpoint(&log, 5)), Invariant::Log2, "with 4 entries");
}

#[test]
fn acc_1_two_trees_for_two_peers() {
    let (log, mut other) = (leaves(6), leaves(6));
    other[2] = leaf_hash(b"another");
    assert_eq!(acc_1(&log, &[checkpoint(&log, 4), checkpoint(&log, 6)]), Ok(()));
    red(acc_1(&log, &[checkpoint(&log, 4), checkpoint(&other, 6)]), Invariant::Acc1, "at 6 is no prefix");
    red(acc_1(&log, &[checkpoint(&leaves(7), 7)]), Invariant::Acc1, "a checkpoint of 7 over 6 entries");
}

#[test]
fn fork_1_a_stop_without_evidence_and_a_contradiction_applied() {
    let (log, mut other) = (leaves(6), leaves(6));
    other[2] = leaf_hash(b"another");
    let applied = [checkpoint(&log, 6)];
    let evidence = [(checkpoint(&log, 6), checkpoint(&other, 4))];
    assert_eq!(fork_1(false, &[], &log, &applied), Ok(()));
    assert_eq!(fork_1(true, &evidence, &log, &applied), Ok(()));
    red(fork_1(true, &[], &log, &applied), Invariant::Fork1, "stopped, 0 contradictions");
    red(fork_1(false, &evidence, &log, &applied), Invariant::Fork1, "running, 1 contradictions");
    let agreeing = [(checkpoint(&log, 6), checkpoint(&log, 4))];
    red(fork_1(true, &agreeing, &log, &applied), Invariant::Fork1, "agrees with the copy");
    red(fork_1(true, &evidence, &log, &[checkpoint(&other, 4)]), Invariant::Fork1, "at 4 is no prefix");
    // A copy that was made anew.
    let same_size = [(checkpoint(&log, 4), checkpoint(&other, 4))];
    assert_eq!(fork_1(true, &same_size, &log[..1], &[]), Ok(()));
    red(
        fork_1(true, &evidence, &log[..1], &[]),
        Invariant::Fork1,
        "evidence of size 4, which the copy has not reached",
    );
    red(
        fork_1(true, &[(checkpoint(&log, 4), checkpoint(&log, 4))], &[], &[]),
        Invariant::Fork1,
        "agrees with the copy",
    );
}

#[test]
fn app_1_and_dup_1_a_row_that_differs() {
    let rows = BTreeMap::from([(b"certificates/1".to_vec(), vec![1]), (b"holders/2".to_vec(), vec![])]);
    assert_eq!((app_1(&rows, &rows), dup_1(&rows, &rows)), (Ok(()), Ok(())));
    let mut other = rows.clone();
    other.insert(b"certificates/1".to_vec(), vec![2]);
    red(app_1(&rows, &other), Invariant::App1, "row certificates/1 differs");
    other = rows.clone();
    other.remove(b"holders/2".as_slice());
    red(dup_1(&rows, &other), Invariant::Dup1, "first has it: true, second has it: false");
}

fn at(index: u64) -> Position {
    Position { region: Region::parse("370100").unwrap(), epoch: 1, index }
}

fn issued(index: u64, id: &str, revision: u32, previous: Option<&str>) -> Issued {
    let (certificate_id, previous) = (id.to_owned(), previous.map(str::to_owned));
    Issued { position: at(index), certificate_id, revision, previous }
}

#[test]
fn iss_1_an_acknowledged_issue_lost_moved_or_doubled() {
    let acknowledged = [Acknowledged { certificate_id: "a".into(), position: at(1) }];
    assert_eq!(iss_1(&acknowledged, &[issued(1, "a", 1, None), issued(3, "b", 1, None)]), Ok(()));
    red(iss_1(&acknowledged, &[issued(3, "b", 1, None)]), Invariant::Iss1, "it stands at []");
    red(iss_1(&acknowledged, &[issued(2, "a", 1, None)]), Invariant::Iss1, "it stands at [370100/1/2]");
    let twice = [issued(1, "a", 1, None), issued(2, "a", 1, None)];
    red(iss_1(&acknowledged, &twice), Invariant::Iss1, "[370100/1/1, 370100/1/2]");
}

#[test]
fn iss_2_one_request_with_two_bodies_or_certificates() {
    let answer = |body: u8, id: &str| Answered {
        caller: "spiffe://sd.example/region/370100/system/hall".into(),
        request_id: "r".into(),
        body_digest: [body; 32],
        certificate_id: id.into(),
    };
    assert_eq!(iss_2(&[answer(1, "a"), answer(1, "a")]), Ok(()));
    red(iss_2(&[answer(1, "a"), answer(2, "a")]), Invariant::Iss2, "two bodies");
    red(iss_2(&[answer(1, "a"), answer(1, "b")]), Invariant::Iss2, "came to a and b");
}

#[test]
fn iss_3_a_position_or_an_identifier_used_twice() {
    assert_eq!(iss_3(&[issued(1, "a", 1, None), issued(2, "b", 1, None)]), Ok(()));
    red(iss_3(&[issued(1, "a", 1, None), issued(1, "b", 1, None)]), Invariant::Iss3, "position 370100/1/1");
    red(iss_3(&[issued(1, "a", 1, None), issued(2, "a", 1, None)]), Invariant::Iss3, "a is issued twice");
}

#[test]
fn ver_1_two_writers_replace_one_revision() {
    let (first, second) = (issued(1, "a", 1, None), issued(2, "b", 2, Some("a")));
    assert_eq!(ver_1(&[first.clone(), second.clone(), issued(3, "c", 3, Some("b"))]), Ok(()));
    red(ver_1(&[first.clone(), second, issued(3, "c", 2, Some("a"))]), Invariant::Ver1, "replaced before");
    red(ver_1(&[first, issued(3, "c", 3, Some("a"))]), Invariant::Ver1, "c is revision 3");
}

fn link(index: u64, from: Status, to: Status, restoring: bool) -> Link {
    Link { position: at(index), from, to, restoring }
}

#[test]
fn rev_2_a_status_that_turns_back_by_itself() {
    let chain =
        |status, links: &[Link]| Chain { certificate_id: "a".into(), issued: at(1), status, links: links.to_vec() };
    let revoked = link(4, Status::Active, Status::Revoked, false);
    let restored = link(6, Status::Revoked, Status::Active, true);
    assert_eq!(rev_2(&chain(Status::Active, &[revoked.clone(), restored.clone()])), Ok(()));
    let back = link(6, Status::Revoked, Status::Active, false);
    red(rev_2(&chain(Status::Active, &[revoked.clone(), back])), Invariant::Rev2, "without a restoring decision");
    red(rev_2(&chain(Status::Active, std::slice::from_ref(&revoked))), Invariant::Rev2, "its chain ends with REVOKED");
    let early = Link { position: at(3), ..restored };
    red(rev_2(&chain(Status::Active, &[revoked, early])), Invariant::Rev2, "the link at 370100/1/3 follows");
}

#[test]
fn sec_1_an_identity_number_and_a_canary() {
    assert_eq!(sec_1("a log line", b"issued 370100/1/7 \xff", &["Canary"]), Ok(()));
    // standards.md §2.3: the published example.
    red(sec_1("a log line", b"for 11010519491231002X", &[]), Invariant::Sec1, "a log line holds an identity number");
    red(sec_1("a record", b"xCanaryx", &["Other", "Canary"]), Invariant::Sec1, "a record holds canary 1");
    assert!(!sec_1("a record", b"xCanaryx", &["Canary"]).unwrap_err().found.contains("Canary"));
}

/// A question with its answer and what was received, as two sound cities have them.
struct Told {
    holder: Holder,
    fields: Vec<String>,
    disclosures: Vec<Disclosure>,
    asked: AccessRecord,
    answered: AccessRecord,
    received: AccessRecord,
}

const SALT: [u8; 16] = [7; 16];
const ENTRY: &[u8] = b"bytes of the question's entry";

fn told() -> Told {
    let holder = Holder::new("111", "11010519491231002X").unwrap();
    let disclosures = vec![Disclosure::new("KZ_ZL", "样例路1号", [1; 16]).unwrap()];
    let fields = vec!["KZ_ZL".to_owned()];
    let asked = AccessRecord {
        at_ms: 1,
        nonce: [1; 16],
        question_id: [2; 16],
        kind: AccessKind::Asked,
        reason: String::new(),
        caller: "spiffe://sd.example/region/370200/system/hall".into(),
        clerk: Clerk {
            staff_number: "0042".into(),
            organisation: Uscc::parse("11370800MB28559184").unwrap(),
            window: String::new(),
        },
        purpose: Purpose::Matter(MatterPurpose {
            matter_code: BasicCode::parse("372099007000").unwrap(),
            version: 1,
            situation: String::new(),
            responsible_region: Region::parse("370200").unwrap(),
        }),
        case: CaseRef::parse("3702002024050100000042").unwrap(),
        party: party_digest(&SALT, &holder),
        relation: Relation::Spouse,
        basis: Basis::Application,
        evidence_id: String::new(),
        purpose_text: String::new(),
        certificate_id: "a".into(),
        fields: vec!["KZ_ZL".into(), "KZ_FJ".into()],
        disclosures_digest: None,
        peer_region: Region::parse("370100").unwrap(),
        question_leaf: None,
        certificate_ids: Vec::new(),
    };
    let answered = AccessRecord {
        kind: AccessKind::Answered,
        fields: fields.clone(),
        disclosures_digest: Some(released_digest(&disclosures)),
        question_leaf: Some(leaf_hash(ENTRY)),
        peer_region: Region::parse("370200").unwrap(),
        ..asked.clone()
    };
    let received = AccessRecord { kind: AccessKind::Received, ..answered.clone() };
    Told { holder, fields, disclosures, asked, answered, received }
}

/// The checks of what was told, after something of it was spoilt.
fn checked(told: &Told, spoil: impl FnOnce(&mut Release<'_>)) -> [Result<(), Violation>; 3] {
    let mut release = Release {
        answered: &told.answered,
        asker: Some(Asker {
            asked_entry: ENTRY,
            asked: &told.asked,
            asked_index: 4,
            received: Some((5, &told.received)),
            handed_on: true,
        }),
        disclosures: Some(&told.disclosures),
        allowed: Some(Allowed {
            fields: &told.fields,
            relations: &[Relation::SelfApplicant, Relation::Spouse],
            party: (&told.holder, &SALT),
            is_holder: true,
        }),
    };
    spoil(&mut release);
    [pur_1(&release), pur_2(&release), pur_3(&release)]
}

#[test]
fn pur_1_no_record_of_the_question_or_of_the_receipt() {
    let mut told = told();
    assert_eq!(checked(&told, |_| {}), [Ok(()), Ok(()), Ok(())]);
    let [found, ..] = checked(&told, |release| release.asker = None);
    red(found, Invariant::Pur1, "no record of the question");
    let [found, ..] = checked(&told, |release| release.asker.as_mut().unwrap().received = None);
    red(found, Invariant::Pur1, "without a record that it was received");
    let [found, ..] = checked(&told, |release| release.asker.as_mut().unwrap().asked_entry = b"another");
    red(found, Invariant::Pur1, "it answers another record");
    told.answered.case = CaseRef::parse("3702002024050100000043").unwrap();
    let [found, ..] = checked(&told, |_| {});
    red(found, Invariant::Pur1, "differ in id, case");
    told.answered.purpose = Purpose::UseScenario("执法核验".into());
    let [found, ..] = checked(&told, |_| {});
    red(found, Invariant::Pur1, "no matter");
}

#[test]
fn pur_2_a_field_too_many_and_values_that_were_not_recorded() {
    let mut told = told();
    let [_, found, _] = checked(&told, |release| release.disclosures = Some(&[]));
    red(found, Invariant::Pur2, "other values than the record says");
    told.disclosures[0].value = "样例路2号".into();
    let [_, found, _] = checked(&told, |_| {});
    red(found, Invariant::Pur2, "another digest");
    told.answered.fields.push("KZ_FJ".into());
    let [_, found, _] = checked(&told, |_| {});
    red(found, Invariant::Pur2, "the matter does not need Some(\"KZ_FJ\")");
    told.fields.push("KZ_FJ".into());
    told.asked.fields.pop();
    let [_, found, _] = checked(&told, |_| {});
    red(found, Invariant::Pur2, "nobody asked for Some(\"KZ_FJ\")");
}

#[test]
fn pur_3_a_stranger_and_a_relation_that_is_not_allowed() {
    let mut told = told();
    let [.., found] = checked(&told, |release| release.allowed.as_mut().unwrap().is_holder = false);
    red(found, Invariant::Pur3, "not a holder");
    let [.., found] = checked(&told, |release| release.allowed.as_mut().unwrap().relations = &[]);
    red(found, Invariant::Pur3, "does not allow relation SPOUSE");
    told.holder = Holder::new("001", "11370800MB28559184").unwrap();
    let [.., found] = checked(&told, |_| {});
    red(found, Invariant::Pur3, "names another party");
}

#[test]
fn rev_1_a_change_that_a_node_claims_to_know() {
    let region = Region::parse("370100").unwrap();
    let at = |index| Position { region, epoch: 1, index };
    let change = |index, at_ms| Changed { certificate_id: "a".into(), position: at(index), at_ms };
    let told = [change(4, 1_000), change(7, 2_000)];
    let (all, first) = (BTreeSet::from([at(4), at(7)]), BTreeSet::from([at(4)]));
    assert_eq!(rev_1(&told, Some(5_000), &all), Ok(()));
    assert_eq!(rev_1(&told, Some(2_000), &first), Ok(()), "of that millisecond nothing is claimed");
    assert_eq!(rev_1(&told, None, &BTreeSet::new()), Ok(()));
    red(rev_1(&told, Some(2_001), &first), Invariant::Rev1, "as of Some(2001) ms the node does not have the change");
}

#[test]
fn id_1_somebody_else_is_obeyed_or_recorded() {
    let region = Region::parse("370100").unwrap();
    let by = "spiffe://sd.example/region/370200/system/hall";
    let attempt = |entitled, accepted| Attempt { what: "an issue".into(), by: by.into(), entitled, accepted };
    let own = (region, "spiffe://sd.example/region/370100/system/hall".to_owned());
    assert_eq!(
        id_1(&[attempt(true, true), attempt(false, false), attempt(true, false)], std::slice::from_ref(&own)),
        Ok(())
    );
    red(
        id_1(&[attempt(false, true)], &[]),
        Invariant::Id1,
        "an issue was accepted of spiffe://sd.example/region/370200",
    );
    red(id_1(&[], &[own, (region, by.to_owned())]), Invariant::Id1, "370100 recorded a question of spiffe");
    red(id_1(&[], &[(region, "hall".into())]), Invariant::Id1, "370100 recorded a question of hall");
}

#[test]
fn drain_1_done_without_an_answer() {
    let call = |answered, done| Drained { request_id: "r".into(), answered, done };
    assert_eq!(drain_1(&[call(true, true), call(false, false)]), Ok(()));
    red(drain_1(&[call(true, true), call(false, true)]), Invariant::Drain1, "request r was done by a draining node");
}

#[test]
fn file_1_a_file_is_missing_or_another_one() {
    let (salt, bytes) = ([5; 16], b"an invented document".to_vec());
    let named = crate::certificate::FileDigest {
        media_type: crate::file::OFD.into(),
        digest: crate::disclosure::file_digest(&salt, &bytes),
        rounded_length: 65_536,
    };
    let of = |kept| [Kept { certificate_id: "id".into(), named: vec![named.clone()], kept }];
    assert_eq!(file_1(&of(vec![Some((salt, bytes))])), Ok(()));
    red(file_1(&of(Vec::new())), Invariant::File1, "id names 1 files, 0 are kept");
    red(file_1(&of(vec![None])), Invariant::File1, "file 0 of id does not read");
    red(file_1(&of(vec![Some((salt, b"x".to_vec()))])), Invariant::File1, "file 0 of id is another one");
}
