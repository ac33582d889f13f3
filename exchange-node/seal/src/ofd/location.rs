//! Paths inside of a package (ST_Loc, GB/T 33190 section 7.3).

use super::Error;
use crate::{limits::MAX_TEXT_BYTES, report::shown};

/// An absolute path without the slash before it. `loc` begins with a slash, or is relative to the folder of `file`.
///
/// # Errors
/// [`Error::Path`] for what leaves the package or is no path.
pub fn resolve(file: &str, loc: &str) -> Result<String, Error> {
    let refused = || Error::Path(format!("\"{}\"", shown(loc)));
    let loc = loc.trim_matches([' ', '\t', '\r', '\n']);
    if loc.is_empty() || loc.len() > MAX_TEXT_BYTES || loc.contains(['\\', ':']) || loc.chars().any(char::is_control) {
        return Err(refused());
    }
    let (mut parts, relative): (Vec<&str>, &str) = match loc.strip_prefix('/') {
        Some(rest) => (Vec::new(), rest),
        None => (file.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect()), loc),
    };
    for part in relative.split('/') {
        match part {
            "" => return Err(refused()),
            "." => {}
            ".." => {
                parts.pop().ok_or_else(refused)?;
            }
            name => parts.push(name),
        }
    }
    if parts.is_empty() { Err(refused()) } else { Ok(parts.join("/")) }
}

/// The name of an entry: relative, plain, and nothing that another reader may take for another place.
pub(super) fn entry_name(raw: &[u8]) -> Result<String, Error> {
    let name = std::str::from_utf8(raw).map_err(|_| Error::Archive("the name of an entry is not UTF-8".to_owned()))?;
    let plain = resolve("", name.strip_suffix('/').unwrap_or(name))?;
    if name.starts_with('/') || plain.len() != name.strip_suffix('/').unwrap_or(name).len() {
        return Err(Error::Path(format!("\"{}\"", shown(name))));
    }
    Ok(plain)
}
