//! The `ca-tools` binary.
fn main() {}
