//! Copies of certificates' documents for one use (加注件), in the place of a file that is fetched.
//!
//! Answering: the copy is laid out from the certificate's values, sealed and kept before the answer is recorded; its row, by
//! which it can be used once, is in the commit of the record. Its number is a keyed digest of the question's record: one
//! question has one copy, however often it is asked. Asking: the copy stands in nobody's header; what is handed over has the
//! digest in the custodian's receipt, and a seal that this node believes.

use super::{
    Lookup,
    answer::{AnsweredAs, Judged},
    fetch::{AnsweredFile, ended},
};
use crate::{
    access::{NewCopy, Party},
    blobs::Pin,
    crash::Point,
    documents,
    issuing::record,
    licences::{Content, Note},
    refusal::Refusal,
    store::keys,
    telemetry::COPIES_MADE,
};
use exchange_core::{
    access::AccessRecord,
    certificate::Field,
    chain::Instant,
    checkpoint::LogProof,
    copy::{self, CopyNumber, Known},
    date::Date,
    disclosure::file_digest,
    file::{MAX_FILE_BYTES, OFD, StoredFile},
    merkle::leaf_hash,
    position::Position,
    purpose::{self, FileGrant},
    question::Purpose,
    reason::Reason,
    region::Region,
    status::Status,
};
use exchange_proto::{copy::CopyMade, v1};
use exchange_seal::{Basis, Limits, Verdict, licence::StatedCopy, verify};
use ring::digest::{SHA256, digest};
use std::{io::Cursor, sync::Arc};

/// The bytes of a copy are kept for so long, in milliseconds: the same question may come again while it is fresh, and for
/// as long as an answer may take.
pub(crate) const KEPT_FOR_REPETITIONS_MS: u64 = 60 * 60 * 1_000;

/// A copy that is made and kept, and not recorded yet.
struct Made {
    row: CopyMade,
    file: StoredFile,
    /// Until the commit nothing else refers to its bytes; `None`: made before.
    pin: Option<Pin>,
}

impl Lookup {
    /// Decides, makes and keeps the copy, records, and only then opens it for reading.
    pub(super) async fn decide_copy(
        &self,
        asking: Region,
        proof: &LogProof,
        asked: &AccessRecord,
        party: &Party,
        index: u32,
    ) -> Result<AnsweredFile, Refusal> {
        let judged = self.judge(asking, asked, party, |facts| purpose::grant_file(facts, index)).await?;
        let number = self.copy_number(proof);
        let made = match &judged.grant {
            Err(reason) => Err(*reason),
            Ok(grant) => match self.store.copy(&number)? {
                Some(row) => Ok(earlier(row)?),
                None => self.make_copy(grant, &judged, asking, asked, number).await?,
            },
        };
        let released = made.as_ref().ok().map(|made| copy::released(index, &made.file.digest, &made.file.salt));
        let new = |made: &Made| {
            let owner = keys::blob(&made.file.blob, self.region, &made.row.known.certificate_id);
            made.pin.is_some().then(|| NewCopy { number, made: made.row.clone(), owner })
        };
        let answered = AnsweredAs {
            refusal: made.as_ref().err().copied(),
            released: released.as_slice(),
            tag: judged.tag,
            copy: made.as_ref().ok().and_then(new),
        };
        let recorded = self.record_answer(asking, proof, asked, party, answered).await?;
        self.crash.pass(Point::AnswerRecorded);
        let nothing = v1::Standing::default();
        let made = match made {
            // Refused the first time; the same question does not become another one.
            _ if recorded.refusal.is_some() => {
                return Ok(AnsweredFile { proof: recorded.proof, file: None, standing: nothing, copy: None });
            }
            Err(reason) if recorded.repeated => {
                let found = "a copy that was handed out before, and would not be now";
                return Err(Refusal::caller(reason, found, reason.info().cure_en));
            }
            Err(_) => return Ok(AnsweredFile { proof: recorded.proof, file: None, standing: nothing, copy: None }),
            Ok(made) if !recorded.repeated => {
                metrics::counter!(COPIES_MADE).increment(1);
                made
            }
            // The same question, at the same time or before: the copy that was recorded, not the one that was made now.
            Ok(_) => earlier(self.store.copy(&number)?.ok_or_else(forgotten)?)?,
        };
        let (blobs, stored) = (self.issuing.blobs.clone(), made.file.clone());
        let opened = self.issuing.tasks.blocking(move || blobs.read(&stored));
        let reader = ended(opened.await)?.map_err(|error| {
            self.kept.damaged(&made.file.blob, &error, &made.row.known.certificate_id);
            Refusal::from(error)
        })?;
        let standing = judged.found.map(|found| self.own_standing(&found)).transpose()?.unwrap_or_default();
        Ok(AnsweredFile { proof: recorded.proof, file: Some((made.file, reader)), standing, copy: Some(number) })
    }

