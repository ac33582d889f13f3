#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn known() -> Known {
    Known { certificate_id: "a".to_owned(), sha256: [1; 32], epoch: 1, expires_on: day("2026-12-02"), used: None }
}

fn presented() -> Presented {
    let region = Region::parse("370200").unwrap();
    Presented { certificate_id: "a".to_owned(), sha256: [1; 32], region, key: [7; 32] }
}

fn moment() -> Moment {
    Moment { epoch: 1, status: Some(Status::Active), today: day("2026-12-02") }
}

#[test]
fn a_number_is_written_and_read() {
    for bits in [[0; 16], [255; 16], std::array::from_fn(|i| u8::try_from(i * 17).unwrap())] {
        let number = CopyNumber::new(bits);
        let text = number.to_string();
        assert_eq!((text.len(), text.parse()), (NUMBER_CHARACTERS, Ok(number)), "{text}");
    }
    assert_eq!(CopyNumber::new([255; 16]).to_string(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_eq!(CopyNumber::new(1_u128.to_be_bytes()).to_string(), "00000000000000000000000001");
    let wrong = [
        "",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZ",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ0",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZU",
        "7zzzzzzzzzzzzzzzzzzzzzzzzz",
        "7ZZZZZZZZZZZZZZZZZZZZZZZ\u{e9}",
    ];
    for text in wrong {
        assert_eq!(text.parse::<CopyNumber>(), Err(NotANumber), "{text}");
    }
}

#[test]
fn a_record_names_one_copy() {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(recorded(&[record_name(3)]), Some(3));
    for other in [&["files[0]"][..], &[], &["copies[0]", "copies[1]"], &["copies[00]"], &["copies[+1]"], &["copies[]"]]
    {
        assert_eq!(recorded(&names(other)), None, "{other:?}");
    }
    // A copy is no file, and no field has its name.
    assert_eq!(file::recorded(&[record_name(0)]), None);
    assert!(!crate::certificate_type::is_field_name(&record_name(0)));
    let (digest, salt) = ([3; 32], [4; 16]);
    let covered = |one: &Disclosure| crate::disclosure::released_digest([one]);
    assert_ne!(covered(&released(0, &digest, &salt)), covered(&file::released(0, &digest, &salt)));
}

#[test]
fn a_copy_does_not_outlive_its_certificate() {
    let today = day("2026-11-25");
    assert_eq!(last_day(today, 7, None), day("2026-12-02"));
    assert_eq!(last_day(today, 7, Some(day("2026-11-27"))), day("2026-11-27"));
    assert_eq!(last_day(today, 1_000, Some(day("2030-01-01"))), day("2026-12-25"), "30 days are the most");
}

#[test]
fn a_copy_is_used_once_until_its_last_day() {
    assert_eq!(decide(Some(&known()), &presented(), moment()), Outcome::Use);
    let later = Moment { today: day("2026-12-03"), ..moment() };
    assert_eq!(decide(Some(&known()), &presented(), later), Outcome::Expired);

    let used = Used { at_ms: 5, region: presented().region, key: presented().key };
    let after = Known { used: Some(used), ..known() };
    // The answer was lost: the same request gets it again, whatever has happened since.
    for moment in [moment(), later, Moment { status: None, ..moment() }] {
        assert_eq!(decide(Some(&after), &presented(), moment), Outcome::UsedNow(5));
    }
    let region = Region::parse("370100").unwrap();
    let others = [Presented { key: [8; 32], ..presented() }, Presented { region, ..presented() }];
    for other in others {
        assert_eq!(decide(Some(&after), &other, moment()), Outcome::AlreadyUsed(5, presented().region));
    }
}

#[test]
fn what_is_not_this_copy_is_not_used() {
    assert_eq!(decide(None, &presented(), moment()), Outcome::Unknown);
    let other = Presented { certificate_id: "b".to_owned(), ..presented() };
    assert_eq!(decide(Some(&known()), &other, moment()), Outcome::Unknown);
    let altered = Presented { sha256: [2; 32], ..presented() };
    assert_eq!(decide(Some(&known()), &altered, moment()), Outcome::Altered);
    // The custodian's store was restored, and its log begun anew.
    assert_eq!(decide(Some(&known()), &presented(), Moment { epoch: 2, ..moment() }), Outcome::Unknown);
}

#[test]
fn a_copy_of_a_certificate_that_is_not_in_force_is_not_used() {
    for status in [None, Some(Status::Revoked), Some(Status::Expired), Some(Status::Suspended)] {
        assert_eq!(decide(Some(&known()), &presented(), Moment { status, ..moment() }), Outcome::Withdrawn);
    }
}
