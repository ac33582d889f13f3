//! Lengths and colours. Whole micrometres, so that the same template and values make the same bytes on every machine.

use std::{
    fmt,
    ops::{Add, Mul, Neg, Sub},
};

use serde::{Deserialize, Deserializer, de};

/// Longest length that a template may name, in millimetres.
const MAX_MM: f64 = 2000.0;

/// A length or a position, in micrometres; y grows downwards. A template writes millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub(super) struct Length(pub(super) i64);

impl Length {
    pub(super) const ZERO: Self = Self(0);

    pub(super) const fn mm(mm: i64) -> Self {
        Self(mm * 1000)
    }

    /// This part of the length, rounded down.
    pub(super) const fn part(self, numerator: i64, denominator: i64) -> Self {
        Self(self.0 * numerator / denominator)
    }
}

impl Add for Length {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Length {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Length {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Mul<i64> for Length {
    type Output = Self;
    fn mul(self, factor: i64) -> Self {
        Self(self.0 * factor)
    }
}

/// In millimetres, with no more digits than are needed: as OFD (GB/T 33190 7.2) and SVG want it.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.abs() / 1000, self.0.abs() % 1000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mm = f64::deserialize(deserializer)?;
        if !(0.0..=MAX_MM).contains(&mm) {
            return Err(de::Error::custom(format!("a length is 0 to {MAX_MM} mm")));
        }
        #[allow(clippy::cast_possible_truncation, reason = "at most two million")]
        let micrometres = (mm * 1000.0).round() as i64;
        Ok(Self(micrometres))
    }
}

/// Red, green, blue; a template writes `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(pub(super) [u8; 3]);

impl Colour {
    pub(super) const BLACK: Self = Self([0, 0, 0]);
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits =
            text.strip_prefix('#').filter(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(value) = value else { return Err(de::Error::custom("a colour is # and six hexadecimal digits")) };
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_with_the_digits_that_are_needed() {
        for (micrometres, text) in [(0, "0"), (1000, "1"), (1500, "1.5"), (-250, "-0.25"), (12_005, "12.005")] {
            assert_eq!(Length(micrometres).to_string(), text);
        }
    }
}
