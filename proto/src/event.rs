//! Entries of an event log.
//!
//! Who makes an entry encodes all of it but its time; the ledger puts the time in front when it closes a group. One
//! entry has one encoding here, but nothing relies on that: the bytes that were hashed are the bytes that are kept.

use crate::{Error, catalogue, common, field, v1, wire::Writer};
use exchange_core::{
    event::{Carried, Event, EventKind, MAX_ENTRY_BYTES},
    reason::Reason,
    spiffe,
    status::{Authority, Status, StatusChange},
};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};
use v1::event::Kind;

/// Most bytes of a CRL or trust bundle inside an entry; longer ones are fetched.
pub const MAX_INLINE_BYTES: usize = 48 * 1024;
/// Longest text of a notice, in bytes.
pub const MAX_NOTICE_BYTES: usize = 1_024;
/// Longest legal basis of a redaction, in bytes.
pub const MAX_LEGAL_BASIS_BYTES: usize = 1_024;
/// Most intermediate credentials beside a leaf.
pub const MAX_INTERMEDIATES: usize = 4;
/// Most bytes that the time adds to a body.
pub const MAX_TIME_BYTES: usize = 11;
/// Tag of the time, which is the first field of events and of access records.
const AT_MS: u32 = 1;

/// All of an entry but its time. [`EventKind::Unknown`] has no encoding of its own and gives an entry without a kind.
#[must_use]
pub fn encode_body(kind: &EventKind, must_understand: bool) -> Vec<u8> {
    v1::Event { at_ms: 0, must_understand, kind: encode_kind(kind) }.encode_to_vec()
}

/// As [`encode_body`], for the kind that most entries are of: ends in the envelope's bytes.
#[must_use]
pub fn encode_issued(envelope: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(envelope.len() + 16);
    out.nested_bytes(12, 1, envelope);
    out.into_bytes()
}

/// As [`encode_body`], for tags.
#[must_use]
pub fn encode_tags(certificate_id: &str, index_key_id: &[u8; 8], sealed: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(certificate_id.len() + sealed.len() + 32);
    out.message(13, |out| {
        out.text(1, certificate_id);
        out.bytes(2, index_key_id);
        out.bytes(3, sealed);
    });
    out.into_bytes()
}

/// Puts the time in front of a body: of an event, or of an access record.
#[must_use]
pub fn with_at(at_ms: u64, body: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(body.len() + MAX_TIME_BYTES);
    put(at_ms, body, &mut entry);
    entry
}

/// As [`with_at`], behind what is in `out`.
pub fn put(at_ms: u64, body: &[u8], out: &mut Vec<u8>) {
    encode_key(AT_MS, WireType::Varint, out);
    encode_varint(at_ms, out);
    out.extend_from_slice(body);
}

/// Reads an entry. A kind that this release does not know is [`EventKind::Unknown`], and so is a change of status with a
/// number that it does not know; the entry's `must_understand` says what follows from that.
///
/// # Errors
/// More than [`MAX_ENTRY_BYTES`], undecodable, or a field that breaks its limits: such an entry is void.
pub fn decode(bytes: &[u8]) -> Result<Event, Error> {
    let message: v1::Event = field::message("event", bytes, MAX_ENTRY_BYTES)?;
    let kind = match message.kind {
        None => EventKind::Unknown,
        Some(kind) => decode_kind(kind)?,
    };
    Ok(Event { at_ms: message.at_ms, must_understand: message.must_understand, kind })
}

/// The envelope in an entry that issues a certificate, as a slice of it; `None` for every other entry.
///
/// # Errors
/// As [`decode`].
pub fn envelope(entry: bytes::Bytes) -> Result<Option<bytes::Bytes>, Error> {
    match field::shared::<v1::Event>("event", entry, MAX_ENTRY_BYTES)?.kind {
        Some(Kind::CertificateIssued(message)) => {
            field::bytes("certificate_issued.envelope", &message.envelope, MAX_ENTRY_BYTES)?;
            Ok(Some(message.envelope))
        }
        _ => Ok(None),
    }
}

