//! `revoke`, `crl`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use exchange_core::chain::{Authority, Credential, Crl, Instant, Serial, WithdrawalReason};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Done, PassphraseArgs, inspect::crl_value, output::show};
use crate::{
    Ca, Error,
    console::{Format, note},
    exit::Exit,
    files::{self, CERTIFICATE, CRL},
    seams,
};

const REVOKE: &str = "\
Examples:
  ca-tools revoke --ca jinan --cert node-1.crt --reason keyCompromise --passphrase-file jinan.pass
  # First only said; a serial where the file is lost (ca-tools list shows serials)
  ca-tools revoke --ca jinan --serial 5a01 --reason superseded --dry-run --passphrase-file jinan.pass
";

const ISSUE: &str = "\
Examples:
  ca-tools crl issue --ca jinan --passphrase-file jinan.pass
  ca-tools crl issue --ca root --days 180
";

const INSPECT: &str = "\
Examples:
  ca-tools crl inspect jinan/crl.pem --ca-cert jinan/ca.crt
  # For a monitor: exit code 10 past two thirds of its life, 11 past its end
  ca-tools crl inspect /etc/exchange-node/trust/jinan.crl -o json
";

#[derive(Debug, Args)]
#[command(before_help = REVOKE)]
pub(super) struct RevokeArgs {
    /// The CA's folder.
    #[arg(long)]
    ca: PathBuf,
    /// Serial in hex.
    #[arg(long, required_unless_present = "cert", conflicts_with = "cert")]
    serial: Option<String>,
    /// The credential's file, instead of the serial.
    #[arg(long)]
    cert: Option<PathBuf>,
    /// Why, by its RFC 5280 name: keyCompromise, superseded, cessationOfOperation, affiliationChanged ...
    #[arg(long)]
    reason: String,
    /// Since when the key is thought to be in other hands (RFC 3339, for example 2026-07-01T00:00:00Z).
    #[arg(long)]
    invalid_since: Option<String>,
    /// Say what would be withdrawn, and withdraw nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(super) fn revoke(args: &RevokeArgs, format: Format) -> Done {
    let reason =
        WithdrawalReason::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(&args.reason)).ok_or_else(|| {
            let names: Vec<&str> = WithdrawalReason::ALL.iter().map(|(_, name)| *name).collect();
            Error::Usage(format!("reason \"{}\"; one of {} is needed", args.reason, names.join(", ")))
        })?;
    let invalidity_ms = args.invalid_since.as_deref().map(moment).transpose()?;
    let mut ca = Ca::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    let serial = serial(args, &ca)?;
    if args.dry_run {
        show(&json!({ "would_withdraw": serial.to_string(), "by": ca.name(), "reason": reason.1 }), format)?;
        return Ok(Exit::Ok);
    }
    let crl = ca.revoke(&serial, reason.0, invalidity_ms, seams::now_ms())?;
    let value = json!({ "serial": serial.to_string(), "reason": reason.1, "crl_number": crl.number });
    show(&value, format)?;
    let bring = format!("Bring {} to the nodes: until then they do not know.", args.ca.join("crl.pem").display());
    note(&bring, format);
    Ok(Exit::Ok)
}

fn serial(args: &RevokeArgs, ca: &Ca) -> Result<Serial, Error> {
    let Some(path) = &args.cert else {
        let text = args.serial.clone().unwrap_or_default();
        return unhex(&text)
            .map(|bytes| Serial::new(&bytes))
            .ok_or_else(|| Error::Usage("a serial is hex digits".into()));
    };
    let blocks = files::blocks(&files::read(path, 256 * 1024)?, CERTIFICATE, &path.display().to_string())?;
    let der = blocks.first().map_or(&[][..], Vec::as_slice);
    let (serial, issuer) = match Authority::parse(der) {
        Ok(authority) => (authority.serial, authority.issuer),
        Err(_) => Credential::parse(der).map(|credential| (credential.serial, credential.issuer))?,
    };
    if issuer != ca.name() {
        return Err(Error::NotFound(format!(
            "{} was issued by \"{issuer}\", not by \"{}\"",
            path.display(),
            ca.name()
        )));
    }
    Ok(serial)
}

#[derive(Debug, Subcommand)]
pub(super) enum CrlCommand {
    /// Sign the next CRL; its number rises by one.
    #[command(before_help = ISSUE)]
    Issue {
        /// The CA's folder.
        #[arg(long)]
        ca: PathBuf,
        /// Time to the next one in days.
        #[arg(long)]
        days: Option<u32>,
        /// Say what would be signed, and sign nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Show a CRL. Exit code 10 past two thirds of its life, 11 past its end or where --ca-cert did not sign it.
    #[command(before_help = INSPECT)]
    Inspect {
        /// PEM or DER; `-` for standard input.
        file: PathBuf,
        /// Check its signature by this CA.
        #[arg(long)]
        ca_cert: Option<PathBuf>,
    },
}

pub(super) fn run(command: CrlCommand, format: Format) -> Done {
    match command {
        CrlCommand::Issue { ca, days, dry_run, passphrase } => {
            let mut opened = Ca::open(&ca, || passphrase.existing(&ca))?;
            if dry_run {
                let number = opened.crl().map_or(0, |crl| crl.number);
                show(&json!({ "would_sign_after": number, "by": opened.name() }), format)?;
                return Ok(Exit::Ok);
            }
            let days = days.unwrap_or(opened.scope().options().crl_days);
            let now_ms = seams::now_ms();
            show(&crl_value(opened.issue_crl(days, now_ms)?, now_ms), format)?;
            Ok(Exit::Ok)
        }
        CrlCommand::Inspect { file, ca_cert } => inspect_crl(&file, ca_cert.as_deref(), format),
    }
}

fn inspect_crl(file: &Path, ca_cert: Option<&Path>, format: Format) -> Done {
    let bytes = files::read(file, 24 * 1024 * 1024)?;
    let blocks = files::blocks(&bytes, CRL, &file.display().to_string())?;
    let crl = Crl::parse(blocks.first().map_or(&[], Vec::as_slice))?;
    let now_ms = seams::now_ms();
    let mut shown = crl_value(&crl, now_ms);
    let mut refused = None;
    shown["signature"] = "not checked: name --ca-cert".into();
    if let Some(path) = ca_cert {
        let blocks = files::blocks(&files::read(path, 256 * 1024)?, CERTIFICATE, &path.display().to_string())?;
        let authority = Authority::parse(blocks.first().map_or(&[], Vec::as_slice))?;
        refused = crl.verify(&authority).err();
        shown["signature"] = refused.as_ref().map_or_else(|| "by that CA".into(), |error| error.fault().into());
    }
    show(&shown, format)?;
    if let Some(error) = refused {
        note(&format!("{error} [{}]", error.fault()), format);
        return Ok(Exit::CheckFailed);
    }
    if crl.is_stale(now_ms, 0) {
        let due = Instant(crl.next_update_ms);
        note(&format!("the CRL was due at {due}: sign the next one by `crl issue`"), format);
        return Ok(Exit::CheckFailed);
    }
    if crl.is_ageing(now_ms) {
        note("the CRL is past two thirds of its life: sign the next one by `crl issue`", format);
        return Ok(Exit::Warnings);
    }
    Ok(Exit::Ok)
}

fn moment(text: &str) -> Result<u64, Error> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|moment| u64::try_from(moment.unix_timestamp()).ok())
        .map(|seconds| seconds * 1000)
        .ok_or_else(|| Error::Usage(format!("\"{text}\"; a moment like 2026-07-01T00:00:00Z is needed")))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
