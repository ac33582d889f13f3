//! Rows that an import must reject, one of each kind in every 1,000.

use super::Row;

/// What is wrong with a row on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The holder's code ends in another check character.
    HolderCheckDigit,
    /// The department's code ends in another check character.
    IssuerCheckDigit,
    /// The last day lies before the first.
    DatesReversed,
    /// No holder.
    HolderMissing,
    /// A type that nobody has published.
    TypeUnknown,
    /// The 30th of February.
    NoSuchDay,
    /// `cd_operation` D.
    Deletion,
    /// No number.
    NumberMissing,
    /// A status code that the type does not have.
    StatusUnknown,
    /// A department of another city.
    AnotherCitysDepartment,
}

impl Fault {
    /// All of them, in the order of their places.
    pub const ALL: [Self; 10] = [
        Self::HolderCheckDigit,
        Self::IssuerCheckDigit,
        Self::DatesReversed,
        Self::HolderMissing,
        Self::TypeUnknown,
        Self::NoSuchDay,
        Self::Deletion,
        Self::NumberMissing,
        Self::StatusUnknown,
        Self::AnotherCitysDepartment,
    ];

    /// The fault of a place of the mix, 0 to 999: places 57, 157 and so on, none of which is cancelled or revoked.
    pub(super) fn at(place: u64) -> Option<Self> {
        (place % 100 == 57).then(|| Self::ALL[(place / 100 % 10) as usize])
    }

    pub(super) fn spoil(self, row: &mut Row) {
        match self {
            Self::HolderCheckDigit => {
                row.set("certificate_holder_code", other_end(row.value("certificate_holder_code")))
            }
            Self::IssuerCheckDigit => row.set("issue_dept_code", other_end(row.value("issue_dept_code"))),
            Self::DatesReversed => row.set("validate_end", "2014-12-31"),
            Self::HolderMissing => row.set("certificate_holder", ""),
            Self::TypeUnknown => row.set("certificate_type_code", "11100000MB0143028R999"),
            Self::NoSuchDay => row.set("issue_date", "2024-02-30"),
            Self::Deletion => row.set("cd_operation", "D"),
            Self::NumberMissing => row.set("certificate_number", ""),
            Self::StatusUnknown => row.set("status_code", "88"),
            Self::AnotherCitysDepartment => row.set("issue_dept_code", "11379999XXXX00001Y"),
        }
        row.fault = Some(self);
    }
}

/// The code with another last character than the right one.
fn other_end(code: &str) -> String {
    let mut code = code.to_owned();
    let last = if code.pop() == Some('0') { '1' } else { '0' };
    code.push(last);
    code
}
