//! The only place that opens sockets: listening, accepting, connecting. Every socket sends small messages at once
//! (`TCP_NODELAY`; tonic ignores its own setting when it is given connections: measured, off, a third of the calls a
//! second and 48 ms at the 99th percentile).

use std::{io, net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, TcpStream};

/// How long accepting rests when the process has no file descriptor left.
const REST: Duration = Duration::from_millis(50);

/// A listening socket.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// The address is taken or not ours.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    /// Where it listens; the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next connection. A connection that broke before it was accepted is passed over; a lack of file descriptors
    /// is waited out, because ending the loop would cut everybody off.
    pub async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => match stream.set_nodelay(true) {
                    Ok(()) => return (stream, address),
                    Err(error) => tracing::debug!(%error, %address, "a connection broke before its first byte"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

/// The addresses behind `host:port`.
///
/// # Errors
/// The name is not known.
pub async fn resolve(address: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host(address).await?.collect())
}

/// Connects to `host:port`.
///
/// # Errors
/// As the system says; `TimedOut` after `longest`.
#[allow(clippy::disallowed_methods, reason = "this is the seam")]
pub async fn connect(address: &str, longest: Duration) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(longest, TcpStream::connect(address))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection after {longest:?}")))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
