//! Copies for one use (加注件): a certificate's document, laid out anew with what it is for, for whom and until when, sealed
//! anew. Each has a number; the custodian knows by it whether the copy was used.

use crate::{date::Date, disclosure::Disclosure, file, region::Region, status::Status};
use std::{fmt, str::FromStr};

#[cfg(test)]
mod tests;

/// Longest life of a copy, in days.
pub const MAX_DAYS: u32 = 30;
/// Characters of a number.
pub const NUMBER_CHARACTERS: usize = 26;
/// Crockford's base 32: no letter that is taken for a digit, and all of it in the alphanumeric mode of a QR code.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number of a copy: 128 bits that nobody guesses, written as [`NUMBER_CHARACTERS`] characters of Crockford's base 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopyNumber([u8; 16]);

/// A text that is no number of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no number of a copy: 26 characters of 0-9 and A-Z without I, L, O and U, the first one at most 7")]
pub struct NotANumber;

impl CopyNumber {
    /// From its bits.
    pub const fn new(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for CopyNumber {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if text.len() != NUMBER_CHARACTERS {
            return Err(NotANumber);
        }
        let mut bits = 0_u128;
        for (position, character) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == character).ok_or(NotANumber)?;
            // 26 characters have room for 130 bits.
            if position == 0 && value > 7 {
                return Err(NotANumber);
            }
            bits = bits << 5 | value as u128;
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

impl fmt::Display for CopyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        (0..NUMBER_CHARACTERS).rev().try_for_each(|place| {
            let index = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            write!(f, "{}", char::from(ALPHABET[index]))
        })
    }
}

impl fmt::Debug for CopyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CopyNumber({self})")
    }
}

/// How access records name a copy: `copies[0]` is one of the first file of the header. No field has such a name.
pub fn record_name(index: u32) -> String {
    format!("copies[{index}]")
}

/// Of which file a record names a copy, if it names one copy and nothing else.
pub fn recorded(names: &[String]) -> Option<u32> {
    let [name] = names else { return None };
    let index: u32 = name.strip_prefix("copies[")?.strip_suffix(']')?.parse().ok()?;
    (record_name(index) == *name).then_some(index)
}

/// A copy as [`crate::disclosure::released_digest`] covers it in a record: the record's name, the salted digest of the
/// copy's bytes in hexadecimal, the salt.
pub fn released(index: u32, digest: &[u8; 32], salt: &[u8; 16]) -> Disclosure {
    Disclosure { name: record_name(index), ..file::released(index, digest, salt) }
}

/// The last day of a copy that is made today: the configured life, and never beyond the certificate's own.
pub fn last_day(today: Date, days: u32, valid_until: Option<Date>) -> Date {
    let last = today.plus_days(i64::from(days.min(MAX_DAYS))).unwrap_or(Date::MAX);
    valid_until.map_or(last, |until| until.min(last))
}

/// What the custodian knows of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Of which certificate.
    pub certificate_id: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Epoch of the custodian's log in which it was made.
    pub epoch: u32,
    /// Last day on which it can be used.
    pub expires_on: Date,
    /// `None`: not used.
    pub used: Option<Used>,
}

/// That a copy was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// In which region.
    pub region: Region,
    /// Of the caller and its request: the same key gets the same answer again.
    pub key: [u8; 32],
}

/// A copy that is presented to be used.
#[derive(Debug, Clone)]
pub struct Presented {
    /// Of which certificate.
    pub certificate_id: String,
    /// SHA-256 of the bytes that are at hand.
    pub sha256: [u8; 32],
    /// Where.
    pub region: Region,
    /// See [`Used::key`].
    pub key: [u8; 32],
}

/// What the custodian's node knows besides, at the moment of the decision.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Its log's epoch.
    pub epoch: u32,
    /// Of the certificate; `None`: it is not there any more.
    pub status: Option<Status>,
    /// China's day.
    pub today: Date,
}

/// What using a copy comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is used by this very request: to be written, before anybody hears of it.
    Use,
    /// It was used by this very request before; its answer is given again.
    UsedNow(u64),
    /// It was used before, when and where.
    AlreadyUsed(u64, Region),
    /// Its last day is over.
    Expired,
    /// No such copy, or of another certificate, or made before the custodian's log began anew.
    Unknown,
    /// There is such a copy, and it has other bytes.
    Altered,
    /// The certificate is not in force any more.
    Withdrawn,
}

/// May this copy be used now? Of several obstacles the first in this order is told: not known, altered, used, certificate
/// withdrawn, expired.
///
/// A new epoch begins where a store was lost. The copy of it that is restored may not know of the last uses, so that copies
/// of earlier epochs count no more: nobody uses one twice.
pub fn decide(known: Option<&Known>, presented: &Presented, moment: Moment) -> Outcome {
    let Some(known) = known else { return Outcome::Unknown };
    if known.certificate_id != presented.certificate_id || known.epoch != moment.epoch {
        return Outcome::Unknown;
    }
    if known.sha256 != presented.sha256 {
        return Outcome::Altered;
    }
    match &known.used {
        Some(used) if used.region == presented.region && used.key == presented.key => Outcome::UsedNow(used.at_ms),
        Some(used) => Outcome::AlreadyUsed(used.at_ms, used.region),
        None if moment.status != Some(Status::Active) => Outcome::Withdrawn,
        None if moment.today > known.expires_on => Outcome::Expired,
        None => Outcome::Use,
    }
}
