//! Where a document is while it comes and is judged: a file of this node's own folder that has no name, so that nobody
//! can open it, and that is gone when the last handle is, whatever happens to the call or the process.

use super::MAX_BYTES;
use crate::{refusal::Refusal, space::FreeSpace, spawn::Tasks};
use exchange_core::reason::Reason;
use ring::digest::{Context, SHA256};
use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Read, Seek, SeekFrom, Write},
    mem,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::PathBuf,
    sync::{Arc, OnceLock},
};
use tokio_util::sync::CancellationToken;

/// Bytes that are written at a time, however small the chunks are.
const WRITTEN_AT_ONCE: usize = 256 << 10;

/// The folder.
#[derive(Clone)]
pub(super) struct Spool {
    folder: PathBuf,
    space: FreeSpace,
    tasks: Tasks,
}

impl Spool {
    /// Makes it, and empties it: only where a file system has no files without a name, and the process ended between the
    /// making and the unlinking of one, is anything there.
    pub(super) fn open(folder: PathBuf, space: FreeSpace, tasks: Tasks) -> Result<Self, io::Error> {
        let in_folder = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(in_folder)?;
        for entry in fs::read_dir(&folder).map_err(in_folder)? {
            let entry = entry.map_err(in_folder)?;
            if entry.file_type().map_err(in_folder)?.is_file() {
                fs::remove_file(entry.path()).map_err(in_folder)?;
            }
        }
        Ok(Self { folder, space, tasks })
    }

    /// A new file, mode 0600.
    pub(super) async fn begin(&self) -> Result<Spooled, Refusal> {
        self.check_space()?;
        let folder = self.folder.clone();
        let made = self.tasks.blocking(move || {
            let file = tempfile::tempfile_in(folder)?;
            // Without a name the mode of others does not matter, but /proc shows it.
            file.set_permissions(Permissions::from_mode(0o600))?;
            Ok(file)
        });
        let file =
            made.await.map_err(|error| broken(&error.to_string()))?.map_err(|error: io::Error| failed(&error))?;
        let sha256 = Context::new(&SHA256);
        Ok(Spooled { spool: self.clone(), file: Some(file), waiting: Vec::new(), bytes: 0, sha256 })
    }

    /// What is spooled counts by itself: its blocks are taken from what is free. Read at most once a second, so documents
    /// may go below the limit by what comes in that time, at most the files of all places.
    fn check_space(&self) -> Result<(), Refusal> {
        self.space.check().map_err(|short| Refusal::node(Reason::NoSpace, short.found, short.needed))
    }
}

/// A file that is being written.
pub(super) struct Spooled {
    spool: Spool,
    /// Away while a piece is written.
    file: Option<File>,
    waiting: Vec<u8>,
    bytes: u64,
    sha256: Context,
}

impl Spooled {
    pub(super) async fn take(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        if chunk.is_empty() {
            return Err(Refusal::caller(Reason::DocumentEmpty, "an empty chunk", "at least one byte in each"));
        }
        self.bytes += chunk.len() as u64;
        if self.bytes > MAX_BYTES {
            let found = format!("more than {MAX_BYTES} bytes");
            return Err(Refusal::caller(Reason::DocumentTooLarge, found, format!("at most {MAX_BYTES} bytes")));
        }
        self.sha256.update(chunk);
        self.waiting.extend_from_slice(chunk);
        if self.waiting.len() < WRITTEN_AT_ONCE {
            return Ok(());
        }
        self.write().await
    }

    async fn write(&mut self) -> Result<(), Refusal> {
        self.spool.check_space()?;
        let Some(mut file) = self.file.take() else { return Err(broken("a file after it had failed")) };
        let mut piece = mem::take(&mut self.waiting);
        let written = self.spool.tasks.blocking(move || {
            file.write_all(&piece)?;
            piece.clear();
            Ok((file, piece))
        });
        let (file, piece) =
            written.await.map_err(|error| broken(&error.to_string()))?.map_err(|error: io::Error| failed(&error))?;
        (self.file, self.waiting) = (Some(file), piece);
        Ok(())
    }

    /// The whole file, from its beginning, with its length and SHA-256. Reading fails once `left` says so.
    pub(super) async fn finish(mut self, left: CancellationToken) -> Result<(Reader, u64, [u8; 32]), Refusal> {
        if self.bytes == 0 {
            return Err(Refusal::caller(Reason::DocumentEmpty, "a stream without a chunk", "the document's bytes"));
        }
        if !self.waiting.is_empty() {
            self.write().await?;
        }
        let Some(mut file) = self.file else { return Err(broken("a file after it had failed")) };
        file.seek(SeekFrom::Start(0)).map_err(|error| failed(&error))?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Ok((Reader { file, left, fault: Arc::default() }, self.bytes, sha256))
    }
}

