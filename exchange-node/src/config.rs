//! The configuration of a node: one TOML file. These structs are the manual.
//!
//! Unknown keys are refused with the nearest known one. Every value can be overridden by an environment variable
//! `EXCHANGE__SECTION__KEY`. Relative paths are relative to the file's folder.

pub mod files;
mod load;
#[cfg(test)]
mod tests;

pub(crate) use load::is_template_file;
pub(crate) use load::with_suggestion;
pub use load::{Error, load, parse};

use exchange_core::{region::Region, uscc::Uscc};
use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this node is.
    pub node: Node,
    /// Where it listens.
    pub listen: Listen,
    /// Its credential. It is trusted to speak as this node, nothing else.
    pub identity: Identity,
    /// Whom it believes.
    pub trust: Trust,
    /// Its own keys. Whoever holds them can write this city's history: mode 0600.
    pub keys: Keys,
    /// The carrier. It is trusted to deliver or not; it reads no personal data.
    pub kafka: Option<Kafka>,
    /// Departments that entrusted their document key to this node, by USCC.
    #[serde(default)]
    pub departments: BTreeMap<String, Department>,
    /// Documents that the node makes for certificates.
    #[serde(default)]
    pub licences: Licences,
    /// Calling systems and what they may do, by the name in their credential. A system that is not listed may do nothing.
    #[serde(default)]
    pub systems: BTreeMap<String, System>,
    /// When an answer is stale, and how often this city says that it is alive.
    #[serde(default)]
    pub freshness: Freshness,
    /// Bounds that protect the node.
    #[serde(default)]
    pub limits: Limits,
    /// Logs and metrics.
    #[serde(default)]
    pub telemetry: Telemetry,
}

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Six digits, GB/T 2260. The province's own node has the province's code.
    #[serde(deserialize_with = "load::region")]
    pub region: Region,
    /// As in its credential: `spiffe://<trust domain>/region/<region>/node/<name>`.
    pub name: String,
    /// Folder of the store; on a local file system, never shared.
    pub data: PathBuf,
    /// `production`, or `exercise` for demo, training and tests.
    #[serde(default = "Environment::production")]
    pub environment: Environment,
    /// Start without having compared the own log with other nodes. Recorded in the log.
    #[serde(default)]
    pub alone: bool,
}

/// Real, or for exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real certificates.
    Production,
    /// Demo, training, tests: every certificate says so.
    Exercise,
}

impl Environment {
    const fn production() -> Self {
        Self::Production
    }
}

/// Where the node listens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// gRPC over mutual TLS 1.3, for systems, operators and other nodes.
    pub grpc: SocketAddr,
    /// Prometheus metrics in the clear; keep it on a management address. None: no metrics.
    pub metrics: Option<SocketAddr>,
}

/// The node's credential.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// PEM: the credential and its CA, without the root.
    pub certificate: PathBuf,
    /// PEM, PKCS#8, mode 0600.
    pub key: PathBuf,
}

/// Whom the node believes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// PEM files of the pinned roots. Only these can vouch for a trust bundle.
    pub roots: Vec<PathBuf>,
    /// The signed trust bundle; a newer one that arrives over the log or from a peer replaces it.
    pub bundle: PathBuf,
    /// CRL files (PEM or DER), the root's own too. Read again on SIGHUP.
    pub crls: Vec<PathBuf>,
    /// Folder with the CRLs (`.crl`, PEM or DER) of the CAs behind electronic seals. Read again on SIGHUP. None: the verdict
    /// over a sealed document is `REVOCATION_UNKNOWN` at best.
    #[serde(default)]
    pub seal_crls: Option<PathBuf>,
    /// How long after its nextUpdate a CRL is still used, in hours; not one of `seal_crls`. An alarm comes from two thirds of its life on.
    #[serde(default = "Trust::grace")]
    pub crl_grace_hours: u32,
}

impl Trust {
    const fn grace() -> u32 {
        24
    }
}

/// The node's own keys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Ed25519 key of the event log.
    pub event_log: PathBuf,
    /// Ed25519 key of the access log.
    pub access_log: PathBuf,
    /// Index keys of the province: the one that the bundle names, and older ones.
    pub index: Vec<PathBuf>,
    /// Encrypts disclosures and parties at rest. Losing it loses every value that this city keeps.
    pub store: PathBuf,
}

/// The carrier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// `host:port`, several separated by commas. Swapped by a reload.
    pub bootstrap_servers: String,
    /// PEM of the CA that Kafka's brokers are signed by. None: plaintext.
    pub ca: Option<PathBuf>,
    /// PEM of this node's Kafka credential.
    pub certificate: Option<PathBuf>,
    /// PEM of its key.
    pub key: Option<PathBuf>,
}

/// A department whose document key this node holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// Name as printed on certificates.
    pub name: String,
    /// PEM: the document credential and its CA.
    pub certificate: PathBuf,
    /// PEM, PKCS#8, mode 0600.
    pub key: PathBuf,
    /// Number of the document by which the department entrusted its key.
    pub authorisation: String,
    /// With it the department's certificates get a sealed document, where `[licences]` has a template for their type.
    pub seal: Option<DepartmentSeal>,
}

