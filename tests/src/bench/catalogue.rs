//! What the province and its cities publish before a bench: one certificate type, one matter, one implementation.

use crate::data::{FIELDS, MATTER_CODE, TYPE_CODE, date};
use anyhow::{Result, bail};
use exchange_node::catalogue::{Item, file};
use exchange_proto::catalogue as convert;
use exchange_proto::v1::{
    CertificateType, Delegate, Discovery, FieldFormat, FieldRole, FieldSpec, HandlingMode, Implementation, Issuer,
    LegalForm, Limit, LimitUnit, Material, MaterialSource, Matter, Sharing, Status, StatusAuthority, StatusCode,
    StatusRule, ValidityRule,
};
use std::path::Path;

/// 不动产权证书, with the twelve fields of the bench.
pub(crate) fn certificate_type(authority: Issuer) -> CertificateType {
    let code = |code: &str, name: &str, status: Status| StatusCode {
        code: code.to_owned(),
        name: name.to_owned(),
        status: status.into(),
    };
    CertificateType {
        type_code: TYPE_CODE.to_owned(),
        version: 1,
        name: "不动产权证书".to_owned(),
        defining_authority: Some(authority),
        holder_code_types: vec!["111".to_owned()],
        fields: FIELDS.iter().map(|name| field(name)).collect(),
        status_codes: vec![code("01", "有效", Status::Active), code("05", "吊销", Status::Revoked)],
        status_rules: vec![StatusRule {
            to: Status::Revoked.into(),
            authorities: vec![StatusAuthority::Issuer.into()],
            document_number_required: true,
        }],
        validity: Some(ValidityRule { until_required: false, max_years: 0 }),
        legal_form: LegalForm::DataOnly.into(),
        sharing: Sharing::Unconditional.into(),
        approvals: Vec::new(),
        discovery: Discovery::ByHolder.into(),
        custodian_region: String::new(),
    }
}

fn field(name: &str) -> FieldSpec {
    let (role, format) = match name {
        "CZZT" => (FieldRole::HolderName, FieldFormat::Text),
        "CZZTDM" => (FieldRole::HolderCode, FieldFormat::HolderCode),
        "CZZTDMLXDM" => (FieldRole::HolderCodeType, FieldFormat::Text),
        "ZZBH" => (FieldRole::Number, FieldFormat::Text),
        _ => (FieldRole::Unspecified, FieldFormat::Text),
    };
    FieldSpec {
        name: name.to_owned(),
        label: name.to_owned(),
        required: role != FieldRole::Unspecified,
        format: format.into(),
        sensitive: false,
        max_bytes: 0,
        role: role.into(),
    }
}

/// The certificate types of the sample catalogue.
pub(crate) fn sample_types() -> Result<Vec<CertificateType>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue/certificate-types.json");
    file::read(&path)?
        .into_iter()
        .map(|item| match item {
            Item::CertificateType(one) => Ok(convert::encode_certificate_type(&one)),
            _ => bail!("{} has more than certificate types", path.display()),
        })
        .collect()
}

/// 住房公积金购房提取, which needs all extension fields of the certificate.
pub(crate) fn matter() -> Matter {
    Matter {
        matter_code: MATTER_CODE.to_owned(),
        version: 1,
        name: "住房公积金购房提取".to_owned(),
        kind: "20".to_owned(),
        legal_basis: vec!["样例".to_owned()],
        power_list_item: String::new(),
        permit_list_item: String::new(),
        materials: vec![material()],
        steps: vec!["受理".to_owned(), "办结".to_owned()],
        statutory_limit: Some(limit()),
        situations: Vec::new(),
        modes: vec![HandlingMode::FullOnline.into()],
        result_type_code: String::new(),
    }
}

/// How one region carries [`matter`] out.
pub(crate) fn implementation(region: &str, department: Issuer) -> Implementation {
    let Matter { name, kind, legal_basis, materials, steps, .. } = matter();
    Implementation {
        // A city's level is 3.
        implementation_code: format!("{}3{MATTER_CODE}", department.uscc),
        version: 1,
        region: region.to_owned(),
        matter_code: MATTER_CODE.to_owned(),
        matter_version: 1,
        province_position: None,
        name,
        kind,
        legal_basis,
        materials,
        steps,
        statutory_limit: Some(limit()),
        promised_limit: Some(limit()),
        collecting_regions: Vec::new(),
        delegates: Vec::<Delegate>::new(),
        modes: vec![HandlingMode::FullOnline.into()],
        department: Some(department),
    }
}

fn material() -> Material {
    Material {
        name: "不动产权证书".to_owned(),
        source: MaterialSource::Certificate.into(),
        type_code: TYPE_CODE.to_owned(),
        fields: crate::data::wanted(),
        relations: Vec::new(),
        required: true,
        tolerable: false,
        file: false,
        commitment_replaces: false,
        situations: Vec::new(),
    }
}

const fn limit() -> Limit {
    Limit { amount: 3, unit: LimitUnit::NaturalDays as i32, extension: 0 }
}

/// The day of a revocation.
pub(crate) const fn today() -> exchange_proto::v1::Date {
    date(2025, 6, 2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use exchange_core::matter::check_uniform;
    use exchange_proto::catalogue;

    #[test]
    fn what_is_published_is_valid() {
        let department = Issuer { uscc: "11370100MB2B00001".to_owned(), name: "样例".to_owned() };
        let check = exchange_core::check_digit::gb32100(&department.uscc).unwrap();
        let department = Issuer { uscc: format!("{}{check}", department.uscc), ..department };
        catalogue::certificate_type(certificate_type(department.clone())).unwrap().validate().unwrap();
        let matter = catalogue::matter(matter()).unwrap();
        matter.validate().unwrap();
        let implementation = catalogue::implementation(implementation("370200", department)).unwrap();
        implementation.validate().unwrap();
        assert_eq!(check_uniform(&matter, &implementation), Ok(()));
    }
}
