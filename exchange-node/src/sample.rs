//! A made-up licence library: rows of the national table `up_lic_data` with the mix of a city's certificates.
//!
//! Everything is invented: persons and firms carry the unassigned division 379999, departments the codes of
//! [`departments`], firms the word 样例 in their name. The same region, number and seed give the same rows everywhere.
//!
//! Of each 1,000 rows 420 are 营业执照, 260 不动产权证书, 90 不动产登记证明, 60 道路运输经营许可证, 80 道路运输证,
//! 70 从业资格证, 20 安全生产许可证; 220 are backfilled, 30 cancelled, 4 revoked and not yet cancelled, and 10 faulty,
//! one for each [`Fault`].

pub mod departments;
mod fault;
mod kind;
mod people;
mod random;
#[cfg(test)]
mod tests;
mod write;

pub use fault::Fault;
pub use kind::Kind;
pub use write::write;

use departments::Department;
use exchange_core::region::Region;
use random::Numbers;

/// Rows after which the mix repeats.
pub const BLOCK: u64 = 1_000;

/// The columns of a sample file, in order: those of `up_lic_data`, then `status_code`, `origin` and extension fields.
pub const COLUMNS: [&str; 39] = [
    "certificate_name",
    "certificate_type",
    "certificate_type_code",
    "certificate_number",
    "certificate_source_id",
    "certificate_version",
    "issue_dept",
    "issue_dept_code",
    "issue_date",
    "certificate_holder",
    "certificate_holder_code",
    "certificate_holder_type",
    "validate_start",
    "validate_end",
    "certificate_area_code",
    "certificate_define_authority_name",
    "certificate_define_authority_code",
    "cd_batch",
    "cd_operation",
    "cd_time",
    "data_source",
    "status_code",
    "origin",
    "KZ_ZS",
    "KZ_JYFW",
    "KZ_FDDBR",
    "KZ_BDCQZH",
    "KZ_BDCDYH",
    "KZ_ZL",
    "KZ_QLR",
    "KZ_GYQK",
    "KZ_MJ",
    "KZ_YT",
    "KZ_QLQTZK",
    "KZ_ZMQLSX",
    "KZ_YWR",
    "KZ_ZGLB",
    "KZ_CCLZRQ",
    "KZ_XKFW",
];

/// One row of the national table. Field names are its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// In the order of [`COLUMNS`].
    values: Vec<String>,
    /// What is wrong with it on purpose.
    pub fault: Option<Fault>,
}

impl Row {
    /// A column's value; empty for one that a sample does not have.
    pub fn value(&self, column: &str) -> &str {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.and_then(|at| self.values.get(at)).map_or("", String::as_str)
    }

    /// All values, in the order of [`COLUMNS`].
    pub fn values(&self) -> &[String] {
        &self.values
    }

    fn set(&mut self, column: &str, value: impl Into<String>) {
        self.values.resize(COLUMNS.len(), String::new());
        if let Some(at) = COLUMNS.iter().position(|name| *name == column) {
            self.values[at] = value.into();
        }
    }
}

/// The first `n` rows of a region's sample library.
pub fn rows(region: Region, n: u64, seed: u64) -> impl Iterator<Item = Row> {
    let place = Place { region, city: region.name().unwrap_or("样例市"), counties: people::counties(region) };
    (0..n).map(move |index| row(&place, index, seed))
}

/// Where rows come from.
struct Place {
    region: Region,
    city: &'static str,
    counties: Vec<&'static str>,
}

fn row(place: &Place, index: u64, seed: u64) -> Row {
    // 617 and 1,000 have no common factor: within a block every place of the mix is taken once, in no visible order.
    let at = (index % BLOCK * 617 + Numbers::new(seed, index / BLOCK).below(BLOCK)) % BLOCK;
    let kind = Kind::at(at);
    let mut numbers = Numbers::new(seed ^ u64::from_be_bytes(region_seed(place.region)), index);
    let mut row = Row::default();
    row.set("certificate_name", kind.name());
    row.set("certificate_type", kind.name());
    row.set("certificate_type_code", kind.code());
    row.set("certificate_source_id", format!("SAMPLE-{seed:016x}-{index:09}"));
    row.set("certificate_version", "001");
    if let Some(issuer) = kind.department().of(place.region) {
        row.set("issue_dept", issuer.name);
        row.set("issue_dept_code", issuer.uscc.as_str());
    }
    dates(&mut row, kind, &mut numbers);
    row.set("certificate_area_code", place.region.as_str());
    row.set("certificate_define_authority_name", kind.defining_authority());
    row.set("certificate_define_authority_code", &kind.code()[..18]);
    row.set("cd_batch", format!("SAMPLE-{}", index / BLOCK + 1));
    row.set("cd_operation", "I");
    row.set("cd_time", format!("2026-01-05 08:{:02}:{:02}", index / 60 % 60, index % 60));
    row.set("data_source", "1");
    row.set("origin", if at % 50 < 11 { "BACKFILLED" } else { "SYNCHRONOUS" });
    row.set("status_code", kind.status_code(status_at(at)));
    kind.fill(&mut row, place, index, &mut numbers);
    if let Some(fault) = Fault::at(at) {
        fault.spoil(&mut row);
    }
    row
}

/// What a sample certificate has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Becomes {
    Active,
    Cancelled,
    Revoked,
}

/// The first four places are 营业执照, which can be revoked.
const fn status_at(at: u64) -> Becomes {
    match at {
        0..4 => Becomes::Revoked,
        _ if at % 33 == 10 => Becomes::Cancelled,
        _ => Becomes::Active,
    }
}

fn dates(row: &mut Row, kind: Kind, numbers: &mut Numbers) {
    let (from, to) = kind.issued();
    // Days 2 to 28 exist in every month, and so does the day before.
    let (year, month, day) = (numbers.within(from, to), numbers.within(1, 12), numbers.within(2, 28));
    let issued = format!("{year:04}-{month:02}-{day:02}");
    row.set("validate_start", issued.as_str());
    if let Some(years) = kind.years() {
        row.set("validate_end", format!("{:04}-{month:02}-{:02}", year + years, day - 1));
    }
    row.set("issue_date", issued);
}

fn region_seed(region: Region) -> [u8; 8] {
    let [a, b, c, d, e, f] = region.as_bytes();
    [0, 0, a, b, c, d, e, f]
}

/// Departments that issue the certificates of a sample, for a node's configuration.
pub fn issuing_departments() -> impl Iterator<Item = Department> {
    let mut departments: Vec<_> = Kind::ALL.iter().map(|kind| kind.department()).collect();
    departments.sort_unstable();
    departments.dedup();
    departments.into_iter()
}
