//! The `ca-tools` program: what an operator of the province's or a city's CA types.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
