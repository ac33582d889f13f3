//! 政务服务事项: uniform matters, published by the province, and how each region carries them out (实施清单).
//!
//! Versions are immutable; a case is pinned to one.

use crate::{
    certificate::MAX_FIELDS,
    certificate_id::TypeCode,
    certificate_type::is_field_name,
    date::Date,
    invalid::{Invalid, check_list, check_optional_text, check_text},
    issuer::{self, Issuer},
    matter_code::{BasicCode, ImplementationCode, MatterKind},
    position::Position,
    question::Relation,
    region::Region,
};

mod competence;
mod limit;
#[cfg(test)]
mod tests;
mod uniform;

pub use competence::{Competence, NotCompetent};
pub use limit::{Limit, LimitUnit};
pub use uniform::{Difference, check_uniform};

/// Longest name, step or legal basis, in bytes.
pub const MAX_TEXT_BYTES: usize = 512;
/// Most materials of a matter.
pub const MAX_MATERIALS: usize = 128;
/// Most steps, situations, legal bases, regions or delegates.
pub const MAX_LIST: usize = 256;

/// A version of a uniform matter (统一事项).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// 基本编码.
    pub matter_code: BasicCode,
    /// From 1.
    pub version: u32,
    /// Of the matter.
    pub name: String,
    /// 事项类型, GB/T 39046 annex A.
    pub kind: MatterKind,
    /// 设定依据.
    pub legal_basis: Vec<String>,
    /// 权责清单; may be empty for a public service, which is no power.
    pub power_list_item: String,
    /// 行政许可事项清单; may be empty for what is no permit.
    pub permit_list_item: String,
    /// 申请材料.
    pub materials: Vec<Material>,
    /// 环节, in order.
    pub steps: Vec<String>,
    /// 法定时限.
    pub statutory_limit: Limit,
    /// 情形.
    pub situations: Vec<Situation>,
    /// How it may be handled.
    pub modes: Vec<HandlingMode>,
    /// The certificate type that it ends in.
    pub result_type_code: Option<TypeCode>,
}

/// 申请材料.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// Unique in the matter: by it an implementation's material is compared with the uniform one.
    pub name: String,
    /// Where it comes from.
    pub source: MaterialSource,
    /// [`MaterialSource::Certificate`]: which type is looked up.
    pub type_code: Option<TypeCode>,
    /// [`MaterialSource::Certificate`]: which fields the matter needs.
    pub fields: Vec<String>,
    /// [`MaterialSource::Certificate`]: the matter needs the certificate's files themselves, with all that they show.
    pub file: bool,
    /// Of the party to the applicant; empty is [`Relation::SelfApplicant`] only.
    pub relations: Vec<Relation>,
    /// Without it the application is not complete.
    pub required: bool,
    /// 容缺: may be brought later.
    pub tolerable: bool,
    /// 告知承诺: a commitment stands in for it.
    pub commitment_replaces: bool,
    /// Codes of the situations it is for; empty is every situation.
    pub situations: Vec<String>,
}

/// Where a material comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum MaterialSource {
    /// Brought by the applicant.
    Applicant = 1,
    /// Looked up as an electronic certificate.
    Certificate = 2,
    /// Looked up in shared data.
    SharedData = 3,
}

impl MaterialSource {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Applicant, Self::Certificate, Self::SharedData];
}

/// 情形: conditions under which other materials are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// At most 64 bytes.
    pub code: String,
    /// For people.
    pub name: String,
}

/// How a matter is handled across regions (国办发〔2020〕35号).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HandlingMode {
    /// At the place.
    Local = 1,
    /// 全程网办.
    FullOnline = 2,
    /// 异地代收代办.
    ProxyCollect = 3,
    /// 多地联办.
    MultiJoint = 4,
    /// 初审转报.
    Levelled = 5,
    /// 就近办.
    Nearby = 6,
}

impl HandlingMode {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Local, Self::FullOnline, Self::ProxyCollect, Self::MultiJoint, Self::Levelled, Self::Nearby];
}

