//! `document`: sealed OFD documents and seals, judged from the file itself, without a node.

use super::{
    Failure, Format, offline,
    output::{instant, print, print_facts, print_json, print_rows},
};
use crate::{clock::Clock, exit::Exit};
use ca_tools::{
    files,
    seal_trust::{self, Folder},
};
use clap::{Args, Subcommand};
use exchange_core::{certificate::Header, chain::Instant, date::Date};
use exchange_seal::{
    Anchors, Basis, Finding, Limits, Outcome, Report, StepReport, Verdict, crl::Crls, licence::StatedCopy,
    limits::MAX_SEAL_BYTES, report::SealFacts, time, verify, verify_seal,
};
use places::PageNumbers;
use serde_json::{Value, json};
use std::{fs::File, io::Read, path::PathBuf};

mod certificate;
mod places;
mod render;
mod show;
mod stamp;

const EXAMPLES: &str = "\
Examples:
  exchange-node document verify licence.ofd --anchors seal-trust --crl seal-trust/crls
  exchange-node document verify seal.esl --anchors seal-trust --crl maker-ca.crl -o json
  exchange-node document verify licence.ofd --bundle bundle.pb --root root.crt --crl seal-crls
  exchange-node document verify licence.ofd --bundle bundle.pb --root root.crt --crl seal-crls \\
    --certificate 1.2.156.….cert.pb
  exchange-node document show licence.ofd

The folder of --anchors has the pinned certificates, PEM or DER (.crt .cer .pem .der): in makers/
those of seal makers' CAs, in signers/ of signers' CAs, in time-stamps/ of time stamp authorities'
CAs, beside these folders those that count for all three; in intermediates/ CAs that stand between.
docs/SEALS.md has the steps and the verdicts.
";

const CODES: &str = "\
Exit codes: 0 VALID; 10 REVOCATION_UNKNOWN, or a copy for one use whose last day is over;
4 UNTRUSTED, REVOKED, SIGNER_NOT_LISTED, SIGNER_EXPIRED; 2 MALFORMED, UNSUPPORTED;
11 every other verdict. With --certificate 0 says besides that the document is its file; 11 that
it is not, 10 that the document does not say enough.
";

#[derive(Debug, Subcommand)]
pub(super) enum DocumentCommand {
    /// Judge a sealed document (.ofd) or a seal (.esl), step by step.
    #[command(before_help = EXAMPLES, after_help = CODES)]
    Verify(VerifyArgs),
    /// Put an electronic seal on a document; a copy is written, the document stays as it is.
    #[command(before_help = stamp::EXAMPLES, after_help = stamp::CODES)]
    Stamp(stamp::StampArgs),
    /// What a document says of itself. Nothing of it is judged.
    #[command(before_help = EXAMPLES)]
    Show(ShowArgs),
    /// Write a licence from a template and values, as OFD without a seal, or as SVG to look at.
    #[command(before_help = render::EXAMPLES)]
    Render(render::RenderArgs),
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// An OFD document, or a seal alone.
    file: PathBuf,
    /// Folder with the certificates that are believed.
    #[arg(long, value_name = "DIR", required_unless_present = "bundle", conflicts_with = "bundle")]
    anchors: Option<PathBuf>,
    /// Signed trust bundle: the CAs that the province believes for seals.
    #[arg(long, value_name = "FILE", requires = "roots")]
    bundle: Option<PathBuf>,
    /// PEM of the pinned root that vouches for the bundle; may be given several times.
    #[arg(long = "root", value_name = "FILE", requires = "bundle")]
    roots: Vec<PathBuf>,
    /// The root's CRL, for the bundle's signer; may be given several times.
    #[arg(long = "root-crl", value_name = "FILE", requires = "bundle")]
    root_crls: Vec<PathBuf>,
    /// CRL of a CA, PEM or DER, or a folder of them (.crl); may be given several times.
    #[arg(long = "crl", value_name = "FILE|DIR")]
    crls: Vec<PathBuf>,
    /// Certificate of a possible signer, for signatures that bring none; may be given several times.
    #[arg(long = "signer", value_name = "FILE")]
    signers: Vec<PathBuf>,
    /// Export of the certificate that the document is taken to be of (.cert.pb): is it that certificate's very file?
    #[arg(long, value_name = "FILE", requires = "bundle")]
    certificate: Option<PathBuf>,
    /// Let a missing or old CRL be a remark. Without it the verdict is then REVOCATION_UNKNOWN at best.
    #[arg(long)]
    without_crl: bool,
    /// The moment of the judgement, for example 2026-11-25T00:00:00Z; now without it.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    at: Option<Instant>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// An OFD document.
    file: PathBuf,
}

