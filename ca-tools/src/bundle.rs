//! Making and signing the trust bundle.

mod config;

pub use config::{BodyConfig, Built, BundleConfig, CustodyConfig, CutConfig, LogConfig, NodeConfig, RegionConfig};

use exchange_core::{
    bundle::{Error as BundleError, PAYLOAD_TYPE, TrustBundle},
    chain::Credential,
    dsse::Envelope,
    signature::{PublicKey, SigningKey},
};

use crate::{Error, seams};

/// Signs a bundle: the bytes of `SignedTrustBundle` that travel and that `exchange_proto::bundle::open_signed` opens.
///
/// # Errors
/// [`Error::Bundle`] where the bundle is invalid, or the credential is not of its trust domain and series;
/// [`Error::Refused`] where the key is not the credential's.
pub fn sign(bundle: &TrustBundle, trust_key_pkcs8: &[u8], trust_credential_der: &[u8]) -> Result<Vec<u8>, Error> {
    bundle.validate()?;
    let credential = Credential::parse(trust_credential_der)?;
    let id = &credential.spiffe;
    if id.kind.word() != "trust" {
        let found = id.kind.word();
        return Err(exchange_core::chain::Error::WrongKind { found, needed: "trust" }.into());
    }
    for (what, found, needed) in [
        ("trust domain", bundle.trust_domain.as_str(), id.trust_domain.as_str()),
        ("series", bundle.series.as_str(), id.kind.name()),
    ] {
        if found != needed {
            return Err(BundleError::Foreign { what, found: found.to_owned(), needed: needed.to_owned() }.into());
        }
    }
    let rng = seams::rng();
    let key = SigningKey::from_pkcs8_der(trust_key_pkcs8, &rng)?;
    if key.public_key() != PublicKey::from_spki_der(&credential.spki)? {
        return Err(Error::Refused("the trust key is not the key of the trust credential".to_owned()));
    }
    let payload = exchange_proto::bundle::encode(bundle);
    let envelope = Envelope::sign(PAYLOAD_TYPE, payload, credential.key_id(), &key, &rng)?;
    Ok(exchange_proto::bundle::encode_signed(&envelope, trust_credential_der))
}
