//! Implementations of uniform matters: each names a position of the province's log, and waits until that is applied here.

use super::Index;
use crate::store::{Error, Key, Space, keys};
use exchange_core::{
    apply::{self, Outcome, Uniform, Version, Void},
    event::{Event, EventKind},
    matter::Implementation,
    position::Position,
    region::Region,
};
use exchange_proto::{
    catalogue,
    certificate::{encode_position, position as position_of},
    store, v1,
};

/// First bytes of keys of implementations that wait for the province's log; never the six digits of a region.
const WAITING: &[u8] = b"waiting";

impl Index {
    pub(super) fn version(&self, item: &Implementation) -> Result<Version, Error> {
        let row: Option<store::ImplementationRow> =
            self.staged.read(&self.store, Space::Implementations, &row_key(self.region, item))?;
        Ok(match row.map(|row| row.state()) {
            Some(v1::ImplementationState::InForce) => Version::Taken,
            Some(v1::ImplementationState::Pending) => Version::Waiting,
            _ => Version::Free,
        })
    }

    /// The uniform matter that an implementation names.
    pub(super) fn uniform_at(&self, position: Position, event: &Event, named: &Position) -> Result<Uniform, Error> {
        let EventKind::ImplementationPublished(item) = &event.kind else { return Ok(Uniform::Nothing) };
        if position.region == self.province {
            let earlier = (named.epoch, named.index) < (position.epoch, position.index);
            return if earlier { self.uniform(item) } else { Ok(Uniform::NotApplied) };
        }
        let state = self.store.region_state(self.province)?.unwrap_or_default();
        let applied = (named.epoch, named.index) < (state.epoch, state.size);
        if applied { self.uniform(item) } else { Ok(Uniform::NotApplied) }
    }

    /// Reads the matter row that an implementation names, once its position is applied.
    fn uniform(&self, item: &Implementation) -> Result<Uniform, Error> {
        let key = keys::versioned(item.matter_code.as_str(), item.matter_version);
        let row: Option<store::MatterRow> = self.staged.read(&self.store, Space::Matters, &key)?;
        let named = item.province_position.map(encode_position);
        let Some(row) = row.filter(|row| row.position.is_some() && row.position == named) else {
            return Ok(Uniform::Nothing);
        };
        Ok(row
            .matter
            .and_then(|matter| catalogue::matter(matter).ok())
            .map_or(Uniform::Nothing, |matter| Uniform::Matter(Box::new(matter))))
    }

    pub(super) fn put_implementation(&mut self, position: Position, item: &Implementation, reason: Option<&Void>) {
        let state = if reason.is_some() { v1::ImplementationState::Void } else { v1::ImplementationState::InForce };
        let row = store::ImplementationRow {
            state: state.into(),
            void_reason: reason.map(|reason| format!("{}: {reason}", reason.code())).unwrap_or_default(),
            ..waiting_row(position, item)
        };
        self.staged.put(Space::Implementations, row_key(self.region, item), &row);
    }

    /// Decides the implementations of all regions that waited for the province's log and wait no more. To be called
    /// with nothing staged, after the province's rows were committed.
    pub(in crate::indexer) fn resolve_waiting(&mut self) -> Result<(), Error> {
        let state = self.store.region_state(self.province)?.unwrap_or_default();
        let found = self.store.province.scan(Space::Implementations, WAITING, &keys::after(WAITING), usize::MAX)?;
        let mut blocked: Option<Vec<u8>> = None;
        for (key, value) in found {
            // All but the position: entries of one version are decided in the order of their log.
            let version = key[..key.len().saturating_sub(12)].to_vec();
            if blocked.as_ref() == Some(&version) {
                continue;
            }
            let row: store::ImplementationRow = crate::store::own::decode(Space::Implementations, &value)?;
            let Some((item, position)) = row.implementation.clone().zip(row.position.clone()) else { continue };
            let (Ok(item), Ok(position)) = (catalogue::implementation(item), position_of(position)) else {
                continue;
            };
            let shown: Option<store::ImplementationRow> =
                self.staged.read(&self.store, Space::Implementations, &row_key(position.region, &item))?;
            let taken = shown.is_some_and(|row| row.state() == v1::ImplementationState::InForce);
            let behind = |named: Position| (named.epoch, named.index) >= (state.epoch, state.size);
            if !taken && item.province_position.is_some_and(behind) {
                self.staged.put(Space::Implementations, row_key(position.region, &item), &row);
                blocked = Some(version);
                continue;
            }
            let uniform = self.uniform(&item)?;
            let version = if taken { Version::Taken } else { Version::Free };
            self.staged.remove(Space::Implementations, key);
            let (change, void) = match apply::implementation(position, &item, version, &uniform) {
                Outcome::Applied { changes, .. } => (changes.into_iter().next(), None),
                Outcome::Void { shown, reason } => (shown, Some(reason)),
                Outcome::UpgradeNeeded => (None, None),
            };
            let own = std::mem::replace(&mut self.region, position.region);
            let staged = match change {
                Some(change) => self.stage(position, 0, None, change).map(drop),
                None => Ok(()),
            };
            self.region = own;
            staged?;
            if let Some(reason) = void {
                crate::indexer::count_void(position.region, &reason);
            }
        }
        Ok(())
    }
}

pub(super) fn waiting_row(position: Position, item: &Implementation) -> store::ImplementationRow {
    store::ImplementationRow {
        implementation: Some(catalogue::encode_implementation(item)),
        position: Some(encode_position(position)),
        state: v1::ImplementationState::Pending.into(),
        void_reason: String::new(),
    }
}

pub(super) fn row_key(region: Region, item: &Implementation) -> Key {
    keys::regional_versioned(region, item.matter_code.as_str(), item.version)
}

pub(super) fn waiting_key(position: Position, item: &Implementation) -> Key {
    let mut key = [WAITING, &row_key(position.region, item)].concat();
    key.extend_from_slice(&position.epoch.to_be_bytes());
    key.extend_from_slice(&position.index.to_be_bytes());
    key
}