/// A department's electronic seal (电子印章), and who puts it on. Read again by a reload.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentSeal {
    /// The seal (`.esl`): GB/T 38540 (v4) or GM/T 0031-2025 (v5).
    pub file: PathBuf,
    /// PEM: certificate of the signer (签章者), which the seal lists.
    pub certificate: PathBuf,
    /// PEM, PKCS#8, mode 0600.
    pub key: PathBuf,
}

/// Documents that the node makes for certificates of the legal form SEALED_OFD. Read again by a reload.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licences {
    /// Template of a type, by its code (21 characters): the name of one that belongs to the program, or a file (`.toml`).
    #[serde(default)]
    pub templates: BTreeMap<String, String>,
    /// Copies for one use.
    #[serde(default)]
    pub copies: Copies,
}

/// Copies of these documents for one use (加注件), made for other cities' questions and this city's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Copies {
    /// Days for which a copy can be used, from the day on which it is made; at most 30, and not beyond the certificate's own
    /// last day.
    pub days: u32,
    /// Days for which it is known after its last day whether and where a copy was used; then it is forgotten.
    pub kept_days: u32,
}

impl Default for Copies {
    fn default() -> Self {
        Self { days: 7, kept_days: 90 }
    }
}

/// What a calling system may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// It issues and changes certificates for these departments (USCC).
    #[serde(default)]
    pub departments: Vec<String>,
    /// Of these types (21 characters); `*` for all.
    #[serde(default)]
    pub types: Vec<String>,
    /// It may ask about certificates of any city.
    #[serde(default)]
    pub lookup: bool,
}

/// Times of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Freshness {
    /// A checkpoint is signed at least this often, in seconds.
    pub heartbeat_seconds: u32,
    /// Answers about a region say `STALE` when its newest word is older than this, in seconds.
    pub stale_after_seconds: u32,
    /// The access log is anchored in the event log this often, in seconds.
    pub anchor_seconds: u32,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { heartbeat_seconds: 5, stale_after_seconds: 60, anchor_seconds: 60 }
    }
}

/// Bounds that protect the node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest gRPC message, in bytes.
    pub message_bytes: usize,
    /// Calls of this region's systems at work at once, and as many again of other cities' nodes. As many may wait for a
    /// place, at most 100 ms; the others are refused with RESOURCE_EXHAUSTED. A call that waits for another city's answer
    /// does not count.
    pub concurrent_calls: usize,
    /// Calls at work at once of one caller; as many may wait.
    pub concurrent_calls_per_caller: usize,
    /// Longest time for one call, in seconds; a shorter deadline of the caller holds.
    pub call_seconds: u32,
    /// Documents that are received and judged at once; as many may wait. Each takes up to 100 MiB of the data folder's
    /// file system while it does.
    pub documents: usize,
    /// Documents at once of one caller.
    pub documents_per_caller: usize,
    /// Longest time for a document, from its first byte to the answer, in seconds; a shorter deadline of the caller holds.
    pub document_seconds: u32,
    /// Longest wait for the next part of a document, seconds; beyond the first such time it has to come with 8 KiB a second.
    pub document_idle_seconds: u32,
    /// TLS handshakes at once, and of one address.
    pub handshakes: usize,
    /// Handshakes at once of one address.
    pub handshakes_per_address: usize,
    /// Longest handshake, in seconds.
    pub handshake_seconds: u32,
    /// A connection is closed gracefully after this time, in seconds.
    pub connection_age_seconds: u32,
    /// Writes are refused while less than this is free, in MiB.
    pub free_space_mib: u64,
    /// Searches of one clerk in an hour.
    pub searches_per_clerk_hour: u32,
    /// Refused questions of one other city that are recorded in an hour. Beyond it a question that is refused is told
    /// RESOURCE_EXHAUSTED; those that are granted are answered as ever.
    pub refused_records_per_hour: u32,
    /// On SIGTERM, what was accepted is finished within this time, in seconds.
    pub drain_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 4 << 20,
            concurrent_calls: 256,
            concurrent_calls_per_caller: 128,
            call_seconds: 30,
            documents: 4,
            documents_per_caller: 2,
            document_seconds: 120,
            document_idle_seconds: 10,
            handshakes: 256,
            handshakes_per_address: 64,
            handshake_seconds: 5,
            connection_age_seconds: 3_600,
            free_space_mib: 2_048,
            searches_per_clerk_hour: 120,
            refused_records_per_hour: 3_600,
            drain_seconds: 25,
        }
    }
}

/// Logs and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// `json` or `text`.
    pub format: LogFormat,
    /// As in `tracing-subscriber`'s EnvFilter, e.g. `info,exchange_node::indexer=debug`.
    pub filter: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info".to_owned() }
    }
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Config {
    /// The department with this USCC, if its key is here.
    pub fn department(&self, uscc: &Uscc) -> Option<&Department> {
        self.departments.get(uscc.as_str())
    }
}
