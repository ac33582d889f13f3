//! Paths, anchors and CRLs.

use std::io::Cursor;

use exchange_seal::{
    Verdict,
    certificate::Certificate,
    crl::{Crl, Crls},
    report::Step,
    verify,
};

use crate::{
    basis, faults,
    lab::{
        NOW, SIGNED, World,
        pki::{CA, Key, LEAF, Only, Party, Says, certify},
        seal::{Seal, V4},
    },
    one_fault, pinned, told,
};

#[test]
fn withdrawn_before_and_after_and_with_a_lost_key() {
    let world = World::sm2();
    let document = world.sealed(V4);
    // (serial, since, reason, verdict, part of the detail)
    for (serial, since, reason, verdict, part) in [
        (1002, "20260501000000Z", 4, Verdict::Revoked, "withdrew serial 03ea as of 2026-05-01T00:00:00Z"),
        (1002, "20260701000000Z", 4, Verdict::Valid, "after the signature"),
        (1002, "20260701000000Z", 1, Verdict::Revoked, "only the signer says that it signed before"),
        (1001, "20251201000000Z", 4, Verdict::Revoked, "withdrew serial 03e9"),
        (1001, "20260701000000Z", 1, Verdict::Revoked, "only the signer says that it signed before"),
        (1003, "20251201000000Z", 1, Verdict::Valid, ""),
    ] {
        let report = world.judge_by(&document, &world.withdrawing(&[(serial, since, reason)]), NOW);
        assert_eq!(report.verdict, verdict, "{serial} {since} {reason}: {:#?}", faults(&report));
        let steps = &report.signatures[0].steps;
        let all = format!("{}{}", told(steps, Step::Seal), told(steps, Step::Signature));
        assert!(all.contains(part), "{part} is not in {all}");
    }
}

#[test]
fn no_crl_and_an_old_one() {
    let world = World::sm2();
    let document = world.sealed(V4);
    let report = world.judge_by(&document, &Crls::default(), NOW);
    assert_eq!(report.verdict, Verdict::RevocationUnknown);
    assert!(faults(&report).iter().all(|fault| fault.contains("no CRL of \"CN=Lab Root\" is at hand")));
    let report = world.judge_by(&document, &world.crls(), "20400101000001Z");
    assert_eq!(report.verdict, Verdict::RevocationUnknown);
    assert!(faults(&report).iter().all(|fault| fault.contains("was due at 2040-01-01T00:00:00Z")));
    // Somebody else's CRL of that name counts for nothing.
    let forger = Party::root("Lab Root", Key::sm2(99));
    let forged = Crls::new(vec![Crl::parse(&forger.crl("400101000000Z", &[], Only::Everything)).unwrap()]);
    assert_eq!(world.judge_by(&document, &forged, NOW).verdict, Verdict::RevocationUnknown);
    // Whoever judges without CRLs is told so.
    let (anchors, none) = (world.anchors(), Crls::default());
    let mut basis = basis(&anchors, &none, NOW);
    basis.without_crl = true;
    let report = verify(Cursor::new(document.zip()), &basis);
    assert_eq!(report.verdict, Verdict::Valid);
    assert!(told(&report.signatures[0].steps, Step::Signature).contains("~ no CRL of"));
}

#[test]
fn a_crl_in_parts_counts_for_its_part() {
    let world = World::sm2();
    let (mine, others) = ("http://ca.example/crl0003.crl", "http://ca.example/crl0004.crl");
    let signer = world.root.issue("Lab Signer", Key::sm2(3), &Says { serial: 1002, crl_point: Some(mine), ..LEAF });
    let seal = Seal::new(V4, &world.maker, &[&signer]).der();
    let mut document = world.blank();
    world.stamp(&mut document, V4, &seal, &signer, SIGNED);
    let whole = Crl::parse(&world.root.crl("400101000000Z", &[], Only::Point(mine))).unwrap();
    let part = |point: &'static str, withdrawn: &[(u16, &str, u8)]| {
        Crl::parse(&world.root.crl("400101000000Z", withdrawn, Only::Point(point))).unwrap()
    };
    // The maker's certificate names no part: only a whole CRL speaks of it.
    let report = world.judge_by(&document, &Crls::new(vec![whole]), NOW);
    one_fault(&report, &["SEAL REVOCATION_UNKNOWN", "03e9"]);
    let bad = [(1002, "20260101000000Z", 0)];
    let both = |point: &'static str| {
        let complete = Crl::parse(&world.root.crl("400101000000Z", &[], Only::Everything)).unwrap();
        Crls::new(vec![complete, part(point, &bad)])
    };
    // Of equally new ones the last counts; another part does not speak of the signer.
    assert_eq!(world.judge_by(&document, &both(mine), NOW).verdict, Verdict::Revoked);
    assert_eq!(world.judge_by(&document, &both(others), NOW).verdict, Verdict::Valid);
}

