//! Times as seals and documents write them. Every one becomes an [`Instant`]; none is ever compared as text.

use exchange_core::chain::Instant;

/// Documents that name no zone are read as written in China, UTC+8 without summer time.
const CHINA_OFFSET_S: i64 = 8 * 3600;

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No known form.
    #[error("a time is written 20200817111329Z, 20201004072855.302Z, 20201010151120 or 2026-08-04 10:08:09")]
    Form,
    /// Right form, no such moment.
    #[error("there is no such moment between 1970 and 9999")]
    NoSuchMoment,
}

/// A time as a document writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenTime {
    /// The moment, if no zone is named taken as China's time.
    pub at: Instant,
    /// Whether a zone was named.
    pub zoned: bool,
}

impl WrittenTime {
    /// How far it is from another moment, milliseconds. A time without zone may have been meant as UTC: the nearer counts.
    #[must_use]
    pub fn distance_ms(self, other: Instant) -> u64 {
        let near = self.at.0.abs_diff(other.0);
        if self.zoned {
            return near;
        }
        let as_utc = self.at.0.saturating_add(CHINA_OFFSET_S.unsigned_abs() * 1000);
        near.min(as_utc.abs_diff(other.0))
    }
}

/// Reads a time in any of the forms that are met: compact or with `-`, `T` or blank and `:`, with or without fraction,
/// with `Z`, with an offset, or without a zone.
///
/// # Errors
/// [`Error`].
pub fn written(text: &str) -> Result<WrittenTime, Error> {
    let mut rest = text.trim_matches(' ').as_bytes();
    let year = digits(&mut rest, 4)?;
    let spelled = skip(&mut rest, b"-");
    let month = digits(&mut rest, 2)?;
    if spelled && !skip(&mut rest, b"-") {
        return Err(Error::Form);
    }
    let day = digits(&mut rest, 2)?;
    if spelled && !skip(&mut rest, b"T ") {
        return Err(Error::Form);
    }
    let hour = digits(&mut rest, 2)?;
    let colons = skip(&mut rest, b":");
    let minute = digits(&mut rest, 2)?;
    if colons && !skip(&mut rest, b":") {
        return Err(Error::Form);
    }
    let second = digits(&mut rest, 2)?;
    let milliseconds = fraction(&mut rest)?;
    let local = moment([year, month, day, hour, minute, second])?;
    let offset = zone(rest)?;
    let seconds = local - offset.unwrap_or(CHINA_OFFSET_S);
    let seconds = u64::try_from(seconds).map_err(|_| Error::NoSuchMoment)?;
    Ok(WrittenTime { at: Instant(seconds * 1000 + milliseconds), zoned: offset.is_some() })
}

/// Reads the value of an ASN.1 GeneralizedTime in DER: to the second or a fraction of it, in UTC (X.690 section 11.7).
///
/// # Errors
/// [`Error`].
pub fn generalized(value: &[u8]) -> Result<Instant, Error> {
    let text = value.strip_suffix(b"Z").ok_or(Error::Form)?;
    let (whole, part) = text.split_at_checked(14).ok_or(Error::Form)?;
    let mut rest = part;
    let milliseconds = fraction(&mut rest)?;
    if !rest.is_empty() || part.ends_with(b"0") {
        return Err(Error::Form);
    }
    compact(whole, milliseconds)
}

/// Reads the value of an ASN.1 UTCTime in DER (X.690 section 11.8); years 50 to 99 are of the last century.
///
/// # Errors
/// [`Error`].
pub fn utc(value: &[u8]) -> Result<Instant, Error> {
    let text = value.strip_suffix(b"Z").filter(|text| text.len() == 12).ok_or(Error::Form)?;
    let mut rest = text;
    let century: &[u8] = if digits(&mut rest, 2)? < 50 { b"20" } else { b"19" };
    compact(&[century, text].concat(), 0)
}

fn compact(fourteen: &[u8], milliseconds: u64) -> Result<Instant, Error> {
    let mut rest = fourteen;
    let mut fields = [digits(&mut rest, 4)?, 0, 0, 0, 0, 0];
    for field in &mut fields[1..] {
        *field = digits(&mut rest, 2)?;
    }
    if !rest.is_empty() {
        return Err(Error::Form);
    }
    let seconds = u64::try_from(moment(fields)?).map_err(|_| Error::NoSuchMoment)?;
    Ok(Instant(seconds * 1000 + milliseconds))
}

