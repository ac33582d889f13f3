//! `LookupService`: parse, one call, encode.

use super::{Services, certificate, services::enter};
use crate::{
    access::ReadRecord,
    lookup::{Answered, FindRequest, LookupRequest, Standing, Target, Use, uses},
    refusal::Refusal,
    verification::{Subject, Verdict, Verification},
};
use exchange_core::{certificate_id::TypeCode, reason::Reason};
use exchange_proto::{
    access, certificate as convert, export, peer,
    v1::{self, lookup_service_server::LookupService},
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl LookupService for Services {
    async fn find_certificates(
        &self,
        request: Request<v1::FindCertificatesRequest>,
    ) -> Result<Response<v1::FindCertificatesResponse>, Status> {
        let (caller, message) = enter(request)?;
        let question = access::question(message.question).map_err(Refusal::from)?;
        access::searched_types(&message.type_codes).map_err(Refusal::from)?;
        let type_codes = message.type_codes.iter().map(|code| type_code(code)).collect::<Result<_, _>>()?;
        let request = FindRequest { question, type_codes };
        let found = self.lookup.find(&caller, request).await?;
        let today = self.lookup.today();
        let certificates = found
            .certificates
            .into_iter()
            .map(|one| v1::FoundCertificate {
                standing: Some(standing(one.standing)),
                certificate: Some(certificate::summary(&one.id, &one.row, one.position, &one.type_name, today)),
            })
            .collect();
        let freshness = self
            .lookup
            .freshness_of_all()?
            .into_iter()
            .map(|fresh| v1::RegionFreshness {
                region: fresh.region.to_string(),
                as_of_ms: fresh.as_of_ms.unwrap_or(0),
                freshness: fresh.state as i32,
            })
            .collect();
        Ok(Response::new(v1::FindCertificatesResponse {
            certificates,
            receipt: Some(peer::encode_proof(found.receipt)),
            withheld_types: found.withheld_types,
            freshness,
        }))
    }

    async fn lookup_certificate(
        &self,
        request: Request<v1::LookupCertificateRequest>,
    ) -> Result<Response<v1::LookupCertificateResponse>, Status> {
        let left = super::services::time_left(&request, &self.limits);
        let place = super::services::place(&request)?;
        let (caller, message) = enter(request)?;
        let question = access::question(message.question).map_err(Refusal::from)?;
        access::asked_fields(&message.fields).map_err(Refusal::from)?;
        let target = match message.certificate {
            Some(v1::lookup_certificate_request::Certificate::CertificateId(id)) => Target::Id(id),
            Some(v1::lookup_certificate_request::Certificate::Number(number)) => {
                Target::Number { type_code: number.type_code, number: number.number }
            }
            None => return Err(missing("certificate")),
        };
        let request = LookupRequest { question, target, fields: message.fields };
        let answered = self.lookup.ask(&caller, request, left, &place).await?;
        Ok(Response::new(encode(answered)))
    }

    async fn verify_certificate(
        &self,
        request: Request<v1::VerifyCertificateRequest>,
    ) -> Result<Response<v1::Verification>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_read(&caller)?;
        let subject = match message.certificate {
            Some(v1::verify_certificate_request::Certificate::CertificateId(id)) => Subject::Id(id),
            Some(v1::verify_certificate_request::Certificate::Envelope(bytes)) => Subject::Envelope(bytes),
            Some(v1::verify_certificate_request::Certificate::Export(bytes)) => Subject::Export(bytes),
            None => return Err(missing("certificate")),
        };
        let day = message.on_day.map(convert::date).transpose().map_err(Refusal::from)?;
        let verification = self.lookup.verify(subject, day)?;
        Ok(Response::new(self.encode_verification(verification)))
    }

    async fn list_uses(&self, request: Request<v1::ListUsesRequest>) -> Result<Response<v1::ListUsesResponse>, Status> {
        let (caller, message) = enter(request)?;
        let holder = access::holder(message.holder).map_err(Refusal::from)?;
        let from = uses::page_token(&message.page_token)?;
        let most = if message.page_size == 0 { 100 } else { message.page_size.min(1_000) } as usize;
        let page = self.lookup.uses(&caller, &holder, from, most)?;
        let region = self.lookup.region.to_string();
        let encode = |one: &Use| match &one.record {
            ReadRecord::Question(record) => access::encode_use(&region, one.epoch, one.index, record),
            ReadRecord::Export(record) => export::encode_use(&region, one.epoch, one.index, record),
        };
        let uses = page.uses.iter().map(encode).collect();
        let next_page_token = page.next.map(|(epoch, index)| format!("{epoch}/{index}")).unwrap_or_default();
        Ok(Response::new(v1::ListUsesResponse { uses, next_page_token }))
    }
}

