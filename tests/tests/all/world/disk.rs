//! What is done to a node's folder while the node is not running.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target).map(drop)?
        }
    }
    Ok(())
}

/// The journal that a database of the store is writing, and how many bytes of it are written.
pub(crate) fn journal(database: &Path) -> io::Result<(PathBuf, u64)> {
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let mut journals = Vec::new();
    for entry in fs::read_dir(database)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            journals.push((number(&path), path));
        }
    }
    let (_, path) = journals.into_iter().max().ok_or_else(|| io::Error::other("no journal"))?;
    let written = written(&path)?;
    Ok((path, written))
}

/// A journal is made with room to grow: what is written ends with its last byte that is not 0.
fn written(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let end = rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(0)).or_else(|_| file.seek(SeekFrom::End(0)))?;
    const STEP: u64 = 64 << 10;
    let (mut to, mut buffer) = (end, Vec::new());
    while to > 0 {
        let from = to.saturating_sub(STEP);
        file.seek(SeekFrom::Start(from))?;
        buffer.clear();
        (&mut file).take(to - from).read_to_end(&mut buffer)?;
        if let Some(last) = buffer.iter().rposition(|byte| *byte != 0) {
            return Ok(from + last as u64 + 1);
        }
        to = from;
    }
    Ok(0)
}

/// Loses the end of a journal, as a power cut loses what was not synced.
pub(crate) fn cut(journal: &Path, bytes: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(journal)?.set_len(bytes)
}
