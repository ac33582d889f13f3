//! `ingest`: entries of another city's log checked and indexed a second.

use crate::{
    Settings,
    limits::rows::Writer,
    model::Model,
    process,
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Entries of a run, and with `--full`.
const ENTRIES: u64 = 200_000;
const ENTRIES_FULL: u64 = 5_000_000;

/// Time of one batch.
struct Batch {
    entries: u64,
    nanoseconds: u64,
}

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    ensure!(settings.limit_only, "the node is not part of this build: give --limit-only");
    let folder = folder.join("ingest");
    std::fs::create_dir_all(&folder)?;
    let entries = if settings.full { ENTRIES_FULL } else { ENTRIES };
    let rows = folder.join(format!("model-{entries}.rows"));
    if !rows.exists() {
        eprintln!("preparing the rows of {entries} entries");
        // Under its name only when it is whole: a run that was killed leaves nothing that looks prepared.
        let part = rows.with_extension("part");
        let mut writer = Writer::create(&part)?;
        Model::new().rows(entries, &mut writer)?;
        writer.finish()?;
        std::fs::rename(part, &rows)?;
    }
    let mut figures = [
        Figure::new("rate", "1/s", Better::Higher).target(0.8).reference(79_000.0),
        Figure::new("last_fifth_vs_second", "ratio", Better::Higher).target(0.9).unlimited(),
        Figure::new("worst_batch_ms", "ms", Better::Lower),
    ];
    let db = folder.join("db");
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| {
        let printed = match side {
            Side::Limit | Side::Node => process::output([
                "__limit-rows".as_ref(),
                "--db".as_ref(),
                db.as_os_str(),
                "--rows".as_ref(),
                rows.as_os_str(),
            ])?,
        };
        let batches = batches(&printed)?;
        ensure!(batches.iter().map(|batch| batch.entries).sum::<u64>() == entries, "not every entry was written");
        let fifth = |number: usize| rate(&batches[batches.len() * number / 5..batches.len() * (number + 1) / 5]);
        let worst = batches.iter().map(|batch| batch.nanoseconds).max().unwrap_or_default();
        Ok(vec![rate(&batches), fifth(4) / fifth(1), worst as f64 / 1e6])
    })
    .await?;
    std::fs::remove_dir_all(db)?;
    Ok(figures.into())
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
