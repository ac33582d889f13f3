//! Every metric and log name, with its description. Values carry ids and sizes, never contents.

/// Commands of a ledger group.
pub const LEDGER_GROUP_COMMANDS: &str = "exchange_ledger_group_commands";
/// Handshakes refused, by fault.
pub const TLS_REFUSED: &str = "exchange_tls_handshakes_refused_total";
/// Live connections cut because their credential is believed no more, by fault.
pub const TLS_CUT: &str = "exchange_tls_connections_cut_total";
/// CRLs and trust bundles that were offered and refused, by fault.
pub const TRUST_REFUSED: &str = "exchange_trust_refused_total";
/// Calls refused for want of room, by limit.
pub const CALLS_REFUSED: &str = "exchange_calls_refused_total";
