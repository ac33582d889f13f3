//! Types of the sample, their share and their own fields.

use super::{Becomes, Place, Row, departments::Department, people, random::Numbers};

/// A certificate type of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 营业执照.
    BusinessLicence,
    /// 不动产权证书.
    Title,
    /// 不动产登记证明.
    Registration,
    /// 道路运输经营许可证.
    TransportPermit,
    /// 道路运输证.
    VehiclePermit,
    /// 道路运输从业人员从业资格证.
    Qualification,
    /// 安全生产许可证.
    SafetyPermit,
}

/// How the holder columns name the code types.
const USCC: &str = "统一社会信用代码";
const IDENTITY_NUMBER: &str = "公民身份号码";

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::BusinessLicence,
        Self::Title,
        Self::Registration,
        Self::TransportPermit,
        Self::VehiclePermit,
        Self::Qualification,
        Self::SafetyPermit,
    ];

    /// The type of a place of the mix, 0 to 999.
    pub(super) const fn at(place: u64) -> Self {
        match place {
            0..420 => Self::BusinessLicence,
            420..680 => Self::Title,
            680..770 => Self::Registration,
            770..830 => Self::TransportPermit,
            830..910 => Self::VehiclePermit,
            910..980 => Self::Qualification,
            _ => Self::SafetyPermit,
        }
    }

    /// 证照类型代码.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BusinessLicence => "11100000MB0143028R001",
            Self::Title => "11100000MB03271699001",
            Self::Registration => "11100000MB03271699022",
            Self::TransportPermit => "11100000000019713D008",
            Self::VehiclePermit => "11100000000019713D013",
            Self::Qualification => "11100000000019713D071",
            Self::SafetyPermit => "11100000000013338W050",
        }
    }

    /// 证照类型名称.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BusinessLicence => "营业执照",
            Self::Title => "不动产权证书",
            Self::Registration => "不动产登记证明",
            Self::TransportPermit => "道路运输经营许可证",
            Self::VehiclePermit => "道路运输证",
            Self::Qualification => "道路运输从业人员从业资格证",
            Self::SafetyPermit => "安全生产许可证",
        }
    }

    /// Who issues it in a city.
    pub const fn department(self) -> Department {
        match self {
            Self::BusinessLicence => Department::MarketRegulation,
            Self::Title | Self::Registration => Department::NaturalResources,
            Self::TransportPermit | Self::VehiclePermit | Self::Qualification => Department::Transport,
            Self::SafetyPermit => Department::Construction,
        }
    }

    pub(super) const fn defining_authority(self) -> &'static str {
        match self {
            Self::BusinessLicence => "国家市场监督管理总局",
            Self::Title | Self::Registration => "自然资源部",
            Self::TransportPermit | Self::VehiclePermit | Self::Qualification => "交通运输部",
            Self::SafetyPermit => "住房和城乡建设部",
        }
    }

    /// The type's own status code, as in the sample catalogue.
    pub(super) const fn status_code(self, becomes: Becomes) -> &'static str {
        let [active, cancelled, revoked] = match self {
            Self::TransportPermit | Self::VehiclePermit | Self::Qualification => ["10", "03", "05"],
            _ => ["01", "04", "07"],
        };
        match becomes {
            Becomes::Active => active,
            Becomes::Cancelled => cancelled,
            Becomes::Revoked => revoked,
        }
    }

    /// First and last year of issue.
    pub(super) const fn issued(self) -> (u32, u32) {
        match self {
            Self::BusinessLicence | Self::Title | Self::Registration => (2015, 2025),
            Self::TransportPermit | Self::Qualification => (2022, 2025),
            Self::VehiclePermit | Self::SafetyPermit => (2024, 2025),
        }
    }

    /// Years in force; `None` is without limit.
    pub(super) const fn years(self) -> Option<u32> {
        match self {
            Self::BusinessLicence | Self::Title | Self::Registration => None,
            Self::TransportPermit => Some(4),
            Self::Qualification => Some(6),
            Self::VehiclePermit | Self::SafetyPermit => Some(3),
        }
    }

    /// Holder, number and extension fields.
    pub(super) fn fill(self, row: &mut Row, place: &Place, index: u64, numbers: &mut Numbers) {
        match self {
            Self::BusinessLicence => business_licence(row, place, numbers),
            Self::Title => title(row, place, index, numbers),
            Self::Registration => registration(row, place, index, numbers),
            Self::Qualification => {
                let person = people::person(numbers);
                // In this trade the certificate's number is the holder's identity number.
                row.set("certificate_number", person.number.as_str());
                holder(row, &person.name, &person.number, IDENTITY_NUMBER);
                row.set("KZ_ZGLB", numbers.of(&["道路货物运输驾驶员", "道路旅客运输驾驶员", "机动车维修技术人员"]));
                row.set("KZ_CCLZRQ", row.value("issue_date").to_owned());
            }
            Self::TransportPermit => firm_with_number(row, place, index, numbers, "鲁交运管许可样例"),
            Self::VehiclePermit => firm_with_number(row, place, index, numbers, "鲁交运管样例"),
            Self::SafetyPermit => {
                firm_with_number(row, place, index, numbers, "（鲁）JZ安许证字样例");
                row.set("KZ_XKFW", "建筑施工");
            }
        }
    }
}

