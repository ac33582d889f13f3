//! Paths from a certificate to an anchor: one code for SM2 and for the ring profile, by rustls-webpki.
//!
//! Chain and dates are judged at the time of the signature, withdrawal by the CRLs of now: what was signed before its
//! signer was withdrawn stays signed, unless the key was lost and nothing but the signer's own word says when it was.

use exchange_core::chain::Instant;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};

use crate::{
    certificate::Certificate,
    trust::{Basis, Purpose},
};

/// When something was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SigningTime {
    pub(crate) at: Instant,
    /// A time stamp authority says so; else it is the signer's own word.
    pub(crate) is_proven: bool,
}

/// A path that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The anchor's name.
    pub(crate) anchor: String,
    /// What is worth knowing and hinders nothing.
    pub(crate) remarks: Vec<String>,
}

/// Why a path does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Untrusted(String),
    #[error("{0}")]
    Expired(String),
    #[error("{0}")]
    Withdrawn(String),
    #[error("{0}")]
    NoCrl(String),
}

/// Judges a certificate for a purpose. `more`: CA certificates that came with the signature.
pub(crate) fn judge(
    certificate: &Certificate,
    more: &[Certificate],
    purpose: Purpose,
    when: SigningTime,
    basis: &Basis<'_>,
) -> Result<Path, Error> {
    let mut remarks = Vec::new();
    fit(certificate, purpose, &mut remarks)?;
    let (issuers, anchor) = chain(certificate, more, purpose, when.at, basis)?;
    let mut subject = certificate;
    for issuer in &issuers {
        withdrawn(subject, issuer, when, basis, &mut remarks)?;
        subject = issuer;
    }
    Ok(Path { anchor, remarks })
}

/// The leaf alone: webpki looks at no key usage.
fn fit(certificate: &Certificate, purpose: Purpose, remarks: &mut Vec<String>) -> Result<(), Error> {
    match certificate.usages {
        Some(usages) if !usages.digital_signature && !usages.non_repudiation => {
            return Err(Error::Untrusted(format!(
                "the {}'s key usage has neither digitalSignature nor nonRepudiation",
                purpose.who()
            )));
        }
        Some(_) => {}
        None => remarks.push(format!("the {}'s certificate has no key usage", purpose.who())),
    }
    if purpose == Purpose::TimeStamp && !certificate.may_time_stamp {
        return Err(Error::Untrusted("the certificate's extended key usage is not timeStamping".to_owned()));
    }
    Ok(())
}

/// The purpose is judged by [`fit`] and by whose anchor it is.
struct JudgedElsewhere;

impl ExtendedKeyUsageValidator for JudgedElsewhere {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        for purpose in purposes {
            purpose?;
        }
        Ok(())
    }
}

/// The issuers from the leaf's up to the anchor, and the anchor's name.
fn chain(
    certificate: &Certificate,
    more: &[Certificate],
    purpose: Purpose,
    at: Instant,
    basis: &Basis<'_>,
) -> Result<(Vec<Certificate>, String), Error> {
    let pinned = basis.anchors.of(purpose);
    if pinned.is_empty() {
        return Err(Error::Untrusted(format!("no anchor for a {} is pinned", purpose.who())));
    }
    let untrusted = |e: webpki::Error| Error::Untrusted(e.to_string());
    let ders: Vec<CertificateDer<'_>> =
        pinned.iter().map(|anchor| CertificateDer::from(anchor.der.as_slice())).collect();
    let anchors = ders.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>().map_err(untrusted)?;
    let intermediates: Vec<CertificateDer<'_>> = basis
        .anchors
        .intermediates
        .iter()
        .chain(more)
        .filter(|other| other.is_ca)
        .map(|ca| CertificateDer::from(ca.der.as_slice()))
        .collect();
    let der = CertificateDer::from(certificate.der.as_slice());
    let leaf = EndEntityCert::try_from(&der).map_err(untrusted)?;
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_millis(at.0));
    let remembering = basis.crls.proven().path_algorithms();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
        remembering.iter().map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm).collect();
    let path = leaf
        .verify_for_usage(&algorithms, &anchors, &intermediates, time, JudgedElsewhere, None, None)
        .map_err(|e| refused(e, certificate, purpose, at))?;
    let mut issuers = Vec::new();
    for ca in path.intermediate_certificates() {
        issuers.push(Certificate::parse(&ca.der()).map_err(|e| Error::Untrusted(e.to_string()))?);
    }
    let found = anchors.iter().zip(pinned).find(|(anchor, _)| *anchor == path.anchor());
    let Some((_, anchor)) = found else {
        return Err(Error::Untrusted("the path ends at no pinned anchor".to_owned()));
    };
    // webpki takes an anchor without looking at its dates.
    if at < anchor.not_before || at > anchor.not_after {
        return Err(Error::Expired(format!(
            "the anchor \"{}\" counts from {} to {}, and the signature is of {at}",
            anchor.subject, anchor.not_before, anchor.not_after
        )));
    }
    issuers.push(anchor.clone());
    Ok((issuers, anchor.subject.clone()))
}

fn refused(error: webpki::Error, certificate: &Certificate, purpose: Purpose, at: Instant) -> Error {
    let who = purpose.who();
    match error {
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Error::Expired(format!(
            "the {who}'s certificate counts from {} to {} (or a CA above it for less), and the signature is of {at}",
            certificate.not_before, certificate.not_after
        )),
        webpki::Error::UnknownIssuer => Error::Untrusted(format!(
            "no chain leads from the {who}'s issuer \"{}\" to a pinned anchor",
            certificate.issuer
        )),
        webpki::Error::InvalidSignatureForPublicKey => Error::Untrusted(format!(
            "\"{}\" did not sign the {who}'s certificate: the key of that name is another one",
            certificate.issuer
        )),
        webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Error::Untrusted(format!(
            "the {who}'s certificate, or a CA's above it, is signed with an algorithm that is not judged here"
        )),
        other => Error::Untrusted(format!("the {who}'s path is not acceptable: {other}")),
    }
}

fn withdrawn(
    subject: &Certificate,
    issuer: &Certificate,
    when: SigningTime,
    basis: &Basis<'_>,
    remarks: &mut Vec<String>,
) -> Result<(), Error> {
    let serial = subject.serial_hex();
    let newest = basis.crls.newest(subject, issuer);
    if let Some(entry) = newest.and_then(|crl| crl.entry(subject)) {
        let compromised = entry.is_compromise;
        let from = if compromised { entry.invalidity.unwrap_or(entry.since) } else { entry.since };
        let told = format!(
            "\"{}\" withdrew serial {serial} as of {from}{}",
            issuer.subject,
            if compromised { ", because the key was lost" } else { "" }
        );
        if from <= when.at {
            return Err(Error::Withdrawn(format!("{told}; the signature is of {}", when.at)));
        }
        if compromised && !when.is_proven {
            return Err(Error::Withdrawn(format!("{told}, and only the signer says that it signed before")));
        }
        remarks.push(format!("{told}, after the signature of {}", when.at));
    }
    let doubt = match newest {
        None => format!("no CRL of \"{}\" is at hand to judge serial {serial}", issuer.subject),
        Some(crl) if crl.is_stale(basis.now, basis.crl_grace_ms) => {
            format!("the CRL of \"{}\" was due at {}", issuer.subject, crl.next_update)
        }
        Some(_) => return Ok(()),
    };
    if !basis.without_crl {
        return Err(Error::NoCrl(doubt));
    }
    remarks.push(doubt);
    Ok(())
}
