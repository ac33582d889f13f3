//! Invented departments of a city: the one table of their codes, for sample rows, the sample catalogue and the demo.

use exchange_core::{check_digit::gb32100, issuer::Issuer, region::Region, uscc::Uscc};

/// Which department. The body part of its code (GB 32100-2015, characters 9 to 17) is `XXXX` and five digits, so that no
/// code is a real department's; characters 3 to 8 are the city's division code, as the trust bundle asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Department {
    /// 市场监督管理局: business and food licences.
    MarketRegulation,
    /// 自然资源和规划局: real estate.
    NaturalResources,
    /// 交通运输局: road transport.
    Transport,
    /// 住房和城乡建设局: construction safety.
    Construction,
    /// 民政局: marriages.
    CivilAffairs,
    /// 住房公积金中心.
    HousingFund,
    /// 人力资源和社会保障局.
    SocialSecurity,
    /// 医疗保障局.
    MedicalInsurance,
    /// 公安局.
    PublicSecurity,
    /// 行政审批服务局: windows and portals.
    Approval,
}

impl Department {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::MarketRegulation,
        Self::NaturalResources,
        Self::Transport,
        Self::Construction,
        Self::CivilAffairs,
        Self::HousingFund,
        Self::SocialSecurity,
        Self::MedicalInsurance,
        Self::PublicSecurity,
        Self::Approval,
    ];

    /// Without the city's name.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::MarketRegulation => "市场监督管理局",
            Self::NaturalResources => "自然资源和规划局",
            Self::Transport => "交通运输局",
            Self::Construction => "住房和城乡建设局",
            Self::CivilAffairs => "民政局",
            Self::HousingFund => "住房公积金中心",
            Self::SocialSecurity => "人力资源和社会保障局",
            Self::MedicalInsurance => "医疗保障局",
            Self::PublicSecurity => "公安局",
            Self::Approval => "行政审批服务局",
        }
    }

    /// The department of a city; `None` only where no code can be made for the region.
    pub fn of(self, region: Region) -> Option<Issuer> {
        let number = Self::ALL.iter().position(|one| *one == self)? + 1;
        let first = format!("11{region}XXXX{number:05}");
        let uscc = Uscc::parse(&format!("{first}{}", gb32100(&first)?)).ok()?;
        let city = region.name().unwrap_or("");
        Some(Issuer { uscc, name: format!("{city}{}", self.suffix()) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn codes_carry_the_citys_division_and_differ() {
        let region = Region::parse("370100").unwrap();
        let codes: std::collections::BTreeSet<_> =
            Department::ALL.iter().map(|department| department.of(region).unwrap().uscc).collect();
        assert_eq!(codes.len(), Department::ALL.len());
        assert!(codes.iter().all(|code| code.division() == region));
        assert_eq!(Department::CivilAffairs.of(region).unwrap().name, "济南市民政局");
    }
}
