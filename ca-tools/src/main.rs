//! The `ca-tools` program: what an operator of the province's or a city's CA types.

use std::process::ExitCode;

fn main() -> ExitCode {
    ca_tools::cli::main(std::env::args_os())
}
