//! Credentials of a run: P-256, one root, one CA, a server and a client; the limit and the node get the same ones.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use std::{fs, path::Path, sync::Arc};

/// DNS name in the servers' credential.
pub(crate) const SERVER_NAME: &str = "localhost";

/// Writes root, CA and leaves as PEM files into a folder.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let (root_key, root) = authority("bench root", 1)?;
    let root_certificate = root.self_signed(&root_key)?;
    fs::write(folder.join("root.pem"), root_certificate.pem())?;
    let root = Issuer::new(root, root_key);
    let (ca_key, ca) = authority("bench CA", 0)?;
    let ca_certificate = ca.signed_by(&ca_key, &root)?;
    let ca = Issuer::new(ca, ca_key);
    for name in ["server", "client"] {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut leaf = CertificateParams::new(vec![SERVER_NAME.to_owned()])?;
        leaf.distinguished_name.push(DnType::CommonName, name);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // A node is a server to its systems and a client to the other nodes.
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = leaf.signed_by(&key, &ca)?;
        fs::write(folder.join(format!("{name}.pem")), leaf.pem() + &ca_certificate.pem())?;
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
    }
    Ok(())
}

fn authority(name: &str, path_length: u8) -> Result<(KeyPair, CertificateParams)> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok((KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, parameters))
}

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

/// Mutual TLS 1.3, server side.
pub(crate) fn server(folder: &Path) -> Result<Arc<ServerConfig>> {
    let Files { roots, chain, key } = read(folder, "server")?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
        .with_client_cert_verifier(WebPkiClientVerifier::builder(roots).build()?)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// Mutual TLS 1.3, client side, as `client` or, between servers, as `server`.
pub(crate) fn client(folder: &Path, who: &str) -> Result<Arc<ClientConfig>> {
    let Files { roots, chain, key } = read(folder, who)?;
    let mut config = ClientConfig::builder_with_protocol_versions(&[&TLS13])
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
