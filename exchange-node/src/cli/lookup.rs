//! `lookup`.

use super::{
    ClientArgs, Failure, Format,
    certificate::{SUMMARY, print_certificate, summary},
    fetch,
    output::{instant, json, print, print_facts, print_json, print_rows, word},
    question::QuestionArgs,
    use_copy,
    verify::standing,
};
use crate::exit::Exit;
use ca_tools::console::note;
use clap::{Args, Subcommand};
use exchange_proto::v1::{self, lookup_service_client::LookupServiceClient};

const FIND: &str = "\
Examples:
  printf '37999919800101...\\n' > party.txt
  exchange-node lookup find --profile window.toml --matter 372099007000 --responsible-region 370100 \\
    --case 3702002026112300000001 --clerk 0117 --organisation 11370200XXXX00010L --party-file party.txt
";

const CERTIFICATE: &str = "\
Examples:
  exchange-node lookup certificate --profile window.toml --id 1.2.156.3005.2.… --field KZ_ZL \\
    --field KZ_QLR --matter 372099007000 --responsible-region 370100 --case 3702002026112300000001 --clerk 0117 \\
    --organisation 11370200XXXX00010L --party-file party.txt
";

#[derive(Debug, Subcommand)]
pub(super) enum LookupCommand {
    /// Find the certificates of a party that the matter needs; summaries, no values.
    #[command(before_help = FIND)]
    Find(FindArgs),
    /// Fetch a file of a certificate from the city that keeps it, with receipts of both cities.
    #[command(before_help = fetch::EXAMPLES)]
    File(fetch::FetchArgs),
    /// Use a copy for one use: was it used before? Asks the city that keeps its certificate.
    #[command(before_help = use_copy::EXAMPLES, after_help = use_copy::CODES)]
    UseCopy(use_copy::UseCopyArgs),
    /// Read a certificate field by field from the city that keeps it, with receipts of both cities.
    #[command(before_help = CERTIFICATE)]
    Certificate(CertificateArgs),
}

#[derive(Debug, Args)]
pub(super) struct FindArgs {
    /// Only these types; else all that the matter names.
    #[arg(long = "type", value_name = "CODE")]
    type_codes: Vec<String>,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct CertificateArgs {
    /// 电子证照标识.
    #[arg(long, required_unless_present = "number", conflicts_with = "number")]
    id: Option<String>,
    /// 证照编号, with --type.
    #[arg(long, requires = "type_code")]
    number: Option<String>,
    /// 证照类型代码 of the number.
    #[arg(long = "type", value_name = "CODE")]
    type_code: Option<String>,
    /// Short name of a field; may be given several times.
    #[arg(long = "field", value_name = "NAME", required = true)]
    fields: Vec<String>,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(command: LookupCommand, format: Format) -> Result<Exit, Failure> {
    match command {
        LookupCommand::Find(args) => find(&args, format).await,
        LookupCommand::Certificate(args) => certificate(&args, format).await,
        LookupCommand::File(args) => fetch::run(&args, format).await,
        LookupCommand::UseCopy(args) => use_copy::run(&args, format).await,
    }
}

async fn find(args: &FindArgs, format: Format) -> Result<Exit, Failure> {
    let request =
        v1::FindCertificatesRequest { question: Some(args.question.question()?), type_codes: args.type_codes.clone() };
    let mut client = LookupServiceClient::new(args.client.channel().await?);
    let answer = client.find_certificates(request).await?.into_inner();
    if format == Format::Json {
        print_json(&json("FindCertificatesResponse", &answer)?)?;
    } else {
        let rows = answer.certificates.iter().filter_map(|found| Some(summary(found.certificate.as_ref()?)));
        print_rows(SUMMARY, rows.collect())?;
        print("")?;
        print_facts(&[
            ("receipt", answer.receipt.as_ref().map(receipt).unwrap_or_default()),
            ("not named by the matter", answer.withheld_types.join(", ")),
        ])?;
    }
    for region in answer.freshness.iter().filter(|region| region.freshness() != v1::Freshness::Current) {
        let state = word(region.freshness().as_str_name(), "FRESHNESS_").to_lowercase();
        let text = format!("{}: {state}, as of {}: there may be more", region.region, instant(region.as_of_ms));
        note(&text, format);
    }
    Ok(if answer.certificates.is_empty() { Exit::NotFound } else { Exit::Ok })
}

async fn certificate(args: &CertificateArgs, format: Format) -> Result<Exit, Failure> {
    use v1::lookup_certificate_request::Certificate;
    let certificate = match (&args.id, &args.number) {
        (Some(id), _) => Certificate::CertificateId(id.clone()),
        (None, Some(number)) => Certificate::Number(v1::CertificateNumber {
            type_code: args.type_code.clone().unwrap_or_default(),
            number: number.clone(),
        }),
        (None, None) => return Err(Failure::usage("--id, or --type and --number, are needed")),
    };
    let request = v1::LookupCertificateRequest {
        question: Some(args.question.question()?),
        certificate: Some(certificate),
        fields: args.fields.clone(),
    };
    let mut client = LookupServiceClient::new(args.client.channel().await?);
    let answer = client.lookup_certificate(request).await?.into_inner();
    if format == Format::Json {
        print_json(&json("LookupCertificateResponse", &answer)?)?;
    } else {
        if let Some(certificate) = &answer.certificate {
            print_certificate(certificate, format)?;
            print("")?;
        }
        print_facts(&[
            ("standing", answer.standing.as_ref().map(standing).unwrap_or_default()),
            ("not needed by the matter", answer.withheld_fields.join(", ")),
            ("receipt here", answer.asked.as_ref().map(receipt).unwrap_or_default()),
            ("receipt there", answer.answered.as_ref().map(receipt).unwrap_or_default()),
        ])?;
    }
    Ok(Exit::Ok)
}

/// A receipt in one line; all of it is in the JSON.
pub(super) fn receipt(proof: &v1::LogProof) -> String {
    format!("{} entry {}", proof.origin, proof.index)
}
