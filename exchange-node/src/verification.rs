//! Use case: is this certificate genuine, and in force? From the index alone, no call to another city.

use crate::{
    issuing::record,
    lookup::{Lookup, Standing},
    refusal::Refusal,
    store::{
        Space, keys,
        log::{Kind, Log},
        own,
    },
};
use bytes::Bytes;
use exchange_core::{
    certificate::{Header, PAYLOAD_TYPE},
    chain::{self, SignerStanding},
    checkpoint::Checkpoint,
    date::Date,
    dsse::Envelope,
    export,
    position::Position,
    reason::Reason,
    region::Region,
    signature::PublicKey,
};
use exchange_proto::{certificate as convert, export as file, store as row, v1};
use rustls::pki_types::CertificateDer;

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
    pub certificate: Option<Known>,
    /// The signer's credential was withdrawn later, at this time.
    pub signer_withdrawn_ms: Option<u64>,
    /// It was withdrawn for a compromised key.
    pub review_needed: bool,
    /// The same id in other cities' logs.
    pub conflicts: Vec<Region>,
}

/// A certificate as its envelope and the index have it.
#[derive(Debug, Clone)]
pub struct Known {
    /// What was signed.
    pub header: Header,
    /// Bytes of the envelope.
    pub envelope: Bytes,
    /// As the index has it.
    pub row: row::CertificateRow,
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
            Subject::Envelope(bytes) => match read_header(&bytes) {
                Ok(header) => (header.certificate_id.to_string(), Some(bytes)),
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
        let logged = record::envelope(&self.store, self.region, position)?;
        let mut verification = Verification::only(Verdict::NotGenuine);
        verification.conflicts = self.others_with(&id, region)?;
        let Some(logged) = logged else {
            verification.set(2, false, "the entry was redacted");
            return Ok(verification);
        };
        let envelope = shown.unwrap_or_else(|| logged.clone());
        let header = match read_header(&envelope) {
            Ok(header) => header,
            Err(error) if error.reason() == Reason::UnknownSchema => {
                verification.verdict = Verdict::UnknownSchema;
                return Ok(verification);
            }
            Err(error) => {
                verification.set(0, false, error.to_string());
                return Ok(verification);
            }
        };
        self.check_signer(&mut verification, &envelope, &header, position)?;
        self.check_log(&mut verification, &envelope, &logged, position)?;
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
        verification.certificate = Some(Known { header, envelope, row: found, position });
        Ok(verification)
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
            if region != first && self.store.indexed_certificate(region, id)?.is_some() {
                others.push(region);
            }
        }
        Ok(others)
    }

    /// Signature and credential: chain and dates at the time of signing, withdrawal as known now.
    fn check_signer(
        &self,
        verification: &mut Verification,
        envelope: &Bytes,
        header: &Header,
        position: Position,
    ) -> Result<(), Refusal> {
        let envelope: Envelope = match convert::decode_envelope(envelope) {
            Ok(envelope) => envelope,
            Err(error) => {
                verification.set(0, false, error.to_string());
                return Ok(());
            }
        };
        let key = keys::regional(position.region, &envelope.key_id);
        let Some(credential) = own::read::<row::CredentialRow>(&self.store.province, Space::Credentials, key)? else {
            verification.set(0, false, "a credential that the city's log does not have");
            return Ok(());
        };
        if envelope.payload_type != PAYLOAD_TYPE {
            verification.set(0, false, "the payload type of something else");
            return Ok(());
        }
        let Some(signed_ms) = self.signing_time(position)? else {
            verification.set(3, false, "no checkpoint covers the entry yet");
            return Ok(());
        };
        let intermediates: Vec<CertificateDer<'_>> =
            credential.intermediates.iter().map(|der| CertificateDer::from(&der[..])).collect();
        let snapshot = self.trust.snapshot();
        // A CRL that is stale here makes the standing of the certificate stale, not the certificate false.
        let basis = snapshot.basis(self.clock.now_ms(), true);
        match chain::verify_signer(&credential.leaf, &intermediates, signed_ms, &basis) {
            Err(error) => verification.set(1, false, error.to_string()),
            Ok((verified, _)) if !header.is_by(verified.id()) => {
                verification.set(1, false, format!("the credential of {}", verified.id()));
            }
            Ok(_) if !header.names_its_own() => {
                verification.set(1, false, "an identifier of another department or type than the header's");
            }
            Ok((verified, standing)) => {
                let key = PublicKey::from_spki_der(&verified.credential().spki);
                match key.and_then(|key| envelope.verify(&key)) {
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

    fn check_log(
        &self,
        verification: &mut Verification,
        envelope: &Bytes,
        logged: &Bytes,
        position: Position,
    ) -> Result<(), Refusal> {
        // The copy of the log was checked against signed checkpoints when it was written.
        let same = envelope == logged;
        verification.set(2, same, if same { position.to_string() } else { format!("another envelope at {position}") });
        match self.signing_time(position)? {
            Some(at) => verification.set(3, true, format!("at {at}")),
            None => verification.set(3, false, "none yet"),
        }
        Ok(())
    }

    /// `at` of the first checkpoint that covers an entry.
    fn signing_time(&self, position: Position) -> Result<Option<u64>, Refusal> {
        let database = if position.region == self.region { &self.store.own } else { &self.store.province };
        let log = Log::new(database, Kind::Events, position.region, position.epoch);
        let Some((_, note)) = log.checkpoint_from(position.index + 1)? else { return Ok(None) };
        let checkpoint = Checkpoint::parse_unverified(&note).map_err(|error| crate::store::Error::Row {
            space: Space::Checkpoints.name(),
            problem: error.to_string(),
        })?;
        Ok(Some(checkpoint.at_ms))
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

fn read_header(envelope: &Bytes) -> Result<Header, exchange_proto::Error> {
    convert::decode_header(&convert::decode_envelope(envelope)?.payload)
}
