//! Step 3 for a seal signature, with step 1 before it.

use std::io::{Read, Seek};

use super::{document::Files, seal, stamp};
use crate::{
    Verdict,
    algorithm::Algorithm,
    certificate::Certificate,
    limits::MAX_SIGNED_VALUE_BYTES,
    ofd::{Package, resolve},
    path::{self, SigningTime},
    report::{Findings, SignatureReport, Step, shown},
    ses::{SealSignature, TimeInfo},
    time,
    trust::{Basis, Purpose},
};

const STEP: Step = Step::Signature;
/// `SignatureDateTime` and the signed time are written one after the other.
const TIMES_APART_MS: u64 = 10 * 60 * 1000;

/// Returns the seal inside of the signature, if it can be read.
pub(super) fn judge<R: Read + Seek>(
    findings: &mut Findings,
    package: &mut Package<R>,
    files: &Files,
    report: &mut SignatureReport,
    basis: &Basis<'_>,
) -> Option<Vec<u8>> {
    let value = match package.read(files.value, MAX_SIGNED_VALUE_BYTES as u64) {
        Ok(value) => value,
        Err(error) => {
            findings.fails(Step::Structure, Verdict::Malformed, error.to_string());
            return None;
        }
    };
    let signed = match SealSignature::parse(&value) {
        Ok(signed) => signed,
        Err(error) => {
            let name = shown(package.name(files.value));
            findings.fails(Step::Structure, Verdict::Malformed, format!("{name}: {error}"));
            return None;
        }
    };
    findings.holds(Step::Structure, format!("a seal signature of {}", signed.version.standard()));
    let when = signing_time(findings, &signed, files, basis);
    report.signed_at = when.map(|when| when.at);
    report.time_is_proven = when.is_some_and(|when| when.is_proven);
    report.seal = Some(seal::judge(findings, &signed.seal, when, basis));
    data_hash(findings, package, files, &signed);
    property(findings, package.name(files.description), &signed.property);
    match basis.crls.proven().certificate(&signed.signer) {
        Err(error) => findings.fails(STEP, Verdict::Malformed, format!("the signer's certificate: {error}")),
        Ok(signer) => {
            report.signer = Some(signer.subject.clone());
            listed(findings, &signed, &signer);
            made(findings, &signed, &signer, &files.described.method);
            if signer_path(findings, &signer, &[], when, basis) {
                basis.crls.proven().keep_certificate(&signer);
            }
        }
    }
    for extension in signed.extensions.iter().filter(|extension| extension.critical) {
        let detail = format!("the signature has the critical extension {}, which is not understood", extension.id);
        findings.fails(STEP, Verdict::Unsupported, detail);
    }
    Some(signed.seal.der)
}

/// What a time stamp proves, or else the signer's own word.
fn signing_time(
    findings: &mut Findings,
    signed: &SealSignature,
    files: &Files,
    basis: &Basis<'_>,
) -> Option<SigningTime> {
    let claimed = match &signed.time {
        TimeInfo::Claimed(at) => *at,
        TimeInfo::Other(bytes) => {
            let detail = format!("timeInfo has {} bytes that are no time; v1 tokens are not judged", bytes.len());
            findings.fails(STEP, Verdict::Unsupported, detail);
            return None;
        }
    };
    if super::is_after(claimed, basis.now) {
        findings.fails(STEP, Verdict::TimeInvalid, format!("signed in the future, at {claimed}"));
    }
    written(findings, files, claimed);
    let token = signed.token.as_deref();
    let proven = token.and_then(|token| stamp::judge(findings, "signature", token, &signed.signature, basis));
    let Some(at) = proven else { return Some(SigningTime { at: claimed, is_proven: false }) };
    if super::is_after(claimed, at) {
        let detail = format!("the signature says {claimed}, after its time stamp of {at}");
        findings.fails(Step::TimeStamp, Verdict::TimeInvalid, detail);
    }
    Some(SigningTime { at, is_proven: true })
}

