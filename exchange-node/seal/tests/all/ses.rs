//! Seals and documents of ofdrw and of the tax administration: each gives what is stated for it.

use std::io::Cursor;

use exchange_seal::{
    Report, Verdict,
    certificate::Certificate,
    crl::Crls,
    ofd::{ENTRY_FILE, Package},
    report::Step,
    ses::{Seal, SealSignature, Version},
    verify, verify_seal,
};

use crate::{basis, faults, openssl::legacy_certificate, pinned, told, unpem, vector};

/// No CRL of these CAs is at hand: judged without.
fn judge(file: &str, anchor: Option<&[u8]>, signers: &[Certificate], now: &str) -> Option<Report> {
    let bytes = vector(&format!("ses/{file}"))?;
    let (anchors, crls) = (anchor.map(pinned).unwrap_or_default(), Crls::default());
    let mut basis = basis(&anchors, &crls, now);
    basis.signers = signers;
    basis.without_crl = true;
    Some(verify(Cursor::new(bytes), &basis))
}

/// Root of ofdrw's test certificates; OpenSSL takes it for no CA, here it is pinned.
fn root() -> Option<Vec<u8>> {
    legacy_certificate("ses/ROOT.p12", "123456")
}

fn seal_holds(file: &str, version: Version, name: &str) -> Option<Seal> {
    let seal = Seal::parse(&vector(&format!("ses/{file}"))?).unwrap();
    assert_eq!((seal.version, seal.name.as_str()), (version, name), "{file}");
    let maker = Certificate::parse(&seal.maker).unwrap();
    seal.algorithm().unwrap().verify(&maker.key, &seal.signed, &seal.signature).unwrap();
    Some(seal)
}

#[test]
fn seals_of_three_versions() {
    let Some(v4) = seal_holds("UserV4.esl", Version::V4, "OFD R&W 测试用印章") else { return };
    assert_eq!((v4.picture.format.as_str(), v4.picture.width_mm, v4.picture.height_mm), ("PNG", 40, 40));
    assert_eq!(v4.valid_from.to_string(), "2020-04-22T02:09:00Z");
    assert_eq!(v4.valid_to.to_string(), "2022-04-22T02:09:00Z");
    seal_holds("UserV1.esl", Version::V1, "OFDRW测试用印章");
    let v5 = seal_holds("UserV5.esl", Version::V5, "OFD R&W V5测试用印章").unwrap();
    assert_eq!(v5.valid_from.to_string(), "2026-04-24T08:53:23Z");
}

#[test]
fn seals_judged_by_their_root() {
    let Some(root) = root() else { return };
    let (anchors, crls) = (pinned(&root), Crls::default());
    let verdict = |file: &str, now: &str| {
        let mut basis = basis(&anchors, &crls, now);
        basis.without_crl = true;
        verify_seal(&vector(&format!("ses/{file}")).unwrap(), &basis).verdict
    };
    for file in ["UserV1.esl", "UserV4.esl"] {
        assert_eq!(verdict(file, "20210101000000Z"), Verdict::Valid, "{file}");
        assert_eq!(verdict(file, "20261125000000Z"), Verdict::SealExpired, "{file}");
        assert_eq!(verdict(file, "20200101000000Z"), Verdict::SealNotYetValid, "{file}");
    }
    // Made in 2026 with a maker's certificate that ended in 2022.
    assert_eq!(verdict("UserV5.esl", "20261125000000Z"), Verdict::SignerExpired);
    assert_eq!(verdict("SESealData.DER", "20210101000000Z"), Verdict::SealInvalid);
}

#[test]
fn a_vendors_seal_whose_signature_fails() {
    let Some(bytes) = vector("ses/SESealData.DER") else { return };
    let seal = Seal::parse(&bytes).unwrap();
    assert_eq!((seal.picture.format.as_str(), seal.extensions.len()), ("GIF", 3));
    let (anchors, crls) = Default::default();
    let report = verify_seal(&bytes, &basis(&anchors, &crls, "20210101000000Z"));
    assert_eq!(report.verdict, Verdict::SealInvalid);
    assert!(told(&report.steps, Step::Structure).contains("= a seal of GB/T 38540-2020"));
    assert!(told(&report.steps, Step::Seal).contains("SEAL_INVALID"));
}

#[test]
fn signatures_without_their_document() {
    for (file, version) in [("SignedValueV4.dat", Version::V4), ("SignedValueV5.dat", Version::V5)] {
        let Some(bytes) = vector(&format!("ses/{file}")) else { return };
        let signed = SealSignature::parse(&bytes).unwrap();
        assert_eq!((signed.version, signed.data_hash.as_slice()), (version, &[0; 32][..]));
        let signer = Certificate::parse(&signed.signer).unwrap();
        signed.algorithm().unwrap().verify(&signer.key, &signed.signed, &signed.signature).unwrap();
    }
}

