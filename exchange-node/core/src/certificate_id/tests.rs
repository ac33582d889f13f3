#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// standards.md §1.1: good rows, with what each was let pass for.
const GOOD: [(&str, Flags); 7] = [
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U", STRICT),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.002.S", STRICT),
    ("1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F", STRICT),
    ("1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0", STRICT),
    (
        "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
        Flags { check_dialect: false, issuer_is_region: true },
    ),
    (
        "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M",
        Flags { check_dialect: true, issuer_is_region: false },
    ),
    ("1.2.156.3005.2.11100000MB0143028R001.113700000045030270.370100202600000001.001.S", STRICT),
];
const STRICT: Flags = Flags { check_dialect: false, issuer_is_region: false };

/// standards.md §1.6 and sample-catalogue: all type codes named there.
const TYPES: [&str; 19] = [
    "11100000000013127D001",
    "11100000MB0143028R001",
    "11100000MB03271699001",
    "11100000MB03271699022",
    "11100000000013338W001",
    "11100000000013338W011",
    "11100000000013338W032",
    "11100000000013338W059",
    "11100000000013338W082",
    "11100000000013338W050",
    "111000000000131433001",
    "11100000000019713D008",
    "11100000000019713D016",
    "11100000000019713D013",
    "11100000000019713D071",
    "11100000000019713D074",
    "11100000000019713D073",
    "11100000000019713D072",
    "11100000000019713D075",
];

fn id(text: &str) -> CertificateId {
    CertificateId::parse(text).unwrap()
}

#[test]
fn standards_1_1_good_rows() {
    for (text, flags) in GOOD {
        let id = id(text);
        assert_eq!(id.to_string(), text);
        assert_eq!(id.flags(), flags, "{text}");
        assert_eq!(id.is_strict(), flags == STRICT);
        assert!(!id.contains_resident_id(), "{text}");
        let parts: Vec<&str> = text[ROOT.len()..].split('.').collect();
        assert_eq!(id.type_code().as_str(), parts[0]);
        assert_eq!(id.issuer().as_str(), parts[1]);
        assert_eq!(id.serial(), parts[2]);
        assert_eq!(format!("{:03}", id.version()), parts[3]);
        assert_eq!(id.check().to_string(), parts[4]);
    }
}

#[test]
fn standards_1_1_strict_rows_are_made_the_same() {
    for (text, flags) in GOOD {
        let id = id(text);
        if flags == STRICT {
            let uscc = id.issuer().uscc().unwrap();
            assert_eq!(CertificateId::new(id.type_code(), uscc, id.serial(), id.version()), Ok(id.clone()));
        }
    }
}

/// standards.md §1.1: the placeholder X computes to 2.
#[test]
fn standards_1_1_the_placeholder_is_refused_with_the_right_character() {
    let text = "1.2.156.3005.2.11100000000013338W050.91610800064834709T.2023000001.001.X";
    let error = CertificateId::parse(text).unwrap_err();
    assert_eq!(error, Error::CheckDigit { found: "X".to_owned(), needed: '2' });
    assert_eq!((error.reason(), error.right_check_digit()), (Reason::CheckDigitWrong, Some('2')));
    assert_eq!(error.to_string(), "the certificate identifier ends in \"X\", its check character is '2'");
    assert!(id(&text.replace(".X", ".2")).is_strict());
}

#[test]
fn standards_1_6_type_codes() {
    for text in TYPES {
        assert_eq!(TypeCode::parse(text).unwrap().to_string(), text);
    }
    // Printed in one source for …13338W059: another body's code, and a well-formed one. Unknown, not malformed.
    assert!(TypeCode::parse("1110000000001332XW059").is_ok());
    assert_eq!(
        TypeCode::parse("11100000000013339W059"),
        Err(Error::TypeBody(uscc::Error::CheckDigit { found: 'W', needed: '0' }))
    );
    assert_eq!(TypeCode::parse("11100000000013338W05"), Err(Error::TypeLength { found: 20 }));
    assert_eq!(TypeCode::parse("11100000000013338W05a"), Err(Error::TypeSequence));
    assert_eq!(TypeCode::parse("11100000000013338W05é"), Err(Error::TypeSequence));
    assert!(matches!(TypeCode::parse("é1100000000013338W050"), Err(Error::TypeBody(_))));
}

