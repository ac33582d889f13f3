//! Legal dates. Instants elsewhere are Unix milliseconds (`at_ms`); a day is a day in China, UTC+8, last days inclusive.

use crate::reason::Reason;

#[cfg(test)]
mod tests;

const MS_PER_DAY: i64 = 86_400_000;
/// China has had one time zone and, since 1992, no summer time; what is dated by a clock here is later.
const CHINA_OFFSET_MS: i64 = 8 * 3_600_000;

/// A day of the Gregorian calendar, 1900-01-01 to 9999-12-31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why something is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No known form.
    #[error("a date is written 2024-05-01, 20240501, 2024/5/1 or 2024年5月1日")]
    Form,
    /// Right form, no such day.
    #[error("there is no day {year:04}-{month:02}-{day:02} between 1900-01-01 and 9999-12-31")]
    NoSuchDay {
        /// Found.
        year: u32,
        /// Found.
        month: u32,
        /// Found.
        day: u32,
    },
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        Reason::FieldInvalid
    }
}

impl Date {
    /// The last day that has a form: 9999-12-31.
    pub const MAX: Self = Self { year: 9999, month: 12, day: 31 };

    /// Checks that the day exists.
    ///
    /// # Errors
    /// Years outside 1900..=9999, months and days that do not exist.
    pub fn new(year: u32, month: u32, day: u32) -> Result<Self, Error> {
        let error = Error::NoSuchDay { year, month, day };
        if !(1900..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
            return Err(error);
        }
        let (Ok(year), Ok(month), Ok(day)) = (u16::try_from(year), u8::try_from(month), u8::try_from(day)) else {
            return Err(error);
        };
        Ok(Self { year, month, day })
    }

    /// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY/MM/DD`, `YYYY年MM月DD日`; except in the form without separators, month and day may
    /// have one digit.
    ///
    /// # Errors
    /// Any other form, and days that do not exist.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::new(number(&text[..4])?, number(&text[4..6])?, number(&text[6..])?);
        }
        let (rest, separators) = match text.strip_suffix('日') {
            Some(rest) => (rest, ['年', '月']),
            None if text.contains('/') => (text, ['/', '/']),
            None => (text, ['-', '-']),
        };
        let (year, rest) = rest.split_once(separators[0]).ok_or(Error::Form)?;
        let (month, day) = rest.split_once(separators[1]).ok_or(Error::Form)?;
        if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
            return Err(Error::Form);
        }
        Self::new(number(year)?, number(month)?, number(day)?)
    }

    /// The day in China at an instant; `None` outside 1900..=9999.
    pub fn from_unix_ms(ms: i64) -> Option<Self> {
        Self::from_days(ms.checked_add(CHINA_OFFSET_MS)?.div_euclid(MS_PER_DAY))
    }

    /// The instant at which the day begins in China, in Unix milliseconds; negative before 1970.
    pub fn start_unix_ms(self) -> i64 {
        self.days() * MS_PER_DAY - CHINA_OFFSET_MS
    }

    /// Year, 1900..=9999.
    pub fn year(self) -> u32 {
        u32::from(self.year)
    }

    /// Month, 1..=12.
    pub fn month(self) -> u32 {
        u32::from(self.month)
    }

    /// Day of the month, 1..=31.
    pub fn day(self) -> u32 {
        u32::from(self.day)
    }

    /// Days since 1970-01-01; negative before.
    pub fn days(self) -> i64 {
        // Days from civil: years begin in March, so that the leap day is a year's last.
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// From days since 1970-01-01; `None` outside 1900..=9999.
    pub fn from_days(days: i64) -> Option<Self> {
        let shifted = days.checked_add(719_468)?;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self::new(u32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?).ok()
    }

    /// So many days later, earlier if negative; `None` outside 1900..=9999.
    pub fn plus_days(self, days: i64) -> Option<Self> {
        Self::from_days(self.days().checked_add(days)?)
    }

    /// `YYYYMMDD`, as in case numbers.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

/// ISO 8601, `YYYY-MM-DD`.
impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl std::fmt::Debug for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Date({self})")
    }
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// ASCII digits only: `str::parse` alone would take a sign.
fn number(text: &str) -> Result<u32, Error> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| Error::Form)
    } else {
        Err(Error::Form)
    }
}
