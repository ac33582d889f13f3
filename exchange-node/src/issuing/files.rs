//! Files of a certificate that is being issued: salted and named before its header is built, kept before the ledger's commit.

use super::{Issuing, command::FilesRow};
use crate::{
    blobs::{Blobs, Pin},
    limits::count_refused,
    random::Random,
    refusal::Refusal,
};
use exchange_core::{
    certificate::FileDigest,
    disclosure::file_digest,
    file::{File, MAX_FILES, StoredFile},
    reason::Reason,
    region::Region,
    sealed,
};
use exchange_proto::file as convert;
use ring::digest::{SHA256, digest};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Longest wait for room for a certificate's files.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a document takes that the node makes, roughly, in bytes.
const MADE_BYTES: usize = 1 << 20;

/// In the header's order.
#[derive(Default)]
pub(super) struct NewFiles(Vec<NewFile>);

/// A file that is hashed and salted.
pub(super) struct NewFile {
    stored: StoredFile,
    bytes: Vec<u8>,
    /// Without a salt: by which a repeated request is known.
    sha256: [u8; 32],
}

impl NewFile {
    /// Hashes it, with a salt for the header's digest. Milliseconds of computing.
    ///
    /// # Errors
    /// Too large, empty, or a media type that is none.
    pub(super) fn new(file: File, salt: [u8; 16], blobs: &Blobs) -> Result<Self, Refusal> {
        let File { media_type, bytes } = file;
        convert::check(&media_type, bytes.len())?;
        let stored = StoredFile {
            digest: file_digest(&salt, &bytes),
            blob: blobs.key_of(&bytes),
            length: bytes.len() as u64,
            media_type,
            salt,
        };
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        Ok(Self { stored, bytes, sha256 })
    }

    pub(super) fn media_type(&self) -> &str {
        &self.stored.media_type
    }

    pub(super) const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

impl NewFiles {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[NewFile] {
        &self.0
    }

    /// # Errors
    /// One file too many.
    pub(super) fn push(&mut self, file: NewFile) -> Result<(), Refusal> {
        if self.0.len() >= MAX_FILES {
            let (found, needed) = (format!("more than {MAX_FILES} files"), format!("at most {MAX_FILES}"));
            return Err(Refusal::caller(Reason::TooManyFiles, found, needed));
        }
        self.0.push(file);
        Ok(())
    }

    /// As the header names them.
    pub(super) fn named(&self) -> Vec<FileDigest> {
        self.0.iter().map(|file| file.stored.named()).collect()
    }
}

impl Issuing {
    /// Room for files of a certificate, those that came and one that is made; nothing without any.
    ///
    /// # Errors
    /// `OVERLOADED`: too many are being issued.
    pub(super) async fn room_for(&self, given: usize, makes: bool) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let bytes = given + if makes { MADE_BYTES } else { 0 };
        if bytes == 0 {
            return Ok(None);
        }
        match tokio::time::timeout(PATIENCE, self.blobs.enter(bytes)).await {
            Ok(room) => Ok(room),
            Err(_) => {
                count_refused("issued_files");
                let found = format!("files of {} MiB that are being issued", crate::blobs::ROOM_MIB);
                Err(Refusal::node(Reason::Overloaded, found, format!("room within {} s", PATIENCE.as_secs())))
            }
        }
    }

    /// What the caller sent, hashed and salted on a thread for what takes long.
    ///
    /// # Errors
    /// One file too many, too large, empty, or a media type that is none; draining.
    pub(super) async fn hashed(&self, files: Vec<File>) -> Result<NewFiles, Refusal> {
        if files.is_empty() {
            return Ok(NewFiles::default());
        }
        let (blobs, random): (Blobs, Random) = (self.blobs.clone(), self.random.clone());
        let hashed = self.tasks.blocking(move || {
            let mut all = NewFiles::default();
            for file in files {
                all.push(NewFile::new(file, random.array(), &blobs)?)?;
            }
            Ok(all)
        });
        hashed.await.map_err(|error| Refusal::node(Reason::Draining, error.to_string(), "files that are hashed"))?
    }

    pub(super) fn seal_files(&self, id: &str, files: &NewFiles) -> Result<Option<FilesRow>, Refusal> {
        if files.is_empty() {
            return Ok(None);
        }
        let stored: Vec<StoredFile> = files.0.iter().map(|file| file.stored.clone()).collect();
        let (key, key_id) = (&self.keys.files, self.keys.store_id);
        let plain = convert::encode_stored(&stored);
        let sealed = sealed::seal(key, key_id, self.random.array(), &files_aad(self.region, id), &plain)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a store key that seals"))?;
        Ok(Some(FilesRow { sealed: sealed.into(), blobs: stored.iter().map(|file| file.blob).collect() }))
    }

    /// Keeps the files; durable when it returns, and not swept while the pins live.
    pub(super) async fn keep(&self, files: NewFiles) -> Result<Vec<Pin>, Refusal> {
        // What the ledger would refuse is not written.
        if let Some(why) = self.ledger.read_only() {
            return Err(Refusal::node(Reason::ReadOnly, why.as_str(), "a node that may write"));
        }
        self.space.check().map_err(|short| Refusal::node(Reason::NoSpace, short.found, short.needed))?;
        let blobs = self.blobs.clone();
        let kept = self.tasks.blocking(move || {
            let keep = |file: &NewFile| blobs.keep(file.stored.blob, &file.bytes);
            files.0.iter().map(keep).collect::<Result<Vec<Pin>, _>>()
        });
        let kept =
            kept.await.map_err(|error| Refusal::node(Reason::Draining, error.to_string(), "files that are kept"))?;
        Ok(kept?)
    }
}

/// Additional data under which the row of a certificate's files is sealed.
fn files_aad(region: Region, id: &str) -> Vec<u8> {
    [b"files/v1".as_slice(), &region.as_bytes(), id.as_bytes()].concat()
}

/// The files of a certificate, from its sealed row.
///
/// # Errors
/// The row does not open or read.
pub(crate) fn open_files(
    keys: &crate::keys::Keys,
    region: Region,
    id: &str,
    sealed: &[u8],
) -> Result<Vec<StoredFile>, crate::store::Error> {
    let broken = |problem: String| crate::store::Error::Row { space: "files", problem };
    let plain = sealed::open(&keys.files, keys.store_id, &files_aad(region, id), sealed)
        .map_err(|error| broken(error.to_string()))?;
    convert::decode_stored(&plain).map_err(|error| broken(error.to_string()))
}
