//! The `exchange-node` binary.
fn main() {}
