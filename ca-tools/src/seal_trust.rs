//! Folders of what seals are judged by: certificates of the CAs behind seal makers, signers and time stamp authorities,
//! and their CRLs. Read with bounds, and looked at before a bundle carries them to every node.

use std::path::{Path, PathBuf};

use exchange_core::bundle::limits;
use exchange_seal::{
    Anchors,
    certificate::Certificate,
    crl::Crl,
    limits::{MAX_CERTIFICATE_BYTES, MAX_CRL_BYTES},
};

use crate::{Error, files};

/// Files of one folder.
pub const MAX_FILES: usize = 256;
/// CRLs of all files together, in bytes: they stay in a node's memory.
pub const MAX_CRLS_BYTES: usize = 64 << 20;
/// PEM is a third larger than what is in it.
const PEM_FACTOR: usize = 2;
/// Certificates in one file.
const MAX_FILE_CERTIFICATES: usize = 64;

/// What a folder has, by purpose.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// In the folder itself: for all three purposes.
    pub common: Vec<Certificate>,
    /// In `makers/`.
    pub makers: Vec<Certificate>,
    /// In `signers/`.
    pub signers: Vec<Certificate>,
    /// In `time-stamps/`.
    pub time_stamps: Vec<Certificate>,
    /// In `intermediates/`.
    pub intermediates: Vec<Certificate>,
}

impl Folder {
    /// Reads it: PEM or DER, `.crt .cer .pem .der`; a certificate that stands twice in one place counts once.
    ///
    /// # Errors
    /// No such folder, or one without anchors; a file that does not read; more than is read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        if !path.is_dir() {
            return Err(Error::Usage(format!("{}: a folder with certificates is needed", path.display())));
        }
        let found = Self {
            common: folder(path)?,
            makers: folder(&path.join("makers"))?,
            signers: folder(&path.join("signers"))?,
            time_stamps: folder(&path.join("time-stamps"))?,
            intermediates: folder(&path.join("intermediates"))?,
        };
        if found.common.is_empty()
            && found.makers.is_empty()
            && found.signers.is_empty()
            && found.time_stamps.is_empty()
        {
            let text = format!("{}: no certificate is in it; nobody would be believed", path.display());
            return Err(Error::Usage(text));
        }
        Ok(found)
    }

    /// As documents are judged by.
    #[must_use]
    pub fn anchors(self) -> Anchors {
        let all = |own: Vec<Certificate>| [self.common.clone(), own].concat();
        Anchors {
            makers: all(self.makers),
            signers: all(self.signers),
            time_stamps: all(self.time_stamps),
            intermediates: self.intermediates,
        }
    }

    /// Whether a bundle should carry it: remarks for a person to look at.
    ///
    /// # Errors
    /// [`Error::Malformed`] for an intermediate that is no CA: it would never stand in a path.
    pub fn lint(&self, now_ms: u64) -> Result<Vec<String>, Error> {
        let mut remarks = Vec::new();
        let places = [
            ("", &self.common),
            ("makers/", &self.makers),
            ("signers/", &self.signers),
            ("time-stamps/", &self.time_stamps),
            ("intermediates/", &self.intermediates),
        ];
        for (place, certificates) in places {
            for certificate in certificates {
                let named = format!("seal trust: {place}\"{}\"", certificate.subject);
                if certificate.not_after.0 < now_ms {
                    let ended = certificate.not_after;
                    remarks.push(format!("{named} ended at {ended}: it counts for what was signed before"));
                } else if certificate.not_before.0 > now_ms {
                    remarks.push(format!("{named} counts from {} on", certificate.not_before));
                }
                if !certificate.is_ca && place == "intermediates/" {
                    return Err(Error::malformed(named, "is no CA; it would never stand between two others"));
                }
                if !certificate.is_ca {
                    remarks.push(format!(
                        "{named} is not marked as a CA: it is believed as one; the certificate of a maker or signer \
                         itself counts for nothing here"
                    ));
                }
            }
        }
        Ok(remarks)
    }
}

/// The certificates of a file.
///
/// # Errors
/// [`Error::NotFound`], [`Error::TooLarge`], [`Error::Malformed`].
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    let bytes = files::read(path, MAX_CERTIFICATE_BYTES * MAX_FILE_CERTIFICATES * PEM_FACTOR)?;
    let blocks = files::blocks(&bytes, files::CERTIFICATE, &path.display().to_string())?;
    blocks.iter().map(|der| Certificate::parse(der).map_err(|e| Error::malformed(path.display(), e))).collect()
}

