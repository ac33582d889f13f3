//! Limit of an issue and of an import: one P-256 signature and one durable commit a request, then a prepared answer.

use super::commit::Committer;
use crate::{network, pki, process, province::Node};
use anyhow::{Result, anyhow};
use clap::Args;
use exchange_proto::v1::{
    Certificate, CertificateEvent, CertificateType, ChangeStatusRequest, ExportCertificateRequest,
    ExportCertificateResponse, GetCertificateRequest, GetCertificateTypeRequest, GetMatterRequest,
    IssueCertificateRequest, ListCertificateTypesRequest, ListCertificateTypesResponse, ListCertificatesRequest,
    ListCertificatesResponse, ListMattersRequest, ListMattersResponse, MatterView, PublishCertificateTypeRequest,
    PublishImplementationRequest, PublishMatterRequest, Published, ReviseCertificateRequest, WatchCertificatesRequest,
    catalogue_service_server::{CatalogueService, CatalogueServiceServer},
    certificate_service_server::{CertificateService, CertificateServiceServer},
};
use prost::Message;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
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
    /// Certificate types that are asked for, an encoded `ListCertificateTypesResponse`.
    #[arg(long)]
    types: PathBuf,
}

#[derive(Clone)]
struct Bare(Arc<Parts>);

struct Parts {
    key: EcdsaKeyPair,
    random: SystemRandom,
    commit: Committer,
    answer: Certificate,
    types: Vec<CertificateType>,
}

/// Starts it with a node's credentials.
pub(crate) fn start(
    folder: &Path,
    node: &Node,
    answer: &Certificate,
    types: Vec<CertificateType>,
) -> Result<process::Server> {
    let (db, answer_file, types_file) = (folder.join("limit-db"), folder.join("answer.pb"), folder.join("types.pb"));
    std::fs::write(&answer_file, answer.encode_to_vec())?;
    let types = ListCertificateTypesResponse { certificate_types: types, ..Default::default() };
    std::fs::write(&types_file, types.encode_to_vec())?;
    process::Server::start([
        "__limit-issue".as_ref(),
        "--pki".as_ref(),
        node.folder.as_os_str(),
        "--db".as_ref(),
        db.as_os_str(),
        "--answer".as_ref(),
        answer_file.as_os_str(),
        "--types".as_ref(),
        types_file.as_os_str(),
    ])
}

/// Serves until the parent ends.
pub(crate) async fn serve(options: Options) -> Result<()> {
    process::end_with_parent();
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("no key could be made"))?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).map_err(|error| anyhow!("{error}"))?;
    let answer = Certificate::decode(&*std::fs::read(options.answer)?)?;
    let types = ListCertificateTypesResponse::decode(&*std::fs::read(options.types)?)?.certificate_types;
    let bare = Bare(Arc::new(Parts { key, random, commit: Committer::start(&options.db)?, answer, types }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = network::incoming(listener, TlsAcceptor::from(pki::server(&options.pki)?));
    process::ready(address)?;
    let router = Server::builder()
        .add_service(CertificateServiceServer::new(bare.clone()))
        .add_service(CatalogueServiceServer::new(bare));
    Ok(router.serve_with_incoming(incoming).await?)
}

impl Bare {
    async fn answer(&self) -> Result<Response<Certificate>, Status> {
        let Parts { key, random, commit, answer, .. } = &*self.0;
        key.sign(random, &answer.envelope).map_err(|_| Status::internal("no signature"))?;
        commit.record().await?;
        Ok(Response::new(answer.clone()))
    }
}

#[tonic::async_trait]
impl CertificateService for Bare {
    async fn issue_certificate(&self, _: Request<IssueCertificateRequest>) -> Result<Response<Certificate>, Status> {
        self.answer().await
    }

    async fn revise_certificate(&self, _: Request<ReviseCertificateRequest>) -> Result<Response<Certificate>, Status> {
        self.answer().await
    }

    async fn change_status(&self, _: Request<ChangeStatusRequest>) -> Result<Response<Certificate>, Status> {
        self.answer().await
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

#[tonic::async_trait]
impl CatalogueService for Bare {
    async fn get_certificate_type(
        &self,
        request: Request<GetCertificateTypeRequest>,
    ) -> Result<Response<CertificateType>, Status> {
        let found = self.0.types.iter().find(|one| one.type_code == request.get_ref().type_code);
        found.cloned().map(Response::new).ok_or_else(|| Status::not_found("bare"))
    }

    async fn publish_certificate_type(
        &self,
        _: Request<PublishCertificateTypeRequest>,
    ) -> Result<Response<Published>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn publish_matter(&self, _: Request<PublishMatterRequest>) -> Result<Response<Published>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn publish_implementation(
        &self,
        _: Request<PublishImplementationRequest>,
    ) -> Result<Response<Published>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn list_certificate_types(
        &self,
        _: Request<ListCertificateTypesRequest>,
    ) -> Result<Response<ListCertificateTypesResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn get_matter(&self, _: Request<GetMatterRequest>) -> Result<Response<MatterView>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn list_matters(&self, _: Request<ListMattersRequest>) -> Result<Response<ListMattersResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }
}
