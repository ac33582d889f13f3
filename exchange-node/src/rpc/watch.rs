//! The stream of `WatchCertificates`: what was missed from the store, then what comes.

use super::Services;
use crate::{
    limits::OpenStream,
    refusal::Refusal,
    watch::{Applied, replay},
};
use exchange_core::{position::Position, reason::Reason, region::Region};
use exchange_proto::{certificate as convert, v1};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Events that wait for a subscriber; a slower one is served from the store.
const WAITING: usize = 256;
/// Entries that are looked at in one reading of the store.
const READ: usize = 1_000;

pub(super) fn stream(
    services: &Services,
    request: v1::WatchCertificatesRequest,
    open: OpenStream,
) -> Result<ReceiverStream<Result<v1::CertificateEvent, Status>>, Refusal> {
    let region = match request.region.as_str() {
        "" => None,
        text => Some(
            Region::parse(text)
                .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a region's six digits"))?,
        ),
    };
    let after = request.after.map(convert::position).transpose()?;
    if let Some(after) = after
        && region != Some(after.region)
    {
        return Err(Refusal::caller(
            Reason::PositionOutOfRange,
            format!("position {after}"),
            "the region whose log it stands in",
        ));
    }
    let (sender, receiver) = mpsc::channel(WAITING);
    services.tasks.spawn(Subscription { services: services.clone(), region, sender, _open: open }.run(after));
    Ok(ReceiverStream::new(receiver))
}

struct Subscription {
    services: Services,
    region: Option<Region>,
    sender: mpsc::Sender<Result<v1::CertificateEvent, Status>>,
    _open: OpenStream,
}

/// The subscriber is gone.
struct Gone;

impl Subscription {
    async fn run(self, after: Option<Position>) {
        // Subscribed before the store is read: nothing falls between.
        let mut events = self.services.watch.subscribe();
        let mut last = after;
        if let Some(position) = after {
            match self.missed_after(position).await {
                Ok(position) => last = Some(position),
                Err(Gone) => return,
            }
        }
        loop {
            let event = tokio::select! {
                biased;
                () = self.services.draining.cancelled() => {
                    let refusal = Refusal::node(
                        Reason::Draining,
                        "a node that is stopping",
                        "the same request again, after the last position",
                    );
                    let _ = self.sender.send(Err(refusal.into())).await;
                    return;
                }
                () = self.sender.closed() => return,
                event = events.recv() => event,
            };
            match event {
                Ok(event) if self.region.is_none_or(|region| region == event.position.region) => {
                    if last.is_some_and(|last| event.position <= last && event.position.region == last.region) {
                        continue; // the store had it
                    }
                    if self.sender.send(Ok(encode(&event))).await.is_err() {
                        return;
                    }
                    if self.region.is_some() {
                        last = Some(event.position);
                    }
                }
                Ok(_) => {}
                Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(_)) => match last {
                    // Too slow for the channel: the rest comes from the store.
                    Some(position) => match self.missed_after(position).await {
                        Ok(position) => last = Some(position),
                        Err(Gone) => return,
                    },
                    None => {
                        let refusal = Refusal::caller(
                            Reason::Overloaded,
                            "a subscriber that is too slow for all regions",
                            "one stream for each region, which resumes from a position",
                        );
                        let _ = self.sender.send(Err(refusal.into())).await;
                        return;
                    }
                },
            }
        }
    }

    /// Sends what stands in the store behind a position; gives the last one that was read.
    async fn missed_after(&self, after: Position) -> Result<Position, Gone> {
        let mut next = after.index + 1;
        loop {
            let services = self.services.clone();
            let (own, region, epoch) = (services.lookup.region, after.region, after.epoch);
            let store = services.lookup.store.clone();
            let read = services.tasks.blocking(move || replay(&store, own, region, epoch, next, READ)).await;
            let found = match read {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    let _ = self.sender.send(Err(Refusal::from(error).into())).await;
                    return Err(Gone);
                }
                Err(_) => return Err(Gone),
            };
            for event in &found.0 {
                self.sender.send(Ok(encode(event))).await.map_err(|_| Gone)?;
            }
            if found.1 == next {
                return Ok(Position { index: next - 1, ..after });
            }
            next = found.1;
        }
    }
}

fn encode(event: &Applied) -> v1::CertificateEvent {
    v1::CertificateEvent {
        position: Some(convert::encode_position(event.position)),
        at_ms: event.at_ms,
        certificate_id: event.certificate_id.clone(),
        type_code: event.type_code.clone(),
        status: event.status,
        status_code: event.status_code.clone(),
        effective_on: event.effective_on,
        issued: event.issued,
    }
}
