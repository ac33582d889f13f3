//! The signed header and its envelope: the bytes that are signed are written here, once, and never encoded again.

use crate::{Error, common, field, v1, wire::Writer};
use exchange_core::{
    certificate::{
        Environment, FieldDigest, FileDigest, Header, MAX_FIELD_NAME_BYTES, MAX_FIELDS, MAX_HEADER_BYTES, Origin,
        PAYLOAD_TYPE, SCHEMA_MAJOR, SCHEMA_MINOR,
    },
    date::Date,
    dsse::Envelope,
    event::MAX_ENTRY_BYTES,
    issuer::Issuer,
    reason::Reason,
};
use prost::Message as _;
use std::collections::BTreeSet;

/// Payload types of certificates of any version.
const PAYLOAD_TYPE_STEM: &str = "application/vnd.exchange.certificate.";
/// Longest signature, in bytes: ECDSA P-384 in DER has at most 104.
const MAX_SIGNATURE_BYTES: usize = 128;
/// Most files of one certificate.
pub(crate) const MAX_FILES: usize = 128;
/// Longest media type (RFC 6838 §4.2), in bytes.
pub(crate) const MAX_MEDIA_TYPE_BYTES: usize = 255;
/// Lengths of files are rounded up to this, in bytes.
const FILE_ROUNDING: u64 = exchange_core::file::ROUNDING;

/// The bytes that a department signs: equal headers give equal bytes. On the path of every issue, so written directly;
/// the caller has seen to [`MAX_FIELDS`] and compares the length with [`MAX_HEADER_BYTES`].
#[must_use]
pub fn encode_header(header: &Header) -> Vec<u8> {
    let mut out = Writer::with_capacity(512 + header.fields.len() * 64);
    out.uint(1, SCHEMA_MAJOR.into());
    out.uint(2, SCHEMA_MINOR.into());
    out.uint(3, header.environment as u64);
    out.text(4, header.certificate_id.as_str());
    out.text(5, header.type_code.as_str());
    out.uint(6, header.type_version.into());
    out.message(7, |out| write_issuer(out, &header.issuer));
    out.text(8, header.issuing_region.as_str());
    out.text(9, header.custodian_region.as_str());
    out.message(10, |out| write_date(out, header.issued_on));
    out.message(11, |out| write_date(out, header.valid_from));
    if let Some(date) = header.valid_until {
        out.message(12, |out| write_date(out, date));
    }
    out.uint(13, header.revision.into());
    out.text(14, header.previous.as_ref().map_or("", |previous| previous.as_str()));
    out.uint(15, header.origin as u64);
    for field in &header.fields {
        out.message(16, |out| {
            out.text(1, &field.name);
            out.bytes(2, &field.digest);
        });
    }
    for file in &header.files {
        out.message(17, |out| {
            out.text(1, &file.media_type);
            out.bytes(2, &file.digest);
            out.uint(3, file.rounded_length);
        });
    }
    out.into_bytes()
}

fn write_issuer(out: &mut Writer, issuer: &Issuer) {
    out.text(1, issuer.uscc.as_str());
    out.text(2, &issuer.name);
}

fn write_date(out: &mut Writer, date: Date) {
    out.uint(1, date.year().into());
    out.uint(2, date.month().into());
    out.uint(3, date.day().into());
}

/// Reads the header in an envelope of a certificate, without copying either. The signature is not verified.
///
/// # Errors
/// As [`decode_envelope`] and [`decode_header`].
pub fn decode_enveloped(envelope: bytes::Bytes) -> Result<Header, Error> {
    let message: v1::Envelope = field::shared("envelope", envelope, MAX_ENTRY_BYTES)?;
    known_payload_type(&message.payload_type)?;
    field::bytes("envelope.payload", &message.payload, MAX_HEADER_BYTES)?;
    let schema: SchemaOnly = field::message("header", &message.payload, MAX_HEADER_BYTES)?;
    known_schema(schema.major)?;
    let message: v1::CertificateHeader = field::shared("header", message.payload, MAX_HEADER_BYTES)?;
    header(message).map_err(|error| error.within("header"))
}

/// The first field alone, readable whatever the later ones have become.
#[derive(Clone, PartialEq, prost::Message)]
struct SchemaOnly {
    #[prost(uint32, tag = "1")]
    major: u32,
}

