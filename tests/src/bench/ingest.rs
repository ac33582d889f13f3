//! `ingest`: entries of another city's log checked and indexed a second.

mod prepare;
pub(crate) mod replica;
mod rows;
mod segments;

use crate::{
    Settings, process,
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, ensure};
use prepare::Prepared;
use std::path::Path;

/// Entries of a run, and with `--full`.
const ENTRIES: u64 = 200_000;
const ENTRIES_FULL: u64 = 5_000_000;

/// Time of one commit.
struct Batch {
    entries: u64,
    nanoseconds: u64,
}

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("ingest");
    std::fs::create_dir_all(&folder)?;
    let entries = if settings.full { ENTRIES_FULL } else { ENTRIES };
    let db = folder.join("db");
    let (rows, prepared) = if settings.limit_only {
        (prepare::model(&folder, entries)?, None)
    } else {
        let prepared = prepare::real(&folder, entries, &db).await?;
        (prepared.rows.clone(), Some(prepared))
    };
    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.8).reference(79_000.0),
        Figure::new("last_fifth_vs_second", "ratio", Better::Higher).target(0.9).unlimited(),
        Figure::new("worst_batch_ms", "ms", Better::Lower),
    ];
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let batches = match (side, &prepared) {
            (Side::Node, Some(prepared)) => replicate(prepared, &db)?,
            _ => batches(&process::output([
                "__limit-rows".as_ref(),
                "--db".as_ref(),
                db.as_os_str(),
                "--rows".as_ref(),
                rows.as_os_str(),
            ])?)?,
        };
        ensure!(batches.iter().map(|batch| batch.entries).sum::<u64>() >= entries, "not every entry was written");
        let fifth = |number: usize| rate(&batches[batches.len() * number / 5..batches.len() * (number + 1) / 5]);
        let worst = batches.iter().map(|batch| batch.nanoseconds).max().unwrap_or_default();
        Ok(vec![rate(&batches), fifth(4) / fifth(1), worst as f64 / 1e6])
    })
    .await?;
    std::fs::remove_dir_all(db)?;
    Ok(figures.into())
}

/// Runs the indexer over the prepared segments, into an empty store.
fn replicate(prepared: &Prepared, db: &Path) -> Result<Vec<Batch>> {
    batches(&process::output([
        "__ingest".as_ref(),
        "--db".as_ref(),
        db.as_os_str(),
        "--segments".as_ref(),
        prepared.segments.as_os_str(),
        "--bundle".as_ref(),
        prepared.bundle.as_os_str(),
        "--index-key".as_ref(),
        prepared.index_key.as_os_str(),
    ])?)
}

fn batches(printed: &str) -> Result<Vec<Batch>> {
    printed
        .lines()
        .map(|line| {
            let (entries, nanoseconds) = line.split_once(' ').context("a line without its time")?;
            Ok(Batch { entries: entries.parse()?, nanoseconds: nanoseconds.parse()? })
        })
        .collect()
}

fn rate(batches: &[Batch]) -> f64 {
    let entries: u64 = batches.iter().map(|batch| batch.entries).sum();
    let nanoseconds: u64 = batches.iter().map(|batch| batch.nanoseconds).sum();
    entries as f64 * 1e9 / nanoseconds as f64
}
