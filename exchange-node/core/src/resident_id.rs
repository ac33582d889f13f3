//! 公民身份号码, the resident identity number (GB 11643-1999): reading one, and finding one where none may be.

use crate::{ascii::Ascii, check_digit::mod_11_2, date::Date, reason::Reason, region::Region};

mod find;
#[cfg(test)]
mod tests;

pub use find::{find_in, find_mobile};

/// Region (6), date of birth (8), sequence (3), check character (1). Personal data: `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidentId(Ascii<18>);

/// Why a text is no identity number. Never says the number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither 18 nor 15 characters.
    #[error("an identity number has 18 characters, or 15 in its old form; found {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// Something else than digits, or than X at the end.
    #[error("character {position} of the identity number is no digit")]
    Character {
        /// From 1.
        position: usize,
    },
    /// Digits 7 to 14 are no day.
    #[error("the date of birth in the identity number does not exist")]
    BirthDate,
    /// The check character is wrong.
    #[error("the identity number ends in {found:?}, its check character is {needed:?}")]
    CheckDigit {
        /// What stands there.
        found: char,
        /// What the digits ask for.
        needed: char,
    },
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::CheckDigit { .. } => Reason::CheckDigitWrong,
            Self::Length { .. } | Self::Character { .. } | Self::BirthDate => Reason::FieldInvalid,
        }
    }

    /// The right check character, when only that is wrong.
    pub const fn right_check_digit(&self) -> Option<char> {
        match self {
            Self::CheckDigit { needed, .. } => Some(*needed),
            Self::Length { .. } | Self::Character { .. } | Self::BirthDate => None,
        }
    }
}

impl ResidentId {
    /// 18 characters (a lower-case x is taken), or 15 digits of the old form, which become 18: born in the twentieth
    /// century, check character computed. A region that is not known is no error, see [`Self::region_known`].
    ///
    /// # Errors
    /// Length, characters, a day that does not exist, a wrong check character with the right one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.chars().count() {
            18 => Self::from_eighteen(text),
            15 => {
                digits_only(text)?;
                let first = format!("{}19{}", &text[..6], &text[6..]);
                let check = mod_11_2(&first).ok_or(Error::Length { found: 15 })?;
                Self::from_eighteen(&format!("{first}{check}"))
            }
            found => Err(Error::Length { found }),
        }
    }

    fn from_eighteen(text: &str) -> Result<Self, Error> {
        let text = text.to_ascii_uppercase();
        let (last, _) = text.char_indices().next_back().ok_or(Error::Length { found: 0 })?;
        let (first, check) = text.split_at(last);
        digits_only(first)?;
        if check != "X" {
            digits_only(check).map_err(|_| Error::Character { position: 18 })?;
        }
        Date::parse(&first[6..14]).map_err(|_| Error::BirthDate)?;
        let found = check.chars().next().unwrap_or_default();
        match (mod_11_2(first), Ascii::new(&text)) {
            (Some(needed), Some(number)) if needed == found => Ok(Self(number)),
            (Some(needed), _) => Err(Error::CheckDigit { found, needed }),
            (None, _) => Err(Error::Length { found: 18 }),
        }
    }

    /// The number, in 18 characters. Never for a log, a metric or an entry.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first six digits: where the number was given.
    pub fn region(&self) -> Region {
        Region::within(&self.0, 0)
    }

    /// A warning when false: the region is in no table here. Divisions of former times are real all the same, and
    /// invented persons use 379999. Outside Shandong only the province's digits are known.
    pub fn region_known(&self) -> bool {
        let region = self.region();
        region.has_known_province() && (!region.as_str().starts_with("37") || region.name().is_some())
    }

    /// Date of birth; the constructor has checked that it exists.
    pub fn birth_date(&self) -> Option<Date> {
        Date::parse(&self.as_str()[6..14]).ok()
    }
}

fn digits_only(text: &str) -> Result<(), Error> {
    match text.chars().position(|c| !c.is_ascii_digit()) {
        Some(index) => Err(Error::Character { position: index + 1 }),
        None => Ok(()),
    }
}

impl std::fmt::Display for ResidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("******************")
    }
}

impl std::fmt::Debug for ResidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResidentId(masked)")
    }
}
