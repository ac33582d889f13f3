//! `document stamp`.

use super::unusable;
use crate::{
    cli::{
        Failure, Format,
        output::{instant, print_facts, print_json},
    },
    clock::Clock,
    exit::Exit,
};
use ca_tools::{files, keyfile, seal_trust, seams};
use clap::Args;
use exchange_core::chain::Instant;
use exchange_seal::{
    Limits,
    limits::MAX_SEAL_BYTES,
    make::{Credential, Error, Place, PrivateKey, Stamp, stamp},
    ofd,
    ses::Seal,
};
use serde_json::json;
use std::{
    fs::{File, Permissions},
    io::{BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

pub(super) const EXAMPLES: &str = "\
Examples:
  exchange-node document stamp licence.ofd --seal seal.esl --key signer.key \\
    --certificate signer.crt --at 1,140,200,40,40 --out sealed.ofd
  # On two pages; a further seal on a sealed document is put on in the same way
  exchange-node document stamp sealed.ofd --seal other.esl --key other.key --certificate other.crt \\
    --at 1,20,200,40,40 --at 2,20,200,40,40 --passphrase-file other.pass --out twice.ofd
";

pub(super) const CODES: &str = "\
Exit codes: 0 stamped; 2 a document, seal or place that cannot be used; 3 no such file; 4 key or
certificate is not the signer's, or the seal does not list it; 5 out of the seal's or certificate's
period, or too large; 6 --out is there, or an earlier signature forbids a further one; 1 writing failed.
";

#[derive(Debug, Args)]
pub(in crate::cli) struct StampArgs {
    /// An OFD document. It stays as it is.
    file: PathBuf,
    /// The seal (.esl).
    #[arg(long)]
    seal: PathBuf,
    /// The signer's private key, PKCS#8 in PEM, mode 600.
    #[arg(long)]
    key: PathBuf,
    /// The signer's certificate, PEM or DER.
    #[arg(long)]
    certificate: PathBuf,
    /// Where the seal is seen: page (from 1), x, y, width and height in millimetres; several times for several places.
    #[arg(long = "at", value_parser = place, value_name = "PAGE,X,Y,W,H", required = true)]
    places: Vec<Place>,
    /// New file with the stamped document; written whole or not at all.
    #[arg(long)]
    out: PathBuf,
    /// Which document of the package, from 1.
    #[arg(long, default_value_t = 1)]
    document: usize,
    /// When it is signed, for example 2026-11-25T00:00:00Z; now without it.
    #[arg(long, value_parser = super::moment, value_name = "TIME")]
    signed_at: Option<Instant>,
    /// File with the passphrase of the key, mode 600.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

fn place(text: &str) -> Result<Place, String> {
    let wrong = || "five numbers are needed: page,x,y,width,height, for example 1,140,200,40,40".to_owned();
    let (page, rest) = text.split_once(',').ok_or_else(wrong)?;
    let numbers: Vec<f64> =
        rest.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let [x_mm, y_mm, width_mm, height_mm] = numbers[..] else { return Err(wrong()) };
    Ok(Place { page: page.trim().parse().map_err(|_| wrong())?, x_mm, y_mm, width_mm, height_mm })
}

pub(super) fn run(args: &StampArgs, format: Format) -> Result<Exit, Failure> {
    let out = &args.out;
    if out.exists() {
        return Err(Failure::new(Exit::Conflict, format!("{}: exists already; choose another name", out.display())));
    }
    let document = args.document.checked_sub(1).ok_or_else(|| Failure::usage("--document counts from 1"))?;
    let package = File::open(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    let der = files::read(&args.seal, MAX_SEAL_BYTES)?;
    let signer = credential(args)?;
    let at = args.signed_at.unwrap_or_else(|| Instant(Clock::default().now_ms()));
    let limits = Limits::DEFAULT;
    let order = Stamp { seal: &der, signer: &signer, places: &args.places, at, document, limits };
    let stamped =
        written(out, |file| stamp(package, file, &order, &seams::rng()).map_err(|error| refused(&args.file, &error)))?;
    let seal = Seal::parse(&der).map_err(|error| Failure::usage(format!("{}: {error}", args.seal.display())))?;
    let algorithm = signer.key().algorithm();
    match format {
        Format::Json => print_json(&json!({
            "file": out,
            "signature": stamped.id,
            "path": stamped.path,
            "covered_files": stamped.covered,
            "bytes": stamped.bytes,
            "signer": signer.certificate().subject,
            "signed_at_ms": at.0,
            "seal": { "id": seal.id, "name": seal.name, "standard": seal.version.standard() },
            "is_national": algorithm.is_national() && seal.algorithm().is_ok_and(|of| of.is_national()),
        }))?,
        Format::Table => print_facts(&[
            ("stamped", out.display().to_string()),
            ("signature", format!("{} {}", stamped.id, stamped.path)),
            ("covers", format!("{} files", stamped.covered)),
            ("seal", format!("{} {} ({})", seal.id, seal.name, seal.version.standard())),
            ("signer", format!("{} ({})", signer.certificate().subject, algorithm.name())),
            ("signed at", instant(at.0)),
        ])?,
    }
    Ok(Exit::Ok)
}

fn credential(args: &StampArgs) -> Result<Credential, Failure> {
    let der = keyfile::read(&args.key, || match &args.passphrase_file {
        Some(file) => keyfile::Passphrase::from_file(file),
        None => Err(ca_tools::Error::Usage("the key is encrypted: name --passphrase-file".to_owned())),
    })?;
    let key = PrivateKey::from_pkcs8(&der, &seams::rng()).map_err(|error| refused(&args.key, &error))?;
    let found = seal_trust::certificates(&args.certificate).map_err(unusable)?;
    let first = found.first().ok_or_else(|| Failure::usage("no certificate"))?;
    Credential::new(key, &first.der).map_err(|error| refused(&args.certificate, &error))
}

/// A new file, whole and on the disk, or none.
fn written<T>(out: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, Failure>) -> Result<T, Failure> {
    let wrong = |error: std::io::Error| Failure::file(out, &error);
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let file = NamedTempFile::new_in(folder).map_err(wrong)?;
    let mut buffered = BufWriter::new(file.as_file());
    let done = write(&mut buffered)?;
    buffered.flush().map_err(wrong)?;
    drop(buffered);
    file.as_file().set_permissions(Permissions::from_mode(files::PUBLIC)).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist_noclobber(out).map_err(|error| wrong(error.error))?;
    Ok(done)
}

fn refused(path: &Path, error: &Error) -> Failure {
    let exit = match error {
        Error::Signing | Error::Write(_) | Error::Document(ofd::Error::Io(_)) => Exit::Failed,
        Error::Key(_)
        | Error::Certificate(_)
        | Error::OtherKey(_)
        | Error::Usage(_)
        | Error::NotMaker(_)
        | Error::NotListed { .. } => Exit::Identity,
        Error::CertificatePeriod { .. }
        | Error::SealPeriod { .. }
        | Error::TooLarge { .. }
        | Error::Document(ofd::Error::TooLarge { .. }) => Exit::Refused,
        Error::Closed { .. } => Exit::Conflict,
        Error::Terms(_) | Error::Seal(_) | Error::Place(_) | Error::Document(_) => Exit::Usage,
    };
    Failure::new(exit, format!("{}: {error}", path.display()))
}
