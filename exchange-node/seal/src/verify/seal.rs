//! Step 2: the seal itself.

use std::sync::Arc;

use exchange_core::chain::Instant;

use super::stamp;
use crate::{
    Verdict,
    algorithm::Algorithm,
    certificate::Certificate,
    path::{self, SigningTime},
    report::{Findings, SealFacts, Step, shown},
    ses::Seal,
    trust::{Basis, Purpose},
};

const STEP: Step = Step::Seal;

/// `used`: when it was put on; `None` where the signature does not say so in a way that is read.
pub(super) fn judge(findings: &mut Findings, seal: &Seal, used: Option<SigningTime>, basis: &Basis<'_>) -> SealFacts {
    let algorithm = seal.algorithm();
    let maker = basis.crls.proven().certificate(&seal.maker);
    match &maker {
        Err(error) => findings.fails(STEP, Verdict::Malformed, format!("the maker's certificate: {error}")),
        Ok(maker) => {
            signature(findings, seal, maker, basis);
            let made = made_at(findings, seal, basis);
            maker_path(findings, maker, made, basis);
        }
    }
    for extension in seal.extensions.iter().filter(|extension| extension.critical) {
        let detail = format!("the seal has the critical extension {}, which is not understood", extension.id);
        findings.fails(STEP, Verdict::Unsupported, detail);
    }
    if let Some(used) = used {
        period(findings, seal, used.at, basis.now);
    }
    let is_national = algorithm.as_ref().is_ok_and(|algorithm| algorithm.is_national());
    if let (Ok(algorithm), false) = (&algorithm, is_national) {
        findings.remark(
            STEP,
            format!("not a GB/T 38540 seal: it is made with {}, a seal of the ring profile", algorithm.name()),
        );
    }
    SealFacts {
        standard: seal.version.standard(),
        is_national,
        id: shown(&seal.id),
        name: shown(&seal.name),
        vendor: shown(&seal.vendor),
        maker: maker.map_or(String::new(), |maker| maker.subject.clone()),
        valid_from: seal.valid_from,
        valid_to: seal.valid_to,
        picture_format: shown(&seal.picture.format),
        picture_mm: (seal.picture.width_mm, seal.picture.height_mm),
        picture_bytes: seal.picture.data.len(),
    }
}

fn signature(findings: &mut Findings, seal: &Seal, maker: &Certificate, basis: &Basis<'_>) {
    let algorithm = match seal.algorithm() {
        Ok(algorithm) => algorithm,
        Err(error) => return findings.fails(STEP, Verdict::Unsupported, format!("the seal: {error}")),
    };
    let proven = basis.crls.proven();
    if proven.seal(&seal.der).is_some() {
        return findings.holds(STEP, made_by(seal, maker, algorithm));
    }
    match proven.verify(algorithm, &maker.key, &seal.signed, &seal.signature) {
        Ok(()) => {
            proven.keep_seal(&seal.der, algorithm.data_digest());
            findings.holds(STEP, made_by(seal, maker, algorithm));
        }
        Err(error) => {
            findings.fails(STEP, Verdict::SealInvalid, format!("\"{}\" did not make this seal: {error}", maker.subject))
        }
    }
}

fn made_by(seal: &Seal, maker: &Certificate, algorithm: Algorithm) -> String {
    format!("\"{}\" made the seal \"{}\" ({})", maker.subject, shown(&seal.name), algorithm.name())
}

/// The maker's own word, or what a time stamp in the seal proves.
fn made_at(findings: &mut Findings, seal: &Seal, basis: &Basis<'_>) -> SigningTime {
    let claimed = SigningTime { at: seal.created, is_proven: false };
    let Some(token) = &seal.token else { return claimed };
    let Some(at) = stamp::judge(findings, "seal", token, &seal.signature, basis) else { return claimed };
    if super::is_after(seal.created, at) {
        let detail = format!("the seal says it was made at {}, after its time stamp of {at}", seal.created);
        findings.fails(Step::TimeStamp, Verdict::TimeInvalid, detail);
    }
    SigningTime { at, is_proven: true }
}

fn maker_path(findings: &mut Findings, maker: &Arc<Certificate>, made: SigningTime, basis: &Basis<'_>) {
    match path::judge(maker, &[], Purpose::Maker, made, basis) {
        Ok(path) => {
            basis.crls.proven().keep_certificate(maker);
            findings.holds(STEP, format!("the maker's path leads to \"{}\", at {}", path.anchor, made.at));
            for remark in path.remarks {
                findings.remark(STEP, remark);
            }
        }
        Err(error) => findings.fails(STEP, stamp::verdict(&error), error.to_string()),
    }
}

/// The period counts when the seal is put on; that it is over since then is worth a remark.
fn period(findings: &mut Findings, seal: &Seal, used: Instant, now: Instant) {
    let told = format!("the seal counts from {} to {}", seal.valid_from, seal.valid_to);
    if used > seal.valid_to {
        findings.fails(STEP, Verdict::SealExpired, format!("{told}, and was used at {used}"));
    } else if used < seal.valid_from {
        findings.fails(STEP, Verdict::SealNotYetValid, format!("{told}, and was used at {used}"));
    } else if used < seal.created {
        let detail = format!("the seal was made at {}, and used at {used}", seal.created);
        findings.fails(STEP, Verdict::SealNotYetValid, detail);
    } else {
        findings.holds(STEP, format!("{told}; it was used at {used}"));
        if now > seal.valid_to {
            findings.remark(STEP, format!("the seal has expired since, at {}", seal.valid_to));
        }
    }
}
