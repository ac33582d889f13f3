//! The XML of a signature: what is written, and the one line that `OFD.xml` gets.

use std::{collections::BTreeSet, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange_core::chain::Instant;
use quick_xml::{Reader, escape::escape, events::Event};

use super::{Error, pages::Annotation};
use crate::{
    algorithm::Algorithm,
    limits::Limits,
    ofd::{self, ENTRY_FILE, Kind, Listed, NAMESPACE},
};

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// What `Signature.xml` is made of. Paths without the slash before them.
pub(super) struct Description<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) at: Instant,
    /// Each file and its digest.
    pub(super) references: &'a [(String, Vec<u8>)],
    pub(super) annotations: &'a [Annotation],
    pub(super) seal: &'a str,
    pub(super) value: &'a str,
}

impl Description<'_> {
    /// `Signature.xml` (GB/T 33190 section 18.2).
    pub(super) fn xml(&self) -> String {
        let method = self.algorithm.oid();
        let check = self.algorithm.data_digest().oid();
        let mut xml = format!(
            "{HEAD}\n<ofd:Signature xmlns:ofd=\"{NAMESPACE}\"><ofd:SignedInfo>\
             <ofd:Provider ProviderName=\"exchange-seal\" Company=\"exchange-node\" Version=\"{}\"/>\
             <ofd:SignatureMethod>{method}</ofd:SignatureMethod>\
             <ofd:SignatureDateTime>{}</ofd:SignatureDateTime>\
             <ofd:References CheckMethod=\"{check}\">",
            env!("CARGO_PKG_VERSION"),
            compact(self.at),
        );
        for (name, digest) in self.references {
            let (name, digest) = (escape(name), STANDARD.encode(digest));
            let _ = write!(
                xml,
                "<ofd:Reference FileRef=\"/{name}\"><ofd:CheckValue>{digest}</ofd:CheckValue></ofd:Reference>"
            );
        }
        xml.push_str("</ofd:References>");
        for (i, annotation) in self.annotations.iter().enumerate() {
            let (page, boundary) = (escape(&annotation.page), &annotation.boundary);
            let _ = write!(xml, "<ofd:StampAnnot ID=\"s{:03}\" PageRef=\"{page}\" Boundary=\"{boundary}\"/>", i + 1);
        }
        let (seal, value) = (escape(self.seal), escape(self.value));
        let _ = write!(
            xml,
            "<ofd:Seal><ofd:BaseLoc>/{seal}</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>\
             <ofd:SignedValue>/{value}</ofd:SignedValue></ofd:Signature>"
        );
        xml
    }
}

/// `20260601020000Z`.
fn compact(at: Instant) -> String {
    at.to_string().chars().filter(|c| !matches!(c, '-' | ':' | 'T')).collect()
}

/// `Signatures.xml` with one signature more (GB/T 33190 section 18.1), and that one's id. Nothing signs this file. What is
/// written is read back: it lists the earlier ones as they were, and the new one. `file`: its path.
pub(super) fn list(
    earlier: &[Listed],
    description: &str,
    file: &str,
    limits: &Limits,
) -> Result<(Vec<u8>, String), Error> {
    let number = |listed: &Listed| {
        let digits = listed.id.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<u32>().unwrap_or(0)
    };
    let taken: BTreeSet<u32> = earlier.iter().map(number).collect();
    let highest = taken.last().copied().unwrap_or(0).max(earlier.len() as u32);
    // Above the highest, or where nothing is above it the first that is free and not among the first numbers, which
    // signatures without one may be counted by.
    let count = earlier.len() as u32;
    let next = highest.checked_add(1).into_iter().chain(count + 1..=u32::MAX).find(|number| !taken.contains(number));
    let wrong = |detail: &str| Error::Document(ofd::Error::xml(file, detail));
    let next = next.ok_or_else(|| wrong("no number is left for a signature"))?;
    let id = format!("s{next:03}");
    let max = highest.max(next);
    let mut xml = format!("{HEAD}\n<ofd:Signatures xmlns:ofd=\"{NAMESPACE}\"><ofd:MaxSignId>{max}</ofd:MaxSignId>");
    for listed in earlier {
        let kind = match listed.kind {
            Kind::Seal => "Seal",
            Kind::Sign => "Sign",
        };
        entry(&mut xml, &listed.id, kind, &listed.location);
    }
    let location = format!("/{description}");
    entry(&mut xml, &id, "Seal", &location);
    xml.push_str("</ofd:Signatures>");
    let bytes = small(xml.into_bytes(), "Signatures.xml in bytes", limits)?;
    let mut wanted = earlier.to_vec();
    wanted.push(Listed { id: id.clone(), kind: Kind::Seal, location });
    if ofd::list(&bytes, file, limits)? != wanted {
        return Err(wrong("an earlier signature cannot be listed again as it is"));
    }
    Ok((bytes, id))
}

/// XML that is not larger than is read.
pub(super) fn small(xml: Vec<u8>, what: &'static str, limits: &Limits) -> Result<Vec<u8>, Error> {
    let (found, limit) = (xml.len() as u64, limits.xml_bytes);
    if found > limit { Err(Error::TooLarge { what, found, limit }) } else { Ok(xml) }
}

fn entry(xml: &mut String, id: &str, kind: &str, location: &str) {
    let (id, location) = (escape(id), escape(location));
    let _ = write!(xml, "<ofd:Signature ID=\"{id}\" Type=\"{kind}\" BaseLoc=\"{location}\"/>");
}

/// `OFD.xml` whose document `which` (from 0) has its signatures at `list`; the rest stays byte for byte as it is.
pub(super) fn enter(bytes: &[u8], which: usize, list: &str, limits: &Limits) -> Result<Vec<u8>, Error> {
    let wrong = |detail: &str| Error::Document(ofd::Error::xml(ENTRY_FILE, detail));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
    let (at, prefix) = end_of_body(text, which).ok_or_else(|| wrong("the end of the document is not found"))?;
    let mut changed = text.to_owned();
    changed.insert_str(at, &format!("<{prefix}Signatures>/{}</{prefix}Signatures>", escape(list)));
    // Read back, so that nothing else than this was changed by it.
    let mut wanted = ofd::documents(bytes, limits)?;
    if let Some(document) = wanted.get_mut(which) {
        document.signatures = Some(format!("/{list}"));
    }
    match ofd::documents(changed.as_bytes(), limits) {
        Ok(found) if found == wanted => small(changed.into_bytes(), "OFD.xml in bytes", limits),
        _ => Err(wrong("a place for signatures cannot be added to it")),
    }
}

/// Where the end tag of a document begins, and its prefix with the colon.
fn end_of_body(text: &str, which: usize) -> Option<(usize, String)> {
    let skipped = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let mut reader = Reader::from_str(text.get(skipped..)?);
    let (mut depth, mut seen) = (0_usize, 0_usize);
    loop {
        let at = usize::try_from(reader.buffer_position()).ok()?;
        match reader.read_event().ok()? {
            Event::Start(_) => depth += 1,
            Event::End(end) => {
                depth = depth.checked_sub(1)?;
                if depth == 1 && end.local_name().as_ref() == "DocBody" {
                    if seen == which {
                        let name = end.name();
                        let prefix = name.prefix().map_or(String::new(), |prefix| format!("{}:", prefix.as_ref()));
                        return Some((skipped + at, prefix));
                    }
                    seen += 1;
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}
