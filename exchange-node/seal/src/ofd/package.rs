//! A package, opened.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read, Seek, Write},
    sync::Arc,
};

use zip::{ZipArchive, ZipWriter};

use super::{
    Error,
    directory::{Entry, scan},
    resolve,
    unpack::Unpacker,
};
use crate::{
    digest::{DigestAlgorithm, Digester},
    limits::Limits,
    report::shown,
};

/// Bytes that are hashed at a time.
const PIECE: usize = 64 * 1024;
/// An entry of at most so many bytes, packed and unpacked, is unpacked at once and not in pieces.
const SMALL: u64 = 256 * 1024;
/// Bytes of small entries that are kept while the package is open: what is read and hashed is unpacked once.
const KEPT: usize = 1024 * 1024;

/// A file of the package, found by a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Which entry.
    pub index: usize,
    /// The path is written as the entry is; else case differs.
    pub is_exact: bool,
}

/// A package whose directory was found sound.
pub struct Package<R> {
    archive: ZipArchive<BufReader<R>>,
    entries: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
    digests: BTreeMap<(usize, DigestAlgorithm), Vec<u8>>,
    kept: BTreeMap<usize, Arc<Vec<u8>>>,
    kept_bytes: usize,
    unpacker: Unpacker,
    limits: Limits,
}

