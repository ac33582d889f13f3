//! Certificates: requests of systems, the signed header and its envelope, disclosures.

pub(crate) mod header;

pub use crate::common::{
    date, disclosures, encode_date, encode_disclosure, encode_issuer, encode_position, issuer, position,
};
pub use header::{decode_envelope, decode_enveloped, decode_header, decode_indexed, encode_envelope, encode_header};

use crate::{Error, field, file, store, v1, wire::Writer};
use exchange_core::{
    certificate::{Draft, Field, Header, MAX_FIELD_NAME_BYTES, MAX_FIELDS, MAX_VALUE_BYTES, MAX_VALUES_BYTES, Origin},
    certificate_id::MAX_SERIAL,
    date::Date,
    disclosure::Disclosure,
    issuer::Issuer,
    position::Position,
    reason::Reason,
    request::{Issue, Previous, RequestId, Revision, StatusRequest},
    resident_id,
    status::{Authority, Status},
};
use std::collections::BTreeSet;

/// Longest 文号, in bytes.
pub const MAX_DOCUMENT_NUMBER_BYTES: usize = 128;
/// Longest reason of a change of status, in bytes.
pub const MAX_REASON_BYTES: usize = 512;
/// Longest status code of a type, in bytes.
pub const MAX_STATUS_CODE_BYTES: usize = 16;
/// Longest id of a row in a source system, in bytes.
pub const MAX_SOURCE_ID_BYTES: usize = 128;
/// Longest time of such a row, in bytes.
pub const MAX_ROW_TIME_BYTES: usize = 32;

/// What a header and the place of its entry say of a certificate; the rest is what the caller knows of it.
pub fn encode_certificate(header: &Header, position: Position) -> v1::Certificate {
    v1::Certificate {
        certificate_id: header.certificate_id.to_string(),
        type_code: header.type_code.to_string(),
        type_version: header.type_version,
        issuer: Some(encode_issuer(&header.issuer)),
        region: position.region.to_string(),
        custodian_region: header.custodian_region.to_string(),
        issued_on: Some(encode_date(header.issued_on)),
        valid_from: Some(encode_date(header.valid_from)),
        valid_until: header.valid_until.map(encode_date),
        origin: header.origin as i32,
        revision: header.revision,
        previous: header.previous.as_ref().map(ToString::to_string).unwrap_or_default(),
        position: Some(encode_position(position)),
        environment: header.environment as i32,
        files: header.files.iter().map(file::encode_digest).collect(),
        ..Default::default()
    }
}

/// A request to issue.
///
/// # Errors
/// The first field that is wrong.
pub fn issue(mut message: v1::IssueCertificateRequest) -> Result<Issue, Error> {
    let request_id = request_id(&message.request_id)?;
    let source = message.source.take().map(source).transpose()?;
    let files = file::files(std::mem::take(&mut message.files))?;
    Ok(Issue { request_id, draft: draft(message)?, files, source })
}

/// What is to be issued. Whether its fields are those of the type is [`Draft`]'s next check.
///
/// # Errors
/// The first field that is wrong. A field of the certificate is named by its place, never by name or value.
pub fn draft(message: v1::IssueCertificateRequest) -> Result<Draft, Error> {
    let type_code = field::type_code("type_code", &message.type_code)?;
    let issuer = body("issuer", message.issuer)?;
    let (issued_on, valid_from, valid_until) = dates(message.issued_on, message.valid_from, message.valid_until)?;
    Ok(Draft {
        type_code,
        type_version: (message.type_version > 0).then_some(message.type_version),
        issuer,
        issued_on,
        valid_from,
        valid_until,
        origin: origin(message.origin)?,
        fields: fields(message.fields)?,
        serial: serial(message.serial)?,
    })
}

/// A request to revise.
///
/// # Errors
/// The first field that is wrong.
pub fn revise(message: v1::ReviseCertificateRequest) -> Result<Revision, Error> {
    let request_id = request_id(&message.request_id)?;
    let source = message.source.map(source).transpose()?;
    let previous = if message.previous.is_empty() && source.is_some() {
        let type_code = field::type_code("type_code", &message.type_code)?;
        Previous::Imported { type_code, issuer: body("issuer", message.issuer)? }
    } else {
        Previous::Certificate(field::certificate_id("previous", &message.previous)?)
    };
    let (issued_on, valid_from, valid_until) = dates(message.issued_on, message.valid_from, message.valid_until)?;
    let origin = origin(message.origin)?;
    let fields = fields(message.fields)?;
    let files = file::files(message.files)?;
    Ok(Revision { request_id, previous, issued_on, valid_from, valid_until, origin, fields, files, source })
}

/// A request to change a status.
///
/// # Errors
/// The first field that is wrong.
pub fn change_status(message: v1::ChangeStatusRequest) -> Result<StatusRequest, Error> {
    let request_id = request_id(&message.request_id)?;
    field::certificate_id("certificate_id", &message.certificate_id)?;
    let to = field::known("to", message.to, Status::from_number(message.to))?;
    if to == Status::Expired {
        return Err(Error::new(
            Reason::FieldInvalid,
            "to",
            "EXPIRED",
            "a status that is decided: expiry follows from dates",
        ));
    }
    let authority = match message.authority {
        0 => Authority::Issuer,
        number => field::known("authority", number, Authority::from_number(number))?,
    };
    field::optional_text("status_code", &message.status_code, MAX_STATUS_CODE_BYTES)?;
    field::optional_text("document_number", &message.document_number, MAX_DOCUMENT_NUMBER_BYTES)?;
    field::optional_text("reason", &message.reason, MAX_REASON_BYTES)?;
    for (path, text) in [
        ("status_code", &message.status_code),
        ("document_number", &message.document_number),
        ("reason", &message.reason),
    ] {
        // The entry is public to all cities, for ever.
        field::impersonal(path, text, Reason::IdentityNumberNotAllowed)?;
    }
    Ok(StatusRequest {
        request_id,
        certificate_id: message.certificate_id,
        to,
        status_code: message.status_code,
        effective_on: field::optional_date("effective_on", message.effective_on)?,
        decided_on: field::date("decided_on", message.decided_on)?,
        deciding_body: body("deciding_body", message.deciding_body)?,
        document_number: message.document_number,
        reason: message.reason,
        authority,
        restoring: message.restoring,
    })
}

