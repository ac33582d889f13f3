//! A certificate type, a uniform matter, and a city's implementation of it.

use super::{date, region, text, type_code, uscc};
use exchange_core::{
    certificate_type::{
        Approval, CertificateType, Discovery, FieldFormat, FieldRole, FieldSpec, LegalForm, Sharing, StatusCode,
        StatusRule, Validity,
    },
    issuer::Issuer,
    matter::{Delegate, HandlingMode, Implementation, Limit, LimitUnit, Material, MaterialSource, Matter, Situation},
    matter_code::{BasicCode, ExerciseLevel, ImplementationCode, MatterKind},
    position::Position,
    question::Relation,
    status::{Authority, Status},
};

fn field(name: &str, label: &str, format: FieldFormat, role: Option<FieldRole>) -> FieldSpec {
    let (name, label) = (text(name), text(label));
    FieldSpec { name, label, required: true, format, sensitive: false, max_bytes: None, role }
}

pub fn certificate_type() -> CertificateType {
    let note =
        FieldSpec { required: false, max_bytes: Some(1_000), ..field("BZ", "备注", FieldFormat::Multiline, None) };
    CertificateType {
        type_code: type_code(),
        version: 3,
        name: text("不动产权证书"),
        defining_authority: Issuer { uscc: uscc("11100000000014349"), name: text("自然资源部") },
        holder_code_types: vec![text("111"), text("001")],
        fields: vec![
            field("ZZBH", "证照编号", FieldFormat::Text, Some(FieldRole::Number)),
            field("CZZT", "持证主体", FieldFormat::Text, Some(FieldRole::HolderName)),
            FieldSpec {
                sensitive: true,
                ..field("CZZTDM", "持证主体代码", FieldFormat::HolderCode, Some(FieldRole::HolderCode))
            },
            field("CZZTDMLXDM", "持证主体代码类型代码", FieldFormat::Text, Some(FieldRole::HolderCodeType)),
            note,
        ],
        status_codes: vec![
            StatusCode { code: text("01"), name: text("有效"), status: Status::Active },
            StatusCode { code: text("05"), name: text("注销"), status: Status::Cancelled },
        ],
        status_rules: vec![StatusRule {
            to: Status::Cancelled,
            authorities: vec![Authority::Issuer, Authority::CourtOrder],
            document_number_required: true,
        }],
        validity: Validity { until_required: false, max_years: Some(70) },
        legal_form: LegalForm::SealedOfd,
        sharing: Sharing::Conditional,
        approvals: vec![Approval { matter_code: matter_code(), fields: vec![text("ZZBH"), text("CZZT")] }],
        discovery: Discovery::ByHolder,
        custodian_region: Some(region("370000")),
    }
}

pub fn matter_code() -> BasicCode {
    BasicCode::parse("370720017001").unwrap()
}

fn materials() -> Vec<Material> {
    vec![
        Material {
            name: text("不动产权证书"),
            source: MaterialSource::Certificate,
            type_code: Some(type_code()),
            fields: vec![text("ZZBH"), text("CZZT")],
            relations: vec![Relation::SelfApplicant, Relation::Spouse],
            required: true,
            tolerable: false,
            file: false,
            commitment_replaces: false,
            situations: vec![text("A")],
        },
        Material {
            name: text("申请表"),
            source: MaterialSource::Applicant,
            type_code: None,
            fields: Vec::new(),
            relations: Vec::new(),
            required: true,
            tolerable: true,
            file: false,
            commitment_replaces: true,
            situations: Vec::new(),
        },
    ]
}

fn limit(amount: u32) -> Limit {
    Limit { amount, unit: LimitUnit::WorkingDays, extension: 0 }
}

pub fn matter() -> Matter {
    Matter {
        matter_code: matter_code(),
        version: 1,
        name: text("住房公积金提取"),
        kind: MatterKind::Confirmation,
        legal_basis: vec![text("住房公积金管理条例 第二十四条")],
        power_list_item: text("住房公积金提取"),
        permit_list_item: String::new(),
        materials: materials(),
        steps: vec![text("受理"), text("审核"), text("办结")],
        statutory_limit: limit(3),
        situations: vec![Situation { code: text("A"), name: text("购房提取") }],
        modes: vec![HandlingMode::Local, HandlingMode::ProxyCollect],
        result_type_code: Some(type_code()),
    }
}

pub fn implementation() -> Implementation {
    let department = Issuer { uscc: uscc("12370100495571303"), name: text("济南住房公积金中心") };
    Implementation {
        implementation_code: ImplementationCode::new(&department.uscc, ExerciseLevel::City, &matter_code()),
        version: 4,
        region: region("370100"),
        matter_code: matter_code(),
        matter_version: 1,
        province_position: Some(Position { region: region("370000"), epoch: 1, index: 17 }),
        name: text("住房公积金提取"),
        kind: MatterKind::Confirmation,
        legal_basis: vec![text("住房公积金管理条例 第二十四条")],
        materials: materials(),
        steps: vec![text("受理"), text("审核"), text("办结")],
        statutory_limit: limit(3),
        promised_limit: limit(1),
        collecting_regions: vec![region("370000")],
        delegates: vec![Delegate {
            region: region("370200"),
            from: date("2026-01-01"),
            until: date("2026-12-31"),
            document_number: text("济政办〔2026〕1号"),
        }],
        modes: vec![HandlingMode::Local, HandlingMode::ProxyCollect],
        department,
    }
}
