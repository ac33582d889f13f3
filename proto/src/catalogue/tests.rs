#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use exchange_core::reason::Reason;
use prost::Message;

const TYPE: &str = "11100000MB03271699001";
const BODY: &str = "11370800MB28559184";
const MATTER: &str = "370117002011";

fn body() -> Option<v1::Issuer> {
    Some(v1::Issuer { uscc: BODY.into(), name: "样例局".into() })
}

fn spec(name: &str, format: v1::FieldFormat, role: v1::FieldRole) -> v1::FieldSpec {
    v1::FieldSpec {
        name: name.into(),
        label: "名称".into(),
        required: true,
        format: format as i32,
        sensitive: true,
        max_bytes: 100,
        role: role as i32,
    }
}

fn type_message() -> v1::CertificateType {
    use v1::{FieldFormat as Format, FieldRole as Role};
    v1::CertificateType {
        type_code: TYPE.into(),
        version: 2,
        name: "样例证".into(),
        defining_authority: body(),
        holder_code_types: vec!["111".into()],
        fields: vec![
            spec("CZZT", Format::Text, Role::HolderName),
            spec("CZZTDM", Format::HolderCode, Role::HolderCode),
            spec("ZZBH", Format::Text, Role::Number),
            v1::FieldSpec { max_bytes: 0, ..spec("KZ_FJ", Format::Multiline, Role::Unspecified) },
        ],
        status_codes: vec![v1::StatusCode {
            code: "01".into(),
            name: "有效".into(),
            status: v1::Status::Active as i32,
        }],
        status_rules: vec![v1::StatusRule {
            to: v1::Status::Revoked as i32,
            authorities: vec![v1::StatusAuthority::Issuer as i32, v1::StatusAuthority::CourtOrder as i32],
            document_number_required: true,
        }],
        validity: Some(v1::ValidityRule { until_required: true, max_years: 3 }),
        legal_form: v1::LegalForm::DataOnly as i32,
        sharing: v1::Sharing::Conditional as i32,
        approvals: vec![v1::Approval { matter_code: MATTER.into(), fields: vec!["KZ_FJ".into()] }],
        discovery: v1::Discovery::ByHolder as i32,
        custodian_region: "370000".into(),
    }
}

fn material_message() -> v1::Material {
    v1::Material {
        name: "样例证".into(),
        source: v1::MaterialSource::Certificate as i32,
        type_code: TYPE.into(),
        fields: vec!["CZZT".into()],
        relations: vec![v1::RelationAllowed { relation: 2 }],
        required: true,
        tolerable: true,
        file: false,
        commitment_replaces: true,
        situations: vec!["01".into()],
    }
}

fn limit_message(amount: u32, extension: u32) -> Option<v1::Limit> {
    Some(v1::Limit { amount, unit: v1::LimitUnit::WorkingDays as i32, extension })
}

fn matter_message() -> v1::Matter {
    v1::Matter {
        matter_code: MATTER.into(),
        version: 1,
        name: "样例事项".into(),
        kind: "01".into(),
        legal_basis: vec!["样例条例".into()],
        power_list_item: "样例权责".into(),
        permit_list_item: "样例许可".into(),
        materials: vec![material_message()],
        steps: vec!["受理".into()],
        statutory_limit: limit_message(20, 10),
        situations: vec![v1::Situation { code: "01".into(), name: "新办".into() }],
        modes: vec![v1::HandlingMode::ProxyCollect as i32, v1::HandlingMode::MultiJoint as i32],
        result_type_code: TYPE.into(),
    }
}

fn implementation_message() -> v1::Implementation {
    let matter = matter_message();
    let day = |year| Some(v1::Date { year, month: 2, day: 28 });
    v1::Implementation {
        implementation_code: format!("{BODY}3{MATTER}"),
        version: 4,
        region: "370800".into(),
        matter_code: MATTER.into(),
        matter_version: 1,
        province_position: Some(v1::LogPosition { region: "370000".into(), epoch: 1, index: 0 }),
        name: matter.name,
        kind: matter.kind,
        legal_basis: matter.legal_basis,
        materials: matter.materials,
        steps: matter.steps,
        statutory_limit: matter.statutory_limit,
        promised_limit: limit_message(3, 0),
        collecting_regions: vec!["370000".into()],
        delegates: vec![v1::Delegate {
            region: "370100".into(),
            from: day(2024),
            until: day(2025),
            document_number: "样例〔2024〕1号".into(),
        }],
        modes: matter.modes,
        department: body(),
    }
}

