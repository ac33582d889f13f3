//! Certificates and CRLs of seal makers and signers (RFC 5280), for SM2 and for the ring profile alike.

use der::{
    Encode, Tag, TagNumber,
    asn1::{GeneralizedTime, ObjectIdentifier, UintRef, UtcTime},
    flagset::FlagSet,
};
use exchange_core::chain::Instant;
use ring::rand::SecureRandom;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use super::{
    Error, PrivateKey,
    der::{Made, bits, integer, octets, oid, sequence, utf8, value},
};
use crate::{
    algorithm::Algorithm,
    asn1::Fields,
    certificate::{Certificate, DOCUMENT_SIGNING, EXTENDED_KEY_USAGE, Key, inside},
    crl::Crl,
    digest::DigestAlgorithm,
    limits::MAX_SIGNATURE_BYTES,
};

const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SUBJECT_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");

/// Characters of a name (RFC 5280 appendix A.1, ub-common-name).
const MAX_NAME: usize = 64;
/// Bytes of a request.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// A name of two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// O.
    pub organization: String,
    /// CN.
    pub common_name: String,
}

/// What a certificate says.
#[derive(Debug, Clone)]
pub struct CertificateTerms<'a> {
    /// Big-endian, 1 to 20 bytes, the first below 0x80.
    pub serial: &'a [u8],
    /// Whose.
    pub subject: &'a Named,
    /// The public half of the subject's key.
    pub key: &'a Key,
    /// First moment.
    pub not_before: Instant,
    /// Last moment.
    pub not_after: Instant,
}

/// A certificate that a CRL withdraws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Its serial.
    pub serial: Vec<u8>,
    /// Since when.
    pub since: Instant,
    /// RFC 5280 section 5.3.1; 0 (unspecified) is not written.
    pub reason: u8,
}

/// What a CRL says.
#[derive(Debug, Clone)]
pub struct CrlTerms<'a> {
    /// Rises by one from CRL to CRL.
    pub number: u64,
    /// This update.
    pub this_update: Instant,
    /// When the next one is due.
    pub next_update: Instant,
    /// Every one that is withdrawn.
    pub withdrawn: &'a [Withdrawn],
}

fn failed(error: der::Error) -> Error {
    Error::Terms(crate::asn1::plain(error))
}

/// A CA's certificate, signed by itself: path length 0, for certificates and CRLs.
///
/// # Errors
/// [`Error::Terms`], [`Error::Signing`].
pub fn authority(terms: &CertificateTerms<'_>, key: &PrivateKey, random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
    let issuer = name(terms.subject)?;
    let usages = KeyUsages::KeyCertSign | KeyUsages::CRLSign;
    let own = BasicConstraints { ca: true, path_len_constraint: Some(0) };
    certificate(terms, &issuer, key, (&own, usages, None), random)
}

/// For what a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Makes seals.
    Maker,
    /// Signs documents, and makes no seals: its extended key usage is documentSigning (RFC 9336).
    Signer,
}

/// The certificate of a seal maker or signer: for digital signatures and non-repudiation.
///
/// # Errors
/// [`Error::Terms`], [`Error::Signing`].
pub fn end_entity(
    terms: &CertificateTerms<'_>,
    role: Role,
    ca: &Certificate,
    key: &PrivateKey,
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    let usages = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
    let own = BasicConstraints { ca: false, path_len_constraint: None };
    let limited = (role == Role::Signer).then_some(DOCUMENT_SIGNING);
    certificate(terms, &ca.subject_der, key, (&own, usages, limited), random)
}

