//! `verify`: the same judgement as a node's.

use std::path::PathBuf;

use crate::{
    Error,
    console::{Format, note},
    exit::Exit,
    files::{self, CERTIFICATE, CRL},
    seams,
};
use clap::Args;
use exchange_core::{
    bundle::{Known, limits},
    chain::{Authority, Basis, Crl, CrlSet, Instant, Purpose, Roots, verify_path},
};
use rustls_pki_types::CertificateDer;
use serde_json::json;

use super::{Done, output::show};

const EXAMPLES: &str = "\
Examples:
  ca-tools verify --as node-server --root root/ca.crt --crl root/crl.pem --crl jinan/crl.pem \\
    --bundle bundle.pb node-1.crt
  ca-tools verify --as system --root root/ca.crt --crl crls.pem --bundle bundle.pb hall.crt -o json
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// What the credential is to be used for.
    #[arg(long = "as", value_enum)]
    purpose: PurposeArg,
    /// The pinned root's certificate.
    #[arg(long, required = true)]
    root: Vec<PathBuf>,
    /// CRLs: of the root and of the city's CA.
    #[arg(long, required = true)]
    crl: Vec<PathBuf>,
    /// The signed trust bundle: which CA speaks for which region.
    #[arg(long)]
    bundle: PathBuf,
    /// How many days past its next update a CRL still counts.
    #[arg(long, default_value = "0")]
    crl_grace_days: u32,
    /// The credential and its CA, PEM; `-` for standard input.
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum PurposeArg {
    /// A node that calls.
    NodeClient,
    /// A node that is called.
    NodeServer,
    /// A calling system.
    System,
    /// An operator.
    Operator,
    /// A department's signature.
    Document,
}

pub(super) fn run(args: &VerifyArgs, format: Format) -> Done {
    let now_ms = seams::now_ms();
    let blocks = files::blocks(&files::read(&args.file, 256 * 1024)?, CERTIFICATE, &args.file.display().to_string())?;
    let Some((leaf, chain)) = blocks.split_first() else {
        return Err(Error::NotFound(format!("{}: no credential in it", args.file.display())));
    };
    let roots = roots(&args.root)?;
    let issuers: Vec<Authority> =
        roots.authorities().iter().cloned().chain(chain.iter().filter_map(|der| Authority::parse(der).ok())).collect();
    let crls = crls(&args.crl, &issuers)?;
    let bundle = files::read(&args.bundle, limits::BYTES)?;
    let bundle = exchange_proto::bundle::open_signed(&bundle, &roots, &crls, Known::default(), now_ms)?;
    let purpose = match args.purpose {
        PurposeArg::NodeClient => Purpose::NodeClient,
        PurposeArg::NodeServer => Purpose::NodeServer,
        PurposeArg::System => Purpose::SystemClient,
        PurposeArg::Operator => Purpose::OperatorClient,
        PurposeArg::Document => Purpose::Document,
    };
    let basis = Basis {
        roots: &roots,
        bundle: bundle.bundle(),
        crls: &crls,
        at_ms: now_ms,
        crl_grace_ms: u64::from(args.crl_grace_days) * 24 * 3600 * 1000,
        admit_stale_crl: false,
    };
    let intermediates: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let verified = verify_path(leaf, &intermediates, purpose, &basis)?;
    let credential = verified.credential();
    let value = json!({
        "id": credential.spiffe.to_string(),
        "serial": credential.serial.to_string(),
        "issuer": credential.issuer,
        "not_after": Instant(credential.not_after_ms).to_string(),
        "result": "ok",
    });
    show(&value, format)?;
    if let Err(error) = bundle.require_current(now_ms) {
        note(&format!("{error} [{}]", error.fault()), format);
        return Ok(Exit::Warnings);
    }
    Ok(Exit::Ok)
}

pub(super) fn roots(paths: &[PathBuf]) -> Result<Roots, Error> {
    let mut authorities = Vec::new();
    for path in paths {
        for der in files::blocks(&files::read(path, 256 * 1024)?, CERTIFICATE, &path.display().to_string())? {
            authorities.push(Authority::parse(&der)?);
        }
    }
    Ok(Roots::new(authorities)?)
}

/// A CRL of a CA that is not among these is no help and no harm.
pub(super) fn crls(paths: &[PathBuf], issuers: &[Authority]) -> Result<CrlSet, Error> {
    let mut set = CrlSet::new();
    for path in paths {
        for der in files::blocks(&files::read(path, 24 * 1024 * 1024)?, CRL, &path.display().to_string())? {
            set.add(Crl::parse(&der)?, issuers)?;
        }
    }
    Ok(set)
}
