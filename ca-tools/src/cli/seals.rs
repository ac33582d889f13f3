//! `seal-ca`.

mod new;
mod request;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use exchange_core::{
    chain::{Serial, WithdrawalReason},
    spiffe::TrustDomain,
};
use exchange_seal::{
    algorithm::Algorithm,
    certificate::{Certificate, Key},
    limits::MAX_CERTIFICATE_BYTES,
    make::{PrivateKey, pki::request_key},
};
pub(super) use new::{SealCommand, seal};
use serde_json::json;

use super::{Done, PassphraseArgs, keys::with_suffix, output::show};
use crate::{
    CaOptions, Error,
    console::{Format, note},
    exit::Exit,
    files::{self, CERTIFICATE, REQUEST},
    keyfile,
    profile::unhex,
    seals::{self, SealCa, SealProfile},
    seams,
};

const INIT: &str = "\
Examples:
  ca-tools seal-ca init --domain dzzz.sd.gov.cn --out seal-ca --passphrase-file seal-ca.pass
  # The ring profile: no seals of GB/T 38540
  ca-tools seal-ca init --domain dzzz.sd.gov.cn --algorithm p256 --out ring-ca
";

const ISSUE: &str = "\
Examples:
  ca-tools seal-ca issue --ca seal-ca --profile seal-maker --name 制章中心 --out maker
  ca-tools seal-ca issue --ca seal-ca --profile seal-signer --name 济南市行政审批服务局 --out signer
  # The key stays where it was made, only the request travels (seal-ca request)
  ca-tools seal-ca issue --ca seal-ca --profile seal-signer --name 某局 --csr office.csr --out office
";

const REVOKE: &str = "\
Examples:
  ca-tools seal-ca revoke --ca seal-ca --cert signer.crt --reason superseded
  ca-tools seal-ca revoke --ca seal-ca --cert office.crt --reason cessationOfOperation --days 90
  ca-tools seal-ca revoke --ca seal-ca --cert maker.crt --reason keyCompromise --dry-run
";

const CRL: &str = "\
Examples:
  ca-tools seal-ca crl --ca seal-ca --passphrase-file seal-ca.pass
  ca-tools seal-ca crl --ca seal-ca --days 90
";

