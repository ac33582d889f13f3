//! Where in a row what stands, by the header.

use csv::StringRecord;
use std::collections::BTreeSet;

/// Columns of `up_lic_data` that a certificate needs, or may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub(super) enum Column {
    Name,
    TypeCode,
    Number,
    SourceId,
    Department,
    DepartmentCode,
    IssuedOn,
    Holder,
    HolderCode,
    HolderType,
    ValidFrom,
    ValidUntil,
    Batch,
    Operation,
    Time,
    Status,
    Origin,
}

/// Name, and whether a file must have it.
const KNOWN: [(Column, &str, bool); 17] = [
    (Column::Name, "certificate_name", false),
    (Column::TypeCode, "certificate_type_code", true),
    (Column::Number, "certificate_number", true),
    (Column::SourceId, "certificate_source_id", true),
    (Column::Department, "issue_dept", true),
    (Column::DepartmentCode, "issue_dept_code", true),
    (Column::IssuedOn, "issue_date", true),
    (Column::Holder, "certificate_holder", true),
    (Column::HolderCode, "certificate_holder_code", true),
    (Column::HolderType, "certificate_holder_type", false),
    (Column::ValidFrom, "validate_start", false),
    (Column::ValidUntil, "validate_end", false),
    (Column::Batch, "cd_batch", false),
    (Column::Operation, "cd_operation", true),
    (Column::Time, "cd_time", true),
    (Column::Status, "status_code", false),
    (Column::Origin, "origin", false),
];

/// Columns of the table that say nothing a certificate holds, and those that a rejected file begins with.
const PASSED_OVER: [&str; 10] = [
    "certificate_type",
    "certificate_version",
    "certificate_area_code",
    "certificate_define_authority_name",
    "certificate_define_authority_code",
    "data_source",
    super::reject::LINE,
    super::reject::REASON,
    super::reject::DETAIL,
    super::reject::RIGHT,
];

impl Column {
    /// As in the header.
    pub(super) const fn name(self) -> &'static str {
        KNOWN[self as usize].1
    }
}

/// The header lacks columns, or has one twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Each with the column that was perhaps meant.
    pub columns: Vec<(&'static str, Option<String>)>,
    /// Those that stand twice: which of them holds the value?
    pub twice: Vec<String>,
}

impl std::error::Error for Missing {}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.twice.is_empty() {
            write!(f, "the header has columns twice: {}", self.twice.join(", "))?;
        }
        if !self.columns.is_empty() && !self.twice.is_empty() {
            f.write_str("\n")?;
        }
        if !self.columns.is_empty() {
            f.write_str("the header lacks columns of up_lic_data:")?;
        }
        for (name, near) in &self.columns {
            write!(f, "\n  {name}")?;
            if let Some(near) = near {
                write!(f, " (did you mean that by `{near}`?)")?;
            }
        }
        Ok(())
    }
}

/// The columns of one file.
#[derive(Debug)]
pub(super) struct Columns {
    at: [Option<usize>; KNOWN.len()],
    /// `KZ_…`, by place.
    extensions: Vec<(usize, String)>,
    unused: Vec<String>,
    count: usize,
}

impl Columns {
    pub(super) fn new(header: &StringRecord) -> Result<Self, Missing> {
        let mut columns =
            Self { at: [None; KNOWN.len()], extensions: Vec::new(), unused: Vec::new(), count: header.len() };
        let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
        for (place, name) in header.iter().enumerate() {
            let lower = name.trim().to_lowercase();
            if !seen.insert(lower.clone()) && !PASSED_OVER.contains(&lower.as_str()) && !lower.is_empty() {
                twice.push(lower.clone());
            }
            if let Some((column, ..)) = KNOWN.iter().find(|(_, known, _)| *known == lower) {
                columns.at[*column as usize] = Some(place);
            } else if lower.starts_with("kz_") {
                columns.extensions.push((place, lower.to_uppercase()));
            } else if !PASSED_OVER.contains(&lower.as_str()) {
                columns.unused.push(name.to_owned());
            }
        }
        let missing: Vec<_> = KNOWN
            .iter()
            .filter(|(column, _, needed)| *needed && columns.at[*column as usize].is_none())
            .map(|(_, name, _)| (*name, near(name, &columns.unused)))
            .collect();
        if missing.is_empty() && twice.is_empty() { Ok(columns) } else { Err(Missing { columns: missing, twice }) }
    }

    /// A value without blanks around it; empty where there is no such column.
    pub(super) fn value<'a>(&self, record: &'a StringRecord, column: Column) -> &'a str {
        self.at[column as usize].and_then(|place| record.get(place)).unwrap_or_default().trim()
    }

    /// Extension fields that are not empty.
    pub(super) fn extensions<'a>(&'a self, record: &'a StringRecord) -> impl Iterator<Item = (&'a str, &'a str)> {
        let values =
            self.extensions.iter().map(|(place, name)| (name.as_str(), record.get(*place).unwrap_or_default()));
        values.filter(|(_, value)| !value.is_empty())
    }

    /// How many columns the header has.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Columns that nothing is made of.
    pub(super) fn unused(&self) -> &[String] {
        &self.unused
    }
}

fn near(name: &str, others: &[String]) -> Option<String> {
    let likeness = |other: &str| strsim::jaro_winkler(name, &other.to_lowercase());
    let best = others.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.85).then(|| best.clone())
}
