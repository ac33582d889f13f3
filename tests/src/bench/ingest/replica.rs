//! The node's side of `ingest`: the indexer's plain function over a file of segments.

use super::segments;
use crate::{
    process,
    province::{JINAN, PROVINCE},
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use exchange_core::region::Region;
use exchange_node::{
    clock::Clock,
    indexer::{Carrier, Context, Delivery, Ingested, Replica},
    spawn::Tasks,
    store::Store,
};
use exchange_proto::bundle;
use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Instant};

/// Records that are taken at once, as the node takes them while it catches up.
const RECORDS: usize = 8;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the store; what is in it is removed.
    #[arg(long)]
    db: PathBuf,
    /// The segments.
    #[arg(long)]
    segments: PathBuf,
    /// The trust bundle with the keys of the log.
    #[arg(long)]
    bundle: PathBuf,
    /// The key that opens holder tags.
    #[arg(long)]
    index_key: PathBuf,
}

/// Copies and indexes the log, and prints, for each lot of records, its entries and the nanoseconds from the bytes of the
/// records on until all of it was committed. While the next ones are read from the file no commit is on its way. Needs a
/// runtime for commits beside the checks.
pub(crate) fn run(options: &Options) -> Result<()> {
    process::end_with_parent();
    if options.db.exists() {
        std::fs::remove_dir_all(&options.db)?;
    }
    let context = Context {
        bundle: Arc::new(bundle::read_signed(&std::fs::read(&options.bundle)?)?.bundle),
        index_keys: Arc::new(vec![std::fs::read_to_string(&options.index_key)?.parse()?]),
    };
    let (clock, tasks, cluster) = (Clock::default(), Tasks::default(), Arc::from("bench"));
    let store = Store::open(&options.db, Region::parse(PROVINCE)?)?;
    let mut replica = Replica::open(&store, Region::parse(JINAN)?, Region::parse(PROVINCE)?)?;
    let mut reader = segments::Reader::open(&options.segments)?;
    let (mut offset, mut printed) = (0, String::new());
    loop {
        let mut deliveries = VecDeque::with_capacity(RECORDS);
        while deliveries.len() < RECORDS {
            let Some(payload) = reader.next()? else { break };
            let carrier = Carrier::Kafka { cluster: Arc::clone(&cluster), offset };
            deliveries.push_back(Delivery { payload, carrier });
            offset += 1;
        }
        if deliveries.is_empty() {
            break;
        }
        let (start, before) = (Instant::now(), replica.size());
        let Ingested { halt, .. } = replica.ingest_all(&mut deliveries, &context, &clock, &tasks)?;
        let committed = replica.commit(clock.now_ms())?;
        let (time, entries) = (start.elapsed().as_nanos(), replica.size() - before);
        if let Some((outcome, _)) = halt {
            bail!("a segment of the bench was {outcome:?}");
        }
        if let Some(fork) = committed.forks.first() {
            bail!("the log of the bench contradicts itself: {fork:?}");
        }
        printed += &format!("{entries} {time}\n");
    }
    let state = store.region_state(replica.region())?.context("no state was stored")?;
    anyhow::ensure!(state.void_entries == 0, "{} entries of the bench are void", state.void_entries);
    print!("{printed}");
    Ok(())
}
