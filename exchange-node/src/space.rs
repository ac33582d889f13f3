//! Free space of the file system, read before the engine can fail for want of it.

use std::{io, path::Path};

/// Bytes that this process may still write in the folder's file system.
///
/// # Errors
/// The folder cannot be read.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
