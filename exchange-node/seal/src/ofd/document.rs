//! `OFD.xml`: which documents a package has, and what they say of themselves.

use super::ENTRY_FILE;
use super::{Error, xml};
use crate::{limits::Limits, report::shown};

/// Documents of one package.
const MAX_DOCUMENTS: usize = 16;

/// A document (`DocBody`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `DocID`.
    pub id: Option<String>,
    /// `Title`.
    pub title: Option<String>,
    /// `CreationDate`, as written.
    pub created: Option<String>,
    /// `Creator`: the software.
    pub creator: Option<String>,
    /// `CustomDatas`, among them the metadata of a certificate (GB/T 36903); name and value, as written.
    pub custom: Vec<(String, String)>,
    /// Path of `Document.xml`, as written.
    pub root: String,
    /// Path of `Signatures.xml`, as written; `None` in a document without signatures.
    pub signatures: Option<String>,
}

impl Document {
    /// What `CustomDatas` say under this name, as written; a name may stand several times.
    pub fn custom<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.custom.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Reads `OFD.xml`.
///
/// # Errors
/// [`Error::Xml`].
pub fn documents(bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    let file = ENTRY_FILE;
    let root = xml::parse(bytes, "OFD", file, limits)?;
    let mut all = Vec::new();
    for body in root.all("DocBody") {
        let info = body.needed("DocInfo", file)?;
        let text = |name| Ok::<_, Error>(info.text_of(name, file)?.map(shown));
        let custom = info.only("CustomDatas", file)?.map_or(Vec::new(), |datas| {
            let name = |data: &xml::Element| data.attributes.get("Name").map_or(String::new(), |name| shown(name));
            datas.all("CustomData").map(|data| (name(data), shown(data.text.trim()))).collect()
        });
        all.push(Document {
            id: text("DocID")?,
            title: text("Title")?,
            created: text("CreationDate")?,
            creator: text("Creator")?,
            custom,
            root: body.needed("DocRoot", file)?.text.trim().to_owned(),
            signatures: body.text_of("Signatures", file)?.filter(|path| !path.is_empty()).map(str::to_owned),
        });
    }
    if all.is_empty() || all.len() > MAX_DOCUMENTS {
        return Err(Error::xml(file, format!("{} documents; 1 to {MAX_DOCUMENTS} are read", all.len())));
    }
    Ok(all)
}
