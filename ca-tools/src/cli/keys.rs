//! `csr`, `log-key`, `index-key`, `store-key`.

use std::path::{Path, PathBuf};

use crate::{Error, console::Format, exit::Exit, files, keyfile, keys, new_request};
use clap::{Args, Subcommand};
use exchange_core::{checkpoint::LogKind, region::Region, spiffe::TrustDomain};
use serde_json::json;

use super::{Done, PassphraseArgs, output::show};

const CSR: &str = "\
Examples:
  ca-tools csr new --name node-1 --out node-1
  # The trust key, encrypted
  ca-tools csr new --name trust --out trust --encrypt
";

const LOG_KEY: &str = "\
Examples:
  ca-tools log-key new --domain dzzz.sd.gov.cn --region 370100 --kind events --out event-log
  ca-tools log-key new --domain dzzz.sd.gov.cn --region 370100 --kind access --out access-log
";

const INDEX_KEY: &str = "\
Examples:
  ca-tools index-key new --out index.key
  ca-tools index-key new --number 2 --out index-2.key
";

const STORE_KEY: &str = "\
Examples:
  ca-tools store-key new --out store.key
";

#[derive(Debug, Subcommand)]
pub(super) enum CsrCommand {
    /// Make a P-256 key and a request: <out>.key (mode 600) and <out>.csr.
    #[command(before_help = CSR)]
    New {
        /// For people; the CA's operator decides the identity.
        #[arg(long)]
        name: String,
        /// Path without suffix.
        #[arg(long)]
        out: PathBuf,
        /// Encrypt the key (for the trust key; a service that starts unattended needs it in the clear).
        #[arg(long)]
        encrypt: bool,
        /// Say what would be made, and make nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
}

pub(super) fn csr(CsrCommand::New { name, out, encrypt, dry_run, passphrase }: CsrCommand, format: Format) -> Done {
    let (key_file, request_file) = (with_suffix(&out, "key"), with_suffix(&out, "csr"));
    absent(&request_file)?;
    if dry_run {
        return would_make(&[&key_file, &request_file], format);
    }
    let secret = (encrypt || passphrase.passphrase_file.is_some()).then(|| passphrase.chosen()).transpose()?;
    let (key, request) = new_request(&name)?;
    keyfile::write(&key_file, &key, secret.as_ref())?;
    files::write_new(&request_file, files::PUBLIC, request.as_bytes())?;
    show(&json!({ "key": key_file, "request": request_file }), format)?;
    Ok(Exit::Ok)
}

#[derive(Debug, Subcommand)]
pub(super) enum LogKeyCommand {
    /// Make the key of one epoch of a log: <out>.key (mode 600) and <out>.vkey for the trust bundle.
    New(LogKeyNew),
}

#[derive(Debug, Args)]
#[command(before_help = LOG_KEY)]
pub(super) struct LogKeyNew {
    /// Trust domain of the province.
    #[arg(long)]
    domain: String,
    /// Six digits.
    #[arg(long)]
    region: String,
    /// Which log; each has a key of its own.
    #[arg(long, value_enum)]
    kind: KindArg,
    /// From 1.
    #[arg(long, default_value = "1")]
    epoch: u32,
    /// Path without suffix.
    #[arg(long)]
    out: PathBuf,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KindArg {
    /// The event log.
    Events,
    /// The access log.
    Access,
}

pub(super) fn log_key(LogKeyCommand::New(args): LogKeyCommand, format: Format) -> Done {
    let kind = match args.kind {
        KindArg::Events => LogKind::Events,
        KindArg::Access => LogKind::Access,
    };
    let (key_file, public_file) = (with_suffix(&args.out, "key"), with_suffix(&args.out, "vkey"));
    absent(&public_file)?;
    let (key, public) =
        keys::new_log_key(&TrustDomain::parse(&args.domain)?, Region::parse(&args.region)?, kind, args.epoch)?;
    if args.dry_run {
        return would_make(&[&key_file, &public_file], format);
    }
    keyfile::write(&key_file, &key, None)?;
    files::write_new(&public_file, files::PUBLIC, format!("{public}\n").as_bytes())?;
    show(&json!({ "key": key_file, "public": public_file, "vkey": public.to_string() }), format)?;
    Ok(Exit::Ok)
}

#[derive(Debug, Subcommand)]
pub(super) enum IndexKeyCommand {
    /// Make an index key. One for the whole province; it reaches the nodes by file, never through Kafka.
    #[command(before_help = INDEX_KEY)]
    New {
        /// Counts the province's index keys from 1.
        #[arg(long = "number", default_value = "1")]
        number: u32,
        /// New file, mode 600.
        #[arg(long)]
        out: PathBuf,
        /// Say what would be made, and make nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn index_key(IndexKeyCommand::New { number, out, dry_run }: IndexKeyCommand, format: Format) -> Done {
    let key = keys::new_index_key(number)?;
    if dry_run {
        return would_make(&[&out], format);
    }
    files::write_new(&out, files::SECRET, key.to_file().as_bytes())?;
    let id: String = key.id().iter().map(|byte| format!("{byte:02x}")).collect();
    show(&json!({ "file": out, "number": number, "index_key_id": id }), format)?;
    Ok(Exit::Ok)
}

#[derive(Debug, Subcommand)]
pub(super) enum StoreKeyCommand {
    /// Make a store key: without it a node's stored values cannot be read again.
    #[command(before_help = STORE_KEY)]
    New {
        /// New file, mode 600.
        #[arg(long)]
        out: PathBuf,
        /// Say what would be made, and make nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn store_key(StoreKeyCommand::New { out, dry_run }: StoreKeyCommand, format: Format) -> Done {
    if dry_run {
        return would_make(&[&out], format);
    }
    let key = keys::new_store_key()?;
    files::write_new(&out, files::SECRET, key.to_file().as_bytes())?;
    let id: String = key.id().iter().map(|byte| format!("{byte:02x}")).collect();
    show(&json!({ "file": out, "store_key_id": id }), format)?;
    Ok(Exit::Ok)
}

/// What a dry run of a key says: the files, none of which is there yet.
pub(super) fn would_make(files: &[&Path], format: Format) -> Done {
    files.iter().try_for_each(|file| absent(file))?;
    show(&json!({ "would_make": files }), format)?;
    Ok(Exit::Ok)
}

/// A second file that is there already must not leave a first one behind.
pub(super) fn absent(path: &Path) -> Result<(), Error> {
    if path.exists() { Err(Error::Exists(path.to_owned())) } else { Ok(()) }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}
