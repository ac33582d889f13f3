//! What of trust is kept in `own/`, so that an older bundle or CRL stays refused after a restart.
//!
//! Space `trust`: `bundle` → 1 ‖ `SignedTrustBundle`; `crl` ‖ SHA-256 of the CA's key → 1 ‖ DER.

use super::{Error, Snapshot};
use crate::{
    ledger::{Changes, Command, Decision, View},
    refusal::Refusal,
    store::{self, Space, Write},
};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Key of the bundle's row.
pub const BUNDLE_ROW: &[u8] = b"bundle";
const CRL_PREFIX: &[u8] = b"crl";
const VERSION: u8 = 1;

/// Key of a CRL's row.
pub fn crl_row(issuer_spki_sha256: &[u8; 32]) -> store::Key {
    [CRL_PREFIX, issuer_spki_sha256].concat()
}

/// The ledger command that keeps what was taken; also while the node is read-only. Whoever submits it hands it back to
/// [`super::Trust::saved`] when it is durable.
#[derive(Debug, Clone)]
pub struct Keep {
    pub(super) rows: BTreeMap<store::Key, Bytes>,
}

impl Command for Keep {
    fn reads(&self, _keys: &mut Vec<(Space, store::Key)>) {}

    /// Nothing is compared here: only a [`super::Trust`] makes this command, and it takes nothing older.
    fn decide(&self, _view: &View<'_>) -> Result<Decision, Refusal> {
        let rows = self.rows.iter().map(|(key, value)| Write::put(Space::Trust, key.clone(), value.clone()));
        Ok(Decision::Commit(Changes { rows: rows.collect(), ..Changes::default() }))
    }

    fn while_read_only(&self) -> bool {
        true
    }
}

/// What was kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) bundle: Option<Bytes>,
    pub(super) crls: Vec<Bytes>,
}

pub(super) fn read(rows: &[(store::Key, Bytes)]) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    for (key, value) in rows {
        let body = match value.first() {
            Some(&VERSION) => value.slice(1..),
            found => {
                let problem = format!("format {found:?} is not known");
                return Err(store::Error::Row { space: Space::Trust.name(), problem }.into());
            }
        };
        if key == BUNDLE_ROW {
            kept.bundle = Some(body);
        } else if key.starts_with(CRL_PREFIX) {
            kept.crls.push(body);
        }
    }
    Ok(kept)
}

/// Every row as it should be.
pub(super) fn rows(snapshot: &Snapshot) -> BTreeMap<store::Key, Bytes> {
    let mut rows: BTreeMap<_, _> =
        snapshot.crls.proven().map(|(issuer, crl)| (crl_row(issuer), prefixed(&crl.der))).collect();
    rows.insert(BUNDLE_ROW.to_vec(), prefixed(&snapshot.signed_bundle));
    rows
}

fn prefixed(body: &[u8]) -> Bytes {
    [&[VERSION], body].concat().into()
}
