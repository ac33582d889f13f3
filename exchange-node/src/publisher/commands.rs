//! What the publisher asks the ledger to write.

use crate::{
    ledger::{Changes, Command, Decision, View},
    refusal::Refusal,
    store::{Key, Space, Write, keys},
};
use bytes::Bytes;
use exchange_core::checkpoint::Checkpoint;
use exchange_proto::v1;
use prost::Message;

/// Signs the newest checkpoint anew. Refused while the node is read-only: a restored node must not sign.
pub(super) struct Heartbeat;

impl Command for Heartbeat {
    fn reads(&self, _: &mut Vec<(Space, Key)>) {}

    fn decide(&self, _: &View<'_>) -> Result<Decision, Refusal> {
        Ok(Decision::Commit(Changes { heartbeat: true, ..Changes::default() }))
    }
}

/// Moves the mark; never back.
pub(super) struct Published {
    pub(super) epoch: u32,
    pub(super) next: u64,
}

impl Published {
    fn value(&self) -> Vec<u8> {
        [self.epoch.to_be_bytes().as_slice(), &self.next.to_be_bytes()].concat()
    }
}

impl Command for Published {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push((Space::Meta, keys::PUBLISHED.to_vec()));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        let value = self.value(); // big-endian: compares as epoch, then index
        match view.row(Space::Meta, keys::PUBLISHED)? {
            Some(mark) if **mark >= *value => Ok(Decision::Earlier(mark.clone())),
            _ => {
                let rows = vec![Write::put(Space::Meta, keys::PUBLISHED.to_vec(), value)];
                Ok(Decision::Commit(Changes { rows, ..Changes::default() }))
            }
        }
    }

    fn while_read_only(&self) -> bool {
        true // it says what a broker has, and signs nothing
    }
}

/// Puts a checkpoint of the access log into the event log.
pub(super) struct Anchor {
    pub(super) checkpoint: Checkpoint,
    pub(super) note: Bytes,
}

impl Command for Anchor {
    fn reads(&self, _: &mut Vec<(Space, Key)>) {}

    fn decide(&self, _: &View<'_>) -> Result<Decision, Refusal> {
        let anchor = v1::AccessCheckpoint {
            epoch: self.checkpoint.origin.epoch(),
            size: self.checkpoint.size,
            root: Bytes::copy_from_slice(&self.checkpoint.root),
            note: self.note.clone(),
        };
        // The ledger puts the time in front.
        let event = v1::Event { kind: Some(v1::event::Kind::AccessCheckpoint(anchor)), ..v1::Event::default() };
        Ok(Decision::Commit(Changes { events: vec![event.encode_to_vec().into()], ..Changes::default() }))
    }
}
