//! `DocumentService`: parse, one use case, encode.

use super::{Services, chunks::Items, services};
use crate::{
    documents::{Expected, FileMatch, Judged, Named, Naming, Pace},
    refusal::Refusal,
};
use bytes::Bytes;
use exchange_core::reason::Reason;
use exchange_proto::v1::{self, document_service_server::DocumentService, verify_document_request::Part};
use exchange_seal::{Finding, Outcome, SignatureReport, Step, StepReport, Verdict, report::SealFacts};
use tonic::{Request, Response, Status, Streaming};

#[tonic::async_trait]
impl DocumentService for Services {
    async fn verify(
        &self,
        request: Request<Streaming<v1::VerifyDocumentRequest>>,
    ) -> Result<Response<v1::DocumentVerification>, Status> {
        let place = services::place(&request)?;
        let (caller, mut parts) = services::enter(request)?;
        self.policy.may_read(&caller)?;
        let mut pace = self.documents.pace();
        let header = match self.next(&mut parts, &pace).await? {
            Some(Part::Header(header)) => header,
            Some(Part::Chunk(_)) => return Err(out_of_order("a chunk as the first message", "the header first")),
            None => return Err(Refusal::caller(Reason::DocumentEmpty, "a stream without a message", "a header").into()),
        };
        let expected = Expected::parse(&header.certificate_id, &header.signers, &header.file_salt)?;
        let mut incoming = self.documents.begin(expected, place).await?;
        while let Some(part) = self.next(&mut parts, &pace).await? {
            match part {
                Part::Chunk(chunk) => {
                    pace.came(chunk.len());
                    incoming.take(&chunk).await?;
                }
                Part::Header(_) => return Err(out_of_order("a second header", "chunks alone behind the first")),
            }
        }
        let judged = incoming.judge().await?;
        Ok(Response::new(self.encode_judged(judged)))
    }

    type FetchStream = Items<v1::FetchResponse>;

    async fn fetch(&self, request: Request<v1::FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        self.fetch_file(request).await
    }

    type FetchCopyStream = Items<v1::FetchResponse>;

    async fn fetch_copy(&self, request: Request<v1::FetchCopyRequest>) -> Result<Response<Self::FetchStream>, Status> {
        self.fetch_a_copy(request).await
    }

    async fn use_copy(&self, request: Request<v1::UseCopyRequest>) -> Result<Response<v1::UseCopyResponse>, Status> {
        let left = services::time_left(&request, &self.limits);
        let place = services::place(&request)?;
        let (caller, message) = services::enter(request)?;
        let wanted = exchange_proto::copy::use_request(&message).map_err(Refusal::from)?;
        Ok(Response::new(self.lookup.use_copy(&caller, wanted, left, &place).await?))
    }
}

fn out_of_order(found: &str, needed: &str) -> Status {
    Refusal::caller(Reason::DocumentOutOfOrder, found, needed).into()
}

impl Services {
    /// The next part; `None` where the caller has ended its stream.
    async fn next(
        &self,
        parts: &mut Streaming<v1::VerifyDocumentRequest>,
        pace: &Pace,
    ) -> Result<Option<Part>, Status> {
        let clock = &self.lookup.clock;
        let Ok(message) = tokio::time::timeout(pace.patience(clock.instant()), parts.message()).await else {
            return Err(Refusal::caller(Reason::DocumentTooSlow, pace.found(clock.instant()), pace.needed()).into());
        };
        match message? {
            None => Ok(None),
            Some(message) => match message.part {
                Some(part) => Ok(Some(part)),
                None => Err(out_of_order("a message without a part", "a header or a chunk in each")),
            },
        }
    }

    fn encode_judged(&self, judged: Judged) -> v1::DocumentVerification {
        let Judged { report, at_ms, bytes, sha256, certificate, copy } = judged;
        v1::DocumentVerification {
            verdict: verdict(report.verdict) as i32,
            judged_at_ms: at_ms,
            size_bytes: bytes,
            sha256: Bytes::copy_from_slice(&sha256),
            package: report.package.into_iter().map(finding).collect(),
            signatures: report.signatures.into_iter().map(signature).collect(),
            certificate: certificate.map(|named| self.encode_named(named)),
            copy,
        }
    }

    fn encode_named(&self, named: Named) -> v1::CertificateOfDocument {
        let Named { id: certificate_id, naming, document_names, verification, file, original } = named;
        let naming = match naming {
            Naming::Agrees => v1::CertificateNaming::Agrees,
            Naming::Differs => v1::CertificateNaming::Differs,
            Naming::NotNamed => v1::CertificateNaming::NotNamed,
        } as i32;
        let mut verification = self.encode_verification(verification);
        if let Some(standing) = verification.standing.as_mut().filter(|_| original) {
            standing.set_counts_as(v1::CountsAs::Original);
        }
        let (file, file_number) = match file {
            FileMatch::Agrees(number) => (v1::FileAgreement::Agrees, number),
            FileMatch::Differs => (v1::FileAgreement::Differs, 0),
            FileMatch::NotKnown => (v1::FileAgreement::NotKnown, 0),
        };
        let (file, verification) = (file as i32, Some(verification));
        v1::CertificateOfDocument { certificate_id, naming, document_names, verification, file, file_number }
    }
}

