//! The form of a kept file: `1 ‖ length u64 ‖ chunks`, each chunk 64 KiB of plaintext, the last one what is left, sealed as
//! values of rows are. A chunk's additional data name the file, its length and the chunk's place, so that chunks cannot be
//! moved, swapped or left out.

use super::{BlobKey, BlobKeys, Blobs, CHUNK_BYTES, Error, disk};
use exchange_core::sealed;
use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

/// First byte of a kept file.
const VERSION: u8 = 1;
const HEAD_BYTES: u64 = 9;
/// What sealing adds to a chunk: version, key id, nonce, tag.
const SEAL_BYTES: u64 = 1 + 4 + 12 + 16;

impl Blobs {
    /// A file as it is kept.
    pub(super) fn seal(&self, key: &BlobKey, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let length = bytes.len() as u64;
        let mut out = Vec::with_capacity(usize::try_from(kept_length(length)).unwrap_or(bytes.len()));
        out.push(VERSION);
        out.extend_from_slice(&length.to_be_bytes());
        for (index, chunk) in (0..).zip(bytes.chunks(CHUNK_BYTES)) {
            let BlobKeys { id, seals, .. } = &self.keys;
            let sealed = sealed::seal(seals, *id, self.random.array(), &aad(key, length, index), chunk);
            out.extend_from_slice(&sealed.map_err(|error| altered(key, error.to_string()))?);
        }
        Ok(out)
    }

    pub(super) fn reader(&self, key: &BlobKey) -> Result<Reader, Error> {
        let path = disk::path(&self.folder, key);
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Error::Missing { name: disk::name(key) },
            _ => Error::io(&path, source),
        };
        let mut file = File::open(&path).map_err(io)?;
        let found = file.metadata().map_err(io)?.len();
        let mut head = [0; 9];
        if found < HEAD_BYTES {
            return Err(altered(key, format!("{found} bytes")));
        }
        file.read_exact(&mut head).map_err(io)?;
        let [version, length @ ..] = head;
        let length = u64::from_be_bytes(length);
        if version != VERSION {
            return Err(altered(key, format!("format {version}, this release reads {VERSION}")));
        }
        if length == 0 || found != kept_length(length) {
            return Err(altered(key, format!("{found} bytes for a file of {length}")));
        }
        Ok(Reader { file, path, keys: self.keys.clone(), key: *key, length, next: 0 })
    }
}

/// Reads a kept file in order, chunk by chunk.
pub struct Reader {
    file: File,
    path: PathBuf,
    keys: BlobKeys,
    key: BlobKey,
    length: u64,
    next: u64,
}

impl Reader {
    /// Of the file, in bytes.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The next 64 KiB, or what is left; `None` at the end. Blocks.
    ///
    /// # Errors
    /// The chunk is not as it was written.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let left = self.length.saturating_sub(self.next.saturating_mul(CHUNK_BYTES as u64)).min(CHUNK_BYTES as u64);
        if left == 0 {
            return Ok(None);
        }
        let mut sealed = vec![0; usize::try_from(left + SEAL_BYTES).unwrap_or(CHUNK_BYTES)];
        self.file.read_exact(&mut sealed).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => altered(&self.key, "cut while it was read".to_owned()),
            _ => Error::io(&self.path, source),
        })?;
        let aad = aad(&self.key, self.length, self.next);
        let chunk = sealed::open(&self.keys.seals, self.keys.id, &aad, &sealed)
            .map_err(|error| altered(&self.key, format!("chunk {}: {error}", self.next)))?;
        self.next += 1;
        Ok(Some(chunk))
    }
}

/// Of a file of `length` bytes, as it is kept; a length that no file has comes to no length.
fn kept_length(length: u64) -> u64 {
    length.saturating_add(length.div_ceil(CHUNK_BYTES as u64).saturating_mul(SEAL_BYTES)).saturating_add(HEAD_BYTES)
}

fn aad(key: &BlobKey, length: u64, index: u64) -> Vec<u8> {
    [b"blob/v1".as_slice(), key, &length.to_be_bytes(), &index.to_be_bytes()].concat()
}

fn altered(key: &BlobKey, problem: String) -> Error {
    Error::Altered { name: disk::name(key), problem }
}
