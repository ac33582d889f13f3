//! Before its first write after every start a node compares its own log with what other nodes hold of it.
//!
//! An old copy of the node's folder would otherwise sign other entries at positions that the province has seen: a fork.
//! If others hold more, the node stays read-only and says so. Copying what they hold and closing epochs come later.

use crate::{clock::Clock, ledger::Ledger, peers::Peers, random::Random, spawn::Tasks, trust::Trust};
use exchange_core::{
    checkpoint::{self, Checkpoint, LogKind, Origin},
    region::Region,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Answers that are needed, if there are as many other nodes.
const NEEDED: usize = 2;
const DEADLINE: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_millis(500);

/// Compares until the node may write, or for ever.
pub struct Comparison {
    /// Own event log.
    pub origin: Origin,
    /// Of this node.
    pub region: Region,
    /// Entries that the own store has.
    pub size: u64,
    /// Whom to ask.
    pub trust: Arc<Trust>,
    /// How.
    pub peers: Arc<Peers>,
    /// Made writable, or kept read-only with the reason.
    pub ledger: Ledger,
    /// Between two rounds.
    pub clock: Clock,
    /// Jitter.
    pub random: Random,
}

/// Why writes are refused until the comparison is through.
pub const NOT_COMPARED: &str = "the own log was not yet compared with other nodes' copies of it";

impl Comparison {
    /// Runs until the node may write or stops.
    pub async fn run(self, tasks: Tasks) {
        loop {
            let verdict = self.round().await;
            if verdict.is_none() {
                tracing::info!(
                    entries = self.size,
                    "the own log is as long as every copy that was asked: writes are taken"
                );
                self.ledger.set_read_only(None);
                return;
            }
            self.ledger.set_read_only(verdict);
            tokio::select! {
                biased;
                () = tasks.stopping() => return,
                () = self.clock.sleep(self.random.jitter(RETRY)) => {}
            }
        }
    }

    /// `None`: may write.
    async fn round(&self) -> Option<String> {
        let others: BTreeSet<Region> =
            self.trust.snapshot().bundle().regions.keys().copied().filter(|region| *region != self.region).collect();
        let needed = NEEDED.min(others.len());
        let mut answers = 0;
        for region in others {
            if answers >= needed {
                break;
            }
            match self.peers.checkpoint(region, &self.origin, DEADLINE).await {
                Err(error) => tracing::debug!(%region, %error, "no answer about the own log"),
                Ok(note) => match self.size_in(&note) {
                    Ok(size) if size > self.size => {
                        return Some(format!(
                            "{region} holds {size} entries of this city's log, the own store has {}: it is an old copy; \
                             restore the newest one",
                            self.size
                        ));
                    }
                    Ok(_) => answers += 1,
                    Err(error) => {
                        tracing::warn!(%region, %error, "a copy of the own log that the own key did not sign")
                    }
                },
            }
        }
        (answers < needed).then(|| format!("{NOT_COMPARED} ({answers} of {needed} answered)"))
    }

    /// An empty answer is a node that has nothing of this log.
    fn size_in(&self, note: &[u8]) -> Result<u64, checkpoint::Error> {
        if note.is_empty() {
            return Ok(0);
        }
        let claimed = Checkpoint::parse_unverified(note)?;
        let keys = self.trust.log_keys(self.region, LogKind::Events, self.origin.epoch(), claimed.size);
        Ok(checkpoint::open(note, &keys)?.size())
    }
}
