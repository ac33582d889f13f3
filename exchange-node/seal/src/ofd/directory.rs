//! The directory of a ZIP archive (APPNOTE 6.3), read before anything is unpacked.
//!
//! The zip crate unpacks; this looks first whether there is one way only to understand the archive: every byte belongs to
//! one entry, directory and entries agree, no name stands twice, nothing claims more than is read.

use std::io::{Read, Seek, SeekFrom};

use super::{Error, location::entry_name};
use crate::{limits::Limits, report::shown};

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const MAX_COMMENT: u64 = 65_535;
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const CENTRAL_BYTES: usize = 46;
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;
/// Bytes of the central directory.
const MAX_DIRECTORY_BYTES: u32 = 4 * 1024 * 1024;

const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const SIZES_FOLLOW: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// A data descriptor has 12 to 24 bytes.
const MAX_DESCRIPTOR: u64 = 24;

/// An entry, as directory and archive agree about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_folder: bool,
    /// Where its local header stands.
    pub(super) header: u64,
    /// Bytes as stored.
    pub(super) packed: u64,
    /// Bytes as claimed; never more are unpacked.
    pub(super) unpacked: u64,
    /// CRC-32 of the content, as claimed.
    pub(super) crc: u32,
    raw_name: Vec<u8>,
    method: u16,
    flags: u16,
    extra_and_name: u64,
}

impl Entry {
    /// Its content stands in the archive as it is.
    pub(super) const fn is_stored(&self) -> bool {
        self.method == STORED
    }
}

fn unsound<T>(detail: impl Into<String>) -> Result<T, Error> {
    Err(Error::Archive(detail.into()))
}

/// Every entry, in the order of the directory.
pub(super) fn scan<R: Read + Seek>(reader: &mut R, limits: &Limits) -> Result<Vec<Entry>, Error> {
    let length = reader.seek(SeekFrom::End(0))?;
    if length > limits.package_bytes {
        return Err(Error::TooLarge {
            what: "the package in bytes".into(),
            found: length,
            limit: limits.package_bytes,
        });
    }
    let (end_at, count, size, offset) = end(reader, length)?;
    if count as usize > limits.entries {
        let (found, limit) = (u64::from(count), limits.entries as u64);
        return Err(Error::TooLarge { what: "entries of the package".into(), found, limit });
    }
    if size > MAX_DIRECTORY_BYTES {
        let (found, limit) = (u64::from(size), u64::from(MAX_DIRECTORY_BYTES));
        return Err(Error::TooLarge { what: "the directory in bytes".into(), found, limit });
    }
    if u64::from(offset) + u64::from(size) != end_at {
        return unsound("the directory does not end where the archive's end says");
    }
    let bytes = read_at(reader, u64::from(offset), size as usize)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        entries.push(central(&mut rest)?);
    }
    if !rest.is_empty() {
        return unsound("the directory has more than the entries that are counted");
    }
    sizes(&entries, limits)?;
    names(&entries)?;
    layout(reader, &mut entries, u64::from(offset))?;
    Ok(entries)
}

/// Position of the end record, entries, directory's size and offset.
fn end<R: Read + Seek>(reader: &mut R, length: u64) -> Result<(u64, u16, u32, u32), Error> {
    let tail_bytes = length.min(END_BYTES as u64 + MAX_COMMENT);
    let tail = read_at(reader, length - tail_bytes, tail_bytes as usize)?;
    // The comment has to reach exactly to the end of the file.
    let found = (0..tail.len().saturating_sub(END_BYTES - 1)).rev().find(|at| {
        let record = &tail[*at..];
        record.starts_with(&END) && usize::from(u16_at(record, 20)) + END_BYTES == record.len()
    });
    let Some(at) = found else { return unsound("no end of a ZIP archive at the end of the file") };
    let record = &tail[at..];
    let (disk, first_disk, here, count) = (u16_at(record, 4), u16_at(record, 6), u16_at(record, 8), u16_at(record, 10));
    if disk != 0 || first_disk != 0 || here != count {
        return unsound("an archive of several volumes");
    }
    let (size, offset) = (u32_at(record, 12), u32_at(record, 16));
    if count == u16::MAX || size == u32::MAX || offset == u32::MAX {
        return unsound("ZIP64, for archives larger than are read");
    }
    Ok((length - tail_bytes + at as u64, count, size, offset))
}

