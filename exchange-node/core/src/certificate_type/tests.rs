#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::{
    certificate::{Draft, Field, MAX_VALUES_BYTES, Origin},
    date::Date,
    fixtures::{DEED, day, deed, field, issuer},
    reason::Reason,
};
use proptest::prelude::*;

/// An invented person: 379999 is not assigned.
const PERSON: &str = "379999199001010010";
const FIRM: &str = "91370406L24894136J";

fn draft(fields: &[(&str, &str)]) -> Draft {
    Draft {
        type_code: TypeCode::parse(DEED).unwrap(),
        type_version: None,
        issuer: issuer(),
        issued_on: day("2024-05-01"),
        valid_from: day("2024-05-01"),
        valid_until: None,
        origin: Origin::Synchronous,
        fields: fields.iter().map(|(name, value)| Field { name: (*name).into(), value: (*value).into() }).collect(),
        serial: None,
    }
}

const GOOD: [(&str, &str); 5] =
    [("KZ_ZL", "样例路1号"), ("ZZBH", "鲁(2024)0001"), ("CZZTDM", FIRM), ("CZZTDMLXDM", "001"), ("CZZT", "样例公司")];

/// The good draft with one value changed, or added.
fn with(name: &str, value: &str) -> Draft {
    let mut draft = draft(&GOOD);
    draft.fields.retain(|field| field.name != name);
    draft.fields.push(Field { name: name.into(), value: value.into() });
    draft
}

fn today() -> Date {
    day("2024-06-01")
}

fn check(draft: &Draft) -> Result<CheckedDraft, Error> {
    deed().check(draft, today())
}

/// The refusal of a draft; its text never tells a value of the draft.
fn refusal(draft: &Draft) -> Error {
    let error = check(draft).expect_err("a refusal");
    let text = error.to_string();
    for field in draft.fields.iter().filter(|field| field.value.chars().count() > 3) {
        assert!(!text.contains(&field.value), "{text}");
    }
    error
}

fn malformed(name: &str, value: &str, found: &str) {
    match refusal(&with(name, value)) {
        Error::Malformed { name: field, found: what, .. } => assert_eq!((field.as_str(), what.as_str()), (name, found)),
        other => panic!("{other}"),
    }
    assert_eq!(refusal(&with(name, value)).reason(), Reason::FieldInvalid);
}

#[test]
fn a_good_draft_gives_every_field_in_the_types_order() {
    let checked = check(&draft(&GOOD)).unwrap();
    let names: Vec<&str> = checked.fields().iter().map(|field| field.name.as_str()).collect();
    let order = ["CZZT", "CZZTDM", "CZZTDMLXDM", "ZZBH", "KZ_ZL", "KZ_QLR", "KZ_MJ", "KZ_DJRQ", "KZ_FJ", "KZ_DW"];
    assert_eq!(names, order);
    assert_eq!(checked.fields()[0].value, "样例公司");
    assert_eq!(checked.fields()[5].value, "");
    assert_eq!(checked.number(), Some("鲁(2024)0001"));
    let holders: Vec<(&str, &str)> = checked.holders().iter().map(|one| (one.code_type(), one.code())).collect();
    assert_eq!(holders, [("001", FIRM)]);
}

#[test]
fn several_holders_are_split_with_one_code_type_or_one_each() {
    let codes = format!("{PERSON},{}", FIRM.to_lowercase());
    let mut two = with("CZZTDM", &codes);
    two.fields.iter_mut().find(|field| field.name == "CZZTDMLXDM").unwrap().value = "111,001".into();
    let checked = check(&two).unwrap();
    let holders: Vec<(&str, &str)> = checked.holders().iter().map(|one| (one.code_type(), one.code())).collect();
    assert_eq!(holders, [("111", PERSON), ("001", FIRM)]);
    // The value itself is signed as given.
    assert_eq!(checked.fields()[1].value, codes);
    let mut three = two.clone();
    three.fields.iter_mut().find(|field| field.name == "CZZTDMLXDM").unwrap().value = "111,001,001".into();
    assert_eq!(refusal(&three), Error::CodeTypeCount { found: 3, needed: 2 });
    assert_eq!(refusal(&three).reason(), Reason::FieldInvalid);
}

