//! Free space of the file system, read before the engine can fail for want of it.

use crate::clock::Clock;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the free space is read.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Bytes that this process may still write in the folder's file system.
///
/// # Errors
/// The folder cannot be read.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The folder of the store, and what must be free there for anything to be written. Clones share what was read last.
#[derive(Debug, Clone)]
pub struct FreeSpace {
    folder: PathBuf,
    least: u64,
    clock: Clock,
    last: Arc<Mutex<Option<Read>>>,
}

/// When it was read, and what was found.
#[derive(Debug)]
struct Read {
    at: Instant,
    found: Result<(), Short>,
}

/// Too little is free, or nobody knows how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// What was found.
    pub found: String,
    /// What was needed.
    pub needed: String,
}

impl FreeSpace {
    /// `least` in bytes.
    pub fn new(folder: PathBuf, least: u64, clock: Clock) -> Self {
        Self { folder, least, clock, last: Arc::default() }
    }

    /// Is there enough? Read at most once in [`INTERVAL`].
    ///
    /// # Errors
    /// [`Short`].
    pub fn check(&self) -> Result<(), Short> {
        let now = self.clock.instant();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = last.as_ref().filter(|known| now.duration_since(known.at) < INTERVAL) {
            return known.found.clone();
        }
        let found = match free_bytes(&self.folder) {
            Ok(free) if free < self.least => Err(Short {
                found: format!("{} MiB free in {}", free >> 20, self.folder.display()),
                needed: format!("at least {} MiB", self.least >> 20),
            }),
            Ok(_) => Ok(()),
            Err(error) => Err(Short { found: error.to_string(), needed: "a folder whose free space reads".to_owned() }),
        };
        *last = Some(Read { at: now, found: found.clone() });
        found
    }
}
