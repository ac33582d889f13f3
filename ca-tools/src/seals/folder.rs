//! The folder of an authority over seals.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path};

use exchange_core::spiffe::TrustDomain;
use exchange_seal::make::PrivateKey;
use ring::digest::{SHA256, digest};

use super::{SCOPE, SealCa, making_failed, read};
use crate::{
    Error, Event,
    files::{self, CERTIFICATE, CRL, pem},
    journal::{self, Journal},
    keyfile::{self, Passphrase},
    profile::hex,
    seams,
};

pub(super) const ISSUED: &str = "issued";
pub(super) const CRL_FILE: &str = "crl.pem";
const CERTIFICATE_FILE: &str = "ca.crt";
const KEY_FILE: &str = "ca.key";
const MAX_CRL_PEM_BYTES: usize = 24 * 1024 * 1024;

pub(super) fn save(ca: &mut SealCa, folder: &Path, passphrase: &Passphrase) -> Result<(), Error> {
    fs::DirBuilder::new().mode(0o755).create(folder).map_err(|e| Error::io(folder, e))?;
    fs::create_dir(folder.join(ISSUED)).map_err(|e| Error::io(folder, e))?;
    let key = ca.key.to_pkcs8().map_err(making_failed)?;
    keyfile::write(&folder.join(KEY_FILE), &key, Some(passphrase))?;
    files::write_new(&folder.join(CERTIFICATE_FILE), files::PUBLIC, ca.certificate_pem().as_bytes())?;
    if let Some(crl) = &ca.crl {
        files::write_new(&folder.join(CRL_FILE), files::PUBLIC, pem(CRL, crl).as_bytes())?;
    }
    // Last: a folder without a journal is no CA.
    ca.journal.save(&folder.join(journal::FILE))?;
    ca.folder = Some(folder.to_owned());
    Ok(())
}

pub(super) fn open(folder: &Path, passphrase: impl FnOnce() -> Result<Passphrase, Error>) -> Result<SealCa, Error> {
    let journal_path = folder.join(journal::FILE);
    let journal = Journal::open(&journal_path)?;
    let path = folder.join(CERTIFICATE_FILE);
    let blocks = files::blocks(&files::read(&path, 64 * 1024)?, CERTIFICATE, &path.display().to_string())?;
    let [der] = blocks.as_slice() else {
        let detail = format!("{} certificates; exactly one is needed", blocks.len());
        return Err(Error::malformed(path.display(), detail));
    };
    let certificate = read(der)?;
    let organization = created(&journal, &journal_path, der)?.to_string();
    let key_path = folder.join(KEY_FILE);
    let key = keyfile::read(&key_path, passphrase)?;
    let key = PrivateKey::from_pkcs8(&key, &seams::rng()).map_err(|e| Error::malformed(key_path.display(), e))?;
    if *key.public() != certificate.key {
        return Err(Error::malformed(key_path.display(), "it is not the key of ca.crt"));
    }
    let crl_path = folder.join(CRL_FILE);
    let crl = match files::read(&crl_path, MAX_CRL_PEM_BYTES) {
        // A lost CRL file is no fault: the journal has what it said.
        Err(Error::NotFound(_)) => None,
        other => files::blocks(&other?, CRL, &crl_path.display().to_string())?.into_iter().next(),
    };
    Ok(SealCa { key, certificate, organization, journal, folder: Some(folder.to_owned()), crl })
}

fn created(journal: &Journal, path: &Path, der: &[u8]) -> Result<TrustDomain, Error> {
    let refused = |detail: &str| Error::Journal { path: path.to_owned(), line: 1, detail: detail.to_owned() };
    let Some(Event::Created { trust_domain, scope, fingerprint, .. }) = journal.records().first().map(|r| &r.event)
    else {
        return Err(refused("the first record must say how the CA came to be"));
    };
    if scope != SCOPE {
        return Err(Error::Refused(format!(
            "{} is of no authority over seals: seal-ca init makes one",
            path.display()
        )));
    }
    if *fingerprint != hex(digest(&SHA256, der).as_ref()) {
        return Err(refused("it is of another CA than ca.crt"));
    }
    Ok(TrustDomain::parse(trust_domain)?)
}
