#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

#[test]
fn all_forms_give_the_same_day() {
    for text in ["2024-05-01", "20240501", "2024/05/01", "2024年05月01日", "2024年5月1日", "2024/5/1", "2024-5-1"]
    {
        assert_eq!(date(text).to_string(), "2024-05-01", "{text}");
    }
    assert_eq!(date("2024-05-01").compact(), "20240501");
}

#[test]
fn other_forms_are_refused() {
    for text in [
        "",
        "2024",
        "2024-05",
        "24-05-01",
        "2024-05-01 ",
        " 2024-05-01",
        "2024-05-01T00:00:00",
        "2024.05.01",
        "2024年05月01",
        "2024/05-01",
        "+202-05-01",
        "2024-+5-01",
        "２０２４-05-01",
        "202405010",
        "长期",
        "2024-005-1",
        "2024--5-01",
        "2024年年05月01日",
    ] {
        assert_eq!(Date::parse(text), Err(Error::Form), "{text:?}");
    }
}

#[test]
fn days_that_do_not_exist_are_refused() {
    for (year, month, day) in [
        (1899, 12, 31),
        (10_000, 1, 1),
        (2024, 0, 1),
        (2024, 13, 1),
        (2024, 1, 0),
        (2024, 1, 32),
        (2024, 4, 31),
        (2023, 2, 29),
        (1900, 2, 29),
        (2100, 2, 29),
        (u32::MAX, 1, 1),
    ] {
        assert_eq!(Date::new(year, month, day), Err(Error::NoSuchDay { year, month, day }));
    }
    assert_eq!(
        Date::parse("20230229").unwrap_err().to_string(),
        "there is no day 2023-02-29 between 1900-01-01 and 9999-12-31"
    );
    assert!(Date::new(2000, 2, 29).is_ok() && Date::new(2024, 2, 29).is_ok());
}

#[test]
fn a_day_begins_at_midnight_in_china() {
    assert_eq!(Date::from_unix_ms(0), Some(date("1970-01-01")));
    assert_eq!(date("1970-01-01").start_unix_ms(), -28_800_000);
    // 2024-05-01 00:00:00 +08:00 is 2024-04-30 16:00:00 UTC.
    let midnight = 1_714_492_800_000;
    assert_eq!(Date::from_unix_ms(midnight), Some(date("2024-05-01")));
    assert_eq!(Date::from_unix_ms(midnight - 1), Some(date("2024-04-30")));
    assert_eq!(date("2024-05-01").start_unix_ms(), midnight);
    assert_eq!(Date::from_unix_ms(i64::MAX), None);
    assert_eq!(Date::from_unix_ms(i64::MIN), None);
}

#[test]
fn days_go_on_across_months_and_leap_years() {
    assert_eq!(date("2024-02-28").plus_days(1), Some(date("2024-02-29")));
    assert_eq!(date("2023-12-31").plus_days(1), Some(date("2024-01-01")));
    assert_eq!(date("2000-03-01").plus_days(-1), Some(date("2000-02-29")));
    assert_eq!(date("9999-12-31").plus_days(1), None);
    assert_eq!(date("1900-01-01").plus_days(-1), None);
    assert_eq!(date("2024-05-01").plus_days(i64::MAX), None);
}

/// Every day of the calendar, one after the other.
#[test]
fn every_day_follows_its_neighbour() {
    let mut day = date("1900-01-01");
    let first = day.days();
    assert_eq!(first, -25_567);
    let mut count = 0;
    while let Some(next) = day.plus_days(1) {
        assert!(next > day && next.days() == day.days() + 1);
        assert_eq!(next.day() == 1, next.month() != day.month());
        day = next;
        count += 1;
    }
    assert_eq!((day, count), (date("9999-12-31"), 2_958_463));
}

proptest! {
    #[test]
    fn a_date_reads_back(days in -25_567_i64..2_932_896) {
        let day = Date::from_days(days).unwrap();
        prop_assert_eq!(day.days(), days);
        prop_assert_eq!(date(&day.to_string()), day);
        prop_assert_eq!(date(&day.compact()), day);
        prop_assert_eq!(Date::from_unix_ms(day.start_unix_ms()), Some(day));
    }

    #[test]
    fn any_text_is_survived(text in ".{0,20}") {
        let _ = Date::parse(&text);
    }
}
