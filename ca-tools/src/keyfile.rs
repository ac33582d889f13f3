//! Private keys in files: PKCS#8 in PEM, encrypted for CAs (PBES2 with scrypt, N = 2^15, r = 8, AES-256-CBC), mode 600.

use std::path::Path;

use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo, pkcs5::pbes2};
use zeroize::Zeroizing;

use crate::{Error, files, seams};

/// scrypt's cost: N = 2^15, about 32 MiB and 0.1 s.
const LOG_N: u8 = 15;
const R: u32 = 8;
const P: u32 = 1;

const PLAIN: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const MAX_BYTES: usize = 16 * 1024;

/// PKCS#8 DER, wiped when dropped.
pub type Pkcs8 = Zeroizing<Vec<u8>>;

/// Opens an encrypted key. Never on a command line: from a file of mode 600, or from a prompt.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Fewer characters are refused.
    pub const MIN_BYTES: usize = 12;

    /// Takes one, without the line end that editors add.
    ///
    /// # Errors
    /// [`Error::Refused`] for fewer than [`Self::MIN_BYTES`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new(bytes);
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
        if bytes.len() < Self::MIN_BYTES {
            let detail = format!("the passphrase has {} bytes; at least {} are needed", bytes.len(), Self::MIN_BYTES);
            return Err(Error::Refused(detail));
        }
        Ok(Self(bytes))
    }

    /// Reads the passphrase file.
    ///
    /// # Errors
    /// As [`files::read_secret`] and [`Self::new`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::new(files::read_secret(path, 4096)?)
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// Writes a new key file. Without passphrase the key is in the clear: for services that start unattended.
///
/// # Errors
/// [`Error::Exists`], [`Error::Io`], [`Error::Making`].
pub fn write(path: &Path, key: &[u8], passphrase: Option<&Passphrase>) -> Result<(), Error> {
    let text = match passphrase {
        None => Zeroizing::new(files::pem(PLAIN, key)),
        Some(passphrase) => Zeroizing::new(files::pem(ENCRYPTED, &encrypted(key, passphrase)?)),
    };
    files::write_new(path, files::SECRET, text.as_bytes())
}

/// Reads a key file. `passphrase` is asked only for an encrypted one.
///
/// # Errors
/// [`Error::LooseMode`], [`Error::Passphrase`], [`Error::Malformed`], [`Error::NotFound`].
pub fn read(path: &Path, passphrase: impl FnOnce() -> Result<Passphrase, Error>) -> Result<Pkcs8, Error> {
    let text = Zeroizing::new(files::read_secret(path, MAX_BYTES)?);
    let what = path.display();
    let block = x509_parser::pem::Pem::iter_from_buffer(&text)
        .next()
        .ok_or_else(|| Error::malformed(&what, "no PEM block in it"))?
        .map_err(|e| Error::malformed(&what, format!("not PEM: {e}")))?;
    let contents = Zeroizing::new(block.contents);
    match block.label.as_str() {
        PLAIN => Ok(contents),
        ENCRYPTED => {
            let info = EncryptedPrivateKeyInfo::try_from(contents.as_slice())
                .map_err(|e| Error::malformed(&what, format!("not an encrypted PKCS#8 key: {e}")))?;
            let passphrase = passphrase()?;
            let opened = info.decrypt(passphrase.0.as_slice()).map_err(|_| Error::Passphrase(path.to_owned()))?;
            Ok(opened.to_bytes())
        }
        other => Err(Error::malformed(what, format!("a \"{other}\"; PKCS#8 (\"{PLAIN}\") is needed"))),
    }
}

fn encrypted(key: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::making("an encrypted key", e);
    let salt = seams::random::<16>()?;
    let iv = seams::random::<16>()?;
    let cost = pkcs8::pkcs5::scrypt::Params::new(LOG_N, R, P, 32).map_err(|e| failed(&e))?;
    let scheme = pbes2::Parameters::scrypt_aes256cbc(cost, &salt, &iv).map_err(|e| failed(&e))?;
    let info = PrivateKeyInfo::try_from(key).map_err(|e| failed(&e))?;
    let document = info.encrypt_with_params(scheme, passphrase.0.as_slice()).map_err(|e| failed(&e))?;
    Ok(document.as_bytes().to_vec())
}
