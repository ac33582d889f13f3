//! The `exchange-node` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One crypto provider for the whole process (docs/adr/0008). Nobody has installed another before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    exchange_node::cli::main(std::env::args_os())
}
