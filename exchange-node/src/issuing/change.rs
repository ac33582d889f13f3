//! Change of a certificate's status, as a new link of its chain.

use super::{Issuing, Record};
use crate::{
    idempotency::{Content, Request},
    indexer::rows as index_rows,
    ledger::{Answer, Changes, Command, Decision, View},
    refusal::Refusal,
    store::{Key, Space, Write, keys, own},
    tls::Caller,
};
use exchange_core::{
    certificate_type::CertificateType,
    event::EventKind,
    position::Position,
    reason::Reason,
    region::Region,
    request::StatusRequest,
    status::{self, Status, StatusChange},
    uscc::Uscc,
};
use exchange_proto::{event, rows, store};
use std::sync::Arc;

impl Issuing {
    /// Changes a certificate's status; durable when it returns.
    ///
    /// # Errors
    /// Not this city's certificate, not the caller's department, not allowed by the type or the chain.
    pub async fn change_status(&self, caller: &Caller, request: StatusRequest) -> Result<Record, Refusal> {
        let row = self
            .store
            .own_certificate(self.region, &request.certificate_id)?
            .ok_or_else(|| self.not_ours(&request.certificate_id))?;
        let issuer = Uscc::parse(&row.issuer_uscc).map_err(|error| crate::store::Error::Row {
            space: Space::Certificates.name(),
            problem: error.to_string(),
        })?;
        self.policy.may_issue(caller, &issuer, &row.type_code)?;
        self.trust.require_current_bundle("a change of status")?;
        let kind = self.certificate_type(&row.type_code, Some(row.type_version))?;
        let digest = content(&request).digest(&self.keys.requests);
        let id = request.certificate_id.clone();
        let command = ChangeStatus {
            key: keys::regional(self.region, id.as_bytes()),
            region: self.region,
            request: Request::new(&caller.uri, &request.request_id, digest),
            status_code: status_code(&kind, &request)?,
            asked: request,
            kind,
        };
        let repeated = matches!(self.ledger.submit(command).await?, Answer::Earlier(_));
        let mut record = super::record::read_own(self, caller, &id)?.ok_or_else(|| super::gone(&id))?;
        record.repeated = repeated;
        Ok(record)
    }

    /// Why a certificate that has no row here cannot be changed.
    pub(crate) fn not_ours(&self, id: &str) -> Refusal {
        let snapshot = self.trust.snapshot();
        let elsewhere = snapshot.bundle().regions.keys().find(|region| {
            **region != self.region && self.store.indexed_certificate(**region, id).is_ok_and(|row| row.is_some())
        });
        match elsewhere {
            Some(region) => Refusal::caller(
                Reason::NotOwnCertificate,
                format!("a certificate of {region}"),
                format!("a certificate of {}; it is changed in its own city", self.region),
            ),
            None => {
                Refusal::caller(Reason::CertificateNotFound, format!("certificate {id}"), "a certificate of this city")
            }
        }
    }
}

fn status_code(kind: &CertificateType, request: &StatusRequest) -> Result<String, Refusal> {
    kind.may_change(request.authority, request.to, &request.document_number)?;
    if request.status_code.is_empty() {
        return Ok(kind.status_code_for(request.to).unwrap_or_default().to_owned());
    }
    match kind.status_for_code(&request.status_code) {
        Some(status) if status == request.to => Ok(request.status_code.clone()),
        Some(status) => Err(Refusal::caller(
            Reason::StatusChangeNotAllowed,
            format!("status code {} means {status}", request.status_code),
            format!("a code of the type that means {}", request.to),
        )),
        None => Err(Refusal::caller(
            Reason::StatusChangeNotAllowed,
            format!("status code {}", request.status_code),
            "a code of the certificate's type",
        )),
    }
}

fn content(request: &StatusRequest) -> Content {
    Content::new("ChangeStatus")
        .field(2, &request.certificate_id)
        .field(3, [request.to as u8])
        .field(4, &request.status_code)
        .field(5, request.effective_on.map_or_else(String::new, |date| date.to_string()))
        .field(6, request.decided_on.to_string())
        .nested(7, |body| body.field(1, request.deciding_body.uscc.as_str()).field(2, &request.deciding_body.name))
        .field(8, &request.document_number)
        .field(9, &request.reason)
        .field(10, [request.authority as u8])
        .field(11, [u8::from(request.restoring)])
}

struct ChangeStatus {
    key: Key,
    region: Region,
    request: Request,
    status_code: String,
    asked: StatusRequest,
    kind: Arc<CertificateType>,
}

impl ChangeStatus {
    fn change(&self, row: &store::CertificateRow) -> Result<StatusChange, Refusal> {
        let from = Status::from_number(row.status).unwrap_or(Status::Active);
        status::allowed(from, self.asked.to, self.asked.restoring).map_err(|error| {
            Refusal::caller(
                Reason::StatusChangeNotAllowed,
                error.to_string(),
                format!("a change that {} allows", self.kind.name),
            )
        })?;
        let newest = row.links.last().map_or((row.epoch, row.index), |link| (link.epoch, link.index));
        let asked = &self.asked;
        Ok(StatusChange {
            certificate_id: asked.certificate_id.clone(),
            from,
            to: asked.to,
            status_code: self.status_code.clone(),
            effective_on: asked.effective_on.unwrap_or(asked.decided_on),
            decided_on: asked.decided_on,
            deciding_body: asked.deciding_body.clone(),
            document_number: asked.document_number.clone(),
            reason: asked.reason.clone(),
            previous: Position { region: self.region, epoch: newest.0, index: newest.1 },
            authority: asked.authority,
            restoring: asked.restoring,
        })
    }
}

impl Command for ChangeStatus {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push(self.request.reads());
        keys.push((Space::Certificates, self.key.clone()));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        if let Some(row) = self.request.earlier(view)? {
            return Ok(Decision::Earlier(rows::encode(&row).into()));
        }
        let value = view.row(Space::Certificates, &self.key)?.ok_or_else(|| super::gone(&self.asked.certificate_id))?;
        let mut row: store::CertificateRow = own::decode(Space::Certificates, value)?;
        let change = self.change(&row)?;
        let position = view.next_event();
        index_rows::change(&mut row, position, &change);
        let answer = store::RequestRow {
            certificate_id: change.certificate_id.clone(),
            epoch: position.epoch,
            index: position.index,
            ..Default::default()
        };
        Ok(Decision::Commit(Changes {
            events: vec![event::encode_body(&EventKind::CertificateStatusChanged(Box::new(change)), false).into()],
            rows: vec![
                Write::put(Space::Certificates, self.key.clone(), rows::encode(&row)),
                self.request.answered(answer, view.now_ms()),
            ],
            ..Changes::default()
        }))
    }
}
