//! Use case: issue, revise, change of status.
//!
//! The certificate is checked against its type and signed before the ledger sees it, in parallel; the ledger decides
//! whether the request, the identifier and the previous revision allow it, and commits certificate row, sealed
//! disclosures and log entries at once.

mod change;
mod command;
pub mod record;

pub use change::StatusRequest;
pub use record::Record;

use crate::{
    catalogue::Catalogue,
    clock::Clock,
    idempotency::{Content, Request},
    keys::{DocumentSigner, Keys},
    ledger::{Answer, Ledger},
    policy::Policy,
    random::Random,
    refusal::Refusal,
    store::{Space, Store, own},
    tls::Caller,
    trust::Trust,
};
use bytes::Bytes;
use command::{Issue, Previous};
use exchange_core::{
    certificate::{
        Draft, Environment, FieldDigest, Header, MAX_HEADER_BYTES, PAYLOAD_TYPE,
    },
    certificate_id::CertificateId,
    certificate_type::{CertificateType, CheckedDraft, Discovery},
    date::Date,
    disclosure::Disclosure,
    dsse::Envelope,
    event::EventKind,
    holder::{HolderTags, Tag, holder_tag, number_tag},
    position::Position,
    reason::Reason,
    region::Region,
    status::{self, Status},
    sealed::{self, Subkey},
};
use exchange_proto::{certificate as convert, event, store};
use std::sync::Arc;

/// Issues and changes certificates of this city.
#[derive(Clone)]
pub struct Issuing {
    /// Whose certificates.
    pub region: Region,
    /// Real or exercise.
    pub environment: Environment,
    /// Writes.
    pub ledger: Ledger,
    /// Reads.
    pub store: Store,
    /// Types.
    pub catalogue: Catalogue,
    /// Departments' keys, index key, store key.
    pub keys: Arc<Keys>,
    /// Which index key writers use, and who keeps values.
    pub trust: Arc<Trust>,
    /// Who may.
    pub policy: Arc<Policy>,
    /// Time.
    pub clock: Clock,
    /// Salts and serials.
    pub random: Random,
}

/// Where an imported row comes from: the same row is issued once, for ever.
#[derive(Debug, Clone)]
pub struct ImportSource {
    /// Id of the row in the source system.
    pub source_id: String,
    /// Time of the row as the source gives it.
    pub row_time: String,
}

/// A certificate to be issued.
#[derive(Debug, Clone)]
pub struct IssueRequest {
    /// UUIDv7.
    pub request_id: [u8; 16],
    /// What.
    pub draft: Draft,
    /// The certificate that it replaces, for a revision.
    pub previous: Option<CertificateId>,
    /// Set by an import.
    pub source: Option<ImportSource>,
}

/// The sub-keys of the store key that issuing uses.
const DISCLOSURES: &str = "exchange/disclosures/v1";
const REQUESTS: &str = "exchange/requests/v1";

impl Issuing {
    /// Issues a certificate or a revision; durable when it returns.
    ///
    /// # Errors
    /// Every refusal of the certificate's type, of the caller's rights and of the ledger.
    pub async fn issue(&self, caller: &Caller, request: IssueRequest) -> Result<Record, Refusal> {
        let draft = &request.draft;
        self.policy.may_issue(caller, &draft.issuer.uscc, &draft.type_code)?;
        let signer = self.signer(draft)?;
        let kind = self.certificate_type(draft.type_code.as_str(), draft.type_version)?;
        let checked = kind.check(draft, self.today())?;
        let revision = match &request.previous {
            None => None,
            Some(previous) => Some(self.revision_of(previous, draft)?),
        };
        let digest = content(&request).digest(&self.keys.store.subkey(REQUESTS));
        let request_key = Request::new(&caller.uri.clone(), &request.request_id, digest);
        let (command, mut record) = self.prepare(&request, &kind, &checked, signer, revision, request_key, digest)?;
        match self.ledger.submit(command).await? {
            Answer::Committed(committed) => {
                record.position = Position { region: self.region, epoch: committed.epoch, index: committed.event };
                Ok(record)
            }
            Answer::Earlier(row) => {
                let row: store::RequestRow = own::decode(Space::Requests, &row)?;
                let mut record = self.read(&row.certificate_id)?.ok_or_else(|| gone(&row.certificate_id))?;
                record.repeated = true;
                Ok(record)
            }
        }
    }

    /// A certificate of this city with its values.
    ///
    /// # Errors
    /// The store fails.
    pub fn read(&self, id: &str) -> Result<Option<Record>, Refusal> {
        record::read_own(self, id)
    }

