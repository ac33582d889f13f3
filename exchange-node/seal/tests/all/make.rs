//! What is made here is valid here, and only that.

mod refused;

use std::io::Cursor;

use exchange_seal::{
    Anchors, Report, Step, Verdict,
    algorithm::Algorithm,
    certificate::Certificate,
    crl::{Crl, Crls},
    make::{Credential, Error, Place, PrivateKey, SealTerms, Stamp, Stamped, seal, stamp},
    ses::{Picture, SealSignature, SignerList, Version},
    verify, verify_seal,
};
use ring::rand::SystemRandom;

use crate::{
    at, faults,
    lab::{
        NOW,
        der::{bits, seq},
        document::{Document, pack},
        pki::{Key, LEAF, Only, Party, Says, certify_key},
    },
    told,
};

pub(crate) const SIGNED: &str = "20260601020000Z";
const EVERY: [Algorithm; 4] = [Algorithm::Sm2Sm3, Algorithm::EcdsaSha256, Algorithm::EcdsaSha384, Algorithm::Ed25519];

/// A root, a maker and two signers, keys made anew.
struct Makers {
    anchors: Anchors,
    crls: Crls,
    maker: Credential,
    signer: Credential,
    other: Credential,
}

fn certified(root: &Party, name: &str, algorithm: Algorithm, says: &Says) -> (PrivateKey, Vec<u8>) {
    let key = PrivateKey::generate(algorithm, &SystemRandom::new()).unwrap();
    let public = key.public();
    let spki = seq(&[&seq(&[&public.algorithm]), &bits(&public.bytes)]);
    (key, certify_key(name, &spki, root.name, &root.key, says))
}

impl Makers {
    fn new(algorithm: Algorithm) -> Self {
        let root = match algorithm {
            Algorithm::Sm2Sm3 => Party::root("Root", Key::sm2(1)),
            _ => Party::root("Root", Key::ed25519(1)),
        };
        let credential = |name, serial| {
            let (key, certificate) = certified(&root, name, algorithm, &Says { serial, ..LEAF });
            Credential::new(key, &certificate).unwrap()
        };
        let crl = root.crl("400101000000Z", &[], Only::Everything);
        Self {
            anchors: crate::pinned(&root.certificate),
            crls: Crls::new(vec![Crl::parse(&crl).unwrap()]),
            maker: credential("Maker", 2001),
            signer: credential("Signer", 2002),
            other: credential("Other", 2003),
        }
    }

    fn terms(&self, version: Version) -> SealTerms {
        let der = |who: &Credential| who.certificate().der.clone();
        SealTerms {
            version,
            vendor: "exchange".to_owned(),
            id: "37010000000001".to_owned(),
            kind: 1,
            name: "济南市某局测试用章".to_owned(),
            signers: SignerList::Certificates(vec![der(&self.signer), der(&self.other)]),
            created: at("20260101000000Z"),
            valid_from: at("20260101000000Z"),
            valid_to: at("20360101000000Z"),
            picture: Picture { format: "PNG".into(), data: b"no picture".to_vec(), width_mm: 40, height_mm: 40 },
            extensions: Vec::new(),
        }
    }

    fn seal(&self, version: Version) -> Vec<u8> {
        seal(&self.terms(version), &self.maker, &SystemRandom::new()).unwrap()
    }

    fn judge(&self, package: &[u8]) -> Report {
        verify(Cursor::new(package), &crate::basis(&self.anchors, &self.crls, NOW))
    }

    fn stamp(&self, package: &[u8], seal: &[u8], signer: &Credential) -> Result<(Vec<u8>, Stamped), Error> {
        stamp_with(package, &self.order(seal, signer, &[PLACE]))
    }

    fn order<'a>(&self, seal: &'a [u8], signer: &'a Credential, places: &'a [Place]) -> Stamp<'a> {
        Stamp { seal, signer, places, at: at(SIGNED), document: 0, limits: exchange_seal::Limits::DEFAULT }
    }
}

const PLACE: Place = Place { page: 1, x_mm: 140.0, y_mm: 200.5, width_mm: 40.0, height_mm: 40.0 };

fn stamp_with(package: &[u8], order: &Stamp<'_>) -> Result<(Vec<u8>, Stamped), Error> {
    let mut out = Vec::new();
    let stamped = stamp(Cursor::new(package), &mut out, order, &SystemRandom::new())?;
    assert_eq!(stamped.bytes, out.len() as u64);
    Ok((out, stamped))
}

