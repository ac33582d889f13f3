//! Use case: is this sealed document as it was sealed, and what is known of the certificate that it is of?
//!
//! Received into a file of its own that has no name → judged beside the runtime's workers → the certificate that it names,
//! or that the caller does, is verified from the index. Nothing of it is kept.

mod original;
mod pace;
mod spool;
mod trust;

pub use original::{FileMatch, ValidSeal, match_file};
pub use pace::Pace;
pub use trust::{SealCrls, anchors, unreadable};

use crate::{
    clock::Clock,
    limits::room::Place,
    lookup::{Lookup, copy_facts},
    refusal::Refusal,
    space::FreeSpace,
    spawn::Tasks,
    telemetry::DOCUMENTS_JUDGED,
    trust::Trust,
    verification::{Subject, Verification},
};
use exchange_core::{certificate_id::CertificateId, chain::Instant, reason::Reason};
use exchange_proto::v1;
use exchange_seal::{Basis, Limits, Report, certificate::Certificate, licence::StatedCopy, verify};
use spool::{Spool, Spooled};
use std::{
    collections::BTreeSet,
    io::{self, Read, Seek},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Largest document, in bytes.
pub const MAX_BYTES: u64 = 100 << 20;
/// Certificates of possible signers with one document.
pub const MAX_SIGNERS: usize = 16;
/// The folder beside the store's own. It is this node's alone, and what is in it at a start is what a crash has left.
pub const FOLDER: &str = "spool";
/// 证照标识, GB/T 36903-2018: the short name under which a document says which certificate it is of.
pub(crate) const CERTIFICATE_IDENTIFIER: &str = "ZZBS";

/// What documents are judged with.
#[derive(Clone)]
pub struct Documents {
    spool: Spool,
    trust: Arc<Trust>,
    crls: SealCrls,
    lookup: Lookup,
    tasks: Tasks,
    clock: Clock,
    idle: Duration,
    /// Places of fetched files that are judged.
    fetched: Arc<Semaphore>,
}

/// What the caller says of the document before it comes.
#[derive(Debug, Default)]
pub struct Expected {
    certificate_id: Option<CertificateId>,
    signers: Vec<Certificate>,
    file_salt: Option<[u8; 16]>,
}

impl Expected {
    /// From text, DER and 16 bytes; an empty identifier or salt is none.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no identifier, certificate or salt, `TOO_MANY_FIELDS`.
    pub fn parse<D: AsRef<[u8]>>(certificate_id: &str, signers: &[D], file_salt: &[u8]) -> Result<Self, Refusal> {
        let certificate_id = match certificate_id {
            "" => None,
            text => Some(CertificateId::parse(text).map_err(|error| {
                let needed = "a certificate identifier (GB/T 36904), or none";
                Refusal::caller(Reason::FieldInvalid, format!("header.certificate_id: {error}"), needed)
            })?),
        };
        if signers.len() > MAX_SIGNERS {
            let found = format!("header.signers: {} certificates", signers.len());
            return Err(Refusal::caller(Reason::TooManyFields, found, format!("at most {MAX_SIGNERS}")));
        }
        let file_salt = match file_salt {
            [] => None,
            salt => Some(salt.try_into().map_err(|_| {
                let found = format!("header.file_salt: {} bytes", salt.len());
                Refusal::caller(Reason::FieldInvalid, found, "16 bytes, or none")
            })?),
        };
        let parse = |der: &D| {
            Certificate::parse(der.as_ref()).map_err(|error| {
                let found = format!("header.signers: {error}");
                Refusal::caller(Reason::FieldInvalid, found, "DER of an X.509 certificate")
            })
        };
        Ok(Self { certificate_id, signers: signers.iter().map(parse).collect::<Result<_, _>>()?, file_salt })
    }
}

/// What was found out.
#[derive(Debug)]
pub struct Judged {
    /// The document by itself.
    pub report: Report,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Of the file.
    pub sha256: [u8; 32],
    /// The certificate that it is of; `None` where nobody names one.
    pub certificate: Option<Named>,
    /// What it says of itself, if it is a copy for one use.
    pub copy: Option<v1::CopyFacts>,
}

/// A certificate that the document or the caller names.
#[derive(Debug)]
pub struct Named {
    /// Whose verification it is.
    pub id: String,
    /// Who names it.
    pub naming: Naming,
    /// What the document says itself.
    pub document_names: Vec<String>,
    /// From the index.
    pub verification: Verification,
    /// Is it one of the certificate's files?
    pub file: FileMatch,
    /// 视同原件: the certificate counts as the original with this document.
    pub original: bool,
}

/// Who names the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The document, and no other one.
    Agrees,
    /// The caller; the document names another one.
    Differs,
    /// The caller; the document names none.
    NotNamed,
}

