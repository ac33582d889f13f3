//! The table of `doctor`'s checks in the operating manual is the code's. `UPDATE_DOCS=1` writes it anew.

use super::{file, text};
use exchange_node::doctor::{Category, Subject};
use std::fmt::Write;

const PATH: &str = "docs/OPERATING.md";
const BEGIN: &str = "<!-- doctor's checks, written by a test -->\n";
const END: &str = "<!-- end of doctor's checks -->\n";

fn rendered() -> String {
    let mut text = String::new();
    for category in Category::ALL {
        write!(text, "\n### Doctor: {}\n| check | what is looked at | cure |\n|---|---|---|\n", category.title())
            .unwrap();
        for subject in Subject::ALL.into_iter().filter(|subject| subject.category() == category) {
            writeln!(text, "| `{}` | {} | {} |", subject.name(), subject.what(), subject.cure()).unwrap();
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_checks_are_the_code_s() {
    let found = text(PATH);
    let (before, rest) = found.split_once(BEGIN).expect("the begin of the table");
    let (table, after) = rest.split_once(END).expect("the end of the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file(PATH), format!("{before}{BEGIN}{}{END}{after}", rendered())).unwrap();
    } else {
        assert!(table == rendered(), "{PATH} is not what the code says: run this test with UPDATE_DOCS=1");
    }
}

/// `see` of a check leads to the heading of its category.
#[test]
fn every_category_has_its_anchor() {
    for category in Category::ALL {
        let anchor = format!("Doctor: {}", category.title()).to_lowercase().replace(": ", "-").replace(' ', "-");
        assert_eq!(category.anchor(), anchor);
    }
}

#[test]
fn names_are_of_their_category_and_unique() {
    let mut names: Vec<&str> = Subject::ALL.iter().map(|subject| subject.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Subject::ALL.len());
    for subject in Subject::ALL {
        let (first, _) = subject.name().split_once('.').unwrap();
        let word = subject.category().word();
        assert!(word.starts_with(first) || first == "config", "{} in {word}", subject.name());
    }
}
