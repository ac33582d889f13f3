//! `inspect`, `list`.

use std::path::PathBuf;

use crate::{
    Error, Event, SubjectKey,
    console::Format,
    exit::Exit,
    files::{self, CERTIFICATE, CRL},
    seams,
};
use clap::Args;
use exchange_core::{
    chain::{Authority, Credential, Crl, Instant},
    signature::PublicKey,
};
use serde_json::{Value, json};

use super::{
    Done,
    output::{print, show},
};

const MAX_BYTES: usize = 24 * 1024 * 1024;
const DAY_MS: u64 = 24 * 3600 * 1000;

const INSPECT: &str = "\
Examples:
  ca-tools inspect node-1.crt
  ca-tools inspect node-1.csr
  openssl x509 -in other.pem -outform der | ca-tools inspect - -o json
";

const LIST: &str = "\
Examples:
  ca-tools list --ca jinan
  # What has to be renewed
  ca-tools list --ca jinan --expiring 30d -o json
";

#[derive(Debug, Args)]
#[command(before_help = INSPECT)]
pub(super) struct InspectArgs {
    /// Certificates, a CRL or a request, PEM or DER; `-` for standard input.
    file: PathBuf,
}

pub(super) fn run(args: &InspectArgs, format: Format) -> Done {
    let bytes = files::read(&args.file, MAX_BYTES)?;
    let what = args.file.display().to_string();
    let is_pem = |label: &str| files::blocks(&bytes, label, &what).is_ok() && bytes.first() != Some(&0x30);
    let value = if is_pem(CERTIFICATE) {
        let blocks = files::blocks(&bytes, CERTIFICATE, &what)?;
        Value::Array(blocks.iter().map(|der| certificate(der)).collect::<Result<_, _>>()?)
    } else if is_pem(CRL) {
        let blocks = files::blocks(&bytes, CRL, &what)?;
        crl_value(&Crl::parse(blocks.first().map_or(&[], Vec::as_slice))?, seams::now_ms())
    } else if let Ok(key) = SubjectKey::from_request(&bytes) {
        let key = PublicKey::from_spki_der(key.spki_der())?;
        json!({ "request": "signed by the key in it", "key": key.algorithm().to_string() })
    } else if let Ok(value) = certificate(&bytes) {
        value
    } else {
        crl_value(&Crl::parse(&bytes)?, seams::now_ms())
    };
    match &value {
        Value::Array(items) if format == Format::Table => {
            for item in items {
                show(item, format)?;
                print("\n")?;
            }
        }
        value => show(value, format)?,
    }
    Ok(Exit::Ok)
}

fn certificate(der: &[u8]) -> Result<Value, Error> {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    if let Ok(ca) = Authority::parse(der) {
        return Ok(json!({
            "kind": if ca.self_issued { "root CA" } else { "CA" },
            "subject": ca.subject,
            "issuer": ca.issuer,
            "serial": ca.serial.to_string(),
            "path_length": ca.path_length,
            "public_key_sha256": hex(&ca.spki_sha256),
            "not_before": Instant(ca.not_before_ms).to_string(),
            "not_after": Instant(ca.not_after_ms).to_string(),
        }));
    }
    let credential = Credential::parse(der)?;
    Ok(json!({
        "kind": credential.spiffe.kind.word(),
        "id": credential.spiffe.to_string(),
        "dns": credential.dns_names,
        "issuer": credential.issuer,
        "serial": credential.serial.to_string(),
        "purposes": credential.extended_key_usages.to_string(),
        "key_usage": credential.key_usage.map(|usage| usage.to_string()),
        "key": PublicKey::from_spki_der(&credential.spki)?.algorithm().to_string(),
        "key_id": hex(&credential.key_id()),
        "not_before": Instant(credential.not_before_ms).to_string(),
        "not_after": Instant(credential.not_after_ms).to_string(),
    }))
}

pub(super) fn crl_value(crl: &Crl, now_ms: u64) -> Value {
    let withdrawn: Vec<Value> = crl
        .withdrawn
        .iter()
        .map(|(serial, entry)| {
            json!({
                "serial": serial.to_string(),
                "since": Instant(entry.since_ms).to_string(),
                "reason": entry.reason.to_string(),
                "invalid_since": entry.invalidity_ms.map(|ms| Instant(ms).to_string()),
            })
        })
        .collect();
    json!({
        "issuer": crl.issuer,
        "number": crl.number,
        "this_update": Instant(crl.this_update_ms).to_string(),
        "next_update": Instant(crl.next_update_ms).to_string(),
        "state": if crl.is_stale(now_ms, 0) { "STALE" } else if crl.is_ageing(now_ms) { "AGEING" } else { "CURRENT" },
        "withdrawn": withdrawn,
    })
}

#[derive(Debug, Args)]
#[command(before_help = LIST)]
pub(super) struct ListArgs {
    /// The CA's folder.
    #[arg(long)]
    ca: PathBuf,
    /// Only what ends within so many days, for example 30d.
    #[arg(long)]
    expiring: Option<String>,
}

pub(super) fn list(args: &ListArgs, format: Format) -> Done {
    let within_ms = args.expiring.as_deref().map(days).transpose()?;
    let records = crate::read_journal(&args.ca)?;
    let now_ms = seams::now_ms();
    let withdrawn = |serial: &str| {
        records.iter().find_map(|record| match &record.event {
            Event::Revoked { serial: found, reason, .. } if found == serial => Some(reason.clone()),
            _ => None,
        })
    };
    let mut rows = Vec::new();
    for record in &records {
        let Event::Issued { serial, profile, subject, not_after_ms, .. } = &record.event else { continue };
        let reason = withdrawn(serial);
        if within_ms.is_some_and(|within| *not_after_ms > now_ms + within || reason.is_some()) {
            continue;
        }
        rows.push(json!({
            "serial": serial,
            "profile": profile,
            "subject": subject,
            "issued": Instant(record.at_ms).to_string(),
            "not_after": Instant(*not_after_ms).to_string(),
            "withdrawn": reason,
        }));
    }
    show(&Value::Array(rows), format)?;
    Ok(Exit::Ok)
}

fn days(text: &str) -> Result<u64, Error> {
    text.strip_suffix('d')
        .unwrap_or(text)
        .parse::<u32>()
        .map(|days| u64::from(days) * DAY_MS)
        .map_err(|_| Error::Usage(format!("\"{text}\"; days like 30d are needed")))
}
