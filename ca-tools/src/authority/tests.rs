#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use exchange_core::{
    bundle::{Known, RegionTrust, TrustBundle},
    chain::{Basis, CrlSet, Purpose, Roots, verify_path},
    reason::Reason,
};
use rustls_pki_types::CertificateDer;

use super::*;

/// 2026-07-01T00:00:00Z
const NOW_MS: u64 = 1_782_864_000_000;
const DAY_MS: u64 = 24 * 3600 * 1000;

fn domain() -> TrustDomain {
    TrustDomain::parse("sd.example.org").unwrap()
}

fn jinan() -> Region {
    Region::parse("370100").unwrap()
}

fn cas() -> (Ca, Ca) {
    let mut root = Ca::root(&domain(), Scope::Root.options(), NOW_MS).unwrap();
    let city = root.city(jinan(), Scope::Region(jinan()).options(), NOW_MS).unwrap();
    (root, city)
}

fn bundle(city: &Ca) -> TrustBundle {
    let region =
        RegionTrust {
            name: "济南市".to_owned(), ca_spki_sha256: vec![city.spki_sha256()], ..RegionTrust::default()
        };
    TrustBundle {
        trust_domain: domain(),
        province: Region::parse("370000").unwrap(),
        series: Name::parse("2026").unwrap(),
        number: 1,
        issued_at_ms: NOW_MS,
        expires_at_ms: NOW_MS + 30 * DAY_MS,
        roots: vec![],
        regions: [(jinan(), region)].into(),
        bodies: vec![],
        custody: vec![],
        seal_anchors: vec![],
        seal_trust: Default::default(),
    }
}

fn judge(root: &Ca, city: &Ca, issued: &Issued, purpose: Purpose) -> Result<(), exchange_core::chain::Error> {
    let roots = Roots::new(vec![root.authority().clone()]).unwrap();
    let bundle = bundle(city);
    let mut crls = CrlSet::new();
    for ca in [root, city] {
        crls.add(ca.crl().unwrap().clone(), &[ca.authority().clone()]).unwrap();
    }
    let basis =
        Basis { roots: &roots, bundle: &bundle, crls: &crls, at_ms: NOW_MS, crl_grace_ms: 0, admit_stale_crl: false };
    let intermediates: Vec<_> = issued.chain[1..].iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    verify_path(&issued.der, &intermediates, purpose, &basis).map(|_| ())
}

#[test]
fn every_profile_is_verified_for_its_purpose_and_no_other() {
    let (root, mut city) = cas();
    let cases = [
        (Profile::Node, "node-1", Purpose::NodeServer),
        (Profile::System, "hall", Purpose::SystemClient),
        (Profile::Operator, "li", Purpose::OperatorClient),
        (Profile::Document, "113701000041886007", Purpose::Document),
    ];
    for (profile, name, purpose) in cases {
        let (issued, _) = city.issue_with_new_key(&Issue::new(profile, name), NOW_MS).unwrap();
        for (_, _, other) in cases {
            let found = judge(&root, &city, &issued, other);
            if other == purpose {
                found.unwrap();
            } else {
                assert_eq!(found.unwrap_err().reason(), Reason::CredentialWrongPurpose);
            }
        }
        assert_eq!(
            issued.id.to_string(),
            format!("spiffe://sd.example.org/region/370100/{}/{name}", issued.id.kind.word())
        );
    }
}

#[test]
fn a_withdrawn_credential_and_the_numbers_of_crls() {
    let (root, mut city) = cas();
    let (issued, _) = city.issue_with_new_key(&Issue::new(Profile::System, "hall"), NOW_MS).unwrap();
    assert_eq!(city.crl().unwrap().number, 1);
    let crl = city.revoke(&issued.serial, WithdrawalReason::KeyCompromise, Some(NOW_MS - DAY_MS), NOW_MS).unwrap();
    assert_eq!(crl.number, 2);
    let entry = crl.withdrawn[&issued.serial];
    assert_eq!((entry.reason, entry.since_ms), (WithdrawalReason::KeyCompromise, NOW_MS));
    assert_eq!(entry.invalidity_ms, Some(NOW_MS - DAY_MS));
    let error = judge(&root, &city, &issued, Purpose::SystemClient).unwrap_err();
    assert_eq!(error.reason(), Reason::CredentialWithdrawn);
    let again = city.revoke(&issued.serial, WithdrawalReason::Superseded, None, NOW_MS).unwrap_err();
    assert!(matches!(again, Error::Conflict(_)), "{again}");
    let unknown = city.revoke(&Serial::new(&[1, 2]), WithdrawalReason::Superseded, None, NOW_MS).unwrap_err();
    assert!(matches!(unknown, Error::NotFound(_)), "{unknown}");
    assert_eq!(city.issue_crl(30, NOW_MS).unwrap().number, 3);
}

