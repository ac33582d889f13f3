//! `certificate`: issue, show, list; the others have files of their own.

use super::{
    ClientArgs, Failure, Format,
    attached::{Attached, attached},
    change, export, import,
    output::{day, json, print_facts, print_json, print_rows, word},
    tried, verify,
};
use crate::{clock::Clock, exit::Exit, random::Random};
use ca_tools::console::note;
use clap::{Args, Subcommand};
use exchange_core::{date::Date, status::Status};
use exchange_proto::{
    certificate::encode_date,
    v1::{self, certificate_service_client::CertificateServiceClient},
};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum CertificateCommand {
    /// Issue a certificate.
    Issue(IssueArgs),
    /// Import a licence library: the rows of the national table up_lic_data.
    Import(import::ImportArgs),
    /// Show a certificate of this city, with its values where the caller acts for its department.
    Show(ShowArgs),
    /// List certificates of a region.
    List(ListArgs),
    /// Change a certificate's status.
    Status(change::StatusChangeArgs),
    /// Write a certificate of this city to a file that is verified without a node.
    Export(export::ExportArgs),
    /// Is it genuine, and in force? Exit code 0 only if both; 10 if something weakens that; 11 if not; 3 if unknown.
    Verify(verify::VerifyArgs),
}

pub(super) async fn run(command: CertificateCommand, format: Format) -> Result<Exit, Failure> {
    match command {
        CertificateCommand::Issue(args) => issue(&args, format).await,
        CertificateCommand::Import(args) => import::run(&args, format).await,
        CertificateCommand::Show(args) => show(&args, format).await,
        CertificateCommand::List(args) => list(&args, format).await,
        CertificateCommand::Status(args) => change::run(&args, format).await,
        CertificateCommand::Export(args) => export::run(&args, format).await,
        CertificateCommand::Verify(args) => verify::run(&args, format).await,
    }
}

const ISSUE: &str = "\
Examples:
  exchange-node certificate issue --profile system.toml --type 111000000000131433001 \\
    --issuer 11370100XXXX000055 --issuer-name 济南市民政局 --issued-on 2026-05-20 --fields marriage.json

  # With its document, which the city keeps and releases for a purpose
  exchange-node certificate issue --profile system.toml --type 11100000MB0143028R001 --fields licence.json \\
    --issuer 11370100XXXX000098 --issuer-name 济南市市场监督管理局 --issued-on 2026-05-20 --file licence.ofd

