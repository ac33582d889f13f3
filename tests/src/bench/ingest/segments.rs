//! A file of segments: u32 length ‖ encoded segment, one after the other.

use anyhow::Result;
use bytes::Bytes;
use std::{
    fs::File,
    io::{BufReader, BufWriter, ErrorKind, Read, Write},
    path::Path,
};

pub(super) struct Writer(BufWriter<File>);

impl Writer {
    pub(super) fn create(path: &Path) -> Result<Self> {
        Ok(Self(BufWriter::with_capacity(1 << 20, File::create(path)?)))
    }

    pub(super) fn segment(&mut self, encoded: &[u8]) -> Result<()> {
        self.0.write_all(&u32::try_from(encoded.len())?.to_be_bytes())?;
        Ok(self.0.write_all(encoded)?)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

pub(super) struct Reader(BufReader<File>);

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(BufReader::with_capacity(1 << 20, File::open(path)?)))
    }

    /// The next segment's bytes; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let mut segment = vec![0; usize::try_from(u32::from_be_bytes(length))?];
        self.0.read_exact(&mut segment)?;
        Ok(Some(segment.into()))
    }
}
