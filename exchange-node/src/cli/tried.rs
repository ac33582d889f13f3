//! Dry runs of `certificate issue` and `certificate status`: the request is checked as a node checks it, with the type and the
//! certificate as this node knows them. Whether the caller may, and whether the node takes the files, is told by the call
//! itself.

use super::{
    Failure, Format,
    certificate::status_word,
    output::{print_facts, print_json, word},
};
use crate::{clock::Clock, exit::Exit, refusal::Refusal};
use exchange_core::{
    certificate_type::CertificateType,
    date::Date,
    reason::Reason,
    status::{Status, allowed},
};
use exchange_proto::{
    catalogue,
    certificate::{change_status, issue as decode_issue},
    v1::{
        self, catalogue_service_client::CatalogueServiceClient, certificate_service_client::CertificateServiceClient,
    },
};
use serde_json::json;
use tonic::transport::Channel;

fn refused(refusal: impl Into<Refusal>) -> Failure {
    let Refusal { reason, found, needed, .. } = refusal.into();
    Failure::because(reason, format!("found {found}, needed {needed}"))
}

async fn kind(channel: Channel, type_code: &str, version: u32) -> Result<CertificateType, Failure> {
    let request = v1::GetCertificateTypeRequest { type_code: type_code.to_owned(), version };
    let answer = CatalogueServiceClient::new(channel).get_certificate_type(request).await?;
    catalogue::certificate_type(answer.into_inner()).map_err(refused)
}

async fn certificate(channel: Channel, id: &str) -> Result<v1::Certificate, Failure> {
    let request = v1::GetCertificateRequest { certificate_id: id.to_owned() };
    Ok(CertificateServiceClient::new(channel).get_certificate(request).await?.into_inner())
}

/// Would be issued; with `previous`: as its next revision, whose type and issuer count.
pub(super) async fn issue(
    channel: Channel,
    mut request: v1::IssueCertificateRequest,
    previous: Option<&str>,
    format: Format,
) -> Result<Exit, Failure> {
    let mut revision = 1;
    if let Some(id) = previous {
        let before = certificate(channel.clone(), id).await?;
        (request.type_code, request.issuer, revision) = (before.type_code, before.issuer, before.revision + 1);
    }
    let asked = decode_issue(request).map_err(refused)?;
    let kind = kind(channel, asked.draft.type_code.as_str(), 0).await?;
    let now = i64::try_from(Clock::default().now_ms()).unwrap_or(i64::MAX);
    let checked = kind.check(&asked.draft, Date::from_unix_ms(now).unwrap_or(Date::MAX)).map_err(refused)?;
    let given = checked.fields().iter().filter(|field| !field.value.is_empty()).count();
    match format {
        Format::Json => print_json(&json!({
            "would_issue": kind.type_code.as_str(),
            "type_version": kind.version,
            "revision": revision,
            "issuer": asked.draft.issuer.uscc.as_str(),
            "fields": given,
            "files": asked.files.len(),
            "dry_run": true,
        }))?,
        Format::Table => print_facts(&[
            ("type", format!("{} {} version {}", kind.type_code, kind.name, kind.version)),
            ("issuer", format!("{} {}", asked.draft.issuer.uscc, asked.draft.issuer.name)),
            ("revision", revision.to_string()),
            ("fields", given.to_string()),
            ("files", asked.files.len().to_string()),
            ("note", "checked, not issued".to_owned()),
        ])?,
    }
    Ok(Exit::Ok)
}

/// Would become another status.
pub(super) async fn change(
    channel: Channel,
    request: v1::ChangeStatusRequest,
    format: Format,
) -> Result<Exit, Failure> {
    let asked = change_status(request).map_err(refused)?;
    let found = certificate(channel.clone(), &asked.certificate_id).await?;
    let kind = kind(channel, &found.type_code, found.type_version).await?;
    if let Some(from) = Status::from_number(found.status) {
        allowed(from, asked.to, asked.restoring)
            .map_err(|error| Failure::because(Reason::StatusChangeNotAllowed, error))?;
    }
    kind.may_change(asked.authority, asked.to, &asked.document_number).map_err(refused)?;
    let (was, would) = (status_word(found.status()), word(asked.to.name(), ""));
    match format {
        Format::Json => print_json(&json!({
            "certificate_id": found.certificate_id,
            "status": was,
            "would_become": would,
            "dry_run": true,
        }))?,
        Format::Table => print_facts(&[
            ("certificate", found.certificate_id),
            ("status", was),
            ("would become", would),
            ("note", "checked, not changed".to_owned()),
        ])?,
    }
    Ok(Exit::Ok)
}
