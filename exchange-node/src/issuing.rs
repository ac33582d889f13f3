//! Use case: issue, revise, change of status.
//!
//! The certificate is checked against its type and signed before the ledger sees it, in parallel; the ledger decides
//! whether the request, the identifier and the previous revision allow it, and commits certificate row, sealed
//! disclosures and log entries at once.

mod change;
mod command;
mod document;
mod files;
mod naming;
pub mod record;

pub use record::Record;

use crate::{
    blobs::Blobs,
    catalogue::Catalogue,
    clock::Clock,
    idempotency::{Content, Request},
    keys::{DocumentSigner, Keys},
    ledger::{Answer, Decision, Ledger, foresee},
    licences::Licences,
    policy::Policy,
    random::Random,
    refusal::Refusal,
    space::FreeSpace,
    spawn::Tasks,
    store::{self, Space, Store, keys, own},
    tls::Caller,
    trust::Trust,
};
use bytes::Bytes;
use command::{Import, Issue, Previous};
use exchange_core::{
    certificate::{Draft, Environment, Field, FieldDigest, Header, MAX_HEADER_BYTES, PAYLOAD_TYPE},
    certificate_id::{CertificateId, TypeCode},
    certificate_type::{CertificateType, CheckedDraft},
    date::Date,
    disclosure::Disclosure,
    dsse::Envelope,
    file::File,
    issuer::Issuer,
    position::Position,
    reason::Reason,
    region::Region,
    request::{self, Revision},
    sealed,
    status::{self, Status},
    uscc::Uscc,
};
use exchange_proto::{certificate as convert, event, store as row};
pub(crate) use files::open_files;
use files::{NewFile, NewFiles};
use std::sync::{Arc, atomic::Ordering};

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
    /// Files of certificates.
    pub blobs: Blobs,
    /// What must be free for them.
    pub space: FreeSpace,
    /// Writing them blocks.
    pub tasks: Tasks,
    /// Makes sealed documents.
    pub licences: Licences,
}

/// What makes one request to issue the same as another, and what it follows.
struct Asked {
    certificate_id: CertificateId,
    disclosures: Vec<Disclosure>,
    previous: Option<Previous>,
    request: Request,
    import: Option<Import>,
    files: NewFiles,
}

/// A request, whatever it follows.
struct Wanted<'a> {
    request_id: [u8; 16],
    draft: &'a Draft,
    files: Vec<File>,
    source: Option<&'a (String, String)>,
    previous: Option<Previous>,
}

impl Issuing {
    /// Issues a certificate; durable when it returns.
    ///
    /// # Errors
    /// Every refusal of the certificate's type, of the caller's rights and of the ledger.
    pub async fn issue(&self, caller: &Caller, request: request::Issue) -> Result<Record, Refusal> {
        let request::Issue { request_id, draft, files, source } = request;
        let wanted = Wanted { request_id, draft: &draft, files, source: source.as_ref(), previous: None };
        self.write(caller, wanted).await
    }

    /// Issues a revision; the certificate before it becomes REPLACED in the same step.
    ///
    /// # Errors
    /// As [`Issuing::issue`], and where the certificate before it is not the newest revision.
    pub async fn revise(&self, caller: &Caller, request: Revision) -> Result<Record, Refusal> {
        let previous = match request.previous {
            request::Previous::Certificate(id) => id.to_string(),
            request::Previous::Imported { type_code, issuer } => {
                let (source_id, _) = request.source.as_ref().ok_or_else(|| {
                    Refusal::caller(Reason::FieldMissing, "neither previous nor source", "one of them")
                })?;
                self.last_imported(issuer.uscc.as_str(), type_code.as_str(), source_id)?
            }
        };
        let row = self.store.own_certificate(self.region, &previous)?.ok_or_else(|| self.not_ours(&previous))?;
        let broken = |problem: String| store::Error::Row { space: Space::Certificates.name(), problem };
        let draft = Draft {
            type_code: TypeCode::parse(&row.type_code).map_err(|error| broken(error.to_string()))?,
            type_version: None,
            issuer: Issuer {
                uscc: Uscc::parse(&row.issuer_uscc).map_err(|error| broken(error.to_string()))?,
                name: row.issuer_name.clone(),
            },
            issued_on: request.issued_on,
            valid_from: request.valid_from,
            valid_until: request.valid_until,
            origin: request.origin,
            fields: request.fields,
            serial: None,
        };
        let id = CertificateId::parse(&previous).map_err(|error| broken(error.to_string()))?;
        let previous = Some(Previous { id, revision: row.revision });
        let Revision { request_id, files, source, .. } = request;
        self.write(caller, Wanted { request_id, draft: &draft, files, source: source.as_ref(), previous }).await
    }

