//! Memory of a process that verifies and stamps a document of 100 MB, beyond what it held before.

use super::{Office, documents, number, valid_file};
use crate::process::{self, Memory};
use anyhow::{Context, Result};
use clap::Args;
use exchange_seal::{
    algorithm::Algorithm,
    make::{Stamp, stamp},
};
use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

/// Bytes of the document's font.
const LARGE: usize = 100_000_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The document.
    #[arg(long)]
    file: PathBuf,
}

/// Megabytes at the peak beyond idle, of a process of its own.
pub(super) fn over_idle(folder: &Path) -> Result<f64> {
    let file = folder.join("large.ofd");
    documents::write(File::create(&file)?, LARGE)?;
    let printed = process::output([Path::new("__seal-memory"), Path::new("--file"), &file])?;
    let line = printed.lines().last().context("no figure was printed")?;
    std::fs::remove_file(&file)?;
    Ok(number(line, 1)? - number(line, 0)?)
}

/// Stamps the document, verifies what came of it, and prints memory before, and at most.
pub(crate) fn run(options: &Options) -> Result<()> {
    let office = Office::new(Algorithm::Sm2Sm3)?;
    let idle = Memory::own()?.resident_mb;
    let out = options.file.with_extension("stamped.ofd");
    let places = [documents::PLACE];
    let order: Stamp<'_> = office.order(&places);
    let to = BufWriter::new(File::create(&out)?);
    stamp(File::open(&options.file)?, to, &order, &ca_tools::seams::rng())?;
    let judged = valid_file(&office, &out);
    std::fs::remove_file(&out)?;
    judged?;
    println!("{idle} {}", Memory::own()?.peak_mb);
    Ok(())
}
