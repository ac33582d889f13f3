//! Limit of a question between two cities: A commits, calls B, commits again; B commits. Answers are prepared.

use super::commit::Committer;
use crate::{network, pki, process};
use anyhow::{Context, Result};
use clap::Args;
use exchange_proto::v1::{
    FindCertificatesRequest, FindCertificatesResponse, GetCheckpointRequest, GetCheckpointResponse,
    GetConsistencyProofRequest, GetConsistencyProofResponse, GetTrustRequest, ListUsesRequest, ListUsesResponse,
    LookupCertificateRequest, LookupCertificateResponse, PeerAnswer, PeerCopyUse, PeerFilePart, PeerQuestion,
    ReadLogRequest, Segment, TrustItem, UseCopyResponse, Verification, VerifyCertificateRequest,
    lookup_service_server::{LookupService, LookupServiceServer},
    peer_service_client::PeerServiceClient,
    peer_service_server::{PeerService, PeerServiceServer},
};
use prost::Message;
use std::{net::SocketAddr, path::PathBuf};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::Empty;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the credentials.
    #[arg(long)]
    pki: PathBuf,
    /// Folder of the database; what is in it is removed.
    #[arg(long)]
    db: PathBuf,
    /// The answer to every call, encoded: `LookupCertificateResponse` with a peer, `PeerAnswer` without.
    #[arg(long)]
    answer: PathBuf,
    /// A calls B here.
    #[arg(long, requires_all = ["peer_name", "question"])]
    peer: Option<SocketAddr>,
    /// Name in B's credential.
    #[arg(long)]
    peer_name: Option<String>,
    /// What A sends to B, an encoded `PeerQuestion`.
    #[arg(long)]
    question: Option<PathBuf>,
}

/// Serves until the parent ends.
pub(crate) async fn serve(options: Options) -> Result<()> {
    process::end_with_parent();
    let commit = Committer::start(&options.db)?;
    let answer = std::fs::read(&options.answer)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = network::incoming(listener, TlsAcceptor::from(pki::server(&options.pki)?));
    let mut server = Server::builder();
    let router = match options.peer {
        None => server.add_service(PeerServiceServer::new(Answering { commit, answer: PeerAnswer::decode(&*answer)? })),
        Some(peer) => {
            let question = std::fs::read(options.question.context("A needs --question")?)?;
            // A node is a client to its peers under its own credential.
            let name = options.peer_name.context("A needs --peer-name")?;
            let channel = network::connect(peer, &name, pki::client(&options.pki, "node")?).await?;
            server.add_service(LookupServiceServer::new(Asking {
                commit,
                answer: LookupCertificateResponse::decode(&*answer)?,
                question: PeerQuestion::decode(&*question)?,
                peer: PeerServiceClient::new(channel),
            }))
        }
    };
    process::ready(address)?;
    Ok(router.serve_with_incoming(incoming).await?)
}

struct Asking {
    commit: Committer,
    answer: LookupCertificateResponse,
    question: PeerQuestion,
    peer: PeerServiceClient<Channel>,
}

struct Answering {
    commit: Committer,
    answer: PeerAnswer,
}

#[tonic::async_trait]
impl LookupService for Asking {
    async fn lookup_certificate(
        &self,
        _: Request<LookupCertificateRequest>,
    ) -> Result<Response<LookupCertificateResponse>, Status> {
        self.commit.record().await?;
        self.peer.clone().lookup(self.question.clone()).await?;
        self.commit.record().await?;
        Ok(Response::new(self.answer.clone()))
    }

    async fn find_certificates(
        &self,
        _: Request<FindCertificatesRequest>,
    ) -> Result<Response<FindCertificatesResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn verify_certificate(&self, _: Request<VerifyCertificateRequest>) -> Result<Response<Verification>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn list_uses(&self, _: Request<ListUsesRequest>) -> Result<Response<ListUsesResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }
}

#[tonic::async_trait]
impl PeerService for Answering {
    async fn lookup(&self, _: Request<PeerQuestion>) -> Result<Response<PeerAnswer>, Status> {
        self.commit.record().await?;
        Ok(Response::new(self.answer.clone()))
    }

    type FetchStream = Empty<Result<PeerFilePart, Status>>;

    async fn fetch(&self, _: Request<PeerQuestion>) -> Result<Response<Self::FetchStream>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn use_copy(&self, _: Request<PeerCopyUse>) -> Result<Response<UseCopyResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    type ReadLogStream = Empty<Result<Segment, Status>>;

    async fn read_log(&self, _: Request<ReadLogRequest>) -> Result<Response<Self::ReadLogStream>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn get_checkpoint(
        &self,
        _: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn get_consistency_proof(
        &self,
        _: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    type GetTrustStream = Empty<Result<TrustItem, Status>>;

    async fn get_trust(&self, _: Request<GetTrustRequest>) -> Result<Response<Self::GetTrustStream>, Status> {
        Err(Status::unimplemented("bare"))
    }
}
