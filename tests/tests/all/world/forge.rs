//! Logs that lie: signed with a region's genuine key, by this test instead of its node.

use super::{World, region};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{Checkpoint, LogKey, LogKind, LogProof, Origin, VerifierKey},
    event::EventKind,
    merkle::{Frontier, GroupTree, Hash, leaf_hash},
    region::Region,
};
use exchange_node::practice::TRUST_DOMAIN;
use exchange_proto::{
    event,
    segment::{self, Entry},
};

/// A log under the key of a region that this test signs. A clone goes another way from there.
#[derive(Clone)]
pub(crate) struct ThrowAway {
    region: Region,
    origin: Origin,
    key: std::sync::Arc<LogKey>,
    der: Vec<u8>,
    entries: Vec<Vec<u8>>,
}

impl ThrowAway {
    /// A region's event log from the beginning.
    pub(crate) fn events(world: &World, code: &str) -> Self {
        Self::log(world, code, LogKind::Events, "events.key")
    }

    /// A region's access log from the beginning.
    pub(crate) fn access(world: &World, code: &str) -> Self {
        Self::log(world, code, LogKind::Access, "access.key")
    }

    fn log(world: &World, code: &str, kind: LogKind, file: &str) -> Self {
        let region = region(code);
        let path = world.practice.node_folder(region).join(file);
        let der = ca_tools::keyfile::read(&path, || unreachable!("practice keys are in the clear")).unwrap();
        let origin = Origin::new(TRUST_DOMAIN, code, kind, 1).unwrap();
        let key = LogKey::from_pkcs8_der(&origin.to_string(), &der).unwrap();
        Self { region, origin, key: std::sync::Arc::new(key), der: der.to_vec(), entries: Vec::new() }
    }

    /// Under another region's name, with the key that it has.
    pub(crate) fn renamed(mut self, code: &str) -> Self {
        self.region = region(code);
        self.origin = Origin::new(TRUST_DOMAIN, code, self.origin.kind(), 1).unwrap();
        self.key = std::sync::Arc::new(LogKey::from_pkcs8_der(&self.origin.to_string(), &self.der).unwrap());
        self
    }

    /// The public key.
    pub(crate) fn verifier(&self) -> VerifierKey {
        self.key.verifier().clone()
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Says something, and signs it: the segment as a carrier has it.
    pub(crate) fn say(&mut self, said: Vec<EventKind>) -> Bytes {
        let (first, at_ms) = (self.entries.len(), now_ms());
        self.entries.extend(said.iter().map(|kind| event::with_at(at_ms, &event::encode_body(kind, false))));
        let entries: Vec<Entry> =
            self.entries[first..].iter().map(|entry| Entry::Bytes(Bytes::copy_from_slice(entry))).collect();
        segment::encode_segment(self.region, 1, first as u64, &entries, &self.sign(at_ms).into())
    }

    /// Appends the bytes of an entry; it is signed with the next proof.
    pub(crate) fn append(&mut self, entry: Vec<u8>) {
        self.entries.push(entry);
    }

    /// A note over all that was said.
    pub(crate) fn sign(&self, at_ms: u64) -> Vec<u8> {
        let tree = self.tree();
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.size(), root: tree.root(), at_ms };
        checkpoint.sign(&self.key).unwrap()
    }

    /// The proof that an entry is in this log.
    pub(crate) fn proof(&self, index: usize) -> LogProof {
        LogProof {
            origin: self.origin.clone(),
            index: index as u64,
            entry: self.entries[index].clone(),
            hashes: self.tree().proof(index).unwrap(),
            checkpoint_note: self.sign(now_ms()),
        }
    }

    fn tree(&self) -> GroupTree {
        let leaves: Vec<Hash> = self.entries.iter().map(|entry| leaf_hash(entry)).collect();
        GroupTree::new(&Frontier::new(), leaves)
    }
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// A notice of a region, for entries that only have to be there.
pub(crate) fn notice(text: &str) -> EventKind {
    EventKind::RegionNotice { text: text.to_owned() }
}
