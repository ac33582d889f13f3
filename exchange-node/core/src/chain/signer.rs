//! The signer of certificates: its path is verified once, its standing each time.

use rustls_pki_types::CertificateDer;

use super::{
    Basis, Error, Instant, Purpose, SignerStanding, StaleCrl, VerifiedCredential,
    path::{Link, bound, cut, fit, links, verified},
    signer_standing,
};

/// A document credential whose path to a pinned root was verified: signatures, purpose, dates and the CA's region. It
/// holds for every signing time that all dates of the path allow, while roots and bundle stay the same.
#[derive(Debug, Clone)]
pub struct SignerPath {
    verified: VerifiedCredential,
    links: Vec<Link>,
    /// Milliseconds since 1970, the last one included.
    from_ms: u64,
    until_ms: u64,
}

impl SignerPath {
    /// Verifies the path for a signing time.
    ///
    /// # Errors
    /// As [`super::verify_path`], without cut list and CRLs: they are [`SignerPath::standing`]'s.
    pub fn verify(
        leaf: &[u8],
        intermediates: &[CertificateDer<'_>],
        signing_time_ms: u64,
        basis: &Basis<'_>,
    ) -> Result<Self, Error> {
        let credential = fit(leaf, Purpose::Document)?;
        let links = links(&credential, intermediates, basis.roots, signing_time_ms)?;
        bound(&credential, Purpose::Document, &links, basis.bundle)?;
        let (mut from_ms, mut until_ms) = (credential.not_before_ms, credential.not_after_ms);
        for link in &links {
            from_ms = from_ms.max(link.issuer.not_before_ms);
            until_ms = until_ms.min(link.issuer.not_after_ms);
        }
        let verified = verified(credential, Purpose::Document, &links, None);
        Ok(Self { verified, links, from_ms, until_ms })
    }

    /// Do the dates of the path allow a signature at this time too?
    #[must_use]
    pub const fn covers(&self, signing_time_ms: u64) -> bool {
        self.from_ms <= signing_time_ms && signing_time_ms <= self.until_ms
    }

    /// What was verified.
    #[must_use]
    pub const fn credential(&self) -> &VerifiedCredential {
        &self.verified
    }

    /// Judges a signature of this time by the cut list and the CRLs of now.
    ///
    /// A cut credential is [`SignerStanding::SignerWithdrawn`] since 0: the province does not say since when.
    ///
    /// # Errors
    /// [`Error::CrlMissing`], and [`Error::CrlExpired`] where the basis does not admit stale CRLs.
    pub fn standing(
        &self,
        signing_time_ms: u64,
        basis: &Basis<'_>,
    ) -> Result<(SignerStanding, Option<StaleCrl>), Error> {
        let mut standing = SignerStanding::Genuine;
        if cut(&self.links, basis.bundle).is_err() {
            standing = SignerStanding::SignerWithdrawn(0);
        }
        let mut stale_crl = None;
        for link in &self.links {
            let crl = link.crl(basis.crls)?;
            standing = standing.worse(signer_standing(&link.serial, &crl, signing_time_ms));
            if crl.is_stale(basis.at_ms, basis.crl_grace_ms) {
                stale_crl = Some(StaleCrl { issuer: link.issuer.subject.clone(), next_update_ms: crl.next_update_ms });
            }
        }
        if let (Some(stale), false) = (&stale_crl, basis.admit_stale_crl) {
            return Err(Error::CrlExpired {
                issuer: stale.issuer.clone(),
                next_update: Instant(stale.next_update_ms),
                at: Instant(basis.at_ms),
            });
        }
        Ok((standing, stale_crl))
    }
}

/// Judges the signer of a certificate: chain and dates at the signing time, withdrawal by the CRLs of now.
///
/// # Errors
/// As [`SignerPath::verify`] and [`SignerPath::standing`].
pub fn verify_signer(
    leaf: &[u8],
    intermediates: &[CertificateDer<'_>],
    signing_time_ms: u64,
    basis: &Basis<'_>,
) -> Result<(VerifiedCredential, SignerStanding), Error> {
    let path = SignerPath::verify(leaf, intermediates, signing_time_ms, basis)?;
    let (standing, stale_crl) = path.standing(signing_time_ms, basis)?;
    Ok((path.verified.with_stale_crl(stale_crl), standing))
}
