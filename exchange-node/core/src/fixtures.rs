//! A certificate type, a matter and an implementation that are right, for tests to spoil.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{
    certificate_id::TypeCode,
    certificate_type::{
        Approval, CertificateType, Discovery, FieldFormat, FieldRole, FieldSpec, LegalForm, Sharing, StatusCode,
        StatusRule, Validity,
    },
    date::Date,
    issuer::Issuer,
    matter::{Delegate, HandlingMode, Implementation, Limit, LimitUnit, Material, MaterialSource, Matter, Situation},
    matter_code::{BasicCode, ExerciseLevel, ImplementationCode, MatterKind},
    question::Relation,
    region::Region,
    status::{Authority, Status},
    uscc::Uscc,
};

/// 不动产权证书.
pub(crate) const DEED: &str = "11100000MB03271699001";
/// 结婚证.
pub(crate) const MARRIAGE: &str = "111000000000131433001";
pub(crate) const MATTER: &str = "372099007000";

pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

pub(crate) fn issuer() -> Issuer {
    Issuer { uscc: Uscc::parse("11100000MB03271699").unwrap(), name: "自然资源部".into() }
}

pub(crate) fn field(name: &str, format: FieldFormat, required: bool) -> FieldSpec {
    let role = FieldRole::ALL.into_iter().find(|role| role.field_name() == name);
    FieldSpec {
        name: name.into(),
        label: format!("{name}名称"),
        required,
        format,
        sensitive: false,
        max_bytes: None,
        role,
    }
}

/// Fields in this order: CZZT, CZZTDM, CZZTDMLXDM, ZZBH, KZ_ZL, KZ_QLR, KZ_MJ, KZ_DJRQ, KZ_FJ, KZ_DW.
pub(crate) fn deed() -> CertificateType {
    CertificateType {
        type_code: TypeCode::parse(DEED).unwrap(),
        version: 1,
        name: "不动产权证书".into(),
        defining_authority: issuer(),
        holder_code_types: vec!["111".into(), "001".into()],
        fields: vec![
            field("CZZT", FieldFormat::Text, true),
            field("CZZTDM", FieldFormat::HolderCode, true),
            field("CZZTDMLXDM", FieldFormat::Text, false),
            field("ZZBH", FieldFormat::Text, true),
            field("KZ_ZL", FieldFormat::Text, true),
            field("KZ_QLR", FieldFormat::Text, false),
            field("KZ_MJ", FieldFormat::Decimal, false),
            field("KZ_DJRQ", FieldFormat::Date, false),
            field("KZ_FJ", FieldFormat::Multiline, false),
            field("KZ_DW", FieldFormat::Uscc, false),
        ],
        status_codes: vec![
            StatusCode { code: "01".into(), name: "有效".into(), status: Status::Active },
            StatusCode { code: "02".into(), name: "吊销".into(), status: Status::Revoked },
            StatusCode { code: "99".into(), name: "其他".into(), status: Status::Revoked },
        ],
        status_rules: vec![
            StatusRule {
                to: Status::Revoked,
                authorities: vec![Authority::Issuer, Authority::Supervisor],
                document_number_required: true,
            },
            StatusRule { to: Status::Cancelled, authorities: vec![Authority::Issuer], document_number_required: false },
        ],
        validity: Validity::default(),
        legal_form: LegalForm::SealedOfd,
        sharing: Sharing::Conditional,
        approvals: vec![Approval { matter_code: BasicCode::parse(MATTER).unwrap(), fields: Vec::new() }],
        discovery: Discovery::ByHolder,
        custodian_region: None,
    }
}

pub(crate) fn certificate(name: &str, type_code: &str, fields: &[&str], relations: &[Relation]) -> Material {
    Material {
        name: name.into(),
        source: MaterialSource::Certificate,
        type_code: Some(TypeCode::parse(type_code).unwrap()),
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
        relations: relations.to_vec(),
        required: true,
        tolerable: false,
        file: false,
        commitment_replaces: false,
        situations: Vec::new(),
    }
}

pub(crate) fn brought(name: &str) -> Material {
    Material {
        name: name.into(),
        source: MaterialSource::Applicant,
        type_code: None,
        fields: Vec::new(),
        relations: Vec::new(),
        required: true,
        tolerable: true,
        file: false,
        commitment_replaces: false,
        situations: Vec::new(),
    }
}

pub(crate) fn limit(amount: u32, unit: LimitUnit, extension: u32) -> Limit {
    Limit { amount, unit, extension }
}

/// Looks up the deed of the applicant or the spouse, and in situation 02 the marriage certificate.
pub(crate) fn matter() -> Matter {
    let relations = [Relation::SelfApplicant, Relation::Spouse];
    let mut marriage = certificate("结婚证", MARRIAGE, &["CZZT", "CZZTDM"], &relations);
    marriage.situations = vec!["02".into()];
    Matter {
        matter_code: BasicCode::parse(MATTER).unwrap(),
        version: 3,
        name: "住房公积金购房提取".into(),
        kind: MatterKind::PublicService,
        legal_basis: vec!["《住房公积金管理条例》".into()],
        power_list_item: String::new(),
        permit_list_item: String::new(),
        materials: vec![
            certificate("不动产权证书", DEED, &["CZZT", "CZZTDM", "ZZBH", "KZ_ZL", "KZ_QLR"], &relations),
            marriage,
            brought("银行卡"),
        ],
        steps: vec!["受理".into(), "支付".into()],
        statutory_limit: limit(3, LimitUnit::WorkingDays, 1),
        situations: vec![
            Situation { code: "01".into(), name: "本人名下".into() },
            Situation { code: "02".into(), name: "配偶名下".into() },
        ],
        modes: vec![HandlingMode::FullOnline, HandlingMode::ProxyCollect],
        result_type_code: None,
    }
}

/// By 济南, collected by 青岛 and its counties; 烟台 is a delegate in 2024.
pub(crate) fn implementation() -> Implementation {
    let matter = matter();
    let department = Issuer { uscc: Uscc::parse("11370800MB28559184").unwrap(), name: "样例中心".into() };
    Implementation {
        implementation_code: ImplementationCode::new(&department.uscc, ExerciseLevel::City, &matter.matter_code),
        version: 1,
        region: region("370100"),
        matter_code: matter.matter_code,
        matter_version: matter.version,
        province_position: None,
        name: matter.name,
        kind: matter.kind,
        legal_basis: matter.legal_basis,
        materials: matter.materials,
        steps: matter.steps,
        statutory_limit: matter.statutory_limit,
        promised_limit: limit(1, LimitUnit::WorkingDays, 0),
        collecting_regions: vec![region("370200")],
        delegates: vec![Delegate {
            region: region("370600"),
            from: day("2024-01-01"),
            until: day("2024-12-31"),
            document_number: "样例委托〔2024〕1号".into(),
        }],
        modes: matter.modes,
        department,
    }
}
