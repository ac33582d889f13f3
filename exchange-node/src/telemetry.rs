//! Every metric, with its description, how metrics are served, and what log lines may not hold. Values carry ids and
//! sizes, never contents.

pub mod mask;

use metrics::{describe_counter, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use std::net::SocketAddr;

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
/// Questions of other cities that were refused and, for their number, not recorded, by region.
pub const REFUSALS_UNRECORDED: &str = "exchange_refusals_unrecorded_total";
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
/// Documents judged, by verdict.
pub const DOCUMENTS_JUDGED: &str = "exchange_documents_judged_total";
/// Copies for one use that were made.
pub const COPIES_MADE: &str = "exchange_copies_made_total";
/// Copies for one use that were presented to be used, by result.
pub const COPIES_PRESENTED: &str = "exchange_copies_presented_total";
/// Kept files of certificates that were found missing, altered or unreadable, by fault.
pub const FILES_DAMAGED: &str = "exchange_files_damaged_total";
/// Access logs that contradict themselves.
pub const ACCESS_CONTRADICTIONS: &str = "exchange_access_contradictions_total";
/// Identity numbers masked in log lines. Each is a fault of the program: no line should have one.
pub const LOG_MASKED: &str = "exchange_log_numbers_masked_total";

/// Upper bounds of [`LEDGER_GROUP_COMMANDS`].
const GROUP_SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Counters and what Prometheus shows as their help.
const COUNTERS: [(&str, &str); 17] = [
    (TLS_REFUSED, "Handshakes refused, by fault"),
    (TLS_CUT, "Live connections cut because their credential is believed no more, by fault"),
    (TRUST_REFUSED, "CRLs and trust bundles that were offered and refused, by fault"),
    (CALLS_REFUSED, "Calls refused for want of room, by limit"),
    (REFUSALS_UNRECORDED, "Questions of other cities that were refused and, for their number, not recorded, by region"),
    (PUBLISHED_ENTRIES, "Entries of the own log that the broker has confirmed"),
    (PUBLISH_FAILURES, "Segments that the broker did not confirm; they are sent again"),
    (INGESTED_ENTRIES, "Entries of other cities' logs taken in, by region"),
    (FEED_OUTCOMES, "Segments that were no progress, by region and outcome: REJECTED, ALTERED, DEFERRED, FORK"),
    (VOID_ENTRIES, "Entries that break a rule, by region and reason"),
    (GAP_SEGMENTS, "Segments read from other nodes to fill a gap, by region"),
    (DOCUMENTS_JUDGED, "Documents judged, by verdict"),
    (COPIES_MADE, "Copies for one use that were made"),
    (COPIES_PRESENTED, "Copies for one use that were presented to be used, by result"),
    (FILES_DAMAGED, "Kept files of certificates that were found missing, altered or unreadable, by fault"),
    (ACCESS_CONTRADICTIONS, "Access logs that contradict themselves"),
    (LOG_MASKED, "Identity numbers masked in log lines; each is a fault of the program"),
];

/// Counts from now on, and answers Prometheus in the clear on this address. Once in a process, before the first node
/// starts; what was counted earlier is lost.
///
/// The socket is the exporter's own and not of `net.rs`: it carries sums, no calls.
///
/// # Errors
/// The address cannot be listened on, or metrics are already counted.
pub fn serve(address: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Full(LEDGER_GROUP_COMMANDS.to_owned()), &GROUP_SIZES)?
        .install()?;
    describe_histogram!(LEDGER_GROUP_COMMANDS, "Commands of a ledger group");
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    Ok(())
}
