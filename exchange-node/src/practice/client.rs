//! A calling system's or operator's connection to a node.

use crate::net;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use tonic::transport::{Channel, Endpoint, Uri};

const CONNECT: Duration = Duration::from_secs(5);

/// Where to, and as whom.
#[derive(Debug, Clone)]
pub struct Client {
    /// `host:port`.
    pub address: String,
    /// DNS name in the node's credential.
    pub server_name: String,
    /// PEM.
    pub roots: PathBuf,
    /// PEM with the chain.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Connects; the channel connects again by itself.
///
/// # Errors
/// A file does not read, or the node is not there.
pub async fn connect(client: &Client) -> io::Result<Channel> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(&client.roots).map_err(io::Error::other)? {
        roots.add(root.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&client.certificate).and_then(Iterator::collect).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(&client.key).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (config, address) = (Arc::new(config), client.address.clone());
    let name = ServerName::try_from(client.server_name.clone()).map_err(io::Error::other)?;
    let connector = tower::service_fn(move |_: Uri| {
        let (config, address, name) = (Arc::clone(&config), address.clone(), name.clone());
        async move {
            let tcp = net::connect(&address, CONNECT).await?;
            let tls = tokio_rustls::TlsConnector::from(config).connect(name, tcp).await?;
            Ok::<_, io::Error>(TokioIo::new(tls))
        }
    });
    // TLS is the connector's own, so the scheme is http.
    Endpoint::from_static("http://node").connect_with_connector(connector).await.map_err(io::Error::other)
}
