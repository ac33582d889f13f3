//! `CertificateService`: parse, one call, encode.

use super::{Services, services::enter};
use crate::{export::Exported, issuing::Record, lookup::Lookup, refusal::Refusal};
use exchange_core::{
    certificate_id::CertificateId, date::Date, position::Position, reason::Reason, region::Region,
    status::Status as CertificateStatus,
};
use exchange_proto::{
    certificate as convert, store as row,
    v1::{self, certificate_service_server::CertificateService},
};
use std::pin::Pin;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

/// Certificates in one page of a list, if the caller does not say.
const PAGE: u32 = 100;
/// Most certificates in one page.
const MOST: u32 = 1_000;
/// Most certificates that are looked at for one page: a filter that nothing passes does not read the whole index.
const LOOKED_AT: usize = 20_000;

#[tonic::async_trait]
impl CertificateService for Services {
    async fn issue_certificate(
        &self,
        request: Request<v1::IssueCertificateRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let (caller, message) = enter(request)?;
        let parsed = convert::issue(message).map_err(Refusal::from)?;
        let record = self.issuing.issue(&caller, parsed).await?;
        Ok(Response::new(encode(record, true)))
    }

    async fn revise_certificate(
        &self,
        request: Request<v1::ReviseCertificateRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let (caller, message) = enter(request)?;
        let parsed = convert::revise(message).map_err(Refusal::from)?;
        let record = self.issuing.revise(&caller, parsed).await?;
        Ok(Response::new(encode(record, true)))
    }

    async fn change_status(
        &self,
        request: Request<v1::ChangeStatusRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let (caller, message) = enter(request)?;
        let parsed = convert::change_status(message).map_err(Refusal::from)?;
        let record = self.issuing.change_status(&caller, parsed).await?;
        Ok(Response::new(encode(record, false)))
    }

    async fn get_certificate(
        &self,
        request: Request<v1::GetCertificateRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let (caller, message) = enter(request)?;
        let id = message.certificate_id;
        let record = self.issuing.get(&caller, &id)?;
        Ok(Response::new(encode(record, true)))
    }

    async fn export_certificate(
        &self,
        request: Request<v1::ExportCertificateRequest>,
    ) -> Result<Response<v1::ExportCertificateResponse>, Status> {
        let (caller, message) = enter(request)?;
        let wanted = exchange_proto::export::wanted(message.fields, message.without_values).map_err(Refusal::from)?;
        let exported = self.lookup.export(&caller, &message.certificate_id, &wanted).await?;
        let Exported { file, as_of_ms, fields } = exported;
        Ok(Response::new(v1::ExportCertificateResponse { file: file.into(), as_of_ms, fields }))
    }

    async fn list_certificates(
        &self,
        request: Request<v1::ListCertificatesRequest>,
    ) -> Result<Response<v1::ListCertificatesResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        Ok(Response::new(list(&self.lookup, &message)?))
    }

    type WatchCertificatesStream = Pin<Box<dyn Stream<Item = Result<v1::CertificateEvent, Status>> + Send>>;

    async fn watch_certificates(
        &self,
        request: Request<v1::WatchCertificatesRequest>,
    ) -> Result<Response<Self::WatchCertificatesStream>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        let open = self.limits.begin_stream(&caller)?;
        let stream = super::watch::stream(self, message, open)?;
        Ok(Response::new(Box::pin(stream)))
    }
}

/// A certificate of this city; values only where they are of use to those who may see them.
pub(super) fn encode(record: Record, values: bool) -> v1::Certificate {
    let disclosures =
        if values { record.disclosures.into_iter().map(convert::encode_disclosure).collect() } else { Vec::new() };
    v1::Certificate {
        type_name: record.type_name,
        legal_form: record.legal_form as i32,
        status: record.status as i32,
        status_code: record.status_code,
        envelope: record.envelope,
        disclosures,
        repeated_request: record.repeated,
        ..convert::encode_certificate(&record.header, record.position)
    }
}

/// A certificate as the index has it: no envelope, no values.
pub(super) fn summary(
    id: &str,
    found: &row::CertificateRow,
    position: Position,
    type_name: &str,
    today: Date,
) -> v1::Certificate {
    v1::Certificate {
        certificate_id: id.to_owned(),
        status: crate::issuing::record::status_today(found, today) as i32,
        type_code: found.type_code.clone(),
        type_version: found.type_version,
        type_name: type_name.to_owned(),
        issuer: Some(v1::Issuer { uscc: found.issuer_uscc.clone(), name: found.issuer_name.clone() }),
        region: position.region.to_string(),
        custodian_region: found.custodian_region.clone(),
        issued_on: found.issued_on,
        valid_from: found.valid_from,
        valid_until: found.valid_until,
        origin: found.origin,
        revision: found.revision,
        previous: found.previous.clone(),
        status_code: found.status_code.clone(),
        position: Some(convert::encode_position(position)),
        environment: found.environment,
        ..Default::default()
    }
}

fn list(lookup: &Lookup, request: &v1::ListCertificatesRequest) -> Result<v1::ListCertificatesResponse, Refusal> {
    let bad = |found: String, needed: &str| Refusal::caller(Reason::FieldInvalid, found, needed);
    let region = match request.region.as_str() {
        "" => lookup.region,
        text => Region::parse(text).map_err(|error| bad(error.to_string(), "a region's six digits"))?,
    };
    let date =
        |date: Option<v1::Date>| date.map(convert::date).transpose().map_err(|error| bad(error.to_string(), "a date"));
    let (from, until) = (date(request.issued_from)?, date(request.issued_until)?);
    let size = match request.page_size {
        0 => PAGE,
        size => size.min(MOST),
    } as usize;
    let today = lookup.today();
    let mut certificates = Vec::new();
    let mut next_page_token = String::new();
    let (mut problem, mut looked_at) = (None, 0);
    if !request.page_token.is_empty() && CertificateId::parse(&request.page_token).is_err() {
        return Err(Refusal::caller(
            Reason::PageTokenInvalid,
            "a page token of another list",
            "the token of the last page",
        ));
    }
    lookup.store.visit_certificates(region, &request.page_token, |id, found| {
        looked_at += 1;
        if certificates.len() == size || looked_at > LOOKED_AT {
            next_page_token = id.to_owned();
            return false;
        }
        let status = crate::issuing::record::status_today(&found, today);
        let issued = found.issued_on.and_then(|date| convert::date(date).ok());
        let wanted = (request.type_code.is_empty() || found.type_code == request.type_code)
            && (request.issuer_uscc.is_empty() || found.issuer_uscc == request.issuer_uscc)
            && CertificateStatus::from_number(request.status).is_none_or(|wanted| wanted == status)
            && from.is_none_or(|from| issued.is_some_and(|issued| from <= issued))
            && until.is_none_or(|until| issued.is_some_and(|issued| issued <= until));
        if wanted {
            let name = match lookup.catalogue.certificate_type(&found.type_code, Some(found.type_version)) {
                Ok(kind) => kind.map(|kind| kind.name.clone()).unwrap_or_default(),
                Err(refusal) => {
                    problem = Some(refusal);
                    return false;
                }
            };
            let position = Position { region, epoch: found.epoch, index: found.index };
            certificates.push(summary(id, &found, position, &name, today));
        }
        true
    })?;
    match problem {
        Some(refusal) => Err(refusal),
        None => Ok(v1::ListCertificatesResponse { certificates, next_page_token }),
    }
}
