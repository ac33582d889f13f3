//! Electronic seals (电子印章) and sealed OFD documents: read, verify and make, usable on its own.
//!
//! Pure: bytes, or `Read + Seek`, and a [`Basis`] in; a [`Report`] out. No clock, no network, no file is opened here; who
//! makes a seal or stamps a document brings the time and the randomness.
//!
//! - Seals and seal signatures of GM/T 0031-2014 (v1), GB/T 38540-2020 (v4) and GM/T 0031-2025 (v5): [`ses`].
//! - OFD packages (GB/T 33190-2016): [`ofd`].
//! - [`verify`] judges a document, [`verify_seal`] a seal alone. Each step is reported by itself; [`Verdict`] says what
//!   counts when several things are wrong.
//! - [`make`] builds seals and puts them on documents.
//!
//! What is not claimed: legal force of any seal, and that this is a certified cryptographic product
//! (商用密码产品认证). `docs/SEALS.md` says more.

pub mod algorithm;
mod asn1;
pub mod certificate;
mod cms;
pub mod crl;
pub mod digest;
pub mod licence;
pub mod limits;
pub mod make;
pub mod ofd;
mod path;
mod proven;
pub mod report;
pub mod ses;
mod sm2;
pub mod time;
mod token;
pub mod trust;
mod verdict;
mod verify;

pub use asn1::Error as Asn1Error;
pub use limits::Limits;
pub use report::{Finding, Outcome, Report, SealReport, SignatureReport, Step, StepReport};
pub use trust::{Anchors, Basis};
pub use verdict::Verdict;
pub use verify::{verify, verify_seal};