    /// Header, digests, signature, entries and rows: all that needs no decision.
    fn prepare(
        &self,
        request: &IssueRequest,
        kind: &CertificateType,
        checked: &CheckedDraft,
        signer: &DocumentSigner,
        previous: Option<Previous>,
        request_key: Request,
        digest: [u8; 32],
    ) -> Result<(Issue, Record), Refusal> {
        let draft = &request.draft;
        let certificate_id = self.certificate_id(draft, previous.as_ref())?;
        let disclosures = self.disclosures(checked)?;
        let header = Header {
            environment: self.environment,
            certificate_id: certificate_id.clone(),
            type_code: draft.type_code.clone(),
            type_version: kind.version,
            issuer: draft.issuer.clone(),
            issuing_region: self.region,
            custodian_region: kind.custodian_region.unwrap_or(self.region),
            issued_on: draft.issued_on,
            valid_from: draft.valid_from,
            valid_until: draft.valid_until,
            revision: previous.as_ref().map_or(1, |previous| previous.revision + 1),
            previous: request.previous.clone(),
            origin: draft.origin,
            fields: disclosures
                .iter()
                .map(|one| FieldDigest { name: one.name().to_owned(), digest: one.digest() })
                .collect(),
            files: Vec::new(),
        };
        let payload = convert::encode_header(&header);
        if payload.len() > MAX_HEADER_BYTES {
            let found = format!("a header of {} bytes", payload.len());
            return Err(Refusal::caller(Reason::TooManyFields, found, format!("at most {MAX_HEADER_BYTES} bytes")));
        }
        let envelope = Envelope::sign(PAYLOAD_TYPE, payload, signer.key_id, &signer.key, self.random.secure())
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a document key that signs"))?;
        let envelope = Bytes::from(convert::encode_envelope(&envelope));
        let status = status::on_day(Status::Active, header.valid_from, None, self.today());
        let record = Record {
            status_code: kind.status_code_for(Status::Active).unwrap_or_default().to_owned(),
            type_name: kind.name.clone(),
            legal_form: kind.legal_form,
            position: Position { region: self.region, epoch: 0, index: 0 },
            status,
            envelope: envelope.clone(),
            disclosures,
            header,
            repeated: false,
        };
        let command = Issue {
            region: self.region,
            request: request_key,
            import: request.source.as_ref().map(|source| command::Import::new(draft, source, digest)),
            credential: command::Credential::of(signer, self.region),
            issued: event::encode_body(&EventKind::CertificateIssued { envelope: envelope.to_vec() }, false),
            tags: self.tags_entry(kind, checked, certificate_id.as_str())?,
            row: record.row(&signer.key_id),
            disclosures: self.seal_disclosures(&record)?,
            previous,
        };
        Ok((command, record))
    }

    fn certificate_id(&self, draft: &Draft, previous: Option<&Previous>) -> Result<CertificateId, Refusal> {
        if let Some(previous) = previous {
            return previous.id.next_version().map_err(|error| {
                Refusal::caller(Reason::RevisionConflict, error.to_string(), "a certificate with fewer revisions")
            });
        }
        let serial = draft.serial.clone().unwrap_or_else(|| self.random.serial());
        let id = CertificateId::new(&draft.type_code, &draft.issuer.uscc, &serial, 1)
            .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a serial of [0-9A-Z]"))?;
        // A random serial cannot be one on purpose; an imported one may be, and identifiers are public.
        if draft.serial.is_some() && id.contains_resident_id() {
            return Err(Refusal::caller(
                Reason::IdentityNumberNotAllowed,
                "a serial that holds an identity number",
                "a serial without one; identifiers of certificates are seen by every city",
            ));
        }
        Ok(id)
    }

    fn disclosures(&self, checked: &CheckedDraft) -> Result<Vec<Disclosure>, Refusal> {
        let fields = checked.fields();
        let mut salts = vec![0; 16 * fields.len()];
        self.random.fill(&mut salts);
        let (salts, _) = salts.as_chunks::<16>();
        fields
            .iter()
            .zip(salts)
            .map(|(field, salt)| Disclosure::new(&field.name, &field.value, *salt))
            .collect::<Result<_, _>>()
            .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a value within the limits"))
    }

