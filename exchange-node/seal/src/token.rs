//! Time stamp tokens (RFC 3161; GM/T 0033 has the same structure) over the value of a signature.

use der::{Tag, asn1::ObjectIdentifier};
use exchange_core::chain::Instant;

use crate::{
    asn1::{Error, Fields},
    cms::{SignedData, algorithm},
    digest::DigestAlgorithm,
};

const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// A token, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// When, as the authority says.
    pub(crate) at: Instant,
    digest: DigestAlgorithm,
    imprint: Vec<u8>,
    pub(crate) signed: SignedData,
}

impl Token {
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Error> {
        let signed = SignedData::parse(der)?;
        if signed.content_type != TST_INFO {
            return Err(Error::new("eContentType", format!("{} is no time stamp", signed.content_type)));
        }
        let content = signed.content.as_deref().ok_or_else(|| Error::new("eContent", "is missing"))?;
        let mut info = Fields::sequence(content, "TSTInfo")?;
        if info.integer("version")? != 1 {
            return Err(info.error("version", "is not 1"));
        }
        info.oid("policy")?;
        let mut imprint = info.nested("messageImprint")?;
        let digest = DigestAlgorithm::from_oid(algorithm(&mut imprint, "hashAlgorithm")?)
            .map_err(|e| imprint.error("hashAlgorithm", e))?;
        let hashed = imprint.octets("hashedMessage", 64)?.to_vec();
        imprint.finish()?;
        info.integer_bytes("serialNumber")?;
        let at = info.time("genTime", Tag::GeneralizedTime)?;
        // Accuracy, ordering, nonce, authority's name and extensions change nothing here.
        info.count()?;
        Ok(Self { at, digest, imprint: hashed, signed })
    }

    /// It is over this signature value, and its authority signed it. Who that is, is judged apart.
    pub(crate) fn verify(&self, signature: &[u8]) -> Result<(), String> {
        if self.digest.digest(signature) != self.imprint {
            return Err("the time stamp is of another signature".to_owned());
        }
        let content = self.signed.content.as_deref().unwrap_or_default();
        self.signed.verify(content, None)
    }
}
