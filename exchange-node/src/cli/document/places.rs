//! Where a seal is seen, for people: a document names a page by its object id, a person by its place.

use exchange_seal::{
    Limits,
    ofd::{self, ENTRY_FILE, Package},
    report::SignatureReport,
};
use std::{
    collections::BTreeMap,
    io::{Read, Seek},
};

/// Places of pages by their ids. Empty where the package has another number of documents than one, whose ids may be alike,
/// or cannot be read: then the ids have to do.
#[derive(Debug, Default)]
pub(super) struct PageNumbers(BTreeMap<String, usize>);

impl PageNumbers {
    pub(super) fn read<R: Read + Seek>(package: R) -> Self {
        Self::of(package).unwrap_or_default()
    }

    fn of<R: Read + Seek>(package: R) -> Result<Self, ofd::Error> {
        let limits = Limits::DEFAULT;
        let mut package = Package::open(package, limits)?;
        let entry = package.locate("", ENTRY_FILE)?.index;
        let documents = ofd::documents(&package.read(entry, limits.xml_bytes)?, &limits)?;
        let [document] = documents.as_slice() else { return Ok(Self::default()) };
        let root = package.locate(ENTRY_FILE, &document.root)?.index;
        let name = package.name(root).to_owned();
        let pages = ofd::pages(&package.read(root, limits.xml_bytes)?, &name, &limits)?.pages;
        let count = pages.len();
        let places: BTreeMap<String, usize> =
            pages.into_iter().zip(1..).map(|(page, place)| (page.id, place)).collect();
        // Of two pages with one id nobody knows which is meant.
        Ok(if places.len() == count { Self(places) } else { Self::default() })
    }

    /// `page 1 at 140 200 40 40 mm; …`
    pub(super) fn seen_on(&self, signature: &SignatureReport) -> String {
        let places = signature.places.iter().map(|place| {
            let page = match self.0.get(&place.page) {
                Some(number) => format!("page {number}"),
                None => format!("page id {}", place.page),
            };
            format!("{page} at {} mm", place.boundary_mm)
        });
        places.collect::<Vec<_>>().join("; ")
    }
}
