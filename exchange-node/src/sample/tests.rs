#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::import::Encoding;
use exchange_core::{date::Date, holder::Holder, resident_id::ResidentId, uscc::Uscc};
use std::collections::{BTreeMap, BTreeSet};

fn jinan() -> Region {
    Region::parse("370100").unwrap()
}

fn block(seed: u64) -> Vec<Row> {
    rows(jinan(), BLOCK, seed).collect()
}

#[test]
fn the_same_seed_gives_the_same_rows_and_another_gives_others() {
    assert_eq!(block(7), block(7));
    assert_ne!(block(7), block(8));
    let more: Vec<Row> = rows(jinan(), 1_500, 7).collect();
    assert_eq!(more[..1_000], block(7), "more rows begin with the same");
    assert_ne!(more[..500], more[1_000..], "blocks differ");
}

#[test]
fn every_thousand_has_the_mix() {
    for seed in [1, 2, 99] {
        let rows = block(seed);
        let mut types: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            *types.entry(row.value("certificate_type")).or_default() += 1;
        }
        let expected = [
            ("不动产权证书", 260),
            ("不动产登记证明", 90),
            ("安全生产许可证", 20),
            ("营业执照", 420),
            ("道路运输从业人员从业资格证", 70),
            ("道路运输经营许可证", 60),
            ("道路运输证", 80),
        ];
        assert_eq!(types, BTreeMap::from(expected));
        let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
        assert_eq!(count(&|row| row.value("origin") == "BACKFILLED"), 220);
        assert_eq!(count(&|row| ["03", "04"].contains(&row.value("status_code"))), 30);
        assert_eq!(count(&|row| ["05", "07"].contains(&row.value("status_code"))), 4);
        let faults: BTreeSet<Fault> = rows.iter().filter_map(|row| row.fault).collect();
        assert_eq!(faults.len(), 10, "one of each fault");
        assert_eq!(count(&|row| row.fault.is_some()), 10);
    }
}

#[test]
fn source_ids_differ() {
    let ids: BTreeSet<String> =
        rows(jinan(), 2_500, 5).map(|row| row.value("certificate_source_id").to_owned()).collect();
    assert_eq!(ids.len(), 2_500);
}

#[test]
fn good_rows_carry_right_check_digits_and_the_unassigned_division() {
    for row in block(3).iter().filter(|row| row.fault.is_none()) {
        assert_eq!(Uscc::parse(row.value("issue_dept_code")).unwrap().division(), jinan());
        let kind = if row.value("certificate_holder_type") == "公民身份号码" { "111" } else { "001" };
        for holder in Holder::split(kind, row.value("certificate_holder_code")).unwrap() {
            match kind {
                "111" => assert_eq!(ResidentId::parse(holder.code()).unwrap().region().as_str(), "379999"),
                _ => assert_eq!(Uscc::parse(holder.code()).unwrap().division().as_str(), "379999"),
            }
        }
        let issued = Date::parse(row.value("issue_date")).unwrap();
        if !row.value("validate_end").is_empty() {
            assert!(issued < Date::parse(row.value("validate_end")).unwrap());
        }
    }
}

#[test]
fn faulty_rows_are_faulty_where_they_say() {
    let rows = block(4);
    let row = |fault| rows.iter().find(|row| row.fault == Some(fault)).unwrap();
    assert!(Uscc::parse(row(Fault::HolderCheckDigit).value("certificate_holder_code")).is_err());
    assert!(
        Uscc::parse(row(Fault::IssuerCheckDigit).value("issue_dept_code")).unwrap_err().right_check_digit().is_some()
    );
    assert!(Date::parse(row(Fault::NoSuchDay).value("issue_date")).is_err());
    let reversed = row(Fault::DatesReversed);
    assert!(reversed.value("validate_end") < reversed.value("validate_start"));
    let foreign = Uscc::parse(row(Fault::AnotherCitysDepartment).value("issue_dept_code")).unwrap();
    assert_ne!(foreign.division(), jinan(), "a valid code, of elsewhere");
}

#[test]
fn gb18030_reads_back_as_utf8() {
    let (mut utf8, mut gb) = (Vec::new(), Vec::new());
    // Several times the writer's buffer, so that characters are cut.
    write(rows(jinan(), 2_000, 1), &mut utf8, Encoding::Utf8).unwrap();
    write(rows(jinan(), 2_000, 1), &mut gb, Encoding::Gb18030).unwrap();
    let (text, _, malformed) = encoding_rs::GB18030.decode(&gb);
    assert!(!malformed);
    assert_eq!(text.as_bytes(), utf8);
    assert!(gb.len() < utf8.len());
}
