//! Roots, city CAs, node credentials, CRLs and the trust bundle.
//!
//! The library is what the `ca-tools` program, the demo and the tests use: [`Ca`] issues and withdraws, in memory or in
//! a folder; [`SubjectKey`] takes the public key, and nothing else, out of a request; [`bundle`] makes and signs the
//! trust bundle. Every function that depends on the time takes it as milliseconds since 1970.

mod authority;
pub mod bundle;
pub mod cli;
pub mod console;
mod error;
pub mod exit;
pub mod files;
mod journal;
pub mod keyfile;
pub mod keys;
pub mod manual;
mod profile;
pub mod seal_trust;
pub mod seals;
pub mod seams;
mod subject;

pub use authority::{Ca, CaOptions, Issue, Issued, Scope};
pub use error::Error;
pub use journal::{Event, Record, read_journal};
pub use profile::{Profile, node_host};
pub use subject::{MAX_REQUEST_BYTES, SubjectKey, new_request};