fn moment(text: &str) -> Result<Instant, time::Error> {
    time::written(text).map(|written| written.at)
}

pub(super) fn run(command: &DocumentCommand, format: Format) -> Result<Exit, Failure> {
    match command {
        DocumentCommand::Verify(args) => judge(args, format),
        DocumentCommand::Stamp(args) => stamp::run(args, format),
        DocumentCommand::Show(args) => show::run(&args.file, format),
        DocumentCommand::Render(args) => render::run(args, format),
    }
}

fn judge(args: &VerifyArgs, format: Format) -> Result<Exit, Failure> {
    let mut crls = Vec::new();
    for path in &args.crls {
        crls.extend(seal_trust::crls(path).map_err(unusable)?);
    }
    let crls = Crls::new(crls);
    let mut signers = Vec::new();
    for path in &args.signers {
        signers.extend(seal_trust::certificates(path).map_err(unusable)?);
    }
    let now = args.at.unwrap_or_else(|| Instant(Clock::default().now_ms()));
    // A bundle is believed now; `--at` is about the document.
    let (anchors, header) = believed(args, Instant(Clock::default().now_ms()))?;
    let basis = Basis {
        anchors: &anchors,
        crls: &crls,
        signers: &signers,
        now,
        crl_grace_ms: 0,
        without_crl: args.without_crl,
        limits: Limits::DEFAULT,
    };
    let mut file = File::open(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    let mut first = [0];
    let count = file.read(&mut first).map_err(|error| Failure::file(&args.file, &error))?;
    // A seal is a SEQUENCE; a package begins with "PK".
    let (code, value) = if count == 1 && first == [0x30] {
        if header.is_some() {
            return Err(Failure::usage("--certificate is for a document, and this is a seal"));
        }
        let report = verify_seal(&files::read(&args.file, MAX_SEAL_BYTES)?, &basis);
        if format == Format::Table {
            print_facts(&[("verdict", report.verdict.to_string()), ("judged at", instant(now.0))])?;
            print_seal(report.seal.as_ref())?;
            print_steps(&report.steps)?;
        }
        let seal = report.seal.as_ref().map(seal_value);
        (
            exit(report.verdict),
            json!({ "verdict": report.verdict.word(), "seal": seal, "steps": steps_value(&report.steps) }),
        )
    } else {
        let report = verify(&mut file, &basis);
        let copy = report.documents.iter().find_map(StatedCopy::of);
        let of = header.map(|header| certificate::Of::judge(&header, &mut file, &args.file, &report)).transpose()?;
        if format == Format::Table {
            let line = of.as_ref().map(certificate::Of::line).unwrap_or_default();
            let verdict = report.verdict.to_string();
            print_facts(&[("verdict", verdict), ("judged at", instant(now.0)), ("certificate", line)])?;
            let pages = File::open(&args.file).map(PageNumbers::read).unwrap_or_default();
            print_report(&report, &pages)?;
            print_copy(copy.as_ref(), now)?;
        }
        let mut value = report_value(&report);
        value["copy"] = copy_value(copy.as_ref(), now);
        let mut code = exit(report.verdict);
        if let Some(of) = &of {
            value["certificate"] = of.value();
            code = if report.verdict == Verdict::Valid { of.exit() } else { code };
        }
        // A copy whose last day is over is as it was sealed, and is good for nothing.
        if report.verdict == Verdict::Valid && copy.as_ref().is_some_and(|copy| is_expired(copy, now)) {
            code = Exit::Warnings;
        }
        (code, value)
    };
    if format == Format::Json {
        let mut value = value;
        value["judged_at_ms"] = now.0.into();
        print_json(&value)?;
    }
    Ok(code)
}

/// What a script sees of a verdict.
const fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Valid => Exit::Ok,
        Verdict::RevocationUnknown => Exit::Warnings,
        Verdict::Untrusted | Verdict::Revoked | Verdict::SignerNotListed | Verdict::SignerExpired => Exit::Identity,
        Verdict::Malformed | Verdict::Unsupported => Exit::Usage,
        Verdict::NotSigned
        | Verdict::Altered
        | Verdict::SignatureInvalid
        | Verdict::SealInvalid
        | Verdict::TimeStampInvalid
        | Verdict::NotCovered
        | Verdict::SealExpired
        | Verdict::SealNotYetValid
        | Verdict::TimeInvalid => Exit::CheckFailed,
    }
}

