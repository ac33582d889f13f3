#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use exchange_seal::{Anchors, Basis, Limits, Verdict, crl::Crls, make::Credential, ses::Version, verify_seal};

use super::*;
use crate::read_journal;

/// 2026-07-01T00:00:00Z
const NOW_MS: u64 = 1_782_864_000_000;

fn domain() -> TrustDomain {
    TrustDomain::parse("sd.example.org").unwrap()
}

fn issued(ca: &mut SealCa, profile: SealProfile, name: &str) -> Credential {
    let key = PrivateKey::generate(ca.algorithm(), &seams::rng()).unwrap();
    let issued = ca.issue(profile, name, key.public(), None, NOW_MS).unwrap();
    Credential::new(key, &issued.certificate.der).unwrap()
}

/// One point, transparent.
fn png() -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    STANDARD.decode(text).unwrap()
}

fn order(signer: &Credential) -> SealOrder {
    SealOrder {
        version: Version::V4,
        id: "37010000000001".to_owned(),
        name: "测试章".to_owned(),
        kind: 1,
        signers: vec![signer.certificate().clone()],
        by_digest: false,
        picture: png(),
        size_mm: (40, 40),
        days: 365,
    }
}

fn judge(ca: &SealCa, seal: &[u8]) -> Verdict {
    let anchors = Anchors { makers: vec![ca.certificate().clone()], ..Anchors::default() };
    let crls = Crls::new(vec![exchange_seal::crl::Crl::parse(ca.crl().unwrap()).unwrap()]);
    let now = Instant(NOW_MS + 60_000);
    let limits = Limits::DEFAULT;
    verify_seal(
        seal,
        &Basis { anchors: &anchors, crls: &crls, signers: &[], now, crl_grace_ms: 0, without_crl: false, limits },
    )
    .verdict
}

#[test]
fn a_seal_of_every_profile_is_valid_until_its_maker_is_withdrawn() {
    for algorithm in [Algorithm::Sm2Sm3, Algorithm::EcdsaSha256, Algorithm::EcdsaSha384, Algorithm::Ed25519] {
        let mut ca = SealCa::new(&domain(), algorithm, SealCa::OPTIONS, NOW_MS).unwrap();
        let (maker, signer) =
            (issued(&mut ca, SealProfile::Maker, "制章中心"), issued(&mut ca, SealProfile::Signer, "某局"));
        let made = make_seal(&order(&signer), &maker, None, NOW_MS).unwrap();
        assert_eq!(judge(&ca, &made), Verdict::Valid);
        let serial = Serial::new(&maker.certificate().serial);
        assert_eq!(ca.revoke(&serial, WithdrawalReason::KeyCompromise, 30, NOW_MS).unwrap(), 2);
        assert_eq!(judge(&ca, &made), Verdict::Revoked);
        let error = ca.revoke(&serial, WithdrawalReason::Superseded, 30, NOW_MS).unwrap_err();
        assert!(error.to_string().contains("is withdrawn already"), "{error}");
        let (serial, records) = (Serial::new(&signer.certificate().serial), ca.records().len());
        let error = ca.revoke(&serial, WithdrawalReason::Superseded, 0, NOW_MS).unwrap_err();
        assert!(error.to_string().contains("a life of 0 days"), "{error}");
        assert_eq!(ca.records().len(), records, "nothing is withdrawn without a CRL that says so");
        ca.revoke(&serial, WithdrawalReason::Superseded, 90, NOW_MS).unwrap();
        let crl = exchange_seal::crl::Crl::parse(ca.crl().unwrap()).unwrap();
        assert_eq!(crl.next_update.0, NOW_MS + 90 * DAY_MS);
    }
}

#[test]
fn a_folder_is_opened_again_and_its_crls_count_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal-ca");
    let pass = || Passphrase::new(b"a long passphrase".to_vec());
    let mut ca = SealCa::new(&domain(), Algorithm::Sm2Sm3, SealCa::OPTIONS, NOW_MS).unwrap();
    ca.save(&path, &pass().unwrap()).unwrap();
    let fingerprint = ca.fingerprint();
    let error = SealCa::open(&path, pass).unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    drop(ca);
    let error = SealCa::open(&path, || Passphrase::new(b"another passphrase".to_vec())).unwrap_err();
    assert!(matches!(error, Error::Passphrase(_)), "{error}");
    let mut ca = SealCa::open(&path, pass).unwrap();
    assert_eq!((ca.fingerprint(), ca.issue_crl(30, NOW_MS).unwrap()), (fingerprint, 2));
    let signer = issued(&mut ca, SealProfile::Signer, "某局");
    let serial = Serial::new(&signer.certificate().serial).to_string();
    assert!(path.join("issued").join(format!("{serial}.crt")).exists());
    drop(ca);
    // A city's CA is none of these, and the other way round.
    assert!(crate::Ca::open(&path, pass).is_err());
    std::fs::remove_file(path.join("crl.pem")).unwrap();
    let mut ca = SealCa::open(&path, pass).unwrap();
    assert!(ca.crl().is_none());
    assert_eq!(ca.issue_crl(30, NOW_MS).unwrap(), 3);
}

