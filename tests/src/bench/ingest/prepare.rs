//! Data of `ingest`, kept for the next run: segments that a real node made, and the rows that the indexer makes of them.
//!
//! Everything gets its name only when it is whole: a run that was killed leaves nothing that looks prepared.

use super::{replicate, rows, segments};
use crate::{
    city,
    data::Requests,
    limits::rows::Writer,
    model::Model,
    province::{BUNDLE, INDEX_KEY, JINAN, PROVINCE, Province},
};
use anyhow::{Result, ensure};
use exchange_core::region::Region;
use exchange_node::{publisher::Segments, store::Store};
use prost::Message;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Certificates that are issued before their answers are forgotten.
const CHUNK: u64 = 10_000;

/// Files of a prepared run.
pub(super) struct Prepared {
    pub(super) segments: PathBuf,
    pub(super) rows: PathBuf,
    pub(super) bundle: PathBuf,
    pub(super) index_key: PathBuf,
}

/// Rows of the size that the indexer makes, for the limit alone.
pub(super) fn model(folder: &Path, entries: u64) -> Result<PathBuf> {
    let rows = folder.join(format!("model-{entries}.rows"));
    if !rows.exists() {
        eprintln!("preparing the rows of {entries} entries");
        let part = rows.with_extension("part");
        let mut writer = Writer::create(&part)?;
        Model::new().rows(entries, &mut writer)?;
        writer.finish()?;
        std::fs::rename(part, &rows)?;
    }
    Ok(rows)
}

/// Segments out of the log of a node that issued certificates, and the rows of a copy of it.
pub(super) async fn real(folder: &Path, entries: u64, db: &Path) -> Result<Prepared> {
    let folder = folder.join(format!("prepared-{entries}"));
    let prepared = Prepared {
        segments: folder.join("segments.bin"),
        rows: folder.join("rows.bin"),
        bundle: folder.join(BUNDLE),
        index_key: folder.join(INDEX_KEY),
    };
    if prepared.segments.exists() && prepared.rows.exists() {
        return Ok(prepared);
    }
    eprintln!("preparing {entries} entries: a node issues {} certificates", entries / 2);
    let province = Province::make(&folder, &[PROVINCE, JINAN], None)?;
    issue(&province, entries / 2).await?;
    let store = Store::open(&province.node(JINAN)?.data, Region::parse(JINAN)?)?;
    let part = folder.join("part");
    let mut writer = segments::Writer::create(&part)?;
    let mut found = 0;
    for segment in Segments::new(store, true, Region::parse(JINAN)?, 1, 0, 0) {
        let segment = segment?;
        found += segment.entries.len() as u64;
        writer.segment(&segment.encode_to_vec())?;
    }
    writer.finish()?;
    ensure!(found >= entries, "the node's log has {found} entries, needed {entries}");
    std::fs::rename(&part, &prepared.segments)?;
    let batches = replicate(&prepared, db)?;
    rows::extract(db, &batches, &part)?;
    std::fs::rename(part, &prepared.rows)?;
    Ok(prepared)
}

/// Starts the nodes, issues, and ends them; what was acknowledged is on disk.
async fn issue(province: &Province, certificates: u64) -> Result<()> {
    let cities = city::start(province)?;
    city::publish(&cities, None).await?;
    let city = city::of(&cities, JINAN)?;
    let requests = Arc::new(Requests::new(city.node.department.clone(), 0));
    let mut left = certificates;
    while left > 0 {
        let now = left.min(CHUNK);
        city.issue(&requests, usize::try_from(now)?).await?;
        left -= now;
    }
    Ok(())
}