/// A certificate or CRL that does not read.
fn unusable(error: ca_tools::Error) -> Failure {
    match error {
        ca_tools::Error::Malformed { .. } => Failure::new(Exit::Identity, error),
        other => other.into(),
    }
}

/// Who is believed: a folder, or what a trust bundle says whose signer leads to the pinned root. With a bundle also the header
/// of the certificate that was given.
fn believed(args: &VerifyArgs, now: Instant) -> Result<(Anchors, Option<Header>), Failure> {
    if let Some(folder) = &args.anchors {
        return Ok((Folder::read(folder).map_err(unusable)?.anchors(), None));
    }
    let Some(bundle) = &args.bundle else { return Err(Failure::usage("--anchors or --bundle is needed")) };
    let trust = offline::Trust::read(bundle, &args.roots, &args.root_crls, now.0)?;
    let believed = match &trust.bundle {
        Ok(believed) => believed,
        Err(error) => return Err(Failure::new(Exit::Identity, format!("{}: {error}", bundle.display()))),
    };
    let anchors = crate::documents::anchors(believed.bundle());
    if anchors.makers.is_empty() && anchors.signers.is_empty() && anchors.time_stamps.is_empty() {
        let text = format!("{}: it names no CA behind seals; nobody would be believed", bundle.display());
        return Err(Failure::new(Exit::Identity, text));
    }
    let header = args.certificate.as_ref().map(|path| certificate::header(path, &trust)).transpose()?;
    Ok((anchors, header))
}

fn print_report(report: &Report, pages: &PageNumbers) -> Result<(), Failure> {
    for finding in &report.package {
        print(&line(finding))?;
    }
    for signature in &report.signatures {
        print("")?;
        let word = if signature.time_is_proven { " (time stamp)" } else { " (as the signer says)" };
        let signed_at = signature.signed_at.map(|at| format!("{}{word}", instant(at.0)));
        print_facts(&[
            ("signature", format!("{} {}", signature.id, signature.path)),
            ("verdict", signature.verdict.to_string()),
            ("signer", signature.signer.clone().unwrap_or_default()),
            ("signed at", signed_at.unwrap_or_default()),
            ("seen on", pages.seen_on(signature)),
        ])?;
        print_seal(signature.seal.as_ref())?;
        print_steps(&signature.steps)?;
    }
    Ok(())
}

/// What a document says of itself, if it is a copy for one use.
pub(super) fn print_copy(copy: Option<&StatedCopy>, now: Instant) -> Result<(), Failure> {
    let Some(copy) = copy else { return Ok(()) };
    let over = if is_expired(copy, now) { ": over, the copy cannot be used any more" } else { "" };
    let counted = if copy.number.is_empty() {
        "nobody keeps account of this copy"
    } else {
        "not checked here: use it with lookup use-copy"
    };
    print("")?;
    print_facts(&[
        ("copy for one use", copy.number.clone()),
        ("for", copy.cause.clone()),
        ("asked for by", copy.requester.clone()),
        ("made on", copy.made_on.clone()),
        ("last day", format!("{}{over}", copy.expires_on)),
        ("single use", counted.to_owned()),
    ])
}

