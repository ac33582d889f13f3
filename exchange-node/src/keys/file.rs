//! Reads key and credential files.

use super::Error;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use std::{fs::File, io::Read, os::unix::fs::PermissionsExt, path::Path, str::FromStr};
use zeroize::Zeroizing;

/// Largest key or credential file, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The PKCS#8 DER of a private key, of a file that only its owner can read.
pub(super) fn private_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = secret(path)?;
    if !bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Ok(bytes);
    }
    let key = PrivatePkcs8KeyDer::from_pem_slice(&bytes).map_err(|_| Error::File {
        path: path.to_owned(),
        problem: "no unencrypted PKCS#8 key in it; a PEM block PRIVATE KEY is needed".to_owned(),
    })?;
    Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
}

/// A key in the one-line form of `core::sealed`.
pub(super) fn parsed<K: FromStr<Err: std::fmt::Display>>(path: &Path) -> Result<K, Error> {
    let bytes = secret(path)?;
    let refuse = |problem: String| Error::File { path: path.to_owned(), problem };
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("not text".to_owned()))?;
    text.parse().map_err(|error: K::Err| refuse(error.to_string()))
}

/// The certificates of a PEM file, in its order.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let refuse = |problem: String| Error::File { path: path.to_owned(), problem };
    let bytes = whole(&mut open(path)?, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    found.map_err(|error| refuse(error.to_string()))
}

fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut file = open(path)?;
    let metadata =
        file.metadata().map_err(|error| Error::File { path: path.to_owned(), problem: error.to_string() })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o177 != 0 {
        return Err(Error::Permissions { path: path.to_owned(), mode });
    }
    whole(&mut file, path)
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| Error::File { path: path.to_owned(), problem: error.to_string() })
}

fn whole(file: &mut File, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let refuse = |problem: String| Error::File { path: path.to_owned(), problem };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| refuse(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse(format!("more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}
