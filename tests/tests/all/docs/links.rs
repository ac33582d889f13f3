//! Relative links of documents lead to files that exist, and to headings where they name one.

use super::{file, text};
use std::path::Path;

fn documents() -> Vec<String> {
    let mut found: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].iter().map(|path| (*path).to_owned()).collect();
    for folder in ["docs", "docs/adr", "deploy/kafka", "deploy/sample/catalogue"] {
        for entry in std::fs::read_dir(file(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found
}

/// The targets of `](…)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

/// Headings as anchors: lower case, spaces as hyphens, other signs but `_` and `-` left out.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let source = text(&document);
        let folder = Path::new(&document).parent().unwrap().to_owned();
        for link in links(&source).filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file(&document) } else { file(folder.join(path).to_str().unwrap()) };
            if !target.exists() {
                broken.push(format!("{document}: {link}"));
            } else if !anchor.is_empty()
                && !anchors(&std::fs::read_to_string(&target).unwrap()).contains(&anchor.to_owned())
            {
                broken.push(format!("{document}: {link} (no such heading)"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
