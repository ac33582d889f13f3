//! 办件编号 and 收件号: the number of a case, and of what was received for one.

use crate::{
    ascii::Ascii,
    date::{self, Date},
    matter_code::{self, ImplementationCode},
    reason::Reason,
    region::{self, Region},
};

#[cfg(test)]
mod tests;

/// 办件编号: 实施编码 (31), day (8), four digits; given by the responsible node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseNumber(Ascii<43>);

/// 收件号: accepting region (6), day (8), eight digits; given by the accepting node, used while the case has no number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptNumber(Ascii<22>);

/// What a question names as its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseRef {
    /// 办件编号.
    Case(CaseNumber),
    /// 收件号.
    Receipt(ReceiptNumber),
}

/// Why a text is no number of a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing there.
    #[error("a case number or a receipt number is missing")]
    Missing,
    /// Another length.
    #[error("a case number has 43 characters and a receipt number 22, found {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// The matter in it is wrong.
    #[error("the case number begins with no implementation code: {0}")]
    Implementation(#[source] matter_code::Error),
    /// The region in it is wrong.
    #[error("the receipt number begins with no region: {0}")]
    Region(#[source] region::Error),
    /// The day in it is wrong.
    #[error("the day in the number: {0}")]
    Day(#[source] date::Error),
    /// The end is no number, or too large a one.
    #[error("the number ends in {needed} digits")]
    Sequence {
        /// Digits needed.
        needed: usize,
    },
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Missing => Reason::CaseMissing,
            _ => Reason::CaseNumberInvalid,
        }
    }
}

impl CaseNumber {
    /// Characters of a number.
    pub const LENGTH: usize = 43;

    /// Puts the parts together; the sequence is 0 to 9999.
    ///
    /// # Errors
    /// A sequence of more than four digits.
    pub fn new(implementation: &ImplementationCode, day: Date, sequence: u16) -> Result<Self, Error> {
        Self::parse(&format!("{implementation}{}{sequence:04}", day.compact()))
            .map_err(|_| Error::Sequence { needed: 4 })
    }

    /// Checks every part.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let number = fixed(text, Self::LENGTH)?;
        ImplementationCode::parse(&text[..31]).map_err(Error::Implementation)?;
        check_day_and_sequence(&text[31..])?;
        Ok(Self(number))
    }

    /// 43 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// 实施编码, 31 characters.
    pub fn implementation(&self) -> &str {
        &self.as_str()[..31]
    }
}

impl ReceiptNumber {
    /// Characters of a number.
    pub const LENGTH: usize = 22;

    /// Puts the parts together; the sequence is 0 to 99,999,999.
    ///
    /// # Errors
    /// A sequence of more than eight digits.
    pub fn new(accepting: Region, day: Date, sequence: u32) -> Result<Self, Error> {
        Self::parse(&format!("{accepting}{}{sequence:08}", day.compact())).map_err(|_| Error::Sequence { needed: 8 })
    }

    /// Checks every part.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let number = fixed(text, Self::LENGTH)?;
        Region::parse(&text[..6]).map_err(Error::Region)?;
        check_day_and_sequence(&text[6..])?;
        Ok(Self(number))
    }

    /// 22 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where it was received.
    pub fn region(&self) -> Region {
        Region::within(&self.0, 0)
    }
}

impl CaseRef {
    /// Either number, told apart by length.
    ///
    /// # Errors
    /// Says what is wrong; an empty text is [`Error::Missing`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.chars().count() {
            0 => Err(Error::Missing),
            ReceiptNumber::LENGTH => ReceiptNumber::parse(text).map(Self::Receipt),
            _ => CaseNumber::parse(text).map(Self::Case),
        }
    }

    /// 43 or 22 characters.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Case(number) => number.as_str(),
            Self::Receipt(number) => number.as_str(),
        }
    }
}

fn fixed<const N: usize>(text: &str, length: usize) -> Result<Ascii<N>, Error> {
    let found = text.chars().count();
    if found != length {
        return Err(Error::Length { found });
    }
    // As many characters, and yet no fit: some are not ASCII, and none of the parts may have such.
    Ascii::new(text).ok_or(Error::Length { found: text.len() })
}

fn check_day_and_sequence(text: &str) -> Result<(), Error> {
    let (day, sequence) = text.split_at(8);
    if !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Day(date::Error::Form));
    }
    Date::parse(day).map_err(Error::Day)?;
    if sequence.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Error::Sequence { needed: sequence.len() })
    }
}

impl std::fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for CaseNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CaseNumber({self})")
    }
}

impl std::fmt::Display for ReceiptNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for ReceiptNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceiptNumber({self})")
    }
}

impl std::fmt::Display for CaseRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
