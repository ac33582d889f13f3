//! Time limits (法定时限, 承诺时限) and which of two is shorter.

use crate::invalid::Invalid;

/// A time limit, with the time by which it may be extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In `unit`; 0 on the spot.
    pub amount: u32,
    /// Of both numbers.
    pub unit: LimitUnit,
    /// In the same unit; 0 where it cannot be extended.
    pub extension: u32,
}

/// What a limit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LimitUnit {
    /// 工作日.
    WorkingDays = 1,
    /// 自然日.
    NaturalDays = 2,
    /// Hours by the clock.
    Hours = 3,
    /// 即办.
    OnTheSpot = 4,
}

impl LimitUnit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::WorkingDays, Self::NaturalDays, Self::Hours, Self::OnTheSpot];
}

impl Limit {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        match (self.unit, self.amount, self.extension) {
            (LimitUnit::OnTheSpot, 0, 0) => Ok(()),
            (LimitUnit::OnTheSpot, ..) => Err(Invalid::new("amount", self.to_string(), "0 on the spot")),
            (_, 0, _) => Err(Invalid::new("amount", "0", "1 or more, or ON_THE_SPOT")),
            _ => Ok(()),
        }
    }

    /// Is this limit never longer than the other, whatever the calendar? `None`: that depends on the holidays.
    ///
    /// Working days take at least as many natural days, so natural days or hours can be compared with a limit in working
    /// days as long as they are fewer; working days can never be compared with natural days or hours.
    pub fn at_most(&self, other: &Self) -> Option<bool> {
        use LimitUnit::{Hours, NaturalDays, OnTheSpot, WorkingDays};
        let within = |mine: u32, factor: u64, theirs: u32| u64::from(mine) <= u64::from(theirs) * factor;
        let both = |factor| within(self.amount, factor, other.amount) && within(self.total(), factor, other.total());
        match (self.unit, other.unit) {
            (OnTheSpot, _) => Some(true),
            (_, OnTheSpot) => Some(false),
            (mine, theirs) if mine == theirs => Some(both(1)),
            (Hours, NaturalDays) => Some(both(24)),
            (NaturalDays, Hours) => Some(
                u64::from(self.amount) * 24 <= u64::from(other.amount)
                    && u64::from(self.total()) * 24 <= u64::from(other.total()),
            ),
            (NaturalDays, WorkingDays) => both(1).then_some(true),
            (Hours, WorkingDays) => both(24).then_some(true),
            (WorkingDays, _) => None,
            // The same unit: above.
            (Hours, Hours) | (NaturalDays, NaturalDays) => None,
        }
    }

    const fn total(&self) -> u32 {
        self.amount.saturating_add(self.extension)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            LimitUnit::WorkingDays => "working days",
            LimitUnit::NaturalDays => "natural days",
            LimitUnit::Hours => "hours",
            LimitUnit::OnTheSpot if self.amount == 0 => return f.write_str("on the spot"),
            LimitUnit::OnTheSpot => "on the spot",
        };
        write!(f, "{} {unit}", self.amount)?;
        if self.extension > 0 { write!(f, " and {} more", self.extension) } else { Ok(()) }
    }
}
