//! Which region may handle a matter that a region is responsible for.

use super::Implementation;
use crate::{date::Date, region::Region};

/// In which capacity a region may handle a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Competence {
    /// It is responsible, or a county of the region that is.
    Responsible,
    /// The exercise was given to it.
    Delegate,
    /// 异地代收: it may collect for the responsible region.
    Collecting,
}

/// Why a region may not handle a matter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("region {found} on {day}; needed {responsible}, a delegate in force, or a collecting region of {needed:?}")]
pub struct NotCompetent {
    /// Who asks.
    pub found: Region,
    /// On which day.
    pub day: Date,
    /// Who is responsible.
    pub responsible: Region,
    /// Who may collect.
    pub needed: Vec<Region>,
}

impl Implementation {
    /// May a region handle this matter on a day? A region stands for its counties, a province for all of its regions.
    ///
    /// # Errors
    /// Neither responsible, nor a delegate in force, nor allowed to collect.
    pub fn may_handle(&self, region: Region, day: Date) -> Result<Competence, NotCompetent> {
        if self.is_responsible(region) {
            return Ok(Competence::Responsible);
        }
        let in_force = |from: Date, until: Date| from <= day && day <= until;
        if self.delegates.iter().any(|one| one.region.covers(region) && in_force(one.from, one.until)) {
            return Ok(Competence::Delegate);
        }
        if self.collecting_regions.iter().any(|collecting| collecting.covers(region)) {
            return Ok(Competence::Collecting);
        }
        let (responsible, needed) = (self.region, self.collecting_regions.clone());
        Err(NotCompetent { found: region, day, responsible, needed })
    }

    /// The region itself or a county in it; a province is not responsible in place of its cities, nor they in its place.
    fn is_responsible(&self, region: Region) -> bool {
        self.region == region || (self.region.is_city() && self.region.covers(region))
    }
}
