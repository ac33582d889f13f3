//! Time stamps: on a seal, on a signature, on both, and wrong ones.

use exchange_seal::{Verdict, report::Step};

use crate::{
    faults,
    lab::{
        NOW, SIGNED, World,
        document::Document,
        pki::{Key, LEAF, Party, Says},
        seal::{Seal, Signing, V4, V5, token},
    },
    one_fault, told,
};

/// A document whose v5 seal and signature have time stamps of these moments.
fn stamped(world: &World, authority: &Party, sealed: &str, signed: &str, claimed: &str) -> Document {
    let seal = Seal { stamp: Some((authority, sealed)), ..Seal::new(V5, &world.maker, &[&world.signer]) }.der();
    let mut document = world.blank();
    let property = document.next();
    let (signer, stamp) = (&world.signer, Some((authority, signed)));
    let signing = Signing { version: V5, seal: &seal, signer, at: claimed, property: &property, stamp };
    document.sign(Some(&seal), |description| signing.der(description));
    document
}

#[test]
fn time_stamps_on_seal_and_signature() {
    for world in [World::sm2(), World::ed25519()] {
        let document = stamped(&world, &world.stamper, "20260101000010Z", "20260601020010Z", SIGNED);
        let report = world.judge(&document);
        assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
        let signature = &report.signatures[0];
        assert!(signature.time_is_proven);
        assert_eq!(signature.signed_at.unwrap().to_string(), "2026-06-01T02:00:10Z");
        let told = told(&signature.steps, Step::TimeStamp);
        assert!(told.contains("saw the seal at 2026-01-01T00:00:10Z"), "{told}");
        assert!(told.contains("saw the signature at 2026-06-01T02:00:10Z"), "{told}");
    }
}

#[test]
fn a_proven_time_outlives_a_lost_key() {
    let world = World::sm2();
    let lost = world.withdrawing(&[(1002, "20260701000000Z", 1)]);
    let claimed = world.judge_by(&world.sealed(V5), &lost, NOW);
    assert_eq!(claimed.verdict, Verdict::Revoked);
    let document = stamped(&world, &world.stamper, "20260101000010Z", "20260601020010Z", SIGNED);
    let proven = world.judge_by(&document, &lost, NOW);
    assert_eq!(proven.verdict, Verdict::Valid, "{:#?}", faults(&proven));
    assert!(told(&proven.signatures[0].steps, Step::Signature).contains("~ \"CN=Lab Root\" withdrew serial 03ea"));
    // The authority's own key lost: its word alone says when it signed.
    let proven = world.judge_by(&document, &world.withdrawing(&[(1004, "20260701000000Z", 1)]), NOW);
    assert_eq!(proven.verdict, Verdict::Revoked);
}

#[test]
fn a_time_stamp_that_contradicts() {
    let world = World::sm2();
    let document = stamped(&world, &world.stamper, "20260101000010Z", "20260601010000Z", SIGNED);
    one_fault(&world.judge(&document), &["TIME_STAMP TIME_INVALID", "after its time stamp of 2026-06-01T01:00:00Z"]);
    let document = stamped(&world, &world.stamper, "20260101000010Z", "20261201000000Z", SIGNED);
    one_fault(&world.judge(&document), &["TIME_STAMP TIME_INVALID", "in the future"]);
    let document = stamped(&world, &world.stamper, "20251231000000Z", "20260601020010Z", SIGNED);
    one_fault(
        &world.judge(&document),
        &["TIME_STAMP TIME_INVALID", "the seal says it was made at 2026-01-01T00:00:00Z"],
    );
    // The time that is proven counts for the seal's period, not the one that the signer says.
    let seal = Seal { to: "20260601030000Z", ..Seal::new(V5, &world.maker, &[&world.signer]) }.der();
    let mut document = world.blank();
    let property = document.next();
    let (signer, stamp) = (&world.signer, Some((&world.stamper, "20260601040000Z")));
    let signing = Signing { version: V5, seal: &seal, signer, at: SIGNED, property: &property, stamp };
    document.sign(Some(&seal), |description| signing.der(description));
    one_fault(&world.judge(&document), &["SEAL SEAL_EXPIRED", "was used at 2026-06-01T04:00:00Z"]);
}

#[test]
fn a_time_stamp_of_something_else() {
    let world = World::sm2();
    let seal = world.seal(V4);
    let judge = |make: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut document = world.blank();
        let property = document.next();
        let signer = &world.signer;
        let signing = Signing { version: V4, seal: &seal, signer, at: SIGNED, property: &property, stamp: None };
        document.sign(Some(&seal), |description| signing.with_token(description, make));
        world.judge(&document)
    };
    let at = "20260601020010Z";
    assert_eq!(judge(&|signature| token(&world.stamper, at, signature)).verdict, Verdict::Valid);
    let report = judge(&|_| token(&world.stamper, at, b"another signature"));
    one_fault(&report, &["TIME_STAMP TIME_STAMP_INVALID", "the time stamp is of another signature"]);
    one_fault(&judge(&|_| b"no token".to_vec()), &["TIME_STAMP TIME_STAMP_INVALID", "ContentInfo"]);
    // Its last octets are the authority's signature.
    let report = judge(&|signature| {
        let mut token = token(&world.stamper, at, signature);
        *token.last_mut().unwrap() ^= 1;
        token
    });
    one_fault(&report, &["TIME_STAMP TIME_STAMP_INVALID", "does not verify"]);
}

#[test]
fn authorities_that_are_none() {
    let world = World::sm2();
    let judge =
        |authority: &Party| world.judge(&stamped(&world, authority, "20260101000010Z", "20260601020010Z", SIGNED));
    // A certificate for something else.
    let report = judge(&world.other);
    assert_eq!(report.verdict, Verdict::Untrusted);
    assert!(faults(&report).iter().all(|f| f.starts_with("TIME_STAMP UNTRUSTED") && f.contains("is not timeStamping")));
    // Somebody else's root.
    let root = Party::root("Another Root", Key::sm2(70));
    let says = Says { serial: 1071, extended: Some(crate::lab::TIME_STAMPING), ..LEAF };
    let report = judge(&root.issue("Another Time", Key::sm2(71), &says));
    assert_eq!(report.verdict, Verdict::Untrusted);
    assert!(faults(&report).iter().all(|fault| fault.contains("no chain leads from")), "{:#?}", faults(&report));
}
