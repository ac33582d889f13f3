#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// standards.md §2.4: 实施编码 and 业务办理项编码, split there.
const ROWS: [(&str, ExerciseLevel, &str, Option<&str>); 5] = [
    ("11370800MB28559184", ExerciseLevel::City, "370117002011", None),
    ("11100000MB03271699", ExerciseLevel::National, "000115035000", None),
    ("11100000MB0341032Y", ExerciseLevel::National, "000172149001", Some("01")),
    ("1131000068735121X0", ExerciseLevel::Province, "310100327000", Some("01")),
    ("12441500196720244T", ExerciseLevel::City, "442199806003", None),
];

#[test]
fn standards_2_4_codes_split() {
    for (body, level, basic, sequence) in ROWS {
        let text = format!("{body}{}{basic}", level as u8);
        let code = ImplementationCode::parse(&text).unwrap();
        assert_eq!((code.body(), code.level(), code.basic().as_str()), (body, level, basic));
        assert_eq!(code.to_string(), text);
        assert_eq!(
            code,
            ImplementationCode::new(&Uscc::parse(body).unwrap(), level, &BasicCode::parse(basic).unwrap())
        );
        let sequence = sequence.unwrap_or("01");
        let item = HandlingItemCode::parse(&format!("{text}{sequence}")).unwrap();
        assert_eq!((item.implementation(), item.sequence()), (code, sequence));
        assert_eq!(item.to_string().len(), 33);
    }
}

#[test]
fn a_basic_code_has_five_parts() {
    let code = BasicCode::parse("370117002011").unwrap();
    assert_eq!((code.area(), code.kind(), code.department()), ("37", MatterKind::Permit, "17"));
    assert_eq!((code.main_item(), code.sub_item()), ("002", "011"));
    assert_eq!(BasicCode::parse("442199806003").unwrap().kind(), MatterKind::Unknown(21));
}

/// standards.md §2.4, 事项类型.
#[test]
fn standards_2_4_kinds() {
    let table = [
        (0, "行政权力事项"),
        (1, "行政许可"),
        (2, "行政处罚"),
        (3, "行政强制"),
        (4, "行政征收"),
        (5, "行政给付"),
        (6, "行政检查"),
        (7, "行政确认"),
        (8, "行政奖励"),
        (9, "行政裁决"),
        (10, "其他类别"),
        (20, "公共服务"),
    ];
    for (number, label) in table {
        assert_eq!(MatterKind::from_number(number).label(), Some(label));
    }
    for number in 0..=99 {
        assert_eq!(MatterKind::from_number(number).number(), number);
    }
    assert_eq!(MatterKind::from_number(11), MatterKind::Unknown(11));
    assert_eq!(MatterKind::from_number(11).label(), None);
}

/// standards.md §2.4, 行使层级.
#[test]
fn standards_2_4_levels() {
    for digit in '1'..='7' {
        assert_eq!(
            ExerciseLevel::from_digit(digit).map(|level| level as u8),
            u8::try_from(digit).ok().map(|b| b - b'0')
        );
    }
    assert_eq!(ExerciseLevel::from_digit('0'), None);
    assert_eq!(ExerciseLevel::from_digit('8'), None);
}

#[test]
fn bad_codes_are_refused_with_the_place() {
    let length = |name, needed, found| Error::Length { name, needed, found };
    // The older widths of GB/T 39046-2020: 10 and 24.
    assert_eq!(BasicCode::parse("3701170020"), Err(length(BASIC, 12, 10)));
    assert_eq!(ImplementationCode::parse(&"1".repeat(24)), Err(length(IMPLEMENTATION, 31, 24)));
    assert_eq!(HandlingItemCode::parse(&"1".repeat(31)), Err(length(HANDLING_ITEM, 33, 31)));
    let character = |name, position, found, needed| Error::Character { name, position, found, needed };
    assert_eq!(BasicCode::parse("3A0117002011"), Err(character(BASIC, 2, 'A', "a digit")));
    assert_eq!(BasicCode::parse("37011700201a"), Err(character(BASIC, 12, 'a', "a digit or a capital letter")));
    assert_eq!(BasicCode::parse("37011700201１"), Err(character(BASIC, 12, '１', "a digit or a capital letter")));
    assert_eq!(
        ImplementationCode::parse("11370800MB285591848370117002011"),
        Err(character(IMPLEMENTATION, 19, '8', "a level from 1 to 7"))
    );
    let body = ImplementationCode::parse("11370800MB285591853370117002011").unwrap_err();
    assert_eq!(body, Error::Body(uscc::Error::CheckDigit { found: '5', needed: '4' }));
    assert_eq!(body.reason(), Reason::CheckDigitWrong);
    assert_eq!(
        HandlingItemCode::parse("11370800MB2855918433701170020110X"),
        Err(character(HANDLING_ITEM, 33, 'X', "a digit"))
    );
    assert!(matches!(
        ImplementationCode::parse("事1370800MB285591843370117002011"),
        Err(Error::Character { position: 1, .. })
    ));
}

proptest! {
    #[test]
    fn a_basic_code_reads_back(text in "[0-9]{4}[0-9A-Z]{8}") {
        prop_assert_eq!(BasicCode::parse(&text).unwrap().to_string(), text);
    }

    #[test]
    fn any_text_is_survived(text in ".{0,40}") {
        let _ = (BasicCode::parse(&text), ImplementationCode::parse(&text), HandlingItemCode::parse(&text));
    }
}
