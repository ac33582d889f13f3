//! Whatever is done to a file: a step and a reason, never a panic, and never valid unless nothing that counts was changed.
//!
//! The bases are documents in which everything holds, so that each change alone has to be noticed. Ed25519 is quick enough
//! for every byte; SM2 takes a sample. Failing cases of the random ones are printed by proptest.

use std::io::{Cursor, Read};

use exchange_seal::{
    Report, Verdict,
    certificate::Certificate,
    crl::Crl,
    ses::{Seal, SealSignature},
    verify, verify_seal,
};
use proptest::prelude::*;

use crate::{
    basis, faults,
    lab::{
        NOW, World,
        document::{Document, LIST, pack},
        pki::Only,
        seal::{V1, V4, V5, token},
    },
    vector,
};

const VALUE: &str = "Doc_0/Signs/Sign_0/SignedValue.dat";
const SEAL: &str = "Doc_0/Signs/Sign_0/Seal.esl";

/// Not valid, and it says where and why.
fn refused(report: &Report, what: &str) {
    let faults = faults(report);
    assert_ne!(report.verdict, Verdict::Valid, "{what}");
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.len() > 20), "{what}: {faults:#?}");
}

/// One bit of every byte, the eight in turn.
fn flips(bytes: &[u8], step: usize) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).step_by(step).map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (at, flipped)
    })
}

fn with(document: &Document, name: &str, content: Vec<u8>) -> Document {
    let mut changed = document.clone();
    changed.put(name, content);
    changed
}

#[test]
fn every_byte_of_a_seal_signature() {
    let world = World::ed25519();
    // The three have most of their fields in common.
    for (version, step) in [(V1, 5), (V4, 1), (V5, 7)] {
        let document = world.sealed(version);
        assert_eq!(world.judge(&document).verdict, Verdict::Valid);
        for (at, flipped) in flips(document.get(VALUE), step) {
            let report = world.judge(&with(&document, VALUE, flipped));
            refused(&report, &format!("v{version}, byte {at} of the signature"));
        }
    }
    let world = World::sm2();
    let document = world.sealed(V4);
    for (at, flipped) in flips(document.get(VALUE), 41) {
        refused(&world.judge(&with(&document, VALUE, flipped)), &format!("sm2, byte {at} of the signature"));
    }
}

#[test]
fn every_byte_of_every_file() {
    let world = World::ed25519();
    let document = world.sealed(V5);
    for (name, content) in document.files.iter().filter(|(name, _)| name != VALUE && name != SEAL) {
        for (at, flipped) in flips(content, 3) {
            let report = world.judge(&with(&document, name, flipped));
            // The list of signatures is not covered: a change in it may change nothing that counts.
            if name == LIST && report.verdict == Verdict::Valid {
                assert_eq!(report.signatures.len(), 1);
                continue;
            }
            if name == LIST && report.verdict == Verdict::NotSigned {
                continue;
            }
            refused(&report, &format!("byte {at} of {name}"));
        }
    }
}

#[test]
fn every_byte_of_the_package() {
    let world = World::ed25519();
    let document = world.sealed(V5);
    let bytes = document.zip();
    for (at, flipped) in flips(&bytes, 2) {
        unless_the_same(&world, &document, flipped, &format!("byte {at} of the package"));
    }
    for length in (0..bytes.len()).step_by(7) {
        refused(&world.judge_bytes(bytes[..length].to_vec()), &format!("the first {length} bytes of the package"));
    }
}

/// Times and attributes of a ZIP entry are no content: where only they changed, the document is the same.
fn unless_the_same(world: &World, document: &Document, bytes: Vec<u8>, what: &str) {
    let report = world.judge_bytes(bytes.clone());
    if report.verdict != Verdict::Valid {
        return refused(&report, what);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    assert_eq!(archive.len(), document.files.len(), "{what}");
    for (name, content) in &document.files {
        let mut found = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut found).unwrap();
        // The list of signatures is not covered.
        assert!(name == LIST || found == *content, "{what} changed {name} and is valid");
    }
}

