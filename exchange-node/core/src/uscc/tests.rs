#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// standards.md §2.1, every code recomputed there, and those of §1.6 and §2.4.
const GOOD: [&str; 18] = [
    "11370800MB28559184",
    "11100000MB0341032Y",
    "11430000006122244L",
    "11330105002500287C",
    "12441500196720244T",
    "11110000000021135M",
    "11220000013544541J",
    "11100000000013338W",
    "11100000MB0143028R",
    "11100000MB03271699",
    "11100000000013127D",
    "113700000045030270",
    "113700000045046442",
    "11100000000013661B",
    "91370406L24894136J",
    "111000000000131433",
    "11100000000019713D",
    "1131000068735121X0",
];

#[test]
fn standards_2_1_good_codes() {
    for code in GOOD {
        assert_eq!(Uscc::parse(code).unwrap().to_string(), code);
    }
}

#[test]
fn division_is_digits_3_to_8() {
    assert_eq!(Uscc::parse("11370800MB28559184").unwrap().division().as_str(), "370800");
    assert_eq!(Uscc::parse("11100000000013338W").unwrap().division().as_str(), "100000");
}

#[test]
fn a_wrong_check_character_names_the_right_one() {
    let error = Uscc::parse("11370800MB28559185").unwrap_err();
    assert_eq!(error, Error::CheckDigit { found: '5', needed: '4' });
    assert_eq!(error.right_check_digit(), Some('4'));
    assert_eq!(error.reason(), Reason::CheckDigitWrong);
    assert_eq!(error.to_string(), "the unified social credit code ends in '5', its check character is '4'");
}

#[test]
fn form_is_checked_before_the_check_character() {
    assert_eq!(Uscc::parse(""), Err(Error::Length { found: 0 }));
    assert_eq!(Uscc::parse("11370800MB2855918"), Err(Error::Length { found: 17 }));
    assert_eq!(Uscc::parse("11370800MB285591840"), Err(Error::Length { found: 19 }));
    assert_eq!(Uscc::parse("I1370800MB28559184"), Err(Error::Character { position: 1, found: 'I' }));
    assert_eq!(Uscc::parse("1137A800MB28559184"), Err(Error::Character { position: 5, found: 'A' }));
    assert_eq!(Uscc::parse("11370800mB28559184"), Err(Error::Character { position: 9, found: 'm' }));
    assert_eq!(Uscc::parse("11370800MB2855918\n"), Err(Error::Character { position: 18, found: '\n' }));
    assert_eq!(Uscc::parse("1137080０MB28559184"), Err(Error::Character { position: 8, found: '０' }));
    assert_eq!(
        Uscc::parse("11370800\u{1b}B28559184").unwrap_err().to_string(),
        "character 9 of the unified social credit code is '\\u{1b}', needed a digit or a capital letter other than \
         I, O, S, V, Z"
    );
}

proptest! {
    #[test]
    fn every_well_formed_code_parses_back(first in "[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}") {
        let code = format!("{first}{}", gb32100(&first).unwrap());
        prop_assert_eq!(Uscc::parse(&code).unwrap().to_string(), code);
    }

    #[test]
    fn any_changed_character_is_found(which in 0_usize..18, at in 0_usize..18, to in "[0-9A-HJ-NPQRTUWXY]") {
        let mut code = GOOD[which].to_owned();
        code.replace_range(at..=at, &to);
        prop_assume!(code != GOOD[which]);
        prop_assert!(Uscc::parse(&code).is_err());
    }

    #[test]
    fn any_text_is_survived(text in ".{0,40}") {
        if let Ok(code) = Uscc::parse(&text) {
            prop_assert_eq!(code.to_string(), text);
        }
    }
}
