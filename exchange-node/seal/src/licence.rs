//! Licences as documents (版式文件): a template and a certificate's values in, an OFD (GB/T 33190-2016) or an SVG out.
//!
//! Pure: no clock, no file. The same template and values make the same bytes on every machine. A document has
//! - the page: frame, texts, fields, QR code ([`Code`]), room for the seal;
//! - its metadata (GB/T 36903-2018) in `CustomDatas`;
//! - the font's glyphs that it uses ("Exchange Licence Kai", SIL OFL 1.1), so that it looks the same in every reader.
//!
//! A character that the font does not have is an error, never a gap; a value that does not fit shrinks as far as the style
//! allows, and then goes on behind the first page or is refused. A copy for one use (加注件) has a note across every page.
//!
//! The state emblem is not drawn: who may use it is for the law of that emblem to say.

mod code;
mod error;
mod facts;
mod font;
mod layout;
mod length;
mod ofd;
mod salt;
mod stated;
mod svg;
mod template;
mod text;

pub use code::{CHECK_CHARACTERS, Code};
pub use error::Error;
pub use facts::{CopyNote, Facts, MAX_NOTE_BYTES};
pub use layout::{Layout, MAX_PAGES, lay_out};
pub use salt::{FILE_SALT, file_salt};
pub use stated::StatedCopy;
pub use template::{MAX_TEMPLATE_BYTES, Template, VERSION as TEMPLATE_VERSION, names as template_names};
