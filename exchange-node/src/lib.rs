//! The exchange node of a city: it signs certificates, keeps the city's log, follows the logs of the others, and
//! answers questions about certificates for a stated purpose.

pub mod access;
pub mod blobs;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod comparison;
pub mod config;
pub mod copies;
pub mod crash;
pub mod demo;
pub mod doctor;
pub mod documents;
pub mod exit;
pub mod export;
pub mod idempotency;
pub mod import;
pub mod indexer;
pub mod issuing;
pub mod kafka;
pub mod keys;
#[cfg(test)]
mod lab;
pub mod ledger;
pub mod licences;
pub mod limits;
pub mod lookup;
pub mod net;
pub mod node;
pub mod peers;
pub mod policy;
pub mod practice;
pub mod publisher;
pub mod random;
mod recency;
pub mod refusal;
pub mod rpc;
pub mod sample;
pub mod space;
pub mod spawn;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod trust;
pub mod verification;
pub mod watch;