#[test]
fn nothing_is_lost_on_the_way_there_and_back() {
    let message = type_message();
    let kind = certificate_type(message.clone()).unwrap();
    assert_eq!(encode_certificate_type(&kind), message);
    let message = matter_message();
    assert_eq!(encode_matter(&matter(message.clone()).unwrap()), message);
    let message = implementation_message();
    assert_eq!(encode_implementation(&implementation(message.clone()).unwrap()), message);
}

#[test]
fn every_number_of_every_enum_is_known_to_both_sides() {
    fn all<C: Copy>(known: &[C], number: fn(C) -> i32, name: impl Fn(i32) -> Option<&'static str>) {
        let mut next = 1;
        for one in known {
            assert_eq!(number(*one), next);
            assert!(name(next).is_some(), "number {next} is not in the .proto");
            next += 1;
        }
        assert_eq!(name(next), None, "number {next} is not in the core");
    }
    use exchange_core::matter::{HandlingMode, LimitUnit, MaterialSource};
    all(&FieldFormat::ALL, |one| one as i32, |n| v1::FieldFormat::try_from(n).ok().map(|one| one.as_str_name()));
    all(&FieldRole::ALL, |one| one as i32, |n| v1::FieldRole::try_from(n).ok().map(|one| one.as_str_name()));
    all(&LegalForm::ALL, |one| one as i32, |n| v1::LegalForm::try_from(n).ok().map(|one| one.as_str_name()));
    all(&Sharing::ALL, |one| one as i32, |n| v1::Sharing::try_from(n).ok().map(|one| one.as_str_name()));
    all(&Discovery::ALL, |one| one as i32, |n| v1::Discovery::try_from(n).ok().map(|one| one.as_str_name()));
    all(&Status::ALL, |one| one as i32, |n| v1::Status::try_from(n).ok().map(|one| one.as_str_name()));
    all(&MaterialSource::ALL, |one| one as i32, |n| v1::MaterialSource::try_from(n).ok().map(|one| one.as_str_name()));
    all(&LimitUnit::ALL, |one| one as i32, |n| v1::LimitUnit::try_from(n).ok().map(|one| one.as_str_name()));
    all(&HandlingMode::ALL, |one| one as i32, |n| v1::HandlingMode::try_from(n).ok().map(|one| one.as_str_name()));
}

fn type_error(spoil: impl FnOnce(&mut v1::CertificateType)) -> (Reason, String) {
    let mut message = type_message();
    spoil(&mut message);
    let error = certificate_type(message).expect_err("a refusal");
    (error.reason(), error.path().to_owned())
}

fn matter_error(spoil: impl FnOnce(&mut v1::Matter)) -> (Reason, String) {
    let mut message = matter_message();
    spoil(&mut message);
    let error = matter(message).expect_err("a refusal");
    (error.reason(), error.path().to_owned())
}

fn implementation_error(spoil: impl FnOnce(&mut v1::Implementation)) -> (Reason, String) {
    let mut message = implementation_message();
    spoil(&mut message);
    let error = implementation(message).expect_err("a refusal");
    (error.reason(), error.path().to_owned())
}

fn is(found: (Reason, String), reason: Reason, path: &str) {
    assert_eq!(found, (reason, path.to_owned()));
}