/// `SignatureDateTime` is for people, in whatever form; where it is far from the signed time, somebody should look.
fn written(findings: &mut Findings, files: &Files, claimed: exchange_core::chain::Instant) {
    let Some(text) = files.described.time.as_deref().filter(|text| !text.is_empty()) else { return };
    match time::written(text) {
        Ok(written) if written.distance_ms(claimed) <= TIMES_APART_MS => {}
        Ok(written) => {
            findings.remark(STEP, format!("SignatureDateTime is {}, the signed time is {claimed}", written.at))
        }
        Err(error) => findings.remark(STEP, format!("SignatureDateTime \"{}\" is not read: {error}", shown(text))),
    }
}

fn data_hash<R: Read + Seek>(findings: &mut Findings, package: &mut Package<R>, files: &Files, signed: &SealSignature) {
    // An algorithm that is not judged is reported with the signature.
    let Ok(algorithm) = signed.algorithm() else { return };
    let digest = algorithm.data_digest();
    let name = shown(package.name(files.description));
    match package.digest(files.description, digest) {
        Ok(found) if found == signed.data_hash => {
            findings.holds(STEP, format!("{name} is what was signed ({})", digest.name()))
        }
        Ok(_) => findings.fails(STEP, Verdict::Altered, format!("{name} is not what was signed")),
        Err(error) => findings.fails(STEP, Verdict::Malformed, error.to_string()),
    }
}

/// The path inside of the signature binds it to its place in the package.
fn property(findings: &mut Findings, file: &str, property: &str) {
    match resolve("", property) {
        Ok(path) if path == file => findings.holds(STEP, "the signature names its own path"),
        _ => {
            let detail = format!("the signature was made for {}, and stands at {}", shown(property), shown(file));
            findings.fails(STEP, Verdict::Altered, detail);
        }
    }
}

fn listed(findings: &mut Findings, signed: &SealSignature, signer: &Certificate) {
    let count = signed.seal.signers.count();
    if signed.seal.lists(&signer.der) {
        findings.holds(STEP, format!("the seal lists the signer ({count} listed)"));
    } else {
        let detail = format!("the seal lists {count} signers, and \"{}\" is none of them", signer.subject);
        findings.fails(STEP, Verdict::SignerNotListed, detail);
    }
}

fn made(findings: &mut Findings, signed: &SealSignature, signer: &Certificate, method: &str) {
    let algorithm = match signed.algorithm() {
        Ok(algorithm) => algorithm,
        Err(error) => return findings.fails(STEP, Verdict::Unsupported, error.to_string()),
    };
    same_method(findings, method, algorithm);
    match algorithm.verify(&signer.key, &signed.signed, &signed.signature) {
        Ok(()) => findings.holds(STEP, format!("\"{}\" signed ({})", signer.subject, algorithm.name())),
        Err(error) => findings.fails(
            STEP,
            Verdict::SignatureInvalid,
            format!("\"{}\" did not sign this: {error}", signer.subject),
        ),
    }
    if !algorithm.is_national() {
        findings.remark(STEP, format!("not a GB/T 38540 signature: it is made with {}", algorithm.name()));
    }
}

/// `SignatureMethod` has to name the algorithm that was used.
pub(super) fn same_method(findings: &mut Findings, method: &str, algorithm: Algorithm) {
    match Algorithm::from_method(method) {
        Ok(found) if found == algorithm => {}
        Ok(found) => {
            let detail = format!("SignatureMethod says {}, the signature is {}", found.name(), algorithm.name());
            findings.fails(STEP, Verdict::Altered, detail);
        }
        Err(error) => findings.fails(STEP, Verdict::Unsupported, format!("SignatureMethod: {error}")),
    }
}

/// Whether the path holds.
pub(super) fn signer_path(
    findings: &mut Findings,
    signer: &Certificate,
    more: &[Certificate],
    when: Option<SigningTime>,
    basis: &Basis<'_>,
) -> bool {
    let Some(when) = when else { return false };
    match path::judge(signer, more, Purpose::Signer, when, basis) {
        Ok(path) => {
            let word = if when.is_proven { "proven by its time stamp" } else { "as the signer says" };
            findings.holds(STEP, format!("the signer's path leads to \"{}\", at {} ({word})", path.anchor, when.at));
            for remark in path.remarks {
                findings.remark(STEP, remark);
            }
            true
        }
        Err(error) => {
            findings.fails(STEP, stamp::verdict(&error), error.to_string());
            false
        }
    }
}
