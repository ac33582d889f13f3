//! Uniform matters and implementations.

use super::part;
use crate::{Error, common, field, v1};
use exchange_core::{
    matter::{Delegate, HandlingMode, Implementation, Limit, LimitUnit, Material, MaterialSource, Matter, Situation},
    matter_code::{ImplementationCode, MatterKind},
    question::Relation,
    reason::Reason,
};

/// A uniform matter.
///
/// # Errors
/// The first field that is wrong.
pub fn matter(message: v1::Matter) -> Result<Matter, Error> {
    let matter = Matter {
        matter_code: part::basic_code("matter_code", &message.matter_code)?,
        version: message.version,
        name: message.name,
        kind: kind(&message.kind)?,
        legal_basis: message.legal_basis,
        power_list_item: message.power_list_item,
        permit_list_item: message.permit_list_item,
        materials: part::each("materials", message.materials, material)?,
        steps: message.steps,
        statutory_limit: limit("statutory_limit", message.statutory_limit)?,
        situations: message
            .situations
            .into_iter()
            .map(|situation| Situation { code: situation.code, name: situation.name })
            .collect(),
        modes: modes(&message.modes)?,
        result_type_code: part::optional("result_type_code", &message.result_type_code, field::type_code)?,
    };
    matter.validate()?;
    Ok(matter)
}

/// A uniform matter, as it is published.
#[must_use]
pub fn encode_matter(matter: &Matter) -> v1::Matter {
    v1::Matter {
        matter_code: matter.matter_code.to_string(),
        version: matter.version,
        name: matter.name.clone(),
        kind: encode_kind(matter.kind),
        legal_basis: matter.legal_basis.clone(),
        power_list_item: matter.power_list_item.clone(),
        permit_list_item: matter.permit_list_item.clone(),
        materials: matter.materials.iter().map(encode_material).collect(),
        steps: matter.steps.clone(),
        statutory_limit: Some(encode_limit(matter.statutory_limit)),
        situations: matter
            .situations
            .iter()
            .map(|situation| v1::Situation { code: situation.code.clone(), name: situation.name.clone() })
            .collect(),
        modes: matter.modes.iter().map(|mode| *mode as i32).collect(),
        result_type_code: matter.result_type_code.map(|code| code.to_string()).unwrap_or_default(),
    }
}

/// A region's implementation; uniformity is checked apart.
///
/// # Errors
/// The first field that is wrong.
pub fn implementation(message: v1::Implementation) -> Result<Implementation, Error> {
    let implementation = Implementation {
        implementation_code: code(&message.implementation_code)?,
        version: message.version,
        region: field::region("region", &message.region)?,
        matter_code: part::basic_code("matter_code", &message.matter_code)?,
        matter_version: message.matter_version,
        province_position: message
            .province_position
            .map(|position| common::position(position).map_err(|error| error.within("province_position")))
            .transpose()?,
        name: message.name,
        kind: kind(&message.kind)?,
        legal_basis: message.legal_basis,
        materials: part::each("materials", message.materials, material)?,
        steps: message.steps,
        statutory_limit: limit("statutory_limit", message.statutory_limit)?,
        promised_limit: limit("promised_limit", message.promised_limit)?,
        collecting_regions: part::regions("collecting_regions", &message.collecting_regions)?,
        delegates: part::each("delegates", message.delegates, delegate)?,
        modes: modes(&message.modes)?,
        department: part::issuer("department", message.department)?,
    };
    implementation.validate()?;
    Ok(implementation)
}

