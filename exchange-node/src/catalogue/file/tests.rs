#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use exchange_core::{
    certificate::{Draft, Field, Origin},
    certificate_type::{CertificateType, Sharing},
    date::Date,
    matter::{Implementation, MaterialSource, Matter, check_uniform},
    region::Region,
};
use std::{collections::BTreeMap, path::PathBuf};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue").join(name)
}

#[derive(Default)]
struct Catalogue {
    types: BTreeMap<String, CertificateType>,
    matters: BTreeMap<String, Matter>,
    implementations: Vec<Implementation>,
}

fn all() -> Catalogue {
    let mut catalogue = Catalogue::default();
    let mut files: Vec<_> = fs::read_dir(sample("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        for item in read(file).unwrap_or_else(|error| panic!("{error}")) {
            match item {
                Item::CertificateType(item) => {
                    assert!(catalogue.types.insert(item.type_code.to_string(), *item).is_none());
                }
                Item::Matter(item) => {
                    assert!(catalogue.matters.insert(item.matter_code.to_string(), *item).is_none());
                }
                Item::Implementation(item) => catalogue.implementations.push(*item),
            }
        }
    }
    catalogue
}

#[test]
fn the_sample_catalogue_is_valid_and_uniform() {
    let catalogue = all();
    assert_eq!(catalogue.types.len(), 9);
    assert_eq!(catalogue.matters.len(), 6);
    assert_eq!(catalogue.implementations.len(), 3 * 6 + 1);
    for implementation in &catalogue.implementations {
        let matter = &catalogue.matters[implementation.matter_code.as_str()];
        let differences = check_uniform(matter, implementation).err().unwrap_or_default();
        let shown: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{} {}: {shown:?}", implementation.region, implementation.name);
        let division = implementation.department.uscc.division();
        assert_eq!(division, implementation.region, "{}", implementation.department.name);
    }
}

#[test]
fn the_sample_matters_look_up_types_and_fields_that_exist_and_are_shared() {
    let catalogue = all();
    for matter in catalogue.matters.values() {
        for material in matter.materials.iter().filter(|material| material.source == MaterialSource::Certificate) {
            let kind = &catalogue.types[material.type_code.unwrap().as_str()];
            for field in &material.fields {
                assert!(kind.field(field).is_some(), "{}: {} has no field {field}", matter.name, kind.name);
            }
            let approved = kind.approvals.iter().any(|approval| approval.matter_code == matter.matter_code);
            let conditional = kind.sharing == Sharing::Conditional;
            assert!(approved || !conditional, "{} does not approve {}", kind.name, matter.name);
        }
        if let Some(result) = matter.result_type_code {
            assert!(catalogue.types.contains_key(result.as_str()), "{}", matter.name);
        }
        assert!(matter.materials.iter().any(|material| material.tolerable), "{}", matter.name);
        assert!(matter.materials.iter().any(|material| material.commitment_replaces), "{}", matter.name);
        assert!(matter.situations.len() >= 2, "{}", matter.name);
    }
}

fn refusal(json: &str) -> String {
    parse("f.json", json.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    assert!(refusal("{").starts_with("f.json: EOF while parsing an object at line 1"));
    let unknown = refusal(r#"{"matter": []}"#);
    assert!(unknown.starts_with("f.json: unknown field `matter`, expected one of"), "{unknown}");
    let unknown = refusal(r#"{"matters": [{"matter_kode": "x"}]}"#);
    assert!(unknown.starts_with("f.json: matters[0]: unrecognized field name 'matter_kode'"), "{unknown}");
    let unknown = refusal(r#"{"matters": [{"modes": ["HANDLING_MODE_MAGIC"]}]}"#);
    assert!(unknown.starts_with("f.json: matters[0]: unrecognized enum value 'HANDLING_MODE_MAGIC'"), "{unknown}");
    let invalid = refusal(r#"{"matters": [{"matter_code": "37019900100"}]}"#);
    assert!(invalid.starts_with("f.json: matters[0]: matter_code: found"), "{invalid}");
}

#[test]
fn a_file_that_is_not_there_says_so() {
    assert!(matches!(read(&sample("absent.json")).unwrap_err(), Error::Io { .. }));
}

/// The sample rows of `exchange-node sample` are certificates of the sample types, but for the faulty ones.
#[test]
fn the_sample_rows_fit_the_sample_types() {
    let catalogue = all();
    let region = Region::parse("370100").unwrap();
    let (mut good, mut refused) = (0, BTreeMap::new());
    for row in crate::sample::rows(region, 1_000, 1) {
        match check(&catalogue, &row) {
            Ok(_) => good += 1,
            Err(error) => {
                assert!(row.fault.is_some(), "{error}");
                refused.insert(format!("{:?}", row.fault.unwrap()), error);
            }
        }
    }
    // Three faults are the importer's to find: the department, and an operation that is no issue.
    assert_eq!(good, 993, "{refused:?}");
    assert!(refused["HolderCheckDigit"].contains("a wrong check digit in CZZTDM"), "{refused:?}");
    assert!(refused["DatesReversed"].contains("valid_until 2014-12-31 before valid_from"), "{refused:?}");
    assert!(refused["HolderMissing"].contains("no CZZT"), "{refused:?}");
    assert!(refused["NumberMissing"].contains("no ZZBH"), "{refused:?}");
    assert_eq!(refused["StatusUnknown"], "status code 88");
}

fn check(catalogue: &Catalogue, row: &crate::sample::Row) -> Result<(), String> {
    let kind = catalogue.types.get(row.value("certificate_type_code")).ok_or("type")?;
    let code_type = if row.value("certificate_holder_type") == "公民身份号码" { "111" } else { "001" };
    let columns = [
        ("CZZT", row.value("certificate_holder")),
        ("CZZTDM", row.value("certificate_holder_code")),
        ("CZZTDMLXDM", code_type),
        ("ZZBH", row.value("certificate_number")),
    ];
    let extensions =
        crate::sample::COLUMNS.iter().filter(|name| name.starts_with("KZ_")).map(|name| (*name, row.value(name)));
    let date = |column| Date::parse(row.value(column)).map_err(|error| error.to_string());
    let draft = Draft {
        type_code: kind.type_code,
        type_version: None,
        issuer: kind.defining_authority.clone(),
        issued_on: date("issue_date")?,
        valid_from: date("validate_start")?,
        valid_until: if row.value("validate_end").is_empty() { None } else { Some(date("validate_end")?) },
        origin: Origin::Synchronous,
        fields: columns
            .into_iter()
            .chain(extensions)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| Field { name: name.to_owned(), value: value.to_owned() })
            .collect(),
        serial: None,
    };
    let status = row.value("status_code");
    kind.status_for_code(status).ok_or_else(|| format!("status code {status}"))?;
    kind.check(&draft, Date::parse("2026-01-05").unwrap()).map(|_| ()).map_err(|error| error.to_string())
}
