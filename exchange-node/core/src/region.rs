//! 行政区划: regions (six digits, GB/T 2260) and places (twelve digits: towns, villages, halls).

use crate::{ascii::Ascii, reason::Reason};
use std::sync::LazyLock;

#[cfg(test)]
mod tests;

/// Six ASCII digits, province, city and county two each. Any six digits have the form; [`Region::name`] tells the
/// known ones of the province.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Ascii<6>);

/// Twelve ASCII digits of which the first six are a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(Ascii<12>);

/// Why a text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not six digits.
    #[error("a region is six digits (GB/T 2260), e.g. 370100; found {found} characters{}", if *found == 6 { " with others than digits" } else { "" })]
    NotARegion {
        /// Characters found.
        found: usize,
    },
    /// Not twelve digits.
    #[error("a place is twelve digits, found {found} characters{}", if *found == 12 { " with others than digits" } else { "" })]
    NotAPlace {
        /// Characters found.
        found: usize,
    },
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        Reason::FieldInvalid
    }
}

/// A city of the province.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct City {
    /// Six digits.
    pub code: &'static str,
    /// As people say it, without 市.
    pub name: &'static str,
    /// Lower case, without tones.
    pub pinyin: &'static str,
}

/// The province this release knows by name.
pub const SHANDONG: City = City { code: "370000", name: "山东", pinyin: "shandong" };

/// Shandong's cities (GB/T 2260). 371200 莱芜 was merged into 济南 in January 2019 and is not among them: it occurs in old
/// data and is never a live node.
pub const CITIES: [City; 16] = [
    City { code: "370100", name: "济南", pinyin: "jinan" },
    City { code: "370200", name: "青岛", pinyin: "qingdao" },
    City { code: "370300", name: "淄博", pinyin: "zibo" },
    City { code: "370400", name: "枣庄", pinyin: "zaozhuang" },
    City { code: "370500", name: "东营", pinyin: "dongying" },
    City { code: "370600", name: "烟台", pinyin: "yantai" },
    City { code: "370700", name: "潍坊", pinyin: "weifang" },
    City { code: "370800", name: "济宁", pinyin: "jining" },
    City { code: "370900", name: "泰安", pinyin: "taian" },
    City { code: "371000", name: "威海", pinyin: "weihai" },
    City { code: "371100", name: "日照", pinyin: "rizhao" },
    City { code: "371300", name: "临沂", pinyin: "linyi" },
    City { code: "371400", name: "德州", pinyin: "dezhou" },
    City { code: "371500", name: "聊城", pinyin: "liaocheng" },
    City { code: "371600", name: "滨州", pinyin: "binzhou" },
    City { code: "371700", name: "菏泽", pinyin: "heze" },
];

/// Codes that were merged into others: old code, name then, code today (merger of January 2019).
const FORMER: [(&str, &str, &str); 3] =
    [("371200", "莱芜市", "370100"), ("371202", "莱城区", "370116"), ("371203", "钢城区", "370117")];

/// First two digits of the provinces, regions and municipalities, with Taiwan, Hong Kong and Macao (GB/T 2260), and 83
/// of the residence permits for Taiwan residents.
const PROVINCES: [&[u8; 2]; 35] = [
    b"11", b"12", b"13", b"14", b"15", b"21", b"22", b"23", b"31", b"32", b"33", b"34", b"35", b"36", b"37", b"41",
    b"42", b"43", b"44", b"45", b"46", b"50", b"51", b"52", b"53", b"54", b"61", b"62", b"63", b"64", b"65", b"71",
    b"81", b"82", b"83",
];

/// Code and full name, sorted by code as in the file.
static NAMES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    include_str!("../data/regions-37.csv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(','))
        .collect()
});

impl Region {
    /// Characters of a code.
    pub const LENGTH: usize = 6;

