//! The index of the own log, read from the store instead of from a carrier.

use super::{LAST_RETRY, Shared, hand_on, under_gate};
use crate::{crash::Point, indexer::own::OwnIndex, store};
use std::{sync::Arc, time::Duration};

/// Between two commits of the own index while the own log keeps growing: what is read and written once for each of
/// them costs more than a few entries.
const OWN_PAUSE: Duration = Duration::from_millis(10);

/// Indexes the own log, as the ledger writes it, until the node stops.
pub(in crate::indexer) async fn own(shared: Arc<Shared>) {
    let mut progress = shared.parts.ledger.progress();
    let mut index: Option<Box<OwnIndex>> = None;
    loop {
        shared.wait_for_room().await;
        let seen = *progress.borrow_and_update();
        let (working, lent) = (Arc::clone(&shared), index.take());
        let done = shared.parts.tasks.blocking(move || own_step(&working, lent)).await;
        match done {
            Ok(Ok((lent, more))) => {
                index = Some(lent);
                if more && !shared.parts.tasks.is_stopping() {
                    continue;
                }
                tokio::select! {
                    () = shared.parts.tasks.stopping() => return,
                    () = shared.parts.clock.sleep(OWN_PAUSE) => {}
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "the index of the own log failed and is opened again"),
            Err(error) => tracing::error!(%error, "the index of the own log failed and is opened again"),
        }
        if index.is_none() {
            shared.note_failure();
        }
        tokio::select! {
            biased;
            () = shared.parts.tasks.stopping() => return,
            grown = seen.event_log_since(&mut progress) => if grown.is_err() { return },
            () = shared.parts.clock.sleep(LAST_RETRY), if index.is_none() => {}
        }
    }
}

fn own_step(shared: &Shared, lent: Option<Box<OwnIndex>>) -> Result<(Box<OwnIndex>, bool), store::Error> {
    let parts = &shared.parts;
    let context = parts.context.borrow().clone();
    let mut index = match lent {
        Some(index) => index,
        None => Box::new(OwnIndex::open(&parts.store, parts.region, parts.province, parts.epoch)?),
    };
    index.set_watched(parts.watch.is_watched());
    let (more, committed) = under_gate(shared, parts.region == parts.province, |alone| {
        parts.crash.pass(Point::OwnIndexBegun);
        let (more, committed) = index.step(&context, parts.clock.now_ms())?;
        parts.crash.pass(Point::OwnIndexCommitted);
        if alone {
            index.resolve_waiting()?;
        }
        Ok((more, committed))
    })?;
    hand_on(shared, &committed);
    Ok((index, more))
}
