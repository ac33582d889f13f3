//! Questions, as systems ask them, and the records of them in the access log.

mod question;

pub use question::{holder, question};

use crate::{Error, event, field, store, v1, wire::Writer};
use bytes::Bytes;
use exchange_core::{
    access::{AccessKind, AccessRecord},
    case_number::CaseRef,
    certificate::{MAX_FIELD_NAME_BYTES, MAX_FIELDS},
    event::MAX_ENTRY_BYTES,
    holder::Holder,
    question::{Basis, Clerk, MatterPurpose, Purpose, Relation},
    reason::Reason,
    region::Region,
    spiffe::SpiffeId,
};
use prost::Message;

/// Longest staff number, window, evidence id, situation and use scenario, in bytes.
pub const MAX_SHORT_TEXT_BYTES: usize = 64;
/// Most certificates that a search shows and records.
pub const MAX_CERTIFICATES: usize = 200;
/// Most certificate types that a search names.
pub const MAX_SEARCHED_TYPES: usize = 128;
/// Longest code of a reason, in bytes.
const MAX_REASON_BYTES: usize = 64;

/// All of a record but its time; [`event::with_at`] puts that in front.
#[must_use]
pub fn encode_body(record: &AccessRecord) -> Vec<u8> {
    let mut out = Writer::with_capacity(768 + record.certificate_ids.len() * 128);
    write(record, &mut out);
    out.into_bytes()
}

/// A whole entry, as a log has it.
#[must_use]
pub fn encode(record: &AccessRecord) -> Vec<u8> {
    event::with_at(record.at_ms, &encode_body(record))
}

/// Reads an entry of an access log: own or another city's. Whether texts hold personal data was the recording city's
/// check, see [`question`]; a record that is kept stays readable.
///
/// # Errors
/// More than [`MAX_ENTRY_BYTES`], undecodable, or a field that breaks its limits.
pub fn decode(bytes: &[u8]) -> Result<AccessRecord, Error> {
    let message: v1::AccessRecord = field::message("access_record", bytes, MAX_ENTRY_BYTES)?;
    record(message).map_err(|error| error.within("access_record"))
}

/// One use of a certificate (用证记录), for its holder.
#[must_use]
pub fn encode_use(region: &str, epoch: u32, index: u64, record: &AccessRecord) -> v1::Use {
    let (matter, _) = encode_purpose(&record.purpose);
    // What was asked and answered inside one city names that city as the other side.
    v1::Use {
        position: Some(v1::LogPosition { region: region.to_owned(), epoch, index }),
        at_ms: record.at_ms,
        asking_region: record.peer_region.to_string(),
        caller: record.caller.clone(),
        clerk: Some(encode_clerk(&record.clerk)),
        matter,
        case_number: record.case.to_string(),
        certificate_id: record.certificate_id.clone(),
        fields: record.fields.clone(),
        relation: record.relation as i32,
        kind: record.kind as i32,
        reason: record.reason.clone(),
    }
}

/// The plaintext of the row beside a record: who the party was, and the salt of the record's digest.
#[must_use]
pub fn encode_party(holder: &Holder, salt: &[u8; 16]) -> Vec<u8> {
    let (code_type, code) = (holder.code_type().to_owned(), holder.code().to_owned());
    store::PartySecret { code_type, code, salt: Bytes::copy_from_slice(salt) }.encode_to_vec()
}

/// Reads what [`encode_party`] wrote.
///
/// # Errors
/// Undecodable, or no holder.
pub fn decode_party(plaintext: &[u8]) -> Result<(Holder, [u8; 16]), Error> {
    let party: store::PartySecret = field::message("party", plaintext, MAX_ENTRY_BYTES)?;
    let read = || {
        let salt = field::array("salt", &party.salt)?;
        Ok((question::normalised(&party.code_type, &party.code)?, salt))
    };
    read().map_err(|error: Error| error.within("party"))
}

