//! Signed data (RFC 5652 section 5; GB/T 35275 section 8 has the same layout under its own object identifiers), as far
//! as time stamp tokens and signatures of `Type="Sign"` need it. Strict DER, one signer.

use der::{Tag, asn1::ObjectIdentifier};

use crate::{
    algorithm::Algorithm,
    asn1::{Error, Fields, to_der},
    certificate::Certificate,
    digest::DigestAlgorithm,
    limits::{MAX_CMS_CERTIFICATES, MAX_SIGNATURE_BYTES, MAX_TOKEN_BYTES},
};

const RFC_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const SIGNED_DATA: [ObjectIdentifier; 2] = [RFC_SIGNED_DATA, ObjectIdentifier::new_unwrap("1.2.156.10197.6.1.4.2.2")];
const RFC_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// Digest algorithms of one signer and of others that were there before.
const MAX_DIGESTS: usize = 8;
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// Signed data of one signer whose certificate is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedData {
    /// What the content is.
    pub(crate) content_type: ObjectIdentifier,
    /// The content, unless it is kept elsewhere.
    pub(crate) content: Option<Vec<u8>>,
    /// The signer's certificate.
    pub(crate) signer: Certificate,
    /// All certificates that came with it.
    pub(crate) certificates: Vec<Certificate>,
    /// Its digest algorithm.
    pub(crate) digest: DigestAlgorithm,
    algorithm: Algorithm,
    attributes: Option<Attributes>,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Attributes {
    /// As signed: with the tag of SET.
    der: Vec<u8>,
    content_type: ObjectIdentifier,
    message_digest: Vec<u8>,
}

/// Whether bytes look like signed data, and not like a bare signature value.
pub(crate) fn is_signed_data(der: &[u8]) -> bool {
    Fields::sequence(der, "ContentInfo")
        .is_ok_and(|mut f| f.oid("contentType").is_ok_and(|id| SIGNED_DATA.contains(&id)))
}