/// The CRLs of a file, or of a folder's files `.crl`.
///
/// # Errors
/// As [`certificates`]; [`Error::TooLarge`] beyond [`MAX_CRLS_BYTES`] in all.
pub fn crls(path: &Path) -> Result<Vec<Crl>, Error> {
    let paths = if path.is_dir() { listed(path, &["crl"])? } else { vec![path.to_owned()] };
    let (mut all, mut bytes) = (Vec::new(), 0);
    for file in paths {
        let content = files::read(&file, MAX_CRL_BYTES * PEM_FACTOR)?;
        for der in files::blocks(&content, files::CRL, &file.display().to_string())? {
            bytes += der.len();
            if bytes > MAX_CRLS_BYTES {
                return Err(Error::TooLarge { what: format!("{}, all CRLs", path.display()), limit: MAX_CRLS_BYTES });
            }
            all.push(Crl::parse(&der).map_err(|e| Error::malformed(file.display(), e))?);
        }
    }
    Ok(all)
}

fn folder(path: &Path) -> Result<Vec<Certificate>, Error> {
    let mut all: Vec<Certificate> = Vec::new();
    for file in listed(path, &["crt", "cer", "pem", "der"])? {
        for certificate in certificates(&file)? {
            if !all.contains(&certificate) {
                all.push(certificate);
            }
        }
    }
    if all.len() > limits::ANCHORS {
        let detail = format!("{} certificates; at most {} are read", all.len(), limits::ANCHORS);
        return Err(Error::malformed(path.display(), detail));
    }
    Ok(all)
}

/// Files of a folder with one of these endings, in the order of their names; none where there is no such folder.
fn listed(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        if path.is_file() && ending.is_some_and(|ending| endings.contains(&ending.as_str())) {
            found.push(path);
        }
        if found.len() > MAX_FILES {
            return Err(Error::malformed(folder.display(), format!("more than {MAX_FILES} files")));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn corpus(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../exchange-node/seal/tests/corpus").join(name)
    }

    /// 2026-11-25.
    const NOW_MS: u64 = 1_795_564_800_000;

    #[test]
    fn a_folder_is_read_by_purpose_and_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Folder::read(folder.path()).unwrap_err().to_string().contains("nobody would be believed"));
        assert!(Folder::read(&folder.path().join("none")).unwrap_err().to_string().contains("a folder"));
        for place in ["makers", "intermediates"] {
            std::fs::create_dir(folder.path().join(place)).unwrap();
            std::fs::copy(corpus("ring-root.der"), folder.path().join(place).join("one.der")).unwrap();
        }
        std::fs::copy(corpus("ring-root.der"), folder.path().join("makers/two.CER")).unwrap();
        std::fs::copy(corpus("sm2-root.der"), folder.path().join("all.crt")).unwrap();
        std::fs::write(folder.path().join("README"), b"no certificate").unwrap();
        let found = Folder::read(folder.path()).unwrap();
        let counts = [&found.common, &found.makers, &found.signers, &found.time_stamps, &found.intermediates];
        assert_eq!(counts.map(Vec::len), [1, 1, 0, 0, 1]);
        assert!(found.lint(NOW_MS).unwrap().is_empty());
        let late = found.lint(NOW_MS * 2).unwrap();
        assert!(late.len() == 3 && late[0].contains("ended at"), "{late:?}");
        assert!(found.lint(0).unwrap()[0].contains("counts from"));
        let anchors = found.anchors();
        assert_eq!([&anchors.makers, &anchors.signers, &anchors.time_stamps].map(Vec::len), [2, 1, 1]);
    }

    #[test]
    fn files_that_are_none_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.der");
        std::fs::write(&path, b"0\x03no").unwrap();
        assert!(Folder::read(folder.path()).unwrap_err().to_string().contains("broken.der"));
        std::fs::write(&path, vec![b'-'; MAX_CERTIFICATE_BYTES * MAX_FILE_CERTIFICATES * PEM_FACTOR + 1]).unwrap();
        assert!(matches!(Folder::read(folder.path()), Err(Error::TooLarge { .. })));
        std::fs::remove_file(&path).unwrap();
        for number in 0..=MAX_FILES {
            std::fs::write(folder.path().join(format!("{number}.crl")), b"").unwrap();
        }
        assert!(crls(folder.path()).unwrap_err().to_string().contains("more than 256 files"));
        std::fs::write(folder.path().join("0.crl"), b"0\x03no").unwrap();
        assert!(crls(&folder.path().join("0.crl")).unwrap_err().to_string().contains("0.crl"));
        assert_eq!(crls(&corpus("ring-root.crl")).unwrap().len(), 1);
    }
}
