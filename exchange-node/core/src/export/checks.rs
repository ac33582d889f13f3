//! The checks, in their order.

use rustls_pki_types::CertificateDer;

use super::{BEFOREHAND, Change, Export, ExportLink, Report};
use crate::{
    apply::{CertificateState, FIRST_STATUS, check_change},
    certificate_type::FieldRole,
    chain::{Added, Authority, Basis, Crl, CrlSet, Error as ChainError, Instant, SignerStanding, verify_signer},
    checkpoint::{Checkpoint, LogKind, LogProof, Origin, VerifiedCheckpoint, open},
    date::Date,
    merkle::verify_consistency,
    position::Position,
    region::Region,
    signature::PublicKey,
    status::{self, Status},
};

/// How far ahead of this machine's clock a checkpoint may be, in milliseconds: the skew that all clocks are allowed.
const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// A change of status that counts from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InEffect {
    /// First day on which it holds.
    pub effective_on: Date,
    /// What the certificate became.
    pub status: Status,
    /// The type's own code; empty for a replacement.
    pub status_code: String,
}

/// What is known of a certificate whose export passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genuine {
    /// Of the issue.
    pub position: Position,
    /// `at` of the first checkpoint that covers the issue, UTC milliseconds.
    pub signed_ms: u64,
    /// The status is as of then, UTC milliseconds: `at` of the newest checkpoint in the file.
    pub as_of_ms: u64,
    /// When the node recorded the export, UTC milliseconds.
    pub exported_ms: u64,
    /// Changes of status, oldest first.
    pub changes: Vec<InEffect>,
    /// What the withdrawal of the signer's credential, as the CRLs say it, means.
    pub signer: SignerStanding,
    /// What weakens the verdict, for people.
    pub warnings: Vec<String>,
    valid_from: Date,
    valid_until: Option<Date>,
}

impl Genuine {
    /// Status today as far as it is known, with the dates laid over it.
    #[must_use]
    pub fn status(&self, today: Date) -> Status {
        self.overlaid(self.changes.last(), today)
    }

    /// The last change that had taken effect by a day, and the status on that day.
    #[must_use]
    pub fn on_day(&self, day: Date) -> (Option<&InEffect>, Status) {
        let last = self.changes.iter().rfind(|change| change.effective_on <= day);
        (last, self.overlaid(last, day))
    }

    fn overlaid(&self, change: Option<&InEffect>, day: Date) -> Status {
        let stored = change.map_or(FIRST_STATUS, |change| change.status);
        status::on_day(stored, self.valid_from, self.valid_until, day)
    }
}

/// Verifies an export. `basis`: pinned roots, a bundle that was [accepted](crate::bundle::accept) under them, CRLs that
/// the verifier has besides (the newest of each CA counts), and the verifier's time, by which nothing but a clock that
/// is far off is found. Dates and withdrawals are judged as of the export.
#[must_use]
pub fn verify(export: &Export, basis: &Basis<'_>) -> Report {
    let mut report = Report::begun(false);
    report.checks[..BEFOREHAND].iter_mut().for_each(|check| check.ok = Some(true));
    let mut verifier = Verifier { export, basis, report, warnings: Vec::new() };
    let genuine = verifier.run().ok().map(Box::new);
    Report { genuine, ..verifier.report }
}

/// A check failed; which one is in the report.
struct Failed;

struct Verifier<'a> {
    export: &'a Export,
    basis: &'a Basis<'a>,
    report: Report,
    warnings: Vec<String>,
}

