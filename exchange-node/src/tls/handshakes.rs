//! Handshakes in work. A place is always had at once: when all are taken, the oldest unfinished handshake is closed, so
//! that silent connections delay nobody and an honest caller of a crowded address still gets through.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// The handshakes in work of one listener.
#[derive(Debug)]
pub(super) struct Handshakes {
    most: usize,
    most_per_address: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// By age.
    unfinished: BTreeMap<u64, (IpAddr, CancellationToken)>,
    per_address: BTreeMap<IpAddr, usize>,
}

/// One handshake's place; given back on drop.
#[derive(Debug)]
pub(super) struct Begun {
    handshakes: Arc<Handshakes>,
    id: u64,
    crowded_out: CancellationToken,
}

impl Begun {
    /// Resolves when a younger one needs the place.
    pub(super) async fn crowded_out(&self) {
        self.crowded_out.cancelled().await;
    }

    #[cfg(test)]
    pub(super) fn is_crowded_out(&self) -> bool {
        self.crowded_out.is_cancelled()
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.handshakes.inner().remove(self.id);
    }
}

impl Handshakes {
    pub(super) fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        let (most, most_per_address) = (most.max(1), most_per_address.max(1));
        Arc::new(Self { most, most_per_address, inner: Mutex::default() })
    }

    /// A place for a new one. The address's own limit comes first: a crowd from one address closes its own.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> Begun {
        let mut inner = self.inner();
        let of_address = inner.per_address.get(&address).copied().unwrap_or_default();
        if of_address >= self.most_per_address {
            inner.close_oldest(|from| from == address);
        } else if inner.unfinished.len() >= self.most {
            inner.close_oldest(|_| true);
        }
        inner.next += 1;
        let (id, crowded_out) = (inner.next, CancellationToken::new());
        inner.unfinished.insert(id, (address, crowded_out.clone()));
        *inner.per_address.entry(address).or_default() += 1;
        Begun { handshakes: Arc::clone(self), id, crowded_out }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close_oldest(&mut self, of: impl Fn(IpAddr) -> bool) {
        let oldest = self.unfinished.iter().find(|(_, (address, _))| of(*address)).map(|(id, _)| *id);
        if let Some((_, token)) = oldest.and_then(|id| self.remove(id)) {
            token.cancel();
        }
    }

    fn remove(&mut self, id: u64) -> Option<(IpAddr, CancellationToken)> {
        let (address, token) = self.unfinished.remove(&id)?;
        if let Some(count) = self.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&address);
            }
        }
        Some((address, token))
    }
}
