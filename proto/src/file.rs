//! Files of certificates: as systems send them, and the row that the custodian keeps.

use crate::{
    Error,
    certificate::header::{MAX_FILES as MAX_HEADER_FILES, MAX_MEDIA_TYPE_BYTES as MAX_HEADER_MEDIA_TYPE_BYTES},
    field, store, v1,
    wire::Writer,
};
use bytes::Bytes;
use exchange_core::{
    file::{File, MAX_FILE_BYTES, MAX_FILES, MAX_MEDIA_TYPE_BYTES, StoredFile, is_media_type},
    reason::Reason,
};

/// Longest plaintext of a row of files, in bytes.
const MAX_ROW_BYTES: usize = MAX_HEADER_FILES * (MAX_HEADER_MEDIA_TYPE_BYTES + 128);

/// The files of a request.
///
/// # Errors
/// Too many, too large, empty, or a media type that is none; a file is named by its place.
pub fn files(messages: Vec<v1::CertificateFile>) -> Result<Vec<File>, Error> {
    if messages.len() > MAX_FILES {
        let found = format!("{} files", messages.len());
        return Err(Error::new(Reason::TooManyFiles, "files", found, format!("at most {MAX_FILES}")));
    }
    let read = |(index, message)| file(message).map_err(|error: Error| error.within(&format!("files[{index}]")));
    messages.into_iter().enumerate().map(read).collect()
}

fn file(message: v1::CertificateFile) -> Result<File, Error> {
    let v1::CertificateFile { media_type, content } = message;
    check(&media_type, content.len())?;
    Ok(File { media_type, bytes: content.into() })
}

/// Is this a file that a certificate may be issued with? Its media type will be public.
///
/// # Errors
/// Too large, empty, or a media type that is none.
pub fn check(media_type: &str, length: usize) -> Result<(), Error> {
    field::bytes("media_type", media_type.as_bytes(), MAX_MEDIA_TYPE_BYTES)?;
    if !is_media_type(media_type) {
        let needed = "a media type in lower case without parameters, e.g. application/ofd";
        return Err(Error::new(Reason::FieldInvalid, "media_type", "another text", needed));
    }
    field::impersonal("media_type", media_type, Reason::IdentityNumberNotAllowed)?;
    if length == 0 {
        return Err(Error::missing("content"));
    }
    if length > MAX_FILE_BYTES {
        let (found, needed) = (format!("{length} bytes"), format!("at most {MAX_FILE_BYTES} bytes"));
        return Err(Error::new(Reason::FileTooLarge, "content", found, needed));
    }
    Ok(())
}

/// The plaintext of the row of a certificate's files.
#[must_use]
pub fn encode_stored(files: &[StoredFile]) -> Vec<u8> {
    let mut out = Writer::with_capacity(files.len() * 192);
    for file in files {
        out.message(1, |out| {
            out.text(1, &file.media_type);
            out.bytes(2, &file.digest);
            out.bytes(3, &file.salt);
            out.uint(4, file.length);
            out.bytes(5, &file.blob);
        });
    }
    out.into_bytes()
}

/// One of them, as it stands in another row.
pub(crate) fn encode_one(file: &StoredFile) -> store::StoredFile {
    store::StoredFile {
        media_type: file.media_type.clone(),
        digest: Bytes::copy_from_slice(&file.digest),
        salt: Bytes::copy_from_slice(&file.salt),
        length: file.length,
        blob: Bytes::copy_from_slice(&file.blob),
    }
}

/// Reads what [`encode_stored`] wrote.
///
/// # Errors
/// Undecodable, or past a limit.
pub fn decode_stored(plaintext: &[u8]) -> Result<Vec<StoredFile>, Error> {
    let row: store::CertificateFiles = field::message("files", plaintext, MAX_ROW_BYTES)?;
    let read = |(index, file): (usize, store::StoredFile)| {
        stored(file).map_err(|error: Error| error.within(&format!("files[{index}]")))
    };
    row.files.into_iter().enumerate().map(read).collect()
}

pub(crate) fn stored(file: store::StoredFile) -> Result<StoredFile, Error> {
    field::text("media_type", &file.media_type, MAX_HEADER_MEDIA_TYPE_BYTES)?;
    Ok(StoredFile {
        digest: field::array("digest", &file.digest)?,
        salt: field::array("salt", &file.salt)?,
        blob: field::array("blob", &file.blob)?,
        length: file.length,
        media_type: file.media_type,
    })
}

/// A file as a header names it.
#[must_use]
pub fn encode_digest(file: &exchange_core::certificate::FileDigest) -> v1::FileDigest {
    v1::FileDigest {
        media_type: file.media_type.clone(),
        digest: Bytes::copy_from_slice(&file.digest),
        rounded_length: file.rounded_length,
    }
}