    /// Checks the form.
    ///
    /// # Errors
    /// Anything but six ASCII digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let error = Error::NotARegion { found: text.chars().count() };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error);
        }
        Ascii::new(text).map(Self).ok_or(error)
    }

    /// From six bytes, e.g. of a key.
    ///
    /// # Errors
    /// Anything but ASCII digits.
    pub fn from_bytes(bytes: [u8; 6]) -> Result<Self, Error> {
        if bytes.iter().all(u8::is_ascii_digit) {
            Ok(Self::from_checked(bytes))
        } else {
            Err(Error::NotARegion { found: Self::LENGTH })
        }
    }

    /// Six digits of a longer code, from a place on; the caller has checked that they are digits.
    pub(crate) fn within<const N: usize>(code: &Ascii<N>, from: usize) -> Self {
        let mut digits = [0; Self::LENGTH];
        digits.copy_from_slice(&code.as_bytes()[from..from + Self::LENGTH]);
        Self::from_checked(digits)
    }

    /// From digits that the caller has checked.
    const fn from_checked(digits: [u8; 6]) -> Self {
        Self(Ascii::from_checked(digits))
    }

    /// Six digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Six ASCII digits, as they begin the keys of rows.
    pub const fn as_bytes(&self) -> [u8; 6] {
        *self.0.as_bytes()
    }

    /// The province it lies in: first two digits, then zeros.
    pub const fn province(&self) -> Self {
        let [a, b, ..] = self.as_bytes();
        Self::from_checked([a, b, b'0', b'0', b'0', b'0'])
    }

    /// The city it lies in: first four digits, then zeros; a province is its own.
    pub const fn city(&self) -> Self {
        let [a, b, c, d, ..] = self.as_bytes();
        Self::from_checked([a, b, c, d, b'0', b'0'])
    }

    /// Ends in four zeros.
    pub const fn is_province(&self) -> bool {
        matches!(self.as_bytes(), [_, _, b'0', b'0', b'0', b'0'])
    }

    /// Ends in two zeros and is no province.
    pub const fn is_city(&self) -> bool {
        matches!(self.as_bytes(), [_, _, _, _, b'0', b'0']) && !self.is_province()
    }

    /// Is the other the same region or a part of it?
    pub fn covers(&self, other: Self) -> bool {
        *self == other || *self == other.city() || *self == other.province()
    }

    /// Full name of a known division of Shandong, e.g. 济南市, 历下区; former ones included.
    pub fn name(&self) -> Option<&'static str> {
        let code = self.as_str();
        match NAMES.binary_search_by_key(&code, |(known, _)| known) {
            Ok(index) => Some(NAMES[index].1),
            Err(_) => FORMER.iter().find(|(old, ..)| *old == code).map(|(_, name, _)| *name),
        }
    }

    /// Short name, e.g. 济南: of the province or of one of its cities of today.
    pub fn short_name(&self) -> Option<&'static str> {
        self.known_city().map(|city| city.name)
    }

    /// Lower-case romanisation, e.g. `jinan`: of the province or of one of its cities of today.
    pub fn pinyin(&self) -> Option<&'static str> {
        self.known_city().map(|city| city.pinyin)
    }

    /// The code that took its place, for a former division; such a region is never a live node.
    pub fn successor(&self) -> Option<Self> {
        let (.., today) = FORMER.iter().find(|(old, ..)| *old == self.as_str())?;
        Self::parse(today).ok()
    }

    /// Is the first pair of digits a province's?
    pub fn has_known_province(&self) -> bool {
        let [a, b, ..] = self.as_bytes();
        PROVINCES.contains(&&[a, b])
    }

    fn known_city(&self) -> Option<&'static City> {
        let code = self.as_str();
        std::iter::once(&SHANDONG).chain(&CITIES).find(|city| city.code == code)
    }
}

impl Place {
    /// Checks the form.
    ///
    /// # Errors
    /// Anything but twelve ASCII digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let error = Error::NotAPlace { found: text.chars().count() };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error);
        }
        Ascii::new(text).map(Self).ok_or(error)
    }

    /// Twelve digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first six digits.
    pub fn region(&self) -> Region {
        Region::within(&self.0, 0)
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Region({self})")
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({self})")
    }
}