fn encode_kind(kind: &EventKind) -> Option<Kind> {
    Some(match kind {
        EventKind::Unknown => return None,
        EventKind::CertificateTypePublished(kind) => Kind::CertificateTypePublished(v1::CertificateTypePublished {
            certificate_type: Some(catalogue::encode_certificate_type(kind)),
        }),
        EventKind::CredentialPublished { leaf, intermediates } => Kind::CredentialPublished(v1::CredentialPublished {
            leaf: leaf.clone().into(),
            intermediates: intermediates.iter().map(|der| der.clone().into()).collect(),
        }),
        EventKind::CertificateIssued { envelope } => {
            Kind::CertificateIssued(v1::CertificateIssued { envelope: envelope.clone().into() })
        }
        EventKind::HolderTags { certificate_id, index_key_id, sealed } => Kind::HolderTags(v1::HolderTags {
            certificate_id: certificate_id.clone(),
            index_key_id: index_key_id.to_vec().into(),
            sealed: sealed.clone().into(),
        }),
        EventKind::CertificateStatusChanged(change) => Kind::CertificateStatusChanged(encode_change(change)),
        EventKind::MatterPublished(matter) => {
            Kind::MatterPublished(v1::MatterPublished { matter: Some(catalogue::encode_matter(matter)) })
        }
        EventKind::ImplementationPublished(implementation) => {
            let implementation = Some(catalogue::encode_implementation(implementation));
            Kind::ImplementationPublished(v1::ImplementationPublished { implementation })
        }
        EventKind::CaseMoved { transfer_id, from, to, digest } => Kind::CaseMoved(v1::CaseMoved {
            transfer_id: transfer_id.to_vec().into(),
            from_region: from.to_string(),
            to_region: to.to_string(),
            digest: digest.to_vec().into(),
        }),
        EventKind::CrlPublished { issuer_spki_sha256, number, body } => Kind::CrlPublished(v1::CrlPublished {
            issuer_spki_sha256: issuer_spki_sha256.to_vec().into(),
            number: *number,
            body: Some(match body {
                Carried::Inline(bytes) => v1::crl_published::Body::Inline(bytes.clone().into()),
                Carried::Reference { sha256, length } => {
                    v1::crl_published::Body::Reference(encode_reference(sha256, *length))
                }
            }),
        }),
        EventKind::TrustBundlePublished { series, number, body } => {
            Kind::TrustBundlePublished(v1::TrustBundlePublished {
                series: series.clone(),
                number: *number,
                body: Some(match body {
                    Carried::Inline(bytes) => v1::trust_bundle_published::Body::Inline(bytes.clone().into()),
                    Carried::Reference { sha256, length } => {
                        v1::trust_bundle_published::Body::Reference(encode_reference(sha256, *length))
                    }
                }),
            })
        }
        EventKind::AccessCheckpoint { epoch, size, root, note } => Kind::AccessCheckpoint(v1::AccessCheckpoint {
            epoch: *epoch,
            size: *size,
            root: root.to_vec().into(),
            note: note.clone().into(),
        }),
        EventKind::Redacted { epoch, index, legal_basis } => {
            Kind::Redacted(v1::Redacted { epoch: *epoch, index: *index, legal_basis: legal_basis.clone() })
        }
        EventKind::RegionNotice { text } => Kind::RegionNotice(v1::RegionNotice { text: text.clone() }),
    })
}

fn encode_reference(sha256: &[u8; 32], length: u64) -> v1::ByteReference {
    v1::ByteReference { sha256: sha256.to_vec().into(), length }
}

fn encode_change(change: &StatusChange) -> v1::CertificateStatusChanged {
    v1::CertificateStatusChanged {
        certificate_id: change.certificate_id.clone(),
        from: change.from as i32,
        to: change.to as i32,
        status_code: change.status_code.clone(),
        effective_on: Some(common::encode_date(change.effective_on)),
        decided_on: Some(common::encode_date(change.decided_on)),
        deciding_body: Some(common::encode_issuer(&change.deciding_body)),
        document_number: change.document_number.clone(),
        reason: change.reason.clone(),
        previous: Some(common::encode_position(change.previous)),
        authority: change.authority as i32,
        restoring: change.restoring,
    }
}

