//! What clients were told and tried, held against every node: REV-1, ID-1, DRAIN-1; and DUP-1 over all that was ever said.

use super::{World, checks::index_rows, region};
use exchange_core::{
    access::{AccessKind, AccessRecord},
    event::EventKind,
    invariants::{self, Attempt, Changed, Drained, Invariant, Violation},
    position::Position,
    region::Region,
};
use exchange_node::{
    indexer::{Carrier, Context, Delivery, Replica},
    store::{
        self, Store,
        log::{Entry, Kind, Log},
    },
};
use exchange_proto::{
    event,
    v1::{self, segment_entry::Content},
};
use prost::Message;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What of a client's word is held against the nodes, beside its certificates.
#[derive(Default)]
pub(super) struct Conduct {
    /// By region: certificate and number of the decision, of each change that was acknowledged.
    pub(super) changed: BTreeMap<Region, BTreeSet<(String, String)>>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) drained: Vec<Drained>,
}

impl World {
    /// Takes note of an acknowledged change of status. The number of its decision must stand for this change alone.
    pub(crate) fn told_changed(&self, code: &str, request: &v1::ChangeStatusRequest) {
        let told = (request.certificate_id.clone(), request.document_number.clone());
        self.told.lock().unwrap().conduct.changed.entry(region(code)).or_default().insert(told);
    }

    /// Takes note of what somebody tried.
    pub(crate) fn told_attempt(&self, attempt: Attempt) {
        self.told.lock().unwrap().conduct.attempts.push(attempt);
    }

    /// Takes note of a call that was under way while its node drained.
    pub(crate) fn told_drained(&self, call: Drained) {
        self.told.lock().unwrap().conduct.drained.push(call);
    }

    /// REV-1 on what every running node says now; needs no settling.
    pub(crate) fn revocations(&self) -> Result<(), Violation> {
        let told = self.told.lock().unwrap();
        for (of, acknowledged) in &told.conduct.changed {
            let code = of.as_str();
            if !self.is_running(code) {
                continue; // its log is not at hand
            }
            let changed = self.changes(*of, acknowledged)?;
            for node in self.running() {
                let store = self.store(node.as_str());
                // The state first: what is read after it is at least as new.
                let state = store.region_state(*of).unwrap().filter(|state| !state.checkpoint.is_empty());
                let as_of_ms = state.map(|state| state.at_ms.min(state.received_at_ms));
                let mut applied = BTreeSet::new();
                for (id, _) in acknowledged {
                    let links =
                        store.indexed_certificate(*of, id).unwrap().map(|row| row.links.clone()).unwrap_or_default();
                    applied.extend(links.iter().map(|one| Position {
                        region: *of,
                        epoch: one.epoch,
                        index: one.index,
                    }));
                }
                invariants::rev_1(&changed, as_of_ms, &applied)?;
            }
        }
        Ok(())
    }

    /// Where the acknowledged changes stand in their own region's log.
    fn changes(&self, of: Region, acknowledged: &BTreeSet<(String, String)>) -> Result<Vec<Changed>, Violation> {
        let mut found = BTreeMap::new();
        for (index, entry) in (0..).zip(self.event_entries(of.as_str())) {
            let Ok(event) = event::decode(&entry) else { continue };
            if let EventKind::CertificateStatusChanged(change) = event.kind {
                let position = Position { region: of, epoch: 1, index };
                let changed = Changed { certificate_id: change.certificate_id.clone(), position, at_ms: event.at_ms };
                found.insert((change.certificate_id, change.document_number), changed);
            }
        }
        let mut all = Vec::new();
        for told in acknowledged {
            match found.remove(told) {
                Some(changed) => all.push(changed),
                None => {
                    let found = format!("the acknowledged change {told:?} is not in the log of {of}");
                    return Err(Violation { invariant: Invariant::Rev1, found });
                }
            }
        }
        Ok(all)
    }

    /// What clients tried and what became of their calls, alone.
    pub(crate) fn told_holds(&self) -> Result<(), Violation> {
        let told = self.told.lock().unwrap();
        invariants::id_1(&told.conduct.attempts, &[])?;
        invariants::drain_1(&told.conduct.drained)
    }