marriage.json holds the values by short name: {\"CZZT\": \"...\", \"CZZTDM\": \"...\", \"ZZBH\": \"...\"}. Values of persons belong
into a file or standard input, not on the command line, which every user of the machine can see.
";

#[derive(Debug, Args)]
#[command(before_help = ISSUE)]
pub(super) struct IssueArgs {
    /// 证照类型代码, 21 characters.
    #[arg(long = "type", value_name = "CODE")]
    type_code: String,
    /// USCC of the department.
    #[arg(long, value_name = "USCC")]
    issuer: String,
    /// Its name, as printed on the certificate.
    #[arg(long, value_name = "NAME")]
    issuer_name: String,
    /// 颁发日期.
    #[arg(long, value_parser = date, value_name = "DAY")]
    issued_on: Date,
    /// First day in force; else the day of issue.
    #[arg(long, value_parser = date, value_name = "DAY")]
    valid_from: Option<Date>,
    /// Last day in force; else without limit.
    #[arg(long, value_parser = date, value_name = "DAY")]
    valid_until: Option<Date>,
    /// How it came to be.
    #[arg(long, value_enum, default_value = "synchronous")]
    origin: OriginArg,
    /// JSON object of values by short name; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    fields: PathBuf,
    /// A file of the certificate, at most 3 MiB; may be given several times. Its media type is told by .ofd, .pdf, .png or
    /// .jpg, or stands in front: image/tiff=scan.tif.
    #[arg(long = "file", value_name = "[TYPE=]FILE", value_parser = attached)]
    files: Vec<Attached>,
    /// The certificate that this one revises.
    #[arg(long, value_name = "ID")]
    previous: Option<String>,
    /// UUIDv7; give the same one to repeat a call whose outcome is unknown.
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
    /// Check the values with what the node says of the type, and issue nothing. Whether the caller may is not told.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum OriginArg {
    /// 同步制发.
    Synchronous,
    /// 存量补录.
    Backfilled,
    /// 扫描转换.
    Converted,
}

async fn issue(args: &IssueArgs, format: Format) -> Result<Exit, Failure> {
    let bytes = ca_tools::files::read(&args.fields, 2 << 20)?;
    let fields: BTreeMap<String, String> = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::usage(format!("{}: {error}; a JSON object of texts is needed", args.fields.display()))
    })?;
    let fields = fields.into_iter().map(|(name, value)| v1::FieldValue { name, value }).collect();
    let files = args.files.iter().map(Attached::read).collect::<Result<Vec<_>, _>>()?;
    let origin = match args.origin {
        OriginArg::Synchronous => v1::Origin::Synchronous,
        OriginArg::Backfilled => v1::Origin::Backfilled,
        OriginArg::Converted => v1::Origin::Converted,
    } as i32;
    let request_id = args.request_id.clone().unwrap_or_else(uuid_v7);
    let issuer = Some(v1::Issuer { uscc: args.issuer.clone(), name: args.issuer_name.clone() });
    let (issued_on, valid_from) = (Some(encode_date(args.issued_on)), args.valid_from.map(encode_date));
    let valid_until = args.valid_until.map(encode_date);
    let request = v1::IssueCertificateRequest {
        request_id: request_id.clone(),
        type_code: args.type_code.clone(),
        issuer,
        issued_on,
        valid_from,
        valid_until,
        origin,
        fields,
        files,
        ..Default::default()
    };
    let channel = args.client.channel().await?;
    if args.dry_run {
        return tried::issue(channel, request, args.previous.as_deref(), format).await;
    }
    let mut client = CertificateServiceClient::new(channel);
    let outcome = match &args.previous {
        None => client.issue_certificate(request).await,
        Some(previous) => {
            let request = v1::ReviseCertificateRequest {
                request_id: request_id.clone(),
                previous: previous.clone(),
                issued_on: request.issued_on,
                valid_from: request.valid_from,
                valid_until: request.valid_until,
                origin: request.origin,
                fields: request.fields,
                files: request.files,
                ..Default::default()
            };
            client.revise_certificate(request).await
        }
    };
    let certificate = outcome.map_err(|status| with_request_id(status.into(), &request_id))?.into_inner();
    print_certificate(&certificate, format)?;
    Ok(Exit::Ok)
}

/// Whoever repeats a call whose outcome is unknown needs its id.
pub(super) fn with_request_id(failure: Failure, request_id: &str) -> Failure {
    match failure.exit() {
        Exit::Unavailable => failure.next(format!("repeat it with --request-id {request_id}")),
        _ => failure,
    }
}

const SHOW: &str = "\
Examples:
  exchange-node certificate show 1.2.156.3005.2.… --profile operator.toml
  # With its values, as a system of its department
  exchange-node certificate show 1.2.156.3005.2.… --profile system.toml -o json
";

const LIST: &str = "\
Examples:
  exchange-node certificate list --profile operator.toml
  exchange-node certificate list --profile operator.toml --region 370200 --status REVOKED --limit 1000
  exchange-node certificate list --profile operator.toml --type 111000000000131433001 -o json
";

