//! The judgement, in six steps (`docs/SEALS.md`): structure, seal, signature, time stamp, references, and the verdict.
//!
//! A step is judged even where an earlier one fails, as far as it can be: a reader wants to know everything that is wrong.

mod document;
mod references;
mod seal;
mod sign;
mod signature;
mod stamp;

use std::io::{Read, Seek};

use exchange_core::chain::Instant;

use crate::{
    Verdict,
    path::SigningTime,
    report::{Findings, Report, SealReport, Step},
    ses::Seal,
    trust::Basis,
};

/// How far clocks may be apart, milliseconds.
const SKEW_MS: u64 = 5 * 60 * 1000;

/// Judges an OFD document and every signature in it. Never panics and never fails: what cannot be read is
/// [`Verdict::Malformed`], with the reason.
pub fn verify<R: Read + Seek>(reader: R, basis: &Basis<'_>) -> Report {
    document::judge(reader, basis)
}

/// Judges a seal alone (`SESeal`, a file `.esl`), as if it were used now.
#[must_use]
pub fn verify_seal(der: &[u8], basis: &Basis<'_>) -> SealReport {
    let mut findings = Findings::default();
    let facts = match Seal::parse(der) {
        Ok(seal) => {
            findings.holds(Step::Structure, format!("a seal of {}", seal.version.standard()));
            Some(seal::judge(&mut findings, &seal, Some(SigningTime { at: basis.now, is_proven: true }), basis))
        }
        Err(error) => {
            findings.fails(Step::Structure, Verdict::Malformed, error.to_string());
            None
        }
    };
    let verdict = findings.verdict();
    SealReport { seal: facts, steps: findings.steps(), verdict }
}

/// After `limit` by more than clocks may differ.
const fn is_after(at: Instant, limit: Instant) -> bool {
    at.0 > limit.0.saturating_add(SKEW_MS)
}