impl Verifier<'_> {
    fn run(&mut self) -> Result<Genuine, Failed> {
        let header = &self.export.header;
        self.bundle();
        self.settle("receipt", self.receipt(), String::clone)?;
        let issue = self
            .settle("log_inclusion", self.log_inclusion(), |issue| format!("signed by {}", Instant(issue.at_ms())))?;
        let as_of = self.settle("checkpoint", self.checkpoint(&issue), |as_of| {
            format!("{} entries at {}", as_of.size(), Instant(as_of.at_ms()))
        })?;
        let signer = self.signer(issue.at_ms(), as_of.at_ms())?;
        let changes = self.settle("status", self.status(&as_of), |changes| {
            let status = changes.last().map_or(FIRST_STATUS, |change| change.status);
            format!("{status} after {} changes, as of {}", changes.len(), Instant(as_of.at_ms()))
        })?;
        self.settle("disclosures", self.disclosures(), String::clone)?;
        Ok(Genuine {
            position: position(&self.export.issue).ok_or(Failed)?,
            signed_ms: issue.at_ms(),
            as_of_ms: as_of.at_ms(),
            exported_ms: self.export.record.at_ms,
            changes,
            signer,
            warnings: std::mem::take(&mut self.warnings),
            valid_from: header.valid_from,
            valid_until: header.valid_until,
        })
    }

    /// Notes what a check said.
    fn settle<T>(
        &mut self,
        name: &str,
        outcome: Result<T, String>,
        found: impl FnOnce(&T) -> String,
    ) -> Result<T, Failed> {
        match outcome {
            Ok(passed) => {
                self.report.set(name, true, found(&passed));
                Ok(passed)
            }
            Err(problem) => {
                self.report.set(name, false, problem);
                Err(Failed)
            }
        }
    }

    /// The caller has accepted the bundle; here it is only compared with the one that the exporting node knew.
    fn bundle(&mut self) {
        let own = self.basis.bundle;
        let (series, number) = &self.export.bundle;
        self.report.set("bundle", true, format!("{}/{}", own.series, own.number));
        if (own.series.as_str(), own.number) < (series.as_str(), *number) {
            self.warnings.push(format!(
                "the export was made under trust bundle {series}/{number}, this one is {}/{}: get the newer one",
                own.series, own.number
            ));
        }
        if own.expires_at_ms < self.basis.at_ms {
            self.warnings.push(format!("the trust bundle ended at {}", Instant(own.expires_at_ms)));
        }
    }

    /// The city's own word for this very content, and what the record says of it.
    fn receipt(&self) -> Result<String, String> {
        let (record, receipt) = (&self.export.record, &self.export.receipt);
        of_log(&receipt.origin, self.export.header.issuing_region, LogKind::Access)?;
        let checkpoint = self.opened(&receipt.checkpoint_note)?;
        receipt.check_against(&checkpoint).map_err(|error| error.to_string())?;
        if record.content_sha256 != self.export.content_sha256 {
            return Err("the record of another content".to_owned());
        }
        if record.certificate_id != self.export.header.certificate_id.as_str() {
            return Err("the record of another certificate".to_owned());
        }
        if !record.fields.iter().eq(self.export.disclosures.iter().map(|one| &one.name)) {
            return Err("the record of other fields".to_owned());
        }
        Ok(format!("exported at {} for {}", Instant(record.at_ms), record.caller))
    }

    fn log_inclusion(&self) -> Result<VerifiedCheckpoint, String> {
        let issue = &self.export.issue;
        of_log(&issue.origin, self.export.header.issuing_region, LogKind::Events)?;
        let checkpoint = self.opened(&issue.checkpoint_note)?;
        issue.check_against(&checkpoint).map_err(|error| error.to_string())?;
        Ok(checkpoint)
    }

    /// The newest checkpoint continues the one that covers the issue.
    fn checkpoint(&self, issue: &VerifiedCheckpoint) -> Result<VerifiedCheckpoint, String> {
        let as_of = self.opened(&self.export.as_of)?;
        of_log(as_of.origin(), self.export.header.issuing_region, LogKind::Events)?;
        let (old, new) = (issue.origin().epoch(), as_of.origin().epoch());
        if new < old || as_of.at_ms() < issue.at_ms() {
            return Err("a checkpoint older than the one that covers the issue".to_owned());
        }
        if as_of.at_ms() > self.basis.at_ms.saturating_add(MAX_SKEW_MS) {
            let (at, now) = (Instant(as_of.at_ms()), Instant(self.basis.at_ms));
            return Err(format!("a checkpoint of {at}, and it is {now}: check this machine's clock"));
        }
        if new == old {
            let proof = &self.export.consistency;
            verify_consistency(issue.size(), issue.root(), as_of.size(), as_of.root(), proof)
                .map_err(|error| error.to_string())?;
        } else if !self.export.consistency.is_empty() {
            return Err("a proof of consistency between two epochs".to_owned());
        }
        Ok(as_of)
    }

    /// Credential, CRLs and signature: chain and dates at the signing time, withdrawal by the newest CRLs.
    fn signer(&mut self, signed_ms: u64, as_of_ms: u64) -> Result<SignerStanding, Failed> {
        let export = self.export;
        let authorities = self.settle("credential_chain", self.authorities(), |_| String::new())?;
        let (crls, told) = self.settle("crl", self.crls(&authorities), |(_, told)| told.clone())?;
        let intermediates: Vec<_> =
            export.intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let basis = Basis { crls: &crls, at_ms: as_of_ms, admit_stale_crl: true, ..*self.basis };
        let judged = verify_signer(&export.credential, &intermediates, signed_ms, &basis);
        let at = match &judged {
            Err(ChainError::CrlMissing { .. }) => "crl",
            _ => "credential_chain",
        };
        let judged = judged.map_err(|error| error.to_string()).and_then(|(verified, standing)| {
            if !export.header.is_by(verified.id()) {
                return Err(format!("the credential of {}", verified.id()));
            }
            if !export.header.names_its_own() {
                return Err("an identifier of another department or type than the header's".to_owned());
            }
            match standing {
                SignerStanding::SignerWithdrawn(ms) => Err(format!("SIGNER_WITHDRAWN at {}", Instant(ms))),
                _ => Ok((verified, standing)),
            }
        });
        let (verified, standing) = self.settle(at, judged, |(verified, standing)| match standing {
            SignerStanding::GenuineSignerWithdrawnSince(ms) => {
                format!("withdrawn after it signed, at {}", Instant(*ms))
            }
            SignerStanding::ReviewNeeded(ms) => format!("its key was compromised after it signed, at {}", Instant(*ms)),
            _ => verified.id().to_string(),
        })?;
        if let SignerStanding::ReviewNeeded(ms) = standing {
            self.warnings.push(format!("the signer's key was compromised later, at {}: to be reviewed", Instant(ms)));
        }
        if let Some(stale) = verified.stale_crl() {
            let due = Instant(stale.next_update_ms);
            self.warnings.push(format!("a newer CRL of {} was due at {due}, before the export", stale.issuer));
        }
        self.report.set("crl", true, told);
        let credential = verified.credential();
        let signature = self.envelope_signature(&credential.key_id(), &credential.spki);
        self.settle("envelope_signature", signature, String::clone)?;
        Ok(standing)
    }

    /// The CAs of the file, and the pinned roots.
    fn authorities(&self) -> Result<Vec<Authority>, String> {
        let mut found = self.basis.roots.authorities().to_vec();
        for der in &self.export.intermediates {
            found.push(Authority::parse(der).map_err(|error| error.to_string())?);
        }
        Ok(found)
    }

    /// The newest CRL of each CA, of the file's and the verifier's; each of the file's is by one of these CAs.
    fn crls(&self, authorities: &[Authority]) -> Result<(CrlSet, String), String> {
        let mut set = self.basis.crls.clone();
        authorities.iter().for_each(|authority| set.settle(authority));
        let mut told = Vec::new();
        for der in &self.export.crls {
            let crl = Crl::parse(der).map_err(|error| error.to_string())?;
            told.push(format!("{} number {} of {}", crl.issuer, crl.number, Instant(crl.this_update_ms)));
            match set.add(crl, authorities) {
                Ok(Added::Waiting) => return Err("a CRL of a CA that is not on the path".to_owned()),
                // The verifier has a newer one, which counts.
                Ok(_) | Err(ChainError::CrlRolledBack { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok((set, told.join(", ")))
    }

    fn envelope_signature(&self, key_id: &[u8; 32], spki: &[u8]) -> Result<String, String> {
        let envelope = &self.export.envelope;
        if envelope.payload_type != crate::certificate::PAYLOAD_TYPE {
            return Err("the payload type of something else".to_owned());
        }
        if envelope.key_id != *key_id {
            return Err("the envelope names another credential".to_owned());
        }
        let key = PublicKey::from_spki_der(spki).map_err(|error| error.to_string())?;
        envelope.verify(&key).map_err(|error| error.to_string())?;
        Ok(self.export.header.issuer.uscc.to_string())
    }

    /// Follows the chain from the issue; every link stands in the log, behind the one before it.
    fn status(&self, as_of: &VerifiedCheckpoint) -> Result<Vec<InEffect>, String> {
        let newest_link = position(&self.export.issue).ok_or("no region")?;
        let revision = self.export.header.revision;
        let mut state = CertificateState { status: FIRST_STATUS, newest_link, revision, replaced: false };
        let mut changes = Vec::with_capacity(self.export.links.len());
        for link in &self.export.links {
            let at = self.link_position(link, as_of)?;
            if (at.epoch, at.index) <= (state.newest_link.epoch, state.newest_link.index) {
                return Err(format!("the entry at {at} does not stand behind {}", state.newest_link));
            }
            let change = self.follow(&mut state, &link.change).map_err(|problem| format!("at {at}: {problem}"))?;
            state.status = change.status;
            state.newest_link = at;
            changes.push(change);
        }
        Ok(changes)
    }

    fn link_position(&self, link: &ExportLink, as_of: &VerifiedCheckpoint) -> Result<Position, String> {
        let proof = &link.proof;
        of_log(&proof.origin, self.export.header.issuing_region, LogKind::Events)?;
        let at = position(proof).ok_or("no region")?;
        if proof.origin == *as_of.origin() {
            // Under the very checkpoint that the status is as of.
            if proof.checkpoint_note != self.export.as_of {
                return Err(format!("the entry at {at} is under another checkpoint"));
            }
            proof.check_against(as_of).map_err(|error| format!("at {at}: {error}"))?;
        } else {
            if at.epoch > as_of.origin().epoch() {
                return Err(format!("the entry at {at} is of a later epoch"));
            }
            let checkpoint = self.opened(&proof.checkpoint_note)?;
            proof.check_against(&checkpoint).map_err(|error| format!("at {at}: {error}"))?;
        }
        Ok(at)
    }

    /// What an entry makes of the certificate, by the rules that every node applies.
    fn follow(&self, state: &mut CertificateState, change: &Change) -> Result<InEffect, String> {
        let header = &self.export.header;
        match change {
            Change::Status(change) => {
                if change.certificate_id != header.certificate_id.as_str() {
                    return Err("a change of another certificate".to_owned());
                }
                check_change(state, change).map_err(|error| error.to_string())?;
                let (effective_on, status_code) = (change.effective_on, change.status_code.clone());
                Ok(InEffect { effective_on, status: change.to, status_code })
            }
            Change::Replaced(by) => {
                let follows = by.previous.as_ref() == Some(&header.certificate_id)
                    && by.issuing_region == header.issuing_region
                    && Some(by.revision) == state.revision.checked_add(1)
                    && !state.replaced;
                if !follows {
                    return Err("an issue that does not replace this certificate".to_owned());
                }
                status::allowed(state.status, Status::Replaced, false).map_err(|error| error.to_string())?;
                state.replaced = true;
                Ok(InEffect { effective_on: by.valid_from, status: Status::Replaced, status_code: String::new() })
            }
        }
    }

    /// Values in the header's order, each with the digest that was signed.
    fn disclosures(&self) -> Result<String, String> {
        let (header, released) = (&self.export.header, &self.export.disclosures);
        let mut fields = header.fields.iter();
        for one in released {
            if !fields.any(|field| field.name == one.name) {
                return Err(format!("{} is no field of the certificate, or out of its order", one.name));
            }
            header.check_disclosure(one).map_err(|error| error.to_string())?;
        }
        let named = released.iter().any(|one| one.name == FieldRole::HolderName.field_name());
        let holder = if named { "the holder's name among them" } else { "the holder's name is not among them" };
        Ok(format!("{} of {} fields, {holder}", released.len(), header.fields.len()))
    }

    /// A checkpoint under the keys that the bundle gives to its position.
    fn opened(&self, note: &[u8]) -> Result<VerifiedCheckpoint, String> {
        let claimed = Checkpoint::parse_unverified(note).map_err(|error| error.to_string())?;
        let origin = &claimed.origin;
        let region = Region::parse(origin.region()).map_err(|error| error.to_string())?;
        let keys = self.basis.bundle.log_keys(region, origin.kind(), origin.epoch(), claimed.size);
        open(note, &keys).map_err(|error| error.to_string())
    }
}

fn of_log(origin: &Origin, region: Region, kind: LogKind) -> Result<(), String> {
    if origin.region() == region.as_str() && origin.kind() == kind {
        return Ok(());
    }
    Err(format!("{origin}; the {} log of {region} is needed", kind.as_str()))
}

fn position(proof: &LogProof) -> Option<Position> {
    let region = Region::parse(proof.origin.region()).ok()?;
    Some(Position { region, epoch: proof.origin.epoch(), index: proof.index })
}
