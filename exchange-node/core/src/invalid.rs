//! What is wrong in something that an operator publishes: where, what was found, what was needed.
//!
//! Catalogue items hold no personal data, so what was found may be shown.

/// A defect at a place in an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}, needed {needed}")]
pub struct Invalid {
    /// Field, as in the `.proto`: `fields[3].name`.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub needed: String,
}

impl Invalid {
    /// A defect.
    pub fn new(path: impl Into<String>, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { path: path.into(), found: found.into(), needed: needed.into() }
    }

    /// The same defect, seen from the item that holds the place.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.path = format!("{parent}.{}", self.path);
        self
    }
}

/// A printable text of 1 to `max` bytes.
pub(crate) fn check_text(path: &str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(path, "nothing", format!("a text of 1 to {max} bytes")));
    }
    check_optional_text(path, text, max)
}

/// A printable text of at most `max` bytes, possibly empty.
pub(crate) fn check_optional_text(path: &str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.len() > max {
        return Err(Invalid::new(path, format!("{} bytes", text.len()), format!("at most {max} bytes")));
    }
    match text.chars().position(char::is_control) {
        None => Ok(()),
        Some(at) => Err(Invalid::new(path, format!("a control character at {}", at + 1), "none")),
    }
}

/// At most `max` items, none of them twice.
pub(crate) fn check_list<T: Ord>(
    path: &str,
    items: &[T],
    max: usize,
    show: impl Fn(&T) -> String,
) -> Result<(), Invalid> {
    if items.len() > max {
        return Err(Invalid::new(path, format!("{} items", items.len()), format!("at most {max}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    match items.iter().find(|item| !seen.insert(*item)) {
        None => Ok(()),
        Some(twice) => Err(Invalid::new(path, format!("{} twice", show(twice)), "each once")),
    }
}