#[test]
fn every_beginning_of_a_seal_and_a_signature() {
    let world = World::ed25519();
    for version in [V1, V4, V5] {
        let document = world.sealed(version);
        let (value, seal) = (document.get(VALUE), document.get(SEAL));
        for length in 0..value.len() {
            assert!(SealSignature::parse(&value[..length]).is_err(), "v{version}, the first {length}");
        }
        for length in 0..seal.len() {
            assert!(Seal::parse(&seal[..length]).is_err(), "v{version}, the first {length}");
        }
        assert!(SealSignature::parse(&[value, &[0]].concat()).is_err());
        assert!(Seal::parse(&[seal, &[0]].concat()).is_err());
    }
}

/// Every DER in which two neighbours were exchanged, at any depth of SEQUENCE, SET and context tags.
fn reordered(der: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let whole = 0..der.len();
    let mut open = Vec::from([whole]);
    while let Some(range) = open.pop() {
        let parts = children(der, range);
        for pair in parts.windows(2) {
            let (a, b) = (&der[pair[0].clone()], &der[pair[1].clone()]);
            if a != b {
                all.push([&der[..pair[0].start], b, a, &der[pair[1].end..]].concat());
            }
        }
        for part in parts {
            if der[part.start] & 0x20 != 0 {
                let header =
                    2 + if der[part.start + 1] & 0x80 == 0 { 0 } else { usize::from(der[part.start + 1] & 0x7f) };
                open.push(part.start + header..part.end);
            }
        }
    }
    all
}

fn children(der: &[u8], range: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut parts) = (range.start, Vec::new());
    while at < range.end {
        let first = usize::from(der[at + 1]);
        let count = if first & 0x80 == 0 { 0 } else { first & 0x7f };
        let length = if count == 0 {
            first
        } else {
            der[at + 2..at + 2 + count].iter().fold(0, |n, b| n << 8 | usize::from(*b))
        };
        parts.push(at..at + 2 + count + length);
        at += 2 + count + length;
    }
    parts
}

#[test]
fn every_two_neighbours_exchanged() {
    let world = World::ed25519();
    for version in [V1, V4, V5] {
        let document = world.sealed(version);
        let all = reordered(document.get(VALUE));
        assert!(all.len() > 20, "{}", all.len());
        for value in all {
            refused(&world.judge(&with(&document, VALUE, value)), &format!("v{version}, reordered"));
        }
    }
}

#[test]
fn every_byte_of_a_seal_alone() {
    let world = World::ed25519();
    let (anchors, crls) = (world.anchors(), world.crls());
    for version in [V1, V4, V5] {
        let seal = world.seal(version);
        assert_eq!(verify_seal(&seal, &basis(&anchors, &crls, NOW)).verdict, Verdict::Valid);
        for (at, flipped) in flips(&seal, 1) {
            let report = verify_seal(&flipped, &basis(&anchors, &crls, NOW));
            assert_ne!(report.verdict, Verdict::Valid, "v{version}, byte {at}");
        }
    }
}

#[test]
fn every_byte_of_what_others_made() {
    let (anchors, crls) = Default::default();
    for file in ["v4signed.ofd", "SESV4SignDoc.ofd", "DigitalSign.ofd", "namespace_no_std.ofd"] {
        let Some(bytes) = vector(&format!("ses/{file}")) else { return };
        for (_, flipped) in flips(&bytes, bytes.len() / 300) {
            refused(&verify(Cursor::new(flipped), &basis(&anchors, &crls, NOW)), file);
        }
        for length in (0..bytes.len()).step_by(bytes.len() / 50) {
            refused(&verify(Cursor::new(&bytes[..length]), &basis(&anchors, &crls, NOW)), file);
        }
    }
    for file in ["UserV1.esl", "UserV4.esl", "UserV5.esl", "SESealData.DER"] {
        let bytes = vector(&format!("ses/{file}")).unwrap();
        for (at, flipped) in flips(&bytes, 97) {
            let report = verify_seal(&flipped, &basis(&anchors, &crls, "20210101000000Z"));
            assert_ne!(report.verdict, Verdict::Valid, "{file}, byte {at}");
            // Nothing of it is believed where the maker's signature is gone.
            let all: Vec<_> = report.steps.iter().flat_map(|step| &step.findings).collect();
            assert!(all.iter().any(|finding| matches!(finding.outcome, exchange_seal::Outcome::Fails(_))), "{file}");
        }
    }
}

