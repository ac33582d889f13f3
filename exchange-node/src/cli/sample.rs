//! `sample`.

use super::{Failure, Format, output::print_json};
use crate::{
    exit::Exit,
    import::Encoding,
    random::Random,
    sample::{rows, write},
};
use ca_tools::console::note;
use clap::Args;
use exchange_core::region::Region;
use serde_json::json;
use std::{fs::OpenOptions, io, path::PathBuf};

const EXAMPLES: &str = "\
Examples:
  exchange-node sample --rows 1000 --region 370100 --seed 1 --out rows.csv
  exchange-node sample --rows 1000000 --region 370200 --encoding gb18030 > rows.csv
";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct SampleArgs {
    /// How many rows.
    #[arg(long)]
    rows: u64,
    /// Six digits of the city.
    #[arg(long)]
    region: String,
    /// The same seed gives the same rows; without it, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How the text is written.
    #[arg(long, value_enum, default_value = "utf-8")]
    encoding: Encoding,
    /// New file; standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &SampleArgs, format: Format) -> Result<Exit, Failure> {
    let region = Region::parse(&args.region).map_err(|error| Failure::usage(format!("--region: {error}")))?;
    let seed = args.seed.unwrap_or_else(|| u64::from(u32::from_be_bytes(Random::new().array())));
    let rows = rows(region, args.rows, seed);
    match &args.out {
        Some(path) => {
            let created = OpenOptions::new().write(true).create_new(true).open(path);
            let file = created.map_err(|error| Failure::file(path, &error))?;
            write(rows, file, args.encoding).map_err(|error| Failure::file(path, &error))?;
        }
        None => match write(rows, io::stdout().lock(), args.encoding) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(Failure::new(Exit::Failed, error)),
            _ => {}
        },
    }
    match (&args.out, format) {
        (Some(path), Format::Json) => {
            print_json(&json!({ "file": path, "rows": args.rows, "region": region.as_str(), "seed": seed }))?;
        }
        _ => note(&format!("{} invented rows of {region}, --seed {seed}", args.rows), format),
    }
    Ok(Exit::Ok)
}