fn certificate(
    terms: &CertificateTerms<'_>,
    issuer: &[u8],
    key: &PrivateKey,
    (constraints, usages, limited): (&BasicConstraints, FlagSet<KeyUsages>, Option<ObjectIdentifier>),
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    if terms.serial.is_empty() || terms.serial.len() > 20 || terms.not_before >= terms.not_after {
        return Err(Error::Terms("a serial has 1 to 20 bytes, and a period begins before it ends".to_owned()));
    }
    let subject = name(terms.subject)?;
    let body = || -> Made {
        let limited = match limited {
            Some(usage) => extension(EXTENDED_KEY_USAGE, false, &sequence(&[&oid(usage)?])?)?,
            None => Vec::new(),
        };
        let extensions = sequence(&[
            &extension(BASIC_CONSTRAINTS, true, &constraints.to_der()?)?,
            &extension(KEY_USAGE, true, &KeyUsage(usages).to_der()?)?,
            &limited,
            &extension(SUBJECT_KEY, false, &octets(&key_id(terms.key))?)?,
            &authority_key(key.public())?,
        ])?;
        sequence(&[
            &tagged(0, &integer(2)?)?,
            &number(terms.serial)?,
            &algorithm(key)?,
            issuer,
            &sequence(&[&time(terms.not_before)?, &time(terms.not_after)?])?,
            &subject,
            &public_key(terms.key)?,
            &tagged(3, &extensions)?,
        ])
    };
    let der = signed(&body().map_err(failed)?, key, random)?;
    Certificate::parse(&der).map_err(Error::Certificate)?;
    Ok(der)
}

