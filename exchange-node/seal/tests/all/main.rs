//! Tests over whole seals and documents: others' vectors, own ones, and whatever can be done to them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "tests")]

mod bad_input;
mod corpus;
mod floods;
mod lab;
mod licence;
mod make;
mod mutations;
mod openssl;
mod ses;
mod sm;
mod structure;
mod tokens;
mod trust;
mod verdicts;
mod wycheproof;

use std::path::PathBuf;

use exchange_core::chain::Instant;
use exchange_seal::{
    Anchors, Basis, Limits, Report, StepReport,
    certificate::Certificate,
    crl::Crls,
    report::{Outcome, Step},
    time,
};

/// A moment, written `2026-11-25 00:00:00Z`.
fn at(text: &str) -> Instant {
    time::written(text).unwrap().at
}

/// Third-party vectors; says so when there are none.
fn vector(path: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("EXCHANGE_VECTORS").map(PathBuf::from) else {
        println!("skipped: EXCHANGE_VECTORS is not set");
        return None;
    };
    let path = folder.join(path);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Judges without anchors and CRLs unless they are given.
fn basis<'a>(anchors: &'a Anchors, crls: &'a Crls, now: &str) -> Basis<'a> {
    Basis { anchors, crls, signers: &[], now: at(now), crl_grace_ms: 0, without_crl: false, limits: Limits::DEFAULT }
}

fn pinned(certificate: &[u8]) -> Anchors {
    let certificate = Certificate::parse(certificate).unwrap();
    Anchors {
        makers: vec![certificate.clone()],
        signers: vec![certificate.clone()],
        time_stamps: vec![certificate],
        intermediates: Vec::new(),
    }
}

/// Every finding of a step, one a line, `=` holds, `~` remark, the verdict where it fails.
fn told(steps: &[StepReport], step: Step) -> String {
    let report = steps.iter().find(|report| report.step == step).unwrap();
    let mark = |outcome| match outcome {
        Outcome::Holds => "=".to_owned(),
        Outcome::Remark => "~".to_owned(),
        Outcome::Fails(verdict) => verdict.to_string(),
    };
    report.findings.iter().map(|f| format!("{} {}\n", mark(f.outcome), f.detail)).collect()
}

/// Everything that fails, as `STEP VERDICT detail`.
fn faults(report: &Report) -> Vec<String> {
    let package = report.package.iter().map(|finding| (None, finding));
    let steps = report.signatures.iter().flat_map(|signature| &signature.steps);
    let steps = steps.flat_map(|step| step.findings.iter().map(move |finding| (Some(step.step), finding)));
    package
        .chain(steps)
        .filter_map(|(step, finding)| match finding.outcome {
            Outcome::Fails(verdict) => {
                Some(format!("{} {verdict} {}", step.map_or("PACKAGE", Step::word), finding.detail))
            }
            _ => None,
        })
        .collect()
}

/// Exactly this fault, whose line has all of these parts.
fn one_fault(report: &Report, parts: &[&str]) {
    let faults = faults(report);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for part in parts {
        assert!(faults[0].contains(part), "{part} is not in {}", faults[0]);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

fn text<'a>(value: &'a serde_json::Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn list<'a>(value: &'a serde_json::Value, key: &str) -> &'a [serde_json::Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key}"))
}

fn unpem(pem: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}
