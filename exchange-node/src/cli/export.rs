//! `certificate export`.

use super::{
    ClientArgs, Failure, Format,
    output::{instant, print_facts, print_json},
};
use crate::exit::Exit;
use ca_tools::files;
use clap::Args;
use exchange_proto::{
    export::SUFFIX,
    v1::{self, certificate_service_client::CertificateServiceClient},
};
use std::{io::Write, path::PathBuf};

const EXAMPLES: &str = "\
Examples:
  exchange-node certificate export 1.2.156.3005.2.… --profile system.toml
  exchange-node certificate export 1.2.156.3005.2.… --fields CZZT,ZZBH --out deed.cert.pb --profile system.toml
  exchange-node certificate export 1.2.156.3005.2.… --no-values --out - --profile operator.toml | sha256sum

Each export is recorded in the node's access log. Whoever has the file can read the values in it.
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// 电子证照标识 of a certificate of this city.
    id: String,
    /// Where to; `-` is standard output. Else the identifier with .cert.pb, here. An existing file stays.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Short names of the fields whose values go along; else all that the caller may see.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "no_values")]
    fields: Vec<String>,
    /// Without any value.
    #[arg(long)]
    no_values: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &ExportArgs, format: Format) -> Result<Exit, Failure> {
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}{SUFFIX}", args.id)));
    let to_stdout = path.as_os_str() == "-";
    if !to_stdout && path.exists() {
        return Err(Failure::new(Exit::Conflict, format!("{}: it is there already", path.display())));
    }
    let mut client = CertificateServiceClient::new(args.client.channel().await?);
    let request = v1::ExportCertificateRequest {
        certificate_id: args.id.clone(),
        fields: args.fields.clone(),
        without_values: args.no_values,
    };
    let answer = client.export_certificate(request).await?.into_inner();
    if to_stdout {
        std::io::stdout().write_all(&answer.file).map_err(|error| Failure::new(Exit::Failed, error))?;
        return Ok(Exit::Ok);
    }
    // It may hold values of persons.
    files::write_new(&path, files::SECRET, &answer.file)?;
    if format == Format::Json {
        print_json(&serde_json::json!({
            "file": path.display().to_string(),
            "bytes": answer.file.len(),
            "as_of_ms": answer.as_of_ms.to_string(),
            "fields": answer.fields,
        }))?;
    } else {
        let values = if answer.fields.is_empty() { "none".to_owned() } else { answer.fields.join(", ") };
        print_facts(&[
            ("file", path.display().to_string()),
            ("bytes", answer.file.len().to_string()),
            ("status as of", instant(answer.as_of_ms)),
            ("values", values),
        ])?;
    }
    Ok(Exit::Ok)
}
