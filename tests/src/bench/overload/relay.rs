//! A TCP relay before a node that can be made slow.

use crate::province::Node;
use anyhow::{Context, Result};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Between two pieces of a slow relay.
const TICK: Duration = Duration::from_millis(100);

/// Bytes a second in each direction of each connection of a relay; 0: as fast as they come.
#[derive(Debug, Clone, Default)]
pub(super) struct Relay(Arc<AtomicUsize>);

impl Relay {
    pub(super) fn slow_down(&self, bytes_per_second: usize) {
        self.0.store(bytes_per_second, Ordering::Relaxed);
    }
}

/// Has a node that was not started yet listen elsewhere, and relays what comes to its address in the trust bundle.
pub(super) async fn before(node: &Node) -> Result<Relay> {
    let listener = TcpListener::bind(node.address).await?;
    let behind = crate::province::free_address()?;
    let text = std::fs::read_to_string(&node.config)?;
    let (old, new) = (format!("grpc = \"{}\"", node.address), format!("grpc = \"{behind}\""));
    anyhow::ensure!(text.contains(&old), "{} does not say {old}", node.config.display());
    std::fs::write(&node.config, text.replace(&old, &new)).context("the node's configuration")?;
    let relay = Relay::default();
    tokio::spawn(accept(listener, behind, relay.clone()));
    Ok(relay)
}

async fn accept(listener: TcpListener, behind: SocketAddr, relay: Relay) {
    while let Ok((near, _)) = listener.accept().await {
        let relay = relay.clone();
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(behind).await else { return }; // the node does not listen yet
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
            tokio::spawn(copy(near_read, far_write, relay.clone()));
            copy(far_read, near_write, relay).await;
        });
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, relay: Relay) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let rate = relay.0.load(Ordering::Relaxed);
        let most = match rate {
            0 => buffer.len(),
            rate => {
                tokio::time::sleep(TICK).await;
                (rate / 10).clamp(1, buffer.len())
            }
        };
        match from.read(&mut buffer[..most]).await {
            Ok(length) if length > 0 && to.write_all(&buffer[..length]).await.is_ok() => {}
            _ => return,
        }
    }
}
