//! Every verdict, each by one cause.

use exchange_core::chain::Instant;
use exchange_seal::{Verdict, certificate::Certificate, report::Step, verify};
use std::io::Cursor;

use crate::{
    basis, faults,
    lab::{
        NOW, SIGNED, World,
        pki::SM2_SM3,
        seal::{Seal, Signing, V1, V4, V5, signed_data},
    },
    one_fault, told,
};

#[test]
fn every_version_and_profile_is_valid() {
    for (world, profile) in [(World::sm2(), "sm2"), (World::ed25519(), "ed25519"), (World::p256(), "p256")] {
        for version in [V1, V4, V5] {
            let report = world.judge(&world.sealed(version));
            assert_eq!(report.verdict, Verdict::Valid, "{profile} v{version}: {:#?}", faults(&report));
            let seal = report.signatures[0].seal.as_ref().unwrap();
            assert_eq!(seal.is_national, profile == "sm2");
            let remarks = told(&report.signatures[0].steps, Step::Seal);
            assert_eq!(remarks.contains("not a GB/T 38540 seal"), profile != "sm2", "{remarks}");
        }
    }
}

#[test]
fn nothing_signed() {
    let mut document = World::sm2().blank();
    document.replace("OFD.xml", "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", "");
    let report = World::sm2().judge(&document);
    assert_eq!(report.verdict, Verdict::NotSigned);
    one_fault(&report, &["PACKAGE NOT_SIGNED"]);
}

#[test]
fn period_of_the_seal_at_the_time_of_signing() {
    let world = World::sm2();
    for (from, to, verdict) in [
        ("20260101000000Z", "20260601010000Z", Verdict::SealExpired),
        ("20260601030000Z", "20360101000000Z", Verdict::SealNotYetValid),
    ] {
        let seal = Seal { from, to, ..Seal::new(V4, &world.maker, &[&world.signer]) }.der();
        let mut document = world.blank();
        world.stamp(&mut document, V4, &seal, &world.signer, SIGNED);
        let report = world.judge(&document);
        assert_eq!(report.verdict, verdict);
        one_fault(&report, &["SEAL ", "was used at 2026-06-01T02:00:00Z"]);
    }
    let seal = Seal { created: "20260601030000Z", ..Seal::new(V4, &world.maker, &[&world.signer]) }.der();
    let mut document = world.blank();
    world.stamp(&mut document, V4, &seal, &world.signer, SIGNED);
    one_fault(&world.judge(&document), &["SEAL SEAL_NOT_YET_VALID", "was made at 2026-06-01T03:00:00Z"]);
}

#[test]
fn a_seal_that_expired_since_is_a_remark() {
    let world = World::sm2();
    let report = world.judge_by(&world.sealed(V4), &world.crls(), "20370101000000Z");
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
    assert!(told(&report.signatures[0].steps, Step::Seal).contains("~ the seal has expired since"));
}

#[test]
fn signer_that_is_not_listed() {
    let world = World::sm2();
    let mut document = world.blank();
    world.stamp(&mut document, V4, &world.seal(V4), &world.other, SIGNED);
    let report = world.judge(&document);
    assert_eq!(report.verdict, Verdict::SignerNotListed);
    one_fault(&report, &["SIGNATURE SIGNER_NOT_LISTED", "Lab Other Signer"]);
    // By digest.
    let listed = Seal { digests: true, ..Seal::new(V4, &world.maker, &[&world.other, &world.signer]) }.der();
    let mut document = world.blank();
    world.stamp(&mut document, V4, &listed, &world.signer, SIGNED);
    assert_eq!(world.judge(&document).verdict, Verdict::Valid);
    let mut document = world.blank();
    world.stamp(&mut document, V4, &listed, &world.maker, SIGNED);
    one_fault(&world.judge(&document), &["SIGNER_NOT_LISTED"]);
}

