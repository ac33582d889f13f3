//! What an operator has to see to before credentials stop working.

use super::Snapshot;
use exchange_core::{chain::Instant, region::Region};

/// Something about trust that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// Past two thirds of its life; its CA should have made the next one.
    #[error(
        "the CRL of \"{issuer}\" (number {number}) is past two thirds of its life: the next is due by {next_update}"
    )]
    CrlAgeing {
        /// The CA's name.
        issuer: String,
        /// The CRL's.
        number: u64,
        /// When the next one is due.
        next_update: Instant,
    },
    /// Past its next update and the grace period: callers of that CA are refused.
    #[error("the CRL of \"{issuer}\" (number {number}) was due at {next_update}: its CA's callers are refused")]
    CrlStale {
        /// The CA's name.
        issuer: String,
        /// The CRL's.
        number: u64,
        /// When the next one was due.
        next_update: Instant,
    },
    /// No CRL of a CA of the bundle: its callers are refused.
    #[error("no CRL of a CA of region {region} is at hand, or its CA's certificate was not seen yet")]
    CrlMissing {
        /// Whose CA.
        region: Region,
    },
    /// Past two thirds of its life.
    #[error("the trust bundle {series}/{number} is past two thirds of its life: it ends at {expires}")]
    BundleAgeing {
        /// Its series.
        series: String,
        /// Its number.
        number: u64,
        /// Its end.
        expires: Instant,
    },
    /// Past its end: writes and new peers are refused.
    #[error("the trust bundle {series}/{number} ended at {expires}: writes and new peers are refused")]
    BundleExpired {
        /// Its series.
        series: String,
        /// Its number.
        number: u64,
        /// Its end.
        expires: Instant,
    },
    /// Something was offered and refused.
    #[error("a {} was refused: {}", .0.what, .0.text)]
    Refused(Refused),
}

/// What was offered and refused last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `CRL` or `trust bundle`.
    pub what: &'static str,
    /// Stable name of the fault.
    pub fault: &'static str,
    /// In words.
    pub text: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

pub(super) fn alarms<'a>(snapshot: &Snapshot, refused: impl Iterator<Item = &'a Refused>, now_ms: u64) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    for (_, crl) in snapshot.crls.proven() {
        let (issuer, number, next_update) = (crl.issuer.clone(), crl.number, Instant(crl.next_update_ms));
        if crl.is_stale(now_ms, snapshot.crl_grace_ms) {
            alarms.push(Alarm::CrlStale { issuer, number, next_update });
        } else if crl.is_ageing(now_ms) {
            alarms.push(Alarm::CrlAgeing { issuer, number, next_update });
        }
    }
    for (region, trust) in &snapshot.bundle().regions {
        let proven = |ca: &[u8; 32]| snapshot.crls.proven().any(|(issuer, _)| issuer == ca);
        if !trust.ca_spki_sha256.iter().all(proven) {
            alarms.push(Alarm::CrlMissing { region: *region });
        }
    }
    let bundle = snapshot.bundle();
    let (series, number, expires) = (bundle.series.to_string(), bundle.number, Instant(bundle.expires_at_ms));
    let life = bundle.expires_at_ms.saturating_sub(bundle.issued_at_ms);
    if snapshot.bundle.expired(now_ms) {
        alarms.push(Alarm::BundleExpired { series, number, expires });
    } else if now_ms >= bundle.issued_at_ms.saturating_add(life / 3 * 2) {
        alarms.push(Alarm::BundleAgeing { series, number, expires });
    }
    alarms.extend(refused.cloned().map(Alarm::Refused));
    alarms
}