#[test]
fn numbers_that_are_unknown_or_left_out_are_refused() {
    use Reason::{FieldInvalid, FieldMissing};
    is(type_error(|one| one.legal_form = 9), FieldInvalid, "legal_form");
    is(type_error(|one| one.sharing = 0), FieldMissing, "sharing");
    is(type_error(|one| one.discovery = -1), FieldInvalid, "discovery");
    is(type_error(|one| one.fields[3].format = 0), FieldMissing, "fields[3].format");
    is(type_error(|one| one.fields[3].role = 5), FieldInvalid, "fields[3].role");
    is(type_error(|one| one.status_codes[0].status = 12), FieldInvalid, "status_codes[0].status");
    is(type_error(|one| one.status_rules[0].to = 0), FieldMissing, "status_rules[0].to");
    is(type_error(|one| one.status_rules[0].authorities[1] = 5), FieldInvalid, "status_rules[0].authorities");
    is(matter_error(|one| one.modes[1] = 7), FieldInvalid, "modes");
    is(matter_error(|one| one.materials[0].source = 4), FieldInvalid, "materials[0].source");
    let relation = |number| move |one: &mut v1::Matter| one.materials[0].relations[0].relation = number;
    is(matter_error(relation(7)), FieldInvalid, "materials[0].relations[0].relation");
    is(matter_error(relation(u32::MAX)), FieldInvalid, "materials[0].relations[0].relation");
    is(matter_error(|one| one.statutory_limit.as_mut().unwrap().unit = 5), FieldInvalid, "statutory_limit.unit");
}

#[test]
fn parts_that_are_missing_or_wrong_are_named_by_their_path() {
    use Reason::{CheckDigitWrong, FieldInvalid, FieldMissing};
    is(type_error(|one| one.type_code.clear()), FieldMissing, "type_code");
    is(type_error(|one| one.defining_authority = None), FieldMissing, "defining_authority");
    let wrong = |one: &mut v1::CertificateType| {
        one.defining_authority.as_mut().unwrap().uscc = "11370800MB28559185".into();
    };
    is(type_error(wrong), CheckDigitWrong, "defining_authority.uscc");
    is(type_error(|one| one.approvals[0].matter_code = "3701".into()), FieldInvalid, "approvals[0].matter_code");
    is(type_error(|one| one.custodian_region = "济南".into()), FieldInvalid, "custodian_region");
    // The core's own rules come with parsing.
    is(type_error(|one| one.fields[1].name = "kz".into()), FieldInvalid, "fields[1].name");
    is(matter_error(|one| one.kind.clear()), FieldMissing, "kind");
    for kind in ["1", "+1", "001", "一"] {
        is(matter_error(|one| one.kind = kind.into()), FieldInvalid, "kind");
    }
    is(matter_error(|one| one.statutory_limit = None), FieldMissing, "statutory_limit");
    is(matter_error(|one| one.materials[0].type_code.push('X')), FieldInvalid, "materials[0].type_code");
    is(implementation_error(|one| one.promised_limit = None), FieldMissing, "promised_limit");
    is(implementation_error(|one| one.delegates[0].until = None), FieldMissing, "delegates[0].until");
    let no_day = |one: &mut v1::Implementation| one.delegates[0].from.as_mut().unwrap().day = 30;
    is(implementation_error(no_day), FieldInvalid, "delegates[0].from");
    is(implementation_error(|one| one.collecting_regions.push("37".into())), FieldInvalid, "collecting_regions[1]");
    is(implementation_error(|one| one.implementation_code.clear()), FieldMissing, "implementation_code");
    let epoch = |one: &mut v1::Implementation| one.province_position.as_mut().unwrap().epoch = 0;
    is(implementation_error(epoch), FieldMissing, "province_position.epoch");
}

#[test]
fn the_largest_type_fits_into_an_entry() {
    let mut message = type_message();
    let label = "名".repeat(85);
    for field in &mut message.fields {
        field.label = label.clone();
    }
    for at in message.fields.len()..128 {
        let name = format!("KZ_{}{at:03}", "A".repeat(58));
        message.fields.push(v1::FieldSpec { label: label.clone(), name, ..message.fields[3].clone() });
    }
    let length = message.encoded_len();
    assert!(certificate_type(message).is_ok());
    assert!(length < exchange_core::event::MAX_ENTRY_BYTES, "{length} bytes");
}
