//! 统一社会信用代码, the unified social credit code of an organisation (GB 32100-2015).

use crate::{
    ascii::{Ascii, first_misfit},
    check_digit::{gb32100, in_gb32100},
    reason::Reason,
    region::Region,
};

#[cfg(test)]
mod tests;

/// 18 characters: authority (1), kind of body (1), division (6 digits), body (9), check character (1). Upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc(Ascii<18>);

/// Why a text is no unified social credit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 18 characters.
    #[error("a unified social credit code has 18 characters, found {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that may not stand there.
    #[error(
        "character {position} of the unified social credit code is {found:?}, needed {}",
        if (3..=8).contains(position) { "a digit" } else { "a digit or a capital letter other than I, O, S, V, Z" }
    )]
    Character {
        /// From 1.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// The check character is wrong.
    #[error("the unified social credit code ends in {found:?}, its check character is {needed:?}")]
    CheckDigit {
        /// What stands there.
        found: char,
        /// What the other characters ask for.
        needed: char,
    },
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::CheckDigit { .. } => Reason::CheckDigitWrong,
            Self::Length { .. } | Self::Character { .. } => Reason::FieldInvalid,
        }
    }

    /// The right check character, when only that is wrong.
    pub const fn right_check_digit(&self) -> Option<char> {
        match self {
            Self::CheckDigit { needed, .. } => Some(*needed),
            Self::Length { .. } | Self::Character { .. } => None,
        }
    }
}

impl Uscc {
    /// Characters of a code.
    pub const LENGTH: usize = 18;

    /// Checks form and check character.
    ///
    /// # Errors
    /// Says what was found and, for the check character, the right one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = text.chars().count();
        if found != Self::LENGTH {
            return Err(Error::Length { found });
        }
        let fits = |index, c: char| if (2..8).contains(&index) { c.is_ascii_digit() } else { in_gb32100(c) };
        if let Some((position, found)) = first_misfit(text, fits) {
            return Err(Error::Character { position, found });
        }
        let wrong_length = || Error::Length { found };
        let code = Ascii::new(text).ok_or_else(wrong_length)?;
        let needed = gb32100(&text[..17]).ok_or_else(wrong_length)?;
        let found = char::from(code.as_bytes()[17]);
        if found == needed { Ok(Self(code)) } else { Err(Error::CheckDigit { found, needed }) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Digits 3 to 8: the division of the body that registered it. It guards against foreign departments; a region is
    /// never derived from it.
    pub fn division(&self) -> Region {
        Region::within(&self.0, 2)
    }
}

impl std::fmt::Display for Uscc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Uscc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Uscc({self})")
    }
}
