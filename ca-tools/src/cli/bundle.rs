//! `bundle`.

use std::path::{Path, PathBuf};

use crate::{
    bundle::{Built, BundleConfig, sign},
    console::{Format, note},
    exit::Exit,
    files::{self, CERTIFICATE},
    keyfile, seams,
};
use clap::Subcommand;
use exchange_core::{
    bundle::{Known, TrustBundle, limits},
    chain::{CrlSet, Instant},
    checkpoint::LogKind,
    note::VerifierKey,
};
use exchange_seal::certificate::Certificate;
use serde_json::{Value, json};

use super::{Done, PassphraseArgs, output::show, verify};

const BUILD: &str = "\
Examples:
  ca-tools bundle build --config bundle.toml --out bundle.unsigned
  ca-tools bundle build --config bundle.toml --out bundle.unsigned --dry-run
";

const SIGN: &str = "\
Examples:
  ca-tools bundle sign --in bundle.unsigned --key trust.key --cert trust.crt --out bundle.pb
";

const INSPECT: &str = "\
Examples:
  ca-tools bundle inspect bundle.unsigned
  # Judged as a node would
  ca-tools bundle inspect bundle.pb --root root/ca.crt --crl root/crl.pem
";

#[derive(Debug, Subcommand)]
pub(super) enum BundleCommand {
    /// Build an unsigned bundle from bundle.toml and the files that it names.
    #[command(before_help = BUILD)]
    Build {
        /// File names in it are relative to it.
        #[arg(long)]
        config: PathBuf,
        /// New file.
        #[arg(long)]
        out: PathBuf,
        /// Check and show, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Sign a bundle with the trust key.
    #[command(before_help = SIGN)]
    Sign {
        /// The unsigned bundle.
        #[arg(long = "in", value_name = "FILE")]
        unsigned: PathBuf,
        /// The trust key.
        #[arg(long)]
        key: PathBuf,
        /// The trust credential, which the root issued.
        #[arg(long)]
        cert: PathBuf,
        /// New file.
        #[arg(long)]
        out: PathBuf,
        /// Check and show, and write nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Show a bundle, signed or not. With --root it is also judged as a node would.
    #[command(before_help = INSPECT)]
    Inspect {
        /// The bundle; `-` for standard input.
        file: PathBuf,
        /// The pinned root's certificate.
        #[arg(long)]
        root: Vec<PathBuf>,
        /// CRLs that are at hand.
        #[arg(long)]
        crl: Vec<PathBuf>,
    },
}

pub(super) fn run(command: BundleCommand, format: Format) -> Done {
    match command {
        BundleCommand::Build { config, out, dry_run } => {
            let base = config.parent().unwrap_or_else(|| Path::new("."));
            let Built { bundle, remarks } = BundleConfig::read(&config)?.build(base, seams::now_ms())?;
            remarks.iter().for_each(|remark| note(remark, format));
            if !dry_run {
                files::write_new(&out, files::PUBLIC, &exchange_proto::bundle::encode(&bundle))?;
            }
            show(&value(&bundle), format)?;
            Ok(Exit::Ok)
        }
        BundleCommand::Sign { unsigned, key, cert, out, dry_run, passphrase } => {
            let bundle = exchange_proto::bundle::decode(&files::read(&unsigned, limits::BYTES)?)?;
            let pkcs8 = keyfile::read(&key, || passphrase.existing(&key))?;
            let blocks = files::blocks(&files::read(&cert, 256 * 1024)?, CERTIFICATE, &cert.display().to_string())?;
            let signed = sign(&bundle, &pkcs8, blocks.first().map_or(&[], Vec::as_slice))?;
            if !dry_run {
                files::write_new(&out, files::PUBLIC, &signed)?;
            }
            show(&value(&bundle), format)?;
            Ok(Exit::Ok)
        }
        BundleCommand::Inspect { file, root, crl } => inspect(&file, &root, &crl, format),
    }
}

fn inspect(file: &Path, roots: &[PathBuf], crls: &[PathBuf], format: Format) -> Done {
    let bytes = files::read(file, limits::BYTES)?;
    let (bundle, signed) = match exchange_proto::bundle::read_signed(&bytes) {
        Ok(candidate) => (candidate.bundle, true),
        Err(as_signed) => match exchange_proto::bundle::decode(&bytes) {
            Ok(bundle) => (bundle, false),
            Err(_) => return Err(as_signed.into()),
        },
    };
    let mut shown = value(&bundle);
    shown["signature"] = Value::from(if signed { "not checked: name --root" } else { "none" });
    let mut code = Exit::Ok;
    if !roots.is_empty() {
        let roots = verify::roots(roots)?;
        let crls = if crls.is_empty() { CrlSet::new() } else { verify::crls(crls, roots.authorities())? };
        let now_ms = seams::now_ms();
        let opened = exchange_proto::bundle::open_signed(&bytes, &roots, &crls, Known::default(), now_ms)?;
        shown["signature"] = Value::from(format!("by {}, whom the root named", opened.signer().id()));
        if let Err(error) = opened.require_current(now_ms) {
            note(&format!("{error} [{}]", error.fault()), format);
            code = Exit::Warnings;
        }
    }
    show(&shown, format)?;
    Ok(code)
}

fn value(bundle: &TrustBundle) -> Value {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let mut regions = Vec::new();
    for (region, trust) in &bundle.regions {
        let logs: Vec<Value> = trust
            .logs
            .iter()
            .map(|log| {
                let origin = bundle.origin(*region, log.kind, log.epoch).map(|origin| origin.to_string());
                let name = origin.unwrap_or_default();
                json!({
                    "log": if log.kind == LogKind::Events { "events" } else { "access" },
                    "epoch": log.epoch,
                    "key": VerifierKey::new(&name, log.public_key).map(|key| key.to_string()).unwrap_or_default(),
                    "from_size": log.from_size,
                    "to_size": log.to_size,
                    "closed": log.closing.map(|closing| json!({ "size": closing.size, "root": hex(&closing.root) })),
                })
            })
            .collect();
        let cut: Vec<String> = trust.cut.iter().map(|cut| cut.serial.to_string()).collect();
        let nodes: Vec<String> =
            trust.nodes.iter().map(|node| format!("{} ({})", node.address, node.server_name)).collect();
        regions.push(json!({
            "region": region.to_string(),
            "name": trust.name,
            "nodes": nodes,
            "ca_public_keys_sha256": trust.ca_spki_sha256.iter().map(|key| hex(key)).collect::<Vec<_>>(),
            "index_key_id": hex(&trust.index_key_id),
            "successors": trust.successors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "cut": cut,
            "logs": logs,
        }));
    }
    let custody: Vec<Value> = bundle
        .custody
        .iter()
        .map(|rule| {
            json!({
                "type": rule.type_code,
                "issuing_regions": rule.issuing_regions.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "custodian": rule.custodian.to_string(),
            })
        })
        .collect();
    let named = |ders: &[Vec<u8>]| -> Vec<String> {
        let name = |der: &Vec<u8>| Certificate::parse(der).map_or_else(|e| format!("unreadable: {e}"), |c| c.subject);
        ders.iter().map(name).collect()
    };
    let seal_trust = json!({
        "any": named(&bundle.seal_anchors),
        "makers": named(&bundle.seal_trust.makers),
        "signers": named(&bundle.seal_trust.signers),
        "time_stamps": named(&bundle.seal_trust.time_stamps),
        "intermediates": named(&bundle.seal_trust.intermediates),
    });
    json!({
        "trust_domain": bundle.trust_domain.as_str(),
        "province": bundle.province.to_string(),
        "series": bundle.series.as_str(),
        "number": bundle.number,
        "issued": Instant(bundle.issued_at_ms).to_string(),
        "expires": Instant(bundle.expires_at_ms).to_string(),
        "bodies": bundle.bodies.len(),
        "regions": regions,
        "custody": custody,
        "seal_trust": seal_trust,
    })
}