#[test]
fn the_code_type_is_the_only_allowed_one_where_the_draft_gives_none() {
    let error = refusal(&with("CZZTDMLXDM", ""));
    assert_eq!(error, Error::CodeTypeMissing { needed: "111, 001".into() });
    assert_eq!(error.reason(), Reason::FieldMissing);
    let mut kind = deed();
    kind.holder_code_types = vec!["001".into()];
    assert_eq!(kind.check(&with("CZZTDMLXDM", ""), today()).unwrap().holders()[0].code_type(), "001");
    let other = refusal(&with("CZZTDMLXDM", "414"));
    assert_eq!(other, Error::CodeTypeNotAllowed { found: "414".into(), needed: "111, 001".into() });
    // A number in the wrong column is not repeated.
    assert!(!refusal(&with("CZZTDMLXDM", PERSON)).to_string().contains(PERSON));
}

#[test]
fn a_wrong_check_digit_says_the_right_one_alone() {
    let wrong_firm = "91370406L248941360";
    let error = refusal(&with("CZZTDM", wrong_firm));
    assert_eq!(error, Error::CheckDigit { name: "CZZTDM".into(), item: 1, needed: 'J' });
    assert_eq!((error.reason(), error.right_check_digit()), (Reason::CheckDigitWrong, Some('J')));
    assert_eq!(error.to_string(), "found a wrong check digit in CZZTDM, needed check digit J");
    let mut second = with("CZZTDM", "379999199001010010,379999199001010017");
    second.fields.iter_mut().find(|field| field.name == "CZZTDMLXDM").unwrap().value = "111".into();
    assert_eq!(refusal(&second), Error::CheckDigit { name: "CZZTDM".into(), item: 2, needed: '0' });
    assert_eq!(refusal(&with("KZ_DW", wrong_firm)), Error::CheckDigit { name: "KZ_DW".into(), item: 1, needed: 'J' });
}

#[test]
fn an_identity_number_as_field() {
    let mut kind = deed();
    kind.fields.push(field("KZ_SFZH", FieldFormat::ResidentId, false));
    assert!(kind.check(&with("KZ_SFZH", PERSON), today()).is_ok());
    let error = kind.check(&with("KZ_SFZH", "379999199001010019"), today()).unwrap_err();
    assert_eq!(error, Error::CheckDigit { name: "KZ_SFZH".into(), item: 1, needed: '0' });
    let error = kind.check(&with("KZ_SFZH", "379999199013010010"), today()).unwrap_err();
    assert_eq!(error.reason(), Reason::FieldInvalid);
    assert_eq!(error.found(), "the date of birth in the identity number does not exist in KZ_SFZH");
}

#[test]
fn unknown_repeated_and_missing_fields() {
    assert_eq!(refusal(&with("KZ_NEU", "x")), Error::UnknownField { name: "KZ_NEU".into() });
    assert_eq!(refusal(&with("KZ_NEU", "x")).reason(), Reason::FieldUnknown);
    // A value in the place of a name is not repeated.
    assert!(!refusal(&with(PERSON, "x")).to_string().contains(PERSON));
    let mut twice = draft(&GOOD);
    twice.fields.push(Field { name: "CZZT".into(), value: "样例".into() });
    assert_eq!(refusal(&twice), Error::RepeatedField { name: "CZZT".into() });
    assert_eq!(refusal(&twice).reason(), Reason::FieldRepeated);
    for value in ["", " ", "\u{3000}"] {
        let missing = refusal(&with("KZ_ZL", value));
        assert_eq!(missing, Error::MissingField { name: "KZ_ZL".into(), label: "KZ_ZL名称".into() });
        assert_eq!(missing.reason(), Reason::FieldMissing);
    }
    let mut absent = draft(&GOOD);
    absent.fields.retain(|field| field.name != "ZZBH");
    assert!(matches!(refusal(&absent), Error::MissingField { name, .. } if name == "ZZBH"));
}

