//! What is sent: requests like those of a city's real estate registry. All persons and flats are invented.

use anyhow::{Context, Result};
use exchange_core::check_digit;
use exchange_proto::v1::{Date, FieldValue, IssueCertificateRequest, Issuer, Origin};
use std::sync::atomic::{AtomicU64, Ordering};

/// 不动产权证书.
pub(crate) const TYPE_CODE: &str = "11100000MB03271699001";
/// 住房公积金购房提取, a public service; the code is invented.
pub(crate) const MATTER_CODE: &str = "372000007000";
/// Short names of the fields, in the type's order.
pub(crate) const FIELDS: [&str; 12] = [
    "CZZT",
    "CZZTDM",
    "CZZTDMLXDM",
    "ZZBH",
    "KZ_BDCQZH",
    "KZ_BDCDYH",
    "KZ_ZL",
    "KZ_QLR",
    "KZ_GYQK",
    "KZ_MJ",
    "KZ_YT",
    "KZ_QLQTZK",
];
/// Days between 1950-01-01 and 2009-12-28, in months of 28 days: enough invented persons.
const BIRTHDAYS: u64 = 60 * 12 * 28;

/// Makes requests that are all different.
#[derive(Debug)]
pub(crate) struct Requests {
    issuer: Issuer,
    next: AtomicU64,
}

impl Requests {
    /// For one issuing department.
    pub(crate) const fn new(issuer: Issuer, first: u64) -> Self {
        Self { issuer, next: AtomicU64::new(first) }
    }

    /// The next request: 12 fields.
    pub(crate) fn issue(&self) -> Result<IssueCertificateRequest> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let values = [
            format!("测试人{number:08}"),
            resident_id(number)?,
            "111".to_owned(),
            format!("鲁(2025)济南市不动产权第{number:09}号"),
            format!("鲁(2025)济南市不动产权第{number:09}号"),
            format!("370102{:013}F{:08}", number / 10_000, number % 10_000),
            format!("济南市历下区样例路{}号{}单元{}室", number % 997, number % 4 + 1, number % 1_800 + 101),
            format!("测试人{number:08}"),
            "单独所有".to_owned(),
            format!("{}.{:02}", 60 + number % 120, number % 100),
            "城镇住宅用地/住宅".to_owned(),
            "土地使用期限2001-01-01起2071-01-01止；房屋结构：钢筋混凝土".to_owned(),
        ];
        Ok(IssueCertificateRequest {
            request_id: uuid::Uuid::now_v7().to_string(),
            type_code: TYPE_CODE.to_owned(),
            type_version: 0,
            issuer: Some(self.issuer.clone()),
            issued_on: Some(date(2025, 6, 2)),
            valid_from: None,
            valid_until: None,
            origin: Origin::Synchronous.into(),
            fields: FIELDS
                .iter()
                .zip(values)
                .map(|(name, value)| FieldValue { name: (*name).to_owned(), value })
                .collect(),
            serial: String::new(),
            source: None,
            files: Vec::new(),
        })
    }
}

/// The fields that a question asks for: the eight extension fields.
pub(crate) fn wanted() -> Vec<String> {
    FIELDS.iter().filter(|name| name.starts_with("KZ_")).map(|name| (*name).to_owned()).collect()
}

/// A legal date.
pub(crate) const fn date(year: u32, month: u32, day: u32) -> Date {
    Date { year, month, day }
}

/// The identity number of an invented person: 379999 is assigned to no place.
pub(crate) fn resident_id(number: u64) -> Result<String> {
    let (day, order) = (number % BIRTHDAYS, number / BIRTHDAYS % 1_000);
    let (year, month, day) = (1950 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    let digits = format!("379999{year}{month:02}{day:02}{order:03}");
    let check = check_digit::mod_11_2(&digits).context("17 digits have a check digit")?;
    Ok(format!("{digits}{check}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use exchange_core::resident_id::ResidentId;

    #[test]
    fn invented_persons_have_valid_numbers() {
        for number in [0, 1, 27, 28, BIRTHDAYS - 1, BIRTHDAYS, 1_234_567] {
            let id = resident_id(number).unwrap();
            assert_eq!(ResidentId::parse(&id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn requests_have_twelve_fields_and_differ() {
        let requests = Requests::new(Issuer::default(), 0);
        let (one, two) = (requests.issue().unwrap(), requests.issue().unwrap());
        assert_eq!(one.fields.len(), 12);
        assert_ne!(one.request_id, two.request_id);
        assert_ne!(one.fields, two.fields);
    }
}
