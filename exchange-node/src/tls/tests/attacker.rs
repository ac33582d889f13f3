//! A client that believes anybody and shows anything.

use crate::{
    lab::{Leaf, Served},
    tls::RefusedHandshake,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::client::TlsStream;

/// Longest wait for anything in these tests.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct BelievesAnybody;

impl ServerCertVerifier for BelievesAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

/// Ready for resumption, if the server offers any.
pub(super) fn config(leaf: Option<&Leaf>) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(BelievesAnybody));
    let mut config = match leaf {
        None => builder.with_no_client_auth(),
        Some(leaf) => {
            let resolver = rustls::sign::SingleCertAndKey::from(leaf.identity());
            builder.with_client_cert_resolver(Arc::new(resolver))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Connected as far as HTTP/2's first frame of the server; `None`: refused.
pub(super) async fn connect(served: &Served, config: Arc<ClientConfig>) -> Option<TlsStream<TcpStream>> {
    over(TcpStream::connect(served.address).await.unwrap(), config).await
}

/// As [`connect`], from another address of this machine.
pub(super) async fn connect_from(
    from: Ipv4Addr,
    served: &Served,
    config: Arc<ClientConfig>,
) -> Option<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    over(socket.connect(served.address).await.unwrap(), config).await
}

async fn over(tcp: TcpStream, config: Arc<ClientConfig>) -> Option<TlsStream<TcpStream>> {
    let name = ServerName::try_from("node.example").unwrap();
    let mut tls = tokio_rustls::TlsConnector::from(config).connect(name, tcp).await.ok()?;
    // Preface and empty SETTINGS (RFC 9113 section 3.4).
    tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.ok()?;
    let mut first = [0; 9];
    match tokio::time::timeout(PATIENCE, tls.read_exact(&mut first)).await {
        Ok(Ok(_)) if first[3] == 4 => Some(tls),
        _ => None,
    }
}

/// The fault that the node writes down for this credential; `None`: it is let in.
pub(super) async fn fault(served: &Served, leaf: Option<&Leaf>) -> Option<&'static str> {
    refusal(served, leaf).await.map(|refusal| refusal.fault)
}

pub(super) async fn refusal(served: &Served, leaf: Option<&Leaf>) -> Option<RefusedHandshake> {
    let before = served.tls.refusals().last().len();
    if connect(served, config(leaf)).await.is_some() {
        return None;
    }
    for _ in 0..500 {
        let refusals = served.tls.refusals().last();
        if refusals.len() > before {
            return refusals.last().cloned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("refused without a word in the node's log");
}
