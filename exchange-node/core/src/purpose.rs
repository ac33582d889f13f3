//! What a question is answered: the fields that a matter needs about a party of a case, and nothing else.
//!
//! The answering city decides on its own copies, in the order of the data model, "Question and grant". Step 1 (proof,
//! freshness, identity and id of the question) is the caller's; steps 2 to 7 are here. No values can be read without a
//! [`Grant`], and nothing but [`grant`] makes one:
//!
//! ```compile_fail,E0451
//! fn forge(certificate_id: exchange_core::certificate_id::CertificateId) -> exchange_core::purpose::Grant {
//!     exchange_core::purpose::Grant {
//!         certificate_id,
//!         competence: exchange_core::matter::Competence::Responsible,
//!         released: vec!["KZ_ZL".to_owned()],
//!         withheld: Vec::new(),
//!     }
//! }
//! ```

use crate::{
    certificate_id::{CertificateId, TypeCode},
    certificate_type::{CertificateType, Sharing},
    date::Date,
    matter::{Competence, Implementation, Material, Matter, NotCompetent},
    question::{MatterPurpose, Purpose, Relation},
    reason::Reason,
    region::Region,
};

mod file;
mod search;
#[cfg(test)]
mod tests;

pub use file::{FileGrant, grant_file};
pub use search::{SearchFacts, SearchGrant, grant_search};

/// What the deciding city knows of the responsible region's implementation.
#[derive(Debug, Clone, Copy)]
pub enum Implemented<'a> {
    /// Published, checked, counts.
    InForce(&'a Implementation),
    /// It names a position of the province's log that is not applied here yet.
    Pending,
    /// Void, or never seen.
    Unknown,
}

/// For what is asked, with the deciding city's own copies of what the question pins.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// As the question says.
    pub purpose: &'a Purpose,
    /// Of the party to the applicant.
    pub relation: Relation,
    /// The asking region, by its TLS identity.
    pub region: Region,
    /// Today, in China.
    pub day: Date,
    /// The uniform matter in the pinned version; `None` is not known here.
    pub matter: Option<&'a Matter>,
    /// The responsible region's implementation.
    pub implementation: Implemented<'a>,
}

/// A question about one certificate, with the answering city's own copies.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// For what.
    pub asked: Asked<'a>,
    /// Which certificate.
    pub certificate_id: &'a CertificateId,
    /// Its type, in the version that it was issued under.
    pub certificate_type: &'a CertificateType,
    /// The holder tags under which it is found ([`crate::holder::holder_tag`]).
    pub certificate_tags: &'a [[u8; 32]],
    /// The party's tag, computed for the certificate's type.
    pub party_tag: &'a [u8; 32],
    /// Short names.
    pub fields: &'a [String],
}

/// Permission to read some fields of one certificate for one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    certificate_id: CertificateId,
    competence: Competence,
    released: Vec<String>,
    withheld: Vec<String>,
}

impl Grant {
    /// Of which certificate.
    pub const fn certificate_id(&self) -> &CertificateId {
        &self.certificate_id
    }

    /// In which capacity the asking region handles the matter.
    pub const fn competence(&self) -> Competence {
        self.competence
    }

    /// Short names of the fields to be released, in the header's order; at least one.
    pub fn released(&self) -> &[String] {
        &self.released
    }

    /// Asked, and not needed by the matter or not known to the type; in the order asked.
    pub fn withheld(&self) -> &[String] {
        &self.withheld
    }
}

