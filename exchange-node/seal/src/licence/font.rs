//! The font of licences: "Exchange Licence Kai", a subset of LXGW WenKai under the SIL Open Font License 1.1
//! (`data/font/README.md`), and the smaller subset that a document embeds.

mod sfnt;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read},
    sync::OnceLock,
};

use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

use super::{Error, length::Length};

/// Family name; OFL keeps the original's name for the original.
pub(super) const FAMILY: &str = "Exchange Licence Kai";

const ARCHIVE: &[u8] = include_bytes!("../../data/font/licence-kai.zip");
const ENTRY: &str = "licence-kai.ttf";
const MAX_FONT_BYTES: u64 = 8 * 1024 * 1024;

static FONT: OnceLock<Result<Font, String>> = OnceLock::new();

/// A TrueType font in memory, some 4 MiB; unpacked once.
pub(super) struct Font {
    bytes: Vec<u8>,
    units_per_em: i64,
    ascent: i64,
    descent: i64,
}

fn broken(error: impl ToString) -> String {
    format!("font: {}", error.to_string())
}

impl Font {
    /// The one that belongs to this program.
    pub(super) fn built_in() -> Result<&'static Self, Error> {
        FONT.get_or_init(Self::unpack).as_ref().map_err(|detail| Error::Internal(detail.clone()))
    }

    fn unpack() -> Result<Self, String> {
        let mut archive = zip::ZipArchive::new(Cursor::new(ARCHIVE)).map_err(broken)?;
        let entry = archive.by_name(ENTRY).map_err(broken)?;
        let mut bytes = Vec::new();
        entry.take(MAX_FONT_BYTES).read_to_end(&mut bytes).map_err(broken)?;
        let face = Face::parse(&bytes, 0).map_err(broken)?;
        let (units_per_em, ascent, descent) =
            (i64::from(face.units_per_em()), i64::from(face.ascender()), i64::from(-face.descender()));
        Ok(Self { bytes, units_per_em, ascent, descent })
    }

    fn face(&self) -> Result<Face<'_>, Error> {
        Face::parse(&self.bytes, 0).map_err(|error| Error::Internal(broken(error)))
    }

    /// Looks characters up.
    pub(super) fn metrics(&self) -> Result<Metrics<'_>, Error> {
        Ok(Metrics { font: self, face: self.face()? })
    }

    /// A font with these characters alone, complete enough for readers that load it like any other: `cmap`, `name`,
    /// `OS/2` and `post` are there. Its glyphs stand in the order of the code points.
    pub(super) fn subset(&self, characters: &BTreeSet<char>) -> Result<Vec<u8>, Error> {
        let face = self.face()?;
        let mut remapper = GlyphRemapper::new();
        let mut map = BTreeMap::new();
        for character in characters {
            let glyph = face
                .glyph_index(*character)
                .ok_or_else(|| Error::Glyph { place: "the document".to_owned(), character: u32::from(*character) })?;
            map.insert(u32::from(*character), remapper.remap(glyph.0));
        }
        let outlines = subsetter::subset(&self.bytes, 0, &remapper).map_err(|error| Error::Internal(broken(error)))?;
        sfnt::complete(&outlines, &self.bytes, &map).ok_or_else(|| Error::Internal(broken("a table is not sound")))
    }
}

/// Widths of characters.
pub(super) struct Metrics<'a> {
    font: &'a Font,
    face: Face<'a>,
}

impl Metrics<'_> {
    /// Width of a character in units of the font; `None` where there is no glyph.
    pub(super) fn units(&self, character: char) -> Option<i64> {
        let glyph: GlyphId = self.face.glyph_index(character).filter(|glyph| glyph.0 != 0)?;
        self.face.glyph_hor_advance(glyph).map(i64::from)
    }

    /// So many units at that size.
    pub(super) const fn scaled(&self, units: i64, size: Length) -> Length {
        size.part(units, self.font.units_per_em)
    }

    /// From the top of a line to its base line.
    pub(super) const fn ascent(&self, size: Length) -> Length {
        size.part(self.font.ascent, self.font.units_per_em)
    }

    /// Height of a glyph's box.
    pub(super) const fn height(&self, size: Length) -> Length {
        size.part(self.font.ascent + self.font.descent, self.font.units_per_em)
    }
}

#[cfg(test)]
mod tests;
