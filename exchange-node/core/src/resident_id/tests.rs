#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// standards.md §2.2: `11010519491231002` → `X`.
const STANDARD: &str = "11010519491231002X";
/// An invented person: unassigned region 379999.
fn invented() -> String {
    let first = "37999919900101123";
    format!("{first}{}", mod_11_2(first).unwrap())
}

#[test]
fn standards_2_2_the_example() {
    let id = ResidentId::parse(STANDARD).unwrap();
    assert_eq!(id.as_str(), STANDARD);
    assert_eq!(id.birth_date(), Some(Date::new(1949, 12, 31).unwrap()));
    assert_eq!(id.region().as_str(), "110105");
    assert!(id.region_known());
    assert_eq!(ResidentId::parse("11010519491231002x").unwrap(), id);
}

#[test]
fn fifteen_digits_become_eighteen() {
    assert_eq!(ResidentId::parse("110105491231002").unwrap().as_str(), STANDARD);
    assert_eq!(ResidentId::parse("11010549123100X"), Err(Error::Character { position: 15 }));
    assert_eq!(ResidentId::parse("110105491331002"), Err(Error::BirthDate));
}

#[test]
fn bad_numbers_are_refused_with_the_reason() {
    assert_eq!(ResidentId::parse(""), Err(Error::Length { found: 0 }));
    assert_eq!(ResidentId::parse("11010519491231002"), Err(Error::Length { found: 17 }));
    assert_eq!(ResidentId::parse("11010519491231002XX"), Err(Error::Length { found: 19 }));
    assert_eq!(ResidentId::parse("1101051949123100AX"), Err(Error::Character { position: 17 }));
    assert_eq!(ResidentId::parse("11010519491231002Y"), Err(Error::Character { position: 18 }));
    assert_eq!(ResidentId::parse("11010519491231002é"), Err(Error::Character { position: 18 }));
    assert_eq!(ResidentId::parse("１1010519491231002X"), Err(Error::Character { position: 1 }));
    assert_eq!(ResidentId::parse("11010519490231002X"), Err(Error::BirthDate));
    let error = ResidentId::parse("110105194912310021").unwrap_err();
    assert_eq!(error, Error::CheckDigit { found: '1', needed: 'X' });
    assert_eq!((error.reason(), error.right_check_digit()), (Reason::CheckDigitWrong, Some('X')));
}

#[test]
fn an_unknown_region_is_a_warning() {
    assert!(!ResidentId::parse(&invented()).unwrap().region_known());
    let first = "37010219900101123";
    let known = format!("{first}{}", mod_11_2(first).unwrap());
    assert!(ResidentId::parse(&known).unwrap().region_known());
}

/// SEC-1.
#[test]
fn nothing_printed_shows_the_number() {
    let id = ResidentId::parse(STANDARD).unwrap();
    for text in [format!("{id}"), format!("{id:?}"), format!("{id:#?}")] {
        assert!(!text.contains(|c: char| c.is_ascii_digit()), "{text}");
    }
    for bad in ["110105194912310021", "11010519490231002X", "110105194912310"] {
        let error = ResidentId::parse(bad).err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
        assert!(!error.contains(&bad[..6]), "{error}");
    }
}

#[test]
fn identity_numbers_are_found() {
    let invented = invented();
    for text in [
        STANDARD.to_owned(),
        STANDARD.to_lowercase(),
        invented.clone(),
        format!("申请人身份证{STANDARD}号"),
        format!("ZJ{invented}A"),
        format!("JY{STANDARD}01"),
        format!("99{invented}"),
        format!("{invented}01"),
        "１１０１０５１９４９１２３１００２Ｘ".to_owned(),
        "110105 19491231 002X".to_owned(),
        "110105-19491231-002x".to_owned(),
        "old 110105491231002 form".to_owned(),
        "110105491231002X".to_owned(),
    ] {
        assert!(find_in(&text), "{text}");
    }
}

#[test]
fn other_numbers_are_not() {
    for text in [
        "",
        "20230000403",
        "370100202600000001",
        "209FA4E88F9E4C878F3E9BED2CE7EA49",
        "110105194912310021", // check character
        "11010519490231002X", // date
        "000000491231002",    // province of the old form
        "110105491331002",    // date of the old form
        "2110105491231002",   // sixteen digits
        "110105/19491231/002X",
        "110105 19491231  002X",
        "11370800MB28559184",
        "食品经营许可 2024-05-01 窗口 12",
    ] {
        assert!(!find_in(text), "{text}");
    }
}

#[test]
fn mobile_numbers_are_found_as_whole_runs() {
    for text in [
        "13800138000",
        "电话13800138000。",
        "+8619900138000",
        "0086-15000138000",
        "138 0013 8000",
        "１３８００１３８０００",
    ] {
        assert!(find_mobile(text), "{text}");
    }
    for text in ["", "12800138000", "1380013800", "138001380001", "00000000000", "138 00138000", "20240501138"] {
        assert!(!find_mobile(text), "{text}");
    }
}

#[test]
fn a_long_run_takes_linear_time() {
    // A megabyte of digits; quadratic work would not end.
    assert!(!find_in(&"0".repeat(1 << 20)));
    assert!(!find_mobile(&"1 ".repeat(1 << 19)));
}

proptest! {
    #[test]
    fn any_valid_number_reads_back_and_is_found(
        region in "(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])[0-9]{4}", day in -25_567_i64..47_482, sequence in "[0-9]{3}",
        before in "[^0-9]{0,10}", after in "[^0-9xXｘＸ]{0,10}", digits in "[0-9]{0,12}",
    ) {
        let first = format!("{region}{}{sequence}", Date::from_days(day).unwrap().compact());
        let number = format!("{first}{}", mod_11_2(&first).unwrap());
        let id = ResidentId::parse(&number).unwrap();
        prop_assert_eq!(id.as_str(), &number);
        let found = find_in(&format!("{before}{number}{after}"));
        prop_assert!(found);
        // With other digits in front of it.
        let found = find_in(&format!("{digits}{number}{after}"));
        prop_assert!(found);
    }

    #[test]
    fn any_changed_digit_is_refused(at in 0_usize..17, to in "[0-9]") {
        let mut number = STANDARD.to_owned();
        number.replace_range(at..=at, &to);
        prop_assume!(number != STANDARD);
        prop_assert!(ResidentId::parse(&number).is_err());
    }

    #[test]
    fn any_text_is_survived(text in ".{0,60}") {
        let _ = (ResidentId::parse(&text), find_in(&text), find_mobile(&text));
    }
}
