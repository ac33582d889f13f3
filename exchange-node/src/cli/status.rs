//! `status`.

use super::{
    ClientArgs, Failure, Format,
    output::{instant, json, print_facts, print_json, print_rows},
};
use crate::{clock::Clock, exit::Exit};
use clap::Args;
use exchange_proto::v1::{self, admin_service_client::AdminServiceClient};
use std::time::Duration;

/// Between two looks at a node that is being waited for.
const LOOK: Duration = Duration::from_millis(200);

const EXAMPLES: &str = "\
Examples:
  exchange-node status --profile operator.toml
  exchange-node status --profile operator.toml -o json
  # In a script, after a start: until all is well
  exchange-node status --profile operator.toml --wait 30
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct StatusArgs {
    /// Wait until the node answers, takes writes and has current word of every region, at most so long.
    #[arg(long, value_name = "SECONDS", default_value = "0")]
    wait: u64,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &StatusArgs, format: Format) -> Result<Exit, Failure> {
    let clock = Clock::default();
    let end = clock.instant() + Duration::from_secs(args.wait);
    let status = loop {
        let answer = ask(&args.client).await;
        let settled = match &answer {
            Ok(status) => !troubled(status),
            Err(failure) => failure.exit() != Exit::Unavailable,
        };
        if settled || clock.instant() >= end {
            break answer?;
        }
        clock.sleep(LOOK).await;
    };
    if format == Format::Json {
        print_json(&json("NodeStatus", &status)?)?;
    } else {
        print(&status)?;
    }
    Ok(if troubled(&status) { Exit::Warnings } else { Exit::Ok })
}

fn troubled(status: &v1::NodeStatus) -> bool {
    !status.writable
        || status.kept_files.as_ref().is_some_and(|files| files.damaged > 0)
        || status.regions.iter().any(|region| region.state != "CURRENT")
}

async fn ask(client: &ClientArgs) -> Result<v1::NodeStatus, Failure> {
    let mut client = AdminServiceClient::new(client.channel().await?);
    Ok(client.get_status(v1::GetStatusRequest {}).await?.into_inner())
}

fn kept(status: &v1::NodeStatus) -> String {
    let files = status.kept_files.clone().unwrap_or_default();
    match files.damaged {
        0 => files.kept.to_string(),
        damaged => format!("{}, {damaged} of them damaged: doctor names them", files.kept),
    }
}

fn print(status: &v1::NodeStatus) -> Result<(), Failure> {
    let log = |log: &Option<v1::OwnLog>| {
        log.as_ref().filter(|log| log.size > 0).map_or_else(
            || "empty".to_owned(),
            |log| {
                format!("{} with {} entries, {} published, {}", log.origin, log.size, log.published, instant(log.at_ms))
            },
        )
    };
    let writes = if status.writable { "yes".to_owned() } else { format!("no: {}", status.read_only_reason) };
    let bundle = status.trust.as_ref().map_or_else(String::new, |trust| {
        format!("{} number {}, until {}", trust.series, trust.number, instant(trust.expires_at_ms))
    });
    let kafka = match status.kafka_error.as_str() {
        "" => status.kafka.clone(),
        error => format!("{}: {error}", status.kafka),
    };
    print_facts(&[
        ("node", format!("{} {}, version {}", status.region, status.name, status.version)),
        ("since", instant(status.started_at_ms)),
        ("writes", writes),
        ("certificates", status.certificates.to_string()),
        ("kept files", kept(status)),
        ("event log", log(&status.events)),
        ("access log", log(&status.access)),
        ("kafka", kafka),
        ("bundle", bundle),
        ("free", format!("{} MiB", status.free_bytes >> 20)),
    ])?;
    let regions = status.regions.iter().map(|region| {
        [
            region.region.clone(),
            region.name.clone(),
            region.state.clone(),
            region.size.to_string(),
            instant(region.as_of_ms),
            format!("{}/{}/{}", region.rejected, region.altered, region.deferred),
            region.void_entries.to_string(),
            region.forks.to_string(),
            region.last_reason.clone(),
        ]
    });
    let header =
        ["region", "name", "state", "entries", "as of", "rejected/altered/deferred", "void", "forks", "last reason"];
    super::output::print("")?;
    print_rows(header, regions.collect())?;
    let crls = status
        .trust
        .iter()
        .flat_map(|trust| &trust.crls)
        .map(|crl| [crl.issuer.clone(), crl.number.to_string(), instant(crl.next_update_ms), crl.state.clone()]);
    super::output::print("")?;
    print_rows(["CRL of", "number", "next", "state"], crls.collect())
}
