//! Between a client and a node: passes the bytes of a connection on, until it spoils some.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What happens to the next bytes that are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// A bit of them is another one.
    Alter,
    /// Half of them is passed on, and the connection ends.
    Truncate,
}

/// Which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToNode,
    ToClient,
}

/// A listening relay; it ends with the test's runtime.
pub(crate) struct Relay {
    pub(crate) address: String,
    next: Arc<Mutex<Option<(Way, Spoil)>>>,
    spoiled: Arc<Mutex<u32>>,
}

impl Relay {
    pub(crate) async fn to(node: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let relay = Self { address, next: Arc::default(), spoiled: Arc::default() };
        let (next, spoiled) = (Arc::clone(&relay.next), Arc::clone(&relay.spoiled));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&node).await else { continue };
                let ((from_client, to_client), (from_node, to_node)) = (client.into_split(), server.into_split());
                let shared = || (Arc::clone(&next), Arc::clone(&spoiled));
                tokio::spawn(pass(from_client, to_node, Way::ToNode, shared()));
                tokio::spawn(pass(from_node, to_client, Way::ToClient, shared()));
            }
        });
        relay
    }

    /// For the next bytes that go this way.
    pub(crate) fn spoil(&self, way: Way, spoil: Spoil) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((way, spoil));
    }

    /// How often bytes were spoiled.
    pub(crate) fn spoiled(&self) -> u32 {
        *self.spoiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Shared = (Arc<Mutex<Option<(Way, Spoil)>>>, Arc<Mutex<u32>>);

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, (next, spoiled): Shared) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let spoil = {
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            let due = next.filter(|(wanted, _)| *wanted == way).map(|(_, spoil)| spoil);
            if due.is_some() {
                *next = None;
                *spoiled.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            }
            due
        };
        let passed = match spoil {
            None => count,
            Some(Spoil::Alter) => {
                buffer[count - 1] ^= 1; // the tag of a TLS record, or what it covers
                count
            }
            Some(Spoil::Truncate) => count / 2,
        };
        if to.write_all(&buffer[..passed]).await.is_err() || spoil == Some(Spoil::Truncate) {
            break;
        }
    }
    let _ = to.shutdown().await;
}
