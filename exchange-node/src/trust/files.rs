//! Reads roots, CRLs and the bundle from files, PEM or DER.

use super::Error;
use exchange_core::chain::{Authority, Roots};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject};
use std::{
    io::Read,
    path::{Path, PathBuf},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Largest file that is read, in bytes: the largest CRL, as PEM.
const MAX_FILE_BYTES: u64 = 24 << 20;

/// A whole file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let refuse = |problem: String| Error::File { path: path.to_owned(), problem };
    let file = std::fs::File::open(path).map_err(|error| refuse(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| refuse(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(refuse(format!("more than {MAX_FILE_BYTES} bytes, which are all that is read")));
    }
    Ok(bytes)
}

/// The CA certificates of these files.
pub(super) fn authorities(paths: &[PathBuf]) -> Result<Vec<Authority>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let refuse = |problem: String| Error::File { path: path.clone(), problem };
        let bytes = bytes(path)?;
        let ders: Vec<Vec<u8>> = if is_pem(&bytes) {
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
            certificates.map_err(|error| refuse(error.to_string()))?.iter().map(|der| der.to_vec()).collect()
        } else {
            vec![bytes]
        };
        if ders.is_empty() {
            return Err(refuse("no certificate in it; a PEM file of CERTIFICATE blocks is needed".to_owned()));
        }
        for der in ders {
            found.push(Authority::parse(&der).map_err(|error| refuse(error.to_string()))?);
        }
    }
    Ok(found)
}

/// The CRLs of these files, each with its file.
pub(super) fn crls(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let bytes = bytes(path)?;
        if !is_pem(&bytes) {
            found.push((path.clone(), bytes));
            continue;
        }
        let before = found.len();
        for crl in CertificateRevocationListDer::pem_slice_iter(&bytes) {
            let crl = crl.map_err(|error| Error::File { path: path.clone(), problem: error.to_string() })?;
            found.push((path.clone(), crl.as_ref().to_vec()));
        }
        if found.len() == before {
            let problem = "no CRL in it; a PEM file of X509 CRL blocks, or DER, is needed".to_owned();
            return Err(Error::File { path: path.clone(), problem });
        }
    }
    Ok(found)
}

/// Whether a pinned root's key signed this certificate.
pub(super) fn signed_by_root(der: &[u8], roots: &Roots) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    roots.authorities().iter().any(|root| {
        certificate.issuer().as_raw() == root.subject_der
            && x509_parser::x509::SubjectPublicKeyInfo::from_der(&root.spki)
                .is_ok_and(|(_, key)| certificate.verify_signature(Some(&key)).is_ok())
    })
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"-----BEGIN")
}
