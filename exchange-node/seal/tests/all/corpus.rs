//! Own vectors, committed: what this release makes of them, every later one has to. `UPDATE_GOLDEN=1` adds the ones that
//! are missing and touches no other.

use std::{io::Cursor, path::PathBuf};

use exchange_seal::{
    Verdict,
    certificate::Certificate,
    crl::{Crl, Crls},
    ses::Seal,
    verify, verify_seal,
};

use crate::{
    basis, faults,
    lab::{
        NOW, SIGNED, World,
        pki::Only,
        seal::{Seal as Says, Signing, V1, V4, V5, signed_data},
    },
    pinned,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// What is committed; made and written where it is missing and that is asked for.
fn kept(name: &str, make: impl Fn() -> Vec<u8>) -> Vec<u8> {
    let path = folder().join(name);
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, make()).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDEN=1 makes it", path.display()))
}

/// A document with time stamps in seal and signature.
fn stamped(world: &World) -> Vec<u8> {
    let at = Some((&world.stamper, "20260101000010Z"));
    let seal = Says { stamp: at, ..Says::new(V5, &world.maker, &[&world.signer]) }.der();
    let mut document = world.blank();
    let property = document.next();
    let stamp = Some((&world.stamper, "20260601020010Z"));
    let signing = Signing { version: V5, seal: &seal, signer: &world.signer, at: SIGNED, property: &property, stamp };
    document.sign(Some(&seal), |description| signing.der(description));
    document.zip()
}

fn signed(world: &World) -> Vec<u8> {
    let mut document = world.blank();
    document.describes.kind = "Sign";
    document.sign(None, |description| {
        let digest = world.signer.key.digest().digest(description);
        let (kind, data) = ("1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.1");
        signed_data(&world.signer, kind, data, Some(&digest), false, &digest)
    });
    document.zip()
}

fn twice(world: &World) -> Vec<u8> {
    let mut document = world.sealed(V4);
    world.stamp(&mut document, V5, &world.seal(V5), &world.signer, SIGNED);
    document.zip()
}

fn altered(world: &World) -> Vec<u8> {
    let mut document = world.sealed(V4);
    document.replace("Doc_0/Pages/Page_0/Content.xml", "济南", "青岛");
    document.zip()
}

fn uncovered(world: &World) -> Vec<u8> {
    let mut document = world.sealed(V4);
    document.put("Doc_0/Pages/Page_1/Content.xml", b"<evil/>".to_vec());
    document.zip()
}

/// A way to make a document of the corpus.
type Make = fn(&World) -> Vec<u8>;

#[test]
fn a_document_without_signature() {
    let bytes = kept("unsigned.ofd", || {
        let mut document = crate::lab::document::Document::new();
        document.replace("OFD.xml", "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", "");
        document.zip()
    });
    let (anchors, crls) = Default::default();
    assert_eq!(verify(Cursor::new(bytes), &basis(&anchors, &crls, NOW)).verdict, Verdict::NotSigned);
}

#[test]
fn every_document_gives_its_verdict() {
    let documents: [(&str, Make, Verdict); 9] = [
        ("v1", |world| world.sealed(V1).zip(), Verdict::Valid),
        ("v4", |world| world.sealed(V4).zip(), Verdict::Valid),
        ("v5", |world| world.sealed(V5).zip(), Verdict::Valid),
        ("v5-time-stamps", stamped, Verdict::Valid),
        ("sign-gbt-35275", signed, Verdict::Valid),
        ("two-seals", twice, Verdict::Valid),
        ("altered", altered, Verdict::Altered),
        ("not-covered", uncovered, Verdict::NotCovered),
        ("blank", |world| world.blank().zip(), Verdict::Malformed),
    ];
    for (profile, world) in [("sm2", World::sm2()), ("ring", World::ed25519())] {
        let root = kept(&format!("{profile}-root.der"), || world.root.certificate.clone());
        let crl = kept(&format!("{profile}-root.crl"), || world.root.crl("400101000000Z", &[], Only::Everything));
        let (anchors, crls) = (pinned(&root), Crls::new(vec![Crl::parse(&crl).unwrap()]));
        for (name, make, verdict) in documents {
            let bytes = kept(&format!("{profile}-{name}.ofd"), || make(&world));
            let report = verify(Cursor::new(bytes), &basis(&anchors, &crls, NOW));
            assert_eq!(report.verdict, verdict, "{profile}-{name}: {:#?}", faults(&report));
        }
        for (version, name) in [(V1, "v1"), (V4, "v4"), (V5, "v5")] {
            let bytes = kept(&format!("{profile}-{name}.esl"), || world.seal(version));
            assert_eq!(verify_seal(&bytes, &basis(&anchors, &crls, NOW)).verdict, Verdict::Valid);
            assert_eq!(Seal::parse(&bytes).unwrap().der, bytes);
            // The lab still makes what it made, byte for byte.
            assert_eq!(bytes, world.seal(version), "{profile}-{name}");
        }
        assert!(Certificate::parse(&root).unwrap().is_ca);
    }
}