#[test]
fn a_thousand_fields() {
    let mut many = draft(&GOOD);
    many.fields.extend((0..1_000).map(|at| Field { name: format!("KZ_{at}"), value: String::new() }));
    assert_eq!(refusal(&many), Error::TooManyFields { found: 1_005 });
    assert_eq!(refusal(&many).reason(), Reason::TooManyFields);
}

#[test]
fn values_that_are_too_long_alone_or_together() {
    assert!(check(&with("KZ_FJ", &"x".repeat(65_536))).is_ok());
    let error = refusal(&with("KZ_FJ", &"x".repeat(65_537)));
    assert_eq!(error, Error::ValueTooLong { name: "KZ_FJ".into(), found: 65_537, needed: 65_536 });
    assert_eq!(error.reason(), Reason::FieldTooLong);
    let mut short = deed();
    short.fields[4].max_bytes = Some(10);
    let error = short.check(&with("KZ_ZL", "12345678901"), today()).unwrap_err();
    assert_eq!(error, Error::ValueTooLong { name: "KZ_ZL".into(), found: 11, needed: 10 });

    let mut kind = deed();
    kind.fields.extend((0..16).map(|at| field(&format!("KZ_LONG{at}"), FieldFormat::Text, false)));
    let mut large = draft(&GOOD);
    let rest = MAX_VALUES_BYTES - large.fields.iter().map(|field| field.value.len()).sum::<usize>();
    let long = |at, bytes| Field { name: format!("KZ_LONG{at}"), value: "x".repeat(bytes) };
    large.fields.extend((0..15).map(|at| long(at, 65_536)));
    large.fields.push(long(15, rest - 15 * 65_536));
    assert!(kind.check(&large, today()).is_ok());
    large.fields.last_mut().unwrap().value.push('x');
    let error = kind.check(&large, today()).unwrap_err();
    assert_eq!(error, Error::ValuesTooLarge { found: MAX_VALUES_BYTES + 1 });
    assert_eq!(error.reason(), Reason::ValuesTooLarge);
}

#[test]
fn control_characters_and_line_breaks() {
    for character in ['\0', '\t', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}'] {
        for name in ["KZ_ZL", "KZ_FJ"] {
            let error = refusal(&with(name, &format!("样{character}例")));
            assert_eq!(error, Error::ControlCharacter { name: name.into(), position: 2 }, "{character:?}");
            assert_eq!(error.reason(), Reason::ControlCharacter);
        }
    }
    for line_break in ["\n", "\r\n", "\u{2028}"] {
        let value = format!("样例{line_break}二");
        assert!(check(&with("KZ_FJ", &value)).is_ok(), "{line_break:?}");
        let error = refusal(&with("KZ_ZL", &value));
        assert_eq!(error, Error::LineBreak { name: "KZ_ZL".into(), position: 3 });
        assert_eq!(error.reason(), Reason::ControlCharacter);
    }
}

#[test]
fn forms_of_values() {
    assert!(check(&with("KZ_DJRQ", "2024-02-29")).is_ok());
    malformed("KZ_DJRQ", "2023-02-29", "no date");
    malformed("KZ_DJRQ", "20240229", "a date in another form");
    malformed("KZ_DJRQ", "2024-2-29", "a date in another form");
    for good in ["0", "89.30", "120"] {
        assert!(check(&with("KZ_MJ", good)).is_ok(), "{good}");
    }
    for bad in [".5", "5.", "1.2.3", "-1", "1e3", "１２", "12 "] {
        malformed("KZ_MJ", bad, "no decimal number");
    }
    malformed("KZ_DW", "9137040", "7 characters");
    malformed("KZ_DW", "91370406I24894136J", "a character at 9 that may not stand there");
    malformed("CZZTDM", &format!("{FIRM},"), "the holder code is empty");
}