    /// A certificate of this city; values only for systems that act for its department.
    ///
    /// # Errors
    /// Unknown here, or the store fails.
    pub fn get(&self, caller: &Caller, id: &str) -> Result<Record, Refusal> {
        self.policy.may_read(caller)?;
        record::read_own(self, caller, id)?.ok_or_else(|| not_found(id))
    }

    async fn write(&self, caller: &Caller, wanted: Wanted<'_>) -> Result<Record, Refusal> {
        let Wanted { request_id, draft, files, source, previous } = wanted;
        self.policy.may_issue(caller, &draft.issuer.uscc, draft.type_code.as_str())?;
        self.trust.require_current_bundle("a new certificate")?;
        let signer = self.signer(draft)?;
        let kind = self.certificate_type(draft.type_code.as_str(), draft.type_version)?;
        if !files.is_empty() && !self.keeps(&kind) {
            let found = format!("{} files of a type that another city keeps", files.len());
            return Err(Refusal::caller(Reason::FileKeptElsewhere, found, "a certificate without files"));
        }
        let given: usize = files.iter().map(|file| file.bytes.len()).sum();
        let room = self.room_for(given, self.makes(draft, &kind)).await?;
        let mut files = self.hashed(files).await?;
        let digest = content(draft, files.as_slice(), previous.as_ref()).digest(&self.keys.requests);
        // Without the revision before it: when a row comes again, that is another one.
        let import = source.map(|source| {
            Import::new(draft, source, content(draft, files.as_slice(), None).digest(&self.keys.requests))
        });
        let repeated = match &import {
            // A row that was imported is not signed again.
            Some(import) => import.earlier(&self.store)?,
            None => None,
        };
        if let Some(id) = repeated {
            return self.repeated(caller, &id);
        }
        let mut checked = kind.check(draft, self.today())?;
        let request = Request::new(&caller.uri, &request_id, digest);
        let certificate_id = self.certificate_id(draft, previous.as_ref())?;
        let disclosures = self.disclosures(checked.take_fields())?;
        if let Some(press) = self.press(draft, &kind, &files) {
            files.push(self.document(draft, &kind, &certificate_id, &disclosures, press).await?)?;
        }
        let asked = Asked { certificate_id, disclosures, previous, request, import, files };
        let (mut command, mut record, files) = self.prepare(draft, &kind, &checked, Arc::clone(&signer), asked)?;
        if !files.is_empty() {
            // What the ledger would refuse, or has answered before, leaves no file.
            let next = Position { region: self.region, epoch: 0, index: 0 };
            if let Decision::Earlier(row) = foresee(&self.store, &command, next, self.clock.now_ms())? {
                return self.answered(caller, &row);
            }
            // Durable before the commit that refers to them, and pinned until after it.
            command.pins = self.keep(files).await?;
        }
        drop(room);
        match self.ledger.submit(command).await? {
            Answer::Committed(committed) => {
                // Durable with the certificate, or before it.
                signer.published.store(true, Ordering::Relaxed);
                record.position = Position { region: self.region, epoch: committed.epoch, index: committed.event };
                Ok(record)
            }
            Answer::Earlier(row) => self.answered(caller, &row),
        }
    }

    /// A request that was answered before.
    fn answered(&self, caller: &Caller, row: &store::Value) -> Result<Record, Refusal> {
        let row: row::RequestRow = own::decode(Space::Requests, row)?;
        self.repeated(caller, &row.certificate_id)
    }

    fn repeated(&self, caller: &Caller, id: &str) -> Result<Record, Refusal> {
        let record = record::read_own(self, caller, id)?.ok_or_else(|| gone(id))?;
        Ok(Record { repeated: true, ..record })
    }

    /// The newest certificate that was imported under a source id.
    fn last_imported(&self, issuer: &str, type_code: &str, source_id: &str) -> Result<String, Refusal> {
        let prefix = keys::parts(&[issuer.as_bytes(), type_code.as_bytes(), source_id.as_bytes()]);
        let Some((_, value)) = self.store.own.last(Space::Imports, &prefix, &keys::after(&prefix))? else {
            return Err(not_found("imported under this source id"));
        };
        let row: row::ImportRow = own::decode(Space::Imports, &value)?;
        let mut id = row.certificate_id;
        // Revised since by other means: the newest revision is the one that can be replaced.
        while let Some(row) = self.store.own_certificate(self.region, &id)?.filter(|row| !row.replaced_by.is_empty()) {
            id.clone_from(&row.replaced_by);
        }
        Ok(id)
    }

