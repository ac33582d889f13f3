//! `certificate import`.

use super::{
    ClientArgs, Failure, Format,
    output::{print_facts, print_json, progress},
};
use crate::{
    exit::Exit,
    import::{self, Encoding, Error, Options, Summary},
    random::Random,
};
use ca_tools::console::note;
use clap::Args;
use serde_json::json;
use std::{path::PathBuf, time::Duration};

/// Connections over which the rows go.
const CHANNELS: usize = 4;

const EXAMPLES: &str = "\
Examples:
  exchange-node certificate import --profile system.toml --file rows.csv
  exchange-node certificate import --profile system.toml --file rows.csv --dry-run
  # Mend rows.rejected.csv, then
  exchange-node certificate import --profile system.toml --file rows.rejected.csv

The file is CSV with a header: the columns of the national table up_lic_data, and where there are
any status_code, origin and KZ_... fields. cd_operation I issues, U revises the certificate imported last under the same source id.
It may be killed and run again: no row is issued twice. Exit code 10: some rows were rejected.
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct ImportArgs {
    /// CSV in UTF-8 or GB18030.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Where rejected rows go, with line, reason and, where there is one, the right check digit; replaced.
    /// Default: <file stem>.rejected.csv beside the file.
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Else it is found out.
    #[arg(long, value_enum)]
    encoding: Option<Encoding>,
    /// Rows in work at once.
    #[arg(long, default_value = "128", value_parser = clap::value_parser!(u16).range(1..=4096))]
    parallel: u16,
    /// How long a row is tried again while the node is not available, in seconds.
    #[arg(long, default_value = "120", value_name = "SECONDS")]
    patience: u64,
    /// Check every row and issue nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(super) async fn run(args: &ImportArgs, format: Format) -> Result<Exit, Failure> {
    let options = Options {
        rejected: args.rejected.clone(),
        encoding: args.encoding,
        parallel: usize::from(args.parallel),
        dry_run: args.dry_run,
        patience: Duration::from_secs(args.patience),
        ..Options::new(&args.file)
    };
    let channels = args.client.channels(CHANNELS).await?;
    let bar = progress(format);
    let outcome = import::run(&options, channels, Random::new(), &bar).await;
    bar.finish_and_clear();
    let summary = outcome.map_err(failure)?;
    print(&summary, &options, format)?;
    if summary.rejected == 0 {
        return Ok(Exit::Ok);
    }
    note(&format!("{} rows rejected: {}", summary.rejected, options.rejected_path().display()), format);
    Ok(Exit::Warnings)
}

fn print(summary: &Summary, options: &Options, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print_json(&json!({
            "rows": summary.rows,
            "issued": summary.issued,
            "revised": summary.revised,
            "already_there": summary.already_there,
            "status_changed": summary.status_changed,
            "rejected": summary.rejected,
            "rejected_file": (summary.rejected > 0).then(|| options.rejected_path()),
            "seconds": summary.took.as_secs_f64(),
            "rows_per_second": summary.rate(),
            "dry_run": options.dry_run,
        }));
    }
    let would = if options.dry_run { "would be " } else { "" };
    print_facts(&[
        ("rows", summary.rows.to_string()),
        (&format!("{would}issued"), summary.issued.to_string()),
        (&format!("{would}revised"), summary.revised.to_string()),
        ("already there", summary.already_there.to_string()),
        ("status changed", summary.status_changed.to_string()),
        ("rejected", summary.rejected.to_string()),
        ("rate", format!("{:.0} rows/s in {:.1} s", summary.rate(), summary.took.as_secs_f64())),
    ])
}

fn failure(error: Error) -> Failure {
    match error {
        Error::File { path, source } => Failure::file(&path, &source),
        Error::Node(status) => {
            Failure::from(*status).next("what was issued stays; run the same command again to go on")
        }
        Error::Task(_) => Failure::new(Exit::Failed, error),
        Error::Encoding { .. } | Error::Columns(_) | Error::Csv { .. } | Error::OwnInput { .. } => {
            Failure::usage(error)
        }
    }
}
