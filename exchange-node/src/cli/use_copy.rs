//! `lookup use-copy`: a copy for one use, used.

use super::{
    ClientArgs, Failure, Format,
    certificate::{uuid_v7, with_request_id},
    output::{day, instant, json, print_facts, print_json},
};
use crate::{copies, documents::CERTIFICATE_IDENTIFIER, exit::Exit};
use ca_tools::files;
use clap::Args;
use exchange_core::file::MAX_FILE_BYTES;
use exchange_proto::v1::{self, document_service_client::DocumentServiceClient};
use exchange_seal::{
    Limits,
    licence::StatedCopy,
    ofd::{self, ENTRY_FILE, Package},
};
use ring::digest::{SHA256, digest};
use std::{io::Cursor, path::PathBuf};

pub(super) const EXAMPLES: &str = "\
Examples:
  exchange-node lookup use-copy deed-copy.ofd --profile window.toml

The custodian is asked whether the copy was used before. Verify it first, with document verify.
";

pub(super) const CODES: &str = "\
Exit codes: 0 USED_NOW, by this command; 11 every other answer. Without an answer nobody knows:
give the command again with the --request-id that it printed.
";

#[derive(Debug, Args)]
pub(super) struct UseCopyArgs {
    /// The copy, an OFD document.
    file: PathBuf,
    /// UUIDv7; the same id gets the same answer again. Else a new one.
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &UseCopyArgs, format: Format) -> Result<Exit, Failure> {
    let bytes = files::read(&args.file, MAX_FILE_BYTES)?;
    let wrong = |problem: String| Failure::usage(format!("{}: {problem}", args.file.display()));
    let (certificate_id, copy_number) = stated(&bytes).map_err(wrong)?;
    let request_id = args.request_id.clone().unwrap_or_else(uuid_v7);
    let request = v1::UseCopyRequest {
        request_id: request_id.clone(),
        certificate_id: certificate_id.clone(),
        copy_number: copy_number.clone(),
        sha256: digest(&SHA256, &bytes).as_ref().to_vec().into(),
    };
    let mut client = DocumentServiceClient::new(args.client.channel().await?);
    let answer = client.use_copy(request).await;
    let answer = answer.map_err(|status| with_request_id(status.into(), &request_id))?.into_inner();
    if format == Format::Json {
        print_json(&json("UseCopyResponse", &answer)?)?;
    } else {
        print_facts(&[
            ("result", copies::word(answer.result()).to_owned()),
            ("copy", copy_number),
            ("certificate", certificate_id),
            ("used at", instant(answer.used_at_ms)),
            ("used in", answer.used_by_region.clone()),
            ("made for", answer.made_for_region.clone()),
            ("last day", day(answer.expires_on)),
        ])?;
    }
    Ok(if answer.result() == v1::CopyUse::UsedNow { Exit::Ok } else { Exit::CheckFailed })
}

/// The certificate and the number that the copy names.
fn stated(bytes: &[u8]) -> Result<(String, String), String> {
    let text = |error: ofd::Error| error.to_string();
    let mut package = Package::open(Cursor::new(bytes), Limits::DEFAULT).map_err(text)?;
    let entry = package.locate("", ENTRY_FILE).map_err(text)?;
    let entry = package.read(entry.index, Limits::DEFAULT.xml_bytes).map_err(text)?;
    let documents = ofd::documents(&entry, &Limits::DEFAULT).map_err(text)?;
    let copy = documents.iter().find_map(|document| {
        let copy = StatedCopy::of(document).filter(|copy| !copy.number.is_empty())?;
        Some((document.custom(CERTIFICATE_IDENTIFIER).next()?.to_owned(), copy.number))
    });
    copy.ok_or_else(|| "it is no copy for one use, or names no certificate and number".to_owned())
}
