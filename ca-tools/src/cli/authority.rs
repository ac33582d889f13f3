//! `root`, `ca`, `issue`.

use std::path::PathBuf;

use crate::{
    Ca, CaOptions, Error, Issue, Profile, Scope, SubjectKey,
    console::{Format, note},
    exit::Exit,
    files, seams,
};
use clap::{Args, Subcommand};
use exchange_core::{
    chain::{Credential, Instant},
    region::Region,
    spiffe::TrustDomain,
};
use serde_json::json;

use super::{Done, PassphraseArgs, output::show, passphrase};

#[derive(Debug, Subcommand)]
pub(super) enum RootCommand {
    /// Make a root. Do it on a machine without network, before witnesses, and keep the folder offline.
    Init(RootInit),
}

const ROOT_INIT: &str = "\
Examples:
  ca-tools root init --domain dzzz.sd.gov.cn --out root --witness 王梅 --witness 赵强
  # Kafka's own CA, which nothing else believes
  ca-tools root init --domain dzzz.sd.gov.cn --kafka --out kafka-ca --passphrase-file kafka.pass
";

#[derive(Debug, Args)]
#[command(before_help = ROOT_INIT)]
pub(super) struct RootInit {
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

pub(super) fn root(RootCommand::Init(args): RootCommand, format: Format) -> Done {
    let domain = TrustDomain::parse(&args.domain)?;
    let scope = if args.kafka { Scope::Kafka } else { Scope::Root };
    if args.life.dry_run {
        show(&json!({ "would_make": args.out, "trust_domain": args.domain }), format)?;
        return Ok(Exit::Ok);
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
    show(&ceremony, format)?;
    let pin = args.out.join("ca.crt");
    note(&format!("Read the fingerprint out twice, and pin {} on every node.", pin.display()), format);
    Ok(Exit::Ok)
}

#[derive(Debug, Subcommand)]
pub(super) enum CaCommand {
    /// Make a city's CA below the root.
    Init(CaInit),
}

const CA_INIT: &str = "\
Examples:
  ca-tools ca init --root root --region 370100 --out jinan
  ca-tools ca init --root root --region 370100 --out jinan --dry-run --root-passphrase-file root.pass
";

#[derive(Debug, Args)]
#[command(before_help = CA_INIT)]
pub(super) struct CaInit {
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

pub(super) fn ca(CaCommand::Init(args): CaCommand, format: Format) -> Done {
    let region = Region::parse(&args.region)?;
    // Before the root signs: what cannot be kept must not be made.
    if args.out.exists() {
        return Err(Error::Exists(args.out));
    }
    let question = format!("Passphrase of {}: ", args.root.display());
    let mut root = Ca::open(&args.root, || passphrase(args.root_passphrase_file.as_deref(), &question))?;
    if args.life.dry_run {
        show(&json!({ "would_make": args.out, "region": args.region, "below": root.name() }), format)?;
        return Ok(Exit::Ok);
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
    show(&made, format)?;
    Ok(Exit::Ok)
}

const ISSUE: &str = "\
Examples:
  ca-tools issue --ca jinan --profile node --name node-1 --csr node-1.csr --out node-1.crt
  ca-tools issue --ca jinan --profile document --name 11370100MB2857833B --csr spj.csr --out spj.crt
  # Kafka: a city's client, and a broker
  ca-tools issue --ca kafka-ca --profile kafka --region 370100 --name node-1 --csr kafka.csr --out kafka.crt
  ca-tools issue --ca kafka-ca --profile kafka --region 370000 --name broker --host kafka-1.example \\
    --csr broker.csr --out broker.crt
";

#[derive(Debug, Args)]
#[command(before_help = ISSUE)]
pub(super) struct IssueArgs {
    /// The CA's folder.
    #[arg(long)]
    ca: PathBuf,
    /// What the credential is for. Credentials of seal makers and signers are issued by `seal-ca issue`.
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
pub(super) enum ProfileArg {
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
    /// Of another authority; known here for the answer alone.
    #[value(hide = true)]
    SealMaker,
    /// The same.
    #[value(hide = true)]
    SealSigner,
}

impl TryFrom<ProfileArg> for Profile {
    type Error = Error;

    fn try_from(profile: ProfileArg) -> Result<Self, Error> {
        let of_seals = |name| {
            Error::Usage(format!(
                "--profile {name}: a city's CA certifies nobody for seals, an authority over seals does: \
                 ca-tools seal-ca issue --ca <its folder> --profile {name}"
            ))
        };
        Ok(match profile {
            ProfileArg::Node => Self::Node,
            ProfileArg::System => Self::System,
            ProfileArg::Operator => Self::Operator,
            ProfileArg::Document => Self::Document,
            ProfileArg::Trust => Self::Trust,
            ProfileArg::Kafka => Self::Kafka,
            ProfileArg::SealMaker => return Err(of_seals("seal-maker")),
            ProfileArg::SealSigner => return Err(of_seals("seal-signer")),
        })
    }
}

pub(super) fn issue(args: &IssueArgs, format: Format) -> Done {
    let profile = Profile::try_from(args.profile)?;
    let key = SubjectKey::from_request(&files::read(&args.csr, crate::MAX_REQUEST_BYTES)?)?;
    if args.out.exists() {
        return Err(Error::Exists(args.out.clone()));
    }
    let mut ca = Ca::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    let issue = Issue {
        region: args.region.as_deref().map(Region::parse).transpose()?,
        hosts: &args.host,
        days: args.days,
        ..Issue::new(profile, &args.name)
    };
    if args.dry_run {
        show(&json!({ "would_issue": ca.plan(&issue)?.to_string(), "by": ca.name() }), format)?;
        return Ok(Exit::Ok);
    }
    let issued = ca.issue(&issue, &key, seams::now_ms())?;
    files::write_new(&args.out, files::PUBLIC, issued.chain_pem().as_bytes())?;
    let read = Credential::parse(&issued.der)?;
    let made = json!({
        "id": issued.id.to_string(),
        "serial": issued.serial.to_string(),
        "dns": crate::node_host(&issued.id),
        "not_after": Instant(read.not_after_ms).to_string(),
        "file": args.out,
    });
    show(&made, format)?;
    Ok(Exit::Ok)
}

/// Four digits at a time, for reading out.
fn grouped(hex: &str) -> String {
    hex.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
