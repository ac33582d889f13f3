//! What is not made, and why.

use std::io::Cursor;

use exchange_seal::{
    algorithm::Algorithm,
    make::{Error, Place, SealTerms, Stamp, seal, stamp},
    ses::{Extension, Picture, Seal, SignerList, Version},
};
use ring::rand::SystemRandom;

use super::{Makers, PLACE, SIGNED, stamp_with, unsigned};
use crate::{
    at,
    lab::document::{Document, pack},
};

#[test]
fn terms_that_no_seal_can_say() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let good = makers.terms(Version::V4);
    let picture = |picture: Picture| SealTerms { picture, ..good.clone() };
    let extension = Extension { id: der::asn1::ObjectIdentifier::new_unwrap("1.2.3"), critical: true, value: vec![1] };
    let flat = Picture { width_mm: 0, ..good.picture.clone() };
    let large = Picture { data: vec![0; 4 * 1024 * 1024 + 1], ..good.picture.clone() };
    for (terms, reason) in [
        (SealTerms { version: Version::V1, ..good.clone() }, "GM/T 0031-2014 is only read"),
        (SealTerms { signers: SignerList::Certificates(Vec::new()), ..good.clone() }, "0 signers; 1 to 512 are read"),
        (SealTerms { signers: SignerList::Certificates(vec![vec![0x30]; 513]), ..good.clone() }, "513 signers"),
        (SealTerms { valid_to: at("20250101000000Z"), ..good.clone() }, "its period ends before it begins"),
        (SealTerms { id: "印章".to_owned(), ..good.clone() }, "IA5String"),
        (SealTerms { extensions: vec![extension], ..good.clone() }, "critical extension 1.2.3"),
        (picture(flat), "its picture has no size"),
        (picture(large), "picture.data: 4194305 bytes; at most 4194304 are read"),
        (
            SealTerms { created: at("20500101000000Z"), valid_to: at("20600101000000Z"), ..good.clone() },
            "CN=Maker\" counts from",
        ),
    ] {
        let error = seal(&terms, &makers.maker, &SystemRandom::new()).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
}

#[test]
fn seals_that_are_not_put_on() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let made = makers.seal(Version::V4);
    let package = unsigned().zip();
    let refused = |order: Stamp<'_>, reason: &str| {
        let error = stamp_with(&package, &order).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    };
    let order = makers.order(&made, &makers.signer, &[PLACE]);
    refused(Stamp { at: at("20251231235959Z"), ..order }, "the seal counts from 2026-01-01T00:00:00Z to");
    refused(Stamp { at: at("20360101000001Z"), ..order }, "and the time is 2036-01-01T00:00:01Z");
    refused(Stamp { signer: &makers.maker, ..order }, "does not list the signer \"CN=Maker\"");
    refused(Stamp { seal: b"none", ..order }, "the seal cannot be used: SESeal");
    refused(Stamp { document: 1, ..order }, "1 documents, and number 1 is asked for");
    let v1 = crate::lab::World::sm2().seal(crate::lab::seal::V1);
    refused(Stamp { seal: &v1, ..order }, "seals of GM/T 0031-2014 are only read");
    let mut altered = made.clone();
    let name = altered.windows(3).position(|window| window == "济".as_bytes()).unwrap();
    altered[name + 2] ^= 1;
    assert!(Seal::parse(&altered).is_ok());
    refused(Stamp { seal: &altered, ..order }, "the SM2 with SM3 signature does not verify");
    // The seal lasts longer than its signer's certificate, which ends with 2043.
    let long = SealTerms { valid_to: at("20600101000000Z"), ..makers.terms(Version::V4) };
    let long = seal(&long, &makers.maker, &SystemRandom::new()).unwrap();
    refused(Stamp { seal: &long, at: at("20500101000000Z"), ..order }, "the certificate \"CN=Signer\" counts from");
}

#[test]
fn places_that_are_on_no_page() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let made = makers.seal(Version::V4);
    let package = unsigned().zip();
    let off = "not on page 1, which has 210 x 297 mm";
    for (places, reason) in [
        (vec![], "0 places; 1 to 1024 are needed"),
        (vec![PLACE; 1025], "1025 places"),
        (vec![Place { page: 0, ..PLACE }], "there is no page 0; the document has 1"),
        (vec![PLACE, Place { page: 2, ..PLACE }], "there is no page 2"),
        (vec![Place { x_mm: 210.0, ..PLACE }], off),
        (vec![Place { y_mm: -40.0, ..PLACE }], off),
        (vec![Place { width_mm: 0.0, ..PLACE }], "the last two above 0"),
        (vec![Place { x_mm: f64::NAN, ..PLACE }], "numbers of millimetres"),
    ] {
        let error = stamp_with(&package, &makers.order(&made, &makers.signer, &places)).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    let two = [PLACE, Place { x_mm: 200.0, y_mm: 0.25, ..PLACE }];
    let (out, _) = stamp_with(&package, &makers.order(&made, &makers.signer, &two)).unwrap();
    assert_eq!(makers.judge(&out).signatures[0].places[1].boundary_mm, "200 0.25 40 40");
}

