//! `Signatures.xml` and `Signature.xml` (GB/T 33190 section 18).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Error, xml};
use crate::{limits::Limits, report::shown};

/// What a signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A seal was put on; what is meant where nothing is said.
    Seal,
    /// Signed without a seal.
    Sign,
}

/// A signature as `Signatures.xml` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number or name.
    pub id: String,
    /// With or without a seal.
    pub kind: Kind,
    /// Path of its `Signature.xml`, as written.
    pub location: String,
}

/// A file that a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its path, as written.
    pub location: String,
    /// What its digest has to be.
    pub digest: Vec<u8>,
}

/// Where a seal is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampPlace {
    /// The page's object id in `Document.xml`, as written; its place in the document is another matter.
    pub page: String,
    /// `x y width height` in millimetres, as written.
    pub boundary_mm: String,
}

/// What `Signature.xml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The software that made it.
    pub provider: Option<String>,
    /// Signature algorithm, as written.
    pub method: String,
    /// When, as written.
    pub time: Option<String>,
    /// Digest algorithm of the references, as written; MD5 where nothing is said.
    pub check_method: String,
    /// The files that it covers.
    pub references: Vec<Reference>,
    /// Where the seal is seen.
    pub places: Vec<StampPlace>,
    /// Path of the seal's own file, as written.
    pub seal: Option<String>,
    /// Path of the signature's value, as written.
    pub value: String,
}

/// Reads `Signatures.xml`. `file`: its path.
///
/// # Errors
/// [`Error::Xml`], [`Error::TooLarge`].
pub fn list(bytes: &[u8], file: &str, limits: &Limits) -> Result<Vec<Listed>, Error> {
    let root = xml::parse(bytes, "Signatures", file, limits)?;
    let mut all = Vec::new();
    for signature in root.all("Signature") {
        if all.len() == limits.signatures {
            return Err(Error::too_large("signatures of the document", all.len() + 1, limits.signatures));
        }
        let kind = match signature.attributes.get("Type").map(String::as_str) {
            None | Some("Seal") => Kind::Seal,
            Some("Sign") => Kind::Sign,
            Some(other) => return Err(Error::xml(file, format!("a signature of type {}", shown(other)))),
        };
        let location =
            signature.attributes.get("BaseLoc").ok_or_else(|| Error::xml(file, "a signature without BaseLoc"))?;
        let id = signature.attributes.get("ID").ok_or_else(|| Error::xml(file, "a signature without ID"))?;
        all.push(Listed { id: shown(id), kind, location: location.clone() });
    }
    let mut ids: Vec<&str> = all.iter().map(|listed| listed.id.as_str()).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::xml(file, "two signatures with one ID"));
    }
    Ok(all)
}

/// Reads `Signature.xml`. `file`: its path.
///
/// # Errors
/// [`Error::Xml`], [`Error::TooLarge`].
pub fn describe(bytes: &[u8], file: &str, limits: &Limits) -> Result<Description, Error> {
    let root = xml::parse(bytes, "Signature", file, limits)?;
    let info = root.needed("SignedInfo", file)?;
    let provider = info.only("Provider", file)?.and_then(|provider| provider.attributes.get("ProviderName"));
    let seal = match info.only("Seal", file)? {
        Some(seal) => seal.text_of("BaseLoc", file)?.map(str::to_owned),
        None => None,
    };
    let checked = info.needed("References", file)?;
    let mut references = Vec::new();
    for reference in checked.all("Reference") {
        if references.len() == limits.references {
            let what = format!("references of {}", shown(file));
            return Err(Error::too_large(what, references.len() + 1, limits.references));
        }
        let location =
            reference.attributes.get("FileRef").ok_or_else(|| Error::xml(file, "a Reference without FileRef"))?;
        let value: String = reference.needed("CheckValue", file)?.text.split_ascii_whitespace().collect();
        let digest = STANDARD.decode(value).map_err(|_| Error::xml(file, "a CheckValue that is not base64"))?;
        references.push(Reference { location: location.clone(), digest });
    }
    if references.is_empty() {
        return Err(Error::xml(file, "a signature over no file"));
    }
    let places = info.all("StampAnnot").count();
    if places > limits.places {
        return Err(Error::too_large(format!("places of the seal in {}", shown(file)), places, limits.places));
    }
    let place = |annotation: &xml::Element| {
        let attribute = |name| annotation.attributes.get(name).map_or(String::new(), |value| shown(value));
        StampPlace { page: attribute("PageRef"), boundary_mm: attribute("Boundary") }
    };
    Ok(Description {
        provider: provider.map(|name| shown(name)),
        method: info.needed("SignatureMethod", file)?.text.trim().to_owned(),
        time: info.text_of("SignatureDateTime", file)?.map(str::to_owned),
        check_method: checked.attributes.get("CheckMethod").map_or("MD5", String::as_str).trim().to_owned(),
        references,
        places: info.all("StampAnnot").map(place).collect(),
        seal,
        value: root.needed("SignedValue", file)?.text.trim().to_owned(),
    })
}
