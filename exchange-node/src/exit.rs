//! Exit codes of `exchange-node`. Scripts may rely on them; `ca-tools` uses the same.

pub use ca_tools::exit::Exit;
