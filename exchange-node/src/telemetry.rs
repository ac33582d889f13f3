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
/// Entries of the own log that the broker has confirmed.
pub const PUBLISHED_ENTRIES: &str = "exchange_published_entries_total";
/// Segments that the broker did not confirm; they are sent again.
pub const PUBLISH_FAILURES: &str = "exchange_publish_failures_total";
/// Entries of other cities' logs taken in, by region.
pub const INGESTED_ENTRIES: &str = "exchange_ingested_entries_total";
/// Segments that were no progress, by region and outcome: REJECTED, ALTERED, DEFERRED, FORK.
pub const FEED_OUTCOMES: &str = "exchange_feed_outcomes_total";
/// Entries that break a rule, by region and reason.
pub const VOID_ENTRIES: &str = "exchange_void_entries_total";
/// Segments read from other nodes to fill a gap, by region.
pub const GAP_SEGMENTS: &str = "exchange_gap_segments_total";
/// Access logs that contradict themselves.
pub const ACCESS_CONTRADICTIONS: &str = "exchange_access_contradictions_total";
