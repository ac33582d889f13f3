//! Limit of a verification: one P-256 signature verified, then a prepared answer; or the answer alone.

use crate::{network, pki, process};
use anyhow::{Result, anyhow};
use clap::Args;
use exchange_proto::v1::{
    FindCertificatesRequest, FindCertificatesResponse, ListUsesRequest, ListUsesResponse, LookupCertificateRequest,
    LookupCertificateResponse, Verification, VerifyCertificateRequest,
    lookup_service_server::{LookupService, LookupServiceServer},
};
use prost::Message;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, Signature, UnparsedPublicKey,
    },
};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status, transport::Server};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the credentials.
    #[arg(long)]
    pki: PathBuf,
    /// The answer to every request, an encoded `Verification`.
    #[arg(long)]
    answer: PathBuf,
    /// Verify a signature for each request.
    #[arg(long)]
    verify: bool,
}

struct Bare {
    /// Verified for each request, over the answer's envelope.
    signed: Option<(Vec<u8>, Signature)>,
    answer: Verification,
}

/// Serves until the parent ends.
pub(crate) async fn serve(options: Options) -> Result<()> {
    process::end_with_parent();
    let answer = Verification::decode(&*std::fs::read(options.answer)?)?;
    let signed = if options.verify { Some(sign(envelope(&answer))?) } else { None };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = network::incoming(listener, TlsAcceptor::from(pki::server(&options.pki)?));
    process::ready(address)?;
    let service = LookupServiceServer::new(Bare { signed, answer });
    Ok(Server::builder().add_service(service).serve_with_incoming(incoming).await?)
}

fn sign(message: &[u8]) -> Result<(Vec<u8>, Signature)> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("no key could be made"))?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).map_err(|error| anyhow!("{error}"))?;
    let signature = key.sign(&random, message).map_err(|_| anyhow!("no signature"))?;
    Ok((key.public_key().as_ref().to_vec(), signature))
}

fn envelope(answer: &Verification) -> &[u8] {
    answer.certificate.as_ref().map(|certificate| &certificate.envelope[..]).unwrap_or_default()
}

#[tonic::async_trait]
impl LookupService for Bare {
    async fn verify_certificate(&self, _: Request<VerifyCertificateRequest>) -> Result<Response<Verification>, Status> {
        if let Some((key, signature)) = &self.signed {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
                .verify(envelope(&self.answer), signature.as_ref())
                .map_err(|_| Status::internal("not verified"))?;
        }
        Ok(Response::new(self.answer.clone()))
    }

    async fn find_certificates(
        &self,
        _: Request<FindCertificatesRequest>,
    ) -> Result<Response<FindCertificatesResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn lookup_certificate(
        &self,
        _: Request<LookupCertificateRequest>,
    ) -> Result<Response<LookupCertificateResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn list_uses(&self, _: Request<ListUsesRequest>) -> Result<Response<ListUsesResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }
}
