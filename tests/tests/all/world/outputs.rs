//! What the nodes write for people: their log lines, collected to be searched for what may not be in them.

use std::{
    io,
    sync::{Mutex, Once, PoisonError},
};
use tracing_subscriber::EnvFilter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static BEGUN: Once = Once::new();

struct Collected;

impl io::Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Collects the lines of all nodes of this process, in more detail than an operator would see. With `EXCHANGE_LOG` they
/// are shown too, filtered by it.
pub(super) fn record() {
    BEGUN.call_once(|| {
        if let Ok(filter) = std::env::var("EXCHANGE_LOG") {
            tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).init();
        } else {
            let filter = EnvFilter::new("info,exchange_node=debug,h2=warn");
            tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(|| Collected).init();
        }
    });
}

/// The lines since the last call.
pub(super) fn lines() -> Vec<u8> {
    std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner))
}
