//! The only place that reads time. Everything else is given it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Wall clock in Unix milliseconds and a monotonic one. Clones share an offset, which only tests move.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Wall clock, Unix milliseconds. May step back; the ledger's own time never does.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn now_ms(&self) -> u64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        now.saturating_add_signed(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Monotonic time, for durations.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Moves the wall clock of this node, for tests of skew.
    #[cfg(any(test, feature = "test-util"))]
    pub fn shift_ms(&self, by: i64) {
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }
}