/// The file, as long as somebody waits for what is found in it.
pub(super) struct Reader {
    file: File,
    left: CancellationToken,
    fault: Arc<OnceLock<String>>,
}

impl Reader {
    /// Why it could not be read, once it could not.
    pub(super) fn fault(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.fault)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if self.left.is_cancelled() {
            Err(io::Error::other("nobody waits for the answer"))
        } else {
            self.file.read(buffer)
        };
        if let Err(error) = &read
            && error.kind() != io::ErrorKind::Interrupted
        {
            let _ = self.fault.set(error.to_string());
        }
        read
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn failed(error: &io::Error) -> Refusal {
    tracing::warn!(%error, "a document on its way in cannot be written");
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        return Refusal::node(Reason::NoSpace, error.to_string(), "room for the document");
    }
    broken(&error.to_string())
}

pub(super) fn broken(found: &str) -> Refusal {
    Refusal::node(Reason::Internal, found, "a folder for documents that can be written and read")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;
    use crate::clock::Clock;

    fn spool(folder: &std::path::Path, least: u64) -> Spool {
        let space = FreeSpace::new(folder.to_owned(), least, Clock::default());
        Spool::open(folder.join("spool"), space, Tasks::default()).unwrap()
    }

    fn names(folder: &std::path::Path) -> usize {
        fs::read_dir(folder.join("spool")).unwrap().count()
    }

    #[tokio::test]
    async fn a_document_has_no_name_and_is_read_as_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(folder.path(), 0);
        assert_eq!(fs::metadata(folder.path().join("spool")).unwrap().permissions().mode() & 0o777, 0o700);
        let mut spooled = spool.begin().await.unwrap();
        let document: Vec<u8> = (0..1_000_000_u32).map(|at| at as u8).collect();
        for chunk in document.chunks(70_001) {
            spooled.take(chunk).await.unwrap();
            assert_eq!(names(folder.path()), 0);
            assert!(spooled.waiting.len() < WRITTEN_AT_ONCE);
        }
        let mode = spooled.file.as_ref().unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left = CancellationToken::new();
        let (mut reader, bytes, sha256) = spooled.finish(left.clone()).await.unwrap();
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!((read.len() as u64, &read), (bytes, &document));
        assert_eq!(sha256, ring::digest::digest(&SHA256, &document).as_ref());
        // Who waits no longer ends the reading, and that is no fault of the document.
        let fault = reader.fault();
        assert!(fault.get().is_none());
        left.cancel();
        reader.rewind().unwrap();
        reader.read(&mut [0]).unwrap_err();
        assert!(fault.get().is_some());
    }

    #[tokio::test]
    async fn bounds_have_their_reasons() {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(folder.path(), 0);
        let mut spooled = spool.begin().await.unwrap();
        assert_eq!(spooled.take(&[]).await.unwrap_err().reason, Reason::DocumentEmpty);
        spooled.bytes = MAX_BYTES - 1;
        spooled.take(&[1]).await.unwrap();
        assert_eq!(spooled.take(&[1]).await.unwrap_err().reason, Reason::DocumentTooLarge);
        let nothing = spool.begin().await.unwrap().finish(CancellationToken::new()).await;
        assert_eq!(nothing.map(drop).unwrap_err().reason, Reason::DocumentEmpty);
        let full = self::spool(folder.path(), u64::MAX);
        assert_eq!(full.begin().await.map(drop).unwrap_err().reason, Reason::NoSpace);
    }

    #[tokio::test]
    async fn what_fills_the_disk_meanwhile_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let mut spooled = spool(folder.path(), 0).begin().await.unwrap();
        spooled.spool = spool(folder.path(), u64::MAX);
        assert_eq!(spooled.take(&vec![0; WRITTEN_AT_ONCE]).await.unwrap_err().reason, Reason::NoSpace);
    }

    #[test]
    fn what_a_crash_has_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        spool(folder.path(), 0);
        fs::write(folder.path().join("spool/.tmpAbC123"), b"left").unwrap();
        spool(folder.path(), 0);
        assert_eq!(names(folder.path()), 0);
    }
}