/// On the path of every question, three times: written without a message in between, in the order of the numbers.
fn write(record: &AccessRecord, out: &mut Writer) {
    out.bytes(2, &record.nonce);
    out.bytes(3, &record.question_id);
    out.uint(4, record.kind as u64);
    out.text(5, &record.reason);
    out.text(6, &record.caller);
    out.message(7, |out| {
        out.text(1, &record.clerk.staff_number);
        out.text(2, record.clerk.organisation.as_str());
        out.text(3, &record.clerk.window);
    });
    match &record.purpose {
        Purpose::Matter(matter) => out.message(8, |out| {
            out.text(1, matter.matter_code.as_str());
            out.uint(2, matter.version.into());
            out.text(3, &matter.situation);
            out.text(4, matter.responsible_region.as_str());
        }),
        Purpose::UseScenario(scenario) => out.text(9, scenario),
    }
    out.text(10, record.case.as_str());
    out.bytes(11, &record.party);
    out.uint(12, record.relation as u64);
    out.uint(13, record.basis as u64);
    out.text(14, &record.evidence_id);
    out.text(15, &record.purpose_text);
    out.text(16, &record.certificate_id);
    record.fields.iter().for_each(|name| out.item(17, name));
    out.bytes(18, record.disclosures_digest.as_ref().map_or(&[], <[u8; 32]>::as_slice));
    out.text(19, record.peer_region.as_str());
    out.bytes(20, record.question_leaf.as_ref().map_or(&[], <[u8; 32]>::as_slice));
    record.certificate_ids.iter().for_each(|id| out.item(21, id));
}

fn encode_purpose(purpose: &Purpose) -> (Option<v1::MatterPurpose>, String) {
    match purpose {
        Purpose::UseScenario(scenario) => (None, scenario.clone()),
        Purpose::Matter(matter) => {
            let matter = v1::MatterPurpose {
                matter_code: matter.matter_code.to_string(),
                version: matter.version,
                situation: matter.situation.clone(),
                responsible_region: matter.responsible_region.to_string(),
            };
            (Some(matter), String::new())
        }
    }
}

fn encode_clerk(clerk: &Clerk) -> v1::Clerk {
    v1::Clerk {
        staff_number: clerk.staff_number.clone(),
        organisation_uscc: clerk.organisation.to_string(),
        window: clerk.window.clone(),
    }
}

fn record(message: v1::AccessRecord) -> Result<AccessRecord, Error> {
    let kind = field::known("kind", message.kind, AccessKind::from_number(message.kind))?;
    field::optional_text("reason", &message.reason, MAX_REASON_BYTES)?;
    if kind == AccessKind::Refused && message.reason.is_empty() {
        return Err(Error::missing("reason"));
    }
    SpiffeId::parse(&message.caller)
        .map_err(|error| field::coded(Reason::FieldInvalid, "caller", &message.caller, &error, "a SPIFFE id"))?;
    let purpose = match (message.matter, message.use_scenario) {
        (Some(matter), scenario) if scenario.is_empty() => {
            Purpose::Matter(matter_purpose(matter).map_err(|error| error.within("matter"))?)
        }
        (None, scenario) => Purpose::UseScenario(use_scenario(scenario)?),
        _ => return Err(Error::new(Reason::FieldInvalid, "use_scenario", "a matter beside it", "one of the two")),
    };
    evidence_and_purpose_text(&message.evidence_id, &message.purpose_text)?;
    if !message.certificate_id.is_empty() {
        field::certificate_id("certificate_id", &message.certificate_id)?;
    }
    field_names(&message.fields)?;
    field::count("certificate_ids", message.certificate_ids.len(), MAX_CERTIFICATES)?;
    for (index, id) in message.certificate_ids.iter().enumerate() {
        field::item("certificate_ids", index, |path| field::certificate_id(path, id))?;
    }
    Ok(AccessRecord {
        at_ms: message.at_ms,
        nonce: field::array("nonce", &message.nonce)?,
        question_id: field::array("question_id", &message.question_id)?,
        kind,
        reason: message.reason,
        caller: message.caller,
        clerk: clerk(field::required("clerk", message.clerk)?).map_err(|error| error.within("clerk"))?,
        purpose,
        case: case(&message.case_number)?,
        party: field::array("party", &message.party)?,
        relation: field::known("relation", message.relation, Relation::from_number(message.relation))?,
        basis: field::known("basis", message.basis, Basis::from_number(message.basis))?,
        evidence_id: message.evidence_id,
        purpose_text: message.purpose_text,
        certificate_id: message.certificate_id,
        fields: message.fields,
        disclosures_digest: field::optional_array("disclosures_digest", &message.disclosures_digest)?,
        peer_region: peer_region(&message.peer_region)?,
        question_leaf: field::optional_array("question_leaf", &message.question_leaf)?,
        certificate_ids: message.certificate_ids,
    })
}