#[test]
fn dates_the_wrong_way_round() {
    let out_of_order = |earlier, later, draft: &Draft| {
        let error = refusal(draft);
        assert!(
            matches!(error, Error::DatesOutOfOrder { earlier: a, later: b, .. } if (a, b) == (earlier, later)),
            "{error}"
        );
        assert_eq!(error.reason(), Reason::DatesOutOfOrder);
    };
    let mut future = draft(&GOOD);
    future.issued_on = day("2024-06-02");
    out_of_order("issued_on", "today", &future);
    let mut reversed = draft(&GOOD);
    reversed.valid_until = Some(day("2024-04-30"));
    out_of_order("valid_from", "valid_until", &reversed);
    reversed.valid_from = day("2020-01-01");
    out_of_order("issued_on", "valid_until", &reversed);
    // Both usual: in force since before this paper, in force from later on, for one day.
    let mut usual = draft(&GOOD);
    usual.valid_from = day("2001-01-01");
    assert!(check(&usual).is_ok());
    usual.valid_from = day("2025-01-01");
    usual.valid_until = Some(day("2025-01-01"));
    assert!(check(&usual).is_ok());
}

#[test]
fn the_end_of_validity_by_the_type() {
    let mut kind = deed();
    kind.validity = Validity { until_required: true, max_years: Some(3) };
    let mut dated = draft(&GOOD);
    assert_eq!(kind.check(&dated, today()).unwrap_err(), Error::UntilMissing);
    assert_eq!(Error::UntilMissing.reason(), Reason::FieldMissing);
    dated.valid_until = Some(day("2027-05-01"));
    assert!(kind.check(&dated, today()).is_ok());
    dated.valid_until = Some(day("2027-05-02"));
    let error = kind.check(&dated, today()).unwrap_err();
    assert_eq!(error, Error::ValidTooLong { found: day("2027-05-02"), needed: 3 });
}

#[test]
fn another_type_or_version() {
    let mut other = draft(&GOOD);
    other.type_version = Some(2);
    let error = refusal(&other);
    assert_eq!(error.reason(), Reason::TypeUnknown);
    assert_eq!(error.needed(), format!("type {DEED} version 1"));
    other.type_version = Some(1);
    assert!(check(&other).is_ok());
}

#[test]
fn status_codes_and_changes() {
    let kind = deed();
    assert_eq!(kind.status_code_for(Status::Revoked), Some("02"));
    assert_eq!(kind.status_code_for(Status::Suspended), None);
    assert_eq!(kind.status_for_code("99"), Some(Status::Revoked));
    assert_eq!(kind.status_for_code("50"), None);
    assert_eq!(kind.may_change(Authority::Supervisor, Status::Revoked, "样例罚〔2024〕1号"), Ok(()));
    assert_eq!(kind.may_change(Authority::Issuer, Status::Cancelled, ""), Ok(()));
    let error = kind.may_change(Authority::Issuer, Status::Revoked, " ").unwrap_err();
    assert_eq!(error, Error::DocumentNumberMissing { to: Status::Revoked });
    assert_eq!(error.reason(), Reason::DocumentNumberMissing);
    let error = kind.may_change(Authority::Supervisor, Status::Cancelled, "1").unwrap_err();
    assert_eq!(error.reason(), Reason::StatusAuthorityNotAllowed);
    let error = kind.may_change(Authority::Issuer, Status::Suspended, "1").unwrap_err();
    assert_eq!(error.to_string(), "found a change to SUSPENDED by Issuer, needed a change that the type allows");
}