/// Reads a header. A minor version may have added fields; they are passed over.
///
/// # Errors
/// [`Reason::UnknownSchema`] for another major version, and for a number of an enum that this release does not know;
/// everything else means that it is no certificate.
pub fn decode_header(payload: &[u8]) -> Result<Header, Error> {
    let schema: SchemaOnly = field::message("header", payload, MAX_HEADER_BYTES)?;
    known_schema(schema.major)?;
    let message: v1::CertificateHeader = field::message("header", payload, MAX_HEADER_BYTES)?;
    header(message).map_err(|error| error.within("header"))
}

/// What an index keeps of a header: everything but the digests of fields and files, which are checked at use.
#[derive(Clone, PartialEq, prost::Message)]
struct Indexed {
    #[prost(uint32, tag = "1")]
    schema_major: u32,
    #[prost(enumeration = "v1::Environment", tag = "3")]
    environment: i32,
    #[prost(string, tag = "4")]
    certificate_id: String,
    #[prost(string, tag = "5")]
    type_code: String,
    #[prost(uint32, tag = "6")]
    type_version: u32,
    #[prost(message, optional, tag = "7")]
    issuer: Option<v1::Issuer>,
    #[prost(string, tag = "8")]
    issuing_region: String,
    #[prost(string, tag = "9")]
    custodian_region: String,
    #[prost(message, optional, tag = "10")]
    issued_on: Option<v1::Date>,
    #[prost(message, optional, tag = "11")]
    valid_from: Option<v1::Date>,
    #[prost(message, optional, tag = "12")]
    valid_until: Option<v1::Date>,
    #[prost(uint32, tag = "13")]
    revision: u32,
    #[prost(string, tag = "14")]
    previous: String,
    #[prost(enumeration = "v1::Origin", tag = "15")]
    origin: i32,
}

/// Reads what an index keeps of an envelope around a header: the header **without its fields and files**, and the id of
/// the signer's key. The rest is read, and the signature verified, at use.
///
/// # Errors
/// As [`decode_envelope`] and [`decode_header`], for what is read.
pub fn decode_indexed(envelope: bytes::Bytes) -> Result<(Header, [u8; 32]), Error> {
    let message = v1::Envelope::decode(envelope).map_err(|_| field::undecodable("envelope"))?;
    known_payload_type(&message.payload_type)?;
    let key_id = field::array("envelope.key_id", &message.key_id)?;
    if message.payload.len() > MAX_HEADER_BYTES {
        field::bytes("envelope.payload", &message.payload, MAX_HEADER_BYTES)?;
    }
    let read = Indexed::decode(message.payload).map_err(|_| field::undecodable("header"))?;
    known_schema(read.schema_major)?;
    let message = v1::CertificateHeader {
        environment: read.environment,
        certificate_id: read.certificate_id,
        type_code: read.type_code,
        type_version: read.type_version,
        issuer: read.issuer,
        issuing_region: read.issuing_region,
        custodian_region: read.custodian_region,
        issued_on: read.issued_on,
        valid_from: read.valid_from,
        valid_until: read.valid_until,
        revision: read.revision,
        previous: read.previous,
        origin: read.origin,
        ..v1::CertificateHeader::default()
    };
    Ok((header(message).map_err(|error| error.within("header"))?, key_id))
}

fn known_schema(major: u32) -> Result<(), Error> {
    if major == SCHEMA_MAJOR {
        return Ok(());
    }
    let needed = format!("major version {SCHEMA_MAJOR}");
    Err(Error::new(Reason::UnknownSchema, "header.schema_major", format!("major version {major}"), needed))
}

fn header(message: v1::CertificateHeader) -> Result<Header, Error> {
    let issuer = common::issuer(field::required("issuer", message.issuer)?).map_err(|error| error.within("issuer"))?;
    let previous = match message.previous.as_str() {
        "" => None,
        text => Some(field::certificate_id("previous", text)?),
    };
    Ok(Header {
        environment: understood("environment", message.environment, environment)?,
        certificate_id: field::certificate_id("certificate_id", &message.certificate_id)?,
        type_code: field::type_code("type_code", &message.type_code)?,
        type_version: field::from_one("type_version", message.type_version)?,
        issuer,
        issuing_region: field::region("issuing_region", &message.issuing_region)?,
        custodian_region: field::region("custodian_region", &message.custodian_region)?,
        issued_on: field::date("issued_on", message.issued_on)?,
        valid_from: field::date("valid_from", message.valid_from)?,
        valid_until: field::optional_date("valid_until", message.valid_until)?,
        revision: field::from_one("revision", message.revision)?,
        previous,
        origin: understood("origin", message.origin, origin)?,
        fields: field_digests(message.fields)?,
        files: file_digests(message.files)?,
    })
}

