//! Third-party vectors, read from the folder that `EXCHANGE_VECTORS` names; skipped without it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "tests")]

mod dsse;
mod tlog;
mod wycheproof;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The vectors' folder; says so when there is none.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EXCHANGE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: EXCHANGE_VECTORS is not set");
    }
    folder
}

fn bytes(path: &str) -> Option<Vec<u8>> {
    let path = folder()?.join(path);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn json(path: &str) -> Option<Value> {
    Some(serde_json::from_slice(&bytes(path)?).unwrap())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}