fn digits(rest: &mut &[u8], count: usize) -> Result<i64, Error> {
    let (head, tail) = rest.split_at_checked(count).ok_or(Error::Form)?;
    *rest = tail;
    head.iter().try_fold(0, |value, byte| match byte {
        b'0'..=b'9' => Ok(value * 10 + i64::from(byte - b'0')),
        _ => Err(Error::Form),
    })
}

fn skip(rest: &mut &[u8], any: &[u8]) -> bool {
    match rest.split_first() {
        Some((first, tail)) if any.contains(first) => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

/// Milliseconds of `.302`; what is finer is cut off. At most nine digits.
fn fraction(rest: &mut &[u8]) -> Result<u64, Error> {
    if !skip(rest, b".") {
        return Ok(0);
    }
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return Err(Error::Form);
    }
    let nanoseconds = u64::try_from(digits(rest, count)?).map_err(|_| Error::Form)? * 10_u64.pow(9 - count as u32);
    Ok(nanoseconds / 1_000_000)
}

/// Seconds east of Greenwich; `None` where nothing stands.
fn zone(rest: &[u8]) -> Result<Option<i64>, Error> {
    let mut rest = rest;
    match rest.split_first() {
        None => return Ok(None),
        Some((b'Z', b"")) => return Ok(Some(0)),
        Some(_) => {}
    }
    let west = skip(&mut rest, b"-");
    if !west && !skip(&mut rest, b"+") {
        return Err(Error::Form);
    }
    let hours = digits(&mut rest, 2)?;
    skip(&mut rest, b":");
    let minutes = digits(&mut rest, 2)?;
    if !rest.is_empty() || hours > 14 || minutes > 59 {
        return Err(Error::Form);
    }
    let seconds = hours * 3600 + minutes * 60;
    Ok(Some(if west { -seconds } else { seconds }))
}

/// Seconds since 1970 of a date and time without zone.
fn moment([year, month, day, hour, minute, second]: [i64; 6]) -> Result<i64, Error> {
    let exists = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    if !exists {
        return Err(Error::NoSuchMoment);
    }
    // Howard Hinnant, days_from_civil: years begin in March, so that the leap day is the last of its year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Ok(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn shown(text: &str) -> (String, bool) {
        let time = written(text).unwrap();
        (format!("{} {}", time.at, time.at.0 % 1000), time.zoned)
    }

    #[test]
    fn four_formats_and_their_relatives() {
        assert_eq!(shown("20201010151120"), ("2020-10-10T07:11:20Z 0".into(), false));
        assert_eq!(shown("2026-08-04 10:08:09"), ("2026-08-04T02:08:09Z 0".into(), false));
        assert_eq!(shown("20201004072855.302Z"), ("2020-10-04T07:28:55Z 302".into(), true));
        assert_eq!(shown("20200817111329Z"), ("2020-08-17T11:13:29Z 0".into(), true));
        assert_eq!(shown("2026-08-04T10:08:09+08:00"), ("2026-08-04T02:08:09Z 0".into(), true));
        assert_eq!(shown("20200229000000-0100"), ("2020-02-29T01:00:00Z 0".into(), true));
    }

    #[test]
    fn what_is_no_time() {
        for text in ["", "2020", "2020-10-10", "20201010151120X", "2020-10-1015:11:20", "20201010151120.Z", "二〇二〇"]
        {
            assert_eq!(written(text), Err(Error::Form), "{text}");
        }
        for text in ["20210229000000Z", "20201310151120", "20201010241120", "19691231235959Z", "19700101000000"] {
            assert_eq!(written(text), Err(Error::NoSuchMoment), "{text}");
        }
    }

    #[test]
    fn der_times() {
        assert_eq!(generalized(b"20200422020900Z").unwrap().to_string(), "2020-04-22T02:09:00Z");
        assert_eq!(generalized(b"20201004072855.302Z").unwrap().0 % 1000, 302);
        for bad in [&b"20200422020900"[..], b"20200422020900.0Z", b"202004220209Z", b"20200422020900+0800", b"Z"] {
            assert_eq!(generalized(bad), Err(Error::Form));
        }
        assert_eq!(utc(b"200422021807Z").unwrap().to_string(), "2020-04-22T02:18:07Z");
        assert_eq!(utc(b"2004220218Z"), Err(Error::Form));
        assert_eq!(utc(b"500422021807Z"), Err(Error::NoSuchMoment));
    }

    #[test]
    fn a_time_without_zone_may_be_either() {
        let time = written("20201010151120").unwrap();
        assert_eq!(time.distance_ms(Instant(time.at.0)), 0);
        assert_eq!(time.distance_ms(written("20201010151120Z").unwrap().at), 0);
        assert_eq!(time.distance_ms(written("20201010151130Z").unwrap().at), 10_000);
    }
}