    /// Header, digests, signature, entries and rows: all that needs no decision.
    fn prepare(
        &self,
        draft: &Draft,
        kind: &CertificateType,
        checked: &CheckedDraft,
        signer: Arc<DocumentSigner>,
        asked: Asked,
    ) -> Result<(Issue, Record, NewFiles), Refusal> {
        let Asked { certificate_id, disclosures, previous, request, import, files } = asked;
        let header = Header {
            environment: self.environment,
            certificate_id: certificate_id.clone(),
            type_code: draft.type_code,
            type_version: kind.version,
            issuer: draft.issuer.clone(),
            issuing_region: self.region,
            custodian_region: kind.custodian_region.unwrap_or(self.region),
            issued_on: draft.issued_on,
            valid_from: draft.valid_from,
            valid_until: draft.valid_until,
            revision: previous.as_ref().map_or(1, |previous| previous.revision + 1),
            previous: previous.as_ref().map(|previous| previous.id.clone()),
            origin: draft.origin,
            fields: disclosures
                .iter()
                .map(|one| FieldDigest { name: one.name.clone(), digest: one.digest() })
                .collect(),
            files: files.named(),
        };
        let payload = convert::encode_header(&header);
        if payload.len() > MAX_HEADER_BYTES {
            let found = format!("a header of {} bytes", payload.len());
            return Err(Refusal::caller(Reason::TooManyFields, found, format!("at most {MAX_HEADER_BYTES} bytes")));
        }
        let envelope = Envelope::sign(PAYLOAD_TYPE, payload, signer.key_id, &signer.key, self.random.secure())
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a document key that signs"))?;
        let envelope = convert::encode_envelope(&envelope);
        let issued = Bytes::from(event::encode_issued(&envelope));
        let envelope = issued.slice(issued.len() - envelope.len()..);
        let status = status::on_day(Status::Active, header.valid_from, None, self.today());
        let record = Record {
            status_code: kind.status_code_for(Status::Active).unwrap_or_default().to_owned(),
            type_name: kind.name.clone(),
            legal_form: kind.legal_form,
            position: Position { region: self.region, epoch: 0, index: 0 },
            status,
            envelope,
            disclosures,
            header,
            repeated: false,
        };
        let command = Issue {
            region: self.region,
            request,
            import,
            issued,
            tags: self.tags_entry(kind, checked, certificate_id.as_str())?,
            header: record.header.without_digests(),
            drawn: previous.is_none() && draft.serial.is_none(),
            published: signer.published.load(Ordering::Relaxed),
            signer,
            disclosures: self.seal_disclosures(&record)?,
            files: self.seal_files(certificate_id.as_str(), &files)?,
            pins: Vec::new(),
            previous,
        };
        Ok((command, record, files))
    }

    fn disclosures(&self, fields: Vec<Field>) -> Result<Vec<Disclosure>, Refusal> {
        let mut salts = vec![0; 16 * fields.len()];
        self.random.fill(&mut salts);
        let (salts, _) = salts.as_chunks::<16>();
        fields
            .into_iter()
            .zip(salts)
            .map(|(field, salt)| Disclosure::new(field.name, field.value, *salt))
            .collect::<Result<_, _>>()
            .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a value within the limits"))
    }

    fn seal_disclosures(&self, record: &Record) -> Result<Bytes, Refusal> {
        let plain = convert::encode_disclosures(&record.disclosures);
        let id = record.header.certificate_id.as_str();
        sealed::seal(
            &self.keys.disclosures,
            self.keys.store_id,
            self.random.array(),
            &disclosures_aad(self.region, id),
            &plain,
        )
        .map(Bytes::from)
        .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a store key that seals"))
    }

    /// Today, in China.
    pub(crate) fn today(&self) -> Date {
        let now = i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX);
        Date::from_unix_ms(now).unwrap_or(Date::MAX)
    }

    fn signer(&self, draft: &Draft) -> Result<Arc<DocumentSigner>, Refusal> {
        self.keys.departments.get(&draft.issuer.uscc).cloned().ok_or_else(|| {
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

fn not_found(id: &str) -> Refusal {
    Refusal::caller(Reason::CertificateNotFound, format!("certificate {id}"), "a certificate that this city has issued")
}

/// Content of a request in the order of `IssueCertificateRequest` (a revision has `previous` as field 100).
fn content(draft: &Draft, files: &[NewFile], previous: Option<&Previous>) -> Content {
    let date = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
    let method = if previous.is_some() { "ReviseCertificate" } else { "IssueCertificate" };
    Content::new(method)
        .field(2, draft.type_code.as_str())
        .field(3, draft.type_version.map_or_else(Vec::new, |version| version.to_be_bytes().to_vec()))
        .nested(4, |issuer| issuer.field(1, draft.issuer.uscc.as_str()).field(2, &draft.issuer.name))
        .field(5, draft.issued_on.to_string())
        .field(6, draft.valid_from.to_string())
        .field(7, date(draft.valid_until))
        .field(8, [draft.origin as u8])
        .list_of(9, &draft.fields, |content, field| content.field(1, &field.name).field(2, &field.value))
        .field(10, draft.serial.as_deref().unwrap_or_default())
        .list_of(12, files, |content, file| content.field(1, file.media_type()).field(2, file.sha256()))
        .field(100, previous.map(|previous| previous.id.as_str()).unwrap_or_default())
}
