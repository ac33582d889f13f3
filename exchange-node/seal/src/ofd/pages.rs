//! `Document.xml`: which pages a document has, and how large they are (GB/T 33190 sections 7.5 and 7.7).

use super::{Error, xml};
use crate::limits::Limits;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its object id, as `PageRef` names it.
    pub id: String,
    /// Path of its content, as written.
    pub location: String,
}

/// An area in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// To the right.
    pub width: f64,
    /// Downwards.
    pub height: f64,
}

/// The pages of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Pages {
    /// In order.
    pub pages: Vec<Page>,
    /// How large a page is that says nothing itself.
    pub area: Option<Area>,
}

/// Reads `Document.xml`. `file`: its path.
///
/// # Errors
/// [`Error::Xml`].
pub fn pages(bytes: &[u8], file: &str, limits: &Limits) -> Result<Pages, Error> {
    let root = xml::parse(bytes, "Document", file, limits)?;
    let area = physical_box(root.needed("CommonData", file)?.only("PageArea", file)?, file)?;
    let mut pages = Vec::new();
    for page in root.needed("Pages", file)?.all("Page") {
        let attribute = |name: &str| {
            page.attributes.get(name).cloned().ok_or_else(|| Error::xml(file, format!("a page without {name}")))
        };
        pages.push(Page { id: attribute("ID")?, location: attribute("BaseLoc")? });
    }
    Ok(Pages { pages, area })
}

/// What a page says of its own size: `Content.xml`.
///
/// # Errors
/// [`Error::Xml`].
pub fn page_area(bytes: &[u8], file: &str, limits: &Limits) -> Result<Option<Area>, Error> {
    let root = xml::parse(bytes, "Page", file, limits)?;
    physical_box(root.only("Area", file)?, file)
}

fn physical_box(area: Option<&xml::Element>, file: &str) -> Result<Option<Area>, Error> {
    let text = match area {
        Some(area) => area.text_of("PhysicalBox", file)?,
        None => None,
    };
    let Some(text) = text else { return Ok(None) };
    let numbers: Vec<f64> = text.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
    match numbers.as_slice() {
        [x, y, width, height] if numbers.iter().all(|number| number.is_finite()) => {
            Ok(Some(Area { x: *x, y: *y, width: *width, height: *height }))
        }
        _ => Err(Error::xml(file, "a PhysicalBox that is not four numbers")),
    }
}
