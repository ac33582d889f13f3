//! Forgets copies: their bytes when no question can ask for them again, their rows some time after the last day.

use super::day;
use crate::{
    clock::Clock,
    ledger::{Changes, Command, Decision, Ledger, View},
    licences::Licences,
    lookup::KEPT_FOR_REPETITIONS_MS,
    refusal::Refusal,
    spawn::Tasks,
    store::{Key, Space, Store, Write, keys, own},
};
use exchange_core::{date::Date, region::Region};
use exchange_proto::copy::{self as convert, CopyMade};
use std::time::Duration;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(3_600);
/// Rows that are read, and at most changed, in one step.
const BATCH: usize = 256;
/// Behind every number.
const END: [u8; 17] = [u8::MAX; 17];

/// The work itself.
#[derive(Clone)]
pub struct Sweep {
    /// Whose copies.
    pub region: Region,
    /// Reads.
    pub store: Store,
    /// Writes. A node that may not write forgets nothing.
    pub ledger: Ledger,
    /// How long copies are known.
    pub licences: Licences,
    /// Reading blocks.
    pub tasks: Tasks,
    /// Time.
    pub clock: Clock,
}

impl Sweep {
    /// Until the node stops.
    pub async fn run(self) {
        loop {
            tokio::select! {
                biased;
                () = self.tasks.stopping() => return,
                () = self.clock.sleep(PAUSE) => {}
            }
            if self.ledger.read_only().is_none()
                && let Err(error) = self.round().await
            {
                tracing::error!(%error, "copies for one use could not be looked through");
            }
        }
    }

    /// Looks at every copy once; gives how many are forgotten.
    ///
    /// # Errors
    /// The store or the ledger fails; the next round tries again.
    pub async fn round(&self) -> Result<usize, Refusal> {
        let (mut from, mut forgotten) = (Vec::new(), 0);
        loop {
            let (store, first) = (self.store.clone(), from.clone());
            let read = self.tasks.blocking(move || store.own.scan(Space::Copies, &first, &END, BATCH));
            let Ok(read) = read.await else { return Ok(forgotten) }; // the node stops
            let read = read?;
            let Some((last, _)) = read.last() else { return Ok(forgotten) };
            from = keys::after(last);
            let kept_days = self.licences.copies().kept_days;
            let due = Due { now_ms: self.clock.now_ms(), kept_days, region: self.region };
            let mut due_rows = Vec::new();
            for (key, value) in &read {
                if due.writes(key, &own::copy_made(value)?).is_some() {
                    due_rows.push(key.clone());
                }
            }
            if !due_rows.is_empty() {
                forgotten += due_rows.len();
                self.ledger.submit(Forget { rows: due_rows, due }).await?;
            }
        }
    }
}

/// What is over by now.
#[derive(Clone, Copy)]
struct Due {
    now_ms: u64,
    kept_days: u32,
    region: Region,
}

impl Due {
    /// What has to change; `None`: nothing yet.
    fn writes(self, key: &Key, made: &CopyMade) -> Option<Vec<Write>> {
        let bytes = made.file.as_ref().map(|file| keys::blob(&file.blob, self.region, &made.known.certificate_id));
        // The sweep of kept files removes what no row refers to.
        let bytes = bytes.map(|row| Write { space: Space::Blobs, key: row, value: None });
        let until = made.known.expires_on.plus_days(i64::from(self.kept_days)).unwrap_or(Date::MAX);
        if day(self.now_ms) > until {
            let row = Write { space: Space::Copies, key: key.clone(), value: None };
            return Some(bytes.into_iter().chain([row]).collect());
        }
        if self.now_ms.saturating_sub(made.made_at_ms) <= KEPT_FOR_REPETITIONS_MS {
            return None;
        }
        let rest = CopyMade { file: None, ..made.clone() };
        let row = Write::put(Space::Copies, key.clone(), convert::encode_row(&rest));
        bytes.map(|bytes| vec![bytes, row])
    }
}

/// Decided on the rows as they stand then: a use in between is not undone.
struct Forget {
    rows: Vec<Key>,
    due: Due,
}

impl Command for Forget {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.extend(self.rows.iter().map(|key| (Space::Copies, key.clone())));
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        let mut rows = Vec::new();
        for key in &self.rows {
            let Some(value) = view.row(Space::Copies, key)? else { continue };
            rows.extend(self.due.writes(key, &own::copy_made(value)?).into_iter().flatten());
        }
        Ok(Decision::Commit(Changes { rows, ..Changes::default() }))
    }
}
