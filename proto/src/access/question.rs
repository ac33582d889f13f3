//! Parsing of what a system asks. Every part has its own reason, so that a window can say what is missing.

use super::{case, clerk, evidence_and_purpose_text, matter_purpose, use_scenario};
use crate::{Error, field, v1};
use exchange_core::{
    holder::{self, Holder},
    question::{Basis, Clerk, Party, Purpose, Question, Relation},
    reason::Reason,
    request::{self, RequestId},
};

/// Longest code of a holder as it is sent, in bytes.
const MAX_CODE_BYTES: usize = 256;
/// Longest code type of a holder, in bytes.
const MAX_CODE_TYPE_BYTES: usize = 16;

/// A question: who asks for what, in which case, about whom, on what ground.
///
/// # Errors
/// The reason of the first part that is missing or wrong. Texts that are recorded for years may hold no identity or
/// mobile number; no error repeats what they hold.
pub fn question(message: Option<v1::Question>) -> Result<Question, Error> {
    parse(field::required("question", message)?).map_err(|error| error.within("question"))
}

fn parse(message: v1::Question) -> Result<Question, Error> {
    let question_id = question_id(&message.question_id)?;
    let purpose = purpose(message.purpose)?;
    let case = case(&message.case_number)?;
    let party = party(message.party)?;
    let basis = known(Reason::BasisMissing, "basis", message.basis, Basis::from_number(message.basis))?;
    evidence_and_purpose_text(&message.evidence_id, &message.purpose_text)?;
    if basis.needs_evidence() && message.evidence_id.is_empty() {
        return Err(Error::new(Reason::EvidenceMissing, "evidence_id", "nothing", "the id of the basis' evidence"));
    }
    let clerk = asking_clerk(message.clerk)?;
    for (path, text) in [
        ("purpose_text", &message.purpose_text),
        ("evidence_id", &message.evidence_id),
        ("clerk.staff_number", &clerk.staff_number),
        ("clerk.window", &clerk.window),
    ] {
        field::impersonal(path, text, Reason::PurposeHasPersonalData)?;
    }
    let (evidence_id, purpose_text) = (message.evidence_id, message.purpose_text);
    Ok(Question { question_id, purpose, case, party, basis, evidence_id, clerk, purpose_text })
}

/// A holder in normal form.
///
/// # Errors
/// Missing, empty or too long; never says the code.
pub fn holder(message: Option<v1::Holder>) -> Result<Holder, Error> {
    let message = message.ok_or_else(|| Error::new(Reason::PartyInvalid, "holder", "nothing", "code type and code"))?;
    normalised(&message.code_type, &message.code).map_err(|error| error.within("holder"))
}

pub(super) fn normalised(code_type: &str, code: &str) -> Result<Holder, Error> {
    let party = |path, found: String, needed: &str| Error::new(Reason::PartyInvalid, path, found, needed);
    let plain = code_type.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || !(1..=MAX_CODE_TYPE_BYTES).contains(&code_type.len()) {
        let found = format!("{} bytes", code_type.len());
        return Err(party("code_type", found, "a code type of GB/T 36903 annex A, e.g. 111"));
    }
    if code.len() > MAX_CODE_BYTES {
        return Err(party("code", format!("{} bytes", code.len()), "at most 256 bytes"));
    }
    Holder::new(code_type, code).map_err(|error| match error {
        holder::Error::Empty { .. } => party("code", "nothing".to_owned(), "the holder's code"),
        other => party("code", other.to_string(), "the holder's code"),
    })
}

fn question_id(text: &str) -> Result<[u8; 16], Error> {
    RequestId::parse(text).map(|id| id.bytes()).map_err(|error| {
        let reason = match error {
            request::Error::Missing => Reason::QuestionIdMissing,
            request::Error::Form { .. } | request::Error::Version => Reason::QuestionIdInvalid,
        };
        Error::new(reason, "question_id", error.to_string(), "a UUIDv7")
    })
}

fn purpose(message: Option<v1::question::Purpose>) -> Result<Purpose, Error> {
    let missing = || Error::new(Reason::PurposeMissing, "purpose", "nothing", "a matter or a use scenario");
    match message.ok_or_else(missing)? {
        v1::question::Purpose::Matter(matter) => {
            let matter = matter_purpose(matter).map_err(|error| error.within("matter"))?;
            field::impersonal("matter.situation", &matter.situation, Reason::PurposeHasPersonalData)?;
            Ok(Purpose::Matter(matter))
        }
        v1::question::Purpose::UseScenario(scenario) if scenario.is_empty() => Err(missing()),
        v1::question::Purpose::UseScenario(scenario) => {
            let scenario = use_scenario(scenario)?;
            field::impersonal("use_scenario", &scenario, Reason::PurposeHasPersonalData)?;
            Ok(Purpose::UseScenario(scenario))
        }
    }
}

fn party(message: Option<v1::Party>) -> Result<Party, Error> {
    let message = message.ok_or_else(|| Error::new(Reason::PartyInvalid, "party", "nothing", "holder and relation"))?;
    let at = |error: Error| error.within("party");
    let relation = Relation::from_number(message.relation);
    let relation = known(Reason::PartyInvalid, "relation", message.relation, relation).map_err(at)?;
    Ok(Party { holder: holder(message.holder).map_err(at)?, relation })
}

fn asking_clerk(message: Option<v1::Clerk>) -> Result<Clerk, Error> {
    let missing = |path| Error::new(Reason::ClerkMissing, path, "nothing", "staff number and organisation");
    let message = message.ok_or_else(|| missing("clerk"))?;
    if message.staff_number.is_empty() {
        return Err(missing("clerk.staff_number"));
    }
    if message.organisation_uscc.is_empty() {
        return Err(missing("clerk.organisation_uscc"));
    }
    clerk(message).map_err(|error| error.within("clerk"))
}

/// As [`field::known`], with the question's own reason where nothing was chosen.
fn known<T>(missing: Reason, path: &str, number: i32, value: Option<T>) -> Result<T, Error> {
    match number {
        0 => Err(Error::new(missing, path, "unspecified", "a value")),
        _ => field::known(path, number, value),
    }
}
