#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "tests")]

use ring::rand::SystemRandom;

use super::*;
use crate::{
    chain::{CrlSet, lab::*},
    dsse::Envelope,
    signature::SigningKey,
};

const TRUST: &str = "spiffe://sd.example.org/trust/2026";

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

/// Signed as the province would: by a key whose credential the root signed.
fn candidate(p: &Province, signer: &Ca, uri: &str, bundle: TrustBundle) -> Candidate {
    let key = key();
    let credential = signer.leaf_of(&leaf_params(uri, 5), &key);
    let signing = SigningKey::from_pkcs8_der(&key.serialize_der(), &SystemRandom::new()).unwrap();
    let key_id = crate::chain::Credential::parse(&credential).unwrap().key_id();
    let payload = format!("{}/{} of {}", bundle.series, bundle.number, p.roots.authorities().len()).into_bytes();
    let envelope = Envelope::sign(PAYLOAD_TYPE, payload, key_id, &signing, &SystemRandom::new()).unwrap();
    Candidate { envelope, trust_credential: credential, bundle }
}

fn judged(p: &Province, candidate: Candidate, known: Known<'_>) -> Result<VerifiedBundle, Error> {
    accept(candidate, &p.roots, &CrlSet::new(), known, NOW_MS)
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("a refusal is expected").fault()
}

#[test]
fn a_bundle_of_the_pinned_root_is_believed_until_a_newer_one_comes() {
    let p = Province::new();
    let first = judged(&p, candidate(&p, &p.root, TRUST, p.bundle.clone()), Known::default()).unwrap();
    assert!(!first.expired(NOW_MS));
    let again = candidate(&p, &p.root, TRUST, p.bundle.clone());
    assert_eq!(reason(judged(&p, again, Known::of(&first))), "BUNDLE_OLD");
    let second = TrustBundle { number: 2, ..p.bundle.clone() };
    assert!(judged(&p, candidate(&p, &p.root, TRUST, second), Known::of(&first)).is_ok());
    let next_series = TrustBundle { series: Name::parse("2027").unwrap(), number: 1, ..p.bundle.clone() };
    let uri = "spiffe://sd.example.org/trust/2027";
    assert!(judged(&p, candidate(&p, &p.root, uri, next_series), Known::of(&first)).is_ok());
    let earlier_series = TrustBundle { series: Name::parse("2025").unwrap(), number: 9, ..p.bundle.clone() };
    let uri = "spiffe://sd.example.org/trust/2025";
    assert_eq!(reason(judged(&p, candidate(&p, &p.root, uri, earlier_series), Known::of(&first))), "BUNDLE_OLD");
}

#[test]
fn an_expired_bundle_is_read_but_not_written_under() {
    let p = Province::new();
    let bundle = TrustBundle { issued_at_ms: NOW_MS - 2 * DAY_MS, expires_at_ms: NOW_MS - DAY_MS, ..p.bundle.clone() };
    let verified = judged(&p, candidate(&p, &p.root, TRUST, bundle), Known::default()).unwrap();
    assert!(verified.expired(NOW_MS));
    assert_eq!(reason(verified.require_current(NOW_MS)), "BUNDLE_EXPIRED");
    assert!(verified.require_current(NOW_MS - DAY_MS).is_ok());
}

#[test]
fn signers_that_are_not_the_province() {
    let p = Province::new();
    let own_roots = {
        let mut bundle = p.bundle.clone();
        let stranger = Ca::root("stranger");
        bundle.roots = vec![stranger.der.clone()];
        candidate(&p, &stranger, TRUST, bundle)
    };
    assert_eq!(reason(judged(&p, own_roots, Known::default())), "BUNDLE_SIGNER");
    let by_city = candidate(&p, &p.jinan, TRUST, p.bundle.clone());
    assert_eq!(judged(&p, by_city, Known::default()).unwrap_err(), Error::Signer(crate::chain::Error::TrustNotByRoot),);
    let department = "spiffe://sd.example.org/region/370100/department/113701000041886007";
    let by_department = candidate(&p, &p.root, department, p.bundle.clone());
    assert_eq!(reason(judged(&p, by_department, Known::default())), "BUNDLE_SIGNER");
    let mut altered = candidate(&p, &p.root, TRUST, p.bundle.clone());
    altered.envelope.payload[0] ^= 1;
    assert_eq!(reason(judged(&p, altered, Known::default())), "BUNDLE_SIGNATURE");
    let mut other_type = candidate(&p, &p.root, TRUST, p.bundle.clone());
    other_type.envelope.payload_type = "application/json".to_owned();
    assert_eq!(reason(judged(&p, other_type, Known::default())), "BUNDLE_SIGNATURE");
    let mut swapped = candidate(&p, &p.root, TRUST, p.bundle.clone());
    swapped.trust_credential = candidate(&p, &p.root, TRUST, p.bundle.clone()).trust_credential;
    assert_eq!(reason(judged(&p, swapped, Known::default())), "BUNDLE_SIGNATURE");
}

