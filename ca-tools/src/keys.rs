//! New keys of logs, of the holder index and of stores.

use exchange_core::{
    checkpoint::{LogKind, Origin},
    note::{LogKey, VerifierKey},
    region::Region,
    sealed::{IndexKey, StoreKey},
    signature::{Algorithm, generate_pkcs8},
    spiffe::TrustDomain,
};

use crate::{Error, keyfile::Pkcs8, seams};

/// A new key for one epoch of one log: PKCS#8 DER of an Ed25519 key, and the public text for the trust bundle (C2SP
/// signed-note "vkey"), whose name is the log's origin.
///
/// # Errors
/// [`Error::Usage`] for epoch 0; [`Error::Making`].
pub fn new_log_key(
    trust_domain: &TrustDomain,
    region: Region,
    kind: LogKind,
    epoch: u32,
) -> Result<(Pkcs8, VerifierKey), Error> {
    let origin =
        Origin::new(trust_domain.as_str(), region.as_str(), kind, epoch).map_err(|e| Error::Usage(e.to_string()))?;
    let der = Pkcs8::new(generate_pkcs8(Algorithm::Ed25519, &seams::rng())?);
    let key = LogKey::from_pkcs8_der(&origin.to_string(), &der)?;
    Ok((der, key.verifier().clone()))
}

/// A new index key: one for the whole province, brought to its nodes by file, never through Kafka. `version` counts from 1.
///
/// # Errors
/// [`Error::Usage`] for version 0; [`Error::Making`].
pub fn new_index_key(version: u32) -> Result<IndexKey, Error> {
    if version == 0 {
        return Err(Error::Usage("versions of index keys begin with 1".to_owned()));
    }
    Ok(IndexKey::new(version, seams::random()?))
}

/// A new store key: what one node's personal data is encrypted with at rest.
///
/// # Errors
/// [`Error::Making`].
pub fn new_store_key() -> Result<StoreKey, Error> {
    Ok(StoreKey::new(seams::random()?))
}
