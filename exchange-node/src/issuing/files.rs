//! Files of a certificate that is being issued: salted and named before its header is built, kept before the ledger's commit.

use super::{Issuing, command::FilesRow};
use crate::{blobs::Pin, refusal::Refusal};
use exchange_core::{
    certificate::FileDigest,
    disclosure::file_digest,
    file::{File, MAX_FILES, StoredFile},
    reason::Reason,
    region::Region,
    sealed,
};
use exchange_proto::file as convert;

/// In the header's order.
#[derive(Default)]
pub(super) struct NewFiles(Vec<NewFile>);

struct NewFile {
    stored: StoredFile,
    bytes: Vec<u8>,
}

impl NewFiles {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the header names them.
    pub(super) fn named(&self) -> Vec<FileDigest> {
        self.0.iter().map(|file| file.stored.named()).collect()
    }
}

impl Issuing {
    /// Adds a file to a certificate whose header is not built yet: one that the caller sent, or one that the node made.
    ///
    /// # Errors
    /// One file too many, too large, empty, or a media type that is none.
    pub(super) fn add_file(&self, files: &mut NewFiles, file: File) -> Result<(), Refusal> {
        if files.0.len() >= MAX_FILES {
            let (found, needed) = (format!("more than {MAX_FILES} files"), format!("at most {MAX_FILES}"));
            return Err(Refusal::caller(Reason::TooManyFiles, found, needed));
        }
        let File { media_type, bytes } = file;
        convert::check(&media_type, bytes.len())?;
        let salt = self.random.array();
        let stored = StoredFile {
            digest: file_digest(&salt, &bytes),
            blob: self.blobs.key_of(&bytes),
            length: bytes.len() as u64,
            media_type,
            salt,
        };
        files.0.push(NewFile { stored, bytes });
        Ok(())
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
