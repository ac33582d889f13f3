//! `seal`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use exchange_core::chain::Instant;
use exchange_seal::{
    limits::MAX_PICTURE_BYTES,
    make::{Credential, PrivateKey},
    ses::Version,
};
use serde_json::json;

use super::certificate;
use crate::{
    Error,
    cli::{Done, PassphraseArgs, output::show},
    console::{Format, note},
    exit::Exit,
    files, keyfile,
    seals::{self, SealOrder},
    seams,
};

const NEW: &str = "\
Examples:
  ca-tools seal new --key maker.key --certificate maker.crt --picture seal.png \\
    --name 济南市行政审批服务局电子证照专用章 --id 37010000000001 --for signer.crt --out seal.esl
  # Listing the signer by digest, by GM/T 0031-2025, 45 x 30 mm
  ca-tools seal new --key maker.key --certificate maker.crt --picture seal.png --name 测试章 \\
    --id 37010000000002 --for signer.crt --by-digest --standard v5 --width-mm 45 --height-mm 30 \\
    --out seal-2.esl
";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SealCommand {
    /// Make an electronic seal; it is recorded in the maker's journal, <certificate>.seals.jsonl.
    #[command(before_help = NEW)]
    New(New),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct New {
    /// The maker's private key, PKCS#8, mode 600.
    #[arg(long)]
    key: PathBuf,
    /// The maker's certificate.
    #[arg(long)]
    certificate: PathBuf,
    /// The seal's picture: PNG, at most 4 MiB and 4,096 pixels a side.
    #[arg(long)]
    picture: PathBuf,
    /// Width of the picture in millimetres.
    #[arg(long, default_value_t = 40)]
    width_mm: u16,
    /// Height of the picture in millimetres.
    #[arg(long, default_value_t = 40)]
    height_mm: u16,
    /// The seal's name.
    #[arg(long)]
    name: String,
    /// The seal's number (esID), ASCII; a number that the maker's journal has is refused.
    #[arg(long)]
    id: String,
    /// Kind of seal, as numbered by the standard.
    #[arg(long, default_value_t = 1)]
    kind: u16,
    /// Certificate of somebody who may use it; may be given several times.
    #[arg(long = "for", value_name = "FILE", required = true)]
    signers: Vec<PathBuf>,
    /// List digests of the certificates instead of the certificates.
    #[arg(long)]
    by_digest: bool,
    /// By which standard it is written.
    #[arg(long, value_enum, default_value = "v4")]
    standard: StandardArg,
    /// Life in days, from now.
    #[arg(long, default_value_t = 5 * 365)]
    days: u32,
    /// New file.
    #[arg(long)]
    out: PathBuf,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum StandardArg {
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2025.
    V5,
}

pub(in crate::cli) fn seal(SealCommand::New(args): SealCommand, format: Format) -> Done {
    if args.out.exists() {
        return Err(Error::Exists(args.out));
    }
    let der = keyfile::read(&args.key, || args.passphrase.existing(&args.key))?;
    let key = PrivateKey::from_pkcs8(&der, &seams::rng())
        .map_err(|e| Error::Credential(format!("{}: {e}", args.key.display())))?;
    let maker = Credential::new(key, &certificate(&args.certificate)?.der).map_err(seals::making_failed)?;
    let order = SealOrder {
        version: match args.standard {
            StandardArg::V4 => Version::V4,
            StandardArg::V5 => Version::V5,
        },
        id: args.id,
        name: args.name,
        kind: args.kind,
        signers: args.signers.iter().map(|path| certificate(path)).collect::<Result<_, _>>()?,
        by_digest: args.by_digest,
        picture: files::read(&args.picture, MAX_PICTURE_BYTES)?,
        size_mm: (args.width_mm, args.height_mm),
        days: args.days,
    };
    let journal = seals::maker_journal(&args.certificate);
    let now_ms = seams::now_ms();
    if args.dry_run {
        seals::number_is_free(&journal, &order.id)?;
    }
    let made = seals::make_seal(&order, &maker, (!args.dry_run).then_some(journal.as_path()), now_ms)?;
    if args.dry_run {
        show(&json!({ "would_make": args.out, "bytes": made.len() }), format)?;
        return Ok(Exit::Ok);
    }
    files::write_new(&args.out, files::PUBLIC, &made)?;
    let algorithm = maker.key().algorithm();
    let shown = json!({
        "file": args.out,
        "id": order.id,
        "name": order.name,
        "standard": order.version.standard(),
        "is_national": algorithm.is_national(),
        "algorithm": algorithm.name(),
        "maker": maker.certificate().subject,
        "signers": order.signers.iter().map(|signer| signer.subject.clone()).collect::<Vec<_>>(),
        "not_after": Instant(now_ms.saturating_add(u64::from(order.days) * 24 * 3600 * 1000)).to_string(),
        "journal": journal,
    });
    show(&shown, format)?;
    if !algorithm.is_national() {
        note("This is a seal of the ring profile, no seal of GB/T 38540.", format);
    }
    Ok(Exit::Ok)
}
