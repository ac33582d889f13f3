//! `OFD.xml`: which documents a package has, and what they say of themselves.

use super::ENTRY_FILE;
use super::{Error, xml};
use crate::{limits::Limits, report::shown};

/// Documents of one package.
const MAX_DOCUMENTS: usize = 16;

/// A document (`DocBody`). `Debug` shows neither its title nor the values of `CustomDatas`: holders and numbers are there.
#[derive(Clone, PartialEq, Eq)]
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

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = |text: &str| format!("{} bytes", text.len());
        let custom: Vec<(&str, String)> =
            self.custom.iter().map(|(name, value)| (name.as_str(), bytes(value))).collect();
        f.debug_struct("Document")
            .field("id", &self.id)
            .field("title", &self.title.as_deref().map(bytes))
            .field("created", &self.created)
            .field("creator", &self.creator)
            .field("custom", &custom)
            .field("root", &self.root)
            .field("signatures", &self.signatures)
            .finish()
    }
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
/// [`Error::Xml`], [`Error::TooLarge`].
pub fn documents(bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    let file = ENTRY_FILE;
    let root = xml::parse(bytes, "OFD", file, limits)?;
    let mut all = Vec::new();
    for body in root.all("DocBody") {
        if all.len() == MAX_DOCUMENTS {
            return Err(Error::too_large("documents of the package", all.len() + 1, MAX_DOCUMENTS));
        }
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
    if all.is_empty() {
        return Err(Error::xml(file, format!("0 documents; 1 to {MAX_DOCUMENTS} are read")));
    }
    Ok(all)
}
