//! TLS configurations of the clients, and of the limits' servers, from the credentials of a prepared node.

use anyhow::Result;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use std::{path::Path, sync::Arc};

struct Files {
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn read(folder: &Path, who: &str) -> Result<Files> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(folder.join("root.pem"))? {
        roots.add(root?)?;
    }
    let chain = CertificateDer::pem_file_iter(folder.join(format!("{who}.pem")))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{who}.key")))?;
    Ok(Files { roots: Arc::new(roots), chain, key })
}

/// Mutual TLS 1.3, server side, with the node's credential.
pub(crate) fn server(folder: &Path) -> Result<Arc<ServerConfig>> {
    let Files { roots, chain, key } = read(folder, "node")?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
        .with_client_cert_verifier(WebPkiClientVerifier::builder(roots).build()?)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// Mutual TLS 1.3, client side, as `system`, `operator` or `node`.
pub(crate) fn client(folder: &Path, who: &str) -> Result<Arc<ClientConfig>> {
    let Files { roots, chain, key } = read(folder, who)?;
    let mut config = ClientConfig::builder_with_protocol_versions(&[&TLS13])
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
