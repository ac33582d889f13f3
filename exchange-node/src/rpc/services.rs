//! What the services share: the use cases, and who calls.

use super::{caller, peer::Readable};
use crate::{
    catalogue::Publishing,
    documents::Documents,
    issuing::Issuing,
    limits::{For, Limits, room::Place},
    lookup::Lookup,
    node::Control,
    policy::Policy,
    spawn::Tasks,
    tls::Caller,
    watch::Watch,
};
use exchange_proto::v1::{
    admin_service_server::AdminServiceServer, catalogue_service_server::CatalogueServiceServer,
    certificate_service_server::CertificateServiceServer, document_service_server::DocumentServiceServer,
    lookup_service_server::LookupServiceServer, peer_service_server::PeerServiceServer,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::server::Router};

/// The use cases behind the services.
#[derive(Clone)]
pub struct Services {
    /// Issue, revise, change of status.
    pub issuing: Issuing,
    /// Find, look up, verify.
    pub lookup: Lookup,
    /// Verify sealed documents.
    pub documents: Documents,
    /// Publish.
    pub publishing: Publishing,
    /// Who may.
    pub policy: Arc<Policy>,
    /// Applied events, as they come.
    pub watch: Watch,
    /// State, reload, drain.
    pub control: Control,
    /// What other nodes read.
    pub readable: Readable,
    /// Streams end when the node drains.
    pub draining: CancellationToken,
    /// What streams run on.
    pub tasks: Tasks,
    /// How long a call may take.
    pub limits: Arc<Limits>,
}

impl Services {
    /// Adds every service to the server's router.
    pub fn add_to<L>(self, router: Router<L>, message_bytes: usize) -> Router<L> {
        router
            .add_service(CertificateServiceServer::new(self.clone()).max_decoding_message_size(message_bytes))
            .add_service(LookupServiceServer::new(self.clone()).max_decoding_message_size(message_bytes))
            .add_service(DocumentServiceServer::new(self.clone()).max_decoding_message_size(message_bytes))
            .add_service(CatalogueServiceServer::new(self.clone()).max_decoding_message_size(message_bytes))
            .add_service(PeerServiceServer::new(self.clone()).max_decoding_message_size(message_bytes))
            .add_service(AdminServiceServer::new(self).max_decoding_message_size(message_bytes))
    }
}

/// The call's place, which is another's while it waits for another city.
///
/// # Errors
/// `CALLER_UNKNOWN`: the request did not come through the gate.
pub(super) fn place<T>(request: &Request<T>) -> Result<Arc<Place>, Status> {
    request.extensions().get::<Arc<Place>>().map(Arc::clone).ok_or_else(|| super::nobody().into())
}

/// What a call may still take: what its caller gives, at most the node's own limit.
pub(super) fn time_left<T>(request: &Request<T>, limits: &Limits) -> Duration {
    limits.time_for(For::Systems, request.metadata().get("grpc-timeout").and_then(|value| value.to_str().ok()))
}

/// Caller and message.
///
/// # Errors
/// `CALLER_UNKNOWN`: the request did not come over the node's own TLS.
pub(super) fn enter<T>(request: Request<T>) -> Result<(Arc<Caller>, T), Status> {
    let caller = Arc::clone(caller(&request)?);
    Ok((caller, request.into_inner()))
}
