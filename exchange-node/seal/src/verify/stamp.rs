//! Step 4: time stamps.

use exchange_core::chain::Instant;

use crate::{
    Verdict, path,
    path::SigningTime,
    report::{Findings, Step},
    token::Token,
    trust::{Basis, Purpose},
};

/// Judges a token over a signature's value; the time that it proves, if it does. `of`: for messages.
pub(super) fn judge(
    findings: &mut Findings,
    of: &str,
    token: &[u8],
    signature: &[u8],
    basis: &Basis<'_>,
) -> Option<Instant> {
    const STEP: Step = Step::TimeStamp;
    let token = match Token::parse(token) {
        Ok(token) => token,
        Err(error) => {
            findings.fails(STEP, Verdict::TimeStampInvalid, format!("the time stamp of the {of}: {error}"));
            return None;
        }
    };
    if let Err(detail) = token.verify(signature) {
        findings.fails(STEP, Verdict::TimeStampInvalid, format!("the time stamp of the {of}: {detail}"));
        return None;
    }
    let authority = &token.signed.signer;
    // The authority's own word is all there is for its own time.
    let when = SigningTime { at: token.at, is_proven: false };
    match path::judge(authority, &token.signed.certificates, Purpose::TimeStamp, when, basis) {
        Ok(path) => {
            let algorithm = token.signed.algorithm().name();
            findings.holds(
                STEP,
                format!(
                    "\"{}\" saw the {of} at {} ({algorithm}, anchor \"{}\")",
                    authority.subject, token.at, path.anchor
                ),
            );
            for remark in path.remarks {
                findings.remark(STEP, remark);
            }
            if super::is_after(token.at, basis.now) {
                findings.fails(
                    STEP,
                    Verdict::TimeInvalid,
                    format!("the time stamp of the {of} is in the future: {}", token.at),
                );
                return None;
            }
            Some(token.at)
        }
        Err(error) => {
            findings.fails(STEP, verdict(&error), format!("the time stamp of the {of}: {error}"));
            None
        }
    }
}

/// What a path that does not hold means for the whole.
pub(super) const fn verdict(error: &path::Error) -> Verdict {
    match error {
        path::Error::Untrusted(_) => Verdict::Untrusted,
        path::Error::Expired(_) => Verdict::SignerExpired,
        path::Error::Withdrawn(_) => Verdict::Revoked,
        path::Error::NoCrl(_) => Verdict::RevocationUnknown,
    }
}
