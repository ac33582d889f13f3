//! Durable group commit: one writer thread, one batch and one sync for all that waits.

use anyhow::Result;
use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use std::{path::Path, thread};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

/// Most records of a group.
const GROUP: usize = 256;
/// Bytes of a record.
const RECORD: [u8; 300] = [1; 300];

type Waiter = oneshot::Sender<()>;

/// Hands records to the writer thread.
#[derive(Debug, Clone)]
pub(crate) struct Committer(mpsc::Sender<Waiter>);

impl Committer {
    /// Opens an empty database and starts the writer.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        let database = Database::builder(folder).open()?;
        let log = database.keyspace("log", KeyspaceCreateOptions::default)?;
        let (queue, mut waiting) = mpsc::channel::<Waiter>(1_024);
        thread::spawn(move || -> fjall::Result<()> {
            let (mut sequence, mut group) = (0_u64, Vec::with_capacity(GROUP));
            while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
                let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
                for _ in &group {
                    batch.insert(&log, sequence.to_be_bytes(), RECORD);
                    sequence += 1;
                }
                batch.commit()?;
                for waiter in group.drain(..) {
                    let _ = waiter.send(());
                }
            }
            Ok(())
        });
        Ok(Self(queue))
    }

    /// Writes one record; durable when it returns.
    pub(crate) async fn record(&self) -> Result<(), Status> {
        let (written, durable) = oneshot::channel();
        self.0.send(written).await.map_err(|_| Status::internal("the writer ended"))?;
        durable.await.map_err(|_| Status::internal("the writer ended"))
    }
}
