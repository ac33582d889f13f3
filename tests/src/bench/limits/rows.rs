//! Limit of ingest: prepared rows in bare batches, unchecked.
//!
//! A rows file is a sequence of records, numbers big-endian: `keyspace u8 ‖ key length u16 ‖ value length u32 ‖ key ‖
//! value`; a record of keyspace 255 ends a batch, and its value is the u32 count of entries that the batch holds.

use crate::process;
use anyhow::{Context, Result, ensure};
use clap::Args;
use exchange_node::store;
use fjall::Keyspace;
use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Instant,
};

const END_OF_BATCH: u8 = u8::MAX;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the database; what is in it is removed.
    #[arg(long)]
    db: PathBuf,
    /// The rows.
    #[arg(long)]
    rows: PathBuf,
}

/// Writes a rows file.
pub(crate) struct Writer(BufWriter<File>);

impl Writer {
    /// Begins a file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Ok(Self(BufWriter::with_capacity(1 << 20, File::create(path)?)))
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, keyspace: u8, key: &[u8], value: &[u8]) -> Result<()> {
        ensure!(keyspace != END_OF_BATCH, "keyspace {keyspace} has another meaning");
        self.record(keyspace, key, value)
    }

    /// Ends a batch that holds so many entries.
    pub(crate) fn end_batch(&mut self, entries: u32) -> Result<()> {
        self.record(END_OF_BATCH, &[], &entries.to_be_bytes())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }

    fn record(&mut self, keyspace: u8, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.write_all(&[keyspace])?;
        self.0.write_all(&u16::try_from(key.len())?.to_be_bytes())?;
        self.0.write_all(&u32::try_from(value.len())?.to_be_bytes())?;
        self.0.write_all(key)?;
        Ok(self.0.write_all(value)?)
    }
}

struct Reader(BufReader<File>);

/// Keyspace, key, value.
type Record = (u8, Vec<u8>, Vec<u8>);

impl Reader {
    fn record(&mut self) -> Result<Option<Record>> {
        let mut head = [0; 7];
        match self.0.read_exact(&mut head) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let [keyspace, k0, k1, v0, v1, v2, v3] = head;
        let mut key = vec![0; usize::from(u16::from_be_bytes([k0, k1]))];
        let mut value = vec![0; usize::try_from(u32::from_be_bytes([v0, v1, v2, v3]))?];
        self.0.read_exact(&mut key)?;
        self.0.read_exact(&mut value)?;
        Ok(Some((keyspace, key, value)))
    }
}

/// Writes all rows and prints, for each batch, its entries and the nanoseconds that the engine took. Reading the file is
/// not counted, as reading the segments is not counted for the node.
pub(crate) fn run(options: &Options) -> Result<()> {
    process::end_with_parent();
    if options.db.exists() {
        std::fs::remove_dir_all(&options.db)?;
    }
    // The engine is set as the node sets it, or the two would not be comparable.
    let database = store::builder(&options.db).open()?;
    let mut keyspaces: Vec<Option<Keyspace>> = vec![None; usize::from(END_OF_BATCH)];
    let mut reader = Reader(BufReader::with_capacity(1 << 20, File::open(&options.rows)?));
    let mut waiting = Vec::new();
    let mut printed = String::new();
    while let Some((keyspace, key, value)) = reader.record()? {
        if keyspace != END_OF_BATCH {
            let slot = &mut keyspaces[usize::from(keyspace)];
            if slot.is_none() {
                *slot = Some(database.keyspace(&format!("rows-{keyspace}"), || store::keyspace_options(false))?);
            }
            waiting.push((keyspace, key, value));
            continue;
        }
        let entries = u32::from_be_bytes(value.as_slice().try_into().context("a batch without its count")?);
        let start = Instant::now();
        let mut batch = database.batch();
        for (keyspace, key, value) in waiting.drain(..) {
            let keyspace = keyspaces[usize::from(keyspace)].as_ref().context("a keyspace that was not made")?;
            batch.insert(keyspace, key, value);
        }
        batch.commit()?;
        printed += &format!("{entries} {}\n", start.elapsed().as_nanos());
    }
    print!("{printed}");
    Ok(())
}