fn signature(report: SignatureReport) -> v1::DocumentSignature {
    let place =
        |place: exchange_seal::ofd::StampPlace| v1::SealPlace { page: place.page, boundary_mm: place.boundary_mm };
    v1::DocumentSignature {
        id: report.id,
        path: report.path,
        has_seal: report.has_seal,
        verdict: verdict(report.verdict) as i32,
        signer: report.signer.unwrap_or_default(),
        signed_at_ms: report.signed_at.map_or(0, |at| at.0),
        time_is_proven: report.time_is_proven,
        places: report.places.into_iter().map(place).collect(),
        seal: report.seal.map(seal),
        steps: report.steps.into_iter().map(step).collect(),
    }
}

fn seal(facts: SealFacts) -> v1::SealFacts {
    v1::SealFacts {
        id: facts.id,
        name: facts.name,
        standard: facts.standard.to_owned(),
        is_national: facts.is_national,
        vendor: facts.vendor,
        maker: facts.maker,
        valid_from_ms: facts.valid_from.0,
        valid_to_ms: facts.valid_to.0,
        picture_format: facts.picture_format,
        picture_width_mm: facts.picture_mm.0.into(),
        picture_height_mm: facts.picture_mm.1.into(),
    }
}

fn step(report: StepReport) -> v1::DocumentStepReport {
    v1::DocumentStepReport {
        step: match report.step {
            Step::Structure => v1::DocumentStep::Structure,
            Step::Seal => v1::DocumentStep::Seal,
            Step::Signature => v1::DocumentStep::Signature,
            Step::TimeStamp => v1::DocumentStep::TimeStamp,
            Step::References => v1::DocumentStep::References,
        } as i32,
        verdict: report.verdict().map_or(v1::DocumentVerdict::Unspecified, verdict) as i32,
        findings: report.findings.into_iter().map(finding).collect(),
    }
}

fn finding(finding: Finding) -> v1::DocumentFinding {
    let (result, of) = match finding.outcome {
        Outcome::Holds => (v1::FindingResult::Holds, v1::DocumentVerdict::Unspecified),
        Outcome::Remark => (v1::FindingResult::Remark, v1::DocumentVerdict::Unspecified),
        Outcome::Fails(failed) => (v1::FindingResult::Fails, verdict(failed)),
    };
    v1::DocumentFinding { result: result as i32, verdict: of as i32, found: finding.detail }
}

const fn verdict(verdict: Verdict) -> v1::DocumentVerdict {
    match verdict {
        Verdict::Malformed => v1::DocumentVerdict::Malformed,
        Verdict::NotSigned => v1::DocumentVerdict::NotSigned,
        Verdict::Altered => v1::DocumentVerdict::Altered,
        Verdict::SignatureInvalid => v1::DocumentVerdict::SignatureInvalid,
        Verdict::SealInvalid => v1::DocumentVerdict::SealInvalid,
        Verdict::TimeStampInvalid => v1::DocumentVerdict::TimeStampInvalid,
        Verdict::NotCovered => v1::DocumentVerdict::NotCovered,
        Verdict::Unsupported => v1::DocumentVerdict::Unsupported,
        Verdict::Untrusted => v1::DocumentVerdict::Untrusted,
        Verdict::Revoked => v1::DocumentVerdict::Revoked,
        Verdict::SignerNotListed => v1::DocumentVerdict::SignerNotListed,
        Verdict::SealExpired => v1::DocumentVerdict::SealExpired,
        Verdict::SealNotYetValid => v1::DocumentVerdict::SealNotYetValid,
        Verdict::SignerExpired => v1::DocumentVerdict::SignerExpired,
        Verdict::TimeInvalid => v1::DocumentVerdict::TimeInvalid,
        Verdict::RevocationUnknown => v1::DocumentVerdict::RevocationUnknown,
        Verdict::Valid => v1::DocumentVerdict::Valid,
    }
}

#[cfg(test)]
mod tests {
    use super::verdict;
    use exchange_seal::Verdict;

    #[test]
    fn every_verdict_has_the_same_word_on_the_wire() {
        for (one, word) in Verdict::ALL {
            assert_eq!(verdict(one).as_str_name(), format!("DOCUMENT_VERDICT_{word}"));
        }
    }
}
