//! Templates: how a licence of a type looks, as data. TOML, version 1; lengths in millimetres from the page's upper left
//! corner.

mod check;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Error,
    length::{Colour, Length},
};

/// The version that is read.
pub const VERSION: u32 = 1;
/// Bytes of a template.
pub const MAX_TEMPLATE_BYTES: usize = 128 * 1024;

/// Templates that belong to this program, by name.
const BUILT_IN: [(&str, &str); 4] = [
    ("business-licence", include_str!("../../data/templates/business-licence.toml")),
    ("food-business-licence", include_str!("../../data/templates/food-business-licence.toml")),
    ("real-estate-certificate", include_str!("../../data/templates/real-estate-certificate.toml")),
    ("road-transport-licence", include_str!("../../data/templates/road-transport-licence.toml")),
];

/// Names of the templates that belong to this program.
#[must_use]
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

/// A template that was read and checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    version: u32,
    /// Lower case letters, digits and hyphens.
    pub(super) name: String,
    /// Name of the document.
    pub(super) title: String,
    /// Width, height.
    pub(super) page: [Length; 2],
    /// How texts look, by name.
    pub(super) style: BTreeMap<String, Style>,
    /// Areas, in this order under everything else.
    #[serde(default)]
    pub(super) rectangle: Vec<Rectangle>,
    /// Guilloches.
    #[serde(default)]
    pub(super) wave: Vec<Wave>,
    /// Lines.
    #[serde(default)]
    pub(super) line: Vec<Line>,
    /// Texts that are always the same.
    #[serde(default)]
    pub(super) text: Vec<Text>,
    /// Values of a certificate.
    pub(super) field: Vec<Field>,
    /// Where the seal goes; on the first page.
    pub(super) seal: Area,
    /// Where the QR code goes: left, top, side.
    pub(super) code: Square,
    /// Where a value goes on that is too long for its field.
    pub(super) continuation: Option<Continuation>,
}

/// Left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "[Length; 4]")]
pub(super) struct Area {
    pub(super) x: Length,
    pub(super) y: Length,
    pub(super) width: Length,
    pub(super) height: Length,
}

impl From<[Length; 4]> for Area {
    fn from([x, y, width, height]: [Length; 4]) -> Self {
        Self { x, y, width, height }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(from = "[Length; 3]")]
pub(super) struct Square {
    pub(super) x: Length,
    pub(super) y: Length,
    pub(super) side: Length,
}

impl From<[Length; 3]> for Square {
    fn from([x, y, side]: [Length; 3]) -> Self {
        Self { x, y, side }
    }
}

/// How text looks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Style {
    /// Font size.
    pub(super) size: Length,
    /// Down to here a text shrinks that does not fit.
    pub(super) min_size: Option<Length>,
    /// Distance of lines in hundredths of the size.
    #[serde(default = "leading")]
    pub(super) leading: i64,
    #[serde(default)]
    pub(super) align: Align,
    #[serde(default)]
    pub(super) vertical: Vertical,
    #[serde(default = "black")]
    pub(super) colour: Colour,
    /// Between two characters.
    #[serde(default)]
    pub(super) spacing: Length,
}

const fn leading() -> i64 {
    140
}

const fn black() -> Colour {
    Colour::BLACK
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Align {
    #[default]
    Left,
    Centre,
    Right,
    /// One line over the whole width, as labels of licences are set (分散对齐).
    Spread,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Vertical {
    Top,
    #[default]
    Middle,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rectangle {
    pub(super) at: Area,
    pub(super) fill: Option<Colour>,
    pub(super) stroke: Option<Colour>,
    #[serde(default)]
    pub(super) stroke_width: Length,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) from: [Length; 2],
    pub(super) to: [Length; 2],
    pub(super) colour: Colour,
    pub(super) width: Length,
}

/// Waves that cross one another, along the longer side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wave {
    pub(super) at: Area,
    /// How many waves.
    pub(super) lines: i64,
    /// Half waves along the longer side.
    pub(super) halves: i64,
    pub(super) colour: Colour,
    pub(super) width: Length,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub(super) at: Area,
    pub(super) style: String,
    pub(super) text: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    /// Short name: a field of the type, or of the metadata (`ZZBS`, `ZZBFJG`, …).
    pub(super) name: String,
    pub(super) at: Area,
    pub(super) style: String,
    /// Before the value, in the first `label_width`.
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) label_width: Length,
    pub(super) label_style: Option<String>,
    /// Lines around label and value.
    pub(super) cell: Option<Colour>,
    #[serde(default)]
    pub(super) format: Format,
    /// No licence without a value.
    #[serde(default)]
    pub(super) required: bool,
    /// What stands there without a value.
    #[serde(default)]
    pub(super) otherwise: String,
    #[serde(default)]
    pub(super) overflow: Overflow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Text,
    /// `2026-11-25` is written 2026年11月25日; what is no date stays.
    Date,
}

/// What happens to a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Overflow {
    /// No licence.
    #[default]
    Refuse,
    /// The field has its beginning, a page behind (附页) all of it.
    Continue,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Continuation {
    pub(super) at: Area,
    /// Of the heading.
    pub(super) heading: String,
    /// Of the value.
    pub(super) style: String,
}

impl Template {
    /// One of those that belong to this program.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`].
    pub fn built_in(name: &str) -> Result<Self, Error> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| Error::UnknownTemplate(crate::report::shown(name)))?;
        Self::parse(text)
    }

    /// Reads a template and checks all of it: bounds, names, styles, and that the font has every character.
    ///
    /// # Errors
    /// [`Error::Template`] with the line or the part that is wrong, [`Error::Glyph`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |detail: String| Error::Template { name: "(not read)".to_owned(), detail };
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(wrong(format!("{} bytes; at most {MAX_TEMPLATE_BYTES} are read", text.len())));
        }
        let template: Self = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        check::check(&template)?;
        Ok(template)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the document, for example 营业执照.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Short names of the fields that it shows.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.field.iter().map(|field| field.name.as_str())
    }

    /// A checked template has every style that it names.
    pub(super) fn style(&self, name: &str) -> Result<&Style, Error> {
        self.style.get(name).ok_or_else(|| self.wrong(format!("there is no style {name}")))
    }

    pub(super) fn wrong(&self, detail: String) -> Error {
        Error::Template { name: crate::report::shown(&self.name), detail }
    }
}
