//! Exported certificates as files, and the record of an export.
//!
//! `magic 8 ‖ version u16 ‖ SHA-256 of the rest 32 ‖ CertificateExport`. The digest finds damage, nothing more: what is
//! claimed is protected by signatures. Protobuf allows several encodings of one message; only the one that is written
//! here is read, so that no byte of a file can change and mean the same.

use crate::{
    Error, certificate,
    common::{disclosures, encode_disclosure},
    event, field, peer, v1,
};
use bytes::Bytes;
use exchange_core::{
    certificate::Header,
    chain::{MAX_CREDENTIAL_BYTES, MAX_CRL_BYTES},
    checkpoint::LogProof,
    disclosure::Disclosure,
    dsse::Envelope,
    event::{EventKind, MAX_ENTRY_BYTES},
    export::{Change, Check, Export, ExportLink, ExportRecord, MAX_CRLS, MAX_LINKS, Report, Wanted, sha256},
    merkle::Hash,
    reason::Reason,
    spiffe::{self, SpiffeId},
};
use prost::Message;

/// Largest file, in bytes: within one gRPC message.
pub const MAX_FILE_BYTES: usize = 4_000_000;
/// What its name ends in.
pub const SUFFIX: &str = ".cert.pb";
/// Not text, and broken by whatever rewrites line ends.
pub const MAGIC: [u8; 8] = *b"\x89XCERT\r\n";
/// The version that is written, and the only one that is read.
pub const VERSION: u16 = 1;

const MAX_INTERMEDIATES: usize = 8;
const BODY: usize = MAGIC.len() + 2 + 32;

/// What goes into an export; the receipt comes when it is recorded.
#[derive(Debug, Clone)]
pub struct Content {
    /// Series and number of the newest trust bundle.
    pub bundle: (String, u64),
    /// The issue, under the first checkpoint that covers it.
    pub issue: LogProof,
    /// The newest checkpoint.
    pub as_of: Vec<u8>,
    /// From the issue's checkpoint to that one.
    pub consistency: Vec<Hash>,
    /// Changes of status, oldest first.
    pub links: Vec<LogProof>,
    /// DER of the signer's credential, and of the CAs between it and the root.
    pub credential: (Vec<u8>, Vec<Vec<u8>>),
    /// DER.
    pub crls: Vec<Vec<u8>>,
    /// In the header's order.
    pub disclosures: Vec<Disclosure>,
}

/// Which values a request asks for.
///
/// # Errors
/// Names that are none, or named fields and none at once.
pub fn wanted(fields: Vec<String>, without_values: bool) -> Result<Wanted, Error> {
    crate::access::field_names(&fields)?;
    match (fields.is_empty(), without_values) {
        (true, true) => Ok(Wanted::Nothing),
        (true, false) => Ok(Wanted::All),
        (false, false) => Ok(Wanted::Fields(fields)),
        (false, true) => Err(Error::new(Reason::FieldInvalid, "without_values", "fields beside it", "one of the two")),
    }
}

/// A check as it travels.
#[must_use]
pub fn encode_check(check: Check) -> v1::Check {
    v1::Check {
        name: check.name.to_owned(),
        result: match check.ok {
            Some(true) => v1::CheckResult::Ok,
            Some(false) => v1::CheckResult::Failed,
            None => v1::CheckResult::NotChecked,
        } as i32,
        found: check.found,
        needed: check.needed.to_owned(),
    }
}

/// The bytes of a content: what the receipt vouches for.
#[must_use]
pub fn encode_content(content: Content) -> Vec<u8> {
    let (leaf, intermediates) = content.credential;
    v1::ExportContent {
        bundle_series: content.bundle.0,
        bundle_number: content.bundle.1,
        issue: Some(peer::encode_proof(content.issue)),
        as_of: content.as_of.into(),
        consistency: peer::encode_hashes(&content.consistency),
        links: content.links.into_iter().map(peer::encode_proof).collect(),
        credential: Some(v1::CredentialPublished {
            leaf: leaf.into(),
            intermediates: intermediates.into_iter().map(Bytes::from).collect(),
        }),
        crls: content.crls.into_iter().map(Bytes::from).collect(),
        disclosures: content.disclosures.into_iter().map(encode_disclosure).collect(),
    }
    .encode_to_vec()
}