fn peer_region(text: &str) -> Result<Region, Error> {
    field::region("peer_region", text)
}

/// 128 short names at most.
pub(crate) fn field_names(names: &[String]) -> Result<(), Error> {
    field::count("fields", names.len(), MAX_FIELDS)?;
    for (index, name) in names.iter().enumerate() {
        field::item("fields", index, |path| field::text(path, name, MAX_FIELD_NAME_BYTES))?;
    }
    Ok(())
}

/// The fields that a question asks for: recorded for years before anybody looks what they name, so they are held to the
/// form of short names, and to the rule of all recorded texts.
///
/// # Errors
/// More than 128, one longer than 64 bytes or unreadable, or one that holds an identity or mobile number.
pub fn asked_fields(names: &[String]) -> Result<(), Error> {
    field_names(names)?;
    names.iter().enumerate().try_for_each(|(index, name)| {
        field::impersonal(&format!("fields[{index}]"), name, Reason::PurposeHasPersonalData)
    })
}

/// The certificate types that a search is for: each costs a look into the catalogue.
///
/// # Errors
/// More than [`MAX_SEARCHED_TYPES`].
pub fn searched_types(codes: &[String]) -> Result<(), Error> {
    field::count("type_codes", codes.len(), MAX_SEARCHED_TYPES)
}

fn case(text: &str) -> Result<CaseRef, Error> {
    CaseRef::parse(text).map_err(|error| {
        field::coded(error.reason(), "case_number", text, &error, "a case number (43) or a receipt number (22)")
    })
}

fn clerk(message: v1::Clerk) -> Result<Clerk, Error> {
    field::text("staff_number", &message.staff_number, MAX_SHORT_TEXT_BYTES)?;
    let organisation = field::uscc("organisation_uscc", &message.organisation_uscc)?;
    field::optional_text("window", &message.window, MAX_SHORT_TEXT_BYTES)?;
    Ok(Clerk { staff_number: message.staff_number, organisation, window: message.window })
}

fn matter_purpose(message: v1::MatterPurpose) -> Result<MatterPurpose, Error> {
    use exchange_core::matter_code::BasicCode;
    let matter_code = BasicCode::parse(&message.matter_code).map_err(|error| {
        field::coded(error.reason(), "matter_code", &message.matter_code, &error, "a basic matter code (12)")
    })?;
    let version = field::from_one("version", message.version)?;
    field::optional_text("situation", &message.situation, MAX_SHORT_TEXT_BYTES)?;
    let responsible_region = field::region("responsible_region", &message.responsible_region)?;
    Ok(MatterPurpose { matter_code, version, situation: message.situation, responsible_region })
}

fn use_scenario(scenario: String) -> Result<String, Error> {
    field::text("use_scenario", &scenario, MAX_SHORT_TEXT_BYTES)?;
    Ok(scenario)
}

fn evidence_and_purpose_text(evidence_id: &str, purpose_text: &str) -> Result<(), Error> {
    use exchange_core::question::MAX_PURPOSE_CHARACTERS;
    field::optional_text("evidence_id", evidence_id, MAX_SHORT_TEXT_BYTES)?;
    // A character has at most four bytes; counted only where the text may be short enough.
    field::optional_text("purpose_text", purpose_text, MAX_PURPOSE_CHARACTERS * 4)?;
    let found = purpose_text.chars().count();
    if found <= MAX_PURPOSE_CHARACTERS {
        return Ok(());
    }
    let needed = format!("at most {MAX_PURPOSE_CHARACTERS}");
    Err(Error::new(Reason::FieldTooLong, "purpose_text", format!("{found} characters"), needed))
}