fn business_licence(row: &mut Row, place: &Place, numbers: &mut Numbers) {
    let firm = people::firm(numbers, place.city);
    row.set("certificate_number", firm.uscc.as_str());
    holder(row, &firm.name, &firm.uscc, USCC);
    row.set("KZ_ZS", people::address(numbers, place.city, &place.counties));
    row.set("KZ_JYFW", format!("许可项目：{}。一般项目：{}服务", people::scope(numbers), firm.trade));
    row.set("KZ_FDDBR", people::person(numbers).name);
}

fn title(row: &mut Row, place: &Place, index: u64, numbers: &mut Numbers) {
    let number = format!("鲁（样例）{}不动产权第{index:09}号", place.city);
    row.set("certificate_number", number.as_str());
    row.set("KZ_BDCQZH", number);
    row.set("KZ_BDCDYH", unit_number(place, index));
    row.set("KZ_ZL", people::flat(numbers, place.city, &place.counties));
    row.set("KZ_MJ", format!("{}.{:02}", numbers.within(45, 180), numbers.within(0, 99)));
    row.set("KZ_YT", numbers.of(&["城镇住宅用地/住宅", "城镇住宅用地/住宅", "商服用地/商业服务"]));
    row.set("KZ_QLQTZK", format!("房屋总层数{}层；竣工时间{}年", numbers.within(6, 33), numbers.within(1998, 2022)));
    let first = people::person(numbers);
    // One in five belongs to two.
    if numbers.below(5) == 0 {
        let second = people::person(numbers);
        let names = format!("{},{}", first.name, second.name);
        holder(row, &names, &format!("{},{}", first.number, second.number), IDENTITY_NUMBER);
        row.set("KZ_QLR", names);
        row.set("KZ_GYQK", "共同共有");
    } else {
        holder(row, &first.name, &first.number, IDENTITY_NUMBER);
        row.set("KZ_QLR", first.name);
        row.set("KZ_GYQK", "单独所有");
    }
}

fn registration(row: &mut Row, place: &Place, index: u64, numbers: &mut Numbers) {
    let number = format!("鲁（样例）{}不动产证明第{index:09}号", place.city);
    row.set("certificate_number", number);
    let bank = people::firm(numbers, place.city);
    holder(row, &bank.name, &bank.uscc, USCC);
    row.set("KZ_ZMQLSX", "抵押权");
    row.set("KZ_YWR", people::person(numbers).name);
    row.set("KZ_ZL", people::flat(numbers, place.city, &place.counties));
    row.set("KZ_BDCDYH", unit_number(place, index));
}

fn firm_with_number(row: &mut Row, place: &Place, index: u64, numbers: &mut Numbers, prefix: &str) {
    let firm = people::firm(numbers, place.city);
    row.set("certificate_number", format!("{prefix}{}{index:09}号", place.region));
    holder(row, &firm.name, &firm.uscc, USCC);
}

fn holder(row: &mut Row, name: &str, code: &str, code_type: &str) {
    row.set("certificate_holder", name);
    row.set("certificate_holder_code", code);
    row.set("certificate_holder_type", code_type);
}

/// 不动产单元号: 28 characters.
fn unit_number(place: &Place, index: u64) -> String {
    format!("{}999999GB{:05}F{:08}", place.region, index / 100 % 100_000, index % 100_000_000)
}
