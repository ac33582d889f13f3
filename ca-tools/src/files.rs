//! Files that matter: never overwritten, or replaced whole; limits on what is read.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use crate::Error;

/// Mode of a file with a secret.
pub const SECRET: u32 = 0o600;
/// Mode of a file that everybody may read.
pub const PUBLIC: u32 = 0o644;

/// Writes a file that must not exist, durably.
///
/// # Errors
/// [`Error::Exists`], [`Error::Io`].
pub fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|e| Error::io(path, e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| Error::io(path, e))
}

/// Replaces a public file whole: a reader sees the old or the new one.
///
/// # Errors
/// [`Error::Io`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(PUBLIC)
        .open(&new)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    written.map_err(|e| Error::io(path, e))
}

/// Reads a file, or standard input for `-`, up to a limit.
///
/// # Errors
/// [`Error::NotFound`], [`Error::TooLarge`], [`Error::Io`].
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    if path == Path::new("-") {
        return read_from(std::io::stdin().lock(), "standard input", limit);
    }
    let file = fs::File::open(path).map_err(|e| Error::io(path, e))?;
    read_from(file, &path.display().to_string(), limit)
}

/// Reads a file with a secret: nobody but its owner may have been able to.
///
/// # Errors
/// [`Error::LooseMode`], and as [`read`].
pub fn read_secret(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let file = fs::File::open(path).map_err(|e| Error::io(path, e))?;
    let mode = file.metadata().map_err(|e| Error::io(path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::LooseMode { path: path.to_owned(), found: mode });
    }
    read_from(file, &path.display().to_string(), limit)
}

/// Certificates, CRLs or other blocks of one label, from PEM or from one DER.
///
/// # Errors
/// [`Error::Malformed`] where there is none.
pub fn blocks(bytes: &[u8], label: &str, what: &str) -> Result<Vec<Vec<u8>>, Error> {
    if bytes.first() == Some(&0x30) {
        return Ok(vec![bytes.to_vec()]);
    }
    let mut found = Vec::new();
    for block in x509_parser::pem::Pem::iter_from_buffer(bytes) {
        let block = block.map_err(|e| Error::malformed(what, format!("not PEM: {e}")))?;
        if block.label == label {
            found.push(block.contents);
        }
    }
    if found.is_empty() {
        return Err(Error::malformed(what, format!("no PEM block \"{label}\" in it")));
    }
    Ok(found)
}

/// PEM of one block, lines of 64 characters (RFC 7468).
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for start in (0..text.len()).step_by(64) {
        out.push_str(&text[start..text.len().min(start + 64)]);
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// PEM label of a certificate.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// PEM label of a CRL.
pub const CRL: &str = "X509 CRL";
/// PEM label of a certificate request.
pub const REQUEST: &str = "CERTIFICATE REQUEST";

fn read_from(mut source: impl Read, what: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let take = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.by_ref().take(take).read_to_end(&mut bytes).map_err(|source| Error::Io { path: what.into(), source })?;
    if bytes.len() > limit {
        return Err(Error::TooLarge { what: what.to_owned(), limit });
    }
    Ok(bytes)
}
