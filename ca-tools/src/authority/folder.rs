//! A CA's folder.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path};

use exchange_core::{
    chain::{Authority, Crl},
    spiffe::TrustDomain,
};
use rcgen::{Issuer, KeyPair, PublicKeyData};
use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;

use super::{Ca, Scope};
use crate::{
    Error, Event,
    files::{self, CERTIFICATE, CRL, pem},
    journal::{self, Journal},
    keyfile::{self, Passphrase},
    profile::hex,
};

pub(super) const ISSUED: &str = "issued";
pub(super) const CRL_FILE: &str = "crl.pem";
const CERTIFICATE_FILE: &str = "ca.crt";
const KEY_FILE: &str = "ca.key";
const MAX_CRL_PEM_BYTES: usize = 24 * 1024 * 1024;

pub(super) fn save(ca: &mut Ca, folder: &Path, passphrase: &Passphrase) -> Result<(), Error> {
    fs::DirBuilder::new().mode(0o755).create(folder).map_err(|e| Error::io(folder, e))?;
    fs::create_dir(folder.join(ISSUED)).map_err(|e| Error::io(folder, e))?;
    keyfile::write(&folder.join(KEY_FILE), ca.issuer.key().serialized_der(), Some(passphrase))?;
    files::write_new(&folder.join(CERTIFICATE_FILE), files::PUBLIC, ca.certificate_pem().as_bytes())?;
    if let Some(crl) = &ca.crl {
        files::write_new(&folder.join(CRL_FILE), files::PUBLIC, pem(CRL, &crl.der).as_bytes())?;
    }
    // Last: a folder without a journal is no CA.
    ca.journal.save(&folder.join(journal::FILE))?;
    ca.folder = Some(folder.to_owned());
    Ok(())
}

pub(super) fn open(folder: &Path, passphrase: impl FnOnce() -> Result<Passphrase, Error>) -> Result<Ca, Error> {
    let journal_path = folder.join(journal::FILE);
    let journal = Journal::open(&journal_path)?;
    let certificate = folder.join(CERTIFICATE_FILE);
    let what = certificate.display();
    let blocks = files::blocks(&files::read(&certificate, 64 * 1024)?, CERTIFICATE, &what.to_string())?;
    let [der] = blocks.as_slice() else {
        return Err(Error::malformed(what, format!("{} certificates; exactly one is needed", blocks.len())));
    };
    let authority = Authority::parse(der)?;
    let (trust_domain, scope) = created(&journal, &journal_path, der)?;
    let key = keyfile::read(&folder.join(KEY_FILE), passphrase)?;
    let key = KeyPair::try_from(key.as_slice()).map_err(|e| Error::malformed(folder.join(KEY_FILE).display(), e))?;
    if key.subject_public_key_info() != authority.spki {
        return Err(Error::malformed(folder.join(KEY_FILE).display(), "it is not the key of ca.crt"));
    }
    let issuer = Issuer::from_ca_cert_der(&CertificateDer::from(der.as_slice()), key)
        .map_err(|e| Error::malformed(certificate.display(), e))?;
    let crl = read_crl(&folder.join(CRL_FILE), &authority)?;
    Ok(Ca { issuer, authority, trust_domain, scope, journal, folder: Some(folder.to_owned()), crl })
}

fn created(journal: &Journal, path: &Path, der: &[u8]) -> Result<(TrustDomain, Scope), Error> {
    let refused = |detail: &str| Error::Journal { path: path.to_owned(), line: 1, detail: detail.to_owned() };
    let Some(Event::Created { trust_domain, scope, fingerprint, .. }) = journal.records().first().map(|r| &r.event)
    else {
        return Err(refused("the first record must say how the CA came to be"));
    };
    if *fingerprint != hex(digest(&SHA256, der).as_ref()) {
        return Err(refused("it is of another CA than ca.crt"));
    }
    Ok((TrustDomain::parse(trust_domain)?, Scope::parse(scope)?))
}

/// A lost CRL file is no fault: the journal has what it said. A foreign one is.
fn read_crl(path: &Path, authority: &Authority) -> Result<Option<Crl>, Error> {
    let bytes = match files::read(path, MAX_CRL_PEM_BYTES) {
        Err(Error::NotFound(_)) => return Ok(None),
        other => other?,
    };
    let blocks = files::blocks(&bytes, CRL, &path.display().to_string())?;
    let crl = Crl::parse(blocks.first().map_or(&[], Vec::as_slice))?;
    crl.verify(authority)?;
    Ok(Some(crl))
}
