//! Use case: is this certificate genuine, and in force? From the index alone, no call to another city.

mod known;

pub(crate) use known::Entry;
pub use known::Known;

use crate::{
    issuing::record,
    lookup::{Lookup, Standing},
    refusal::Refusal,
    store::{
        Space, keys,
        log::{Kind, Log},
    },
};
use bytes::Bytes;
use exchange_core::{
    certificate::{Header, PAYLOAD_TYPE},
    chain::SignerStanding,
    checkpoint::Checkpoint,
    date::Date,
    dsse::Envelope,
    export,
    position::Position,
    reason::Reason,
    region::Region,
};
use exchange_proto::{certificate as convert, export as file, store as row, v1};
use std::sync::Arc;

pub use exchange_core::export::Check;

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Issued by the department that it names; what it is worth today says its standing.
    Genuine,
    /// A check failed.
    NotGenuine,
    /// Of a schema that this release does not know; never valid.
    UnknownSchema,
    /// Not in the index.
    NotFound,
}

/// Everything that was found out.
#[derive(Debug)]
pub struct Verification {
    /// In one word.
    pub verdict: Verdict,
    /// In order.
    pub checks: Vec<Check>,
    /// Today; `None` where nothing is known of it.
    pub standing: Option<Standing>,
    /// On the day that was asked.
    pub standing_on_day: Option<Standing>,
    /// The certificate, where its header reads.
    pub certificate: Option<Shown>,
    /// The signer's credential was withdrawn later, at this time.
    pub signer_withdrawn_ms: Option<u64>,
    /// It was withdrawn for a compromised key.
    pub review_needed: bool,
    /// The same id in other cities' logs.
    pub conflicts: Vec<Region>,
}

/// A certificate as its envelope and the index have it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What was signed.
    pub header: Arc<Header>,
    /// Bytes of the envelope.
    pub envelope: Bytes,
    /// As the index has it.
    pub row: Arc<row::CertificateRow>,
    /// In its city's log.
    pub position: Position,
}

/// What to verify.
#[derive(Debug)]
pub enum Subject {
    /// By id, from the index.
    Id(String),
    /// An envelope that somebody showed.
    Envelope(Bytes),
    /// An export file that somebody showed.
    Export(Bytes),
}

const CHECKS: [(&str, &str); 6] = [
    ("envelope_signature", "a signature by the credential that the envelope names"),
    ("credential_chain", "a document credential of the issuing department, good when it signed"),
    ("log_inclusion", "the same envelope in the issuing city's log"),
    ("checkpoint", "a checkpoint signed by the issuing city that covers the entry"),
    ("status", "a status that the city's log gives"),
    ("freshness", "word of the issuing city within the limit"),
];

impl Lookup {
    /// Verifies.
    ///
    /// # Errors
    /// The bytes are no envelope, or the store fails. A certificate that is not genuine is an answer, not an error.
    pub fn verify(&self, subject: Subject, on_day: Option<Date>) -> Result<Verification, Refusal> {
        let (id, shown) = match subject {
            Subject::Id(id) => (id, None),
            Subject::Export(bytes) => return self.verify_export(&bytes, on_day),
            Subject::Envelope(bytes) => match Opened::read(bytes) {
                Ok(opened) => (opened.header.certificate_id.to_string(), Some(opened)),
                Err(error) if error.reason() == Reason::UnknownSchema => {
                    return Ok(Verification::only(Verdict::UnknownSchema));
                }
                Err(error) => {
                    return Err(Refusal::caller(
                        Reason::MessageUndecodable,
                        error.to_string(),
                        "the bytes of an envelope",
                    ));
                }
            },
        };
        let Some((region, found)) = self.locate(&id)? else {
            return Ok(Verification::only(Verdict::NotFound));
        };
        let position = Position { region, epoch: found.epoch, index: found.index };
        let mut verification = Verification::only(Verdict::NotGenuine);
        verification.conflicts = self.others_with(&id, region)?;
        let by_id = shown.is_none();
        let age = match self.known.verified(position) {
            Ok((entry, signed_ms)) if by_id => {
                let signed_ms = Some(signed_ms);
                let opened = Opened::known(&entry);
                self.check_signer(&mut verification, &opened, position, signed_ms)?;
                check_log(&mut verification, true, position, signed_ms);
                self.conclude(&mut verification, opened, found, position, on_day)?;
                return Ok(verification);
            }
            Ok(_) => None,
            Err(age) => Some(age),
        };
        let Some(logged) = record::envelope(&self.store, self.region, position)? else {
            verification.set(2, false, "the entry was redacted");
            return Ok(verification);
        };
        let opened = match shown.map_or_else(|| Opened::read(logged.clone()), Ok) {
            Ok(opened) => opened,
            Err(error) if error.reason() == Reason::UnknownSchema => {
                verification.verdict = Verdict::UnknownSchema;
                return Ok(verification);
            }
            Err(error) => {
                verification.set(0, false, error.to_string());
                return Ok(verification);
            }
        };
        let signed_ms = self.signing_time(position)?;
        self.check_signer(&mut verification, &opened, position, signed_ms)?;
        check_log(&mut verification, opened.bytes == logged, position, signed_ms);
        let to_keep =
            age.filter(|_| by_id).and_then(|age| Some((age, opened.to_keep(Some(self.final_time(position)?)))));
        self.conclude(&mut verification, opened, found, position, on_day)?;
        if let Some((age, entry)) = to_keep.filter(|_| verification.verdict == Verdict::Genuine) {
            self.known.keep_entry(position, entry, age);
        }
        Ok(verification)
    }