#[test]
fn a_withdrawn_trust_credential_is_believed_no_more() {
    let p = Province::new();
    let mut crls = CrlSet::new();
    let crl = p.root.crl(2, vec![revoked(5, rcgen::RevocationReason::KeyCompromise, NOW_MS, None)]);
    crls.add(crl, &[p.root.authority()]).unwrap();
    let found = accept(candidate(&p, &p.root, TRUST, p.bundle.clone()), &p.roots, &crls, Known::default(), NOW_MS);
    assert!(found.unwrap_err().to_string().contains("keyCompromise"));
}

#[test]
fn foreign_bundles() {
    let p = Province::new();
    let first = judged(&p, candidate(&p, &p.root, TRUST, p.bundle.clone()), Known::default()).unwrap();
    let other_series = TrustBundle { series: Name::parse("2027").unwrap(), ..p.bundle.clone() };
    assert_eq!(reason(judged(&p, candidate(&p, &p.root, TRUST, other_series), Known::default())), "BUNDLE_FOREIGN");
    let other_domain = TrustBundle { trust_domain: TrustDomain::parse("x.example.org").unwrap(), ..p.bundle.clone() };
    assert_eq!(reason(judged(&p, candidate(&p, &p.root, TRUST, other_domain), Known::default())), "BUNDLE_FOREIGN");
    let other_province = TrustBundle { province: region("410000"), number: 2, ..p.bundle.clone() };
    assert_eq!(reason(judged(&p, candidate(&p, &p.root, TRUST, other_province), Known::of(&first))), "BUNDLE_FOREIGN");
    let known = Known { trust_domain: Some("y.example.org"), ..Known::default() };
    assert_eq!(reason(judged(&p, candidate(&p, &p.root, TRUST, p.bundle.clone()), known)), "BUNDLE_FOREIGN");
    let future = TrustBundle { issued_at_ms: NOW_MS + 6 * 60_000, ..p.bundle.clone() };
    assert_eq!(reason(judged(&p, candidate(&p, &p.root, TRUST, future), Known::default())), "BUNDLE_FROM_THE_FUTURE");
}

#[test]
fn bundles_that_contradict_themselves() {
    let p = Province::new();
    let key = p.jinan.authority().spki_sha256;
    type Spoil = fn(&mut TrustBundle, [u8; 32]);
    let broken: [(&str, Spoil); 9] = [
        ("one CA key stands at", |b, key| b.regions.get_mut(&region("370200")).unwrap().ca_spki_sha256.push(key)),
        ("numbers begin with 1", |b, _| b.number = 0),
        ("seal_trust.makers", |b, _| b.seal_trust.makers = vec![vec![1]; limits::ANCHORS + 1]),
        ("seal_trust.signers", |b, _| b.seal_trust.signers = vec![vec![1; limits::SEAL_CERTIFICATE_BYTES + 1]]),
        ("seal_trust.intermediates", |b, _| b.seal_trust.intermediates = vec![Vec::new()]),
        ("not after issued_at_ms", |b, _| b.expires_at_ms = b.issued_at_ms),
        ("ends with 0000", |b, _| b.province = region("370100")),
        ("epochs begin with 1", |b, _| b.regions.get_mut(&region("370200")).unwrap().logs.push(log(0, 0, None, 1))),
        ("host:port", |b, _| {
            let address = NodeAddress { address: "nowhere".to_owned(), server_name: "a.b".to_owned() };
            b.regions.get_mut(&region("370200")).unwrap().nodes.push(address);
        }),
    ];
    for (needle, spoil) in broken {
        let mut bundle = p.bundle.clone();
        spoil(&mut bundle, key);
        let error = bundle.validate().unwrap_err();
        assert_eq!(error.fault(), "BUNDLE_INVALID");
        assert!(error.to_string().contains(needle), "{error}");
    }
}

