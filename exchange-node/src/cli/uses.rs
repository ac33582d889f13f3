//! `uses`.

use super::{
    ClientArgs, Failure, Format,
    output::{instant, json, print_json, print_rows, word},
    question::holder,
};
use crate::exit::Exit;
use clap::Args;
use exchange_proto::v1::{self, lookup_service_client::LookupServiceClient};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  exchange-node uses --profile operator.toml --holder-file holder.txt
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct UsesArgs {
    /// Code type of the holder, GB/T 36903 annex A.
    #[arg(long, default_value = "111", value_name = "CODE")]
    holder_type: String,
    /// File with the holder's code in its first line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    holder_file: PathBuf,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &UsesArgs, format: Format) -> Result<Exit, Failure> {
    let holder = holder(&args.holder_type, &args.holder_file)?;
    let mut client = LookupServiceClient::new(args.client.channel().await?);
    let mut request = v1::ListUsesRequest { holder: Some(holder), page_size: 1_000, page_token: String::new() };
    let mut uses = Vec::new();
    loop {
        let page = client.list_uses(request.clone()).await?.into_inner();
        uses.extend(page.uses);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if format == Format::Json {
        let all: Result<Vec<_>, _> = uses.iter().map(|one| json("Use", one)).collect();
        print_json(&all?.into())?;
        return Ok(Exit::Ok);
    }
    let rows = uses.iter().map(|one| {
        let clerk = one.clerk.as_ref().map(|clerk| clerk.staff_number.clone()).unwrap_or_default();
        let matter = one.matter.as_ref().map(|matter| matter.matter_code.clone()).unwrap_or_default();
        let outcome = match one.reason.as_str() {
            "" => word(one.kind().as_str_name(), "ACCESS_KIND_"),
            reason => format!("{} {reason}", word(one.kind().as_str_name(), "ACCESS_KIND_")),
        };
        let asked = [instant(one.at_ms), one.asking_region.clone(), clerk, matter, one.case_number.clone()];
        let [at, region, clerk, matter, case] = asked;
        [at, region, clerk, matter, case, one.certificate_id.clone(), one.fields.join(","), outcome]
    });
    let header = ["at", "region", "clerk", "matter", "case", "certificate", "fields", "outcome"];
    print_rows(header, rows.collect())?;
    Ok(Exit::Ok)
}