    /// Of the question with this record: nobody who has not the store key can tell it from a random one.
    fn copy_number(&self, proof: &LogProof) -> CopyNumber {
        let tag = self.keys.copies.tag(&[b"number/v1", &leaf_hash(&proof.entry)]);
        let mut bits = [0; 16];
        bits.copy_from_slice(&tag[..16]);
        CopyNumber::new(bits)
    }

    /// Lays the document out anew, with the note, seals it, and keeps it. The inner error is for the record.
    async fn make_copy(
        &self,
        grant: &FileGrant,
        judged: &Judged<FileGrant>,
        asking: Region,
        asked: &AccessRecord,
        number: CopyNumber,
    ) -> Result<Result<Made, Reason>, Refusal> {
        let Some(found) = &judged.found else { return Ok(Err(Reason::CertificateNotFound)) };
        let id = grant.certificate_id().as_str();
        let today = self.today();
        let position = Position { region: self.region, epoch: found.epoch, index: found.index };
        let header = Arc::clone(&self.own_copy(position, id)?.header);
        let Ok(named) = header.file(grant.index()) else { return Ok(Err(Reason::FileUnknown)) };
        let kind = self.catalogue.certificate_type(&found.type_code, Some(found.type_version))?;
        let press = kind.as_ref().and_then(|kind| Some((kind, self.issuing.licences.of(kind, &header.issuer.uscc)?)));
        let Some((kind, press)) = press.filter(|_| named.media_type == OFD) else {
            return Ok(Err(Reason::CopyNotMakeable));
        };
        if record::status_today(found, today) != Status::Active {
            return Ok(Err(Reason::CopyNotMakeable));
        }
        // What the ledger would refuse is not made.
        if let Some(why) = self.issuing.ledger.read_only() {
            return Err(Refusal::node(Reason::ReadOnly, why.as_str(), "a node that may write"));
        }
        self.issuing.space.check().map_err(|short| Refusal::node(Reason::NoSpace, short.found, short.needed))?;
        let disclosures = self.open_disclosures(id, self.store.granted_document(self.region, grant)?)?;
        let expires_on = copy::last_day(today, self.issuing.licences.copies().days, header.valid_until);
        let content = Content {
            environment: self.issuing.environment,
            id: header.certificate_id.clone(),
            type_name: kind.name.clone(),
            issuer: header.issuer.clone(),
            issued_on: header.issued_on,
            valid_from: header.valid_from,
            valid_until: header.valid_until,
            fields: disclosures.into_iter().map(|one| Field { name: one.name, value: one.value }).collect(),
            copy: Some(Note {
                cause: self.cause(asked)?,
                requester: self.requester(asking, asked),
                made_on: today,
                expires_on,
                number: number.to_string(),
            }),
        };
        let (at, random) = (Instant(self.clock.now_ms()), self.random.clone());
        let (blobs, salt) = (self.issuing.blobs.clone(), self.random.array());
        let made = self.issuing.tasks.blocking(move || {
            let bytes = press.make(&content, None, at, &random)?.bytes;
            if bytes.len() > MAX_FILE_BYTES {
                let found = format!("a copy of {} bytes", bytes.len());
                return Err(Refusal::node(Reason::FileTooLarge, found, format!("at most {MAX_FILE_BYTES} bytes")));
            }
            let file = StoredFile {
                media_type: OFD.to_owned(),
                digest: file_digest(&salt, &bytes),
                salt,
                length: bytes.len() as u64,
                blob: blobs.key_of(&bytes),
            };
            let pin = blobs.keep(file.blob, &bytes)?;
            Ok((file, sha256(&bytes), pin))
        });
        let (file, sha256, pin) = match ended(made.await)? {
            Err(refusal) if refusal.reason == Reason::LicenceNotWritable => {
                let needed = "a note and values that can be printed";
                return Err(Refusal::node(Reason::CopyNotMakeable, refusal.found, needed));
            }
            made => made?,
        };
        let row = CopyMade {
            known: Known { certificate_id: id.to_owned(), sha256, epoch: 0, expires_on, used: None },
            file: Some(file.clone()),
            asking_region: asking,
            index: 0,
            made_at_ms: 0,
        };
        Ok(Ok(Made { row, file, pin: Some(pin) }))
    }

