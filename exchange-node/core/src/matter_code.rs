//! Codes of 政务服务事项 (GB/T 39554.1-2020; structure inferred from real values): 基本编码 12, 实施编码 31, 业务办理项编码 33.

use crate::{
    ascii::Ascii,
    reason::Reason,
    uscc::{self, Uscc},
};

#[cfg(test)]
mod tests;

/// 基本编码: area or level (2), kind (2), department (2), main item (3), sub-item (3). The first four are digits; capital
/// letters are let pass in the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasicCode(Ascii<12>);

/// 实施编码: credit code of the implementing body (18), level of exercise (1), 基本编码 (12).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImplementationCode(Ascii<31>);

/// 业务办理项编码: 实施编码 (31) and a number of two digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlingItemCode(Ascii<33>);

/// 事项类型 (GB/T 39046-2020 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatterKind {
    /// 00 行政权力事项.
    Power,
    /// 01 行政许可.
    Permit,
    /// 02 行政处罚.
    Penalty,
    /// 03 行政强制.
    Compulsion,
    /// 04 行政征收.
    Levy,
    /// 05 行政给付.
    Payment,
    /// 06 行政检查.
    Inspection,
    /// 07 行政确认.
    Confirmation,
    /// 08 行政奖励.
    Reward,
    /// 09 行政裁决.
    Ruling,
    /// 10 其他类别.
    OtherPower,
    /// 20 公共服务.
    PublicService,
    /// Two digits without a meaning yet: 11… and 21… are open for extension.
    Unknown(u8),
}

/// 行使层级 (GB/T 39046-2020 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExerciseLevel {
    /// 国家级/局(署、会).
    National = 1,
    /// 省级/直属.
    Province = 2,
    /// 市级/隶属.
    City = 3,
    /// 县级.
    County = 4,
    /// 镇(乡、街道).
    Town = 5,
    /// 村(社区).
    Village = 6,
    /// 分级管理.
    Graded = 7,
}

/// Why a text is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another length.
    #[error("{name} has {needed} characters, found {found}")]
    Length {
        /// Which code.
        name: &'static str,
        /// Characters needed.
        needed: usize,
        /// Characters found.
        found: usize,
    },
    /// A character that may not stand there.
    #[error("character {position} of {name} is {found:?}, needed {needed}")]
    Character {
        /// Which code.
        name: &'static str,
        /// From 1, within the code named.
        position: usize,
        /// What stands there.
        found: char,
        /// What may.
        needed: &'static str,
    },
    /// The implementing body's code is wrong.
    #[error("the implementing body in the implementation code: {0}")]
    Body(#[source] uscc::Error),
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Body(error) => error.reason(),
            Self::Length { .. } | Self::Character { .. } => Reason::FieldInvalid,
        }
    }
}

const BASIC: &str = "a basic matter code";
const IMPLEMENTATION: &str = "an implementation code";
const HANDLING_ITEM: &str = "a handling item code";

impl BasicCode {
    /// Characters of a code.
    pub const LENGTH: usize = 12;

    /// Checks the form.
    ///
    /// # Errors
    /// Says what was found and needed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_length(BASIC, Self::LENGTH, text)?;
        for (index, found) in text.chars().enumerate() {
            let digits_only = index < 4;
            if !(found.is_ascii_digit() || (!digits_only && found.is_ascii_uppercase())) {
                let needed = if digits_only { "a digit" } else { "a digit or a capital letter" };
                return Err(Error::Character { name: BASIC, position: index + 1, found, needed });
            }
        }
        fixed(BASIC, text).map(Self)
    }

    /// 12 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// First two digits: 00 is national, 37 Shandong.
    pub fn area(&self) -> &str {
        &self.as_str()[..2]
    }

    /// 事项类型.
    pub fn kind(&self) -> MatterKind {
        let bytes = self.0.as_bytes();
        MatterKind::from_number((bytes[2] - b'0') * 10 + (bytes[3] - b'0'))
    }

    /// Department, two characters.
    pub fn department(&self) -> &str {
        &self.as_str()[4..6]
    }

    /// 主项, three characters.
    pub fn main_item(&self) -> &str {
        &self.as_str()[6..9]
    }

    /// 子项, three characters; 000 or 001 where there is only one.
    pub fn sub_item(&self) -> &str {
        &self.as_str()[9..]
    }
}

impl ImplementationCode {
    /// Characters of a code.
    pub const LENGTH: usize = 31;

    /// Puts the parts together.
    pub fn new(body: &Uscc, level: ExerciseLevel, basic: &BasicCode) -> Self {
        let mut bytes = [0; Self::LENGTH];
        bytes[..18].copy_from_slice(body.as_str().as_bytes());
        bytes[18] = b'0' + level as u8;
        bytes[19..].copy_from_slice(basic.as_str().as_bytes());
        Self(Ascii::from_checked(bytes))
    }