/// The 16 bytes of a request id.
///
/// # Errors
/// Missing, or no UUIDv7.
pub fn request_id(text: &str) -> Result<[u8; 16], Error> {
    RequestId::parse(text)
        .map(|id| id.bytes())
        .map_err(|error| Error::new(error.reason(), "request_id", error.to_string(), "a UUIDv7"))
}

/// The plaintext of the disclosures row.
#[must_use]
pub fn encode_disclosures(disclosures: &[Disclosure]) -> Vec<u8> {
    // Names and lengths beside the values and salts.
    let length = disclosures.iter().map(|one| one.name.len() + one.value.len() + 40).sum();
    let mut out = Writer::with_capacity(length);
    for one in disclosures {
        out.message(1, |out| {
            out.text(1, &one.name);
            out.text(2, &one.value);
            out.bytes(3, &one.salt);
        });
    }
    out.into_bytes()
}

/// Reads what [`encode_disclosures`] wrote.
///
/// # Errors
/// Undecodable, or past a limit.
pub fn decode_disclosures(plaintext: &[u8]) -> Result<Vec<Disclosure>, Error> {
    // Names, salts and lengths beside the values.
    let max = MAX_VALUES_BYTES + MAX_FIELDS * (MAX_FIELD_NAME_BYTES + 64);
    disclosures(field::message::<store::Disclosures>("disclosures", plaintext, max)?.disclosures)
}

fn body(path: &str, message: Option<v1::Issuer>) -> Result<Issuer, Error> {
    issuer(field::required(path, message)?).map_err(|error| error.within(path))
}

fn dates(
    issued_on: Option<v1::Date>,
    valid_from: Option<v1::Date>,
    valid_until: Option<v1::Date>,
) -> Result<(Date, Date, Option<Date>), Error> {
    let issued_on = field::date("issued_on", issued_on)?;
    let valid_from = field::optional_date("valid_from", valid_from)?.unwrap_or(issued_on);
    let valid_until = field::optional_date("valid_until", valid_until)?;
    if let Some(last) = valid_until.filter(|last| *last < valid_from) {
        let needed = format!("a day not before valid_from, {valid_from}");
        return Err(Error::new(Reason::DatesOutOfOrder, "valid_until", last.to_string(), needed));
    }
    Ok((issued_on, valid_from, valid_until))
}

fn origin(number: i32) -> Result<Origin, Error> {
    if number == 0 { Ok(Origin::Synchronous) } else { field::known("origin", number, header::origin(number)) }
}

fn fields(messages: Vec<v1::FieldValue>) -> Result<Vec<Field>, Error> {
    if messages.len() > MAX_FIELDS {
        let found = format!("{} fields", messages.len());
        return Err(Error::new(Reason::TooManyFields, "fields", found, format!("at most {MAX_FIELDS}")));
    }
    let mut names = BTreeSet::new();
    let mut total = 0;
    for (index, message) in messages.iter().enumerate() {
        let at = |error: Error| error.within(&format!("fields[{index}]"));
        field::text("name", &message.name, MAX_FIELD_NAME_BYTES).map_err(at)?;
        field::at_most("value", message.value.len(), MAX_VALUE_BYTES).map_err(at)?;
        if !names.insert(message.name.as_str()) {
            return Err(at(Error::new(
                Reason::FieldRepeated,
                "name",
                "the name of an earlier field",
                "each field once",
            )));
        }
        total += message.value.len();
    }
    if total > MAX_VALUES_BYTES {
        let needed = format!("at most {MAX_VALUES_BYTES} bytes together");
        return Err(Error::new(Reason::ValuesTooLarge, "fields", format!("{total} bytes of values"), needed));
    }
    Ok(messages.into_iter().map(|message| Field { name: message.name, value: message.value }).collect())
}

fn serial(serial: String) -> Result<Option<String>, Error> {
    if serial.is_empty() {
        return Ok(None);
    }
    field::at_most("serial", serial.len(), MAX_SERIAL)?;
    if let Some(index) = serial.chars().position(|c| !c.is_ascii_digit() && !c.is_ascii_uppercase()) {
        let found = format!("another character at place {}", index + 1);
        return Err(Error::new(Reason::FieldInvalid, "serial", found, "digits and capital letters"));
    }
    if resident_id::find_in(&serial) {
        // The identifier is public.
        return Err(Error::new(
            Reason::IdentityNumberNotAllowed,
            "serial",
            "an identity number",
            "a serial without it, or none: the node draws one",
        ));
    }
    Ok(Some(serial))
}

fn source(message: v1::ImportSource) -> Result<(String, String), Error> {
    let at = |error: Error| error.within("source");
    field::text("source_id", &message.source_id, MAX_SOURCE_ID_BYTES).map_err(at)?;
    field::text("row_time", &message.row_time, MAX_ROW_TIME_BYTES).map_err(at)?;
    Ok((message.source_id, message.row_time))
}