fn central(rest: &mut &[u8]) -> Result<Entry, Error> {
    let Some((head, tail)) = rest.split_at_checked(CENTRAL_BYTES) else { return unsound("the directory is cut off") };
    if !head.starts_with(&CENTRAL) {
        return unsound("the directory has something that is no entry");
    }
    let (flags, method) = (u16_at(head, 8), u16_at(head, 10));
    let (crc, packed, unpacked) = (u32_at(head, 16), u32_at(head, 20), u32_at(head, 24));
    let (name, extra, comment) =
        (usize::from(u16_at(head, 28)), usize::from(u16_at(head, 30)), usize::from(u16_at(head, 32)));
    let header = u32_at(head, 42);
    let Some((raw, tail)) = tail.split_at_checked(name) else { return unsound("the directory is cut off") };
    let Some((_, tail)) = tail.split_at_checked(extra + comment) else { return unsound("the directory is cut off") };
    *rest = tail;
    let plain = entry_name(raw)?;
    if flags & ENCRYPTED != 0 {
        return unsound(format!("{} is encrypted", shown(&plain)));
    }
    if packed == u32::MAX || unpacked == u32::MAX || header == u32::MAX {
        return unsound(format!("{} claims 4 GiB or more", shown(&plain)));
    }
    let is_folder = raw.ends_with(b"/");
    if is_folder && unpacked != 0 {
        return unsound(format!("the folder {} has content", shown(&plain)));
    }
    if method != STORED && method != DEFLATED {
        return unsound(format!("{} is packed by method {method}; only 0 and 8 are read", shown(&plain)));
    }
    if method == STORED && packed != unpacked {
        return unsound(format!("{} is stored with two sizes", shown(&plain)));
    }
    Ok(Entry {
        name: plain,
        is_folder,
        header: u64::from(header),
        packed: u64::from(packed),
        unpacked: u64::from(unpacked),
        crc,
        raw_name: raw.to_vec(),
        method,
        flags,
        extra_and_name: 0,
    })
}

fn sizes(entries: &[Entry], limits: &Limits) -> Result<(), Error> {
    let mut total: u64 = 0;
    for entry in entries {
        if entry.unpacked > limits.entry_bytes {
            let what = format!("{} in bytes", shown(&entry.name));
            return Err(Error::TooLarge { what, found: entry.unpacked, limit: limits.entry_bytes });
        }
        if entry.unpacked > Limits::RATIO_FROM && entry.unpacked / entry.packed.max(1) > limits.ratio {
            let what = format!("{} unpacked per packed byte", shown(&entry.name));
            let found = entry.unpacked / entry.packed.max(1);
            return Err(Error::TooLarge { what, found, limit: limits.ratio });
        }
        total = total.saturating_add(entry.unpacked);
    }
    if total > limits.unpacked_bytes {
        let what = "all entries in bytes".to_owned();
        return Err(Error::TooLarge { what, found: total, limit: limits.unpacked_bytes });
    }
    Ok(())
}

/// Names that differ in case alone would be one file for the readers that do not look at it.
fn names(entries: &[Entry]) -> Result<(), Error> {
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        if !seen.insert(entry.name.to_lowercase()) {
            return unsound(format!("{} stands twice", shown(&entry.name)));
        }
    }
    Ok(())
}

/// From the first byte to the directory: one entry after another, each as the directory says, and nothing between.
fn layout<R: Read + Seek>(reader: &mut R, entries: &mut [Entry], directory: u64) -> Result<(), Error> {
    for entry in entries.iter_mut() {
        // Header and name at once: the name has to be the directory's, so it is as long.
        let head = read_at(reader, entry.header, LOCAL_BYTES + entry.raw_name.len())?;
        let (head, raw) = head.split_at(LOCAL_BYTES);
        if !head.starts_with(&LOCAL) {
            return unsound(format!("{} is not where the directory says", shown(&entry.name)));
        }
        let (name, extra) = (usize::from(u16_at(head, 26)), usize::from(u16_at(head, 28)));
        let same = name == raw.len()
            && raw == entry.raw_name
            && u16_at(head, 8) == entry.method
            && u16_at(head, 6) & (ENCRYPTED | SIZES_FOLLOW) == entry.flags & (ENCRYPTED | SIZES_FOLLOW);
        let sized = entry.flags & SIZES_FOLLOW != 0
            || (u64::from(u32_at(head, 18)) == entry.packed && u64::from(u32_at(head, 22)) == entry.unpacked);
        if !same || !sized {
            return unsound(format!("directory and entry disagree about {}", shown(&entry.name)));
        }
        entry.extra_and_name = (name + extra) as u64;
    }
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.header);
    let mut at = 0;
    let mut slack = 0;
    for entry in order {
        if entry.header < at || entry.header - at > slack {
            return unsound(format!("bytes before {} belong to no entry or to two", shown(&entry.name)));
        }
        at = entry.header + LOCAL_BYTES as u64 + entry.extra_and_name + entry.packed;
        slack = if entry.flags & SIZES_FOLLOW == 0 { 0 } else { MAX_DESCRIPTOR };
    }
    if directory < at || directory - at > slack {
        return unsound("bytes before the directory belong to no entry or to two");
    }
    Ok(())
}

fn read_at<R: Read + Seek>(reader: &mut R, at: u64, count: usize) -> Result<Vec<u8>, Error> {
    reader.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; count];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => unsound("an entry lies outside of the file"),
        Err(e) => Err(e.into()),
    }
}

/// Callers have the bytes at hand: records are taken whole.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