    /// What the certificate is worth, and the verdict over all checks.
    fn conclude(
        &self,
        verification: &mut Verification,
        opened: Opened,
        found: Arc<row::CertificateRow>,
        position: Position,
        on_day: Option<Date>,
    ) -> Result<(), Refusal> {
        let region = position.region;
        let today = self.today();
        let standing = self.standing(region, &found, today)?;
        verification.set(4, true, standing.status.to_string());
        verification.set(5, standing.freshness == v1::Freshness::Current, standing.note.clone());
        // A stale copy is genuine still; it says so in its standing.
        if verification.checks.iter().take(5).all(|check| check.ok == Some(true)) {
            verification.verdict = Verdict::Genuine;
        }
        verification.standing_on_day = on_day.map(|day| self.standing_on(region, &found, day)).transpose()?;
        verification.standing = Some(standing);
        let Opened { bytes: envelope, header, .. } = opened;
        verification.certificate = Some(Shown { header, envelope, row: found, position });
        Ok(())
    }

    /// The file by itself first, as a machine without a node would; then its envelope by what is known here now.
    fn verify_export(&self, bytes: &[u8], on_day: Option<Date>) -> Result<Verification, Refusal> {
        let snapshot = self.trust.snapshot();
        let report = match file::decode_file(bytes) {
            Ok(export) => {
                let report = export::verify(&export, &snapshot.basis(self.clock.now_ms(), true));
                if report.genuine.is_some()
                    && let Some(envelope) = file::envelope(&export)
                {
                    let mut verification = self.verify(Subject::Envelope(envelope), on_day)?;
                    // Names that stand for the same are those of what is known now, which are stricter.
                    let own = |check: &Check| CHECKS.iter().all(|(name, _)| *name != check.name);
                    verification.checks.splice(0..0, report.checks.into_iter().filter(own));
                    return Ok(verification);
                }
                report
            }
            Err(report) => report,
        };
        let verdict = if report.unknown_version { Verdict::UnknownSchema } else { Verdict::NotGenuine };
        Ok(Verification { checks: report.checks, ..Verification::only(verdict) })
    }

    fn others_with(&self, id: &str, first: Region) -> Result<Vec<Region>, Refusal> {
        let mut others = Vec::new();
        for region in self.regions() {
            if region != first && self.store.has_certificate(region, id)? {
                others.push(region);
            }
        }
        Ok(others)
    }

    /// Signature and credential: chain and dates at the time of signing, withdrawal as known now.
    fn check_signer(
        &self,
        verification: &mut Verification,
        opened: &Opened,
        position: Position,
        signed_ms: Option<u64>,
    ) -> Result<(), Refusal> {
        let Opened { bytes, header, key_id, envelope } = opened;
        if envelope.as_ref().is_some_and(|envelope| envelope.payload_type != PAYLOAD_TYPE) {
            verification.set(0, false, "the payload type of something else");
            return Ok(());
        }
        let Some(signed_ms) = signed_ms else {
            verification.set(3, false, "no checkpoint covers the entry yet");
            return Ok(());
        };
        let snapshot = self.trust.snapshot();
        // A CRL that is stale here makes the standing of the certificate stale, not the certificate false.
        let basis = snapshot.basis(self.clock.now_ms(), true);
        let at = (position.region, *key_id);
        let row = || self.store.province.get(Space::Credentials, keys::regional(position.region, key_id));
        let signer = match self.known.signer(at, row, signed_ms, &basis, &self.trust, snapshot.generation())? {
            Some(Ok(signer)) => signer,
            Some(Err(error)) => {
                verification.set(1, false, error.to_string());
                return Ok(());
            }
            None => {
                verification.set(0, false, "a credential that the city's log does not have");
                return Ok(());
            }
        };
        let verified = signer.path.credential();
        match signer.path.standing(signed_ms, &basis) {
            Err(error) => verification.set(1, false, error.to_string()),
            Ok(_) if !header.is_by(verified.id()) => {
                verification.set(1, false, format!("the credential of {}", verified.id()));
            }
            Ok(_) if !header.names_its_own() => {
                verification.set(1, false, "an identifier of another department or type than the header's");
            }
            Ok((standing, _)) => {
                let verify = |key| match envelope {
                    Some(envelope) => self.known.signature(key, bytes, || envelope.verify(key)),
                    None => Ok(()),
                };
                match signer.key.as_ref().map_err(Clone::clone).and_then(verify) {
                    Ok(()) => verification.set(0, true, ""),
                    Err(error) => verification.set(0, false, error.to_string()),
                }
                match standing {
                    SignerStanding::Genuine => verification.set(1, true, ""),
                    SignerStanding::GenuineSignerWithdrawnSince(ms) => {
                        verification.set(1, true, "withdrawn after it signed");
                        verification.signer_withdrawn_ms = Some(ms);
                    }
                    SignerStanding::ReviewNeeded(ms) => {
                        verification.set(1, true, "its key was compromised after it signed");
                        verification.signer_withdrawn_ms = Some(ms);
                        verification.review_needed = true;
                    }
                    SignerStanding::SignerWithdrawn(ms) => {
                        verification.set(1, false, Reason::SignerWithdrawn.code());
                        verification.signer_withdrawn_ms = Some(ms);
                    }
                }
            }
        }
        Ok(())
    }

