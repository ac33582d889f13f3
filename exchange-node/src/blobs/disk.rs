//! The folder: `blobs/ab/ab…`, 256 folders by the first byte of the name.

use super::{BlobKey, Error};
use crate::random::Random;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Nobody but the node's user: what a file is called and how long it is tells something too.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// Begins the name of a file that is being written; no hexadecimal digit.
const HALF_WRITTEN: &str = "new-";

pub(super) fn name(key: &BlobKey) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn path(folder: &Path, key: &BlobKey) -> PathBuf {
    let name = name(key);
    folder.join(&name[..2]).join(name)
}

/// Makes the folder, and removes what was left half-written.
pub(super) fn prepare(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)))
        .map_err(|source| Error::io(folder, source))?;
    if let Some(above) = folder.parent() {
        sync(above)?;
    }
    for entry in entries(folder)? {
        let path = entry.map_err(|source| Error::io(folder, source))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(HALF_WRITTEN)) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Writes under another name, syncs, and renames. `written` is called between.
pub(super) fn write(
    folder: &Path,
    path: &Path,
    bytes: &[u8],
    random: &Random,
    written: impl FnOnce(),
) -> Result<(), Error> {
    let half = folder.join(format!("{HALF_WRITTEN}{}", hex(&random.array::<8>())));
    let written = write_synced(&half, bytes).map_err(|source| Error::io(&half, source)).and_then(|()| {
        written();
        let part = path.parent().unwrap_or(folder);
        fs::create_dir_all(part).map_err(|source| Error::io(part, source))?;
        fs::rename(&half, path).map_err(|source| Error::io(path, source))
    });
    if written.is_err() {
        // The next start removes what cannot be removed now.
        let _ = fs::remove_file(&half);
    }
    written
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a file's name durable, and that of the folder that it is in.
pub(super) fn sync_name(folder: &Path, path: &Path) -> Result<(), Error> {
    sync(path.parent().unwrap_or(folder))?;
    sync(folder)
}

fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| Error::io(folder, source))
}

/// The files of one of the 256 folders. What has no such name is nobody's business.
pub(super) fn list(folder: &Path, part: u8) -> Result<Vec<BlobKey>, Error> {
    let folder = folder.join(hex(&[part]));
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    for entry in entries(&folder)? {
        let entry = entry.map_err(|source| Error::io(&folder, source))?;
        keys.extend(entry.file_name().to_str().and_then(parse).filter(|key| key[0] == part));
    }
    Ok(keys)
}

pub(super) fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(|source| Error::io(path, source))
}

fn entries(folder: &Path) -> Result<fs::ReadDir, Error> {
    fs::read_dir(folder).map_err(|source| Error::io(folder, source))
}

fn parse(name: &str) -> Option<BlobKey> {
    let mut key = [0; 32];
    if name.len() != 64 || !name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&name[at..at + 2], 16).ok()?;
    }
    Some(key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
