//! The accept loop: it never waits for anybody but the next connection.

use super::{
    Caller, Stream, Tls,
    handshakes::{Begun, Handshakes},
    refused::{Failure, Verdict},
    verify_client,
};
use crate::{config, net::Listener, spawn::Tasks};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

/// Connections of one identity at once. A system has a few for each of its processes; without a bound one credential
/// could take every file descriptor of the node.
pub(super) const CONNECTIONS_PER_CALLER: usize = 256;
/// Finished handshakes that wait for tonic.
const FINISHED: usize = 64;

/// Bounds on handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At once.
    pub handshakes: usize,
    /// At once from one address.
    pub handshakes_per_address: usize,
    /// Longest one.
    pub longest: Duration,
}

impl From<&config::Limits> for Limits {
    fn from(limits: &config::Limits) -> Self {
        Self {
            handshakes: limits.handshakes,
            handshakes_per_address: limits.handshakes_per_address,
            longest: Duration::from_secs(u64::from(limits.handshake_seconds)),
        }
    }
}

/// What tonic's `serve_with_incoming` takes.
pub type Incoming = ReceiverStream<std::io::Result<Stream>>;

impl Tls {
    /// Accepts until the node stops.
    pub fn accept(self: &Arc<Self>, listener: Listener, limits: Limits, tasks: &Tasks) -> Incoming {
        let (finished, incoming) = mpsc::channel(FINISHED);
        let handshakes = Handshakes::new(limits.handshakes, limits.handshakes_per_address);
        let (tls, spawner) = (Arc::clone(self), tasks.clone());
        tasks.spawn(async move {
            loop {
                let (tcp, address) = tokio::select! {
                    biased;
                    () = spawner.stopping() => return,
                    // The server drains: who connects now is refused at once, not after a handshake for nothing.
                    () = finished.closed() => return,
                    accepted = listener.accept() => accepted,
                };
                let begun = handshakes.begin(address.ip());
                let (tls, finished) = (Arc::clone(&tls), finished.clone());
                spawner.spawn(async move {
                    match tls.handshake(tcp, address, begun, limits.longest).await {
                        Ok(stream) => {
                            let _ = finished.send(Ok(stream)).await; // the server has stopped: the stream is dropped
                        }
                        Err(failure) => tls.refusals.record(address, &failure),
                    }
                });
            }
        });
        ReceiverStream::new(incoming)
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        begun: Begun,
        longest: Duration,
    ) -> Result<Stream, Failure> {
        let acceptor = tokio_rustls::TlsAcceptor::from(self.server.load_full());
        let tls = tokio::select! {
            biased;
            () = begun.crowded_out() => return Err(Failure::CrowdedOut),
            outcome = tokio::time::timeout(longest, acceptor.accept(tcp)) => {
                outcome.map_err(|_| Failure::TooSlow)?.map_err(Failure::Tls)?
            }
        };
        drop(begun);
        let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
        // Judged by what is believed now: it may have changed since the handshake began, and rustls hands on nothing of
        // what its verifier found.
        let snapshot = self.trust.snapshot();
        let refuse = |unexpected| Failure::Verdict(Verdict::new(unexpected, chain.first()));
        let verified = verify_client(&snapshot, chain, self.clock.now_ms()).map_err(refuse)?;
        let caller = Caller::new(&verified).map_err(refuse)?;
        if self.live.of_caller(&caller.uri) >= CONNECTIONS_PER_CALLER {
            return Err(Failure::TooMany(caller.uri.to_string()));
        }
        self.learn(chain);
        let is_node = matches!(caller.kind(), exchange_core::spiffe::Kind::Node { .. });
        let place = self.live.open(caller, &verified, is_node);
        let stream = Stream::new(tokio_rustls::TlsStream::from(tls), place).came_from(address);
        self.judge_again_if_changed(&snapshot);
        Ok(stream)
    }
}
