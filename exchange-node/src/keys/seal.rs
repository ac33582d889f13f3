//! A department's electronic seal and the key that puts it on documents.

use super::{Error, file};
use crate::{config, random::Random};
use exchange_core::chain::Instant;
use exchange_seal::{
    limits::MAX_SEAL_BYTES,
    make::{Credential, PrivateKey},
    ses::{Seal, Version},
};
use std::path::Path;

/// A seal that its signer can put on. Whether it counts today is judged when it is used: a seal that ended keeps the node
/// from sealing, not from starting.
pub struct DepartmentSeal {
    /// DER.
    pub seal: Vec<u8>,
    /// Who puts it on; the seal lists this certificate.
    pub signer: Credential,
    /// First moment at which both count.
    pub from: Instant,
    /// Last moment at which both count.
    pub to: Instant,
}

/// Reads and checks the three files.
///
/// # Errors
/// The first that is not as it should be.
pub fn department_seal(config: &config::DepartmentSeal, random: &Random) -> Result<DepartmentSeal, Error> {
    let refused = |path: &Path, problem: String| Error::File { path: path.to_owned(), problem };
    let bytes = ca_tools::files::read(&config.file, MAX_SEAL_BYTES)
        .map_err(|error| refused(&config.file, error.to_string()))?;
    let seal = Seal::parse(&bytes).map_err(|error| refused(&config.file, format!("no seal: {error}")))?;
    if seal.version == Version::V1 {
        let problem =
            format!("a seal of {}, which is only read; one of GB/T 38540-2020 is needed", seal.version.standard());
        return Err(refused(&config.file, problem));
    }
    let certificates = file::certificates(&config.certificate)?;
    let certificate = certificates
        .first()
        .ok_or_else(|| refused(&config.certificate, "no certificate in it; the signer's is needed".to_owned()))?;
    let key = PrivateKey::from_pkcs8(&file::private_key(&config.key)?, random.secure())
        .map_err(|error| refused(&config.key, error.to_string()))?;
    let signer = Credential::new(key, certificate).map_err(|error| refused(&config.certificate, error.to_string()))?;
    if !seal.lists(&signer.certificate().der) {
        let problem = format!("the seal does not list \"{}\"", signer.certificate().subject);
        return Err(refused(&config.file, problem));
    }
    let from = seal.valid_from.max(seal.created).max(signer.certificate().not_before);
    let to = seal.valid_to.min(signer.certificate().not_after);
    Ok(DepartmentSeal { seal: bytes, signer, from, to })
}