/// Why a question is refused, in the order in which it is decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The certificate is not of the type that its rules were taken from: a fault of the answering node.
    #[error("the certificate is of type {found}, its rules were taken from type {needed}")]
    OtherType {
        /// Of the certificate.
        found: TypeCode,
        /// Of the rules.
        needed: TypeCode,
    },
    /// No use scenario is published yet.
    #[error("use scenario {0} is not published; a matter is needed")]
    UseScenarioUnknown(String),
    /// The uniform matter is not known in the pinned version.
    #[error("matter {code} version {version} is not known here")]
    MatterUnknown {
        /// 基本编码.
        code: String,
        /// Pinned.
        version: u32,
    },
    /// The matter has no such situation.
    #[error("matter {code} has no situation {found:?}")]
    SituationUnknown {
        /// 基本编码.
        code: String,
        /// What the question says.
        found: String,
    },
    /// The responsible region does not carry the matter out in the pinned version, as far as is known here.
    #[error("no implementation of matter {code} version {version} by {region} is known here")]
    ImplementationUnknown {
        /// 基本编码.
        code: String,
        /// Pinned.
        version: u32,
        /// 业务属地.
        region: Region,
    },
    /// The implementation was checked against a position of the province's log that is not applied here yet.
    #[error("the implementation of matter {code} by {region} waits for the province's log")]
    ProvinceBehind {
        /// 基本编码.
        code: String,
        /// 业务属地.
        region: Region,
    },
    /// The asking region may not handle the matter.
    #[error(transparent)]
    NotCompetent(#[from] NotCompetent),
    /// The party's tag is not among the certificate's.
    #[error("the party is not a holder of the certificate")]
    NotAHolder,
    /// The matter needs the type, but not of a party in this relation.
    #[error("relation {}; the matter needs type {type_code} of {}", found.name(), names(needed))]
    RelationNotAllowed {
        /// Asserted by the asking city.
        found: Relation,
        /// Of the certificate.
        type_code: TypeCode,
        /// Allowed.
        needed: Vec<Relation>,
    },
    /// 不予共享.
    #[error("type {0} is not shared")]
    NotShared(TypeCode),
    /// The source department has not approved the matter.
    #[error("type {type_code} is shared on conditions, and matter {code} is not approved")]
    NotApproved {
        /// Of the certificate.
        type_code: TypeCode,
        /// 基本编码.
        code: String,
    },
    /// Nothing of what was asked is needed.
    #[error("{found} fields of type {type_code} asked; matter {code} needs none of them")]
    NoFieldNeeded {
        /// Fields or types asked for.
        found: usize,
        /// Of the certificate.
        type_code: TypeCode,
        /// 基本编码.
        code: String,
    },
    /// The matter's materials name fields of the type, and not its files.
    #[error("matter {code} needs no file of type {type_code}")]
    NoFileNeeded {
        /// Of the certificate.
        type_code: TypeCode,
        /// 基本编码.
        code: String,
    },
    /// A search for types of which the matter needs none.
    #[error("matter {code} looks up none of the certificate types asked for")]
    NoTypeNeeded {
        /// 基本编码.
        code: String,
    },
}

impl Refusal {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::OtherType { .. } => Reason::Internal,
            // One reason for all of step 2, as the protocol documents it.
            Self::UseScenarioUnknown(_)
            | Self::MatterUnknown { .. }
            | Self::SituationUnknown { .. }
            | Self::ImplementationUnknown { .. } => Reason::MatterUnknown,
            Self::ProvinceBehind { .. } => Reason::ProvinceBehind,
            Self::NotCompetent(_) => Reason::RegionNotCompetent,
            Self::NotAHolder => Reason::NotAHolder,
            Self::RelationNotAllowed { .. } => Reason::RelationNotAllowed,
            Self::NotShared(_) => Reason::NotShared,
            Self::NotApproved { .. } => Reason::NotApproved,
            Self::NoFileNeeded { .. } => Reason::NoFileNeeded,
            Self::NoFieldNeeded { .. } | Self::NoTypeNeeded { .. } => Reason::NoFieldNeeded,
        }
    }
}

/// Decides a question about one certificate, by steps 2 to 7.
///
/// # Errors
/// The first step that refuses.
pub fn grant(facts: &Facts<'_>) -> Result<Grant, Refusal> {
    let kind = facts.certificate_type;
    let Allowed { pinned, competence, materials, approved } = allowed(facts)?;
    let is_needed = |name: &str| {
        approved.is_none_or(|fields| fields.iter().any(|field| field == name))
            && materials.iter().any(|material| material.names(name))
    };
    let is_asked = |name: &str| facts.fields.iter().any(|asked| asked == name);
    let released: Vec<String> =
        kind.fields.iter().map(|field| &field.name).filter(|name| is_asked(name) && is_needed(name)).cloned().collect();
    if released.is_empty() {
        let (found, code) = (facts.fields.len(), pinned.matter.matter_code.to_string());
        return Err(Refusal::NoFieldNeeded { found, type_code: kind.type_code, code }); // 7
    }
    let mut withheld: Vec<String> = Vec::new();
    for name in facts.fields {
        if !released.contains(name) && !withheld.contains(name) {
            withheld.push(name.clone());
        }
    }
    Ok(Grant { certificate_id: facts.certificate_id.clone(), competence, released, withheld })
}

/// What is left after steps 2 to 6: the materials for which the type is looked up, and the fields that were approved.
struct Allowed<'a> {
    pinned: Pinned<'a>,
    competence: Competence,
    materials: Vec<Both<'a>>,
    approved: Option<&'a [String]>,
}

/// Steps 2 to 6, of a question for fields or for a file.
fn allowed<'a>(facts: &Facts<'a>) -> Result<Allowed<'a>, Refusal> {
    let kind = facts.certificate_type;
    if *facts.certificate_id.type_code() != kind.type_code {
        return Err(Refusal::OtherType { found: *facts.certificate_id.type_code(), needed: kind.type_code });
    }
    let pinned = pinned(&facts.asked)?; // 2
    let competence = pinned.implementation.may_handle(facts.asked.region, facts.asked.day)?; // 3
    if !facts.certificate_tags.contains(facts.party_tag) {
        return Err(Refusal::NotAHolder); // 4
    }
    let materials = pinned.allowed(&kind.type_code, facts.asked.relation)?; // 5
    let approved = pinned.approved(kind)?; // 6
    Ok(Allowed { pinned, competence, materials, approved })
}

