//! What the data lies on.

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use std::{fs, io::Write, path::Path, time::Instant};

/// `f_type` of file systems that keep nothing (statfs(2)).
const IN_MEMORY: [(i64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];
const SYNCS: usize = 300;

/// Durable commits into memory would measure nothing.
pub(crate) fn refuse_memory(folder: &Path) -> Result<()> {
    let found = rustix::fs::statfs(folder)?.f_type & 0xffff_ffff;
    let memory = IN_MEMORY.iter().find(|(magic, _)| *magic == found);
    ensure!(
        memory.is_none(),
        "{} lies on {}: a durable commit needs a real file system, name a folder on one with --dir",
        folder.display(),
        memory.map_or("", |(_, name)| *name)
    );
    Ok(())
}

/// Median time of appending 4 KiB and syncing it, in microseconds.
pub(crate) fn fsync_p50_us(folder: &Path) -> Result<f64> {
    let path = folder.join("fsync.tmp");
    let mut file = fs::File::create(&path)?;
    let mut times = Histogram::<u64>::new(3)?;
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[9; 4096])?;
        file.sync_all()?;
        times.record(u64::try_from(start.elapsed().as_nanos())?)?;
    }
    fs::remove_file(path)?;
    Ok(times.value_at_quantile(0.5) as f64 / 1e3)
}