impl Services {
    pub(super) fn encode_verification(&self, verification: Verification) -> v1::Verification {
        let checks = verification.checks.into_iter().map(exchange_proto::export::encode_check).collect();
        let today = self.lookup.today();
        let conflicts = verification
            .conflicts
            .iter()
            .map(|region| v1::Certificate { region: region.to_string(), ..Default::default() })
            .collect();
        let known = verification.certificate.map(|known| {
            let id = known.header.certificate_id.to_string();
            let mut encoded = certificate::summary(&id, &known.row, known.position, "", today);
            encoded.envelope = known.envelope;
            encoded
        });
        v1::Verification {
            verdict: match verification.verdict {
                Verdict::Genuine => v1::Verdict::Genuine,
                Verdict::NotGenuine => v1::Verdict::NotGenuine,
                Verdict::UnknownSchema => v1::Verdict::UnknownSchema,
                Verdict::NotFound => v1::Verdict::NotFound,
            } as i32,
            checks,
            standing: verification.standing.map(standing),
            standing_on_day: verification.standing_on_day.map(standing),
            certificate: known,
            signer_withdrawn_since: verification.signer_withdrawn_ms.map(rfc3339).unwrap_or_default(),
            review_needed: verification.review_needed,
            conflicts,
            warnings: Vec::new(),
        }
    }
}

fn encode(answered: Answered) -> v1::LookupCertificateResponse {
    v1::LookupCertificateResponse {
        certificate: Some(v1::Certificate {
            type_name: answered.type_name,
            status: answered.standing.status,
            status_code: answered.standing.status_code.clone(),
            envelope: answered.envelope,
            disclosures: answered.disclosures.into_iter().map(convert::encode_disclosure).collect(),
            ..convert::encode_certificate(&answered.header, answered.position)
        }),
        // Fields alone are data, whatever the other city's node says.
        standing: Some(v1::Standing { counts_as: v1::CountsAs::DataCheck as i32, ..answered.standing }),
        withheld_fields: answered.withheld,
        asked: Some(peer::encode_proof(answered.asked)),
        answered: Some(peer::encode_proof(answered.answered)),
    }
}

fn standing(standing: Standing) -> v1::Standing {
    v1::Standing {
        status: standing.status as i32,
        status_code: standing.status_code,
        effective_on: standing.effective_on.map(convert::encode_date),
        disputed_since_ms: 0,
        as_of_ms: standing.as_of_ms,
        freshness: standing.freshness as i32,
        counts_as: v1::CountsAs::DataCheck as i32,
        freshness_note: standing.note,
    }
}

fn type_code(text: &str) -> Result<TypeCode, Refusal> {
    TypeCode::parse(text).map_err(|error| {
        Refusal::caller(Reason::TypeUnknown, error.to_string(), "a certificate type code of 21 characters")
    })
}

fn missing(field: &str) -> Status {
    Refusal::from(exchange_proto::Error::missing(field)).into()
}

fn rfc3339(ms: u64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(i64::try_from(ms / 1_000).unwrap_or(i64::MAX));
    at.ok().and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok()).unwrap_or_default()
}
