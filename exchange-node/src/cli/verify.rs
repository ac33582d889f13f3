//! `certificate verify`.

use super::{
    ClientArgs, Failure, Format,
    certificate::{date, status_word},
    offline,
    output::{day, instant, json, print, print_facts, print_json, print_rows, word},
};
use crate::exit::Exit;
use clap::Args;
use exchange_core::date::Date;
use exchange_proto::{
    certificate::encode_date,
    export::{MAX_FILE_BYTES, SUFFIX},
    v1::{self, lookup_service_client::LookupServiceClient},
};
use std::path::{Path, PathBuf};

/// Largest envelope that is read, in bytes.
const MAX_ENVELOPE: usize = 64 << 10;

const EXAMPLES: &str = "\
Examples:
  exchange-node certificate verify 1.2.156.3005.2.… --profile window.toml
  exchange-node certificate verify --envelope certificate.pb --on-day 2026-03-01 --profile window.toml

  # An export, on a machine without node and network; the same, and what a node knows by now
  exchange-node certificate verify 1.2.156.….cert.pb --bundle bundle.pb --root root.crt
  exchange-node certificate verify 1.2.156.….cert.pb --online --profile window.toml
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// 电子证照标识, or an export (a file, or a name that ends in .cert.pb), which is verified here, without a node.
    #[arg(required_unless_present = "envelope", conflicts_with = "envelope", value_name = "ID|FILE")]
    id: Option<String>,
    /// Bytes of the envelope, as received with the certificate.
    #[arg(long, value_name = "FILE")]
    envelope: Option<PathBuf>,
    /// Also: was it in force on that day?
    #[arg(long, value_parser = date, value_name = "DAY")]
    on_day: Option<Date>,
    /// Send the export to the node, which knows what came later.
    #[arg(long, conflicts_with = "envelope")]
    online: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &VerifyArgs, format: Format) -> Result<Exit, Failure> {
    use v1::verify_certificate_request::Certificate;
    let certificate = match (&args.id, &args.envelope) {
        (Some(id), None) if is_file(id) => {
            let path = Path::new(id);
            if !args.online {
                return offline::run(path, args.on_day, &args.client.profile()?, format);
            }
            Certificate::Export(ca_tools::files::read(path, MAX_FILE_BYTES)?.into())
        }
        (_, Some(path)) => Certificate::Envelope(ca_tools::files::read(path, MAX_ENVELOPE)?.into()),
        (Some(id), None) => Certificate::CertificateId(id.clone()),
        (None, None) => return Err(Failure::usage("an id or --envelope is needed")),
    };
    let request = v1::VerifyCertificateRequest { certificate: Some(certificate), on_day: args.on_day.map(encode_date) };
    let mut client = LookupServiceClient::new(args.client.channel().await?);
    let answer = client.verify_certificate(request).await?.into_inner();
    if format == Format::Json {
        print_json(&json("Verification", &answer)?)?;
    } else {
        show(&answer)?;
    }
    Ok(exit(&answer))
}

/// An identifier may be spelt wrong, and a file may be missing: the name decides, and what is there.
fn is_file(name: &str) -> bool {
    name == "-" || name.ends_with(SUFFIX) || Path::new(name).is_file()
}

/// 0 says that one may rely on it now (or, with a day, that it was in force on that day), by word that is not stale.
fn exit(answer: &v1::Verification) -> Exit {
    match answer.verdict() {
        v1::Verdict::Genuine => {}
        v1::Verdict::NotFound => return Exit::NotFound,
        v1::Verdict::NotGenuine => return Exit::CheckFailed,
        v1::Verdict::UnknownSchema | v1::Verdict::Unspecified => return Exit::Warnings,
    }
    let asked = answer.standing_on_day.as_ref().or(answer.standing.as_ref());
    let in_force = asked.is_some_and(|standing| standing.status() == v1::Status::Active);
    let current = answer.standing.as_ref().is_some_and(|standing| standing.freshness() == v1::Freshness::Current);
    match (in_force, current && !answer.review_needed && answer.conflicts.is_empty()) {
        (false, _) => Exit::CheckFailed,
        (true, false) => Exit::Warnings,
        (true, true) => Exit::Ok,
    }
}

/// The checks one by one.
pub(super) fn print_checks(answer: &v1::Verification) -> Result<(), Failure> {
    let checks = answer.checks.iter().map(|check| {
        [
            check.name.clone(),
            word(check.result().as_str_name(), "CHECK_RESULT_").to_lowercase(),
            check.found.clone(),
            check.needed.clone(),
        ]
    });
    print_rows(["check", "result", "found", "needed"], checks.collect())
}

fn show(answer: &v1::Verification) -> Result<(), Failure> {
    let regions: Vec<&str> = answer.conflicts.iter().map(|other| other.region.as_str()).collect();
    let mut facts = vec![
        ("verdict", word(answer.verdict().as_str_name(), "VERDICT_")),
        ("status", answer.standing.as_ref().map(standing).unwrap_or_default()),
        ("on that day", answer.standing_on_day.as_ref().map(standing).unwrap_or_default()),
        ("signer withdrawn since", answer.signer_withdrawn_since.clone()),
        ("also in the logs of", regions.join(", ")),
    ];
    if answer.review_needed {
        facts.push(("review", "the signer's key was compromised later".to_owned()));
    }
    print_facts(&facts)?;
    print("")?;
    print_checks(answer)
}

/// A standing in one line.
pub(super) fn standing(standing: &v1::Standing) -> String {
    let mut text = status_word(standing.status());
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{name}{value}"));
        }
    };
    add(" ", standing.status_code.clone());
    add(" since ", day(standing.effective_on));
    add(", as of ", instant(standing.as_of_ms));
    add(" ", word(standing.freshness().as_str_name(), "FRESHNESS_").to_lowercase());
    add(", ", standing.freshness_note.clone());
    let disputed = if standing.disputed_since_ms > 0 { instant(standing.disputed_since_ms) } else { String::new() };
    add(", disputed since ", disputed);
    match standing.counts_as() {
        v1::CountsAs::Original => text.push_str(", counts as the original (视同原件)"),
        v1::CountsAs::DataCheck => text.push_str(", counts as data check (数据核验)"),
        v1::CountsAs::Unspecified => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(verdict: v1::Verdict, status: v1::Status, freshness: v1::Freshness) -> v1::Verification {
        let standing = v1::Standing { status: status as i32, freshness: freshness as i32, ..Default::default() };
        v1::Verification { verdict: verdict as i32, standing: Some(standing), ..Default::default() }
    }

    #[test]
    fn zero_is_for_genuine_in_force_and_current_alone() {
        use v1::{Freshness, Status, Verdict};
        for (verdict, status, freshness, expected) in [
            (Verdict::Genuine, Status::Active, Freshness::Current, Exit::Ok),
            (Verdict::Genuine, Status::Active, Freshness::Stale, Exit::Warnings),
            (Verdict::Genuine, Status::Active, Freshness::Untrusted, Exit::Warnings),
            (Verdict::Genuine, Status::Revoked, Freshness::Current, Exit::CheckFailed),
            (Verdict::Genuine, Status::Expired, Freshness::Current, Exit::CheckFailed),
            (Verdict::NotGenuine, Status::Active, Freshness::Current, Exit::CheckFailed),
            (Verdict::UnknownSchema, Status::Active, Freshness::Current, Exit::Warnings),
            (Verdict::NotFound, Status::Unspecified, Freshness::Current, Exit::NotFound),
        ] {
            assert_eq!(exit(&answer(verdict, status, freshness)), expected, "{verdict:?} {status:?} {freshness:?}");
        }
    }
}