fn invalid(path: &str, spoil: impl FnOnce(&mut CertificateType)) {
    let mut kind = deed();
    spoil(&mut kind);
    assert_eq!(kind.validate().expect_err(path).path, path);
}

#[test]
fn types_that_contradict_themselves() {
    assert_eq!(deed().validate(), Ok(()));
    invalid("version", |kind| kind.version = 0);
    invalid("name", |kind| kind.name.clear());
    invalid("name", |kind| kind.name.push('\n'));
    invalid("holder_code_types[1]", |kind| kind.holder_code_types[1] = "01".into());
    invalid("holder_code_types", |kind| kind.holder_code_types[1] = "111".into());
    invalid("holder_code_types", |kind| kind.holder_code_types.clear());
    invalid("fields", |kind| kind.fields.clear());
    invalid("fields", |kind| kind.fields.push(field("KZ_ZL", FieldFormat::Text, false)));
    invalid("fields", |kind| {
        kind.fields.extend((0..128).map(|at| field(&format!("KZ_{at}"), FieldFormat::Text, false)));
    });
    for name in ["kz_zl", "1KZ", "", "KZ-ZL", &"A".repeat(65)] {
        invalid("fields[4].name", |kind| kind.fields[4].name = name.into());
    }
    invalid("fields[4].label", |kind| kind.fields[4].label.clear());
    invalid("fields[4].max_bytes", |kind| kind.fields[4].max_bytes = Some(65_537));
    invalid("fields[0].role", |kind| kind.fields[0].role = None);
    invalid("fields[4].role", |kind| kind.fields[4].role = Some(FieldRole::Number));
    invalid("fields[1].format", |kind| kind.fields[1].format = FieldFormat::Text);
    invalid("fields[4].format", |kind| kind.fields[4].format = FieldFormat::HolderCode);
    invalid("discovery", |kind| kind.fields[1].required = false);
    invalid("discovery", |kind| {
        kind.discovery = Discovery::ByNumber;
        kind.fields[3].required = false;
    });
    invalid("fields", |kind| drop(kind.fields.remove(2)));
    invalid("status_codes", |kind| kind.status_codes[1].code = "01".into());
    invalid("status_codes", |kind| drop(kind.status_codes.remove(0)));
    invalid("status_rules", |kind| kind.status_rules[1].to = Status::Revoked);
    invalid("status_rules[0].to", |kind| kind.status_rules[0].to = Status::Expired);
    invalid("status_rules[0].authorities", |kind| kind.status_rules[0].authorities.clear());
    invalid("approvals", |kind| kind.sharing = Sharing::Unconditional);
    invalid("approvals", |kind| kind.approvals.push(kind.approvals[0].clone()));
    invalid("approvals[0].fields", |kind| kind.approvals[0].fields.push("KZ_NEU".into()));
    invalid("validity.max_years", |kind| kind.validity.max_years = Some(0));
}

proptest! {
    /// Whatever is given: what passes has exactly the type's fields, each with the value given or none.
    #[test]
    fn what_passes_has_the_types_fields(
        given in prop::collection::vec((0usize..12, "[ -~\n\u{4e00}-\u{4e10}]{0,12}"), 0..14),
    ) {
        let kind = deed();
        let name = |at: usize| kind.fields.get(at).map_or("KZ_NEU".to_owned(), |field| field.name.clone());
        let mut draft = draft(&GOOD);
        draft.fields.extend(given.into_iter().map(|(at, value)| Field { name: name(at), value }));
        if let Ok(checked) = kind.check(&draft, today()) {
            prop_assert_eq!(checked.fields().len(), kind.fields.len());
            for (field, spec) in checked.fields().iter().zip(&kind.fields) {
                prop_assert_eq!(&field.name, &spec.name);
                let given = draft.fields.iter().find(|given| given.name == field.name);
                prop_assert_eq!(field.value.as_str(), given.map_or("", |given| given.value.as_str()));
            }
            prop_assert!(!checked.holders().is_empty());
        }
    }
}