/// A change to some bytes: others in their place, more, or fewer.
#[derive(Debug, Clone)]
struct Splice {
    at: prop::sample::Index,
    length: usize,
    bytes: Vec<u8>,
}

impl Splice {
    fn apply(&self, to: &mut Vec<u8>) {
        let at = self.at.index(to.len() + 1);
        let end = (at + self.length).min(to.len());
        to.splice(at..end, self.bytes.iter().copied());
    }
}

fn splices() -> impl Strategy<Value = Vec<Splice>> {
    let bytes = prop::collection::vec(prop_oneof![any::<u8>(), Just(0x30), Just(0x82), Just(0xff), Just(0)], 0..12);
    let one =
        (any::<prop::sample::Index>(), 0..12_usize, bytes).prop_map(|(at, length, bytes)| Splice { at, length, bytes });
    prop::collection::vec(one, 1..4)
}

thread_local! {
    static WORLD: World = World::ed25519();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Seal::parse(&bytes).is_err());
        prop_assert!(SealSignature::parse(&bytes).is_err());
        prop_assert!(Certificate::parse(&bytes).is_err());
        prop_assert!(Crl::parse(&bytes).is_err());
        let (anchors, crls) = Default::default();
        prop_assert_eq!(verify(Cursor::new(bytes), &basis(&anchors, &crls, NOW)).verdict, Verdict::Malformed);
    }

    #[test]
    fn any_change_of_the_signature(splices in splices()) {
        WORLD.with(|world| {
            let document = world.sealed(V5);
            let mut value = document.get(VALUE).to_vec();
            splices.iter().for_each(|splice| splice.apply(&mut value));
            if value != document.get(VALUE) {
                refused(&world.judge(&with(&document, VALUE, value)), "spliced");
            }
        });
    }

    #[test]
    fn any_change_of_any_file(splices in splices(), file in any::<prop::sample::Index>()) {
        WORLD.with(|world| {
            let document = world.sealed(V5);
            let (name, content) = file.get(&document.files);
            let mut changed = content.clone();
            splices.iter().for_each(|splice| splice.apply(&mut changed));
            let report = world.judge(&with(&document, name, changed.clone()));
            if changed != *content && name != LIST {
                refused(&report, name);
            }
        });
    }

    #[test]
    fn any_change_of_the_package(splices in splices()) {
        WORLD.with(|world| {
            let document = world.sealed(V5);
            let mut bytes = pack(&document.files);
            splices.iter().for_each(|splice| splice.apply(&mut bytes));
            unless_the_same(world, &document, bytes, "spliced package");
        });
    }

    #[test]
    fn any_change_of_a_time_stamp(splices in splices()) {
        WORLD.with(|world| {
            let seal = world.seal(V5);
            let mut document = world.blank();
            let property = document.next();
            let signing = crate::lab::seal::Signing {
                version: V5, seal: &seal, signer: &world.signer, at: crate::lab::SIGNED, property: &property, stamp: None,
            };
            let mut same = false;
            let same_ref = std::cell::RefCell::new(&mut same);
            document.sign(Some(&seal), |description| signing.with_token(description, |signature| {
                let good = token(&world.stamper, "20260601020010Z", signature);
                let mut changed = good.clone();
                splices.iter().for_each(|splice| splice.apply(&mut changed));
                **same_ref.borrow_mut() = good == changed;
                changed
            }));
            if !same {
                refused(&world.judge(&document), "spliced token");
            }
        });
    }

    #[test]
    fn any_change_of_a_crl(splices in splices()) {
        WORLD.with(|world| {
            let good = world.root.crl("400101000000Z", &[(1002, "20260501000000Z", 1)], Only::Everything);
            let mut changed = good.clone();
            splices.iter().for_each(|splice| splice.apply(&mut changed));
            // A changed CRL is no CRL, or nobody's: the signer that it withdraws is not valid either way.
            if let Ok(crl) = Crl::parse(&changed) {
                let crls = exchange_seal::crl::Crls::new(vec![crl]);
                let expected = if changed == good { Verdict::Revoked } else { Verdict::RevocationUnknown };
                assert_eq!(world.judge_by(&world.sealed(V4), &crls, NOW).verdict, expected);
            }
        });
    }
}
