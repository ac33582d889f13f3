//! `lookup file`: a file of a certificate, written whole or not at all.

use super::{
    ClientArgs, Failure, Format,
    lookup::receipt,
    output::{json, print_facts, print_json},
    question::QuestionArgs,
    verify::standing,
};
use crate::exit::Exit;
use ca_tools::files::{self, SECRET};
use clap::Args;
use exchange_core::{disclosure::file_digest, file::MAX_FILE_BYTES, reason::Reason};
use exchange_proto::{
    certificate,
    v1::{self, document_service_client::DocumentServiceClient, fetch_response::Part},
};
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  exchange-node lookup file --profile window.toml --id 1.2.156.3005.2.… --number 0 --out deed.ofd \\
    --matter 370799005000 --responsible-region 370100 --case 3702002026112300000001 --clerk 0117 \\
    --organisation 11370200XXXX00010L --party-file party.txt
  exchange-node document verify deed.ofd --anchors seal-roots

  # With --copy a copy for one use: it says for what, for whom and until when; lookup use-copy uses it
";

#[derive(Debug, Args)]
pub(super) struct FetchArgs {
    /// 电子证照标识.
    #[arg(long)]
    id: String,
    /// Which file of the certificate, from 0; `certificate show` lists them.
    #[arg(long, default_value = "0", value_name = "NUMBER")]
    number: u32,
    /// A copy for one use (加注件) in the place of the file, made and sealed anew by the city that keeps the certificate.
    #[arg(long)]
    copy: bool,
    /// Where it is written; no file may be there. Mode 0600.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &FetchArgs, format: Format) -> Result<Exit, Failure> {
    let (question, certificate_id, file) = (Some(args.question.question()?), args.id.clone(), args.number);
    let mut client = DocumentServiceClient::new(args.client.channel().await?);
    let answer = if args.copy {
        client.fetch_copy(v1::FetchCopyRequest { question, certificate_id, file }).await
    } else {
        client.fetch(v1::FetchRequest { question, certificate_id, file }).await
    };
    let mut parts = answer?.into_inner();
    let (mut described, mut bytes) = (None, Vec::new());
    while let Some(message) = parts.message().await? {
        match message.part {
            Some(Part::File(file)) if described.is_none() => described = Some(file),
            Some(Part::Chunk(chunk)) if bytes.len() + chunk.len() <= MAX_FILE_BYTES => bytes.extend_from_slice(&chunk),
            _ => return Err(broken("an answer that is no file")),
        }
    }
    let described: v1::FetchedFile = described.ok_or_else(|| broken("an answer without a description"))?;
    match &described.copy {
        Some(copy) if args.copy => check_copy(&described, copy, &bytes)?,
        None if !args.copy => check(&described, &bytes)?,
        _ => return Err(broken("a file in another form than the one that was asked for")),
    }
    files::write_new(&args.out, SECRET, &bytes)?;
    let out = args.out.display().to_string();
    if format == Format::Json {
        print_json(&json!({ "path": out, "file": json("FetchedFile", &described)? }))?;
    } else {
        let word = if args.copy { "a copy for one use" } else { "as it was signed" };
        let copy = described.copy.as_ref();
        print_facts(&[
            ("file", format!("{out}, {}, {} bytes, {word}", described.media_type, bytes.len())),
            ("copy", copy.map(|copy| copy.number.clone()).unwrap_or_default()),
            ("last day", copy.map(|copy| copy.expires_on.clone()).unwrap_or_default()),
            ("certificate", args.id.clone()),
            ("standing", described.standing.as_ref().map(standing).unwrap_or_default()),
            ("receipt here", described.asked.as_ref().map(receipt).unwrap_or_default()),
            ("receipt there", described.answered.as_ref().map(receipt).unwrap_or_default()),
        ])?;
    }
    Ok(Exit::Ok)
}

/// Once more here: the file has the digest in the certificate's header.
fn check(described: &v1::FetchedFile, bytes: &[u8]) -> Result<(), Failure> {
    let envelope = described.certificate.as_ref().map(|one| one.envelope.clone()).unwrap_or_default();
    let header = certificate::decode_enveloped(envelope).map_err(|error| broken(&error.to_string()))?;
    let salt: [u8; 16] = described.salt.as_ref().try_into().map_err(|_| broken("a salt of another length"))?;
    let named = header.file(described.file).map_err(|error| broken(&error.to_string()))?;
    named.check_bytes(&salt, bytes).map_err(|error| broken(&error.to_string()))
}

/// Once more here: the copy has the digest in the receipts.
fn check_copy(described: &v1::FetchedFile, copy: &v1::CopyFacts, bytes: &[u8]) -> Result<(), Failure> {
    let salt: [u8; 16] = described.salt.as_ref().try_into().map_err(|_| broken("a salt of another length"))?;
    if file_digest(&salt, bytes) != *described.digest || digest(&SHA256, bytes).as_ref() != &copy.sha256[..] {
        return Err(broken("a copy with another digest"));
    }
    Ok(())
}

fn broken(found: &str) -> Failure {
    let text = format!("found {found}, needed the file that was signed; nothing was written");
    Failure::because(Reason::NotGenuine, text)
}
