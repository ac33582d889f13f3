//! Who may do what; each refusal by its reason, and look-alikes of every allowed caller.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::lab::{JINAN, QINGDAO, region, uri};

const HOUSING: &str = "11370100MB2857833B";
const TYPE: &str = "11100000000013338W050";

fn code(uscc: &str) -> Uscc {
    Uscc::parse(uscc).expect("a code with its right check character")
}

fn policy(of: &str) -> Policy {
    let hall = System { departments: vec![HOUSING.to_owned()], types: vec![TYPE.to_owned()], lookup: true };
    let portal = System { lookup: true, ..System::default() };
    let archive = System { departments: vec![HOUSING.to_owned()], types: vec!["*".to_owned()], lookup: false };
    let systems = [("hall", hall), ("portal", portal), ("archive", archive)];
    Policy::new(region(of), region("370000"), &systems.map(|(name, system)| (name.to_owned(), system)).into()).unwrap()
}

fn caller(of: &str, kind: &str, name: &str) -> Caller {
    Caller::unverified(&uri(of, kind, name))
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> Reason {
    outcome.unwrap_err().reason
}

#[test]
fn a_system_issues_for_its_departments_and_types() {
    let policy = policy(JINAN);
    let hall = caller(JINAN, "system", "hall");
    assert_eq!(policy.may_issue(&hall, &code(HOUSING), TYPE), Ok(()));
    assert_eq!(reason(policy.may_issue(&hall, &code(HOUSING), "11100000000013338W051")), Reason::IssuerNotCallers);
    let other = code("91350100M000100Y43");
    assert_eq!(reason(policy.may_issue(&hall, &other, TYPE)), Reason::IssuerNotCallers);
    assert_eq!(policy.may_issue(&caller(JINAN, "system", "archive"), &code(HOUSING), "anything"), Ok(()));
    let portal = caller(JINAN, "system", "portal");
    assert_eq!(reason(policy.may_issue(&portal, &code(HOUSING), TYPE)), Reason::IssuerNotCallers);
}

#[test]
fn look_alikes_of_a_system_may_nothing() {
    let policy = policy(JINAN);
    for (of, kind, name) in [
        (JINAN, "system", "hall2"),
        (JINAN, "system", "hal"),
        (JINAN, "node", "hall"),
        (JINAN, "operator", "hall"),
        (QINGDAO, "system", "hall"),
        ("370102", "system", "hall"),
        ("370000", "system", "hall"),
    ] {
        let caller = caller(of, kind, name);
        let found = policy.may_issue(&caller, &code(HOUSING), TYPE).unwrap_err();
        assert_eq!(found.reason, Reason::CallerNotAllowed, "{kind} {name} of {of}");
        assert!(found.found.contains(name) && found.found.contains(of), "{found}");
        assert_eq!(reason(policy.may_lookup(&caller)), Reason::CallerNotAllowed);
        assert_eq!(policy.acts_for(&caller, &code(HOUSING)), None);
    }
}

#[test]
fn lookup_is_a_right_of_its_own() {
    let policy = policy(JINAN);
    assert_eq!(policy.may_lookup(&caller(JINAN, "system", "hall")), Ok(()));
    assert_eq!(policy.may_lookup(&caller(JINAN, "system", "portal")), Ok(()));
    assert_eq!(reason(policy.may_lookup(&caller(JINAN, "system", "archive"))), Reason::CallerNotAllowed);
    assert_eq!(policy.may_read(&caller(JINAN, "system", "archive")), Ok(()));
    assert_eq!(reason(policy.may_read(&caller(JINAN, "node", "node-1"))), Reason::CallerNotAllowed);
}

#[test]
fn operators_are_of_this_region() {
    let policy = policy(JINAN);
    assert!(policy.is_operator(&caller(JINAN, "operator", "li")));
    for (of, kind) in [(QINGDAO, "operator"), (JINAN, "system"), (JINAN, "node"), ("370000", "operator")] {
        let caller = caller(of, kind, "li");
        assert!(!policy.is_operator(&caller));
        assert_eq!(reason(policy.may_operate(&caller)), Reason::CallerNotAllowed);
    }
}

#[test]
fn peers_are_nodes_of_any_region() {
    let policy = policy(JINAN);
    assert_eq!(policy.may_call_as_peer(&caller(QINGDAO, "node", "node-1")), Ok(()));
    for kind in ["system", "operator"] {
        assert_eq!(reason(policy.may_call_as_peer(&caller(QINGDAO, kind, "node-1"))), Reason::CallerNotAllowed);
    }
}

#[test]
fn types_and_matters_are_the_provinces() {
    let (city, province) = (policy(JINAN), policy("370000"));
    let (of_city, of_province) = (caller(JINAN, "operator", "li"), caller("370000", "operator", "wang"));
    for what in [Publication::CertificateType, Publication::Matter] {
        assert_eq!(reason(city.may_publish(&of_city, what)), Reason::NotProvince);
        assert_eq!(reason(city.may_publish(&of_province, what)), Reason::CallerNotAllowed);
        assert_eq!(reason(province.may_publish(&of_city, what)), Reason::CallerNotAllowed);
        assert_eq!(province.may_publish(&of_province, what), Ok(()));
    }
    assert_eq!(city.may_publish(&of_city, Publication::Implementation), Ok(()));
    let system = caller(JINAN, "system", "hall");
    assert_eq!(reason(city.may_publish(&system, Publication::Implementation)), Reason::CallerNotAllowed);
}