fn decode_kind(kind: Kind) -> Result<EventKind, Error> {
    match kind {
        Kind::CertificateTypePublished(message) => {
            let message = field::required("certificate_type", message.certificate_type)?;
            let read = catalogue::certificate_type(message).map_err(|error| error.within("certificate_type"))?;
            Ok(EventKind::CertificateTypePublished(Box::new(read)))
        }
        Kind::CredentialPublished(message) => credential(message).map_err(|e| e.within("credential_published")),
        Kind::CertificateIssued(message) => {
            field::bytes("certificate_issued.envelope", &message.envelope, MAX_ENTRY_BYTES)?;
            Ok(EventKind::CertificateIssued { envelope: message.envelope.into() })
        }
        Kind::HolderTags(message) => holder_tags(message).map_err(|error| error.within("holder_tags")),
        Kind::CertificateStatusChanged(message) => {
            let known = Status::from_number(message.from).is_some()
                && Status::from_number(message.to).is_some()
                && Authority::from_number(message.authority).is_some();
            let unspecified = message.from == 0 || message.to == 0 || message.authority == 0;
            if !known && !unspecified {
                return Ok(EventKind::Unknown);
            }
            change(message)
                .map(|change| EventKind::CertificateStatusChanged(Box::new(change)))
                .map_err(|error| error.within("certificate_status_changed"))
        }
        Kind::MatterPublished(message) => {
            let message = field::required("matter", message.matter)?;
            let read = catalogue::matter(message).map_err(|error| error.within("matter"))?;
            Ok(EventKind::MatterPublished(Box::new(read)))
        }
        Kind::ImplementationPublished(message) => {
            let message = field::required("implementation", message.implementation)?;
            let read = catalogue::implementation(message).map_err(|error| error.within("implementation"))?;
            Ok(EventKind::ImplementationPublished(Box::new(read)))
        }
        Kind::CaseMoved(message) => case_moved(&message).map_err(|error| error.within("case_moved")),
        Kind::CrlPublished(message) => crl(message).map_err(|error| error.within("crl_published")),
        Kind::TrustBundlePublished(message) => bundle(message).map_err(|e| e.within("trust_bundle_published")),
        Kind::AccessCheckpoint(message) => access(message).map_err(|error| error.within("access_checkpoint")),
        Kind::Redacted(message) => redacted(message).map_err(|error| error.within("redacted")),
        Kind::RegionNotice(message) => {
            field::text("region_notice.text", &message.text, MAX_NOTICE_BYTES)?;
            Ok(EventKind::RegionNotice { text: message.text })
        }
    }
}

fn credential(message: v1::CredentialPublished) -> Result<EventKind, Error> {
    field::bytes("leaf", &message.leaf, MAX_ENTRY_BYTES)?;
    field::count("intermediates", message.intermediates.len(), MAX_INTERMEDIATES)?;
    for (index, der) in message.intermediates.iter().enumerate() {
        field::bytes(&format!("intermediates[{index}]"), der, MAX_ENTRY_BYTES)?;
    }
    let intermediates = message.intermediates.into_iter().map(Into::into).collect();
    Ok(EventKind::CredentialPublished { leaf: message.leaf.into(), intermediates })
}

fn holder_tags(message: v1::HolderTags) -> Result<EventKind, Error> {
    field::certificate_id("certificate_id", &message.certificate_id)?;
    let index_key_id = field::array("index_key_id", &message.index_key_id)?;
    field::bytes("sealed", &message.sealed, MAX_ENTRY_BYTES)?;
    Ok(EventKind::HolderTags { certificate_id: message.certificate_id, index_key_id, sealed: message.sealed.into() })
}

