//! Are the access checkpoints that a city has shown one history? Off the hot path, once a minute.

use crate::{
    clock::Clock,
    ledger::{Ledger, Rows},
    peers::Peers,
    refusal::Refusal,
    spawn::Tasks,
    store::{Space, Store, Write, keys, own},
};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{Checkpoint, VerifiedCheckpoint},
    merkle::{Hash, verify_consistency},
    region::Region,
};
use exchange_proto::{rows, store as row};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Between two audits.
pub const INTERVAL: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(10);

/// The largest access checkpoint of each region since the last audit.
#[derive(Clone, Default)]
pub struct Audit {
    seen: Arc<Mutex<BTreeMap<Region, Seen>>>,
}

/// What one region has shown since the last audit.
struct Seen {
    largest: Arc<VerifiedCheckpoint>,
    /// Of the largest one's size with another root: needs no question to anybody.
    contradicting: Option<Arc<VerifiedCheckpoint>>,
}

/// What an audit needs.
#[derive(Clone)]
pub struct Auditor {
    /// What was seen.
    pub audit: Audit,
    /// What was seen before, and what the event logs anchor.
    pub store: Store,
    /// Keeps what was seen.
    pub ledger: Ledger,
    /// Asks for consistency proofs.
    pub peers: Arc<Peers>,
    /// Time.
    pub clock: Clock,
}

impl Audit {
    /// Remembers a verified checkpoint.
    pub fn saw(&self, region: Region, checkpoint: &Arc<VerifiedCheckpoint>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(region).or_insert_with(|| Seen { largest: Arc::clone(checkpoint), contradicting: None });
        if known.largest.size() == checkpoint.size() && known.largest.root() != checkpoint.root() {
            known.contradicting = Some(Arc::clone(checkpoint));
        } else if known.largest.size() < checkpoint.size() && known.contradicting.is_none() {
            known.largest = Arc::clone(checkpoint);
        }
    }

    fn take(&self) -> BTreeMap<Region, Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What an audit of one region came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One history.
    Consistent,
    /// Two histories: evidence is kept.
    Contradiction,
    /// The city did not answer; tried again in a minute.
    Unanswered(String),
}

impl Auditor {
    /// Audits until the node stops.
    pub async fn run(self, tasks: Tasks) {
        loop {
            tokio::select! {
                biased;
                () = tasks.stopping() => return,
                () = self.clock.sleep(INTERVAL) => {}
            }
            self.round().await;
        }
    }

    /// Audits every region of which something was seen.
    pub async fn round(&self) -> Vec<(Region, Outcome)> {
        let mut outcomes = Vec::new();
        for (region, seen) in self.audit.take() {
            let outcome = match self.region(region, &seen).await {
                Ok(outcome) => outcome,
                Err(refusal) => Outcome::Unanswered(refusal.to_string()),
            };
            match &outcome {
                Outcome::Consistent => {}
                Outcome::Contradiction => {
                    tracing::error!(%region, "two histories of an access log: evidence is kept");
                    metrics::counter!(crate::telemetry::ACCESS_CONTRADICTIONS).increment(1);
                }
                Outcome::Unanswered(why) => {
                    tracing::warn!(%region, why, "an access log could not be audited");
                    self.audit.saw(region, &seen.largest);
                }
            }
            outcomes.push((region, outcome));
        }
        outcomes
    }

    async fn region(&self, region: Region, shown: &Seen) -> Result<Outcome, Refusal> {
        let seen = &*shown.largest;
        if let Some(other) = &shown.contradicting {
            self.keep_evidence(seen, Bytes::copy_from_slice(other.note())).await?;
            return Ok(Outcome::Contradiction);
        }
        let newest = (seen.size(), *seen.root());
        let mut earlier: Vec<row::SeenAccessRow> =
            own::read(&self.store.own, Space::SeenAccess, audited_key(region))?.into_iter().collect();
        earlier.extend(self.store.anchored_access(region)?);
        for one in &earlier {
            let Some((size, root)) = point(one) else { continue };
            if !self.one_history(seen, (size, root), newest).await? {
                self.keep_evidence(seen, one.note.clone()).await?;
                return Ok(Outcome::Contradiction);
            }
        }
        let row = row::SeenAccessRow {
            note: seen.note().to_vec().into(),
            size: seen.size(),
            root: seen.root().to_vec().into(),
            audited: true,
        };
        let minute = (self.clock.now_ms() / 60_000).to_be_bytes();
        let value = rows::encode(&row);
        let writes = vec![
            Write::put(Space::SeenAccess, audited_key(region), value.clone()),
            Write::put(Space::SeenAccess, keys::regional(region, &minute), value),
        ];
        self.ledger.submit(Rows(writes)).await?;
        Ok(Outcome::Consistent)
    }

    async fn one_history(
        &self,
        seen: &VerifiedCheckpoint,
        earlier: (u64, Hash),
        newest: (u64, Hash),
    ) -> Result<bool, Refusal> {
        let (old, new) = if earlier.0 <= newest.0 { (earlier, newest) } else { (newest, earlier) };
        if old.0 == new.0 {
            return Ok(old.1 == new.1);
        }
        if old.0 == 0 {
            return Ok(true); // the empty tree is a prefix of every tree
        }
        let proof = self.peers.consistency(seen.origin(), old.0, new.0, DEADLINE).await?;
        Ok(verify_consistency(old.0, &old.1, new.0, &new.1, &proof).is_ok())
    }

    async fn keep_evidence(&self, seen: &VerifiedCheckpoint, other: Bytes) -> Result<(), Refusal> {
        let evidence = row::ForkEvidence {
            at_ms: self.clock.now_ms(),
            origin: seen.origin().to_string(),
            note_a: other,
            note_b: seen.note().to_vec().into(),
            source: "audit of access checkpoints".to_owned(),
            ..Default::default()
        };
        let key = keys::parts(&[seen.origin().to_string().as_bytes(), &self.clock.now_ms().to_be_bytes()]);
        self.ledger.submit(Rows(vec![Write::put(Space::Evidence, key, rows::encode(&evidence))])).await?;
        Ok(())
    }
}

fn audited_key(region: Region) -> Vec<u8> {
    keys::regional(region, b"audited")
}

/// Size and root of a row, from its note.
fn point(row: &row::SeenAccessRow) -> Option<(u64, Hash)> {
    let checkpoint = Checkpoint::parse_unverified(&row.note).ok()?;
    Some((checkpoint.size, checkpoint.root))
}