    /// 制作事由: the matter by its name, and the case.
    fn cause(&self, asked: &AccessRecord) -> Result<String, Refusal> {
        let Purpose::Matter(purpose) = &asked.purpose else { return Ok(asked.case.to_string()) };
        let matter = self.catalogue.matter(purpose.matter_code.as_str(), Some(purpose.version))?;
        let name = matter.map_or_else(|| purpose.matter_code.to_string(), |known| known.matter.name.clone());
        Ok(format!("{name}（{}）", asked.case))
    }

    /// 制作者: the asking region, as the trust bundle names it, and the clerk's organisation.
    fn requester(&self, asking: Region, asked: &AccessRecord) -> String {
        let snapshot = self.trust.snapshot();
        let named = snapshot.bundle().regions.get(&asking).map(|region| region.name.as_str());
        format!("{} {}", named.filter(|name| !name.is_empty()).unwrap_or(asking.as_str()), asked.clerk.organisation)
    }

    /// Is this a copy of that certificate with that number, under a seal that this node believes now? Gives the bytes back.
    ///
    /// # Errors
    /// `NOT_GENUINE`; `COPY_NOT_VERIFIED` where this node does not know who is to be believed.
    pub(super) async fn check_copy(
        &self,
        certificate_id: &str,
        number: CopyNumber,
        bytes: Vec<u8>,
    ) -> Result<(Vec<u8>, v1::CopyFacts), Refusal> {
        let (snapshot, crls) = (self.trust.snapshot(), self.seal_crls.current());
        let (now, today) = (Instant(self.clock.now_ms()), self.today());
        let judged = self.issuing.tasks.blocking(move || {
            let anchors = documents::anchors(snapshot.bundle());
            let limits = Limits { package_bytes: MAX_FILE_BYTES as u64, ..Limits::DEFAULT };
            let basis = Basis {
                anchors: &anchors,
                crls: &crls,
                signers: &[],
                now,
                crl_grace_ms: 0,
                without_crl: false,
                limits,
            };
            (verify(Cursor::new(&bytes), &basis), sha256(&bytes), bytes)
        });
        let (report, sha256, bytes) = ended(judged.await)?;
        let found = |verdict: Verdict| format!("a copy whose verdict is {verdict}");
        match report.verdict {
            Verdict::Valid => {}
            verdict @ (Verdict::Untrusted | Verdict::RevocationUnknown) => {
                let needed = "CAs behind seals in the trust bundle, and their CRLs in trust.seal_crls";
                return Err(Refusal::node(Reason::CopyNotVerified, found(verdict), needed));
            }
            verdict => return Err(Refusal::peer(Reason::NotGenuine, found(verdict), "a copy that verifies")),
        }
        let wrong = |found: &str| Refusal::peer(Reason::NotGenuine, found, "the copy that was asked for");
        let [document] = report.documents.as_slice() else { return Err(wrong("a package of several documents")) };
        if document.custom(documents::CERTIFICATE_IDENTIFIER).ne([certificate_id]) {
            return Err(wrong("a document of another certificate"));
        }
        let stated = StatedCopy::of(document).filter(|stated| stated.number == number.to_string());
        let facts = stated.map(|stated| copy_facts(stated, today, &sha256));
        match facts {
            None => Err(wrong("a document that is not the copy with this number")),
            Some(facts) if facts.expired => Err(wrong("a copy whose last day is over, or that names none")),
            Some(facts) => Ok((bytes, facts)),
        }
    }
}

/// What a document says of itself; one that names no last day is no copy that can be used.
pub(crate) fn copy_facts(stated: StatedCopy, today: Date, sha256: &[u8; 32]) -> v1::CopyFacts {
    v1::CopyFacts {
        expired: stated.is_expired(today) != Some(false),
        number: stated.number,
        cause: stated.cause,
        requester: stated.requester,
        made_on: stated.made_on,
        expires_on: stated.expires_on,
        sha256: sha256.to_vec().into(),
    }
}

/// A copy that was made before, while its bytes are kept.
fn earlier(row: CopyMade) -> Result<Made, Refusal> {
    let file = row.file.clone().ok_or_else(forgotten)?;
    Ok(Made { row, file, pin: None })
}

fn forgotten() -> Refusal {
    let needed = "a new question, which gets a copy of its own";
    Refusal::caller(Reason::QuestionStale, "a question whose copy was handed out more than an hour ago", needed)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}
