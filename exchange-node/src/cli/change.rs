//! `certificate status`.

use super::{
    ClientArgs, Failure, Format,
    certificate::{date, print_certificate, status, uuid_v7, with_request_id},
    tried,
};
use crate::exit::Exit;
use clap::Args;
use exchange_core::{date::Date, status::Status};
use exchange_proto::{
    certificate::encode_date,
    v1::{self, certificate_service_client::CertificateServiceClient},
};

const EXAMPLES: &str = "\
Examples:
  # 吊销
  exchange-node certificate status 1.2.156.3005.2.… --profile system.toml --to REVOKED \\
    --decided-on 2026-05-20 --body 11370100XXXX00001Q --body-name 济南市市场监督管理局 --document 济市监罚〔2026〕7号 --reason 违法经营
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct StatusChangeArgs {
    /// 电子证照标识.
    id: String,
    /// What it becomes, e.g. SUSPENDED, REVOKED, CANCELLED; or 暂扣, 吊销, 注销.
    #[arg(long, value_parser = status)]
    to: Status,
    /// The type's own code; else the type's code for the status.
    #[arg(long, default_value = "")]
    status_code: String,
    /// Day of the decision.
    #[arg(long, value_parser = date, value_name = "DAY")]
    decided_on: Date,
    /// First day on which it holds; else the day of the decision.
    #[arg(long, value_parser = date, value_name = "DAY")]
    effective_on: Option<Date>,
    /// USCC of the deciding body.
    #[arg(long, value_name = "USCC")]
    body: String,
    /// Its name.
    #[arg(long, value_name = "NAME")]
    body_name: String,
    /// 文号 of the decision.
    #[arg(long, default_value = "", value_name = "NUMBER")]
    document: String,
    /// Without personal data.
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
    /// In which capacity the body decides.
    #[arg(long, value_enum, default_value = "issuer")]
    authority: AuthorityArg,
    /// A restoring decision: 复议, 判决, 更正.
    #[arg(long)]
    restoring: bool,
    /// UUIDv7; give the same one to repeat a call whose outcome is unknown.
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
    /// Check the change with what the node says of certificate and type, and change nothing. Whether the caller may is not
    /// told.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AuthorityArg {
    /// The issuing body.
    Issuer,
    /// The supervising body.
    Supervisor,
    /// The body that took over.
    Successor,
    /// By order of a court.
    CourtOrder,
}

pub(super) async fn run(args: &StatusChangeArgs, format: Format) -> Result<Exit, Failure> {
    let authority = match args.authority {
        AuthorityArg::Issuer => v1::StatusAuthority::Issuer,
        AuthorityArg::Supervisor => v1::StatusAuthority::Supervisor,
        AuthorityArg::Successor => v1::StatusAuthority::Successor,
        AuthorityArg::CourtOrder => v1::StatusAuthority::CourtOrder,
    };
    let request_id = args.request_id.clone().unwrap_or_else(uuid_v7);
    let request = v1::ChangeStatusRequest {
        request_id: request_id.clone(),
        certificate_id: args.id.clone(),
        to: args.to as i32,
        status_code: args.status_code.clone(),
        effective_on: args.effective_on.map(encode_date),
        decided_on: Some(encode_date(args.decided_on)),
        deciding_body: Some(v1::Issuer { uscc: args.body.clone(), name: args.body_name.clone() }),
        document_number: args.document.clone(),
        reason: args.reason.clone(),
        authority: authority as i32,
        restoring: args.restoring,
    };
    let channel = args.client.channel().await?;
    if args.dry_run {
        return tried::change(channel, request, format).await;
    }
    let mut client = CertificateServiceClient::new(channel);
    let outcome = client.change_status(request).await;
    let certificate = outcome.map_err(|status| with_request_id(status.into(), &request_id))?.into_inner();
    print_certificate(&certificate, format)?;
    Ok(Exit::Ok)
}