/// A document that nobody signed yet: `OFD.xml` names no `Signatures.xml`.
fn unsigned() -> Document {
    let mut document = Document::new();
    document.replace("OFD.xml", "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", "");
    document
}

#[track_caller]
fn valid(report: &Report) {
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(report));
}

#[test]
fn every_algorithm_and_version_is_valid_and_the_ring_profile_says_so() {
    for algorithm in EVERY {
        let makers = Makers::new(algorithm);
        for version in [Version::V4, Version::V5] {
            let seal = makers.seal(version);
            let alone = verify_seal(&seal, &crate::basis(&makers.anchors, &makers.crls, NOW));
            assert_eq!(alone.verdict, Verdict::Valid, "{:#?}", alone.steps);
            let (out, stamped) = makers.stamp(&unsigned().zip(), &seal, &makers.signer).unwrap();
            assert_eq!((stamped.id.as_str(), stamped.covered), ("s001", 4));
            assert_eq!(stamped.path, "Doc_0/Signs/Sign_0/Signature.xml");
            let report = makers.judge(&out);
            valid(&report);
            let [signature] = report.signatures.as_slice() else { panic!("{report:?}") };
            let facts = signature.seal.as_ref().unwrap();
            let national = algorithm == Algorithm::Sm2Sm3;
            assert_eq!((facts.is_national, facts.standard), (national, version.standard()));
            for step in [Step::Seal, Step::Signature] {
                assert_eq!(
                    told(&signature.steps, step).contains("~ not a GB/T 38540 se"),
                    step == Step::Seal && !national
                );
                assert_eq!(told(&signature.steps, step).contains("~ not a GB/T 38540"), !national, "{algorithm:?}");
            }
            assert_eq!(signature.signed_at, Some(at(SIGNED)));
            assert_eq!(signature.places[0].boundary_mm, "140 200.5 40 40");
            assert_eq!(signature.signer.as_deref(), Some("CN=Signer"));
        }
    }
}

#[test]
fn a_list_of_digests() {
    for algorithm in [Algorithm::Sm2Sm3, Algorithm::Ed25519] {
        let makers = Makers::new(algorithm);
        let listed = makers.signer.certificate().der.as_slice();
        let terms = SealTerms { signers: SealTerms::digests(&[listed], algorithm), ..makers.terms(Version::V4) };
        let made = seal(&terms, &makers.maker, &SystemRandom::new()).unwrap();
        valid(&makers.judge(&makers.stamp(&unsigned().zip(), &made, &makers.signer).unwrap().0));
        let error = makers.stamp(&unsigned().zip(), &made, &makers.other).unwrap_err();
        assert_eq!(error.to_string(), "the seal \"济南市某局测试用章\" does not list the signer \"CN=Other\"");
    }
}

#[test]
fn three_seals_one_after_another() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let (v4, v5) = (makers.seal(Version::V4), makers.seal(Version::V5));
    let (one, _) = makers.stamp(&unsigned().zip(), &v4, &makers.signer).unwrap();
    let (two, second) = makers.stamp(&one, &v5, &makers.other).unwrap();
    // The first signature's three files, its seal's one among them, are covered by the second.
    assert_eq!((second.id.as_str(), second.covered), ("s002", 7));
    let (three, third) = makers.stamp(&two, &v4, &makers.signer).unwrap();
    assert_eq!((third.id.as_str(), third.covered), ("s003", 10));
    let report = makers.judge(&three);
    valid(&report);
    let ids: Vec<&str> = report.signatures.iter().map(|signature| signature.id.as_str()).collect();
    assert_eq!(ids, ["s001", "s002", "s003"]);
    // An earlier signature's value is covered by the later ones.
    let changed = with_file(&three, "Doc_0/Signs/Sign_0/SignedValue.dat", |content| content[40] ^= 1);
    let report = makers.judge(&changed);
    let verdicts: Vec<Verdict> = report.signatures.iter().map(|signature| signature.verdict).collect();
    assert!(verdicts.iter().all(|verdict| *verdict != Verdict::Valid), "{verdicts:?}");
}