#[test]
fn seal_by_somebody_else_and_certificates_swapped() {
    let world = World::sm2();
    // A seal whose maker's certificate is swapped: v1 signs it too, v4 and v5 do not, none must pass.
    for version in [V1, V4, V5] {
        let seal = Seal::new(version, &world.maker, &[&world.signer]).der();
        let swapped = swap(&seal, &world.maker.certificate, &world.other.certificate);
        let mut document = world.blank();
        let at = if version == V1 { "2026-06-01 10:00:00" } else { SIGNED };
        world.stamp(&mut document, version, &swapped, &world.signer, at);
        one_fault(&world.judge(&document), &["SEAL SEAL_INVALID", "Lab Other Signer"]);
    }
    // The signer's certificate swapped for one that the seal lists too.
    let seal = Seal::new(V4, &world.maker, &[&world.signer, &world.other]).der();
    let property = "/Doc_0/Signs/Sign_0/Signature.xml";
    let mut document = world.blank();
    document.sign(Some(&seal), |description| {
        let signing = Signing { version: V4, seal: &seal, signer: &world.signer, at: SIGNED, property, stamp: None };
        let value = signing.der(description);
        swap_last(&value, &world.signer.certificate, &world.other.certificate)
    });
    one_fault(&world.judge(&document), &["SIGNATURE SIGNATURE_INVALID", "Lab Other Signer"]);
}

/// Both certificates have one length, so that no length around them changes.
fn swap(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    splice(der, at, from.len(), to)
}

fn swap_last(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der.windows(from.len()).rposition(|window| window == from).unwrap();
    splice(der, at, from.len(), to)
}

/// Replaces bytes and mends every length of a SEQUENCE around them; only used with equal forms of length.
fn splice(der: &[u8], at: usize, length: usize, to: &[u8]) -> Vec<u8> {
    let mut out = der.to_vec();
    out.splice(at..at + length, to.iter().copied());
    let change = to.len() as isize - length as isize;
    let mut open = vec![(0, der.len())];
    while let Some((start, _)) = open.pop() {
        // 0x30 0x82 hi lo, 0x04 0x82 hi lo: the forms around a certificate.
        if der[start + 1] != 0x82 {
            continue;
        }
        let content = usize::from(der[start + 2]) << 8 | usize::from(der[start + 3]);
        let (from, end) = (start + 4, start + 4 + content);
        if at < from || at + length > end {
            continue;
        }
        let mended = (content as isize + change) as usize;
        out[start + 2] = (mended >> 8) as u8;
        out[start + 3] = mended as u8;
        if from == at || der[start] == 0x04 {
            break;
        }
        let mut child = from;
        while child < end {
            let size = size_of(&der[child..]);
            if (child..child + size).contains(&at) {
                open.push((child, size));
                break;
            }
            child += size;
        }
    }
    out
}

fn size_of(der: &[u8]) -> usize {
    match der[1] {
        0x81 => 3 + usize::from(der[2]),
        0x82 => 4 + (usize::from(der[2]) << 8 | usize::from(der[3])),
        short => 2 + usize::from(short),
    }
}

#[test]
fn a_document_changed_and_a_signature_from_elsewhere() {
    let world = World::sm2();
    let good = world.sealed(V4);
    let mut changed = good.clone();
    changed.replace("Doc_0/Pages/Page_0/Content.xml", "济南某某", "青岛某某");
    one_fault(&world.judge(&changed), &["REFERENCES ALTERED /Doc_0/Pages/Page_0/Content.xml is not what was signed"]);
    let mut gone = good.clone();
    gone.files.retain(|(name, _)| name != "Doc_0/Pages/Page_0/Content.xml");
    one_fault(&world.judge(&gone), &["REFERENCES ALTERED", "Content.xml is missing"]);
    let mut more = good.clone();
    more.put("Doc_0/Pages/Page_1/Content.xml", b"<evil/>".to_vec());
    let report = world.judge(&more);
    assert_eq!(report.verdict, Verdict::NotCovered);
    one_fault(&report, &["REFERENCES NOT_COVERED not covered: Doc_0/Pages/Page_1/Content.xml"]);
    // The signature of another document of the same form.
    let mut another = world.blank();
    another.replace("Doc_0/Pages/Page_0/Content.xml", "济南某某", "青岛某某");
    world.stamp(&mut another, V4, &world.seal(V4), &world.signer, SIGNED);
    assert_eq!(world.judge(&another).verdict, Verdict::Valid);
    let value = "Doc_0/Signs/Sign_0/SignedValue.dat";
    another.put(value, good.get(value).to_vec());
    one_fault(&world.judge(&another), &["SIGNATURE ALTERED", "Signature.xml is not what was signed"]);
    // Signature.xml with it: then the files are not what it says.
    let description = "Doc_0/Signs/Sign_0/Signature.xml";
    another.put(description, good.get(description).to_vec());
    one_fault(&world.judge(&another), &["REFERENCES ALTERED", "Content.xml is not what was signed"]);
}