    /// Checks every part, the credit code's check character included.
    ///
    /// # Errors
    /// Says what was found and needed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_length(IMPLEMENTATION, Self::LENGTH, text)?;
        let code = fixed(IMPLEMENTATION, text)?;
        Uscc::parse(&text[..18]).map_err(Error::Body)?;
        let found = char::from(code.as_bytes()[18]);
        if ExerciseLevel::from_digit(found).is_none() {
            return Err(Error::Character { name: IMPLEMENTATION, position: 19, found, needed: "a level from 1 to 7" });
        }
        BasicCode::parse(&text[19..])?;
        Ok(Self(code))
    }

    /// 31 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// 实施主体, its credit code in 18 characters.
    pub fn body(&self) -> &str {
        &self.as_str()[..18]
    }

    /// 行使层级.
    pub fn level(&self) -> ExerciseLevel {
        // Checked by every constructor.
        ExerciseLevel::from_digit(char::from(self.0.as_bytes()[18])).unwrap_or(ExerciseLevel::Graded)
    }

    /// 基本编码.
    pub fn basic(&self) -> BasicCode {
        let mut bytes = [0; BasicCode::LENGTH];
        bytes.copy_from_slice(&self.0.as_bytes()[19..]);
        BasicCode(Ascii::from_checked(bytes))
    }
}

impl HandlingItemCode {
    /// Characters of a code.
    pub const LENGTH: usize = 33;

    /// Checks every part.
    ///
    /// # Errors
    /// Says what was found and needed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_length(HANDLING_ITEM, Self::LENGTH, text)?;
        let code = fixed(HANDLING_ITEM, text)?;
        ImplementationCode::parse(&text[..31])?;
        if let Some(at) = text[31..].bytes().position(|byte| !byte.is_ascii_digit()) {
            let found = char::from(code.as_bytes()[31 + at]);
            return Err(Error::Character { name: HANDLING_ITEM, position: 32 + at, found, needed: "a digit" });
        }
        Ok(Self(code))
    }

    /// 33 characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// 实施编码.
    pub fn implementation(&self) -> ImplementationCode {
        let mut bytes = [0; ImplementationCode::LENGTH];
        bytes.copy_from_slice(&self.0.as_bytes()[..31]);
        ImplementationCode(Ascii::from_checked(bytes))
    }

    /// 业务办理项序号, two digits.
    pub fn sequence(&self) -> &str {
        &self.as_str()[31..]
    }
}

impl MatterKind {
    /// From the two digits as a number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Power,
            1 => Self::Permit,
            2 => Self::Penalty,
            3 => Self::Compulsion,
            4 => Self::Levy,
            5 => Self::Payment,
            6 => Self::Inspection,
            7 => Self::Confirmation,
            8 => Self::Reward,
            9 => Self::Ruling,
            10 => Self::OtherPower,
            20 => Self::PublicService,
            other => Self::Unknown(other),
        }
    }

    /// The two digits as a number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Power => 0,
            Self::Permit => 1,
            Self::Penalty => 2,
            Self::Compulsion => 3,
            Self::Levy => 4,
            Self::Payment => 5,
            Self::Inspection => 6,
            Self::Confirmation => 7,
            Self::Reward => 8,
            Self::Ruling => 9,
            Self::OtherPower => 10,
            Self::PublicService => 20,
            Self::Unknown(number) => number,
        }
    }

    /// The Chinese term; `None` for an unknown kind.
    pub const fn label(self) -> Option<&'static str> {
        Some(match self {
            Self::Power => "行政权力事项",
            Self::Permit => "行政许可",
            Self::Penalty => "行政处罚",
            Self::Compulsion => "行政强制",
            Self::Levy => "行政征收",
            Self::Payment => "行政给付",
            Self::Inspection => "行政检查",
            Self::Confirmation => "行政确认",
            Self::Reward => "行政奖励",
            Self::Ruling => "行政裁决",
            Self::OtherPower => "其他类别",
            Self::PublicService => "公共服务",
            Self::Unknown(_) => return None,
        })
    }
}

impl ExerciseLevel {
    /// From its digit.
    pub const fn from_digit(digit: char) -> Option<Self> {
        Some(match digit {
            '1' => Self::National,
            '2' => Self::Province,
            '3' => Self::City,
            '4' => Self::County,
            '5' => Self::Town,
            '6' => Self::Village,
            '7' => Self::Graded,
            _ => return None,
        })
    }
}

fn check_length(name: &'static str, needed: usize, text: &str) -> Result<(), Error> {
    let found = text.chars().count();
    if found == needed { Ok(()) } else { Err(Error::Length { name, needed, found }) }
}

/// The text in place; its number of characters was checked, so what fails is a character that is not ASCII.
fn fixed<const N: usize>(name: &'static str, text: &str) -> Result<Ascii<N>, Error> {
    let misfit = text.chars().enumerate().find(|(_, c)| !c.is_ascii());
    match (Ascii::new(text), misfit) {
        (Some(code), _) => Ok(code),
        (None, Some((index, found))) => {
            Err(Error::Character { name, position: index + 1, found, needed: "a digit or a capital letter" })
        }
        (None, None) => Err(Error::Length { name, needed: N, found: text.len() }),
    }
}

impl std::fmt::Display for BasicCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for BasicCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BasicCode({self})")
    }
}

impl std::fmt::Display for ImplementationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for ImplementationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImplementationCode({self})")
    }
}

impl std::fmt::Display for HandlingItemCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for HandlingItemCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HandlingItemCode({self})")
    }
}
