//! A question about a certificate: by whom, for what, about whom.

use crate::{case_number::CaseRef, holder::Holder, matter_code::BasicCode, region::Region, uscc::Uscc};

/// Longest purpose text, in characters.
pub const MAX_PURPOSE_CHARACTERS: usize = 200;

/// For what something is asked. Free text grants nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A matter, with the region whose implementation is pinned.
    Matter(MatterPurpose),
    /// A published purpose that is no matter (执法核验, 公共服务).
    UseScenario(String),
}

/// A matter in its pinned versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterPurpose {
    /// 基本编码.
    pub matter_code: BasicCode,
    /// Version of the uniform matter.
    pub version: u32,
    /// 情形; empty where the matter has none.
    pub situation: String,
    /// 业务属地.
    pub responsible_region: Region,
}

/// The person or body that the question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub holder: Holder,
    /// Of the party to the applicant, asserted by the asking city.
    pub relation: Relation,
}

/// Of the party to the applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Relation {
    /// The applicant.
    SelfApplicant = 1,
    /// 配偶.
    Spouse = 2,
    /// 法定代表人.
    LegalRep = 3,
    /// 监护人.
    Guardian = 4,
    /// 委托人.
    Principal = 5,
    /// 相对方.
    OtherParty = 6,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::SelfApplicant, Self::Spouse, Self::LegalRep, Self::Guardian, Self::Principal, Self::OtherParty];

    /// From its number on the wire.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| *relation as i32 == number)
    }

    /// The word used everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfApplicant => "SELF",
            Self::Spouse => "SPOUSE",
            Self::LegalRep => "LEGAL_REP",
            Self::Guardian => "GUARDIAN",
            Self::Principal => "PRINCIPAL",
            Self::OtherParty => "OTHER_PARTY",
        }
    }
}

/// On what ground the question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Basis {
    /// The applicant's own application.
    Application = 1,
    /// A statute.
    Statutory = 2,
    /// 授权用证, with the consent's transaction id as evidence.
    HolderConsent = 3,
    /// 授权委托书.
    PowerOfAttorney = 4,
}

impl Basis {
    /// From its number on the wire.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Application),
            2 => Some(Self::Statutory),
            3 => Some(Self::HolderConsent),
            4 => Some(Self::PowerOfAttorney),
            _ => None,
        }
    }

    /// Must the question name a piece of evidence?
    pub const fn needs_evidence(self) -> bool {
        !matches!(self, Self::Application)
    }
}

/// A clerk by staff number, with the organisation; never a name or an identity number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clerk {
    /// At most 64 bytes.
    pub staff_number: String,
    /// The clerk's organisation.
    pub organisation: Uscc,
    /// Window or terminal; may be empty.
    pub window: String,
}

/// A question, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// UUIDv7 of the calling system.
    pub question_id: [u8; 16],
    /// For what.
    pub purpose: Purpose,
    /// Case or receipt number; its form is checked.
    pub case: CaseRef,
    /// About whom.
    pub party: Party,
    /// On what ground.
    pub basis: Basis,
    /// Evidence for the ground; may be empty for [`Basis::Application`].
    pub evidence_id: String,
    /// Who asks.
    pub clerk: Clerk,
    /// For people; at most [`MAX_PURPOSE_CHARACTERS`].
    pub purpose_text: String,
}
