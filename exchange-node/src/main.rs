//! The `exchange-node` binary.

use std::process::ExitCode;

/// Many small objects that one thread makes and another one frees (docs/adr/0021).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One crypto provider for the whole process (docs/adr/0008). Nobody has installed another before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    exchange_node::cli::main(std::env::args_os())
}
