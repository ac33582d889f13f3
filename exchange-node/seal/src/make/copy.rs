//! The copy of a package: entries as they are packed, some with new content, and new ones.

use std::{
    cell::Cell,
    collections::BTreeMap,
    io::{Error as IoError, ErrorKind, Read, Result as IoResult, Seek, SeekFrom, Write},
};

use zip::{
    CompressionMethod, DateTime, PreparedZipFile, ZipWriter,
    result::{ZipError, ZipResult},
    write::SimpleFileOptions,
};

use super::Error;
use crate::ofd::{self, Package};

/// Writes the copy and returns its bytes. Sizes stand before the content, so that readers of streams read it too.
pub(super) fn write<R: Read + Seek, W: Write>(
    package: &mut Package<R>,
    out: W,
    replaced: BTreeMap<usize, Vec<u8>>,
    new: &[(String, Vec<u8>)],
) -> Result<u64, Error> {
    let limits = *package.limits();
    let count = package.entries() + new.len();
    if count > limits.entries {
        let (found, limit) = (count as u64, limits.entries as u64);
        return Err(Error::TooLarge { what: "entries of the package", found, limit });
    }
    let closed = Cell::new(false);
    let mut archive = ZipWriter::new(Forward { out, at: 0, closed: &closed });
    let filled = fill(package, &mut archive, replaced, new);
    if let Err(error) = filled {
        // An archive that is dropped writes its directory, as if nothing had happened.
        closed.set(true);
        return Err(failed(error));
    }
    let mut out = archive.finish().map_err(failed)?;
    out.flush().map_err(Error::Write)?;
    if out.at > limits.package_bytes {
        return Err(Error::TooLarge { what: "the package in bytes", found: out.at, limit: limits.package_bytes });
    }
    Ok(out.at)
}

fn fill<R: Read + Seek, W: Write + Seek>(
    package: &mut Package<R>,
    archive: &mut ZipWriter<W>,
    mut replaced: BTreeMap<usize, Vec<u8>>,
    new: &[(String, Vec<u8>)],
) -> ZipResult<()> {
    for index in 0..package.entries() {
        match replaced.remove(&index) {
            Some(content) => archive.add_prepared_file(packed(package.name(index), &content)?)?,
            None => package.copy(index, archive)?,
        }
    }
    for (name, content) in new {
        archive.add_prepared_file(packed(name, content)?)?;
    }
    Ok(())
}

/// Seals and values are pictures and numbers, which gain nothing by packing.
fn packed(name: &str, content: &[u8]) -> ZipResult<PreparedZipFile> {
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    let options = if name.ends_with(".xml") {
        options.compression_method(CompressionMethod::Deflated).compression_level(Some(1))
    } else {
        options.compression_method(CompressionMethod::Stored)
    };
    PreparedZipFile::from_data(name, options, content)
}

fn failed(error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => Error::Write(error),
        other => Error::Document(ofd::Error::Archive(other.to_string())),
    }
}

/// A writer that only goes forward, for a ZIP writer that wants to know where it is. Nothing more goes out once it failed.
struct Forward<'a, W> {
    out: W,
    at: u64,
    closed: &'a Cell<bool>,
}

impl<W: Write> Write for Forward<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        if self.closed.get() {
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes).inspect_err(|e| self.closed.set(e.kind() != ErrorKind::Interrupted))?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> IoResult<()> {
        if self.closed.get() { Ok(()) } else { self.out.flush() }
    }
}

impl<W: Write> Seek for Forward<'_, W> {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        match to {
            SeekFrom::Current(0) | SeekFrom::End(0) => Ok(self.at),
            SeekFrom::Start(at) if at == self.at => Ok(self.at),
            _ if self.closed.get() => Ok(self.at),
            _ => Err(IoError::from(ErrorKind::Unsupported)),
        }
    }
}