fn log(epoch: u32, from_size: u64, to_size: Option<u64>, key: u8) -> LogTrust {
    LogTrust { kind: LogKind::Events, epoch, public_key: [key; 32], from_size, to_size, closing: None }
}

#[test]
fn log_keys_count_by_position() {
    let mut bundle = Province::new().bundle;
    let jinan = region("370100");
    let logs = &mut bundle.regions.get_mut(&jinan).unwrap().logs;
    logs.extend([log(1, 0, Some(100), 1), log(1, 90, None, 2), log(2, 0, None, 3)]);
    let keys = |kind, epoch, size| -> Vec<u8> {
        bundle.log_keys(jinan, kind, epoch, size).iter().map(|key| key.key()[0]).collect()
    };
    assert_eq!(keys(LogKind::Events, 1, 0), [1]);
    assert_eq!(keys(LogKind::Events, 1, 95), [1, 2]);
    assert_eq!(keys(LogKind::Events, 1, 101), [2]);
    assert_eq!(keys(LogKind::Events, 2, 7), [3]);
    assert!(keys(LogKind::Events, 3, 7).is_empty());
    assert!(keys(LogKind::Access, 1, 0).is_empty());
    assert_eq!(bundle.log_keys(jinan, LogKind::Events, 1, 0)[0].name(), "sd.example.org/370100/events/1");
    assert_eq!(bundle.newest_epoch(jinan, LogKind::Events), Some(2));
    // A closed epoch has no key beyond its last size.
    let closing = EpochClosing { size: 120, root: [9; 32] };
    bundle.regions.get_mut(&jinan).unwrap().logs[1].closing = Some(closing);
    assert_eq!(bundle.log_keys(jinan, LogKind::Events, 1, 120).len(), 1);
    assert!(bundle.log_keys(jinan, LogKind::Events, 1, 121).is_empty());
    assert_eq!(bundle.closing(jinan, LogKind::Events, 1), Some(closing));
}

#[test]
fn custody_is_the_issuers_unless_the_bundle_says_else() {
    let mut bundle = Province::new().bundle;
    let (jinan, qingdao, province) = (region("370100"), region("370200"), region("370000"));
    let marriage = "111000000000131335500".to_owned();
    bundle.custody.push(Custody { type_code: marriage.clone(), issuing_regions: vec![jinan], custodian: province });
    assert_eq!(bundle.custodian(&marriage, jinan), province);
    assert_eq!(bundle.custodian(&marriage, qingdao), qingdao);
    bundle.custody[0].issuing_regions.clear();
    assert_eq!(bundle.custodian(&marriage, qingdao), province);
    assert_eq!(bundle.custodian("other", qingdao), qingdao);
}

#[test]
fn departments_by_division_predecessor_and_exception() {
    let mut bundle = Province::new().bundle;
    let (jinan, qingdao) = (region("370100"), region("370200"));
    let uscc = |division: &str| uscc_of(division);
    assert!(bundle.department_allowed(jinan, &uscc("370100")));
    assert!(bundle.department_allowed(jinan, &uscc("370102")));
    assert!(!bundle.department_allowed(jinan, &uscc("370202")));
    assert!(!bundle.department_allowed(jinan, &uscc("370000")));
    assert!(bundle.department_allowed(region("370000"), &uscc("370000")));
    assert!(!bundle.department_allowed(region("370000"), &uscc("370102")));
    // 莱芜 became a part of 济南.
    assert!(!bundle.department_allowed(jinan, &uscc("371202")));
    let laiwu = RegionTrust { name: "莱芜".to_owned(), successors: vec![jinan], ..RegionTrust::default() };
    bundle.regions.insert(region("371200"), laiwu);
    assert!(bundle.department_allowed(jinan, &uscc("371202")));
    // A listed body belongs where the list says, and nowhere else.
    let listed = uscc("370103");
    bundle.bodies.push(BodyException { uscc: listed, region: qingdao, successors: vec![] });
    assert!(bundle.department_allowed(qingdao, &listed));
    assert!(!bundle.department_allowed(jinan, &listed));
}

/// A code with this division and a right check character (GB 32100-2015 annex A).
fn uscc_of(division: &str) -> Uscc {
    let first = format!("11{division}00000000");
    "0123456789ABCDEFGHJKLMNPQRTUWXY"
        .chars()
        .flat_map(|a| ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'X'].map(|b| (a, b)))
        .flat_map(|(last, organisation)| Uscc::parse(&format!("{first}{organisation}{last}")))
        .next()
        .expect("one of all check characters is right")
}
