//! What is no seal and no signature, and which field says so.

use exchange_seal::ses::{Seal, SealSignature};

use crate::{
    lab::{
        SIGNED, World,
        seal::{Seal as Says, Signing, V1, V4, V5, unknown_extension},
    },
    one_fault,
};

/// Replaces the first occurrence; both have one length, so that no length around them changes.
fn patched(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    [&der[..at], to, &der[at + to.len()..]].concat()
}

fn refused(der: &[u8], parts: [&str; 2]) {
    let error = Seal::parse(der).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[test]
fn fields_of_a_seal() {
    let world = World::sm2();
    let good = world.seal(V4);
    let header = |version: u8| [0x16, 2, b'E', b'S', 2, 1, version];
    refused(&patched(&good, &header(4)[..4], b"\x16\x02EX"), ["header.ID", "is not \"ES\""]);
    for (from, to) in [(V4, 1), (V4, 2), (V5, 1), (V1, 4), (V1, 5)] {
        let seal = patched(&world.seal(from), &header(from as u8), &header(to));
        refused(&seal, ["header.version", "does not go with a seal of"]);
    }
    let stamp = Some((&world.stamper, "20260101000010Z"));
    let stamped = Says { stamp, ..Says::new(V4, &world.maker, &[&world.signer]) }.der();
    refused(&stamped, ["header.version", "4 does not go with a seal of 5 parts"]);
    let backwards =
        Says { from: "20360101000000Z", to: "20260101000000Z", ..Says::new(V4, &world.maker, &[&world.signer]) };
    refused(&backwards.der(), ["property.validEnd", "is before validStart"]);
    // certListType stands before the list, which holds one certificate.
    let list = [0x02, 0x01, 0x01, 0x30, 0x82];
    refused(&patched(&good, &list, &[0x02, 0x01, 0x03, 0x30, 0x82]), ["property.certListType", "3; 1 or 2 is needed"]);
    refused(&patched(&good, b"20260101000000Z", b"202601010000000"), ["property.createDate", "a time is written"]);
    refused(&patched(&good, b"20260101000000Z", b"20261301000000Z"), ["property.createDate", "no such moment"]);
    let many = Says { signers: vec![vec![1]; 513], ..Says::new(V4, &world.maker, &[]) };
    refused(&many.der(), ["property.certList", "513 signers; 1 to 512 are read"]);
    refused(&Says::new(V4, &world.maker, &[]).der(), ["property.certList", "0 signers"]);
}

#[test]
fn one_encoding_alone() {
    let good = World::sm2().seal(V4);
    assert_eq!(good[..2], [0x30, 0x82]);
    // The same length in more octets; without a length; a number with a leading zero.
    refused(&[&[0x30, 0x83, 0], &good[2..]].concat(), ["SESeal", ""]);
    refused(&[&[0x30, 0x80], &good[4..], &[0, 0]].concat(), ["SESeal", ""]);
    let zero = patched(&good, &[0x02, 0x01, 0x28, 0x02, 0x01, 0x28], &[0x02, 0x04, 0, 0, 0x28, 0x28]);
    refused(&zero, ["picture.width", ""]);
    // A signature value with unused bits.
    let at = good.windows(4).rposition(|w| w[0] == 3 && w[2] == 0 && w[3] == 0x30).unwrap();
    let mut unused = good;
    unused[at + 2] = 1;
    refused(&unused, ["SESeal.signedValue", ""]);
}

#[test]
fn versions_of_seal_and_signature_agree() {
    let world = World::sm2();
    for (sealed, signed) in [(V4, V5), (V5, V4), (V4, V1), (V1, V4)] {
        let seal = world.seal(sealed);
        let property = "/Doc_0/Signs/Sign_0/Signature.xml";
        let at = if sealed == V1 { "2026-06-01 10:00:00" } else { SIGNED };
        let signing = Signing { version: sealed, seal: &seal, signer: &world.signer, at, property, stamp: None };
        let error = SealSignature::parse(&signing.der_with(b"", signed, &[])).unwrap_err().to_string();
        assert!(error.contains(&format!("TBS_Sign.version: {signed}, and the seal is of version {sealed}")), "{error}");
        // The signature's own structure of another version.
        let other = if sealed == V1 { V4 } else { V1 };
        let signing = Signing { version: other, ..signing };
        let error = SealSignature::parse(&signing.der_with(b"", sealed, &[])).unwrap_err().to_string();
        assert!(error.contains("parts do not go with a seal of version"), "{error}");
    }
}

#[test]
fn an_extension_of_the_signature_that_nobody_knows() {
    let world = World::sm2();
    let (seal, mut document) = (world.seal(V4), world.blank());
    let property = document.next();
    let signer = &world.signer;
    let signing = Signing { version: V4, seal: &seal, signer, at: SIGNED, property: &property, stamp: None };
    document.sign(Some(&seal), |description| signing.der_with(description, V4, &unknown_extension()));
    one_fault(&world.judge(&document), &["SIGNATURE UNSUPPORTED", "the signature has the critical extension 1.2.3.4"]);
}
