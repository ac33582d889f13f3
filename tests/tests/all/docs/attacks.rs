//! The tables of attacks and of bad input name tests that exist, and every test that carries a row's number is named.

use super::{file, text};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

const ATTACKS: &str = "docs/ATTACKS.md";
const BAD_INPUT: &str = "docs/BAD_INPUT.md";
/// Rows of the attack table, in its order.
const ROWS: [&str; 22] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "16a", "17", "18", "19",
    "20", "21",
];
const HOLES: [&str; 11] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];

/// The cells of the rows of each table, heads and rules left out.
fn tables(text: &str) -> Vec<Vec<Vec<&str>>> {
    let mut found: Vec<Vec<Vec<&str>>> = Vec::new();
    let mut within = false;
    for line in text.lines() {
        let is_row = line.starts_with('|');
        match (within, is_row) {
            (false, true) => found.push(Vec::new()), // the head
            (true, true) if !line.starts_with("|---") => {
                let cells = line.trim_matches('|').split(" | ").map(str::trim).collect();
                found.last_mut().unwrap().push(cells);
            }
            _ => {}
        }
        within = is_row;
    }
    found
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The folder of a crate's sources or of one of its test binaries, and its root file.
fn root(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "exchange-core" => ("exchange-node/core/src", "lib.rs"),
        "exchange-core/vectors" => ("exchange-node/core/tests/vectors", "main.rs"),
        "exchange-proto" => ("proto/src", "lib.rs"),
        "exchange-proto/formats" => ("proto/tests/formats", "main.rs"),
        "exchange-node" => ("exchange-node/src", "lib.rs"),
        "exchange-seal/all" => ("exchange-node/seal/tests/all", "main.rs"),
        "ca-tools" => ("ca-tools/src", "lib.rs"),
        "ca-tools/cli" => ("ca-tools/tests/cli", "main.rs"),
        "exchange-tests/all" => ("tests/tests/all", "main.rs"),
        _ => return None,
    })
}

/// The source of a module; of an inline `tests`, that of the module around it.
fn source(folder: &str, root: &str, modules: &[&str]) -> Option<String> {
    let path: PathBuf = match modules {
        [] => Path::new(folder).join(root),
        _ => Path::new(folder).join(modules.join("/")).with_extension("rs"),
    };
    match std::fs::read_to_string(file(path.to_str()?)) {
        Ok(text) => Some(text),
        Err(_) if modules.last() == Some(&"tests") => source(folder, root, &modules[..modules.len() - 1]),
        Err(_) => None,
    }
}

/// Why a reference names no test; `None`: it does.
fn problem(reference: &str) -> Option<String> {
    if let Some(doc) = reference.strip_prefix("doc:") {
        let (path, code) = doc.split_once('#')?;
        let found = text(path).lines().any(|line| line.contains("```compile_fail,") && line.contains(code));
        return (!found).then(|| format!("{path} has no documentation test that fails with {code}"));
    }
    let Some((name, rest)) = reference.split_once("::") else { return Some("no path".to_owned()) };
    let Some((folder, root)) = root(name) else { return Some(format!("no crate {name}")) };
    let (path, step) = rest.split_once('/').unwrap_or((rest, ""));
    let parts: Vec<&str> = path.split("::").collect();
    let (function, modules) = parts.split_last()?;
    let Some(text) = source(folder, root, modules) else { return Some(format!("no module {}", modules.join("::"))) };
    if !is_test(&text, function) {
        return Some(format!("{function} is no test of {}", modules.join("::")));
    }
    // A step is called by its scenario, and stands in its file or in one of the scenario's own.
    if !step.is_empty() {
        let defined = text.contains(&format!("fn {step}("));
        if !text.contains(&format!("{step}(&")) || (!defined && !text.contains(&format!("::{step}(&"))) {
            return Some(format!("{function} has no step {step}"));
        }
    }
    None
}

/// Whether a function of that name carries `#[test]` or `#[tokio::test]`, or stands within `proptest!`.
fn is_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = [format!("fn {function}("), format!("async fn {function}(")];
    let Some(at) = lines.iter().position(|line| named.iter().any(|name| line.starts_with(name.as_str()))) else {
        return false;
    };
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

fn check(path: &str) -> Vec<Vec<Vec<String>>> {
    let text = text(path);
    let mut problems = Vec::new();
    let mut references = 0;
    let tables = tables(&text);
    for row in tables.iter().flatten() {
        let tests = quoted(row.last().unwrap());
        if tests.is_empty() {
            problems.push(format!("no test: {}", row.join(" | ")));
        }
        references += tests.len();
        for test in tests {
            problems.extend(problem(test).map(|problem| format!("{test}: {problem}")));
        }
    }
    assert!(problems.is_empty(), "{path}:\n{}", problems.join("\n"));
    assert!(references > 40, "{path} has {references} references");
    tables
        .iter()
        .map(|table| table.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect())
        .collect()
}

#[test]
fn every_attack_names_tests_that_exist() {
    let tables = check(ATTACKS);
    for (table, expected) in tables.iter().zip([&ROWS[..], &HOLES[..]]) {
        let mut numbers: Vec<&str> = table.iter().map(|row| row[0].as_str()).collect();
        numbers.dedup();
        assert_eq!(numbers, expected, "{ATTACKS} has other rows, or another order");
        assert!(table.iter().all(|row| row.len() == 4), "a row of {ATTACKS} has another number of cells than four");
    }
}

#[test]
fn every_bad_input_names_tests_that_exist() {
    for table in check(BAD_INPUT) {
        assert!(table.iter().all(|row| row.len() == 4), "a row of {BAD_INPUT} has another number of cells than four");
    }
}

/// A test that is called after a row stands in the table.
#[test]
fn every_test_of_a_row_is_in_the_table() {
    let text = text(ATTACKS);
    let named: BTreeSet<&str> = quoted(&text)
        .into_iter()
        .filter_map(|one| one.rsplit("::").next())
        .filter(|one| one.starts_with("row_"))
        .collect();
    let mut missing = Vec::new();
    let mut folders = ["exchange-node", "proto", "ca-tools", "tests"].map(file).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let tests = text.split("fn ").skip(1).filter(|rest| rest.starts_with("row_"));
                let names = tests.filter_map(|rest| rest.split_once('(').map(|(name, _)| name.to_owned()));
                missing.extend(names.filter(|name| !named.contains(name.as_str()) && is_test(&text, name)));
            }
        }
    }
    assert!(missing.is_empty(), "{ATTACKS} does not name {missing:?}");
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    for reference in [
        "exchange-core::chain::tests::row_1_wrong_purpos",
        "exchange-core::chain::tests::reason",
        "exchange-core::chain::nothing::row_1_wrong_purpose",
        "exchange-nose::chain::tests::row_1_wrong_purpose",
        "exchange-tests/all::feed::carrier/nothing",
        "doc:exchange-node/core/src/purpose.rs#E0001",
    ] {
        assert!(problem(reference).is_some(), "{reference}");
    }
    assert_eq!(problem("exchange-core::chain::tests::row_1_wrong_purpose"), None);
}