/// A version of a region's implementation of a uniform matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Implementation {
    /// 实施编码: implementing body, level, 基本编码.
    pub implementation_code: ImplementationCode,
    /// From 1.
    pub version: u32,
    /// 业务属地.
    pub region: Region,
    /// 基本编码 of the uniform matter.
    pub matter_code: BasicCode,
    /// Its version.
    pub matter_version: u32,
    /// Of the uniform matter in the province's log: what this was checked against. `None` until the node fills it in.
    pub province_position: Option<Position>,
    /// As the uniform one.
    pub name: String,
    /// As the uniform one.
    pub kind: MatterKind,
    /// As the uniform one.
    pub legal_basis: Vec<String>,
    /// At most the uniform ones.
    pub materials: Vec<Material>,
    /// As the uniform ones.
    pub steps: Vec<String>,
    /// As the uniform one.
    pub statutory_limit: Limit,
    /// 承诺时限, at most the statutory one.
    pub promised_limit: Limit,
    /// 异地代收开通范围; `370000` is every region of the province.
    pub collecting_regions: Vec<Region>,
    /// To whom the exercise was given.
    pub delegates: Vec<Delegate>,
    /// How it is handled here.
    pub modes: Vec<HandlingMode>,
    /// 实施主体.
    pub department: Issuer,
}

/// The exercise of a matter given to another region (下放, 委托, 授权).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegate {
    /// To whom.
    pub region: Region,
    /// First day.
    pub from: Date,
    /// Last day, inclusive.
    pub until: Date,
    /// 文号.
    pub document_number: String,
}

impl Matter {
    /// Checks all that needs nothing but the matter itself.
    ///
    /// # Errors
    /// The first defect, with its place.
    pub fn validate(&self) -> Result<(), Invalid> {
        validate_version(self.version)?;
        check_text("name", &self.name, MAX_TEXT_BYTES)?;
        check_texts("legal_basis", &self.legal_basis)?;
        check_texts("steps", &self.steps)?;
        check_optional_text("power_list_item", &self.power_list_item, MAX_TEXT_BYTES)?;
        check_optional_text("permit_list_item", &self.permit_list_item, MAX_TEXT_BYTES)?;
        if self.power_list_item.is_empty() && self.kind.number() < 20 {
            return Err(Invalid::new("power_list_item", "nothing", "its item of the list of powers (权责清单)"));
        }
        if self.permit_list_item.is_empty() && self.kind == MatterKind::Permit {
            return Err(Invalid::new(
                "permit_list_item",
                "nothing",
                "its item of the list of permits (行政许可事项清单)",
            ));
        }
        let codes: Vec<&str> = self.situations.iter().map(|situation| situation.code.as_str()).collect();
        check_list("situations", &codes, MAX_LIST, |code| (*code).to_owned())?;
        for (at, situation) in self.situations.iter().enumerate() {
            check_text(&format!("situations[{at}].code"), &situation.code, 64)?;
            check_text(&format!("situations[{at}].name"), &situation.name, MAX_TEXT_BYTES)?;
        }
        validate_materials(&self.materials)?;
        for (at, material) in self.materials.iter().enumerate() {
            if let Some(unknown) = material.situations.iter().find(|code| !self.has_situation(code)) {
                return Err(Invalid::new(format!("materials[{at}].situations"), unknown, "a situation of the matter"));
            }
        }
        self.statutory_limit.validate().map_err(|invalid| invalid.within("statutory_limit"))?;
        validate_modes(&self.modes)
    }

    /// Is this one of its situations?
    pub fn has_situation(&self, code: &str) -> bool {
        self.situations.iter().any(|situation| situation.code == code)
    }
}

impl Implementation {
    /// Checks all that needs nothing but the implementation itself. Against its matter: [`check_uniform`].
    ///
    /// # Errors
    /// The first defect, with its place.
    pub fn validate(&self) -> Result<(), Invalid> {
        validate_version(self.version)?;
        if self.implementation_code.basic() != self.matter_code {
            let found = self.implementation_code.basic().to_string();
            return Err(Invalid::new("implementation_code", found, format!("the matter code {}", self.matter_code)));
        }
        if self.implementation_code.body() != self.department.uscc.as_str() {
            let found = self.implementation_code.body().to_owned();
            let needed = format!("the department's code {}", self.department.uscc);
            return Err(Invalid::new("implementation_code", found, needed));
        }
        check_text("department.name", &self.department.name, issuer::MAX_NAME_BYTES)?;
        check_text("name", &self.name, MAX_TEXT_BYTES)?;
        check_texts("legal_basis", &self.legal_basis)?;
        check_texts("steps", &self.steps)?;
        validate_materials(&self.materials)?;
        self.statutory_limit.validate().map_err(|invalid| invalid.within("statutory_limit"))?;
        self.promised_limit.validate().map_err(|invalid| invalid.within("promised_limit"))?;
        validate_modes(&self.modes)?;
        self.validate_regions()
    }

