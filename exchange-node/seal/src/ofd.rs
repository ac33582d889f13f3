//! OFD packages (GB/T 33190-2016): what a verification has to read of them.
//!
//! A package is a ZIP archive. Pages, fonts and pictures are only hashed, in pieces, so that memory does not grow with the
//! file; what is read as XML is small and bounded. Names are matched exactly first and then without regard to case, as
//! files in the field need it; a package in which that would be ambiguous is refused.

mod directory;
mod document;
mod location;
mod package;
mod pages;
mod signatures;
mod unpack;
mod xml;

pub use document::{Document, documents};
pub use location::resolve;
pub use package::{Found, Package};
pub use pages::{Area, Page, Pages, page_area, pages};
pub use signatures::{Description, Kind, Listed, Reference, StampPlace, describe, list};

/// The standard's namespace, which is written; those that are read begin like it.
pub const NAMESPACE: &str = "http://www.ofdspec.org/2016";

/// Where every package begins.
pub const ENTRY_FILE: &str = "OFD.xml";

/// Why a package cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading failed: the file itself, not what is in it.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    /// Not a ZIP archive, or one that two readers may understand differently.
    #[error("not a sound ZIP archive: {0}")]
    Archive(String),
    /// More than is read.
    #[error("{what}: {found}; at most {limit} is read")]
    TooLarge {
        /// What is too large.
        what: String,
        /// As claimed, or as far as it was read.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A path that leaves the package, or is none.
    #[error("the path {0} is not one inside of the package")]
    Path(String),
    /// A file is named and not there.
    #[error("{0} is missing")]
    Missing(String),
    /// Not the XML that is needed.
    #[error("{file}: {detail}")]
    Xml {
        /// Which file.
        file: String,
        /// What is wrong.
        detail: String,
    },
}

impl Error {
    pub(crate) fn too_large(what: impl Into<String>, found: usize, limit: usize) -> Self {
        Self::TooLarge { what: what.into(), found: found as u64, limit: limit as u64 }
    }

    pub(crate) fn xml(file: &str, detail: impl ToString) -> Self {
        Self::Xml { file: crate::report::shown(file), detail: detail.to_string() }
    }
}
