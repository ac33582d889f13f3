//! XML with limits: no document type, no entities but the five and characters, one namespace.

use std::collections::BTreeMap;

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};

use super::Error;
use crate::limits::Limits;

/// Every namespace of OFD that is met begins so; the standard's is `http://www.ofdspec.org/2016`.
const NAMESPACE: &str = "http://www.ofdspec.org";

/// An element. Elements of other namespaces were left out, with what is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// The children of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The only child of that name, or none. Two would be read differently by different readers.
    pub(super) fn only(&self, name: &str, file: &str) -> Result<Option<&Self>, Error> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err(Error::xml(file, format!("{} has {name} twice", self.name))),
        }
    }

    /// The only child of that name.
    pub(super) fn needed(&self, name: &str, file: &str) -> Result<&Self, Error> {
        self.only(name, file)?.ok_or_else(|| Error::xml(file, format!("{} has no {name}", self.name)))
    }

    /// The text of the only child of that name, without blanks around it.
    pub(super) fn text_of(&self, name: &str, file: &str) -> Result<Option<&str>, Error> {
        Ok(self.only(name, file)?.map(|child| child.text.trim()))
    }
}

/// Reads a file whose root has that name.
pub(super) fn parse(bytes: &[u8], root: &str, file: &str, limits: &Limits) -> Result<Element, Error> {
    let wrong = |detail: String| Error::xml(file, detail);
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8".to_owned()))?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().enable_all_checks(true);
    let mut tree = Tree { open: Vec::new(), done: None, count: 0, foreign: 0, namespace: None };
    loop {
        let (resolved, event) = reader.read_resolved_event().map_err(|e| wrong(format!("not XML: {e}")))?;
        let namespace = match resolved {
            ResolveResult::Bound(namespace) => Some(namespace.into_inner()),
            ResolveResult::Unbound => None,
            ResolveResult::Unknown(prefix) => {
                return Err(wrong(format!("prefix {} is bound to nothing", crate::report::shown(&prefix))));
            }
        };
        match event {
            Event::Start(start) => tree.start(&start, namespace, limits).map_err(wrong)?,
            Event::Empty(start) => {
                tree.start(&start, namespace, limits).map_err(wrong)?;
                tree.end();
            }
            Event::End(_) => tree.end(),
            Event::Text(content) => tree.text(&content.xml10_content()).map_err(wrong)?,
            Event::CData(content) => tree.text(&content.xml10_content()).map_err(wrong)?,
            Event::GeneralRef(entity) => {
                let character = match entity.resolve_char_ref().map_err(|e| wrong(e.to_string()))? {
                    Some(character) => character,
                    None => predefined(&entity.xml10_content())
                        .ok_or_else(|| wrong("an entity that XML does not define itself".to_owned()))?,
                };
                tree.text(character.encode_utf8(&mut [0; 4])).map_err(wrong)?;
            }
            Event::Decl(declaration) => {
                if let Some(encoding) = declaration.encoding() {
                    let encoding = encoding.map_err(|e| wrong(e.to_string()))?;
                    if !encoding.eq_ignore_ascii_case("utf-8") {
                        return Err(wrong("an encoding that is not UTF-8".to_owned()));
                    }
                }
            }
            Event::DocType(_) => return Err(wrong("a document type; OFD has none".to_owned())),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !tree.open.is_empty() || tree.foreign > 0 {
        return Err(wrong("it is cut off".to_owned()));
    }
    let element = tree.done.ok_or_else(|| wrong("no element".to_owned()))?;
    if element.name != root {
        return Err(wrong(format!("its root is {}; {root} is needed", crate::report::shown(&element.name))));
    }
    Ok(element)
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// The elements that are open, and the root when it is closed.
struct Tree {
    open: Vec<Element>,
    done: Option<Element>,
    count: usize,
    /// How deep inside an element of another namespace.
    foreign: usize,
    namespace: Option<String>,
}

impl Tree {
    fn start(&mut self, start: &BytesStart<'_>, namespace: Option<&str>, limits: &Limits) -> Result<(), String> {
        self.count += 1;
        if self.count > limits.xml_elements {
            return Err(format!("more than {} elements", limits.xml_elements));
        }
        if self.open.len() + self.foreign >= limits.xml_depth {
            return Err(format!("elements more than {} deep in one another", limits.xml_depth));
        }
        if self.done.is_some() {
            return Err("a second root".to_owned());
        }
        if self.open.is_empty() {
            if !namespace.is_some_and(|found| found.starts_with(NAMESPACE)) {
                return Err("its root is not in a namespace of OFD".to_owned());
            }
            self.namespace = namespace.map(str::to_owned);
        }
        if self.foreign > 0 || namespace != self.namespace.as_deref() {
            self.foreign += 1;
            return Ok(());
        }
        let mut element = Element { name: start.local_name().as_ref().to_string(), ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            // Attributes of OFD have no prefix; xmlns and others say nothing here.
            if attribute.key.prefix().is_some() || attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
            element.attributes.insert(attribute.key.as_ref().to_string(), value.into_owned());
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) {
        if self.foreign > 0 {
            self.foreign -= 1;
        } else if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => self.done = Some(element),
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            _ if self.foreign > 0 => Ok(()),
            Some(element) => {
                element.text.push_str(text);
                Ok(())
            }
            None if text.trim().is_empty() => Ok(()),
            None => Err("text outside of the root".to_owned()),
        }
    }
}