/// By China's day, as the note says it; what names no last day that can be read is none to be used.
fn is_expired(copy: &StatedCopy, now: Instant) -> bool {
    let today = Date::from_unix_ms(i64::try_from(now.0).unwrap_or(i64::MAX)).unwrap_or(Date::MAX);
    copy.is_expired(today) != Some(false)
}

pub(super) fn copy_value(copy: Option<&StatedCopy>, now: Instant) -> Value {
    copy.map_or(Value::Null, |copy| {
        json!({
            "number": copy.number,
            "cause": copy.cause,
            "requester": copy.requester,
            "made_on": copy.made_on,
            "expires_on": copy.expires_on,
            "expired": is_expired(copy, now),
            "single_use": "NOT_CHECKED",
        })
    })
}

pub(super) fn print_seal(seal: Option<&SealFacts>) -> Result<(), Failure> {
    let Some(seal) = seal else { return Ok(()) };
    let kind = if seal.is_national { "" } else { ", not a GB/T 38540 seal: other algorithms (ring profile)" };
    print_facts(&[
        ("seal", format!("{} {}", seal.id, seal.name)),
        ("standard", format!("{}{kind}", seal.standard)),
        ("maker", seal.maker.clone()),
        ("period", format!("{} to {}", instant(seal.valid_from.0), instant(seal.valid_to.0))),
    ])
}

fn print_steps(steps: &[StepReport]) -> Result<(), Failure> {
    print("")?;
    let rows = steps.iter().flat_map(|step| {
        let none = Finding { outcome: Outcome::Remark, detail: "nothing to judge".to_owned() };
        let findings = if step.findings.is_empty() { vec![none] } else { step.findings.clone() };
        findings.into_iter().map(|found| [step.step.word().to_owned(), word(&found), found.detail])
    });
    print_rows(["step", "result", "found"], rows.collect())
}

fn line(finding: &Finding) -> String {
    format!("{}: {}", word(finding), finding.detail)
}

fn word(finding: &Finding) -> String {
    match finding.outcome {
        Outcome::Holds => "holds".to_owned(),
        Outcome::Remark => "remark".to_owned(),
        Outcome::Fails(verdict) => verdict.to_string(),
    }
}

fn report_value(report: &Report) -> Value {
    let signatures: Vec<Value> = report
        .signatures
        .iter()
        .map(|signature| {
            let places: Vec<Value> = signature
                .places
                .iter()
                .map(|place| json!({ "page": place.page, "boundary_mm": place.boundary_mm }))
                .collect();
            json!({
                "id": signature.id,
                "path": signature.path,
                "has_seal": signature.has_seal,
                "verdict": signature.verdict.word(),
                "signer": signature.signer,
                "signed_at_ms": signature.signed_at.map(|at| at.0),
                "time_is_proven": signature.time_is_proven,
                "places": places,
                "seal": signature.seal.as_ref().map(seal_value),
                "steps": steps_value(&signature.steps),
            })
        })
        .collect();
    json!({
        "verdict": report.verdict.word(),
        "package": report.package.iter().map(finding_value).collect::<Vec<_>>(),
        "signatures": signatures,
    })
}

pub(super) fn seal_value(seal: &SealFacts) -> Value {
    json!({
        "id": seal.id,
        "name": seal.name,
        "standard": seal.standard,
        "is_national": seal.is_national,
        "vendor": seal.vendor,
        "maker": seal.maker,
        "valid_from_ms": seal.valid_from.0,
        "valid_to_ms": seal.valid_to.0,
        "picture": { "format": seal.picture_format, "width_mm": seal.picture_mm.0, "height_mm": seal.picture_mm.1 },
    })
}

fn steps_value(steps: &[StepReport]) -> Value {
    steps
        .iter()
        .map(|step| {
            json!({
                "step": step.step.word(),
                "verdict": step.verdict().map(Verdict::word),
                "findings": step.findings.iter().map(finding_value).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn finding_value(finding: &Finding) -> Value {
    json!({ "result": word(finding), "found": finding.detail })
}

#[cfg(test)]
mod tests;
