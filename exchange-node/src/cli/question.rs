//! The options of a question: purpose, case, party, basis, clerk.

use super::{Failure, certificate::uuid_v7};
use clap::Args;
use exchange_core::question::Relation;
use exchange_proto::v1;
use std::path::PathBuf;

/// What is asked for what, about whom, by whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Question")]
pub(super) struct QuestionArgs {
    /// 基本编码 of the matter, 12 characters.
    #[arg(long, value_name = "CODE", required_unless_present = "scenario")]
    matter: Option<String>,
    /// Version of the uniform matter.
    #[arg(long, default_value = "1")]
    version: u32,
    /// 情形.
    #[arg(long, default_value = "", value_name = "CODE")]
    situation: String,
    /// Region that is responsible for the matter.
    #[arg(long, default_value = "", value_name = "CODE")]
    responsible_region: String,
    /// A published use scenario in place of a matter.
    #[arg(long, conflicts_with = "matter", value_name = "CODE")]
    scenario: Option<String>,
    /// Case number (办件编号, 43 characters) or receipt number (收件号, 22).
    #[arg(long = "case", value_name = "NUMBER")]
    case_number: String,
    /// Code type of the party, GB/T 36903 annex A: 111 公民身份号码, 001 统一社会信用代码.
    #[arg(long, default_value = "111", value_name = "CODE")]
    party_type: String,
    /// File with the party's code in its first line; `-` is standard input. Codes of persons do not belong on a command
    /// line, which every user of the machine can see.
    #[arg(long, value_name = "FILE")]
    party_file: PathBuf,
    /// The party is, to the applicant.
    #[arg(long, value_enum, default_value = "self")]
    relation: RelationArg,
    /// By what right it is asked.
    #[arg(long, value_enum, default_value = "application")]
    basis: BasisArg,
    /// Number of the consent, the power of attorney or the law; needed unless the basis is the application.
    #[arg(long, default_value = "", value_name = "ID")]
    evidence: String,
    /// Staff number of the clerk.
    #[arg(long, value_name = "NUMBER")]
    clerk: String,
    /// USCC of the clerk's organisation.
    #[arg(long, default_value = "", value_name = "USCC")]
    organisation: String,
    /// The clerk's window.
    #[arg(long, default_value = "")]
    window: String,
    /// Purpose in words, at most 200 characters, without personal data.
    #[arg(long, default_value = "", value_name = "TEXT")]
    purpose: String,
    /// UUIDv7; the same id is the same question, whatever happened to the answer.
    #[arg(long, value_name = "UUID")]
    question_id: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RelationArg {
    /// 本人.
    #[value(name = "self")]
    Oneself,
    /// 配偶.
    Spouse,
    /// 法定代表人.
    LegalRep,
    /// 监护人.
    Guardian,
    /// 委托人.
    Principal,
    /// 对方当事人.
    OtherParty,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum BasisArg {
    /// The application itself.
    Application,
    /// 依职权.
    Statutory,
    /// 授权用证.
    HolderConsent,
    /// 委托书.
    PowerOfAttorney,
}

impl QuestionArgs {
    pub(super) fn question(&self) -> Result<v1::Question, Failure> {
        use v1::question::Purpose;
        let purpose = match (&self.matter, &self.scenario) {
            (Some(code), _) => Purpose::Matter(v1::MatterPurpose {
                matter_code: code.clone(),
                version: self.version,
                situation: self.situation.clone(),
                responsible_region: self.responsible_region.clone(),
            }),
            (None, Some(scenario)) => Purpose::UseScenario(scenario.clone()),
            (None, None) => return Err(Failure::usage("--matter or --scenario is needed")),
        };
        let relation = match self.relation {
            RelationArg::Oneself => Relation::SelfApplicant,
            RelationArg::Spouse => Relation::Spouse,
            RelationArg::LegalRep => Relation::LegalRep,
            RelationArg::Guardian => Relation::Guardian,
            RelationArg::Principal => Relation::Principal,
            RelationArg::OtherParty => Relation::OtherParty,
        };
        let basis = match self.basis {
            BasisArg::Application => v1::Basis::Application,
            BasisArg::Statutory => v1::Basis::Statutory,
            BasisArg::HolderConsent => v1::Basis::HolderConsent,
            BasisArg::PowerOfAttorney => v1::Basis::PowerOfAttorney,
        };
        Ok(v1::Question {
            question_id: self.question_id.clone().unwrap_or_else(uuid_v7),
            purpose: Some(purpose),
            case_number: self.case_number.clone(),
            party: Some(v1::Party {
                holder: Some(holder(&self.party_type, &self.party_file)?),
                relation: relation as i32,
            }),
            basis: basis as i32,
            evidence_id: self.evidence.clone(),
            clerk: Some(v1::Clerk {
                staff_number: self.clerk.clone(),
                organisation_uscc: self.organisation.clone(),
                window: self.window.clone(),
            }),
            purpose_text: self.purpose.clone(),
        })
    }
}

/// A holder whose code is the first line of a file.
pub(super) fn holder(code_type: &str, file: &std::path::Path) -> Result<v1::Holder, Failure> {
    let bytes = ca_tools::files::read(file, 4096)?;
    let text = String::from_utf8_lossy(&bytes);
    let code = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().trim();
    if code.is_empty() {
        return Err(Failure::usage(format!("{}: the first line is empty; a code is needed", file.display())));
    }
    Ok(v1::Holder { code_type: code_type.to_owned(), code: code.to_owned() })
}