#[test]
fn a_seal_file_that_is_another_seal() {
    let world = World::sm2();
    let mut document = world.blank();
    document.describes.without = vec!["Doc_0/Signs/Sign_0/Seal.esl"];
    world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
    // Not covered by a digest, but equal to the seal inside of the signature.
    assert_eq!(world.judge(&document).verdict, Verdict::Valid);
    let another = Seal::new(V4, &world.maker, &[&world.other]).der();
    document.put("Doc_0/Signs/Sign_0/Seal.esl", another);
    let report = world.judge(&document);
    assert_eq!(report.verdict, Verdict::Altered);
    assert!(faults(&report)[0].contains("Seal.esl is another seal than the one put on"), "{:#?}", faults(&report));
}

#[test]
fn a_signature_that_was_moved() {
    let world = World::sm2();
    let mut document = world.blank();
    let seal = world.seal(V4);
    document.sign(Some(&seal), |description| {
        let property = "/Doc_0/Signs/Sign_7/Signature.xml";
        let signer = &world.signer;
        Signing { version: V4, seal: &seal, signer, at: SIGNED, property, stamp: None }.der(description)
    });
    let path = "made for /Doc_0/Signs/Sign_7/Signature.xml, and stands at Doc_0/Signs/Sign_0/Signature.xml";
    one_fault(&world.judge(&document), &["SIGNATURE ALTERED", path]);
}

#[test]
fn several_signatures_each_by_itself() {
    let world = World::sm2();
    let mut document = world.sealed(V4);
    world.stamp(&mut document, V5, &world.seal(V5), &world.signer, SIGNED);
    let report = world.judge(&document);
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
    assert_eq!(report.signatures.len(), 2);
    // The second by somebody whom the seal does not list: the first stays valid, the document does not.
    let mut document = world.sealed(V4);
    world.stamp(&mut document, V4, &world.seal(V4), &world.other, SIGNED);
    let report = world.judge(&document);
    let each: Vec<Verdict> = report.signatures.iter().map(|signature| signature.verdict).collect();
    assert_eq!(each, [Verdict::Valid, Verdict::SignerNotListed]);
    assert_eq!(report.verdict, Verdict::SignerNotListed);
    // Whatever a second seal does, the first still covers the pages.
    document.replace("Doc_0/Pages/Page_0/Content.xml", "济南", "青岛");
    let report = world.judge(&document);
    assert!(report.signatures.iter().all(|signature| signature.verdict == Verdict::Altered));
}

#[test]
fn the_list_covered_too() {
    let world = World::sm2();
    let mut document = world.blank();
    document.describes.whole = true;
    world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
    let report = world.judge(&document);
    assert_eq!(report.verdict, Verdict::Valid);
    assert!(!told(&report.signatures[0].steps, Step::References).contains("is not covered"));
    document.describes.whole = false;
    world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
    let report = world.judge(&document);
    assert_eq!(report.signatures[0].verdict, Verdict::Altered);
    assert_eq!(report.signatures[1].verdict, Verdict::Valid);
}

#[test]
fn paths_and_prefixes_as_others_write_them() {
    let world = World::sm2();
    for prefix in ["ofd:", "", "gov:"] {
        for relative in [false, true] {
            let mut document = world.blank();
            document.describes.prefix = prefix;
            document.describes.relative = relative;
            world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
            let report = world.judge(&document);
            assert_eq!(report.verdict, Verdict::Valid, "{prefix} {relative}: {:#?}", faults(&report));
        }
    }
    // Stored under another case than named.
    let mut document = world.sealed(V4);
    for (name, _) in &mut document.files {
        *name = name.replace("Pages/Page_0", "PAGES/page_0");
    }
    let report = world.judge(&document);
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
    let told = told(&report.signatures[0].steps, Step::References);
    assert!(told.contains("~ /Doc_0/Pages/Page_0/Content.xml is stored as Doc_0/PAGES/page_0/Content.xml"), "{told}");
}

