#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const TYPE: &str = "11100000000013338W032";

fn key() -> IndexKey {
    IndexKey::new(1, [7; 32])
}

fn tag(code: &str) -> Tag {
    holder_tag(&key(), TYPE, &Holder::new("111", code).unwrap()).unwrap()
}

fn hex(tag: Tag) -> String {
    tag.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Both computed with Python's hmac module. The identity number is the example of GB 11643-1999.
#[test]
fn tags_are_pinned() {
    assert_eq!(hex(tag("11010519491231002X")), "afe51517cb4c16b28654abf964058ab871dcb944c62e9f0d8ac077249c51835c");
    let number = number_tag(&key(), TYPE, " 鲁b12 ").unwrap();
    assert_eq!(hex(number), "97ce7ce9d542ae97509e25fe20b80f9e8602b8cd7e3692f04b3827180670508a");
    assert_eq!(number.kind, TagKind::Number);
}

#[test]
fn all_writings_of_a_holder_give_one_tag() {
    let tag = tag("11010519491231002X");
    for code in
        ["11010519491231002x", " 11010519491231002X\u{3000}", "110105491231002", "１１０１０５４９１２３１００２"]
    {
        assert_eq!(self::tag(code), tag, "{code}");
    }
    let other = Holder::new("099", "110105491231002").unwrap();
    assert_eq!(other.code(), "110105491231002");
    assert_eq!(format!("{other:?}"), "Holder(099, redacted)");
}

#[test]
fn several_holders_are_split() {
    let two = Holder::split("111", "11010519491231002x，53010219200508011X").unwrap();
    let codes: Vec<&str> = two.iter().map(Holder::code).collect();
    assert_eq!(codes, ["11010519491231002X", "53010219200508011X"]);
    let two = Holder::split("111,001", "11010519491231002x, 91370200163562681g").unwrap();
    assert_eq!((two[1].code_type(), two[1].code()), ("001", "91370200163562681G"));
    let error = Holder::split("111,001", "a").unwrap_err();
    assert_eq!(error, Error::TypeCount { types: 2, codes: 1 });
    let error = Holder::split("111", "a,,b").unwrap_err();
    assert_eq!(error, Error::Empty { field: "holder code" });
    let error = Holder::new("111\0", "a").unwrap_err();
    assert_eq!(error, Error::Control { field: "holder code type" });
}

#[test]
fn tags_are_sealed_for_one_certificate() {
    let number = number_tag(&key(), TYPE, "1").unwrap();
    let tags = HolderTags::new([number, tag("1"), tag("2"), tag("3"), tag("1")]).unwrap();
    let sealed = tags.seal(&key(), [1; 12], "370200", "id").unwrap();
    assert_eq!(sealed.len(), 1 + 12 + 4 * 33 + 16);
    assert_eq!(HolderTags::open(&key(), "370200", "id", &sealed).as_ref(), Ok(&tags));
    let five = HolderTags::new(tags.iter().copied().chain([tag("4")])).unwrap();
    let longer = five.seal(&key(), [1; 12], "370200", "id").unwrap();
    assert_eq!(longer.len(), 1 + 12 + 8 * 33 + 16);
    assert_eq!(HolderTags::open(&key(), "370200", "id", &longer), Ok(five));

    let refused = Err(Error::Sealed(sealed::Error::NotAuthentic));
    assert_eq!(HolderTags::open(&key(), "370200", "other", &sealed), refused);
    assert_eq!(HolderTags::open(&key(), "370300", "id", &sealed), refused);
    let other = IndexKey::new(2, [8; 32]);
    assert_eq!(HolderTags::open(&other, "370200", "id", &sealed), refused);
    assert_eq!(HolderTags::new([]), Err(Error::NoTags));
}

#[test]
fn plaintext_has_one_form() {
    let row = |kind: u8, byte: u8| [&[kind][..], &[byte; 32]].concat();
    let pad = || vec![0; 33];
    let read = |rows: &[Vec<u8>]| HolderTags::decode(&rows.concat());
    assert!(read(&[row(1, 1), row(1, 2), row(2, 1), pad()]).is_ok());
    let unsorted = Err(Error::Malformed("the rows are not sorted"));
    assert_eq!(read(&[row(1, 2), row(1, 1), pad(), pad()]), unsorted);
    assert_eq!(read(&[row(1, 1), row(1, 1), pad(), pad()]), unsorted);
    assert_eq!(read(&[pad(), row(1, 1), pad(), pad()]), unsorted);
    let unknown = Err(Error::Malformed("a row of unknown kind"));
    assert_eq!(read(&[row(3, 1), pad(), pad(), pad()]), unknown);
    assert_eq!(read(&[row(1, 1), row(0, 1), pad(), pad()]), unknown);
    let length = Err(Error::Malformed("rows of 33 bytes, a multiple of four, are needed"));
    assert_eq!(read(&[row(1, 1)]), length);
    assert_eq!(read(&[row(1, 1), pad(), pad(), vec![0; 32]]), length);
    let padding = Err(Error::Malformed("more padding than needed"));
    assert_eq!(read(&[pad(), pad(), pad(), pad()]), padding);
    assert_eq!(read(&[]), Err(Error::NoTags));
}
