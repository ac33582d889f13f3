//! Limit of an issue: one P-256 signature and one durable commit a request, then a prepared answer.

use super::commit::Committer;
use crate::{network, pki, process};
use anyhow::{Result, anyhow};
use clap::Args;
use exchange_proto::v1::{
    Certificate, CertificateEvent, ChangeStatusRequest, ExportCertificateRequest, ExportCertificateResponse,
    GetCertificateRequest, IssueCertificateRequest, ListCertificatesRequest, ListCertificatesResponse,
    ReviseCertificateRequest, WatchCertificatesRequest,
    certificate_service_server::{CertificateService, CertificateServiceServer},
};
use prost::Message;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::Empty;
use tonic::{Request, Response, Status, transport::Server};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the credentials.
    #[arg(long)]
    pki: PathBuf,
    /// Folder of the database; what is in it is removed.
    #[arg(long)]
    db: PathBuf,
    /// The answer to every request, an encoded `Certificate`.
    #[arg(long)]
    answer: PathBuf,
}

struct Bare {
    key: EcdsaKeyPair,
    random: SystemRandom,
    commit: Committer,
    answer: Certificate,
}

/// Serves until the parent ends.
pub(crate) async fn serve(options: Options) -> Result<()> {
    process::end_with_parent();
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("no key could be made"))?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).map_err(|error| anyhow!("{error}"))?;
    let answer = Certificate::decode(&*std::fs::read(options.answer)?)?;
    let bare = Bare { key, random, commit: Committer::start(&options.db)?, answer };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = network::incoming(listener, TlsAcceptor::from(pki::server(&options.pki)?));
    process::ready(address)?;
    Ok(Server::builder().add_service(CertificateServiceServer::new(bare)).serve_with_incoming(incoming).await?)
}

#[tonic::async_trait]
impl CertificateService for Bare {
    async fn issue_certificate(&self, _: Request<IssueCertificateRequest>) -> Result<Response<Certificate>, Status> {
        self.key.sign(&self.random, &self.answer.envelope).map_err(|_| Status::internal("no signature"))?;
        self.commit.record().await?;
        Ok(Response::new(self.answer.clone()))
    }

    async fn revise_certificate(&self, _: Request<ReviseCertificateRequest>) -> Result<Response<Certificate>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn change_status(&self, _: Request<ChangeStatusRequest>) -> Result<Response<Certificate>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn get_certificate(&self, _: Request<GetCertificateRequest>) -> Result<Response<Certificate>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn export_certificate(
        &self,
        _: Request<ExportCertificateRequest>,
    ) -> Result<Response<ExportCertificateResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn list_certificates(
        &self,
        _: Request<ListCertificatesRequest>,
    ) -> Result<Response<ListCertificatesResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    type WatchCertificatesStream = Empty<Result<CertificateEvent, Status>>;

    async fn watch_certificates(
        &self,
        _: Request<WatchCertificatesRequest>,
    ) -> Result<Response<Self::WatchCertificatesStream>, Status> {
        Err(Status::unimplemented("bare"))
    }
}