#[derive(Debug, Args)]
#[command(before_help = SHOW)]
pub(super) struct ShowArgs {
    /// 电子证照标识.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

async fn show(args: &ShowArgs, format: Format) -> Result<Exit, Failure> {
    let mut client = CertificateServiceClient::new(args.client.channel().await?);
    let request = v1::GetCertificateRequest { certificate_id: args.id.clone() };
    print_certificate(&client.get_certificate(request).await?.into_inner(), format)?;
    Ok(Exit::Ok)
}

#[derive(Debug, Args)]
#[command(before_help = LIST)]
pub(super) struct ListArgs {
    /// Whose; else this node's own region.
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// 证照类型代码.
    #[arg(long = "type", value_name = "CODE")]
    type_code: Option<String>,
    /// Only with this status, e.g. REVOKED.
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Only of this department.
    #[arg(long, value_name = "USCC")]
    issuer: Option<String>,
    /// Issued on this day or later.
    #[arg(long, value_parser = date, value_name = "DAY")]
    issued_from: Option<Date>,
    /// Issued on this day or earlier.
    #[arg(long, value_parser = date, value_name = "DAY")]
    issued_until: Option<Date>,
    /// At most so many.
    #[arg(long, default_value = "100")]
    limit: usize,
    #[command(flatten)]
    client: ClientArgs,
}

async fn list(args: &ListArgs, format: Format) -> Result<Exit, Failure> {
    let mut client = CertificateServiceClient::new(args.client.channel().await?);
    let mut request = v1::ListCertificatesRequest {
        region: args.region.clone().unwrap_or_default(),
        type_code: args.type_code.clone().unwrap_or_default(),
        status: args.status.map_or(0, |status| status as i32),
        issuer_uscc: args.issuer.clone().unwrap_or_default(),
        issued_from: args.issued_from.map(encode_date),
        issued_until: args.issued_until.map(encode_date),
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        request.page_size = u32::try_from((args.limit - found.len()).min(1_000)).unwrap_or(1_000);
        if request.page_size == 0 {
            break;
        }
        let page = client.list_certificates(request.clone()).await?.into_inner();
        found.extend(page.certificates);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if format == Format::Json {
        let all: Result<Vec<_>, _> = found.iter().map(|one| json("Certificate", one)).collect();
        print_json(&all?.into())?;
    } else {
        print_rows(SUMMARY, found.iter().map(summary).collect())?;
    }
    if !request.page_token.is_empty() {
        note("there are more; --limit says how many are shown", format);
    }
    Ok(Exit::Ok)
}

/// Header of [`summary`].
pub(super) const SUMMARY: [&str; 6] = ["certificate", "type", "region", "status", "issued on", "issuer"];

/// A certificate in one row.
pub(super) fn summary(one: &v1::Certificate) -> [String; 6] {
    let kind = if one.type_name.is_empty() { &one.type_code } else { &one.type_name };
    let issuer = one.issuer.as_ref().map(|issuer| issuer.name.clone()).unwrap_or_default();
    [
        one.certificate_id.clone(),
        kind.clone(),
        one.region.clone(),
        status_word(one.status()),
        day(one.issued_on),
        issuer,
    ]
}

/// Prints one certificate.
pub(super) fn print_certificate(one: &v1::Certificate, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print_json(&json("Certificate", one)?);
    }
    let issuer = one.issuer.as_ref().map(|issuer| format!("{} {}", issuer.uscc, issuer.name)).unwrap_or_default();
    let position = one.position.as_ref().map(|at| format!("{} epoch {} entry {}", at.region, at.epoch, at.index));
    let until = if one.valid_until.is_none() { "no end".to_owned() } else { day(one.valid_until) };
    let mut facts = vec![
        ("certificate", one.certificate_id.clone()),
        ("type", format!("{} {} version {}", one.type_code, one.type_name, one.type_version)),
        ("status", format!("{} {}", status_word(one.status()), one.status_code).trim_end().to_owned()),
        ("issuer", issuer),
        ("issued on", day(one.issued_on)),
        ("in force", format!("{} to {until}", day(one.valid_from))),
        ("origin", word(one.origin().as_str_name(), "ORIGIN_")),
        ("revision", one.revision.to_string()),
        ("previous", one.previous.clone()),
        ("position", position.unwrap_or_default()),
        ("environment", word(one.environment().as_str_name(), "ENVIRONMENT_")),
    ];
    if one.repeated_request {
        facts.push(("note", "it was there already: an answer to a repeated request".to_owned()));
    }
    let files = one.files.iter().enumerate();
    facts.extend(
        files.map(|(at, file)| {
            ("file", format!("{at}: {}, at most {} KiB", file.media_type, file.rounded_length >> 10))
        }),
    );
    let values = one.disclosures.iter().filter(|field| !field.value.is_empty());
    facts.extend(values.map(|field| (field.name.as_str(), field.value.clone())));
    print_facts(&facts)
}

pub(super) fn status_word(status: v1::Status) -> String {
    word(status.as_str_name(), "STATUS_")
}

/// A day on the command line.
pub(super) fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|error| error.to_string())
}

/// A status on the command line.
pub(super) fn status(text: &str) -> Result<Status, String> {
    let wanted = text.to_ascii_uppercase().replace('-', "_");
    Status::ALL.into_iter().find(|status| status.name() == wanted || status.label() == text).ok_or_else(|| {
        let names: Vec<_> = Status::ALL.iter().map(|status| status.name()).collect();
        format!("found {text}, needed one of {}", names.join(", "))
    })
}

/// A new request id.
pub(super) fn uuid_v7() -> String {
    uuid::Uuid::from_bytes(Random::new().uuid_v7(Clock::default().now_ms())).to_string()
}
