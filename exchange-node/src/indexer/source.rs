//! Where missing segments are read: `ReadLog` of other nodes.

use exchange_core::region::Region;
use exchange_proto::v1;
use std::{future::Future, pin::Pin, sync::Arc};

/// What is asked of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Which node, by its region.
    pub peer: Region,
    /// Whose log.
    pub region: Region,
    /// Which epoch of it.
    pub epoch: u32,
    /// First index wanted.
    pub from: u64,
    /// Most segments; not 0.
    pub most: u32,
}

/// Segments, or why there are none. The error is for the log only.
pub type Reading = Pin<Box<dyn Future<Output = Result<Vec<v1::Segment>, String>> + Send>>;

/// Asks nodes for segments. Clones share it.
#[derive(Clone)]
pub struct LogSource(Arc<dyn Fn(Ask) -> Reading + Send + Sync>);

impl LogSource {
    /// From a function that calls `PeerService.ReadLog`.
    pub fn new(read: impl Fn(Ask) -> Reading + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// For a node that has no peers.
    pub fn none() -> Self {
        Self::new(|ask| {
            let error = Err(format!("there is no node {} to ask", ask.peer));
            Box::pin(async move { error })
        })
    }

    pub(super) fn read(&self, ask: Ask) -> impl Future<Output = Result<Vec<v1::Segment>, String>> + Send + use<> {
        (self.0)(ask)
    }
}