impl<R: Read + Seek> Package<R> {
    /// Opens one and looks at its directory; nothing is unpacked.
    ///
    /// # Errors
    /// [`Error::Archive`], [`Error::TooLarge`], [`Error::Path`], [`Error::Io`].
    pub fn open(reader: R, limits: Limits) -> Result<Self, Error> {
        let mut reader = BufReader::new(reader);
        let entries = scan(&mut reader, &limits)?;
        let mut archive = ZipArchive::new(reader).map_err(|e| Error::Archive(e.to_string()))?;
        // Two readers of one directory: what they do not agree about is not unpacked.
        if archive.len() != entries.len() {
            return Err(Error::Archive("the directory can be understood in two ways".to_owned()));
        }
        for (index, entry) in entries.iter().enumerate() {
            let same = archive.by_index_raw(index).map_err(|e| Error::Archive(e.to_string()))?;
            if same.header_start() != entry.header
                || same.size() != entry.unpacked
                || same.compressed_size() != entry.packed
            {
                return Err(Error::Archive("the directory can be understood in two ways".to_owned()));
            }
        }
        // Names were seen to be unique without regard to case.
        let by_name = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is_folder)
            .map(|(index, entry)| (entry.name.to_lowercase(), index))
            .collect();
        Ok(Self {
            archive,
            entries,
            by_name,
            digests: BTreeMap::new(),
            kept: BTreeMap::new(),
            kept_bytes: 0,
            unpacker: Unpacker::default(),
            limits,
        })
    }

    /// The limits that it is read by.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Every file, folders left out.
    pub fn files(&self) -> impl Iterator<Item = (usize, &str)> {
        self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_folder).map(|(i, entry)| (i, entry.name.as_str()))
    }

    /// The name of an entry.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        self.entries.get(index).map_or("", |entry| entry.name.as_str())
    }

    /// Bytes of an entry, unpacked, as the directory claims them; no more than that is unpacked.
    pub(crate) fn size(&self, index: usize) -> u64 {
        self.entries.get(index).map_or(0, |entry| entry.unpacked)
    }

    /// A file by its absolute path without the slash before it.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Found> {
        let index = *self.by_name.get(&path.to_lowercase())?;
        Some(Found { index, is_exact: self.entries.get(index)?.name == path })
    }

    /// A file as another file names it: absolute, relative to that file's folder, or relative to the package.
    ///
    /// # Errors
    /// [`Error::Path`]; [`Error::Missing`].
    pub fn locate(&self, from: &str, loc: &str) -> Result<Found, Error> {
        let path = resolve(from, loc);
        if let Some(found) = path.as_deref().ok().and_then(|path| self.find(path)) {
            return Ok(found);
        }
        match resolve("", loc) {
            Ok(at_root) => self.find(&at_root).ok_or_else(|| Error::Missing(shown(loc))),
            Err(error) => Err(path.err().unwrap_or(error)),
        }
    }

    /// The content of a file that has at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Archive`], [`Error::Io`].
    pub fn read(&mut self, index: usize, limit: u64) -> Result<Arc<Vec<u8>>, Error> {
        let claimed = self.size(index);
        if claimed > limit {
            let what = format!("{} in bytes", shown(self.name(index)));
            return Err(Error::TooLarge { what, found: claimed, limit });
        }
        if let Some(content) = self.small(index)? {
            return Ok(content);
        }
        let mut content = Vec::with_capacity(usize::try_from(claimed.min(PIECE as u64)).unwrap_or(PIECE));
        self.pieces(index, |piece| content.extend_from_slice(piece))?;
        Ok(Arc::new(content))
    }

    /// The digest of a file, remembered; one that is not small is taken in pieces.
    ///
    /// # Errors
    /// [`Error::Archive`], [`Error::Io`].
    pub fn digest(&mut self, index: usize, algorithm: DigestAlgorithm) -> Result<Vec<u8>, Error> {
        if let Some(known) = self.digests.get(&(index, algorithm)) {
            return Ok(known.clone());
        }
        let mut digester = Digester::new(algorithm);
        match self.small(index)? {
            Some(content) => digester.update(&content),
            None => self.pieces(index, |piece| digester.update(piece))?,
        }
        let digest = digester.finish();
        self.digests.insert((index, algorithm), digest.clone());
        Ok(digest)
    }

    /// Copies an entry as it is packed.
    pub(crate) fn copy<W: Write + Seek>(&mut self, index: usize, to: &mut ZipWriter<W>) -> zip::result::ZipResult<()> {
        to.raw_copy_file(self.archive.by_index_raw(index)?)
    }

    /// How many entries there are, folders included.
    pub(crate) const fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The content of a small file, unpacked once; `None` for others.
    fn small(&mut self, index: usize) -> Result<Option<Arc<Vec<u8>>>, Error> {
        if let Some(content) = self.kept.get(&index) {
            return Ok(Some(Arc::clone(content)));
        }
        let Some(entry) = self.entries.get(index) else { return Err(Error::Missing(format!("entry {index}"))) };
        if entry.packed > SMALL || entry.unpacked > SMALL {
            return Ok(None);
        }
        let damaged = |detail: &str| Error::Archive(format!("{} cannot be unpacked: {detail}", shown(&entry.name)));
        let packed = self.archive.by_index_raw(index).map_err(|e| damaged(&e.to_string()))?;
        let content = Arc::new(self.unpacker.whole(packed, entry).map_err(|detail| damaged(&detail))?);
        if self.kept_bytes + content.len() <= KEPT {
            self.kept_bytes += content.len();
            self.kept.insert(index, Arc::clone(&content));
        }
        Ok(Some(content))
    }

    /// Unpacks a file piece by piece, never more than the directory claims. The zip crate compares the CRC at the end.
    fn pieces(&mut self, index: usize, mut take: impl FnMut(&[u8])) -> Result<(), Error> {
        let Some(entry) = self.entries.get(index) else { return Err(Error::Missing(format!("entry {index}"))) };
        let damaged = |detail: &str| Error::Archive(format!("{} cannot be unpacked: {detail}", shown(&entry.name)));
        let mut file = self.archive.by_index(index).map_err(|e| damaged(&e.to_string()))?;
        let mut left = entry.unpacked;
        // One byte more than is claimed, so that more is noticed.
        let mut piece = vec![0; usize::try_from(left.saturating_add(1).min(PIECE as u64)).unwrap_or(PIECE)];
        loop {
            let count = match file.read(&mut piece) {
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(damaged(&e.to_string())),
            };
            if count == 0 {
                return if left == 0 { Ok(()) } else { Err(damaged("it has less than it claims")) };
            }
            left = left.checked_sub(count as u64).ok_or_else(|| damaged("it has more than it claims"))?;
            take(&piece[..count]);
        }
    }
}