#[test]
fn every_seal_is_in_the_maker_s_journal() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("maker.crt");
    let journal = maker_journal(&certificate);
    assert_eq!(journal, folder.path().join("maker.seals.jsonl"));
    let mut ca = SealCa::new(&domain(), Algorithm::Sm2Sm3, SealCa::OPTIONS, NOW_MS).unwrap();
    let (maker, signer) = (issued(&mut ca, SealProfile::Maker, "制章"), issued(&mut ca, SealProfile::Signer, "某局"));
    let first = make_seal(&order(&signer), &maker, Some(&journal), NOW_MS).unwrap();
    let again = make_seal(&order(&signer), &maker, Some(&journal), NOW_MS).unwrap_err();
    assert!(matches!(again, Error::Conflict(_)), "{again}");
    let reason = "the seal number 37010000000001 is taken: ";
    assert!(again.to_string().starts_with(reason) && again.to_string().contains("record 1 has it"), "{again}");
    assert_eq!(number_is_free(&journal, "37010000000001").unwrap_err().to_string(), again.to_string());
    number_is_free(&folder.path().join("other.seals.jsonl"), "37010000000001").unwrap();
    let id = "37010000000002".to_owned();
    let second = SealOrder { id, by_digest: true, version: Version::V5, ..order(&signer) };
    make_seal(&second, &maker, Some(&journal), NOW_MS).unwrap();
    std::fs::rename(&journal, folder.path().join(crate::journal::FILE)).unwrap();
    let records = read_journal(folder.path()).unwrap();
    let seals: Vec<_> = records.iter().map(|record| &record.event).collect();
    let [Event::Seal { sha256, standard: one, .. }, Event::Seal { standard: two, .. }] = seals.as_slice() else {
        panic!("{seals:?}")
    };
    assert_eq!(*sha256, hex(digest(&SHA256, &first).as_ref()));
    assert_eq!((one.as_str(), two.as_str()), ("GB/T 38540-2020", "GM/T 0031-2025"));
}

#[test]
fn orders_that_are_refused() {
    let mut ca = SealCa::new(&domain(), Algorithm::Sm2Sm3, SealCa::OPTIONS, NOW_MS).unwrap();
    let (maker, signer) = (issued(&mut ca, SealProfile::Maker, "制章"), issued(&mut ca, SealProfile::Signer, "某局"));
    let good = order(&signer);
    let ended = NOW_MS + 4 * 365 * DAY_MS;
    for (order, now_ms, reason) in [
        (SealOrder { picture: b"GIF89a".to_vec(), ..good.clone() }, NOW_MS, "the picture: not a PNG file"),
        (SealOrder { days: 0, ..good.clone() }, NOW_MS, "a life of 0 days"),
        (SealOrder { signers: Vec::new(), ..good.clone() }, NOW_MS, "0 signers"),
        (SealOrder { signers: vec![ca.certificate().clone()], ..good.clone() }, NOW_MS, "is not one for signatures"),
        (SealOrder { id: "印".to_owned(), ..good.clone() }, NOW_MS, "IA5String"),
        (good, ended, "has ended"),
    ] {
        let error = make_seal(&order, &maker, None, now_ms).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    let error = make_seal(&order(&signer), &signer, None, NOW_MS).unwrap_err();
    assert!(error.to_string().contains("is for signing documents, not for making seals"), "{error}");
    let key = PrivateKey::generate(Algorithm::Sm2Sm3, &seams::rng()).unwrap();
    let other = PrivateKey::generate(Algorithm::Ed25519, &seams::rng()).unwrap();
    let error = ca.issue(SealProfile::Signer, "章", other.public(), None, NOW_MS).unwrap_err();
    assert!(error.to_string().starts_with("a key of another kind; CN=Seal CA"), "{error}");
    for (name, days, reason) in [("", None, "1 to 64 characters"), ("章", Some(0), "a life of 0 days")] {
        let error = ca.issue(SealProfile::Signer, name, key.public(), days, NOW_MS).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
}
