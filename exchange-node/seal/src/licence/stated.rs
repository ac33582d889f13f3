//! What a document says of itself if it is a copy for one use.

use exchange_core::date::Date;

use super::facts::COPY_NUMBER;
use crate::ofd::Document;

/// 加注件, as a document's `CustomDatas` have it. Believe it only where the document's verdict is `VALID`. `Debug` shows
/// neither cause nor requester.
#[derive(Clone, PartialEq, Eq)]
pub struct StatedCopy {
    /// 加注件编号; empty: nobody keeps account of it.
    pub number: String,
    /// 制作事由.
    pub cause: String,
    /// 制作者: who asked for it.
    pub requester: String,
    /// 制作时间, as written.
    pub made_on: String,
    /// 有效期截止时间, as written.
    pub expires_on: String,
}

impl StatedCopy {
    /// `None`: the document is no copy for one use. What it says twice is taken as it stands first.
    #[must_use]
    pub fn of(document: &Document) -> Option<Self> {
        let said = |name: &'static str| document.custom(name).next().unwrap_or_default().to_owned();
        let copy = Self {
            number: said(COPY_NUMBER),
            cause: said("JZJZZSY"),
            requester: said("JZJZZZ"),
            made_on: said("JZJZZSJ"),
            expires_on: said("JZJYXQJZSJ"),
        };
        (!copy.number.is_empty() || !copy.expires_on.is_empty()).then_some(copy)
    }

    /// Is its last day over, on this day (of China)? `None`: it names no day that can be read.
    #[must_use]
    pub fn is_expired(&self, today: Date) -> Option<bool> {
        Date::parse(&self.expires_on).ok().map(|last| today > last)
    }
}

impl std::fmt::Debug for StatedCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatedCopy({}, {} to {})", self.number, self.made_on, self.expires_on)
    }
}
