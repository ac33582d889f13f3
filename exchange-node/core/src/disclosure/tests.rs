#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const SALT: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Computed with Python's hashlib.
#[test]
fn digests_are_pinned() {
    let name = Disclosure::new("XM", "王小明", SALT).unwrap();
    let absent = Disclosure::new("Z", "", [1; 16]).unwrap();
    assert_eq!(hex(name.digest()), "df3075e1380212d6f1b77a7151b094c96eed497c0890cc5fab355e5fdbce2e36");
    assert_eq!(hex(file_digest(&SALT, b"file")), "ec55040037d7329b28e28dbf165cfd6c5ea1ad339678cd28da3d0bc9c44e300c");
    assert_eq!(
        hex(released_digest([&name, &absent])),
        "e226221eb28944a4672f5d30278147b5e6734f71ca5f7683d77a817d5a08dbec"
    );
    assert_ne!(released_digest([&name, &absent]), released_digest([&absent, &name]));
    assert_eq!(format!("{name:?}"), "Disclosure(XM, redacted)");
}

#[test]
fn name_and_value_do_not_run_together() {
    let a = Disclosure::new("AB", "C", SALT).unwrap();
    let b = Disclosure::new("A", "BC", SALT).unwrap();
    assert_ne!(a.digest(), b.digest());
}

#[test]
fn limits() {
    assert_eq!(Disclosure::new("", "v", SALT), Err(Error::NoName));
    let error = Disclosure::new("n".repeat(65), "v", SALT);
    assert_eq!(error, Err(Error::NameTooLong { found: 65 }));
    let long = "v".repeat(MAX_VALUE_BYTES);
    let name = "n".to_owned();
    let error = Disclosure::new("n", format!("{long}v"), SALT);
    assert_eq!(error, Err(Error::ValueTooLong { name, found: 65_537 }));

    let make = |n: usize, value: &str| -> Vec<Disclosure> {
        (0..n).map(|i| Disclosure::new(format!("f{i}"), value, SALT).unwrap()).collect()
    };
    assert_eq!(check_all(&make(16, &long)), Ok(()));
    assert_eq!(check_all(&make(17, &long)), Err(Error::TotalTooLong { found: 17 * 65_536 }));
    assert_eq!(check_all(&make(128, "")), Ok(()));
    assert_eq!(check_all(&make(129, "")), Err(Error::TooManyFields { found: 129 }));
    let name = "f0".to_owned();
    let twice = [make(1, "a"), make(1, "b")].concat();
    assert_eq!(check_all(&twice), Err(Error::RepeatedName { name }));
}