#[test]
fn a_further_seal_on_a_document_of_others() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let world = crate::lab::World::sm2();
    let sealed = world.sealed(crate::lab::seal::V4).zip();
    let (out, stamped) = makers.stamp(&sealed, &makers.seal(Version::V4), &makers.signer).unwrap();
    assert_eq!((stamped.id.as_str(), stamped.path.as_str()), ("s002", "Doc_0/Signs/Sign_1/Signature.xml"));
    // Each world believes its own.
    assert_eq!(makers.judge(&out).signatures[1].verdict, Verdict::Valid);
    assert_eq!(world.judge_bytes(out).signatures[0].verdict, Verdict::Valid);
}

#[test]
fn a_signature_gets_a_number_that_is_free() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let made = makers.seal(Version::V4);
    let (one, _) = makers.stamp(&unsigned().zip(), &made, &makers.signer).unwrap();
    let list = "Doc_0/Signs/Signatures.xml";
    let named = |package: &[u8], from: &str, to: &str| {
        with_file(package, list, |content| {
            *content = String::from_utf8(content.clone()).unwrap().replace(from, to).into_bytes();
        })
    };
    for (earlier, next) in [("s4294967294", "s4294967295"), ("s4294967295", "s002"), ("最后", "s002"), ("7", "s008")]
    {
        let renamed = named(&one, "s001", earlier);
        let (two, stamped) = makers.stamp(&renamed, &made, &makers.other).unwrap();
        assert_eq!(stamped.id, next, "after {earlier}");
        let report = makers.judge(&two);
        valid(&report);
        let ids: Vec<&str> = report.signatures.iter().map(|signature| signature.id.as_str()).collect();
        assert_eq!(ids, [earlier, next]);
    }
    // The first free one, where the highest and the lowest are taken.
    let (two, _) = makers.stamp(&one, &made, &makers.other).unwrap();
    let renamed = named(&two, "\"s002\"", "\"s4294967295\"");
    let (three, stamped) = makers.stamp(&renamed, &made, &makers.other).unwrap();
    assert_eq!(stamped.id, "s003");
    valid(&makers.judge(&three));
    let text = unpack(&three).into_iter().find(|(name, _)| name == list).unwrap().1;
    assert!(String::from_utf8(text).unwrap().contains("<ofd:MaxSignId>4294967295</ofd:MaxSignId>"));
}

/// The package with one file changed, packed anew.
fn with_file(package: &[u8], name: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut files = unpack(package);
    change(&mut files.iter_mut().find(|(found, _)| found == name).unwrap().1);
    pack(&files)
}

fn unpack(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

#[test]
fn no_alteration_of_any_file_is_valid() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let (one, _) = makers.stamp(&unsigned().zip(), &makers.seal(Version::V4), &makers.signer).unwrap();
    let (out, _) = makers.stamp(&one, &makers.seal(Version::V5), &makers.other).unwrap();
    let files = unpack(&out);
    assert_eq!(files.len(), 10);
    for (name, content) in &files {
        // Nothing signs the list of signatures; a byte of it is still no other document.
        if name.ends_with("Signatures.xml") {
            continue;
        }
        let step = (content.len() / 60).max(1);
        for at in (0..content.len()).step_by(step) {
            let changed = with_file(&out, name, |content| content[at] ^= 1);
            let report = makers.judge(&changed);
            assert_ne!(report.verdict, Verdict::Valid, "{name} at {at}");
        }
        let without: Vec<_> = files.iter().filter(|(other, _)| other != name).cloned().collect();
        assert_ne!(makers.judge(&pack(&without)).verdict, Verdict::Valid, "without {name}");
    }
    let mut more = files;
    more.push(("Doc_0/Res/more.xml".to_owned(), b"<more/>".to_vec()));
    assert_eq!(makers.judge(&pack(&more)).verdict, Verdict::NotCovered);
}

#[test]
fn entries_are_copied_as_they_are_packed() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let mut document = unsigned();
    document.put("Doc_0/Res/image.bin", (0..200_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect());
    let mut before = zip::ZipArchive::new(Cursor::new(document.zip())).unwrap();
    let (out, _) = makers.stamp(&document.zip(), &makers.seal(Version::V4), &makers.signer).unwrap();
    let mut after = zip::ZipArchive::new(Cursor::new(out)).unwrap();
    for index in 0..before.len() {
        let (old, new) = (before.by_index_raw(index).unwrap(), after.by_index_raw(index).unwrap());
        assert_eq!(old.name().unwrap(), new.name().unwrap());
        let changes = old.name().unwrap() == "OFD.xml";
        assert_eq!((old.crc32(), old.compressed_size()) == (new.crc32(), new.compressed_size()), !changes);
    }
}

