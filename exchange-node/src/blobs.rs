//! Files of certificates on disk: named by what they hold, sealed, written whole.
//!
//! A file is kept once, whoever issues it. Its name is a keyed hash of its bytes, so that the folder tells nobody whether
//! a file that he has is in it. The order of an issue, which recovery relies on: the bytes under another name and synced,
//! the name, the folder synced, and only then the ledger's commit that refers to it. So a certificate in the log has its
//! files, and a crash leaves at most a file that nothing refers to, which [`Blobs::sweep`] removes.

pub mod care;
mod disk;
mod sealing;
#[cfg(test)]
mod tests;

pub use sealing::Reader;

use crate::{
    crash::{Crash, Point},
    random::Random,
    store::Store,
};
use exchange_core::{
    file::StoredFile,
    sealed::{StoreKey, StoreKeyId, Subkey},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a file is kept under: HMAC-SHA256 of its bytes.
pub type BlobKey = [u8; 32];

/// Plaintext of one chunk, in bytes: what a reader holds in memory, and what travels in one message.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Files that are being issued at once, in MiB: each is in memory with its sealed copy until it is kept.
pub const ROOM_MIB: u32 = 64;

/// Why a kept file is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("blob {name} is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// Another length, or bytes that the store key did not seal for this place.
    #[error("blob {name} is altered: {problem}")]
    Altered {
        /// Its name.
        name: String,
        /// What was found.
        problem: String,
    },
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// Of what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// Is the file itself at fault, and not the machine?
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Altered { .. })
    }
}

/// What files are named and sealed with.
#[derive(Debug, Clone)]
pub struct BlobKeys {
    id: StoreKeyId,
    seals: Subkey,
    names: Subkey,
}

impl BlobKeys {
    /// Sub-keys of a store key.
    pub fn new(store: &StoreKey) -> Self {
        let (seals, names) = (store.subkey("exchange/blobs/v1"), store.subkey("exchange/blob-names/v1"));
        Self { id: store.id(), seals, names }
    }
}

/// The kept files of one node. Clones share them.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
    keys: BlobKeys,
    random: Random,
    pins: Arc<Mutex<BTreeMap<BlobKey, usize>>>,
    room: Arc<Semaphore>,
    crash: Crash,
}

/// A file that is being issued: it is not swept. Ends with the drop, which comes after the ledger's commit.
pub struct Pin {
    pins: Arc<Mutex<BTreeMap<BlobKey, usize>>>,
    key: BlobKey,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = lock(&self.pins);
        match pins.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(pins.remove(&self.key)),
        }
    }
}

impl Blobs {
    /// In a folder, which is made; what an earlier run left half-written is removed.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: PathBuf, keys: BlobKeys, random: Random, crash: Crash) -> Result<Self, Error> {
        disk::prepare(&folder)?;
        let room = Arc::new(Semaphore::new(ROOM_MIB as usize));
        Ok(Self { folder, keys, random, pins: Arc::default(), room, crash })
    }

    /// Room for files of so many bytes that are about to be issued, in turn; held until they are kept. More than there is ever
    /// is counted as all of it.
    pub async fn enter(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX).clamp(1, ROOM_MIB);
        Arc::clone(&self.room).acquire_many_owned(wanted).await.ok()
    }

    /// What these bytes are kept under.
    pub fn key_of(&self, bytes: &[u8]) -> BlobKey {
        self.keys.names.tag(&[bytes])
    }

    /// Keeps a file; durable when it returns, and not swept while the pin lives. One that is here already is read, and
    /// written anew where it was damaged. Blocks.
    ///
    /// # Errors
    /// The file system fails.
    pub fn keep(&self, key: BlobKey, bytes: &[u8]) -> Result<Pin, Error> {
        let pin = self.pin(key);
        let path = disk::path(&self.folder, &key);
        match self.check(&key) {
            Ok(_) => {}
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(_) => {
                let sealed = self.seal(&key, bytes)?;
                disk::write(&self.folder, &path, &sealed, &self.random, || self.crash.pass(Point::BlobWritten))?;
            }
        }
        // Also where another issue has written it: its name may not be durable yet.
        disk::sync_name(&self.folder, &path)?;
        self.crash.pass(Point::BlobKept);
        Ok(pin)
    }

    /// Opens a file for reading in order. Blocks, as reading does.
    ///
    /// # Errors
    /// It is missing, or has another length.
    pub fn read(&self, file: &StoredFile) -> Result<Reader, Error> {
        let reader = self.reader(&file.blob)?;
        if reader.length() == file.length {
            return Ok(reader);
        }
        let problem = format!("{} bytes, {} are needed", reader.length(), file.length);
        Err(Error::Altered { name: disk::name(&file.blob), problem })
    }

    /// Reads a file whole: is it as it was written? Its length in bytes. Blocks.
    ///
    /// # Errors
    /// It is missing or altered.
    pub fn check(&self, key: &BlobKey) -> Result<u64, Error> {
        let mut reader = self.reader(key)?;
        let length = reader.length();
        while reader.next_chunk()?.is_some() {}
        Ok(length)
    }

    /// Removes the files of one folder of 256 to which nothing refers; gives how many. Blocks.
    ///
    /// # Errors
    /// Store or file system fail; whatever is doubtful stays.
    pub fn sweep(
        &self,
        part: u8,
        is_referred_to: impl Fn(&BlobKey) -> Result<bool, crate::store::Error>,
    ) -> Result<usize, crate::refusal::Refusal> {
        let mut removed = 0;
        for key in disk::list(&self.folder, part)? {
            // Most files have a certificate: found without the lock, which every issue with files needs.
            let pinned = self.pins().contains_key(&key);
            if pinned || is_referred_to(&key)? {
                continue;
            }
            // Once more, since an issue may have come in between: it takes its pin under this lock before it looks whether the
            // file is here, and drops it after the commit.
            let pins = self.pins();
            if pins.contains_key(&key) || is_referred_to(&key)? {
                continue;
            }
            disk::remove(&disk::path(&self.folder, &key))?;
            drop(pins);
            removed += 1;
        }
        Ok(removed)
    }

    fn pin(&self, key: BlobKey) -> Pin {
        *self.pins().entry(key).or_insert(0) += 1;
        Pin { pins: Arc::clone(&self.pins), key }
    }

    fn pins(&self) -> MutexGuard<'_, BTreeMap<BlobKey, usize>> {
        lock(&self.pins)
    }

    /// Does a certificate of this node have this file?
    pub(crate) fn is_referred_to(store: &Store, key: &BlobKey) -> Result<bool, crate::store::Error> {
        store.blob_owner(key).map(|owner| owner.is_some())
    }
}

/// In hexadecimal, for operators.
pub fn name(key: &BlobKey) -> String {
    disk::name(key)
}

fn lock(pins: &Mutex<BTreeMap<BlobKey, usize>>) -> MutexGuard<'_, BTreeMap<BlobKey, usize>> {
    pins.lock().unwrap_or_else(PoisonError::into_inner)
}