/// A CRL over everything that a CA issued.
///
/// # Errors
/// [`Error::Terms`], [`Error::Signing`].
pub fn crl(
    terms: &CrlTerms<'_>,
    ca: &Certificate,
    key: &PrivateKey,
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Error> {
    let body = || -> Made {
        let mut entries = Vec::new();
        for withdrawn in terms.withdrawn {
            let reason = match withdrawn.reason {
                0 => Vec::new(),
                code => sequence(&[&extension(REASON, false, &value(Tag::Enumerated, &[code])?)?])?,
            };
            entries.extend(sequence(&[&number(&withdrawn.serial)?, &time(withdrawn.since)?, &reason])?);
        }
        let entries = if entries.is_empty() { Vec::new() } else { sequence(&[&entries])? };
        let extensions = sequence(&[
            &authority_key(key.public())?,
            &extension(CRL_NUMBER, false, &number(&terms.number.to_be_bytes())?)?,
        ])?;
        sequence(&[
            &integer(1)?,
            &algorithm(key)?,
            &ca.subject_der,
            &time(terms.this_update)?,
            &time(terms.next_update)?,
            &entries,
            &tagged(0, &extensions)?,
        ])
    };
    let der = signed(&body().map_err(failed)?, key, random)?;
    Crl::parse(&der).map_err(|e| Error::Terms(e.to_string()))?;
    Ok(der)
}

/// A request for a certificate (PKCS#10, RFC 2986), DER, signed by its own key. The name is for people: whoever issues takes
/// the key alone.
///
/// # Errors
/// [`Error::Terms`] for a name that is none; [`Error::Signing`].
pub fn request(common_name: &str, key: &PrivateKey, random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
    within(common_name)?;
    let body = || -> Made {
        let subject = sequence(&[&name_part(COMMON_NAME, common_name)?])?;
        // No attributes: an empty [0], which is not left out.
        sequence(&[&integer(0)?, &subject, &public_key(key.public())?, &tagged(0, &[])?])
    };
    signed(&body().map_err(failed)?, key, random)
}

/// The public key of a request (PKCS#10, RFC 2986), DER, whose signature is by that key. Nothing else is taken from it.
///
/// # Errors
/// [`Error::Key`].
pub fn request_key(der: &[u8]) -> Result<Key, Error> {
    let refused = |detail: &dyn std::fmt::Display| Error::Key(detail.to_string());
    let wrong = |e: crate::asn1::Error| refused(&e);
    if der.len() > MAX_REQUEST_BYTES {
        return Err(refused(&format!("{} bytes; at most {MAX_REQUEST_BYTES} are read", der.len())));
    }
    let mut request = Fields::sequence(der, "CertificationRequest").map_err(wrong)?;
    let signed = request.raw("certificationRequestInfo").map_err(wrong)?;
    let algorithm = request.nested("signatureAlgorithm").and_then(|mut of| of.oid("algorithm")).map_err(wrong)?;
    let signature = request.bits("signature", MAX_SIGNATURE_BYTES).map_err(wrong)?;
    request.finish().map_err(wrong)?;
    let mut info = Fields::sequence(signed, "CertificationRequestInfo").map_err(wrong)?;
    info.integer("version").map_err(wrong)?;
    info.raw("subject").map_err(wrong)?;
    let mut public = info.nested("subjectPKInfo").map_err(wrong)?;
    let key = Key {
        algorithm: inside(public.raw("algorithm").map_err(wrong)?).map_err(wrong)?,
        bytes: public.bits("subjectPublicKey", MAX_SIGNATURE_BYTES).map_err(wrong)?.to_vec(),
    };
    let algorithm = Algorithm::from_oid(algorithm).map_err(|e| refused(&e))?;
    algorithm
        .verify(&key, signed, signature)
        .map_err(|e| refused(&format!("the request proves no possession: {e}")))?;
    Ok(key)
}

/// `SubjectPublicKeyInfo` of a key, DER.
///
/// # Errors
/// [`Error::Key`].
pub fn subject_public_key_info(key: &Key) -> Result<Vec<u8>, Error> {
    public_key(key).map_err(|e| Error::Key(crate::asn1::plain(e)))
}

fn public_key(key: &Key) -> Made {
    sequence(&[&sequence(&[&key.algorithm])?, &bits(&key.bytes)?])
}

fn signed(body: &[u8], key: &PrivateKey, random: &dyn SecureRandom) -> Result<Vec<u8>, Error> {
    let signature = key.sign(body, random)?;
    let whole = || sequence(&[body, &algorithm(key)?, &bits(&signature)?]);
    whole().map_err(failed)
}

fn name(named: &Named) -> Result<Vec<u8>, Error> {
    within(&named.organization)?;
    within(&named.common_name)?;
    let whole =
        || sequence(&[&name_part(ORGANIZATION, &named.organization)?, &name_part(COMMON_NAME, &named.common_name)?]);
    whole().map_err(failed)
}

fn within(part: &str) -> Result<(), Error> {
    if part.trim().is_empty() || part.chars().count() > MAX_NAME || part.chars().any(char::is_control) {
        return Err(Error::Terms(format!("a name has 1 to {MAX_NAME} characters")));
    }
    Ok(())
}

/// `RelativeDistinguishedName` of one attribute.
fn name_part(id: ObjectIdentifier, text: &str) -> Made {
    value(Tag::Set, &sequence(&[&oid(id)?, &utf8(text)?])?)
}

/// RFC 7093 section 2, method 1.
fn key_id(key: &Key) -> Vec<u8> {
    let mut digest = DigestAlgorithm::Sha256.digest(&key.bytes);
    digest.truncate(20);
    digest
}

/// `keyIdentifier [0] IMPLICIT` alone.
fn authority_key(key: &Key) -> Made {
    let id = value(Tag::ContextSpecific { constructed: false, number: TagNumber(0) }, &key_id(key))?;
    extension(AUTHORITY_KEY, false, &sequence(&[&id])?)
}

fn extension(id: ObjectIdentifier, critical: bool, content: &[u8]) -> Made {
    let flag = if critical { true.to_der()? } else { Vec::new() };
    sequence(&[&oid(id)?, &flag, &octets(content)?])
}

/// The signature's, without parameters.
fn algorithm(key: &PrivateKey) -> Made {
    sequence(&[&oid(key.algorithm().oid())?])
}

fn tagged(number: u32, content: &[u8]) -> Made {
    value(Tag::ContextSpecific { constructed: true, number: TagNumber(number) }, content)
}

fn number(bytes: &[u8]) -> Made {
    UintRef::new(bytes)?.to_der()
}

/// UTCTime up to 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5).
fn time(at: Instant) -> Made {
    let since = std::time::Duration::from_secs(at.0 / 1000);
    match UtcTime::from_unix_duration(since) {
        Ok(time) => time.to_der(),
        Err(_) => GeneralizedTime::from_unix_duration(since)?.to_der(),
    }
}
