#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn stored(bytes: &[u8]) -> StoredFile {
    let (salt, length) = ([7; 16], bytes.len() as u64);
    StoredFile { media_type: OFD.to_owned(), digest: file_digest(&salt, bytes), salt, length, blob: [1; 32] }
}

#[test]
fn lengths_are_rounded_up() {
    for (length, needed) in [(1, 65_536), (65_536, 65_536), (65_537, 131_072), (3 << 20, 3 << 20)] {
        assert_eq!(rounded(length), needed);
    }
}

#[test]
fn media_types_are_two_plain_names() {
    for good in [OFD, "image/jpeg", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"] {
        assert!(is_media_type(good), "{good}");
    }
    let long = format!("application/{}", "x".repeat(65));
    for bad in
        ["", "ofd", "/", "application/", "/ofd", "Application/ofd", "text/plain; charset=utf-8", "a/b/c", "a/\n", &long]
    {
        assert!(!is_media_type(bad), "{bad}");
    }
}

#[test]
fn a_record_names_one_file() {
    let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    assert_eq!(recorded(&[record_name(3)]), Some(3));
    for other in [
        &[][..],
        &["KZ_ZL"],
        &["files[0]", "files[1]"],
        &["files[00]"],
        &["files[+1]"],
        &["files[-1]"],
        &["files[]"],
        &["files[4294967296]"],
    ] {
        assert_eq!(recorded(&names(other)), None, "{other:?}");
    }
    assert!(!crate::certificate_type::is_field_name(&record_name(0)));
}

#[test]
fn only_the_signed_bytes_and_their_description_belong_to_a_header() {
    let bytes = b"an invented document";
    let stored = stored(bytes);
    let named = stored.named();
    named.check_description(OFD, 20, &stored.digest).unwrap();
    named.check_bytes(&stored.salt, bytes).unwrap();
    let other = |result: Result<(), FileError>, what| assert_eq!(result, Err(FileError::OtherDescription(what)));
    other(named.check_description("application/pdf", 20, &stored.digest), "media type");
    other(named.check_description(OFD, 20, &[0; 32]), "digest");
    other(named.check_description(OFD, 0, &stored.digest), "length");
    other(named.check_description(OFD, 65_537, &stored.digest), "length");
    assert_eq!(named.check_bytes(&[8; 16], bytes), Err(FileError::Mismatch));
    assert_eq!(named.check_bytes(&stored.salt, b"an invented documenu"), Err(FileError::Mismatch));
}

#[test]
fn what_is_shown_of_a_file_tells_nothing_of_its_contents() {
    let file = File { media_type: OFD.to_owned(), bytes: b"379999199001010010".to_vec() };
    assert_eq!(format!("{file:?}"), "File(application/ofd, 18 bytes)");
    assert!(!format!("{:?}", stored(b"x")).contains('7'));
}
