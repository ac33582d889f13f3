//! Certificate types, uniform matters and implementations to and from core. Parsing is validation: what comes out is
//! within all rules that need nothing but the item itself. A number of an enum that this release does not know is refused:
//! rows and entries keep the message as it was published.

mod matter;
mod part;
#[cfg(test)]
mod tests;

pub use matter::{encode_implementation, encode_matter, implementation, matter};

use crate::{Error, common, field, v1};
use exchange_core::{
    certificate_type::{
        Approval, CertificateType, Discovery, FieldFormat, FieldRole, FieldSpec, LegalForm, Sharing, StatusCode,
        StatusRule, Validity,
    },
    status::{Authority, Status},
};

/// A certificate type.
///
/// # Errors
/// The first field that is wrong.
pub fn certificate_type(message: v1::CertificateType) -> Result<CertificateType, Error> {
    let validity = message.validity.unwrap_or_default();
    let kind = CertificateType {
        type_code: field::type_code("type_code", &message.type_code)?,
        version: message.version,
        name: message.name,
        defining_authority: part::issuer("defining_authority", message.defining_authority)?,
        holder_code_types: message.holder_code_types,
        fields: part::each("fields", message.fields, field_spec)?,
        status_codes: part::each("status_codes", message.status_codes, status_code)?,
        status_rules: part::each("status_rules", message.status_rules, status_rule)?,
        validity: Validity {
            until_required: validity.until_required,
            max_years: (validity.max_years > 0).then_some(validity.max_years),
        },
        legal_form: part::known("legal_form", message.legal_form, &LegalForm::ALL, |one| one as i32)?,
        sharing: part::known("sharing", message.sharing, &Sharing::ALL, |one| one as i32)?,
        approvals: part::each("approvals", message.approvals, approval)?,
        discovery: part::known("discovery", message.discovery, &Discovery::ALL, |one| one as i32)?,
        custodian_region: part::optional("custodian_region", &message.custodian_region, field::region)?,
    };
    kind.validate()?;
    Ok(kind)
}

/// A certificate type, as it is published.
#[must_use]
pub fn encode_certificate_type(kind: &CertificateType) -> v1::CertificateType {
    v1::CertificateType {
        type_code: kind.type_code.to_string(),
        version: kind.version,
        name: kind.name.clone(),
        defining_authority: Some(common::encode_issuer(&kind.defining_authority)),
        holder_code_types: kind.holder_code_types.clone(),
        fields: kind.fields.iter().map(encode_field_spec).collect(),
        status_codes: kind
            .status_codes
            .iter()
            .map(|code| v1::StatusCode { code: code.code.clone(), name: code.name.clone(), status: code.status as i32 })
            .collect(),
        status_rules: kind
            .status_rules
            .iter()
            .map(|rule| v1::StatusRule {
                to: rule.to as i32,
                authorities: rule.authorities.iter().map(|authority| *authority as i32).collect(),
                document_number_required: rule.document_number_required,
            })
            .collect(),
        validity: Some(v1::ValidityRule {
            until_required: kind.validity.until_required,
            max_years: kind.validity.max_years.unwrap_or_default(),
        }),
        legal_form: kind.legal_form as i32,
        sharing: kind.sharing as i32,
        approvals: kind
            .approvals
            .iter()
            .map(|approval| v1::Approval {
                matter_code: approval.matter_code.to_string(),
                fields: approval.fields.clone(),
            })
            .collect(),
        discovery: kind.discovery as i32,
        custodian_region: kind.custodian_region.map(|region| region.to_string()).unwrap_or_default(),
    }
}

fn field_spec(message: v1::FieldSpec) -> Result<FieldSpec, Error> {
    let role = match message.role {
        0 => None,
        number => Some(part::known("role", number, &FieldRole::ALL, |one| one as i32)?),
    };
    Ok(FieldSpec {
        name: message.name,
        label: message.label,
        required: message.required,
        format: part::known("format", message.format, &FieldFormat::ALL, |one| one as i32)?,
        sensitive: message.sensitive,
        max_bytes: (message.max_bytes > 0).then_some(message.max_bytes),
        role,
    })
}

fn encode_field_spec(spec: &FieldSpec) -> v1::FieldSpec {
    v1::FieldSpec {
        name: spec.name.clone(),
        label: spec.label.clone(),
        required: spec.required,
        format: spec.format as i32,
        sensitive: spec.sensitive,
        max_bytes: spec.max_bytes.unwrap_or_default(),
        role: spec.role.map_or(0, |role| role as i32),
    }
}

fn status_code(message: v1::StatusCode) -> Result<StatusCode, Error> {
    let status = part::known("status", message.status, &Status::ALL, |one| one as i32)?;
    Ok(StatusCode { code: message.code, name: message.name, status })
}

fn status_rule(message: v1::StatusRule) -> Result<StatusRule, Error> {
    let authority = |number| field::known("authorities", number, Authority::from_number(number));
    Ok(StatusRule {
        to: part::known("to", message.to, &Status::ALL, |one| one as i32)?,
        authorities: message.authorities.into_iter().map(authority).collect::<Result<_, _>>()?,
        document_number_required: message.document_number_required,
    })
}

fn approval(message: v1::Approval) -> Result<Approval, Error> {
    let matter_code = part::basic_code("matter_code", &message.matter_code)?;
    Ok(Approval { matter_code, fields: message.fields })
}
