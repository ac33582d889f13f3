//! `PeerService`: what other nodes ask.

use super::{Services, services::enter};
use crate::{lookup::PeerQuestion, publisher::Segments, refusal::Refusal};
use exchange_core::{reason::Reason, region::Region};
use exchange_proto::{
    copy, peer,
    v1::{self, peer_service_server::PeerService},
};
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

/// Segments that wait for a reader: with 900 kB each, what one reader holds in memory.
const WAITING: usize = 2;

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl PeerService for Services {
    async fn lookup(&self, request: Request<v1::PeerQuestion>) -> Result<Response<v1::PeerAnswer>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        let (proof, holder, salt) = peer::asked(message).map_err(Refusal::from)?;
        Ok(Response::new(self.lookup.answer(&caller, PeerQuestion { proof, holder, salt }).await?))
    }

    type FetchStream = Items<v1::PeerFilePart>;

    async fn fetch(&self, request: Request<v1::PeerQuestion>) -> Result<Response<Self::FetchStream>, Status> {
        self.fetch_for_peer(request).await
    }

    async fn use_copy(&self, request: Request<v1::PeerCopyUse>) -> Result<Response<v1::UseCopyResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        let (number, presented) = copy::peer_use(&message, caller.region).map_err(Refusal::from)?;
        Ok(Response::new(self.lookup.answer_use(number, presented).await?))
    }

    type ReadLogStream = Items<v1::Segment>;

    async fn read_log(&self, request: Request<v1::ReadLogRequest>) -> Result<Response<Self::ReadLogStream>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        let region = Region::parse(&message.region)
            .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a region's six digits"))?;
        let own = region == self.lookup.region;
        let segments =
            Segments::new(self.lookup.store.clone(), own, region, message.epoch, message.from, message.max_segments);
        let open = self.limits.begin_stream(&caller)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        // The store blocks, on a thread for it; a slow reader holds none of these threads.
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move {
            let _open = open;
            let mut segments = segments;
            loop {
                let read = tasks.blocking(move || {
                    let segment = segments.next();
                    (segment, segments)
                });
                let Ok((Some(segment), rest)) = read.await else { return };
                segments = rest;
                let item = segment.map_err(|error| Status::from(Refusal::from(error)));
                tokio::select! {
                    biased;
                    () = tasks.stopping() => return,
                    sent = sender.send(item) => if sent.is_err() { return }, // the reader is gone
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        Ok(Response::new(self.readable.checkpoint(&message)?))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        Ok(Response::new(self.readable.consistency_proof(message).await?))
    }

    type GetTrustStream = Items<v1::TrustItem>;

    async fn get_trust(&self, request: Request<v1::GetTrustRequest>) -> Result<Response<Self::GetTrustStream>, Status> {
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        let open = self.limits.begin_stream(&caller)?;
        let items = self.readable.trust_items(&message)?;
        let items = items.into_iter().map(move |item| {
            let _open = &open;
            Ok(item)
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(items))))
    }
}