#[test]
fn algorithms_that_do_not_agree_or_are_not_judged() {
    let world = World::sm2();
    for (method, check, parts) in [
        ("1.2.840.10045.4.3.2", "SM3", ["SIGNATURE ALTERED", "SignatureMethod says ECDSA P-256 with SHA-256"]),
        ("1.2.840.113549.1.1.5", "SM3", ["SIGNATURE UNSUPPORTED", "1.2.840.113549.1.1.5"]),
        (SM2_SM3, "MD5", ["REFERENCES UNSUPPORTED", "MD5"]),
        (SM2_SM3, "SHA1", ["REFERENCES UNSUPPORTED", "SHA1"]),
    ] {
        let mut document = world.blank();
        document.describes.method = method.to_owned();
        document.describes.check = check;
        world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
        one_fault(&world.judge(&document), &parts);
    }
    let mut document = world.blank();
    let seal = Seal { critical: true, ..Seal::new(V4, &world.maker, &[&world.signer]) }.der();
    world.stamp(&mut document, V4, &seal, &world.signer, SIGNED);
    one_fault(&world.judge(&document), &["SEAL UNSUPPORTED", "critical extension 1.2.3.4"]);
}

#[test]
fn times() {
    let world = World::sm2();
    let mut document = world.blank();
    world.stamp(&mut document, V4, &world.seal(V4), &world.signer, "20261126000000Z");
    let report = world.judge(&document);
    one_fault(&report, &["SIGNATURE TIME_INVALID", "2026-11-26T00:00:00Z"]);
    // One moment in four forms; the last is another moment, and one is none at all.
    for (written, remark) in [
        ("20260601100000", ""),
        ("2026-06-01 10:00:00", ""),
        ("20260601020000.302Z", ""),
        ("20260601020000Z", ""),
        ("20260601100000Z", "SignatureDateTime is 2026-06-01T10:00:00Z, the signed time is 2026-06-01T02:00:00Z"),
        ("gestern", "SignatureDateTime \"gestern\" is not read"),
    ] {
        let mut document = world.blank();
        document.describes.time = written;
        world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
        let report = world.judge(&document);
        assert_eq!(report.verdict, Verdict::Valid, "{written}");
        assert_eq!(report.signatures[0].signed_at, Some(Instant(1_780_279_200_000)));
        let told = told(&report.signatures[0].steps, Step::Signature);
        assert_eq!(told.contains("SignatureDateTime"), !remark.is_empty(), "{told}");
        assert!(told.contains(remark), "{told}");
    }
}

#[test]
fn signatures_without_a_seal() {
    let world = World::sm2();
    let (anchors, crls) = (world.anchors(), world.crls());
    let known =
        [world.other.certificate.as_slice(), &world.signer.certificate].map(|der| Certificate::parse(der).unwrap());
    let bare = |signers: &[Certificate]| {
        let mut document = world.blank();
        document.describes.kind = "Sign";
        document.sign(None, |description| world.signer.key.sign(description));
        let mut basis = basis(&anchors, &crls, NOW);
        basis.signers = signers;
        verify(Cursor::new(document.zip()), &basis)
    };
    let report = bare(&known);
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
    assert_eq!(report.signatures[0].signer.as_deref(), Some("CN=Lab Signer"));
    one_fault(&bare(&known[..1]), &["SIGNATURE SIGNATURE_INVALID", "none of the 1 signers"]);
    one_fault(&bare(&[]), &["SIGNATURE UNTRUSTED", "no signer was given"]);

    // Signed data: the digest inside (GB/T 35275), nothing inside, attributes over either.
    let (gm, data) = ("1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.1");
    for (inside, attributes) in [(true, false), (true, true), (false, true)] {
        let mut document = world.blank();
        document.describes.kind = "Sign";
        let signer = &world.signer;
        document.sign(None, |description| {
            let digest = signer.key.digest().digest(description);
            if inside {
                signed_data(signer, gm, data, Some(&digest), attributes, &digest)
            } else {
                signed_data(signer, gm, data, None, attributes, description)
            }
        });
        let report = world.judge(&document);
        assert_eq!(report.verdict, Verdict::Valid, "{inside} {attributes}: {:#?}", faults(&report));
        document.replace("Doc_0/Signs/Sign_0/Signature.xml", "lab", "bal");
        let verdict = world.judge(&document).verdict;
        let expected = if inside { Verdict::Altered } else { Verdict::SignatureInvalid };
        assert_eq!(verdict, expected, "{inside} {attributes}");
    }
    // A seal signature that is passed off as one without a seal, and the other way round.
    let mut document = world.sealed(V4);
    document.replace("Doc_0/Signs/Signatures.xml", r#"Type="Seal""#, r#"Type="Sign""#);
    assert_ne!(world.judge(&document).verdict, Verdict::Valid);
    let mut document = world.blank();
    document.sign(None, |description| world.signer.key.sign(description));
    one_fault(&world.judge(&document), &["STRUCTURE MALFORMED", "SignedValue.dat"]);
}
