//! `AdminService`, for operators of this region.

use super::{Services, services::enter};
use crate::refusal::Refusal;
use exchange_core::{reason::Reason, region::Region};
use exchange_proto::v1::{self, admin_service_server::AdminService};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl AdminService for Services {
    async fn get_status(&self, request: Request<v1::GetStatusRequest>) -> Result<Response<v1::NodeStatus>, Status> {
        let (caller, _) = enter(request)?;
        self.policy.may_operate(&caller)?;
        Ok(Response::new(self.control.status()?))
    }

    async fn list_peers(
        &self,
        request: Request<v1::ListPeersRequest>,
    ) -> Result<Response<v1::ListPeersResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_operate(&caller)?;
        let peers = &self.lookup.peers;
        let probed = match message.probe.as_str() {
            "" => None,
            code => {
                let region = Region::parse(code).map_err(|error| {
                    Refusal::caller(Reason::FieldInvalid, error.to_string(), "a region's six digits")
                })?;
                Some((region, peers.probe(region).await?))
            }
        };
        let peers = peers
            .list()
            .into_iter()
            .map(|peer| v1::Peer {
                region: peer.region.to_string(),
                name: peer.name,
                address: peer.address,
                state: format!("{:?}", peer.state).to_uppercase(),
                last_error: peer.last_error,
                steps: match &probed {
                    Some((region, steps)) if *region == peer.region => steps.iter().map(v1::PeerStep::from).collect(),
                    _ => Vec::new(),
                },
            })
            .collect();
        Ok(Response::new(v1::ListPeersResponse { peers }))
    }

    async fn reload(&self, request: Request<v1::ReloadRequest>) -> Result<Response<v1::ReloadResponse>, Status> {
        let (caller, _) = enter(request)?;
        self.policy.may_operate(&caller)?;
        let changed = self.control.reload()?;
        Ok(Response::new(v1::ReloadResponse { changed }))
    }

    async fn drain(&self, request: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        let (caller, _) = enter(request)?;
        self.policy.may_operate(&caller)?;
        tracing::info!(operator = caller.name(), "drain was asked for");
        self.control.drain();
        Ok(Response::new(v1::DrainResponse {}))
    }
}
