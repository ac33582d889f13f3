//! Seals (`SESeal`, 电子印章) and seal signatures (`SES_Signature`, 电子签章): GM/T 0031-2014 (v1), GB/T 38540-2020 (v4),
//! GM/T 0031-2025 (v5).
//!
//! The three differ in structure, and that is how they are told apart: a v1 seal has two parts, v4 four, v5 four and a
//! time stamp. The version that is written inside has to agree.
//!
//! DER is read strictly, with one exception that real seals need: `critical BOOLEAN DEFAULT FALSE` may be written out.

use der::{Tag, asn1::ObjectIdentifier};
use exchange_core::chain::Instant;

use crate::{
    algorithm::{self, Algorithm},
    asn1::{Error, Fields},
    digest::DigestAlgorithm,
    limits::{
        MAX_CERTIFICATE_BYTES, MAX_EXTENSION_BYTES, MAX_EXTENSIONS, MAX_LISTED_SIGNERS, MAX_PICTURE_BYTES,
        MAX_SEAL_BYTES, MAX_SIGNATURE_BYTES, MAX_TEXT_BYTES, MAX_TOKEN_BYTES,
    },
};

mod signature;

pub use signature::{SealSignature, TimeInfo};

/// Which standard a seal or a signature is written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// GM/T 0031-2014.
    V1,
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2025.
    V5,
}

impl Version {
    /// As written in `header.version` and `TBS_Sign.version`.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::V1 => 1,
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }

    /// The standard's name.
    #[must_use]
    pub const fn standard(self) -> &'static str {
        match self {
            Self::V1 => "GM/T 0031-2014",
            Self::V4 => "GB/T 38540-2020",
            Self::V5 => "GM/T 0031-2025",
        }
    }
}

/// Who may use a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerList {
    /// Their certificates, DER.
    Certificates(Vec<Vec<u8>>),
    /// Digests of their certificates: the digest's name as written, and its value.
    Digests(Vec<(String, Vec<u8>)>),
}

/// The picture of a seal. It is not decoded here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `PNG`, `GIF`, `ofd` and so on, as written.
    pub format: String,
    /// The file.
    pub data: Vec<u8>,
    /// Millimetres.
    pub width_mm: u16,
    /// Millimetres.
    pub height_mm: u16,
}

/// An extension of a seal or a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// What it is.
    pub id: ObjectIdentifier,
    /// Whoever does not understand it must refuse.
    pub critical: bool,
    /// Its value.
    pub value: Vec<u8>,
}

/// A seal, read but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The bytes as they came.
    pub der: Vec<u8>,
    /// By its structure.
    pub version: Version,
    /// Who wrote the software, `header.Vid`.
    pub vendor: String,
    /// The seal's number, `esID` (印章标识).
    pub id: String,
    /// Kind of seal, as numbered by the standard.
    pub kind: u16,
    /// The seal's name (印章名称).
    pub name: String,
    /// Who may use it.
    pub signers: SignerList,
    /// When it was made.
    pub created: Instant,
    /// First moment of use.
    pub valid_from: Instant,
    /// Last moment of use.
    pub valid_to: Instant,
    /// What is seen of it.
    pub picture: Picture,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// The maker's certificate, DER (制章者证书).
    pub maker: Vec<u8>,
    /// As written.
    pub algorithm: ObjectIdentifier,
    /// What the maker signed.
    pub signed: Vec<u8>,
    /// The maker's signature over it.
    pub signature: Vec<u8>,
    /// Time stamp token over the signature, v5.
    pub token: Option<Vec<u8>>,
}

