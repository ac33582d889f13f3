//! `seal-ca request`: a department's own key, which never leaves it.

use std::path::PathBuf;

use clap::Args;
use exchange_seal::make::{PrivateKey, pki};
use serde_json::json;

use super::AlgorithmArg;
use crate::{
    cli::{
        Done, PassphraseArgs,
        keys::{absent, with_suffix, would_make},
        output::show,
    },
    console::{Format, note},
    exit::Exit,
    files::{self, REQUEST},
    keyfile, seals, seams,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  # In the department; office.key stays there, office.csr goes to the authority
  ca-tools seal-ca request --name 济南市行政审批服务局 --out office
  # Encrypted; for an authority of the ring profile
  ca-tools seal-ca request --name 某局 --algorithm p256 --out office --passphrase-file office.pass
  # At the authority, which answers with office.crt
  ca-tools seal-ca issue --ca seal-ca --profile seal-signer --name 济南市行政审批服务局 \\
    --csr office.csr --out office
";

#[derive(Debug, Args)]
pub(in crate::cli) struct Request {
    /// For people, at most 64 characters; the authority's operator decides the name in the certificate.
    #[arg(long)]
    name: String,
    /// What the key signs with; the authority's own algorithm.
    #[arg(long, value_enum, default_value = "sm2")]
    algorithm: AlgorithmArg,
    /// Path without suffix.
    #[arg(long)]
    out: PathBuf,
    /// Encrypt the key (a service that starts unattended needs it in the clear).
    #[arg(long)]
    encrypt: bool,
    /// Say what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(super) fn run(args: &Request, format: Format) -> Done {
    let (key_file, request_file) = (with_suffix(&args.out, "key"), with_suffix(&args.out, "csr"));
    absent(&request_file)?;
    let random = seams::rng();
    let key = PrivateKey::generate(args.algorithm.into(), &random).map_err(seals::making_failed)?;
    let der = pki::request(&args.name, &key, &random).map_err(seals::making_failed)?;
    if args.dry_run {
        return would_make(&[&key_file, &request_file], format);
    }
    let encrypt = args.encrypt || args.passphrase.passphrase_file.is_some();
    let secret = encrypt.then(|| args.passphrase.chosen()).transpose()?;
    keyfile::write(&key_file, &key.to_pkcs8().map_err(seals::making_failed)?, secret.as_ref())?;
    files::write_new(&request_file, files::PUBLIC, files::pem(REQUEST, &der).as_bytes())?;
    let shown = json!({ "key": key_file, "request": request_file, "algorithm": key.algorithm().name() });
    show(&shown, format)?;
    note(&format!("Bring {} to the authority; {} stays here.", request_file.display(), key_file.display()), format);
    Ok(Exit::Ok)
}