/// The matter and the implementation that a question pins, both known here.
struct Pinned<'a> {
    purpose: &'a MatterPurpose,
    matter: &'a Matter,
    implementation: &'a Implementation,
}

/// A material as the uniform matter has it and as the implementation does: what either leaves out is not needed.
struct Both<'a> {
    uniform: &'a Material,
    local: &'a Material,
}

impl Both<'_> {
    fn allows(&self, relation: Relation) -> bool {
        self.uniform.allows(relation) && self.local.allows(relation)
    }

    fn names(&self, field: &str) -> bool {
        [self.uniform, self.local].iter().all(|material| material.fields.iter().any(|name| name == field))
    }
}

/// Step 2: matter and implementation are known in the pinned versions.
fn pinned<'a>(asked: &Asked<'a>) -> Result<Pinned<'a>, Refusal> {
    let purpose = match asked.purpose {
        Purpose::Matter(purpose) => purpose,
        Purpose::UseScenario(name) => return Err(Refusal::UseScenarioUnknown(name.clone())),
    };
    let (code, version, region) = (purpose.matter_code.to_string(), purpose.version, purpose.responsible_region);
    let is_pinned = |matter: &&Matter| matter.matter_code == purpose.matter_code && matter.version == version;
    let Some(matter) = asked.matter.filter(is_pinned) else { return Err(Refusal::MatterUnknown { code, version }) };
    if !purpose.situation.is_empty() && !matter.has_situation(&purpose.situation) {
        return Err(Refusal::SituationUnknown { code, found: purpose.situation.clone() });
    }
    match asked.implementation {
        Implemented::InForce(implementation)
            if implementation.matter_code == purpose.matter_code
                && implementation.matter_version == version
                && implementation.region == region =>
        {
            Ok(Pinned { purpose, matter, implementation })
        }
        Implemented::Pending => Err(Refusal::ProvinceBehind { code, region }),
        Implemented::InForce(_) | Implemented::Unknown => Err(Refusal::ImplementationUnknown { code, version, region }),
    }
}

impl<'a> Pinned<'a> {
    /// The certificates that the matter looks up in the question's situation.
    fn looked_up(&self) -> impl Iterator<Item = (TypeCode, Both<'a>)> {
        let situation = self.purpose.situation.as_str();
        let locals = &self.implementation.materials;
        self.matter.materials.iter().filter(move |uniform| uniform.is_for(situation)).filter_map(move |uniform| {
            let local = locals.iter().find(|local| local.name == uniform.name && local.is_for(situation))?;
            let type_code = uniform.type_code.filter(|code| local.type_code == Some(*code))?;
            Some((type_code, Both { uniform, local }))
        })
    }

    /// Step 5: the materials of a type that allow the relation. None at all for the type is no refusal yet: step 7 tells.
    fn allowed(&self, type_code: &TypeCode, relation: Relation) -> Result<Vec<Both<'a>>, Refusal> {
        let mut found: Vec<Both<'a>> =
            self.looked_up().filter(|(code, _)| code == type_code).map(|(_, material)| material).collect();
        let needed: Vec<Relation> =
            Relation::ALL.into_iter().filter(|one| found.iter().any(|material| material.allows(*one))).collect();
        if !found.is_empty() && !needed.contains(&relation) {
            return Err(Refusal::RelationNotAllowed { found: relation, type_code: *type_code, needed });
        }
        found.retain(|material| material.allows(relation));
        Ok(found)
    }

    /// Step 6: may the type be read for this matter? The approved fields; `None` is all that the matter names.
    fn approved<'t>(&self, kind: &'t CertificateType) -> Result<Option<&'t [String]>, Refusal> {
        match kind.sharing {
            Sharing::Unconditional => Ok(None),
            Sharing::None => Err(Refusal::NotShared(kind.type_code)),
            Sharing::Conditional => {
                let matter_code = self.matter.matter_code;
                match kind.approvals.iter().find(|approval| approval.matter_code == matter_code) {
                    Some(approval) if approval.fields.is_empty() => Ok(None),
                    Some(approval) => Ok(Some(&approval.fields)),
                    None => Err(Refusal::NotApproved { type_code: kind.type_code, code: matter_code.to_string() }),
                }
            }
        }
    }
}

fn names(relations: &[Relation]) -> String {
    relations.iter().map(|relation| relation.name()).collect::<Vec<_>>().join(", ")
}