#[test]
fn each_ca_issues_only_what_is_its_own() {
    let (mut root, mut city) = cas();
    let mut kafka = Ca::kafka(&domain(), Scope::Kafka.options(), NOW_MS).unwrap();
    let refused = |ca: &mut Ca, issue: &Issue<'_>| match ca.issue_with_new_key(issue, NOW_MS).unwrap_err() {
        Error::NotByThisCa { needed, .. } => needed,
        other => panic!("{other}"),
    };
    assert_eq!(refused(&mut root, &Issue::new(Profile::Node, "n")), "a city's CA");
    assert_eq!(refused(&mut city, &Issue::new(Profile::Trust, "2026")), "the root");
    assert_eq!(refused(&mut city, &Issue::new(Profile::Kafka, "n")), "Kafka's own CA");
    assert_eq!(refused(&mut kafka, &Issue::new(Profile::System, "n")), "a city's CA");
    assert!(matches!(city.city(jinan(), Scope::Root.options(), NOW_MS), Err(Error::NotByThisCa { .. })));
    let other_region = Issue { region: Some(Region::parse("370200").unwrap()), ..Issue::new(Profile::Node, "n") };
    assert!(matches!(city.issue_with_new_key(&other_region, NOW_MS), Err(Error::Refused(_))));
    let hosts = ["elsewhere.example.org".to_owned()];
    let further_host = Issue { hosts: &hosts, ..Issue::new(Profile::Node, "n") };
    assert!(matches!(city.issue_with_new_key(&further_host, NOW_MS), Err(Error::Refused(_))));

    let client = Issue { region: Some(jinan()), ..Issue::new(Profile::Kafka, "node-1") };
    let (issued, _) = kafka.issue_with_new_key(&client, NOW_MS).unwrap();
    // Kafka's principal.
    assert_eq!(Credential::parse(&issued.der).unwrap().subject, "CN=370100");
    assert_eq!(issued.chain.len(), 1);
}

#[test]
fn a_trust_credential_signs_a_bundle_that_a_node_opens() {
    let (mut root, city) = cas();
    let (trust, key) = root.issue_with_new_key(&Issue::new(Profile::Trust, "2026"), NOW_MS).unwrap();
    let signed = crate::bundle::sign(&bundle(&city), &key, &trust.der).unwrap();
    let roots = Roots::new(vec![root.authority().clone()]).unwrap();
    let opened =
        exchange_proto::bundle::open_signed(&signed, &roots, &CrlSet::new(), Known::default(), NOW_MS).unwrap();
    assert_eq!(*opened.bundle(), bundle(&city));
    let stranger = Ca::root(&domain(), Scope::Root.options(), NOW_MS).unwrap();
    let other = Roots::new(vec![stranger.authority().clone()]).unwrap();
    let refused = exchange_proto::bundle::open_signed(&signed, &other, &CrlSet::new(), Known::default(), NOW_MS);
    assert_eq!(refused.unwrap_err().fault(), "BUNDLE_SIGNER");

    let (other_key, _) = crate::new_request("x").unwrap();
    let error = crate::bundle::sign(&bundle(&city), &other_key, &trust.der).unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    let next = TrustBundle { series: Name::parse("2027").unwrap(), ..bundle(&city) };
    let error = crate::bundle::sign(&next, &key, &trust.der).unwrap_err();
    assert!(error.to_string().contains("series 2027"), "{error}");
}

#[test]
fn a_folder_is_opened_as_it_was_left_and_only_once() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("jinan");
    let secret = || Passphrase::new(b"correct horse battery\n".to_vec());
    let (_, mut city) = cas();
    city.save(&folder, &secret().unwrap()).unwrap();
    assert!(matches!(city.save(&folder, &secret().unwrap()), Err(Error::Exists(_))));
    let (issued, _) = city.issue_with_new_key(&Issue::new(Profile::System, "hall"), NOW_MS).unwrap();
    assert!(matches!(Ca::open(&folder, secret), Err(Error::Conflict(_))), "it is open here");
    let records = city.records().to_vec();
    drop(city);

    assert!(matches!(Ca::open(&folder, || Passphrase::new(b"wrong passphrase".to_vec())), Err(Error::Passphrase(_))));
    let mut city = Ca::open(&folder, secret).unwrap();
    assert_eq!(city.records(), records);
    assert_eq!(city.scope(), Scope::Region(jinan()));
    assert!(folder.join("issued").join(format!("{}.crt", issued.serial)).exists());
    assert_eq!(city.revoke(&issued.serial, WithdrawalReason::Superseded, None, NOW_MS).unwrap().number, 2);
    drop(city);

    // An old journal does not roll the CRL's number back.
    let journal = folder.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let first_lines: Vec<&str> = text.lines().take(3).collect();
    std::fs::write(&journal, first_lines.join("\n") + "\n").unwrap();
    let mut city = Ca::open(&folder, secret).unwrap();
    assert_eq!(city.issue_crl(30, NOW_MS).unwrap().number, 3);
    drop(city);

    // A line that was torn by a crash was never acted on.
    let torn = format!("{}{}", text, &text.lines().last().unwrap()[..40]);
    std::fs::write(&journal, torn).unwrap();
    assert_eq!(Ca::open(&folder, secret).unwrap().records().len(), text.lines().count());
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), text);

    std::fs::write(&journal, text.replace("hall", "hell")).unwrap();
    match Ca::open(&folder, secret).unwrap_err() {
        Error::Journal { line, .. } => assert_eq!(line, 4, "the line after the changed one tells"),
        other => panic!("{other}"),
    }
}

#[test]
fn nothing_outlives_its_ca() {
    let (_, mut city) = cas();
    let long = Issue { days: Some(9999), ..Issue::new(Profile::System, "hall") };
    let (issued, _) = city.issue_with_new_key(&long, NOW_MS).unwrap();
    assert_eq!(Credential::parse(&issued.der).unwrap().not_after_ms, city.authority().not_after_ms);
    let late = city.authority().not_after_ms + 1000;
    assert!(matches!(city.issue_with_new_key(&long, late), Err(Error::Refused(_))));
}