#[test]
fn a_document_that_is_closed_by_its_signature() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let world = crate::lab::World::sm2();
    let mut whole = world.blank();
    whole.describes.whole = true;
    world.stamp(&mut whole, 4, &world.seal(4), &world.signer, SIGNED);
    let error = makers.stamp(&whole.zip(), &makers.seal(Version::V4), &makers.signer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "signature 1 covers Doc_0/Signs/Signatures.xml, which a further signature changes: it would no longer be valid"
    );
}

#[test]
fn documents_that_cannot_be_stamped() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let made = makers.seal(Version::V4);
    let refused = |package: &[u8], reason: &str| {
        let error = makers.stamp(package, &made, &makers.signer).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    };
    refused(b"no archive", "not a sound ZIP archive");
    let mut beside = unsigned();
    beside.put("Doc_0/Signs/Signatures.xml", b"<x/>".to_vec());
    refused(&beside.zip(), "Doc_0/Signs/Signatures.xml is there and not named");
    let mut empty = Document::new();
    refused(&empty.zip(), "Doc_0/Signs/Signatures.xml is missing");
    empty.replace("OFD.xml", "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", "<ofd:Signatures/>");
    refused(&empty.zip(), "a place for signatures cannot be added to it");
    let mut pageless = unsigned();
    pageless.replace("Doc_0/Document.xml", "ofd:Pages>", "ofd:Leaves>");
    refused(&pageless.zip(), "Document has no Pages");
    let mut chinese = unsigned();
    chinese.replace("OFD.xml", "Doc_0/Document.xml", "文档/Document.xml");
    let moved = chinese.files.iter().map(|(name, content)| (name.replace("Doc_0", "文档"), content.clone()));
    refused(&pack(&moved.collect::<Vec<_>>()), "it has to be ASCII");
    let limits = exchange_seal::Limits { entries: 6, ..exchange_seal::Limits::DEFAULT };
    let order = Stamp { limits, ..makers.order(&made, &makers.signer, &[PLACE]) };
    let error = stamp_with(&unsigned().zip(), &order).unwrap_err();
    assert_eq!(error.to_string(), "entries of the package: 7; at most 6 is read");
}

#[test]
fn a_seal_that_would_be_one_too_many() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let made = makers.seal(Version::V4);
    let (one, _) = makers.stamp(&unsigned().zip(), &made, &makers.signer).unwrap();
    let most = exchange_seal::Limits::DEFAULT;
    for (limits, reason) in [
        (exchange_seal::Limits { signatures: 1, ..most }, "signatures of the package: 2; at most 1 is read"),
        (exchange_seal::Limits { all_places: 1, ..most }, "places of all seals of the package: 2; at most 1 is read"),
        (exchange_seal::Limits { described_bytes: 2000, ..most }, "all descriptions of signatures in bytes"),
        (exchange_seal::Limits { places: 0, ..most }, "1 places; 1 to 0 are needed"),
        (
            exchange_seal::Limits { references: 5, ..most },
            "references of Doc_0/Signs/Sign_1/Signature.xml: 6; at most 5",
        ),
    ] {
        let order = Stamp { limits, ..makers.order(&made, &makers.signer, &[PLACE]) };
        let error = stamp_with(&one, &order).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    // As many as may be are judged by the same limits.
    let limits = exchange_seal::Limits { signatures: 2, all_places: 2, places: 1, references: 7, ..most };
    let order = Stamp { limits, ..makers.order(&made, &makers.signer, &[PLACE]) };
    let (two, _) = stamp_with(&one, &order).unwrap();
    let mut basis = crate::basis(&makers.anchors, &makers.crls, crate::lab::NOW);
    basis.limits = limits;
    assert_eq!(exchange_seal::verify(Cursor::new(&two), &basis).verdict, exchange_seal::Verdict::Valid);
}

/// A writer that is full after some bytes, and may not be written to again.
struct Full {
    room: usize,
    failed: bool,
}

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        assert!(!self.failed, "written to after it failed");
        self.failed = self.room < bytes.len();
        self.room = self.room.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_wherever_it_comes() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let made = makers.seal(Version::V4);
    let order = makers.order(&made, &makers.signer, &[PLACE]);
    let package = unsigned().zip();
    let whole = stamp_with(&package, &order).unwrap().0.len();
    for room in (0..whole).step_by(97) {
        let error =
            stamp(Cursor::new(&package), Full { room, failed: false }, &order, &SystemRandom::new()).unwrap_err();
        assert!(matches!(error, Error::Write(_)), "{room}: {error}");
    }
}