#[test]
fn nobody_believed() {
    let world = World::sm2();
    let document = world.sealed(V4);
    let crls = world.crls();
    let stranger = Party::root("Another Root", Key::sm2(50));
    let report = verify(Cursor::new(document.zip()), &basis(&pinned(&stranger.certificate), &crls, NOW));
    assert_eq!(report.verdict, Verdict::Untrusted);
    assert!(faults(&report).iter().all(|fault| fault.contains("no chain leads from")), "{:#?}", faults(&report));
    // The same name, another key.
    let forger = Party::root("Lab Root", Key::sm2(51));
    let report = verify(Cursor::new(document.zip()), &basis(&pinned(&forger.certificate), &crls, NOW));
    assert_eq!(report.verdict, Verdict::Untrusted);
    // Purposes are apart: an anchor for signers says nothing about makers.
    let mut anchors = world.anchors();
    anchors.makers.clear();
    let report = verify(Cursor::new(document.zip()), &basis(&anchors, &crls, NOW));
    one_fault(&report, &["SEAL UNTRUSTED", "no anchor for a seal maker is pinned"]);
}

#[test]
fn chains_over_a_ca_and_wrong_ones() {
    let world = World::sm2();
    let sealed_by = |signer: &Party| {
        let mut document = world.blank();
        world.stamp(&mut document, V4, &Seal::new(V4, &world.maker, &[signer]).der(), signer, SIGNED);
        document
    };
    let judge = |signer: &Party, ca: &Party| {
        let mut anchors = world.anchors();
        anchors.intermediates.push(Certificate::parse(&ca.certificate).unwrap());
        let crls = Crls::new(
            [world.root.crl("400101000000Z", &[], Only::Everything), ca.crl("400101000000Z", &[], Only::Everything)]
                .map(|der| Crl::parse(&der).unwrap())
                .to_vec(),
        );
        verify(Cursor::new(sealed_by(signer).zip()), &basis(&anchors, &crls, NOW))
    };
    let ca = world.root.issue("Lab CA", Key::sm2(60), &Says { serial: 1060, ..CA });
    let below = ca.issue("Signer Below", Key::sm2(61), &Says { serial: 1061, ..LEAF });
    assert_eq!(judge(&below, &ca).verdict, Verdict::Valid);
    // Signed by a certificate that is no CA.
    let leaf = world.root.issue("No CA", Key::sm2(62), &Says { serial: 1062, ..LEAF });
    let under = leaf.issue("Signer Under", Key::sm2(63), &Says { serial: 1063, ..LEAF });
    one_fault(&judge(&under, &leaf), &["SIGNATURE UNTRUSTED", "no chain leads from"]);
    // A key for something else.
    let encrypting = world.root.issue("Encrypts", Key::sm2(64), &Says { serial: 1064, usage: Some(0x20), ..LEAF });
    one_fault(&judge(&encrypting, &ca), &["SIGNATURE UNTRUSTED", "neither digitalSignature nor nonRepudiation"]);
    // Who may only sign documents makes no seals, whatever CA both have; a maker may put on its own seal.
    let only = Says { serial: 1066, extended: Some("1.3.6.1.5.5.7.3.36"), ..LEAF };
    let signer = world.root.issue("Signs Only", Key::sm2(66), &only);
    let mut document = world.blank();
    world.stamp(&mut document, V4, &Seal::new(V4, &signer, &[&signer]).der(), &signer, SIGNED);
    let report = verify(Cursor::new(document.zip()), &basis(&world.anchors(), &world.crls(), NOW));
    one_fault(&report, &["SEAL UNTRUSTED", "is for signing documents, not for making seals"]);
    assert_eq!(judge(&signer, &ca).verdict, Verdict::Valid);
    // Over before it was used.
    let over = world.root.issue("Over", Key::sm2(65), &Says { serial: 1065, to: "260301000000Z", ..LEAF });
    one_fault(&judge(&over, &ca), &["SIGNATURE SIGNER_EXPIRED", "to 2026-03-01T00:00:00Z"]);
}

#[test]
fn an_anchor_outside_of_its_dates() {
    let world = World::sm2();
    let key = &world.root.key;
    let over = certify("Lab Root", key, "Lab Root", key, &Says { serial: 1, to: "260301000000Z", ..CA });
    let report = verify(Cursor::new(world.sealed(V4).zip()), &basis(&pinned(&over), &world.crls(), NOW));
    // The seal was made before its end, the document signed after it.
    assert_eq!(report.verdict, Verdict::SignerExpired);
    one_fault(&report, &["SIGNATURE SIGNER_EXPIRED", "the anchor \"CN=Lab Root\" counts from 2024-01-01T00:00:00Z"]);
}

#[test]
fn a_crl_of_some_certificates() {
    let world = World::sm2();
    let document = world.sealed(V4);
    let of = |flag| Crl::parse(&world.root.crl("400101000000Z", &[], Only::Flag(flag)));
    assert_eq!(world.judge_by(&document, &Crls::new(vec![of(1).unwrap()]), NOW).verdict, Verdict::Valid);
    // Of CAs alone: it says nothing about maker and signer.
    let report = world.judge_by(&document, &Crls::new(vec![of(2).unwrap()]), NOW);
    assert_eq!(report.verdict, Verdict::RevocationUnknown);
    for flag in [4, 5] {
        let error = of(flag).unwrap_err().to_string();
        assert!(error.contains("an indirect CRL, or one of some reasons or of attribute certificates"), "{error}");
    }
}