impl Seal {
    /// Reads one, DER, with nothing behind it.
    ///
    /// # Errors
    /// The first field that is not as the standard says, or larger than is read.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_SEAL_BYTES {
            return Err(Error::new("SESeal", format!("{} bytes; at most {MAX_SEAL_BYTES} are read", der.len())));
        }
        let mut parts = Fields::sequence(der, "SESeal")?;
        let count = parts.count()?;
        let info = parts.raw("eSealInfo")?;
        let (maker, algorithm, signature, token, signed) = match count {
            2 => {
                let mut by = parts.nested("signInfo")?;
                // v1 signs SEQUENCE { eSealInfo, cert, signatureAlgorithm }: the maker's certificate is covered.
                let mut covered = info.to_vec();
                let mut ahead = by.clone();
                covered.extend_from_slice(ahead.raw("cert")?);
                covered.extend_from_slice(ahead.raw("signatureAlgorithm")?);
                let maker = by.octets("cert", MAX_CERTIFICATE_BYTES)?;
                let algorithm = by.oid("signatureAlgorithm")?;
                let signature = by.bits("signData", MAX_SIGNATURE_BYTES)?;
                by.finish()?;
                (maker, algorithm, signature, None, sequence(&covered)?)
            }
            4 | 5 => {
                let maker = parts.octets("cert", MAX_CERTIFICATE_BYTES)?;
                let algorithm = parts.oid("signAlgID")?;
                let signature = parts.bits("signedValue", MAX_SIGNATURE_BYTES)?;
                let token = token(&mut parts)?;
                (maker, algorithm, signature, token, info.to_vec())
            }
            other => return Err(Error::new("SESeal", format!("{other} parts; v1 has 2, v4 4, v5 4 or 5"))),
        };
        parts.finish()?;
        let mut info = Fields::sequence(info, "SES_SealInfo")?;
        let (version, vendor) = header(info.nested("header")?, count)?;
        if token.is_some() && version != Version::V5 {
            return Err(Error::new("SESeal.timeStamp", "only a v5 seal has one"));
        }
        let id = info.ia5("esID", MAX_TEXT_BYTES)?.to_owned();
        let property = Property::parse(info.nested("property")?, version)?;
        let picture = picture(info.nested("picture")?)?;
        let extensions = extensions(&mut info)?;
        info.finish()?;
        Ok(Self {
            der: der.to_vec(),
            version,
            vendor,
            id,
            kind: property.kind,
            name: property.name,
            signers: property.signers,
            created: property.created,
            valid_from: property.valid_from,
            valid_to: property.valid_to,
            picture,
            extensions,
            maker: maker.to_vec(),
            algorithm,
            signed,
            signature: signature.to_vec(),
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

    /// Whether it lists a certificate, DER, as one that may use it: byte for byte, or by digest. A digest whose name is
    /// not known is taken to be the one that goes with the seal's algorithm.
    #[must_use]
    pub fn lists(&self, certificate: &[u8]) -> bool {
        match &self.signers {
            SignerList::Certificates(all) => all.iter().any(|listed| listed == certificate),
            SignerList::Digests(all) => {
                let own = self.algorithm().map_or(DigestAlgorithm::Sm3, Algorithm::data_digest);
                all.iter()
                    .any(|(name, value)| DigestAlgorithm::from_name(name).unwrap_or(own).digest(certificate) == *value)
            }
        }
    }
}

impl SignerList {
    /// How many it has.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self {
            Self::Certificates(all) => all.len(),
            Self::Digests(all) => all.len(),
        }
    }
}

/// A v1 seal has two parts, the others four or five, whatever the header says: both must agree.
fn header(mut fields: Fields<'_>, parts: usize) -> Result<(Version, String), Error> {
    let id = fields.ia5("ID", 16)?;
    if id != "ES" {
        return Err(fields.error("ID", "is not \"ES\""));
    }
    let version = match (fields.integer("version")?, parts) {
        (1, 2) => Version::V1,
        (4, 4) => Version::V4,
        (5, 4 | 5) => Version::V5,
        (number, _) => {
            return Err(fields.error("version", format!("{number} does not go with a seal of {parts} parts")));
        }
    };
    let vendor = fields.ia5("Vid", MAX_TEXT_BYTES)?.to_owned();
    fields.finish()?;
    Ok((version, vendor))
}

struct Property {
    kind: u16,
    name: String,
    signers: SignerList,
    created: Instant,
    valid_from: Instant,
    valid_to: Instant,
}

