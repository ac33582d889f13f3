//! Every key and credential by itself, for `doctor`: [`Keys::load`](super::Keys::load) ends at the first fault.

use super::{Error, department_seal, department_signer, file, identity, log_key};
use crate::{config::Config, random::Random, trust::Trust};
use exchange_core::{
    chain::Credential,
    checkpoint::LogKind,
    sealed::{IndexKey, StoreKey},
};

/// One key or credential, and what was found.
#[derive(Debug)]
pub struct Part {
    /// Which, by the setting that names it.
    pub setting: String,
    /// First and last moment of a credential, Unix milliseconds; none for a bare key.
    pub outcome: Result<Option<(u64, u64)>, Error>,
}

/// Judges all of them by the same functions as the start of the node.
pub fn parts(config: &Config, trust: &Trust, now_ms: u64, random: &Random) -> Vec<Part> {
    let region = config.node.region;
    let mut found = Vec::new();
    let mut add = |setting: &str, outcome| found.push(Part { setting: setting.to_owned(), outcome });
    let own = identity(config, trust, now_ms).map(|own| {
        let leaf = own.cert.first().and_then(|leaf| Credential::parse(leaf).ok());
        leaf.map(|leaf| (leaf.not_before_ms, leaf.not_after_ms))
    });
    add("identity", own);
    for (code, department) in &config.departments {
        let signer = department_signer(code, department, region, trust, now_ms, random);
        let outcome = signer.map(|signer| Some((signer.not_before_ms, signer.not_after_ms)));
        add(&format!("departments.{code}"), outcome);
        if let Some(seal) = &department.seal {
            let outcome = department_seal(seal, random).map(|seal| Some((seal.from.0, seal.to.0)));
            add(&format!("departments.{code}.seal"), outcome);
        }
    }
    let snapshot = trust.snapshot();
    for (setting, path, kind) in [
        ("keys.event_log", &config.keys.event_log, LogKind::Events),
        ("keys.access_log", &config.keys.access_log, LogKind::Access),
    ] {
        let epoch = snapshot.bundle().newest_epoch(region, LogKind::Events).ok_or(Error::NoLog { region });
        add(setting, epoch.and_then(|epoch| log_key(path, &snapshot, region, kind, epoch)).map(|_| None));
    }
    add("keys.store", file::parsed::<StoreKey>(&config.keys.store).map(|_| None));
    let wanted = snapshot.bundle().regions.get(&region).map(|trust| trust.index_key_id).filter(|id| *id != [0; 8]);
    let mut held = Vec::new();
    for path in &config.keys.index {
        add("keys.index", file::parsed::<IndexKey>(path).map(|key| held.push(key.id())).map(|()| None));
    }
    if wanted.is_some_and(|wanted| !held.contains(&wanted)) {
        add("keys.index", Err(Error::IndexKey { region }));
    }
    found
}