#[test]
fn the_next_version_keeps_the_serial() {
    assert_eq!(id(GOOD[0].0).next_version().unwrap(), id(GOOD[1].0));
    // The dialect is read, never written.
    let next = id(GOOD[5].0).next_version().unwrap();
    assert!(next.is_strict() && next.version() == 2 && next.serial() == id(GOOD[5].0).serial());
    let first = id(GOOD[0].0);
    let last = CertificateId::new(first.type_code(), first.issuer().uscc().unwrap(), "1", MAX_VERSION).unwrap();
    assert_eq!(last.next_version(), Err(Error::VersionsExhausted));
}

#[test]
fn bad_parts_are_named() {
    let with = |issuer: &str, serial: &str, version: &str, check: &str| {
        CertificateId::parse(&format!("{ROOT}11100000000013338W011.{issuer}.{serial}.{version}.{check}")).unwrap_err()
    };
    let issuer = "11430000006122244L";
    assert_eq!(with(issuer, "", "001", "U"), Error::SerialLength { found: 0 });
    assert_eq!(with(issuer, &"7".repeat(65), "001", "U"), Error::SerialLength { found: 65 });
    assert_eq!(with(issuer, "2023_1", "001", "U"), Error::SerialCharacter { position: 5, found: '_' });
    assert_eq!(with(issuer, "2023a", "001", "U"), Error::SerialCharacter { position: 5, found: 'a' });
    assert_eq!(with(issuer, "证1", "001", "U"), Error::SerialCharacter { position: 1, found: '证' });
    assert_eq!(with(issuer, "20230000403", "000", "U"), Error::Version);
    assert_eq!(with(issuer, "20230000403", "1", "U"), Error::Version);
    assert_eq!(with(issuer, "20230000403", "+01", "U"), Error::Version);
    assert_eq!(with(issuer, "20230000403", "001", ""), Error::CheckDigit { found: String::new(), needed: 'U' });
    assert_eq!(with(issuer, "20230000403", "001", "UU"), Error::CheckDigit { found: "UU".into(), needed: 'U' });
    assert_eq!(with(issuer, "20230000403", "001", "u"), Error::CheckDigit { found: "u".into(), needed: 'U' });
    assert_eq!(
        with("11430000006122244M", "20230000403", "001", "U"),
        Error::Issuer(uscc::Error::CheckDigit { found: 'M', needed: 'L' })
    );
    assert_eq!(with("34010A", "20230000403", "001", "U"), Error::IssuerRegion(region::Error::NotARegion { found: 6 }));
    assert_eq!(with(issuer, "1.2", "001", "U"), Error::Parts { found: 6 });
    assert_eq!(CertificateId::parse(""), Err(Error::Root));
    assert_eq!(CertificateId::parse(&GOOD[0].0[1..]), Err(Error::Root));
    assert_eq!(CertificateId::parse(&"1".repeat(161)), Err(Error::TooLong { found: 161 }));
}

#[test]
fn an_identity_number_in_the_serial_is_seen() {
    let first = id(GOOD[0].0);
    let made = |serial| CertificateId::new(first.type_code(), first.issuer().uscc().unwrap(), serial, 1).unwrap();
    for serial in ["11010519491231002X", "JY11010519491231002X01", "11010519491231002X001", "110105491231002"] {
        assert!(made(serial).contains_resident_id(), "{serial}");
    }
    assert!(!made("110105194912310021").contains_resident_id());
}

proptest! {
    #[test]
    fn what_is_made_reads_back(serial in "[0-9A-Z]{1,64}", version in 1_u16..=999) {
        let first = id(GOOD[0].0);
        let made = CertificateId::new(first.type_code(), first.issuer().uscc().unwrap(), &serial, version).unwrap();
        prop_assert!(made.as_str().len() <= MAX_BYTES);
        let read = id(made.as_str());
        prop_assert_eq!(&read, &made);
        prop_assert!(read.is_strict());
        prop_assert_eq!((read.serial(), read.version()), (serial.as_str(), version));
    }

    /// A change that the dialect happens to accept (1 in 36) is flagged; none passes as strict.
    #[test]
    fn no_changed_character_passes_as_strict(which in 0_usize..7, at in 15_usize..90, to in "[0-9A-Z]") {
        let mut text = GOOD[which].0.to_owned();
        let at = 15 + at % (text.len() - 15);
        text.replace_range(at..=at, &to);
        prop_assume!(text != GOOD[which].0 && GOOD[which].1 != Flags { check_dialect: true, issuer_is_region: false });
        prop_assert!(!CertificateId::parse(&text).is_ok_and(|id| !id.flags().check_dialect));
    }

    #[test]
    fn any_text_is_survived(text in "(1\\.2\\.156\\.3005\\.2\\.)?.{0,100}") {
        if let Ok(id) = CertificateId::parse(&text) {
            prop_assert_eq!(id.as_str(), text);
        }
    }
}
