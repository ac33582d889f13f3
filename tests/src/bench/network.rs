//! Connections: the accept loop of the limits' servers, and the one client of limits and nodes.

use anyhow::Result;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(3);

/// Handshakes run in their own tasks; finished streams go to tonic.
pub(crate) fn incoming(
    listener: TcpListener,
    acceptor: TlsAcceptor,
) -> ReceiverStream<io::Result<TlsStream<TcpStream>>> {
    let (finished, streams) = mpsc::channel(64);
    tokio::spawn(async move {
        loop {
            let Ok((tcp, _)) = listener.accept().await else { continue };
            // tonic's own setting has no effect with an own accept loop; without it a third of the rate.
            let _ = tcp.set_nodelay(true);
            let (finished, acceptor) = (finished.clone(), acceptor.clone());
            tokio::spawn(async move {
                match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(tcp)).await {
                    Ok(Ok(stream)) => drop(finished.send(Ok(stream)).await),
                    other => eprintln!("handshake failed: {:?}", other.map(|done| done.err())),
                }
            });
        }
    });
    ReceiverStream::new(streams)
}

/// One connection. It is dialled once: a connection that breaks fails the run instead of being dialled again.
pub(crate) async fn connect(address: SocketAddr, server_name: &str, tls: Arc<ClientConfig>) -> Result<Channel> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let mut unused = Some(tcp);
    let name = ServerName::try_from(server_name.to_owned())?;
    let connector = move |_: Uri| {
        let (tcp, tls, name) = (unused.take(), Arc::clone(&tls), name.clone());
        async move {
            let tcp = tcp.ok_or_else(|| io::Error::other("the connection broke"))?;
            TlsConnector::from(tls).connect(name, tcp).await.map(TokioIo::new)
        }
    };
    // http:// although TLS is spoken: with https:// tonic wants a TLS configuration of its own.
    Ok(Endpoint::from_static("http://localhost").connect_with_connector(tower::service_fn(connector)).await?)
}

/// Several connections.
pub(crate) async fn connect_all(
    count: usize,
    address: SocketAddr,
    server_name: &str,
    tls: &Arc<ClientConfig>,
) -> Result<Vec<Channel>> {
    let mut channels = Vec::with_capacity(count);
    for _ in 0..count {
        channels.push(connect(address, server_name, Arc::clone(tls)).await?);
    }
    Ok(channels)
}
