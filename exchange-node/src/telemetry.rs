//! Every metric and log name, with its description. Values carry ids and sizes, never contents.

/// Commands of a ledger group.
pub const LEDGER_GROUP_COMMANDS: &str = "exchange_ledger_group_commands";