impl Property {
    fn parse(mut fields: Fields<'_>, version: Version) -> Result<Self, Error> {
        let kind = fields.integer("type")?;
        let name = fields.utf8("name", MAX_TEXT_BYTES)?.to_owned();
        let (list_type, time) = match version {
            Version::V1 => (1, Tag::UtcTime),
            Version::V4 | Version::V5 => (fields.integer("certListType")?, Tag::GeneralizedTime),
        };
        let mut list = fields.nested("certList")?;
        let count = list.count()?;
        if count == 0 || count > MAX_LISTED_SIGNERS {
            return Err(fields.error("certList", format!("{count} signers; 1 to {MAX_LISTED_SIGNERS} are read")));
        }
        let signers = match list_type {
            1 => {
                let mut all = Vec::with_capacity(count);
                while !list.is_finished() {
                    all.push(list.octets("cert", MAX_CERTIFICATE_BYTES)?.to_vec());
                }
                SignerList::Certificates(all)
            }
            2 => {
                let mut all = Vec::with_capacity(count);
                while !list.is_finished() {
                    let mut one = list.nested("CertDigestObj")?;
                    let name = one.printable("type", 64)?.to_owned();
                    all.push((name, one.octets("value", 64)?.to_vec()));
                    one.finish()?;
                }
                SignerList::Digests(all)
            }
            other => return Err(fields.error("certListType", format!("{other}; 1 or 2 is needed"))),
        };
        let created = fields.time("createDate", time)?;
        let valid_from = fields.time("validStart", time)?;
        let valid_to = fields.time("validEnd", time)?;
        if valid_from > valid_to {
            return Err(fields.error("validEnd", "is before validStart"));
        }
        fields.finish()?;
        Ok(Self { kind, name, signers, created, valid_from, valid_to })
    }
}

fn picture(mut fields: Fields<'_>) -> Result<Picture, Error> {
    let format = fields.ia5("type", 32)?.to_owned();
    let data = fields.octets("data", MAX_PICTURE_BYTES)?.to_vec();
    let picture = Picture { format, data, width_mm: fields.integer("width")?, height_mm: fields.integer("height")? };
    fields.finish()?;
    Ok(picture)
}

/// `ExtensionDatas OPTIONAL`: vendors write it bare or as `[0] EXPLICIT`.
fn extensions(fields: &mut Fields<'_>) -> Result<Vec<Extension>, Error> {
    let mut list = match fields.tagged("extDatas", 0)? {
        Some(inside) => Fields::sequence(inside, "extDatas")?,
        None if fields.is_finished() => return Ok(Vec::new()),
        None => fields.nested("extDatas")?,
    };
    if list.count()? > MAX_EXTENSIONS {
        return Err(fields.error("extDatas", format!("more than {MAX_EXTENSIONS}")));
    }
    let mut all = Vec::new();
    while !list.is_finished() {
        let mut one = list.nested("ExtData")?;
        let id = one.oid("extnID")?;
        let critical = one.peek() == Some(Tag::Boolean) && one.boolean("critical")?;
        all.push(Extension { id, critical, value: one.octets("extnValue", MAX_EXTENSION_BYTES)?.to_vec() });
        one.finish()?;
    }
    Ok(all)
}

/// `timeStamp [0] EXPLICIT BIT STRING OPTIONAL`.
fn token(fields: &mut Fields<'_>) -> Result<Option<Vec<u8>>, Error> {
    let Some(inside) = fields.tagged("timeStamp", 0)? else { return Ok(None) };
    let mut inside = Fields::inside(inside, "timeStamp")?;
    let token = inside.bits("token", MAX_TOKEN_BYTES)?.to_vec();
    inside.finish()?;
    Ok(Some(token))
}

/// A SEQUENCE around values that are DER already.
fn sequence(content: &[u8]) -> Result<Vec<u8>, Error> {
    let any =
        der::asn1::AnyRef::new(Tag::Sequence, content).map_err(|e| Error::new("SESeal", crate::asn1::plain(e)))?;
    crate::asn1::to_der(&any, "SESeal")
}