/// An implementation, as it is published.
#[must_use]
pub fn encode_implementation(implementation: &Implementation) -> v1::Implementation {
    v1::Implementation {
        implementation_code: implementation.implementation_code.to_string(),
        version: implementation.version,
        region: implementation.region.to_string(),
        matter_code: implementation.matter_code.to_string(),
        matter_version: implementation.matter_version,
        province_position: implementation.province_position.map(common::encode_position),
        name: implementation.name.clone(),
        kind: encode_kind(implementation.kind),
        legal_basis: implementation.legal_basis.clone(),
        materials: implementation.materials.iter().map(encode_material).collect(),
        steps: implementation.steps.clone(),
        statutory_limit: Some(encode_limit(implementation.statutory_limit)),
        promised_limit: Some(encode_limit(implementation.promised_limit)),
        collecting_regions: implementation.collecting_regions.iter().map(ToString::to_string).collect(),
        delegates: implementation
            .delegates
            .iter()
            .map(|delegate| v1::Delegate {
                region: delegate.region.to_string(),
                from: Some(common::encode_date(delegate.from)),
                until: Some(common::encode_date(delegate.until)),
                document_number: delegate.document_number.clone(),
            })
            .collect(),
        modes: implementation.modes.iter().map(|mode| *mode as i32).collect(),
        department: Some(common::encode_issuer(&implementation.department)),
    }
}

fn code(text: &str) -> Result<ImplementationCode, Error> {
    let path = "implementation_code";
    ImplementationCode::parse(text)
        .map_err(|error| field::coded(error.reason(), path, text, &error, "an implementation code (实施编码)"))
}

fn material(message: v1::Material) -> Result<Material, Error> {
    let relation = |allowed: v1::RelationAllowed| {
        let number = i32::try_from(allowed.relation).unwrap_or(i32::MAX);
        part::known("relation", number, &Relation::ALL, |one| one as i32)
    };
    Ok(Material {
        name: message.name,
        source: part::known("source", message.source, &MaterialSource::ALL, |one| one as i32)?,
        type_code: part::optional("type_code", &message.type_code, field::type_code)?,
        fields: message.fields,
        relations: part::each("relations", message.relations, relation)?,
        required: message.required,
        tolerable: message.tolerable,
        file: message.file,
        commitment_replaces: message.commitment_replaces,
        situations: message.situations,
    })
}

fn encode_material(material: &Material) -> v1::Material {
    v1::Material {
        name: material.name.clone(),
        source: material.source as i32,
        type_code: material.type_code.map(|code| code.to_string()).unwrap_or_default(),
        fields: material.fields.clone(),
        relations: material
            .relations
            .iter()
            .map(|relation| v1::RelationAllowed { relation: *relation as u32 })
            .collect(),
        required: material.required,
        tolerable: material.tolerable,
        file: material.file,
        commitment_replaces: material.commitment_replaces,
        situations: material.situations.clone(),
    }
}

fn delegate(message: v1::Delegate) -> Result<Delegate, Error> {
    Ok(Delegate {
        region: field::region("region", &message.region)?,
        from: field::date("from", message.from)?,
        until: field::date("until", message.until)?,
        document_number: message.document_number,
    })
}

fn limit(path: &str, message: Option<v1::Limit>) -> Result<Limit, Error> {
    let message = field::required(path, message)?;
    let unit =
        part::known("unit", message.unit, &LimitUnit::ALL, |one| one as i32).map_err(|error| error.within(path))?;
    Ok(Limit { amount: message.amount, unit, extension: message.extension })
}

fn encode_limit(limit: Limit) -> v1::Limit {
    v1::Limit { amount: limit.amount, unit: limit.unit as i32, extension: limit.extension }
}

fn modes(numbers: &[i32]) -> Result<Vec<HandlingMode>, Error> {
    numbers.iter().map(|number| part::known("modes", *number, &HandlingMode::ALL, |one| one as i32)).collect()
}

/// Two digits; more than a hundred kinds there are not.
fn kind(text: &str) -> Result<MatterKind, Error> {
    let is_two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse().ok().filter(|_| is_two_digits) {
        Some(number) => Ok(MatterKind::from_number(number)),
        None if text.is_empty() => Err(Error::missing("kind")),
        None => {
            let found = format!("{} characters", text.chars().count());
            Err(Error::new(Reason::FieldInvalid, "kind", found, "two digits (GB/T 39046 annex A)"))
        }
    }
}

fn encode_kind(kind: MatterKind) -> String {
    format!("{:02}", kind.number())
}
