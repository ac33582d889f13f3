//! What documents and samples say is compared with the code.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod attacks;
mod configuration;
mod doctor;
mod errors;
mod links;
mod samples;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
