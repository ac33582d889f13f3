//! `root`, `ca`, `issue`, `revoke`, `crl`.

use std::path::PathBuf;

use ca_tools::{
    Ca, CaOptions, Error, ExitCode, Issue, Profile, Scope, SubjectKey,
    files::{self, CERTIFICATE, CRL},
    seams,
};
use clap::{Args, Subcommand};
use exchange_core::{
    chain::{Authority, Credential, Crl, Instant, Serial, WithdrawalReason},
    region::Region,
    spiffe::TrustDomain,
};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Done, PassphraseArgs,
    inspect::crl_value,
    output::{Format, show},
    passphrase,
};

#[derive(Debug, Subcommand)]
pub(crate) enum RootCommand {
    /// Make a root. Do it on a machine without network, before witnesses, and keep the folder offline.
    Init(RootInit),
}

#[derive(Debug, Args)]
pub(crate) struct RootInit {
    /// Trust domain of the province, for example dzzz.sd.gov.cn.
    #[arg(long)]
    domain: String,
    /// New folder.
    #[arg(long)]
    out: PathBuf,
    /// Make Kafka's own CA instead of the province's root.
    #[arg(long)]
    kafka: bool,
    /// Name of somebody who was there; for the ceremony record.
    #[arg(long)]
    witness: Vec<String>,
    #[command(flatten)]
    life: Life,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
struct Life {
    /// Life of the CA in days.
    #[arg(long)]
    days: Option<u32>,
    /// Time to the next CRL in days.
    #[arg(long)]
    crl_days: Option<u32>,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Life {
    fn options(&self, scope: Scope) -> CaOptions {
        let usual = scope.options();
        CaOptions { days: self.days.unwrap_or(usual.days), crl_days: self.crl_days.unwrap_or(usual.crl_days) }
    }
}

pub(crate) fn root(RootCommand::Init(args): RootCommand, format: Format) -> Done {
    let domain = TrustDomain::parse(&args.domain)?;
    let scope = if args.kafka { Scope::Kafka } else { Scope::Root };
    if args.life.dry_run {
        show(&json!({ "would_make": args.out, "trust_domain": args.domain }), format);
        return Ok(ExitCode::Ok);
    }
    let now_ms = seams::now_ms();
    let passphrase = args.passphrase.chosen()?;
    let options = args.life.options(scope);
    let mut ca = if args.kafka { Ca::kafka(&domain, options, now_ms)? } else { Ca::root(&domain, options, now_ms)? };
    ca.save(&args.out, &passphrase)?;
    let ceremony = json!({
        "trust_domain": args.domain,
        "at": Instant(now_ms).to_string(),
        "fingerprint": grouped(&ca.fingerprint()),
        "public_key_sha256": hex(&ca.spki_sha256()),
        "not_after": Instant(ca.authority().not_after_ms).to_string(),
        "witnesses": args.witness,
        "tool": concat!("ca-tools ", env!("CARGO_PKG_VERSION")),
        "fingerprint_again": grouped(&ca.fingerprint()),
    });
    files::write_new(&args.out.join("ceremony.json"), files::PUBLIC, format!("{ceremony:#}\n").as_bytes())?;
    show(&ceremony, format);
    eprintln!("Read the fingerprint out twice, and pin {} on every node.", args.out.join("ca.crt").display());
    Ok(ExitCode::Ok)
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Make a city's CA below the root.
    Init(CaInit),
}

#[derive(Debug, Args)]
pub(crate) struct CaInit {
    /// The root's folder.
    #[arg(long)]
    root: PathBuf,
    /// Six digits, for example 370100.
    #[arg(long)]
    region: String,
    /// New folder.
    #[arg(long)]
    out: PathBuf,
    /// File with the root's passphrase, mode 600; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    life: Life,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(crate) fn ca(CaCommand::Init(args): CaCommand, format: Format) -> Done {
    let region = Region::parse(&args.region)?;
    // Before the root signs: what cannot be kept must not be made.
    if args.out.exists() {
        return Err(Error::Exists(args.out));
    }
    let question = format!("Passphrase of {}: ", args.root.display());
    let mut root = Ca::open(&args.root, || passphrase(args.root_passphrase_file.as_deref(), &question))?;
    if args.life.dry_run {
        show(&json!({ "would_make": args.out, "region": args.region, "below": root.name() }), format);
        return Ok(ExitCode::Ok);
    }
    let secret = args.passphrase.chosen()?;
    let mut ca = root.city(region, args.life.options(Scope::Region(region)), seams::now_ms())?;
    ca.save(&args.out, &secret)?;
    let made = json!({
        "region": args.region,
        "folder": args.out,
        "fingerprint": grouped(&ca.fingerprint()),
        "public_key_sha256": hex(&ca.spki_sha256()),
        "serial": ca.authority().serial.to_string(),
        "not_after": Instant(ca.authority().not_after_ms).to_string(),
    });
    show(&made, format);
    Ok(ExitCode::Ok)
}

#[derive(Debug, Args)]
pub(crate) struct IssueArgs {
    /// The CA's folder.
    #[arg(long)]
    ca: PathBuf,
    /// What the credential is for.
    #[arg(long, value_enum)]
    profile: ProfileArg,
    /// The last part of the identity: a name; a department's credit code; a series of bundles.
    #[arg(long)]
    name: String,
    /// The request, PEM or DER; `-` for standard input.
    #[arg(long)]
    csr: PathBuf,
    /// New file: the credential and its CA, without the root.
    #[arg(long)]
    out: PathBuf,
    /// Life in days; never beyond the CA's.
    #[arg(long)]
    days: Option<u32>,
    /// Region of a Kafka client.
    #[arg(long)]
    region: Option<String>,
    /// Host name or address of a Kafka broker.
    #[arg(long)]
    host: Vec<String>,
    /// Say what would be issued, and issue nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum ProfileArg {
    /// A city's node; DNS name <name>.<region>.<trust domain>.
    Node,
    /// A calling system.
    System,
    /// An operator.
    Operator,
    /// A department's signature on certificates.
    Document,
    /// The province's signature on trust bundles.
    Trust,
    /// A client or broker of Kafka.
    Kafka,
}

impl From<ProfileArg> for Profile {
    fn from(profile: ProfileArg) -> Self {
        match profile {
            ProfileArg::Node => Self::Node,
            ProfileArg::System => Self::System,
            ProfileArg::Operator => Self::Operator,
            ProfileArg::Document => Self::Document,
            ProfileArg::Trust => Self::Trust,
            ProfileArg::Kafka => Self::Kafka,
        }
    }
}

pub(crate) fn issue(args: &IssueArgs, format: Format) -> Done {
    let key = SubjectKey::from_request(&files::read(&args.csr, ca_tools::MAX_REQUEST_BYTES)?)?;
    if args.out.exists() {
        return Err(Error::Exists(args.out.clone()));
    }
    let mut ca = Ca::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    let issue = Issue {
        region: args.region.as_deref().map(Region::parse).transpose()?,
        hosts: &args.host,
        days: args.days,
        ..Issue::new(args.profile.into(), &args.name)
    };
    if args.dry_run {
        show(&json!({ "would_issue": ca.plan(&issue)?.to_string(), "by": ca.name() }), format);
        return Ok(ExitCode::Ok);
    }
    let issued = ca.issue(&issue, &key, seams::now_ms())?;
    files::write_new(&args.out, files::PUBLIC, issued.chain_pem().as_bytes())?;
    let read = Credential::parse(&issued.der)?;
    let made = json!({
        "id": issued.id.to_string(),
        "serial": issued.serial.to_string(),
        "dns": ca_tools::node_host(&issued.id),
        "not_after": Instant(read.not_after_ms).to_string(),
        "file": args.out,
    });
    show(&made, format);
    Ok(ExitCode::Ok)
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
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

pub(crate) fn revoke(args: &RevokeArgs, format: Format) -> Done {
    let reason =
        WithdrawalReason::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(&args.reason)).ok_or_else(|| {
            let names: Vec<&str> = WithdrawalReason::ALL.iter().map(|(_, name)| *name).collect();
            Error::Usage(format!("reason \"{}\"; one of {} is needed", args.reason, names.join(", ")))
        })?;
    let invalidity_ms = args.invalid_since.as_deref().map(moment).transpose()?;
    let mut ca = Ca::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    let serial = serial(args, &ca)?;
    if args.dry_run {
        show(&json!({ "would_withdraw": serial.to_string(), "by": ca.name(), "reason": reason.1 }), format);
        return Ok(ExitCode::Ok);
    }
    let crl = ca.revoke(&serial, reason.0, invalidity_ms, seams::now_ms())?;
    let value = json!({ "serial": serial.to_string(), "reason": reason.1, "crl_number": crl.number });
    show(&value, format);
    eprintln!("Bring {} to the nodes: until then they do not know.", args.ca.join("crl.pem").display());
    Ok(ExitCode::Ok)
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
pub(crate) enum CrlCommand {
    /// Sign the next CRL; its number rises by one.
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
    Inspect {
        /// PEM or DER; `-` for standard input.
        file: PathBuf,
        /// Check its signature by this CA.
        #[arg(long)]
        ca_cert: Option<PathBuf>,
    },
}

pub(crate) fn crl(command: CrlCommand, format: Format) -> Done {
    match command {
        CrlCommand::Issue { ca, days, dry_run, passphrase } => {
            let mut opened = Ca::open(&ca, || passphrase.existing(&ca))?;
            if dry_run {
                let number = opened.crl().map_or(0, |crl| crl.number);
                show(&json!({ "would_sign_after": number, "by": opened.name() }), format);
                return Ok(ExitCode::Ok);
            }
            let days = days.unwrap_or(opened.scope().options().crl_days);
            let now_ms = seams::now_ms();
            show(&crl_value(opened.issue_crl(days, now_ms)?, now_ms), format);
            Ok(ExitCode::Ok)
        }
        CrlCommand::Inspect { file, ca_cert } => inspect_crl(&file, ca_cert.as_deref(), format),
    }
}

fn inspect_crl(file: &std::path::Path, ca_cert: Option<&std::path::Path>, format: Format) -> Done {
    let bytes = files::read(file, 24 * 1024 * 1024)?;
    let blocks = files::blocks(&bytes, CRL, &file.display().to_string())?;
    let crl = Crl::parse(blocks.first().map_or(&[], Vec::as_slice))?;
    let now_ms = seams::now_ms();
    show(&crl_value(&crl, now_ms), format);
    if let Some(path) = ca_cert {
        let blocks = files::blocks(&files::read(path, 256 * 1024)?, CERTIFICATE, &path.display().to_string())?;
        let authority = Authority::parse(blocks.first().map_or(&[], Vec::as_slice))?;
        if let Err(error) = crl.verify(&authority) {
            eprintln!("ca-tools: {error} [{}]", error.fault());
            return Ok(ExitCode::CheckFailed);
        }
    }
    if crl.is_stale(now_ms, 0) {
        eprintln!("ca-tools: the CRL was due at {}: sign the next one by `crl issue`", Instant(crl.next_update_ms));
        return Ok(ExitCode::CheckFailed);
    }
    if crl.is_ageing(now_ms) {
        eprintln!("ca-tools: the CRL is past two thirds of its life: sign the next one by `crl issue`");
        return Ok(ExitCode::Warnings);
    }
    Ok(ExitCode::Ok)
}

fn moment(text: &str) -> Result<u64, Error> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|moment| u64::try_from(moment.unix_timestamp()).ok())
        .map(|seconds| seconds * 1000)
        .ok_or_else(|| Error::Usage(format!("\"{text}\"; a moment like 2026-07-01T00:00:00Z is needed")))
}

/// Four digits at a time, for reading out.
fn grouped(hex: &str) -> String {
    hex.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
