//! Where a seal is seen: on which page, and whether it lies on it.

use std::io::{Read, Seek};

use super::{Error, stamp::Place};
use crate::ofd::{self, Area, Package, Pages};

/// A place as `StampAnnot` writes it.
pub(super) struct Annotation {
    pub(super) page: String,
    pub(super) boundary: String,
}

/// `root`: the document's `Document.xml`.
pub(super) fn annotations<R: Read + Seek>(
    package: &mut Package<R>,
    root: usize,
    places: &[Place],
) -> Result<Vec<Annotation>, Error> {
    let limits = *package.limits();
    if places.is_empty() || places.len() > limits.places {
        return Err(Error::Place(format!("{} places; 1 to {} are needed", places.len(), limits.places)));
    }
    let file = package.name(root).to_owned();
    let pages = ofd::pages(&package.read(root, limits.xml_bytes)?, &file, &limits)?;
    places.iter().map(|place| annotation(package, &file, &pages, *place)).collect()
}

fn annotation<R: Read + Seek>(
    package: &mut Package<R>,
    document: &str,
    pages: &Pages,
    place: Place,
) -> Result<Annotation, Error> {
    let refused = |detail: String| Err(Error::Place(detail));
    let Some(page) = place.page.checked_sub(1).and_then(|index| pages.pages.get(index)) else {
        return refused(format!("there is no page {}; the document has {}", place.page, pages.pages.len()));
    };
    let numbers = [place.x_mm, place.y_mm, place.width_mm, place.height_mm];
    if !numbers.iter().all(|number| number.is_finite()) || place.width_mm <= 0.0 || place.height_mm <= 0.0 {
        return refused("x, y, width and height are numbers of millimetres, the last two above 0".to_owned());
    }
    let own = own_area(package, document, &page.location)?;
    if let Some(area) = own.or(pages.area) {
        // A seal over the edge is cut off (骑缝章 are); one that is not on the page at all is a mistake.
        let is_on = place.x_mm < area.x + area.width
            && place.y_mm < area.y + area.height
            && place.x_mm + place.width_mm > area.x
            && place.y_mm + place.height_mm > area.y;
        if !is_on {
            return refused(format!("not on page {}, which has {} x {} mm", place.page, area.width, area.height));
        }
    }
    let boundary = numbers.map(|number| ((number * 1000.0).round() / 1000.0).to_string()).join(" ");
    Ok(Annotation { page: page.id.clone(), boundary })
}

/// What the page itself says. A page that is too large to be read as XML is taken to be as large as the others.
fn own_area<R: Read + Seek>(package: &mut Package<R>, document: &str, page: &str) -> Result<Option<Area>, Error> {
    let limits = *package.limits();
    let found = package.locate(document, page)?;
    let name = package.name(found.index).to_owned();
    match package.read(found.index, limits.xml_bytes) {
        Ok(bytes) => Ok(ofd::page_area(&bytes, &name, &limits)?),
        Err(ofd::Error::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
