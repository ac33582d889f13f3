//! `SES_Signature`: a seal put on a document.

use der::{Tag, asn1::ObjectIdentifier};
use exchange_core::chain::Instant;

use super::{Extension, Seal, Version, extensions, token};
use crate::{
    algorithm::{self, Algorithm},
    asn1::{Error, Fields},
    limits::{MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES, MAX_SIGNED_VALUE_BYTES, MAX_TEXT_BYTES, MAX_TOKEN_BYTES},
    time,
};

/// When a seal was put on, as the signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeInfo {
    /// The signer's own word.
    Claimed(Instant),
    /// v1 only: something else than a time, for example a time stamp token.
    Other(Vec<u8>),
}

/// A seal signature, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealSignature {
    /// By its structure and its seal's.
    pub version: Version,
    /// The seal that was put on.
    pub seal: Seal,
    /// When, as the signer says.
    pub time: TimeInfo,
    /// Digest of the file that describes the signature (`Signature.xml`).
    pub data_hash: Vec<u8>,
    /// Path of that file in the package.
    pub property: String,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// The signer's certificate, DER (签章者证书).
    pub signer: Vec<u8>,
    /// As written.
    pub algorithm: ObjectIdentifier,
    /// What was signed: `TBS_Sign`.
    pub signed: Vec<u8>,
    /// The signer's signature over it.
    pub signature: Vec<u8>,
    /// Time stamp token over the signature.
    pub token: Option<Vec<u8>>,
}

impl SealSignature {
    /// Reads one, DER, with nothing behind it.
    ///
    /// # Errors
    /// The first field that is not as the standard says, or larger than is read.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_SIGNED_VALUE_BYTES {
            let detail = format!("{} bytes; at most {MAX_SIGNED_VALUE_BYTES} are read", der.len());
            return Err(Error::new("SES_Signature", detail));
        }
        let mut parts = Fields::sequence(der, "SES_Signature")?;
        let count = parts.count()?;
        let signed = parts.raw("toSign")?;
        let mut body = Fields::sequence(signed, "TBS_Sign")?;
        let number = body.integer("version")?;
        let seal = Seal::parse(body.raw("eseal")?)?;
        let version = seal.version;
        if number != version.number() {
            return Err(body.error("version", format!("{number}, and the seal is of version {}", version.number())));
        }
        let is_v1 = version == Version::V1;
        if is_v1 != (count == 2) || !(is_v1 || count == 4 || count == 5) {
            let detail = format!("{count} parts do not go with a seal of version {}", version.number());
            return Err(Error::new("SES_Signature", detail));
        }
        let time =
            if is_v1 { v1_time(&mut body)? } else { TimeInfo::Claimed(body.time("timeInfo", Tag::GeneralizedTime)?) };
        let data_hash = body.bits("dataHash", 64)?.to_vec();
        let property = body.ia5("propertyInfo", MAX_TEXT_BYTES)?.to_owned();
        let (signer, algorithm, found) = if is_v1 {
            (body.octets("cert", MAX_CERTIFICATE_BYTES)?, body.oid("signatureAlgorithm")?, Vec::new())
        } else {
            let found = extensions(&mut body)?;
            (parts.octets("cert", MAX_CERTIFICATE_BYTES)?, parts.oid("signatureAlgID")?, found)
        };
        body.finish()?;
        let signature = parts.bits("signature", MAX_SIGNATURE_BYTES)?.to_vec();
        let token = if is_v1 { None } else { token(&mut parts)? };
        parts.finish()?;
        Ok(Self {
            version,
            seal,
            time,
            data_hash,
            property,
            extensions: found,
            signer: signer.to_vec(),
            algorithm,
            signed: signed.to_vec(),
            signature,
            token,
        })
    }

    /// The algorithm, if it is judged here.
    ///
    /// # Errors
    /// [`algorithm::Error::Unsupported`].
    pub fn algorithm(&self) -> Result<Algorithm, algorithm::Error> {
        Algorithm::from_oid(self.algorithm)
    }
}

/// v1 puts a BIT STRING here and leaves open what is in it: text in local time, an ASN.1 time, or a token are met.
fn v1_time(body: &mut Fields<'_>) -> Result<TimeInfo, Error> {
    let bytes = body.bits("timeInfo", MAX_TOKEN_BYTES)?;
    let text = std::str::from_utf8(bytes).ok().and_then(|text| time::written(text).ok());
    let asn1 = |tag| {
        Fields::inside(bytes, "timeInfo").and_then(|mut f| f.time("time", tag).and_then(|t| f.finish().map(|()| t)))
    };
    Ok(match text {
        Some(written) => TimeInfo::Claimed(written.at),
        None => match asn1(Tag::GeneralizedTime).or_else(|_| asn1(Tag::UtcTime)) {
            Ok(at) => TimeInfo::Claimed(at),
            Err(_) => TimeInfo::Other(bytes.to_vec()),
        },
    })
}