/// The file around a content and its receipt.
#[must_use]
pub fn encode_file(content: Vec<u8>, receipt: LogProof) -> Vec<u8> {
    let receipt = Some(peer::encode_proof(receipt));
    let body = v1::CertificateExport { content: content.into(), receipt }.encode_to_vec();
    let mut file = Vec::with_capacity(BODY + body.len());
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&VERSION.to_be_bytes());
    file.extend_from_slice(&sha256(&body));
    file.extend_from_slice(&body);
    file
}

/// Whether bytes begin as an export does; nothing else is said of them.
#[must_use]
pub fn is_export(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Reads a file; nothing is verified but that it is whole.
///
/// # Errors
/// The report of what is wrong with it: `format` or `structure`.
pub fn decode_file(file: &[u8]) -> Result<Export, Report> {
    let body = body(file)?;
    decode_body(body).map_err(|error| {
        let unknown = error.reason() == Reason::UnknownSchema;
        Report::failed("structure", error.to_string(), unknown)
    })
}

/// The bytes of the certificate's envelope, as they stand in the log.
#[must_use]
pub fn envelope(export: &Export) -> Option<Bytes> {
    match event::decode(&export.issue.entry).ok()?.kind {
        EventKind::CertificateIssued { envelope } => Some(envelope.into()),
        _ => None,
    }
}

/// Magic, version, digest.
fn body(file: &[u8]) -> Result<&[u8], Report> {
    let refuse = |found: String| Err(Report::failed("format", found, false));
    if file.len() > MAX_FILE_BYTES {
        return refuse(format!("{} bytes; an export has at most {MAX_FILE_BYTES}", file.len()));
    }
    if !is_export(file) {
        let found = if file.is_empty() { "an empty file" } else { "a file that does not begin as an export does" };
        return refuse(found.to_owned());
    }
    let Some((head, body)) = file.split_at_checked(BODY) else {
        return refuse(format!("the first {} bytes of an export", file.len()));
    };
    let version = u16::from_be_bytes([head[8], head[9]]);
    if version != VERSION {
        let found = format!("version {version}; this release reads version {VERSION}: a newer release may read it");
        return Err(Report::failed("format", found, true));
    }
    if sha256(body) != head[10..] {
        return refuse("damaged: another digest than its head says; the file was changed, cut or extended".to_owned());
    }
    Ok(body)
}

fn decode_body(body: &[u8]) -> Result<Export, Error> {
    let message: v1::CertificateExport = one_encoding("export", body)?;
    let receipt = peer::proof("receipt", message.receipt)?;
    let record = decode_record(&receipt.entry)?;
    let content_sha256 = sha256(&message.content);
    let content: v1::ExportContent = one_encoding("content", &message.content)?;
    let issue = peer::proof("issue", content.issue)?;
    let (envelope, header) = issued(&issue).map_err(|error| error.within("issue.entry"))?;
    spiffe::Name::parse(&content.bundle_series).map_err(|error| {
        field::coded(Reason::FieldInvalid, "bundle_series", &content.bundle_series, &error, "a name")
    })?;
    field::bytes("as_of", &content.as_of, peer::MAX_NOTE_BYTES)?;
    field::count("links", content.links.len(), MAX_LINKS)?;
    let links = content.links.into_iter().enumerate().map(link).collect::<Result<_, _>>()?;
    let credential = field::required("credential", content.credential)?;
    field::bytes("credential.leaf", &credential.leaf, MAX_CREDENTIAL_BYTES)?;
    field::count("credential.intermediates", credential.intermediates.len(), MAX_INTERMEDIATES)?;
    field::count("crls", content.crls.len(), MAX_CRLS)?;
    for (index, der) in content.crls.iter().enumerate() {
        field::bytes(&format!("crls[{index}]"), der, MAX_CRL_BYTES)?;
    }
    Ok(Export {
        content_sha256,
        bundle: (content.bundle_series, content.bundle_number),
        issue,
        envelope,
        header,
        as_of: content.as_of.into(),
        consistency: peer::hashes(&content.consistency).map_err(|error| error.within("consistency"))?,
        links,
        credential: credential.leaf.into(),
        intermediates: credential.intermediates.into_iter().map(Into::into).collect(),
        crls: content.crls.into_iter().map(Into::into).collect(),
        disclosures: disclosures(content.disclosures)?,
        receipt,
        record,
    })
}

/// Decodes a message, and compares the bytes with those that it is written as.
fn one_encoding<M: Message + Default>(path: &str, bytes: &[u8]) -> Result<M, Error> {
    let message: M = field::message(path, bytes, MAX_FILE_BYTES)?;
    if message.encode_to_vec() == bytes {
        return Ok(message);
    }
    Err(Error::new(
        Reason::MessageUndecodable,
        path,
        "another encoding, or fields that are not known",
        "the one encoding",
    ))
}

fn issued(proof: &LogProof) -> Result<(Envelope, Header), Error> {
    match event::decode(&proof.entry)?.kind {
        EventKind::CertificateIssued { envelope } => {
            let envelope = certificate::decode_envelope(&envelope)?;
            let header = certificate::decode_header(&envelope.payload)?;
            Ok((envelope, header))
        }
        other => Err(of_another_kind(&other, "certificate_issued")),
    }
}

fn link((index, message): (usize, v1::LogProof)) -> Result<ExportLink, Error> {
    let path = format!("links[{index}]");
    let proof = peer::proof(&path, Some(message))?;
    let change = || match event::decode(&proof.entry)?.kind {
        EventKind::CertificateStatusChanged(change) => Ok(Change::Status(change)),
        EventKind::CertificateIssued { .. } => issued(&proof).map(|(_, header)| Change::Replaced(Box::new(header))),
        other => Err(of_another_kind(&other, "certificate_status_changed or certificate_issued")),
    };
    let change = change().map_err(|error: Error| error.within(&path))?;
    Ok(ExportLink { proof, change })
}

fn of_another_kind(found: &EventKind, needed: &str) -> Error {
    Error::new(Reason::FieldInvalid, "kind", found.name(), needed)
}

/// All of a record but its time; [`event::with_at`] puts that in front.
#[must_use]
pub fn encode_record(record: &ExportRecord) -> Vec<u8> {
    v1::AccessRecord {
        nonce: record.nonce.to_vec().into(),
        kind: v1::AccessKind::Exported as i32,
        caller: record.caller.clone(),
        certificate_id: record.certificate_id.clone(),
        fields: record.fields.clone(),
        export_sha256: record.content_sha256.to_vec().into(),
        ..v1::AccessRecord::default()
    }
    .encode_to_vec()
}

/// An export as its certificate's holder sees it (用证记录): by the own city, for no matter.
#[must_use]
pub fn encode_use(region: &str, epoch: u32, index: u64, record: &ExportRecord) -> v1::Use {
    v1::Use {
        position: Some(v1::LogPosition { region: region.to_owned(), epoch, index }),
        at_ms: record.at_ms,
        asking_region: region.to_owned(),
        caller: record.caller.clone(),
        certificate_id: record.certificate_id.clone(),
        fields: record.fields.clone(),
        kind: v1::AccessKind::Exported as i32,
        ..v1::Use::default()
    }
}

/// Whether an entry of an access log is the record of an export, and not that of a question.
#[must_use]
pub fn is_record(entry: &[u8]) -> bool {
    v1::AccessRecord::decode(entry).is_ok_and(|record| record.kind() == v1::AccessKind::Exported)
}

/// Reads the record of an export.
///
/// # Errors
/// Undecodable, of a question, or a field that breaks its limits.
pub fn decode_record(entry: &[u8]) -> Result<ExportRecord, Error> {
    let message: v1::AccessRecord = field::message("access_record", entry, MAX_ENTRY_BYTES)?;
    let read = || {
        if message.kind() != v1::AccessKind::Exported {
            return Err(Error::new(Reason::FieldInvalid, "kind", message.kind().as_str_name(), "EXPORTED"));
        }
        SpiffeId::parse(&message.caller)
            .map_err(|error| field::coded(Reason::FieldInvalid, "caller", &message.caller, &error, "a SPIFFE id"))?;
        field::certificate_id("certificate_id", &message.certificate_id)?;
        crate::access::field_names(&message.fields)?;
        Ok(ExportRecord {
            at_ms: message.at_ms,
            nonce: field::array("nonce", &message.nonce)?,
            caller: message.caller.clone(),
            certificate_id: message.certificate_id.clone(),
            fields: message.fields.clone(),
            content_sha256: field::array("export_sha256", &message.export_sha256)?,
        })
    };
    read().map_err(|error: Error| error.within("access_record"))
}