    /// ID-1 and DRAIN-1.
    pub(super) fn conduct(&self, accesses: &BTreeMap<Region, Vec<AccessRecord>>) -> Result<(), Violation> {
        let told = self.told.lock().unwrap();
        let mut recorded = Vec::new();
        for (of, records) in accesses {
            let own = |record: &&AccessRecord| matches!(record.kind, AccessKind::Asked | AccessKind::Received);
            recorded.extend(records.iter().filter(own).map(|record| (*of, record.caller.clone())));
        }
        invariants::id_1(&told.conduct.attempts, &recorded)?;
        invariants::drain_1(&told.conduct.drained)
    }

    /// DUP-1: all that was ever said, told to an empty node in an order by lot, some of it more than once, gives the rows
    /// that a node has. Every log must be settled.
    pub(crate) fn replayed(&self, node: &str, mut lot: impl FnMut(u64) -> u64) -> Result<(), Violation> {
        let context = self.context(node);
        let province = context.bundle.province;
        let fresh = Store::in_memory(province);
        let mut waiting: BTreeMap<Region, Vec<v1::Segment>> = BTreeMap::new();
        let mut replicas = BTreeMap::new();
        // A copy behind a fork has what came first: the order is the carrier's.
        let stopped: BTreeSet<Region> = self.regions().into_iter().filter(|of| self.is_stopped(*of)).collect();
        for of in self.regions().into_iter().filter(|of| !stopped.contains(of)) {
            waiting.insert(of, self.segments(node, of));
            replicas.insert(of, Replica::open(&fresh, of, province).unwrap());
        }
        let mut told: Vec<(Region, v1::Segment)> = Vec::new();
        while waiting.values().any(|segments| !segments.is_empty()) {
            let ahead: Vec<Region> =
                waiting.iter().filter(|(_, segments)| !segments.is_empty()).map(|(of, _)| *of).collect();
            // One time in three something comes again.
            let (of, segment) = if !told.is_empty() && lot(3) == 0 {
                told[usize::try_from(lot(told.len() as u64)).unwrap()].clone()
            } else {
                let of = ahead[usize::try_from(lot(ahead.len() as u64)).unwrap()];
                (of, waiting.get_mut(&of).unwrap().remove(0))
            };
            let replica = replicas.get_mut(&of).unwrap();
            let carrier = Carrier::Peer(of);
            let delivery = Delivery { payload: segment.encode_to_vec().into(), carrier };
            let before = replica.size();
            let taken = replica.ingest(&delivery, &context, 1).and_then(|_| replica.commit(1));
            let taken = taken.and_then(|_| {
                if of == province && replica.size() > before { replica.resolve_waiting() } else { Ok(()) }
            });
            let broken = |error: store::Error| Violation { invariant: Invariant::Dup1, found: error.to_string() };
            taken.map_err(broken)?;
            told.push((of, segment));
        }
        let rows = |store: &Store| index_rows(store, &stopped);
        invariants::dup_1(&rows(self.store(node)), &rows(&fresh))
    }

    /// Has a log's feed stopped somewhere?
    pub(super) fn is_stopped(&self, of: Region) -> bool {
        let state = |node: &Region| self.store(node.as_str()).region_state(of).unwrap();
        self.running().iter().any(|node| state(node).is_some_and(|state| state.forked))
    }

    /// What a node has applied of a log, cut at every checkpoint.
    fn segments(&self, node: &str, of: Region) -> Vec<v1::Segment> {
        let store = self.store(node);
        let applied = store.region_state(of).unwrap().unwrap_or_default().applied;
        let log = Log::new(if of == region(node) { &store.own } else { &store.province }, Kind::Events, of, 1);
        let (mut segments, mut from) = (Vec::new(), 0);
        while let Some((size, checkpoint)) = log.checkpoint_from(from + 1).unwrap().filter(|(size, _)| *size <= applied)
        {
            let entries = log.entries(from, usize::try_from(size - from).unwrap(), usize::MAX).unwrap();
            let content = |entry| match entry {
                Entry::Bytes(bytes) => Content::Entry(bytes),
                Entry::LeafHash(hash) => Content::LeafHash(hash.to_vec().into()),
            };
            let entries = entries.into_iter().map(|entry| v1::SegmentEntry { content: Some(content(entry)) }).collect();
            segments.push(v1::Segment { region: of.to_string(), epoch: 1, first: from, entries, checkpoint });
            from = size;
        }
        segments
    }

    /// By what a node judges deliveries.
    fn context(&self, node: &str) -> Context {
        let file = self.practice.node_folder(region(node)).join("../index.key");
        let index = std::fs::read_to_string(file).unwrap().parse().unwrap();
        Context { bundle: Arc::new(self.practice.bundle().clone()), index_keys: Arc::new(vec![index]) }
    }
}
