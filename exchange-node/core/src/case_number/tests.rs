#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::uscc;
use proptest::prelude::*;

/// standards.md §2.5.
const EXAMPLE: &str = "12441500196720244T3442199806003202206230068";
const RECEIPT: &str = "3702002024050100000042";

#[test]
fn standards_2_5_the_example() {
    let number = CaseNumber::parse(EXAMPLE).unwrap();
    assert_eq!(number.to_string(), EXAMPLE);
    assert_eq!(number.implementation(), "12441500196720244T3442199806003");
    let implementation = ImplementationCode::parse(number.implementation()).unwrap();
    assert_eq!(CaseNumber::new(&implementation, Date::new(2022, 6, 23).unwrap(), 68), Ok(number));
    assert_eq!(
        CaseNumber::new(&implementation, Date::new(2022, 6, 23).unwrap(), 10_000),
        Err(Error::Sequence { needed: 4 })
    );
}

#[test]
fn receipts_begin_with_the_accepting_region() {
    let number = ReceiptNumber::parse(RECEIPT).unwrap();
    assert_eq!(number.region().as_str(), "370200");
    let day = Date::new(2024, 5, 1).unwrap();
    assert_eq!(ReceiptNumber::new(number.region(), day, 42), Ok(number));
    assert_eq!(ReceiptNumber::new(number.region(), day, 100_000_000), Err(Error::Sequence { needed: 8 }));
}

#[test]
fn either_is_told_by_its_length() {
    assert_eq!(CaseRef::parse(EXAMPLE), Ok(CaseRef::Case(CaseNumber::parse(EXAMPLE).unwrap())));
    assert_eq!(CaseRef::parse(RECEIPT), Ok(CaseRef::Receipt(ReceiptNumber::parse(RECEIPT).unwrap())));
    assert_eq!(CaseRef::parse(RECEIPT).unwrap().to_string(), RECEIPT);
}

#[test]
fn bad_numbers_are_refused_with_the_part() {
    let missing = CaseRef::parse("").unwrap_err();
    assert_eq!((&missing, missing.reason()), (&Error::Missing, Reason::CaseMissing));
    let length = CaseRef::parse("办件1").unwrap_err();
    assert_eq!((&length, length.reason()), (&Error::Length { found: 3 }, Reason::CaseNumberInvalid));
    assert_eq!(
        CaseRef::parse(&EXAMPLE.replace("244T3", "244U3")),
        Err(Error::Implementation(matter_code::Error::Body(uscc::Error::CheckDigit { found: 'U', needed: 'T' })))
    );
    assert_eq!(
        CaseRef::parse(&EXAMPLE.replace("20220623", "20220631")),
        Err(Error::Day(date::Error::NoSuchDay { year: 2022, month: 6, day: 31 }))
    );
    assert_eq!(CaseRef::parse(&EXAMPLE.replace("0068", "006X")), Err(Error::Sequence { needed: 4 }));
    assert_eq!(CaseRef::parse(&RECEIPT.replace("20240501", "2024-5-1")), Err(Error::Day(date::Error::Form)));
    assert_eq!(
        CaseRef::parse(&RECEIPT.replace("370200", "37020A")),
        Err(Error::Region(region::Error::NotARegion { found: 6 }))
    );
    assert_eq!(CaseRef::parse(&RECEIPT.replace("0042", "00４2")), Err(Error::Length { found: 24 }));
}

proptest! {
    #[test]
    fn what_is_made_reads_back(days in -25_567_i64..2_932_896, case in 0_u16..10_000, receipt in 0_u32..100_000_000) {
        let day = Date::from_days(days).unwrap();
        let implementation = ImplementationCode::parse(&EXAMPLE[..31]).unwrap();
        let number = CaseNumber::new(&implementation, day, case).unwrap();
        prop_assert_eq!(CaseRef::parse(number.as_str()), Ok(CaseRef::Case(number)));
        let number = ReceiptNumber::new(Region::parse("370100").unwrap(), day, receipt).unwrap();
        prop_assert_eq!(CaseRef::parse(number.as_str()), Ok(CaseRef::Receipt(number)));
    }

    #[test]
    fn any_text_is_survived(text in ".{0,50}", wide in "[0-9A-Z事]{43}", short in "[0-9事]{22}") {
        let _ = (CaseRef::parse(&text), CaseRef::parse(&wide), CaseRef::parse(&short));
    }
}