impl Documents {
    /// Makes the folder for documents on their way in, and empties it of what a crash has left there.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn new(
        data: &Path,
        space: FreeSpace,
        lookup: Lookup,
        crls: SealCrls,
        tasks: Tasks,
        idle: Duration,
    ) -> Result<Self, io::Error> {
        let spool = Spool::open(data.join(FOLDER), space, tasks.clone())?;
        let (trust, clock) = (Arc::clone(&lookup.trust), lookup.clock.clone());
        let fetched = Arc::new(Semaphore::new(original::FETCHED_AT_ONCE));
        Ok(Self { spool, trust, crls, lookup, tasks, clock, idle, fetched })
    }

    /// Begins to count how fast a document comes.
    pub fn pace(&self) -> Pace {
        Pace::new(self.clock.instant(), self.idle)
    }

    /// Begins to receive a document. The place is held until nothing works on it any more, whoever has gone away.
    ///
    /// # Errors
    /// `NO_SPACE`; the folder is not to be written.
    pub async fn begin(&self, expected: Expected, place: Arc<Place>) -> Result<Incoming, Refusal> {
        Ok(Incoming { spooled: self.spool.begin().await?, documents: self.clone(), expected, place })
    }
}

/// A document on its way in. Dropped, it leaves nothing.
pub struct Incoming {
    documents: Documents,
    spooled: Spooled,
    expected: Expected,
    place: Arc<Place>,
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// `DOCUMENT_EMPTY` for no bytes, `DOCUMENT_TOO_LARGE`, `NO_SPACE`; the disk fails.
    pub async fn take(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.spooled.take(chunk).await
    }

    /// Everything came: judges it. Where the caller goes away, the work ends at its next look at the file.
    ///
    /// # Errors
    /// `DOCUMENT_EMPTY`; the disk or the store fails. What is wrong with the document is no error.
    pub async fn judge(self) -> Result<Judged, Refusal> {
        let Self { documents, spooled, expected, place } = self;
        let left = CancellationToken::new();
        let _guard = left.clone().drop_guard();
        let (mut file, bytes, sha256) = spooled.finish(left).await?;
        let tasks = documents.tasks.clone();
        let work = tasks.blocking(move || {
            let _place = place;
            let (at_ms, fault) = (documents.clock.now_ms(), file.fault());
            let report = documents.report(&mut file, &expected, at_ms);
            // What this node could not read is no fault of the document.
            if let Some(fault) = fault.get() {
                return Err(spool::broken(fault));
            }
            let certificate = documents.certificate(&report, &expected, &mut file, bytes)?;
            metrics::counter!(DOCUMENTS_JUDGED, "verdict" => report.verdict.word()).increment(1);
            let stated = report.documents.iter().find_map(StatedCopy::of);
            let copy = stated.map(|stated| copy_facts(stated, documents.lookup.today(), &sha256));
            Ok(Judged { report, at_ms, bytes, sha256, certificate, copy })
        });
        work.await.map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a judgement"))?
    }
}

impl Documents {
    fn report(&self, file: &mut spool::Reader, expected: &Expected, at_ms: u64) -> Report {
        let snapshot = self.trust.snapshot();
        let anchors = trust::anchors(snapshot.bundle());
        let crls = self.crls.current();
        let basis = Basis {
            anchors: &anchors,
            crls: &crls,
            signers: &expected.signers,
            now: Instant(at_ms),
            crl_grace_ms: 0,
            without_crl: false,
            limits: Limits { package_bytes: MAX_BYTES, ..Limits::DEFAULT },
        };
        verify(file, &basis)
    }

    fn certificate<R: Read + Seek>(
        &self,
        report: &Report,
        expected: &Expected,
        document: &mut R,
        bytes: u64,
    ) -> Result<Option<Named>, Refusal> {
        let said = report.documents.iter().flat_map(|document| document.custom(CERTIFICATE_IDENTIFIER));
        // What is no identifier names nothing.
        let said: BTreeSet<String> =
            said.filter_map(|text| Some(CertificateId::parse(text).ok()?.to_string())).collect();
        let (id, naming) = match &expected.certificate_id {
            Some(id) if said.is_empty() => (id.to_string(), Naming::NotNamed),
            Some(id) => {
                let id = id.to_string();
                let agrees = said.len() == 1 && said.contains(&id);
                (id, if agrees { Naming::Agrees } else { Naming::Differs })
            }
            // Of several none is picked: the caller has to say which.
            None => match said.first() {
                Some(only) if said.len() == 1 => (only.clone(), Naming::Agrees),
                _ => return Ok(None),
            },
        };
        let verification = self.lookup.verify(Subject::Id(id.clone()), None)?;
        let header = Self::header(&verification);
        let file = self.file_of(document, bytes, expected.file_salt, report, header)?;
        let form = header.map(|header| self.legal_form(header)).transpose()?.flatten();
        let original = original::counts_as_original(form, report, file, &verification);
        Ok(Some(Named { id, naming, document_names: said.into_iter().collect(), verification, file, original }))
    }
}
