//! The salt of a document's own digest, in its metadata.

use super::{file, hex, sample};
use exchange_seal::{
    Limits,
    digest::DigestAlgorithm,
    licence::{FILE_SALT, file_salt, lay_out},
    ofd::{Document, documents},
};

const SALT: [u8; 16] = [0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
const WRITTEN: &str = "00010203040506070809aabbccddeeff";

fn with_salt(salt: &[u8; 16]) -> Vec<u8> {
    let sample = sample("business-licence");
    let mut layout = lay_out(&sample.template, &sample.facts()).unwrap();
    layout.set_file_salt(&[9; 16]);
    layout.set_file_salt(salt);
    layout.ofd().unwrap()
}

/// What other readers look for: a promise.
#[test]
fn the_salt_stands_in_the_metadata_and_nowhere_else() {
    let ofd = with_salt(&SALT);
    let entry = String::from_utf8(file(&ofd, "OFD.xml")).unwrap();
    let written = format!(r#"<ofd:CustomData Name="exchange-file-salt">{WRITTEN}</ofd:CustomData>"#);
    assert_eq!(entry.matches(&written).count(), 1, "{entry}");
    assert_eq!(file_salt(&documents(entry.as_bytes(), &Limits::DEFAULT).unwrap()), Some(SALT));
    // Golden, as those without it are.
    assert_eq!(hex(&DigestAlgorithm::Sha256.digest(&ofd)[..16]), "5b7df53c83cf260269d206f661cebf9b");
    let plain = sample("business-licence").ofd();
    for name in ["Doc_0/Document.xml", "Doc_0/Pages/Page_0/Content.xml"] {
        assert_eq!(file(&ofd, name), file(&plain, name), "{name}");
    }
    let entry = file(&plain, "OFD.xml");
    assert_eq!(file_salt(&documents(&entry, &Limits::DEFAULT).unwrap()), None);
    assert!(!exchange_core::certificate_type::is_field_name(FILE_SALT), "a field could have this name");
}

#[test]
fn what_is_no_salt_is_none() {
    let document = |written: &[&str]| Document {
        id: None,
        title: None,
        created: None,
        creator: None,
        custom: written.iter().map(|text| (FILE_SALT.to_owned(), (*text).to_owned())).collect(),
        root: String::new(),
        signatures: None,
    };
    assert_eq!(file_salt(&[document(&[]), document(&[WRITTEN])]), Some(SALT));
    for written in [
        &[][..],
        &[""],
        &[&WRITTEN[1..]],
        &[&WRITTEN.to_uppercase()],
        &["00010203040506070809aabbccddee+f"],
        &["00010203040506070809aabbccddeeff00"],
        &["样样样样样样样样样样ab"],
        &[WRITTEN, WRITTEN],
    ] {
        assert_eq!(file_salt(&[document(written)]), None, "{written:?}");
    }
    assert_eq!(file_salt(&[document(&[WRITTEN]), document(&[WRITTEN])]), None);
}