#[derive(Debug, Subcommand)]
pub(super) enum SealCaCommand {
    /// Make an authority over seal makers and signers, with SM2 unless told otherwise.
    #[command(before_help = INIT)]
    Init(Init),
    /// Make a key and a request for its certificate, <out>.key (mode 600) and <out>.csr, where the key is to stay.
    #[command(before_help = request::EXAMPLES)]
    Request(request::Request),
    /// Make the certificate of a seal maker or signer, <out>.crt, and without a request its key, <out>.key (mode 600).
    #[command(before_help = ISSUE)]
    Issue(Issue),
    /// Withdraw a certificate and sign the CRL that says so.
    #[command(before_help = REVOKE)]
    Revoke(Revoke),
    /// Sign the next CRL; its number rises by one.
    #[command(before_help = CRL)]
    Crl(Crl),
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Trust domain of the province, which all names will have.
    #[arg(long)]
    domain: String,
    /// New folder.
    #[arg(long)]
    out: PathBuf,
    /// What is signed with.
    #[arg(long, value_enum, default_value = "sm2")]
    algorithm: AlgorithmArg,
    /// Life of the authority in days.
    #[arg(long, default_value_t = SealCa::OPTIONS.days)]
    days: u32,
    /// Time to the next CRL in days.
    #[arg(long, default_value_t = SealCa::OPTIONS.crl_days)]
    crl_days: u32,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AlgorithmArg {
    /// SM2 with SM3: seals of GB/T 38540.
    Sm2,
    /// ECDSA P-256 with SHA-256 (ring profile).
    P256,
    /// ECDSA P-384 with SHA-384 (ring profile).
    P384,
    /// Ed25519 (ring profile).
    Ed25519,
}

impl From<AlgorithmArg> for Algorithm {
    fn from(algorithm: AlgorithmArg) -> Self {
        match algorithm {
            AlgorithmArg::Sm2 => Self::Sm2Sm3,
            AlgorithmArg::P256 => Self::EcdsaSha256,
            AlgorithmArg::P384 => Self::EcdsaSha384,
            AlgorithmArg::Ed25519 => Self::Ed25519,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Issue {
    /// The authority's folder.
    #[arg(long)]
    ca: PathBuf,
    /// What the certificate is for.
    #[arg(long, value_enum)]
    profile: ProfileArg,
    /// Whose, at most 64 characters.
    #[arg(long)]
    name: String,
    /// Request with the key, PEM or DER (PKCS#10); nothing but the key is taken from it.
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// Path without suffix.
    #[arg(long)]
    out: PathBuf,
    /// Life in days; never beyond the authority's.
    #[arg(long)]
    days: Option<u32>,
    /// File with a passphrase that encrypts the new key; without it the key is in the clear.
    #[arg(long, value_name = "FILE")]
    key_passphrase_file: Option<PathBuf>,
    /// Say what would be issued, and issue nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ProfileArg {
    /// Makes seals.
    SealMaker,
    /// Puts a seal on documents.
    SealSigner,
}

impl From<ProfileArg> for SealProfile {
    fn from(profile: ProfileArg) -> Self {
        match profile {
            ProfileArg::SealMaker => Self::Maker,
            ProfileArg::SealSigner => Self::Signer,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The authority's folder.
    #[arg(long)]
    ca: PathBuf,
    /// Serial in hex.
    #[arg(long, required_unless_present = "cert", conflicts_with = "cert")]
    serial: Option<String>,
    /// The certificate's file, instead of the serial.
    #[arg(long)]
    cert: Option<PathBuf>,
    /// Why, by its RFC 5280 name: keyCompromise, superseded, cessationOfOperation ...
    #[arg(long)]
    reason: String,
    /// Time from this CRL to the next one in days.
    #[arg(long, default_value_t = SealCa::OPTIONS.crl_days)]
    days: u32,
    /// Say what would be withdrawn, and withdraw nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(super) struct Crl {
    /// The authority's folder.
    #[arg(long)]
    ca: PathBuf,
    /// Time to the next one in days.
    #[arg(long, default_value_t = SealCa::OPTIONS.crl_days)]
    days: u32,
    /// Say what would be signed, and sign nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(super) fn seal_ca(command: SealCaCommand, format: Format) -> Done {
    match command {
        SealCaCommand::Init(args) => init(&args, format),
        SealCaCommand::Request(args) => request::run(&args, format),
        SealCaCommand::Issue(args) => issue(&args, format),
        SealCaCommand::Revoke(args) => revoke(&args, format),
        SealCaCommand::Crl(args) => crl(&args, format),
    }
}

fn init(args: &Init, format: Format) -> Done {
    let domain = TrustDomain::parse(&args.domain)?;
    let algorithm = Algorithm::from(args.algorithm);
    if args.out.exists() {
        return Err(Error::Exists(args.out.clone()));
    }
    if args.dry_run {
        show(&json!({ "would_make": args.out, "algorithm": algorithm.name() }), format)?;
        return Ok(Exit::Ok);
    }
    let passphrase = args.passphrase.chosen()?;
    let options = CaOptions { days: args.days, crl_days: args.crl_days };
    let mut ca = SealCa::new(&domain, algorithm, options, seams::now_ms())?;
    ca.save(&args.out, &passphrase)?;
    let made = json!({
        "folder": args.out,
        "algorithm": algorithm.name(),
        "is_national": algorithm.is_national(),
        "fingerprint": ca.fingerprint(),
        "not_after": ca.certificate().not_after.to_string(),
    });
    show(&made, format)?;
    let (pin, crl) = (args.out.join("ca.crt"), args.out.join("crl.pem"));
    note(&format!("Whoever verifies pins {} and needs {}.", pin.display(), crl.display()), format);
    if !algorithm.is_national() {
        note("Seals of this authority are of the ring profile, no seals of GB/T 38540.", format);
    }
    Ok(Exit::Ok)
}

fn issue(args: &Issue, format: Format) -> Done {
    let (key_file, certificate_file) = (with_suffix(&args.out, "key"), with_suffix(&args.out, "crt"));
    let requested = args.csr.as_deref().map(requested).transpose()?;
    for path in [&certificate_file].into_iter().chain(requested.is_none().then_some(&key_file)) {
        if path.exists() {
            return Err(Error::Exists(path.clone()));
        }
    }
    let mut ca = SealCa::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    let profile = SealProfile::from(args.profile);
    if args.dry_run {
        let would = json!({ "would_issue": args.name, "profile": profile.name(), "by": ca.name() });
        show(&would, format)?;
        return Ok(Exit::Ok);
    }
    let secret = args.key_passphrase_file.as_deref().map(keyfile::Passphrase::from_file).transpose()?;
    let made = match requested {
        Some(_) => None,
        None => Some(PrivateKey::generate(ca.algorithm(), &seams::rng()).map_err(seals::making_failed)?),
    };
    let public = requested.as_ref().or(made.as_ref().map(PrivateKey::public));
    let public = public.ok_or_else(|| Error::making("a certificate", "there is no key"))?;
    let issued = ca.issue(profile, &args.name, public, args.days, seams::now_ms())?;
    if let Some(key) = &made {
        keyfile::write(&key_file, &key.to_pkcs8().map_err(seals::making_failed)?, secret.as_ref())?;
    }
    files::write_new(&certificate_file, files::PUBLIC, issued.pem().as_bytes())?;
    let shown = json!({
        "subject": issued.certificate.subject,
        "profile": profile.name(),
        "serial": issued.serial.to_string(),
        "not_after": issued.certificate.not_after.to_string(),
        "key": made.is_some().then_some(key_file),
        "certificate": certificate_file,
    });
    show(&shown, format)?;
    Ok(Exit::Ok)
}

/// The key of a request.
fn requested(path: &Path) -> Result<Key, Error> {
    let what = path.display().to_string();
    let blocks = files::blocks(&files::read(path, 2 * MAX_CERTIFICATE_BYTES)?, REQUEST, &what)?;
    request_key(blocks.first().map_or(&[], Vec::as_slice)).map_err(|e| Error::Credential(format!("{what}: {e}")))
}

fn revoke(args: &Revoke, format: Format) -> Done {
    let known = WithdrawalReason::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(&args.reason));
    let (reason, name) = known.ok_or_else(|| {
        let names: Vec<&str> = WithdrawalReason::ALL.iter().map(|(_, name)| *name).collect();
        Error::Usage(format!("reason \"{}\"; one of {} is needed", args.reason, names.join(", ")))
    })?;
    let serial = match (&args.cert, &args.serial) {
        (Some(path), _) => Serial::new(&certificate(path)?.serial),
        (None, text) => {
            let bytes = unhex(text.as_deref().unwrap_or_default()).filter(|bytes| !bytes.is_empty());
            Serial::new(&bytes.ok_or_else(|| Error::Usage("a serial is hex digits".to_owned()))?)
        }
    };
    let mut ca = SealCa::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    if args.dry_run {
        let would = json!({
            "would_withdraw": serial.to_string(),
            "by": ca.name(),
            "reason": name,
            "crl_days": args.days,
        });
        show(&would, format)?;
        return Ok(Exit::Ok);
    }
    let number = ca.revoke(&serial, *reason, args.days, seams::now_ms())?;
    show(&json!({ "serial": serial.to_string(), "reason": name, "crl_number": number }), format)?;
    let bring = args.ca.join("crl.pem");
    note(&format!("Bring {} to those who verify: until then they do not know.", bring.display()), format);
    Ok(Exit::Ok)
}

fn crl(args: &Crl, format: Format) -> Done {
    let mut ca = SealCa::open(&args.ca, || args.passphrase.existing(&args.ca))?;
    if args.dry_run {
        show(&json!({ "would_sign_for_days": args.days, "by": ca.name() }), format)?;
        return Ok(Exit::Ok);
    }
    let number = ca.issue_crl(args.days, seams::now_ms())?;
    show(&json!({ "issuer": ca.name(), "number": number, "file": args.ca.join("crl.pem") }), format)?;
    Ok(Exit::Ok)
}

/// The first certificate of a file.
fn certificate(path: &Path) -> Result<Certificate, Error> {
    let what = path.display().to_string();
    let blocks = files::blocks(&files::read(path, 16 * MAX_CERTIFICATE_BYTES)?, CERTIFICATE, &what)?;
    Certificate::parse(blocks.first().map_or(&[], Vec::as_slice)).map_err(|e| Error::malformed(what, e))
}
