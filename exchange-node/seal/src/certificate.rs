//! X.509 certificates of seal makers, signers and time stamp authorities, read but not yet believed.

use der::{Decode, asn1::ObjectIdentifier};
use exchange_core::chain::Instant;
use x509_cert::{
    ext::pkix::{BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, name::DistributionPointName},
    name::Name,
    time::Time,
};

use crate::{
    asn1::{Error, plain, to_der},
    limits::MAX_CERTIFICATE_BYTES,
    report::shown,
};

const WHAT: &str = "Certificate";
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const CRL_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// RFC 9336 section 3.
pub(crate) const DOCUMENT_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// A public key as a certificate has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// DER inside of the AlgorithmIdentifier: key algorithm and curve.
    pub algorithm: Vec<u8>,
    /// The key: an uncompressed point, 32 bytes, or an RSAPublicKey.
    pub bytes: Vec<u8>,
}

/// What the key usage extension allows (RFC 5280 section 4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usages {
    /// digitalSignature
    pub digital_signature: bool,
    /// nonRepudiation, also called contentCommitment
    pub non_repudiation: bool,
    /// cRLSign
    pub crl_sign: bool,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The bytes as they came.
    pub der: Vec<u8>,
    /// For messages.
    pub subject: String,
    /// For messages.
    pub issuer: String,
    /// DER of the subject's name.
    pub subject_der: Vec<u8>,
    /// DER of the issuer's name.
    pub issuer_der: Vec<u8>,
    /// Big-endian, unique for its issuer.
    pub serial: Vec<u8>,
    /// First moment.
    pub not_before: Instant,
    /// Last moment.
    pub not_after: Instant,
    /// Its key.
    pub key: Key,
    /// `None` without the extension.
    pub usages: Option<Usages>,
    /// Extended key usage timeStamping (RFC 3161 section 2.3).
    pub may_time_stamp: bool,
    /// Extended key usage documentSigning (RFC 9336) and no other: it signs documents, and makes no seals.
    pub signs_documents_only: bool,
    /// CA:TRUE.
    pub is_ca: bool,
    /// DER of each name under which the issuer publishes the CRL for it.
    pub crl_points: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads one, DER, with nothing behind it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            let detail = format!("{} bytes; at most {MAX_CERTIFICATE_BYTES} are read", der.len());
            return Err(Error::new(WHAT, detail));
        }
        let wrong = |e: der::Error| Error::new(WHAT, plain(e));
        let parsed = x509_cert::Certificate::from_der(der).map_err(wrong)?;
        let body = parsed.tbs_certificate();
        if parsed.signature_algorithm() != body.signature() {
            return Err(Error::new(WHAT, "two different signature algorithms"));
        }
        let spki = body.subject_public_key_info();
        let bytes = spki
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| Error::new("Certificate.subjectPublicKey", "has unused bits"))?;
        let mut certificate = Self {
            der: der.to_vec(),
            subject: name(body.subject()),
            issuer: name(body.issuer()),
            subject_der: to_der(body.subject(), WHAT)?,
            issuer_der: to_der(body.issuer(), WHAT)?,
            serial: body.serial_number().as_bytes().to_vec(),
            not_before: instant(body.validity().not_before),
            not_after: instant(body.validity().not_after),
            key: Key { algorithm: inside(&to_der(&spki.algorithm, WHAT)?)?, bytes: bytes.to_vec() },
            usages: None,
            may_time_stamp: false,
            signs_documents_only: false,
            is_ca: false,
            crl_points: Vec::new(),
        };
        let mut seen = Vec::new();
        for extension in body.extensions().into_iter().flatten() {
            if seen.contains(&extension.extn_id) {
                return Err(Error::new(WHAT, format!("extension {} stands twice", extension.extn_id)));
            }
            seen.push(extension.extn_id);
            certificate.extension(extension.extn_id, extension.extn_value.as_bytes()).map_err(wrong)?;
        }
        Ok(certificate)
    }

    fn extension(&mut self, id: ObjectIdentifier, value: &[u8]) -> der::Result<()> {
        match id {
            KEY_USAGE => {
                let usage = KeyUsage::from_der(value)?;
                self.usages = Some(Usages {
                    digital_signature: usage.digital_signature(),
                    non_repudiation: usage.non_repudiation(),
                    crl_sign: usage.crl_sign(),
                });
            }
            BASIC_CONSTRAINTS => self.is_ca = BasicConstraints::from_der(value)?.ca,
            EXTENDED_KEY_USAGE => {
                let usages = ExtendedKeyUsage::from_der(value)?.0;
                self.may_time_stamp = usages.contains(&TIME_STAMPING);
                self.signs_documents_only = usages == [DOCUMENT_SIGNING];
            }
            CRL_POINTS => {
                for point in CrlDistributionPoints::from_der(value)?.0 {
                    self.crl_points.extend(point_names(point.distribution_point.as_ref())?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Issued by itself (names are equal).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// The serial in hex, for messages.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        crate::report::hex(&self.serial)
    }
}

/// DER of each full name of a distribution point; a name relative to the issuer's is left out.
pub(crate) fn point_names(point: Option<&DistributionPointName>) -> der::Result<Vec<Vec<u8>>> {
    match point {
        Some(DistributionPointName::FullName(names)) => names.iter().map(der::Encode::to_der).collect(),
        _ => Ok(Vec::new()),
    }
}

pub(crate) fn name(name: &Name) -> String {
    shown(&name.to_string())
}

pub(crate) fn instant(time: Time) -> Instant {
    Instant(u64::try_from(time.to_unix_duration().as_millis()).unwrap_or(u64::MAX))
}

/// The content of a SEQUENCE, as rustls-webpki compares algorithms.
pub(crate) fn inside(der: &[u8]) -> Result<Vec<u8>, Error> {
    let any = der::asn1::AnyRef::from_der(der).map_err(|e| Error::new(WHAT, plain(e)))?;
    Ok(any.value().to_vec())
}