    /// The `HolderTags` entry; `None` where the type has nothing to be found by.
    fn tags_entry(&self, kind: &CertificateType, checked: &CheckedDraft, id: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let wanted = self.trust.index_key_id(self.region);
        let Some(key) = wanted.and_then(|id| self.keys.index_key(&id)) else {
            return Err(Refusal::node(
                Reason::IndexKeyMissing,
                "no index key with the id that the trust bundle names",
                "that key's file under [keys] index",
            ));
        };
        let code = kind.type_code.as_str();
        let mut tags: Vec<Tag> = Vec::new();
        let refuse = |error: exchange_core::holder::Error| {
            Refusal::caller(Reason::PartyInvalid, error.to_string(), "a holder's code of its type")
        };
        if kind.discovery == Discovery::ByHolder {
            for holder in checked.holders() {
                tags.push(holder_tag(key, code, holder).map_err(refuse)?);
            }
        }
        if let Some(number) = checked.number() {
            tags.push(number_tag(key, code, number).map_err(refuse)?);
        }
        if tags.is_empty() {
            return Ok(None);
        }
        let tags = HolderTags::new(tags).map_err(refuse)?;
        let sealed = tags.seal(key, self.region.as_str(), id, self.random.array()).map_err(refuse)?;
        let kind = EventKind::HolderTags { certificate_id: id.to_owned(), index_key_id: key.id(), sealed };
        Ok(Some(event::encode_body(&kind, false)))
    }

    fn seal_disclosures(&self, record: &Record) -> Result<Vec<u8>, Refusal> {
        let plain = convert::encode_disclosures(&record.disclosures);
        let id = record.header.certificate_id.as_str();
        let (key, key_id) = self.disclosures_key();
        sealed::seal(&key, key_id, self.random.array(), &disclosures_aad(self.region, id), &plain)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a store key that seals"))
    }

    /// The revision that a new one replaces, as the store has it now; the ledger checks it again.
    fn revision_of(&self, previous: &CertificateId, draft: &Draft) -> Result<Previous, Refusal> {
        let row = self.store.own_certificate(self.region, previous.as_str())?.ok_or_else(|| {
            Refusal::caller(
                Reason::CertificateNotFound,
                format!("certificate {previous}"),
                "a certificate that this city has issued",
            )
        })?;
        if row.type_code != draft.type_code.as_str() || row.issuer_uscc != draft.issuer.uscc.as_str() {
            return Err(Refusal::caller(
                Reason::RevisionConflict,
                "another type or issuer than the certificate that is revised",
                "the same type and issuer; a succession needs a new certificate",
            ));
        }
        Ok(Previous { id: previous.clone(), revision: row.revision })
    }

    /// Sub-key under which values are sealed.
    pub fn disclosures_key(&self) -> (Subkey, [u8; 4]) {
        (self.keys.store.subkey(DISCLOSURES), self.keys.store.id())
    }

    fn today(&self) -> Date {
        Date::from_unix_ms(self.clock.now_ms())
    }

    fn signer(&self, draft: &Draft) -> Result<&DocumentSigner, Refusal> {
        self.keys.document_signer(&draft.issuer.uscc).ok_or_else(|| {
            Refusal::caller(
                Reason::IssuerNotCallers,
                format!("issuer {}", draft.issuer.uscc),
                "a department that entrusted its document key to this node",
            )
        })
    }

    fn certificate_type(&self, code: &str, version: Option<u32>) -> Result<Arc<CertificateType>, Refusal> {
        self.catalogue.certificate_type(code, version)?.ok_or_else(|| {
            let version = version.map_or_else(String::new, |version| format!(" version {version}"));
            Refusal::caller(
                Reason::TypeUnknown,
                format!("type {code}{version}"),
                "a type that the province has published and this node has applied",
            )
        })
    }
}

/// Additional data under which a certificate's values are sealed.
pub(crate) fn disclosures_aad(region: Region, id: &str) -> Vec<u8> {
    [b"disclosures/v1".as_slice(), &region.as_bytes(), id.as_bytes()].concat()
}

fn gone(id: &str) -> Refusal {
    Refusal::node(Reason::Internal, format!("certificate {id} has a request row and no row"), "an undamaged store")
}

/// Content of a request in the order of `IssueCertificateRequest` (a revision has `previous` as field 100).
fn content(request: &IssueRequest) -> Content {
    let draft = &request.draft;
    let date = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
    let method = if request.previous.is_some() { "ReviseCertificate" } else { "IssueCertificate" };
    Content::new(method)
        .field(2, draft.type_code.as_str())
        .field(3, draft.type_version.map_or_else(Vec::new, |version| version.to_be_bytes().to_vec()))
        .nested(4, Content::inner().field(1, draft.issuer.uscc.as_str()).field(2, &draft.issuer.name))
        .field(5, draft.issued_on.to_string())
        .field(6, draft.valid_from.to_string())
        .field(7, date(draft.valid_until))
        .field(8, [draft.origin as u8])
        .list_of(9, draft.fields.iter().map(|field| Content::inner().field(1, &field.name).field(2, &field.value)))
        .field(10, draft.serial.as_deref().unwrap_or_default())
        .field(100, request.previous.as_ref().map(CertificateId::as_str).unwrap_or_default())
}