    /// As [`Lookup::signing_time`] found it, unless a heartbeat may still change it.
    fn final_time(&self, position: Position) -> Option<u64> {
        self.known.time(position.region, position.epoch, position.index)
    }

    /// `at` of the first checkpoint that covers an entry.
    fn signing_time(&self, position: Position) -> Result<Option<u64>, Refusal> {
        let Position { region, epoch, index } = position;
        if let Some(at_ms) = self.known.time(region, epoch, index) {
            return Ok(Some(at_ms));
        }
        let database = if region == self.region { &self.store.own } else { &self.store.province };
        let log = Log::new(database, Kind::Events, region, epoch);
        let Some((size, note)) = log.checkpoint_from(index + 1)? else { return Ok(None) };
        let checkpoint = Checkpoint::parse_unverified(&note).map_err(|error| crate::store::Error::Row {
            space: Space::Checkpoints.name(),
            problem: error.to_string(),
        })?;
        if log.checkpoint_from(size + 1)?.is_some() {
            self.known.keep_time(region, epoch, index, size, checkpoint.at_ms);
        }
        Ok(Some(checkpoint.at_ms))
    }
}

/// The copy of the log was checked against signed checkpoints when it was written.
fn check_log(verification: &mut Verification, same: bool, position: Position, signed_ms: Option<u64>) {
    verification.set(2, same, if same { position.to_string() } else { format!("another envelope at {position}") });
    match signed_ms {
        Some(at) => verification.set(3, true, format!("at {at}")),
        None => verification.set(3, false, "none yet"),
    }
}

/// An envelope with what is in it.
pub(crate) struct Opened {
    bytes: Bytes,
    header: Arc<Header>,
    key_id: [u8; 32],
    /// `None`: it was opened before, and its signature is that of the key.
    envelope: Option<Envelope>,
}

impl Opened {
    pub(crate) fn read(bytes: Bytes) -> Result<Self, exchange_proto::Error> {
        let envelope = convert::decode_envelope(&bytes)?;
        let header = Arc::new(convert::decode_header(&envelope.payload)?);
        Ok(Self { bytes, header, key_id: envelope.key_id, envelope: Some(envelope) })
    }

    fn known(entry: &Entry) -> Self {
        let Entry { envelope, header, key_id, .. } = entry;
        Self { bytes: envelope.clone(), header: Arc::clone(header), key_id: *key_id, envelope: None }
    }

    /// A copy, so that no block of the store is held by it.
    pub(crate) fn to_keep(&self, verified: Option<u64>) -> Entry {
        let (envelope, header) = (Bytes::copy_from_slice(&self.bytes), Arc::clone(&self.header));
        Entry { envelope, header, key_id: self.key_id, verified }
    }
}

impl Verification {
    fn only(verdict: Verdict) -> Self {
        let checks = CHECKS.map(|(name, needed)| Check { name, ok: None, found: String::new(), needed }).to_vec();
        Self {
            verdict,
            checks,
            standing: None,
            standing_on_day: None,
            certificate: None,
            signer_withdrawn_ms: None,
            review_needed: false,
            conflicts: Vec::new(),
        }
    }

    fn set(&mut self, check: usize, ok: bool, found: impl Into<String>) {
        self.checks[check].ok = Some(ok);
        self.checks[check].found = found.into();
    }
}
