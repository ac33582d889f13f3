//! When a bundle is believed (formats, "Trust bundle").

use super::{Error, TrustBundle};
use crate::{
    chain::{CrlSet, Instant, Roots, VerifiedCredential, verify_trust},
    dsse::Envelope,
    region::Region,
    signature::PublicKey,
};

/// DSSE payload type of a trust bundle.
pub const PAYLOAD_TYPE: &str = "application/vnd.exchange.trust-bundle.v1+protobuf";

/// How far in the future a bundle may have been issued, in milliseconds: the skew that all clocks are allowed.
const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// A bundle as it came, decoded from the envelope's payload and believed by nobody yet.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Over the bytes that `bundle` was decoded from.
    pub envelope: Envelope,
    /// DER of the signer's credential.
    pub trust_credential: Vec<u8>,
    /// The decoded payload.
    pub bundle: TrustBundle,
}

/// What this machine already knows of its province.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// From the configuration or the stored bundle.
    pub trust_domain: Option<&'a str>,
    /// From the stored bundle; immutable.
    pub province: Option<Region>,
    /// Series and number of the stored bundle.
    pub newest: Option<(&'a str, u64)>,
}

impl<'a> Known<'a> {
    /// What a stored bundle says: only a newer one of the same province is accepted.
    #[must_use]
    pub fn of(stored: &'a VerifiedBundle) -> Self {
        let bundle = stored.bundle();
        Self {
            trust_domain: Some(bundle.trust_domain.as_str()),
            province: Some(bundle.province),
            newest: Some((bundle.series.as_str(), bundle.number)),
        }
    }
}

/// A bundle whose signer leads to a pinned root. Only [`accept`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBundle {
    bundle: TrustBundle,
    signer: VerifiedCredential,
}

impl VerifiedBundle {
    /// What it says.
    #[must_use]
    pub const fn bundle(&self) -> &TrustBundle {
        &self.bundle
    }

    /// Who signed it.
    #[must_use]
    pub const fn signer(&self) -> &VerifiedCredential {
        &self.signer
    }

    /// Past its end: reads go on and say so.
    #[must_use]
    pub const fn expired(&self, now_ms: u64) -> bool {
        now_ms > self.bundle.expires_at_ms
    }

    /// What writes and new peers need.
    ///
    /// # Errors
    /// [`Error::Expired`].
    pub const fn require_current(&self, now_ms: u64) -> Result<(), Error> {
        if self.expired(now_ms) {
            return Err(Error::Expired { expires: Instant(self.bundle.expires_at_ms), at: Instant(now_ms) });
        }
        Ok(())
    }
}

/// Believes a bundle iff its credential was signed by a **locally pinned** root (never by one of its own `roots`), the
/// signature over the payload is by that credential's key, it is of this province, and (series, number) is newer than
/// what is stored. An expired bundle is still believed, see [`VerifiedBundle::require_current`]. Known withdrawals of the
/// trust credential count; a missing CRL does not hinder.
///
/// # Errors
/// Every variant of [`Error`] but [`Error::Expired`].
pub fn accept(
    candidate: Candidate,
    roots: &Roots,
    crls: &CrlSet,
    known: Known<'_>,
    now_ms: u64,
) -> Result<VerifiedBundle, Error> {
    let Candidate { envelope, trust_credential, bundle } = candidate;
    bundle.validate()?;
    if bundle.issued_at_ms > now_ms.saturating_add(MAX_SKEW_MS) {
        return Err(Error::FromTheFuture { issued: Instant(bundle.issued_at_ms), at: Instant(now_ms) });
    }
    let signer = verify_trust(&trust_credential, roots, crls, bundle.issued_at_ms)?;
    signed_by(&envelope, &signer)?;
    of_one_province(&bundle, &signer, known)?;
    if let Some((series, number)) = known.newest
        && (bundle.series.as_str(), bundle.number) <= (series, number)
    {
        return Err(Error::Old {
            found: format!("{}/{}", bundle.series, bundle.number),
            have: format!("{series}/{number}"),
        });
    }
    Ok(VerifiedBundle { bundle, signer })
}

fn signed_by(envelope: &Envelope, signer: &VerifiedCredential) -> Result<(), Error> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Error::Signature { detail: "the envelope is of another payload type".to_owned() });
    }
    if envelope.key_id != signer.credential().key_id() {
        return Err(Error::Signature { detail: "the envelope names another credential".to_owned() });
    }
    let refused = |error: crate::signature::Error| Error::Signature { detail: error.to_string() };
    let key = PublicKey::from_spki_der(&signer.credential().spki).map_err(refused)?;
    envelope.verify(&key).map_err(refused)
}

fn of_one_province(bundle: &TrustBundle, signer: &VerifiedCredential, known: Known<'_>) -> Result<(), Error> {
    let id = signer.id();
    let foreign = |what, found: &str, needed: &str| {
        if found == needed {
            return Ok(());
        }
        Err(Error::Foreign { what, found: found.to_owned(), needed: needed.to_owned() })
    };
    foreign("trust domain", bundle.trust_domain.as_str(), id.trust_domain.as_str())?;
    foreign("series", bundle.series.as_str(), id.kind.name())?;
    if let Some(needed) = known.trust_domain {
        foreign("trust domain", bundle.trust_domain.as_str(), needed)?;
    }
    if let Some(needed) = known.province {
        foreign("province", bundle.province.as_str(), needed.as_str())?;
    }
    Ok(())
}