fn change(message: v1::CertificateStatusChanged) -> Result<StatusChange, Error> {
    field::certificate_id("certificate_id", &message.certificate_id)?;
    let body = common::issuer(field::required("deciding_body", message.deciding_body)?);
    let previous = common::position(field::required("previous", message.previous)?);
    use crate::certificate::{MAX_DOCUMENT_NUMBER_BYTES, MAX_REASON_BYTES, MAX_STATUS_CODE_BYTES};
    field::optional_text("status_code", &message.status_code, MAX_STATUS_CODE_BYTES)?;
    field::optional_text("document_number", &message.document_number, MAX_DOCUMENT_NUMBER_BYTES)?;
    field::optional_text("reason", &message.reason, MAX_REASON_BYTES)?;
    Ok(StatusChange {
        certificate_id: message.certificate_id,
        from: field::known("from", message.from, Status::from_number(message.from))?,
        to: field::known("to", message.to, Status::from_number(message.to))?,
        status_code: message.status_code,
        effective_on: field::date("effective_on", message.effective_on)?,
        decided_on: field::date("decided_on", message.decided_on)?,
        deciding_body: body.map_err(|error| error.within("deciding_body"))?,
        document_number: message.document_number,
        reason: message.reason,
        previous: previous.map_err(|error| error.within("previous"))?,
        authority: field::known("authority", message.authority, Authority::from_number(message.authority))?,
        restoring: message.restoring,
    })
}

fn case_moved(message: &v1::CaseMoved) -> Result<EventKind, Error> {
    Ok(EventKind::CaseMoved {
        transfer_id: field::array("transfer_id", &message.transfer_id)?,
        from: field::region("from_region", &message.from_region)?,
        to: field::region("to_region", &message.to_region)?,
        digest: field::array("digest", &message.digest)?,
    })
}

fn crl(message: v1::CrlPublished) -> Result<EventKind, Error> {
    use v1::crl_published::Body;
    let body = match field::required("body", message.body)? {
        Body::Inline(bytes) => inline(bytes)?,
        Body::Reference(reference) => self::reference(&reference)?,
    };
    let issuer_spki_sha256 = field::array("issuer_spki_sha256", &message.issuer_spki_sha256)?;
    Ok(EventKind::CrlPublished { issuer_spki_sha256, number: message.number, body })
}

fn bundle(message: v1::TrustBundlePublished) -> Result<EventKind, Error> {
    use v1::trust_bundle_published::Body;
    let body = match field::required("body", message.body)? {
        Body::Inline(bytes) => inline(bytes)?,
        Body::Reference(reference) => self::reference(&reference)?,
    };
    spiffe::Name::parse(&message.series)
        .map_err(|error| field::coded(Reason::FieldInvalid, "series", &message.series, &error, "a series' name"))?;
    Ok(EventKind::TrustBundlePublished { series: message.series, number: message.number, body })
}

fn inline(bytes: bytes::Bytes) -> Result<Carried, Error> {
    field::bytes("inline", &bytes, MAX_INLINE_BYTES)?;
    Ok(Carried::Inline(bytes.into()))
}

fn reference(reference: &v1::ByteReference) -> Result<Carried, Error> {
    Ok(Carried::Reference { sha256: field::array("reference.sha256", &reference.sha256)?, length: reference.length })
}

fn access(message: v1::AccessCheckpoint) -> Result<EventKind, Error> {
    field::bytes("note", &message.note, crate::peer::MAX_NOTE_BYTES)?;
    Ok(EventKind::AccessCheckpoint {
        epoch: field::from_one("epoch", message.epoch)?,
        size: message.size,
        root: field::array("root", &message.root)?,
        note: message.note.into(),
    })
}

fn redacted(message: v1::Redacted) -> Result<EventKind, Error> {
    let epoch = field::from_one("epoch", message.epoch)?;
    field::text("legal_basis", &message.legal_basis, MAX_LEGAL_BASIS_BYTES)?;
    Ok(EventKind::Redacted { epoch, index: message.index, legal_basis: message.legal_basis })
}
