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
    indexer::{Carrier, Context, Delivery, Outcome, Replica},
    store::Store,
};
use exchange_proto::bundle;
use std::{path::PathBuf, sync::Arc, time::Instant};

/// Records of one commit, as the node takes them while it catches up.
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

/// Copies and indexes the log, and prints, for each commit, its entries and the nanoseconds that it took from the bytes
/// of its records on.
pub(crate) fn run(options: &Options) -> Result<()> {
    process::end_with_parent();
    if options.db.exists() {
        std::fs::remove_dir_all(&options.db)?;
    }
    let context = Context {
        bundle: Arc::new(bundle::read_signed(&std::fs::read(&options.bundle)?)?.bundle),
        index_keys: Arc::new(vec![std::fs::read_to_string(&options.index_key)?.parse()?]),
    };
    let (clock, cluster) = (Clock::default(), Arc::from("bench"));
    let store = Store::open(&options.db)?;
    let mut replica = Replica::open(&store, Region::parse(JINAN)?, Region::parse(PROVINCE)?)?;
    let mut reader = segments::Reader::open(&options.segments)?;
    let (mut offset, mut printed) = (0, String::new());
    loop {
        let mut deliveries = Vec::with_capacity(RECORDS);
        while deliveries.len() < RECORDS {
            let Some(payload) = reader.next()? else { break };
            let carrier = Carrier::Kafka { cluster: Arc::clone(&cluster), offset };
            deliveries.push(Delivery { payload, carrier });
            offset += 1;
        }
        if deliveries.is_empty() {
            break;
        }
        let start = Instant::now();
        let mut entries = 0;
        for delivery in &deliveries {
            match replica.ingest(delivery, &context, clock.now_ms())? {
                Outcome::Appended { entries: new } => entries += new,
                Outcome::Heartbeat | Outcome::Known => {}
                other => bail!("a segment of the bench was {other:?}"),
            }
        }
        let committed = replica.commit(clock.now_ms())?;
        let time = start.elapsed().as_nanos();
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