fn field_digests(messages: Vec<v1::FieldDigest>) -> Result<Vec<FieldDigest>, Error> {
    field::count("fields", messages.len(), MAX_FIELDS)?;
    let mut names = BTreeSet::new();
    if let Some(index) = messages.iter().position(|message| !names.insert(message.name.as_str())) {
        let path = format!("fields[{index}].name");
        return Err(Error::new(Reason::FieldRepeated, path, "the name of an earlier field", "each field once"));
    }
    let read = |(index, message): (usize, v1::FieldDigest)| {
        let at = |error: Error| error.within(&format!("fields[{index}]"));
        field::text("name", &message.name, MAX_FIELD_NAME_BYTES).map_err(at)?;
        let digest = field::array("digest", &message.digest).map_err(at)?;
        Ok(FieldDigest { name: message.name, digest })
    };
    messages.into_iter().enumerate().map(read).collect()
}

fn file_digests(messages: Vec<v1::FileDigest>) -> Result<Vec<FileDigest>, Error> {
    field::count("files", messages.len(), MAX_FILES)?;
    let read = |(index, message): (usize, v1::FileDigest)| {
        let at = |error: Error| error.within(&format!("files[{index}]"));
        field::text("media_type", &message.media_type, MAX_MEDIA_TYPE_BYTES).map_err(at)?;
        let digest = field::array("digest", &message.digest).map_err(at)?;
        if !message.rounded_length.is_multiple_of(FILE_ROUNDING) {
            let found = format!("{} bytes", message.rounded_length);
            return Err(at(Error::new(Reason::FieldInvalid, "rounded_length", found, "a multiple of 65,536")));
        }
        Ok(FileDigest { media_type: message.media_type, digest, rounded_length: message.rounded_length })
    };
    messages.into_iter().enumerate().map(read).collect()
}

/// A number that is not known comes from a later minor version: never read as valid.
fn understood<T>(path: &str, number: i32, read: fn(i32) -> Option<T>) -> Result<T, Error> {
    field::known(path, number, read(number)).map_err(|error| match number {
        0 => error,
        _ => Error::new(Reason::UnknownSchema, path, format!("number {number}"), "a value that this release knows"),
    })
}

pub(super) const fn origin(number: i32) -> Option<Origin> {
    match number {
        1 => Some(Origin::Synchronous),
        2 => Some(Origin::Backfilled),
        3 => Some(Origin::Converted),
        _ => None,
    }
}

const fn environment(number: i32) -> Option<Environment> {
    match number {
        1 => Some(Environment::Production),
        2 => Some(Environment::Exercise),
        _ => None,
    }
}

/// The bytes of an envelope, as they are logged and sent.
#[must_use]
pub fn encode_envelope(envelope: &Envelope) -> Vec<u8> {
    let mut out = Writer::with_capacity(envelope.payload.len() + envelope.payload_type.len() + 192);
    out.text(1, &envelope.payload_type);
    out.bytes(2, &envelope.payload);
    out.bytes(3, &envelope.key_id);
    out.bytes(4, &envelope.signature);
    out.into_bytes()
}

/// Reads the envelope of a certificate. Its signature is not verified.
///
/// # Errors
/// [`Reason::UnknownSchema`] for the payload type of another version of certificates; everything else means that it is
/// no certificate's envelope.
pub fn decode_envelope(bytes: &[u8]) -> Result<Envelope, Error> {
    let message: v1::Envelope = field::message("envelope", bytes, MAX_ENTRY_BYTES)?;
    let envelope = envelope(message).map_err(|error| error.within("envelope"))?;
    known_payload_type(&envelope.payload_type)?;
    Ok(envelope)
}

fn known_payload_type(found: &str) -> Result<(), Error> {
    if found == PAYLOAD_TYPE {
        return Ok(());
    }
    let reason = match found.starts_with(PAYLOAD_TYPE_STEM) {
        true => Reason::UnknownSchema,
        false => Reason::FieldInvalid,
    };
    Err(Error::new(reason, "envelope.payload_type", "another payload type", PAYLOAD_TYPE))
}

fn envelope(message: v1::Envelope) -> Result<Envelope, Error> {
    field::bytes("payload", &message.payload, MAX_HEADER_BYTES)?;
    field::bytes("signature", &message.signature, MAX_SIGNATURE_BYTES)?;
    Ok(Envelope {
        payload_type: message.payload_type,
        payload: message.payload.into(),
        key_id: field::array("key_id", &message.key_id)?,
        signature: message.signature.into(),
    })
}