impl SignedData {
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_TOKEN_BYTES {
            return Err(Error::new("ContentInfo", format!("{} bytes; at most {MAX_TOKEN_BYTES} are read", der.len())));
        }
        let mut outer = Fields::sequence(der, "ContentInfo")?;
        let id = outer.oid("contentType")?;
        if !SIGNED_DATA.contains(&id) {
            return Err(outer.error("contentType", format!("{id} is no signed data")));
        }
        let inside = outer.tagged("content", 0)?.ok_or_else(|| outer.error("content", "is missing"))?;
        outer.finish()?;
        let mut body = Fields::sequence(inside, "SignedData")?;
        let version = body.integer("version")?;
        let mut digests = Vec::new();
        let mut set = Fields::of(body.raw("digestAlgorithms")?, Tag::Set, "digestAlgorithms")?;
        while !set.is_finished() && digests.len() < MAX_DIGESTS {
            digests.push(algorithm(&mut set, "digestAlgorithm")?);
        }
        set.finish()?;
        let (content_type, content) = content(body.nested("encapContentInfo")?)?;
        // RFC 5652 section 5.1; what GB/T 35275 says is not known here for every content.
        let versions: &[u16] = match (id == RFC_SIGNED_DATA, content_type == RFC_DATA) {
            (true, true) => &[1],
            (true, false) => &[3],
            (false, _) => &[1, 3],
        };
        if !versions.contains(&version) {
            return Err(body.error("version", format!("is {version}; {} is needed", versions[0])));
        }
        let mut certificates = Vec::new();
        if let Some(set) = body.tagged("certificates", 0)? {
            let mut set = Fields::inside(set, "certificates")?;
            if set.count()? > MAX_CMS_CERTIFICATES {
                return Err(body.error("certificates", format!("more than {MAX_CMS_CERTIFICATES}")));
            }
            while !set.is_finished() {
                certificates.push(Certificate::parse(set.raw("certificate")?)?);
            }
        }
        body.tagged("crls", 1)?;
        let mut infos = Fields::of(body.raw("signerInfos")?, Tag::Set, "signerInfos")?;
        body.finish()?;
        let info = infos.nested("SignerInfo")?;
        infos.finish()?;
        let found = Self::signer_info(info, content_type, content, certificates)?;
        // Nothing signs this list; RFC 5652 section 5.1 lets a reader refuse what is not in it.
        if !digests.iter().any(|one| DigestAlgorithm::from_oid(*one).is_ok_and(|digest| digest == found.digest)) {
            return Err(Error::new("SignedData.digestAlgorithms", "the signer's is not among them"));
        }
        Ok(found)
    }

    fn signer_info(
        mut info: Fields<'_>,
        content_type: ObjectIdentifier,
        content: Option<Vec<u8>>,
        certificates: Vec<Certificate>,
    ) -> Result<Self, Error> {
        let version = info.integer("version")?;
        if version != 1 {
            return Err(info.error("version", format!("is {version}; 1 is needed beside issuer and serial")));
        }
        let mut by = info.nested("issuerAndSerialNumber")?;
        let issuer = by.raw("issuer")?;
        let serial = by.integer_bytes("serialNumber")?;
        by.finish()?;
        let signer = certificates
            .iter()
            .find(|c| c.issuer_der == issuer && c.serial == serial)
            .cloned()
            .ok_or_else(|| info.error("issuerAndSerialNumber", "names a certificate that is not in it"))?;
        let digest = DigestAlgorithm::from_oid(algorithm(&mut info, "digestAlgorithm")?)
            .map_err(|e| info.error("digestAlgorithm", e))?;
        let attributes = match info.tagged("signedAttrs", 0)? {
            None => None,
            Some(set) => Some(attributes(set)?),
        };
        let oid = algorithm(&mut info, "signatureAlgorithm")?;
        let algorithm = Algorithm::from_cms(oid, digest).map_err(|e| info.error("signatureAlgorithm", e))?;
        let signature = info.octets("signature", MAX_SIGNATURE_BYTES)?.to_vec();
        info.tagged("unsignedAttrs", 1)?;
        info.finish()?;
        Ok(Self { content_type, content, signer, certificates, digest, algorithm, attributes, signature })
    }

    /// The signature is the signer's, over this content. `also`: another digest that the attributes may name.
    pub(crate) fn verify(&self, content: &[u8], also: Option<&[u8]>) -> Result<(), String> {
        let Some(attributes) = &self.attributes else {
            return self.algorithm.verify(&self.signer.key, content, &self.signature).map_err(|e| e.to_string());
        };
        if attributes.content_type != self.content_type {
            return Err("the signed attributes name another content type".to_owned());
        }
        let digest = self.digest.digest(content);
        if attributes.message_digest != digest && Some(attributes.message_digest.as_slice()) != also {
            return Err("the signed attributes name another digest than the content's".to_owned());
        }
        self.algorithm.verify(&self.signer.key, &attributes.der, &self.signature).map_err(|e| e.to_string())
    }

    /// For messages.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn content(mut fields: Fields<'_>) -> Result<(ObjectIdentifier, Option<Vec<u8>>), Error> {
    let kind = fields.oid("eContentType")?;
    let inside = match fields.tagged("eContent", 0)? {
        None => None,
        Some(inside) => {
            let mut inside = Fields::inside(inside, "eContent")?;
            let octets = inside.octets("octets", MAX_TOKEN_BYTES)?.to_vec();
            inside.finish()?;
            Some(octets)
        }
    };
    fields.finish()?;
    Ok((kind, inside))
}

/// The object identifier of an AlgorithmIdentifier; parameters may be absent or NULL.
pub(crate) fn algorithm(fields: &mut Fields<'_>, field: &'static str) -> Result<ObjectIdentifier, Error> {
    let mut inside = fields.nested(field)?;
    let oid = inside.oid("algorithm")?;
    if !inside.is_finished() {
        inside.raw("parameters")?;
    }
    inside.finish()?;
    Ok(oid)
}

fn attributes(set: &[u8]) -> Result<Attributes, Error> {
    let any = der::asn1::AnyRef::new(Tag::Set, set).map_err(|e| Error::new("signedAttrs", crate::asn1::plain(e)))?;
    let (mut content_type, mut message_digest) = (None, None);
    let mut all = Fields::inside(set, "signedAttrs")?;
    while !all.is_finished() {
        let mut one = all.nested("Attribute")?;
        let id = one.oid("attrType")?;
        let mut values = Fields::of(one.raw("attrValues")?, Tag::Set, "attrValues")?;
        one.finish()?;
        let twice = match id {
            CONTENT_TYPE => content_type.replace(values.oid("contentType")?).is_some(),
            MESSAGE_DIGEST => message_digest.replace(values.octets("messageDigest", 64)?.to_vec()).is_some(),
            _ => continue,
        };
        values.finish()?;
        if twice {
            return Err(Error::new("signedAttrs", "an attribute stands twice"));
        }
    }
    match (content_type, message_digest) {
        (Some(content_type), Some(message_digest)) => {
            Ok(Attributes { der: to_der(&any, "signedAttrs")?, content_type, message_digest })
        }
        _ => Err(Error::new("signedAttrs", "contentType and messageDigest are needed")),
    }
}
