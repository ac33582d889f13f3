//! What stands in the way of a licence.

/// Why there is no document. No text has a value of the certificate in it; a character is named by its code point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The template cannot be used.
    #[error("template {name}: {detail}")]
    Template {
        /// Which one, as far as it is known.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// There is no template of that name.
    #[error("no template is named {0}; there are {known}", known = super::template::names().join(", "))]
    UnknownTemplate(String),
    /// A field that the template needs has no value.
    #[error("the template needs the field {0}, which has no value")]
    MissingValue(String),
    /// A character that the font does not have. A licence never has a gap in its place.
    #[error("{place} has the character U+{character:04X}, which the font of licences does not have")]
    Glyph {
        /// Short name of the field, or where else it is.
        place: String,
        /// Code point.
        character: u32,
    },
    /// A control character, or a line break where there may be none.
    #[error("{place} has the control character U+{character:04X}")]
    Control {
        /// Short name of the field, or where else it is.
        place: String,
        /// Code point.
        character: u32,
    },
    /// A code point that XML 1.0 does not have (section 2.2, `Char`).
    #[error("{place} has U+{character:04X}, which is no character of XML")]
    NotXml {
        /// Short name of the field, or where else it is.
        place: String,
        /// Code point.
        character: u32,
    },
    /// A value that does not fit at the smallest size.
    #[error("{place} does not fit: at the smallest size {found} are needed, and there is room for {limit}")]
    TooLong {
        /// Short name of the field, or where else it is.
        place: String,
        /// What is needed, with its unit.
        found: String,
        /// What there is.
        limit: usize,
    },
    /// The font that belongs to this program, or what is written, is not sound: a fault of this program.
    #[error("the document cannot be made: {0}")]
    Internal(String),
}