    fn validate_regions(&self) -> Result<(), Invalid> {
        check_list("collecting_regions", &self.collecting_regions, MAX_LIST, ToString::to_string)?;
        let province = self.region.province();
        if let Some(foreign) = self.collecting_regions.iter().find(|region| region.province() != province) {
            return Err(Invalid::new("collecting_regions", foreign.as_str(), format!("regions of {province}")));
        }
        let collects = [HandlingMode::ProxyCollect, HandlingMode::Nearby].iter().any(|mode| self.modes.contains(mode));
        if !collects && !self.collecting_regions.is_empty() {
            let found = format!("{} without the mode", self.collecting_regions.len());
            return Err(Invalid::new("collecting_regions", found, "PROXY_COLLECT or NEARBY among the modes"));
        }
        if self.delegates.len() > MAX_LIST {
            let found = format!("{} items", self.delegates.len());
            return Err(Invalid::new("delegates", found, format!("at most {MAX_LIST}")));
        }
        for (at, delegate) in self.delegates.iter().enumerate() {
            let path = |part: &str| format!("delegates[{at}].{part}");
            check_text(&path("document_number"), &delegate.document_number, MAX_TEXT_BYTES)?;
            if delegate.until < delegate.from {
                let needed = format!("{} or later", delegate.from);
                return Err(Invalid::new(path("until"), delegate.until.to_string(), needed));
            }
            if delegate.region == self.region {
                return Err(Invalid::new(path("region"), delegate.region.as_str(), "another region"));
            }
        }
        Ok(())
    }
}

impl Material {
    /// May the party stand in this relation to the applicant?
    pub fn allows(&self, relation: Relation) -> bool {
        if self.relations.is_empty() { relation == Relation::SelfApplicant } else { self.relations.contains(&relation) }
    }

    /// Is it asked for in this situation? An empty one is that of a matter without situations, or not told: then only what
    /// is asked for in every situation.
    pub fn is_for(&self, situation: &str) -> bool {
        self.situations.is_empty() || self.situations.iter().any(|code| code == situation)
    }

    fn validate(&self) -> Result<(), Invalid> {
        check_text("name", &self.name, MAX_TEXT_BYTES)?;
        check_list("fields", &self.fields, MAX_FIELDS, Clone::clone)?;
        check_list("relations", &self.relations, Relation::ALL.len(), |relation| relation.name().to_owned())?;
        check_list("situations", &self.situations, MAX_LIST, Clone::clone)?;
        if let Some(name) = self.fields.iter().find(|name| !is_field_name(name)) {
            return Err(Invalid::new("fields", name, "short names of fields"));
        }
        let is_certificate = self.source == MaterialSource::Certificate;
        if is_certificate != self.type_code.is_some() {
            let found = if is_certificate { "none for a certificate" } else { "one for what is no certificate" };
            return Err(Invalid::new("type_code", found, "a type for a certificate, and for nothing else"));
        }
        if is_certificate == self.fields.is_empty() {
            let found = if is_certificate { "none for a certificate" } else { "some for what is no certificate" };
            return Err(Invalid::new("fields", found, "the fields that the matter needs, for a certificate only"));
        }
        if !is_certificate && self.file {
            return Err(Invalid::new("file", "asked of what is no certificate", "a certificate"));
        }
        if !is_certificate && !self.relations.is_empty() {
            return Err(Invalid::new("relations", "some for what is no certificate", "none"));
        }
        Ok(())
    }
}

fn validate_version(version: u32) -> Result<(), Invalid> {
    if version == 0 { Err(Invalid::new("version", "0", "1 or more")) } else { Ok(()) }
}

fn check_texts(path: &str, texts: &[String]) -> Result<(), Invalid> {
    check_list(path, texts, MAX_LIST, Clone::clone)?;
    texts.iter().enumerate().try_for_each(|(at, text)| check_text(&format!("{path}[{at}]"), text, MAX_TEXT_BYTES))
}

fn validate_modes(modes: &[HandlingMode]) -> Result<(), Invalid> {
    check_list("modes", modes, 6, |mode| format!("{mode:?}"))?;
    if modes.is_empty() { Err(Invalid::new("modes", "none", "at least one")) } else { Ok(()) }
}

fn validate_materials(materials: &[Material]) -> Result<(), Invalid> {
    let names: Vec<&str> = materials.iter().map(|material| material.name.as_str()).collect();
    check_list("materials", &names, MAX_MATERIALS, |name| (*name).to_owned())?;
    materials.iter().enumerate().try_for_each(|(at, material)| {
        material.validate().map_err(|invalid| invalid.within(&format!("materials[{at}]")))
    })
}
