//! What was staged goes to the store.
//!
//! While many deliveries wait, a commit is written on another thread beside the checks of the next one. What holds:
//! * Commits follow each other in the order of the log, and each is whole: a crash between two of them loses only what
//!   the log brings again, as a crash between two batches does.
//! * A commit holds what was staged when it began, with the state of that moment.
//! * What is staged meanwhile sees the rows of the commit on its way, so what an entry comes to does not depend on how
//!   entries fall into commits.
//! * Nothing of it is handed on, and no other region's log is looked at on its ground, before [`Replica::commit`] has
//!   returned: the pump holds the gate until then.

use super::{Committed, Delivery, Outcome, Replica};
use crate::{
    clock::Clock,
    indexer::Context,
    spawn::Tasks,
    store::{Error, Space, Write},
};
use exchange_proto::rows;
use std::collections::VecDeque;

/// Staged entries from which on a commit is worth a thread.
const BESIDE: u64 = 500;

/// A commit that may be on its way.
#[derive(Debug)]
pub(super) struct Leaving {
    /// Size of the copy with it.
    pub(super) size: u64,
    /// What it is handed on as, once it is in the store.
    committed: Committed,
}

impl Leaving {
    /// Everything is in the store.
    pub(super) fn none(size: u64) -> Self {
        Self { size, committed: Committed::default() }
    }
}

/// What [`Replica::ingest_all`] came to.
#[derive(Debug)]
pub struct Ingested {
    /// Did anything new come, a heartbeat included?
    pub news: bool,
    /// What the caller has to act on before the rest, with its delivery.
    pub halt: Option<(Outcome, Delivery)>,
}

impl Replica {
    /// Takes deliveries from the front until one is no progress that the caller has to act on; what was not looked at
    /// stays. While more of them wait, what is staged is committed beside the checks. All of it is durable with
    /// [`Replica::commit`].
    ///
    /// # Errors
    /// The store fails: open the replica again.
    pub fn ingest_all(
        &mut self,
        deliveries: &mut VecDeque<Delivery>,
        context: &Context,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Result<Ingested, Error> {
        let mut news = false;
        while let Some(delivery) = deliveries.pop_front() {
            match self.ingest(&delivery, context, clock.now_ms())? {
                Outcome::Appended { .. } | Outcome::Heartbeat => news = true,
                Outcome::Known | Outcome::Rejected(_) | Outcome::Deferred(_) | Outcome::Stopped => {}
                outcome => return Ok(Ingested { news, halt: Some((outcome, delivery)) }),
            }
            if !deliveries.is_empty() && self.state.size >= self.leaving.size + BESIDE {
                self.commit_beside(tasks)?;
            }
        }
        Ok(Ingested { news, halt: None })
    }

    /// Writes what is staged: entries, full tiles, index rows, checkpoint, state and offset, all or nothing. What it
    /// returns is in the store, also what was committed before.
    ///
    /// # Errors
    /// The store fails: open the replica again. [`Replica::written`] has what was committed before.
    pub fn commit(&mut self, now_ms: u64) -> Result<Committed, Error> {
        self.write()?;
        let mut forks = Vec::new();
        if !self.state.forked {
            // Checkpoints that did not fit before are compared with what is verified and stored now.
            let (reached, ahead): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.suspects).into_iter().partition(|suspect| suspect.size() <= self.state.size);
            self.suspects = ahead;
            for suspect in &reached {
                if suspect.origin().epoch() != self.state.epoch {
                    continue; // the province has closed its epoch meanwhile
                }
                forks.extend(self.contradiction(suspect, now_ms, "earlier delivery")?);
            }
            if !forks.is_empty() {
                self.forked(); // written by the next commit, when their evidence is kept
            }
        }
        Ok(Committed { forks, ..self.written() })
    }

    /// What is in the store and was not handed on yet.
    pub fn written(&mut self) -> Committed {
        std::mem::take(&mut self.written)
    }

    /// Begins a commit of what is staged, and returns while it is written.
    pub(crate) fn commit_beside(&mut self, tasks: &Tasks) -> Result<(), Error> {
        self.settle()?;
        let state = self.state_row();
        self.index.staged.commit_beside(&self.store, state, tasks)?;
        self.changed = false;
        self.leaving = Leaving { size: self.state.size, committed: self.index.committed() };
        Ok(())
    }

    /// Waits for the commit on its way.
    pub(in crate::indexer) fn settle(&mut self) -> Result<(), Error> {
        self.index.staged.settle()?;
        self.stored = self.leaving.size;
        self.written.add(std::mem::take(&mut self.leaving.committed));
        Ok(())
    }

    /// Writes what is staged, so that it can be read back.
    pub(super) fn write(&mut self) -> Result<(), Error> {
        self.settle()?;
        let mut writes = self.index.staged.take();
        if self.changed || !writes.is_empty() {
            writes.push(self.state_row());
            self.store.province.commit(writes)?;
        }
        self.changed = false;
        self.stored = self.state.size;
        self.leaving.size = self.state.size;
        self.written.add(self.index.committed());
        Ok(())
    }

    fn state_row(&self) -> Write {
        Write::put(Space::Regions, self.region.as_bytes().to_vec(), rows::encode(&self.state))
    }
}
