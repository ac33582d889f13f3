//! Files on the command line of an issue.

use super::Failure;
use exchange_core::file::{MAX_FILE_BYTES, is_media_type};
use exchange_proto::v1;
use std::path::PathBuf;

/// Media types that are told by the end of a file's name.
const BY_NAME: [(&str, &str); 5] = [
    ("ofd", exchange_core::file::OFD),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
];

/// A file that is issued with a certificate.
#[derive(Debug, Clone)]
pub(super) struct Attached {
    media_type: String,
    path: PathBuf,
}

impl Attached {
    pub(super) fn read(&self) -> Result<v1::CertificateFile, Failure> {
        let content = ca_tools::files::read(&self.path, MAX_FILE_BYTES)?;
        Ok(v1::CertificateFile { media_type: self.media_type.clone(), content: content.into() })
    }
}

/// `FILE`, or `TYPE=FILE`.
pub(super) fn attached(text: &str) -> Result<Attached, String> {
    if let Some((media_type, path)) = text.split_once('=').filter(|(front, _)| is_media_type(front)) {
        return Ok(Attached { media_type: media_type.to_owned(), path: path.into() });
    }
    let path = PathBuf::from(text);
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    let known = BY_NAME.iter().find(|(name, _)| *name == end).map(|(_, media_type)| (*media_type).to_owned());
    let media_type =
        known.ok_or_else(|| format!("found {text}, needed a name in .ofd, .pdf, .png or .jpg, or TYPE=FILE"))?;
    Ok(Attached { media_type, path })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_media_type_is_told_by_name_or_said() {
        let read = |text: &str| attached(text).map(|one| (one.media_type, one.path));
        let is = |media_type: &str, path: &str| Ok((media_type.to_owned(), PathBuf::from(path)));
        assert_eq!(read("a/licence.OFD"), is("application/ofd", "a/licence.OFD"));
        assert_eq!(read("image/tiff=scan.tif"), is("image/tiff", "scan.tif"));
        assert_eq!(read("a=b/photo.jpeg"), is("image/jpeg", "a=b/photo.jpeg"));
        assert!(read("scan.tif").unwrap_err().contains("TYPE=FILE"));
    }
}
