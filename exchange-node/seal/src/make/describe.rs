//! The XML of a signature: what is written, and the one line that `OFD.xml` gets.

use std::fmt::Write as _;

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

/// `Signatures.xml` with one signature more (GB/T 33190 section 18.1), and that one's id. Nothing signs this file.
pub(super) fn list(earlier: &[Listed], description: &str) -> (String, String) {
    let number = |listed: &Listed| {
        let digits = listed.id.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<u32>().unwrap_or(0)
    };
    let highest = earlier.iter().map(number).max().unwrap_or(0).max(earlier.len() as u32);
    let next = highest.saturating_add(1);
    let id = format!("s{next:03}");
    let mut xml = format!("{HEAD}\n<ofd:Signatures xmlns:ofd=\"{NAMESPACE}\"><ofd:MaxSignId>{next}</ofd:MaxSignId>");
    for listed in earlier {
        let kind = match listed.kind {
            Kind::Seal => "Seal",
            Kind::Sign => "Sign",
        };
        entry(&mut xml, &listed.id, kind, &listed.location);
    }
    entry(&mut xml, &id, "Seal", &format!("/{description}"));
    xml.push_str("</ofd:Signatures>");
    (xml, id)
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
        Ok(found) if found == wanted => Ok(changed.into_bytes()),
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
