//! Step 3 for a signature without a seal (`Type="Sign"`): signed data (GB/T 35275, RFC 5652) with its certificate, or the
//! bare signature value over `Signature.xml`, whose signer the caller has to know.

use std::io::{Read, Seek};

use super::{document::Files, signature};
use crate::{
    Verdict,
    algorithm::Algorithm,
    certificate::Certificate,
    cms::{SignedData, is_signed_data},
    limits::MAX_TOKEN_BYTES,
    ofd::Package,
    path::SigningTime,
    report::{Findings, SignatureReport, Step, shown},
    time,
    trust::Basis,
};

const STEP: Step = Step::Signature;

pub(super) fn judge<R: Read + Seek>(
    findings: &mut Findings,
    package: &mut Package<R>,
    files: &Files,
    report: &mut SignatureReport,
    basis: &Basis<'_>,
) {
    let xml_bytes = package.limits().xml_bytes;
    let read = package
        .read(files.value, MAX_TOKEN_BYTES as u64)
        .and_then(|value| Ok((value, package.read(files.description, xml_bytes)?)));
    let (value, content) = match read {
        Ok(read) => read,
        Err(error) => return findings.fails(Step::Structure, Verdict::Malformed, error.to_string()),
    };
    let when = signing_time(findings, files, basis);
    report.signed_at = when.map(|when| when.at);
    if is_signed_data(&value) {
        match SignedData::parse(&value) {
            Ok(signed) => {
                findings.holds(Step::Structure, "signed data with its certificate, without a seal");
                report.signer = Some(signed.signer.subject.clone());
                cms(findings, &signed, &content, files);
                signature::signer_path(findings, &signed.signer, &signed.certificates, when, basis);
            }
            Err(error) => {
                let name = shown(package.name(files.value));
                findings.fails(Step::Structure, Verdict::Malformed, format!("{name}: {error}"));
            }
        }
        return;
    }
    findings.holds(Step::Structure, format!("a bare signature of {} bytes, without a seal", value.len()));
    if let Some(signer) = bare(findings, &value, &content, files, basis.signers) {
        report.signer = Some(signer.subject.clone());
        signature::signer_path(findings, signer, &[], when, basis);
    }
}

/// Only the description says when; the signature covers it.
fn signing_time(findings: &mut Findings, files: &Files, basis: &Basis<'_>) -> Option<SigningTime> {
    let text = files.described.time.as_deref().unwrap_or_default();
    match time::written(text) {
        Ok(written) => {
            if super::is_after(written.at, basis.now) {
                findings.fails(STEP, Verdict::TimeInvalid, format!("signed in the future, at {}", written.at));
            }
            Some(SigningTime { at: written.at, is_proven: false })
        }
        Err(error) => {
            findings.fails(STEP, Verdict::Malformed, format!("SignatureDateTime \"{}\": {error}", shown(text)));
            None
        }
    }
}

/// GB/T 35275 signs the digest of the description, which is the content; others sign the description itself.
fn cms(findings: &mut Findings, signed: &SignedData, description: &[u8], files: &Files) {
    let digest = signed.digest.digest(description);
    let content = match signed.content.as_deref() {
        None => description,
        Some(content) if content == digest || content == description => content,
        Some(_) => {
            return findings.fails(STEP, Verdict::Altered, "the description of the signature is not what was signed");
        }
    };
    signature::same_method(findings, &files.described.method, signed.algorithm());
    match signed.verify(content, Some(&digest)) {
        Ok(()) => findings.holds(STEP, format!("\"{}\" signed ({})", signed.signer.subject, signed.algorithm().name())),
        Err(detail) => {
            let detail = format!("\"{}\" did not sign this: {detail}", signed.signer.subject);
            findings.fails(STEP, Verdict::SignatureInvalid, detail);
        }
    }
}

/// Which of the known signers made a bare signature.
fn bare<'a>(
    findings: &mut Findings,
    value: &[u8],
    description: &[u8],
    files: &Files,
    signers: &'a [Certificate],
) -> Option<&'a Certificate> {
    let algorithm = match Algorithm::from_method(&files.described.method) {
        Ok(algorithm) => algorithm,
        Err(error) => {
            findings.fails(STEP, Verdict::Unsupported, format!("SignatureMethod: {error}"));
            return None;
        }
    };
    if signers.is_empty() {
        let detail = "the file does not say who signed, and no signer was given to compare with";
        findings.fails(STEP, Verdict::Untrusted, detail);
        return None;
    }
    let found = signers.iter().find(|signer| algorithm.verify(&signer.key, description, value).is_ok());
    match found {
        Some(signer) => findings.holds(STEP, format!("\"{}\" signed ({})", signer.subject, algorithm.name())),
        None => {
            let detail = format!("none of the {} signers that were given signed this", signers.len());
            findings.fails(STEP, Verdict::SignatureInvalid, detail);
        }
    }
    found
}