#[test]
fn sm2_is_made_the_same_every_time() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let seal = makers.seal(Version::V4);
    assert_eq!(seal, makers.seal(Version::V4));
    let once = || makers.stamp(&unsigned().zip(), &seal, &makers.signer).unwrap().0;
    assert_eq!(once(), once());
}

#[test]
fn keys_are_read_back_and_never_shown() {
    let random = SystemRandom::new();
    for algorithm in EVERY {
        let key = PrivateKey::generate(algorithm, &random).unwrap();
        let again = PrivateKey::from_pkcs8(&key.to_pkcs8().unwrap(), &random).unwrap();
        assert_eq!(again.public(), key.public());
        let signature = again.sign(b"message", &random).unwrap();
        algorithm.verify(key.public(), b"message", &signature).unwrap();
        assert_eq!(format!("{key:?}"), format!("PrivateKey({}, redacted)", algorithm.name()));
    }
    let error = PrivateKey::generate(Algorithm::RsaSha256, &random).unwrap_err();
    assert!(error.to_string().ends_with("RSA with SHA-256 is not made here"), "{error}");
    for (bytes, reason) in [(&b"no key"[..], "PrivateKeyInfo"), (&[0x30; 5000], "5000 bytes; at most 4096 are read")] {
        let error = PrivateKey::from_pkcs8(bytes, &random).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_credential_that_does_not_fit() {
    let root = Party::root("Root", Key::sm2(1));
    let (_, certificate) = certified(&root, "Somebody", Algorithm::Sm2Sm3, &LEAF);
    let key = || PrivateKey::generate(Algorithm::Sm2Sm3, &SystemRandom::new()).unwrap();
    let error = Credential::new(key(), &certificate).unwrap_err();
    assert_eq!(error.to_string(), "the private key is not the one of the certificate \"CN=Somebody\"");
    let error = Credential::new(key(), b"none").unwrap_err();
    assert!(error.to_string().starts_with("the certificate: Certificate: "), "{error}");
    // keyEncipherment alone, as the certificates for encryption of a double certificate have it.
    let (key, certificate) = certified(&root, "Somebody", Algorithm::Sm2Sm3, &Says { usage: Some(0x20), ..LEAF });
    let error = Credential::new(key, &certificate).unwrap_err();
    assert_eq!(error.to_string(), "the certificate \"CN=Somebody\" is not one for signatures");
}

#[test]
fn other_prefixes_and_a_byte_order_mark() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let mut document = unsigned();
    let text = String::from_utf8(document.get("OFD.xml").to_vec()).unwrap();
    let bare = text.replace("ofd:", "").replace("xmlns:ofd", "xmlns").replace("xmlns:", "xmlns");
    document.put("OFD.xml", format!("\u{feff}{bare}").into_bytes());
    let (out, _) = makers.stamp(&document.zip(), &makers.seal(Version::V4), &makers.signer).unwrap();
    valid(&makers.judge(&out));
    let files = unpack(&out);
    let text = String::from_utf8(files[0].1.clone()).unwrap();
    assert!(text.ends_with("<Signatures>/Doc_0/Signs/Signatures.xml</Signatures></DocBody></OFD>"), "{text}");
}

#[test]
fn what_is_signed_is_der_of_the_standard() {
    let makers = Makers::new(Algorithm::Sm2Sm3);
    let (out, _) = makers.stamp(&unsigned().zip(), &makers.seal(Version::V4), &makers.signer).unwrap();
    let value = unpack(&out).into_iter().find(|(name, _)| name.ends_with("SignedValue.dat")).unwrap().1;
    let signed = SealSignature::parse(&value).unwrap();
    assert_eq!(signed.property, "/Doc_0/Signs/Sign_0/Signature.xml");
    assert_eq!(signed.version, Version::V4);
    assert_eq!(Certificate::parse(&signed.signer).unwrap(), *makers.signer.certificate());
    assert_eq!(signed.algorithm, Algorithm::Sm2Sm3.oid());
}