#[test]
fn a_document_signed_with_an_expired_seal() {
    let Some(root) = root() else { return };
    let report = judge("SESV4SignDoc.ofd", Some(&root), &[], "20261125000000Z").unwrap();
    assert_eq!(report.verdict, Verdict::SealExpired);
    let steps = &report.signatures[0].steps;
    assert!(told(steps, Step::References).contains("= 5 files are as signed (SM3)"));
    assert!(told(steps, Step::Seal).contains("= \"CN=Test Certificate"), "{}", told(steps, Step::Seal));
    assert!(told(steps, Step::Signature).contains("SIGNER_EXPIRED"), "the signer's certificate ended in 2022 too");
    let also: Vec<String> = faults(&report);
    assert!(also.iter().all(|fault| fault.contains("EXPIRED")), "{also:#?}");
}

#[test]
fn a_tax_invoice_whose_ca_nobody_pins() {
    let Some(report) = judge("v4signed.ofd", None, &[], "20210101000000Z") else { return };
    assert_eq!(report.verdict, Verdict::Untrusted);
    assert!(faults(&report).iter().all(|fault| fault.contains("UNTRUSTED")), "{:#?}", faults(&report));
    let signature = &report.signatures[0];
    assert!(told(&signature.steps, Step::References).contains("= 13 files are as signed (SM3)"));
    assert!(told(&signature.steps, Step::References).contains("= every file of the package is covered"));
    assert!(told(&signature.steps, Step::Seal).contains("made the seal"));
    assert!(told(&signature.steps, Step::Signature).contains("= the seal lists the signer (1 listed)"));
    assert!(!told(&signature.steps, Step::Signature).contains("SignatureDateTime"), "written in China, without a zone");
    let seal = signature.seal.as_ref().unwrap();
    assert!(seal.is_national && seal.vendor == "GOMAIN" && seal.name.starts_with("测试全国统一发票监制章"));
}

#[test]
fn numbers_of_the_tax_invoice() {
    let Some(bytes) = vector("ses/v4signed.ofd") else { return };
    let mut package = Package::open(Cursor::new(bytes), exchange_seal::Limits::DEFAULT).unwrap();
    let mut read = |name: &str| {
        let found = package.find(name).unwrap();
        package.read(found.index, 1 << 20).unwrap()
    };
    let signed = SealSignature::parse(&read("Doc_0/Signs/Sign_0/SignedValue.dat")).unwrap();
    let hash = "14859b925039a50fe268d40e4a903da44d64cc56b1eebd0902d45a5a41a134b5";
    assert_eq!(signed.data_hash, crate::unhex(hash));
    let digest = exchange_seal::digest::DigestAlgorithm::Sm3.digest(&read("Doc_0/Signs/Sign_0/Signature.xml"));
    assert_eq!(digest, signed.data_hash);
    // Named under another case than stored.
    assert!(package.find("Doc_0/TPLS/Tpl_0/Content.xml").is_some_and(|found| !found.is_exact));
}

#[test]
fn a_bare_signature_by_the_right_and_by_the_wrong_certificate() {
    let (Some(root), Some(user)) = (root(), legacy_certificate("ses/USER.p12", "777777")) else { return };
    let user = Certificate::parse(&user).unwrap();
    let report = judge("DigitalSign.ofd", Some(&root), &[user], "20210101000000Z").unwrap();
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
    assert!(told(&report.signatures[0].steps, Step::References).contains("= 4 files are as signed (SM3)"));
    let pem = vector("ses/sign_cert.pem").unwrap();
    let other = Certificate::parse(&unpem(std::str::from_utf8(&pem).unwrap())).unwrap();
    let report = judge("DigitalSign.ofd", Some(&root), &[other], "20210101000000Z").unwrap();
    assert_eq!(report.verdict, Verdict::SignatureInvalid);
}

#[test]
fn nothing_signed_in_another_namespace() {
    let Some(report) = judge("namespace_no_std.ofd", None, &[], "20210101000000Z") else { return };
    assert_eq!(report.verdict, Verdict::NotSigned);
    let bytes = vector("ses/namespace_no_std.ofd").unwrap();
    let mut package = Package::open(Cursor::new(bytes), exchange_seal::Limits::DEFAULT).unwrap();
    let index = package.find(ENTRY_FILE).unwrap().index;
    let documents = exchange_seal::ofd::documents(&package.read(index, 1 << 20).unwrap(), package.limits()).unwrap();
    assert_eq!(documents[0].creator.as_deref(), Some("OFD R&W"));
}
