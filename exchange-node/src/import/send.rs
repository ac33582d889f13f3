//! Calls of the node: again with the same request id while it is not available, and whose fault a refusal is.

use super::{Options, Rejection, row::Job};
use crate::{clock::Clock, random::Random, rpc::status::reason_of};
use exchange_proto::v1::{
    self, catalogue_service_client::CatalogueServiceClient, certificate_service_client::CertificateServiceClient,
};
use std::{
    error::Error as _,
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tonic::{Code, Request, Response, Status, transport::Channel};
use tonic_types::StatusExt;

/// Longest time for one try.
const TRY: Duration = Duration::from_secs(30);
/// First pause before another try; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a row did not get through.
pub(super) enum Error {
    /// The row is at fault.
    Row(Rejection),
    /// The node takes no row, or not from this caller.
    Node(Box<Status>),
}

/// A row that got through.
pub(super) struct Sent {
    /// It was there already.
    pub(super) repeated: bool,
    pub(super) status_changed: bool,
}

pub(super) struct Sender {
    channels: Vec<Channel>,
    next: AtomicUsize,
    patience: Duration,
    clock: Clock,
    random: Random,
}

impl Sender {
    pub(super) fn new(channels: Vec<Channel>, options: &Options, clock: Clock, random: Random) -> Self {
        Self { channels, next: AtomicUsize::new(0), patience: options.patience, clock, random }
    }

    /// Issues or revises, then changes the status where the row asks for one that the certificate does not have.
    pub(super) async fn send(&self, job: &mut Job) -> Result<Sent, Error> {
        let issued = match job {
            Job::Issue { request, .. } => {
                request.request_id = self.request_id();
                self.again(|| {
                    let mut client = CertificateServiceClient::new(self.channel());
                    let request = timed(request.clone());
                    async move { client.issue_certificate(request).await }
                })
                .await?
            }
            Job::Revise { request, .. } => {
                request.request_id = self.request_id();
                self.again(|| {
                    let mut client = CertificateServiceClient::new(self.channel());
                    let request = timed(request.clone());
                    async move { client.revise_certificate(request).await }
                })
                .await?
            }
        };
        let mut sent = Sent { repeated: issued.repeated_request, status_changed: false };
        if let Some(change) = job.status() {
            // Replaced: a later row has revised it, and the change is that one's.
            let done = issued.status() == change.to() || issued.status() == v1::Status::Replaced;
            if !done {
                self.change(&issued.certificate_id, change).await?;
                sent.status_changed = true;
            }
        }
        Ok(sent)
    }

    async fn change(&self, certificate_id: &str, change: &v1::ChangeStatusRequest) -> Result<(), Error> {
        let request = v1::ChangeStatusRequest {
            request_id: self.request_id(),
            certificate_id: certificate_id.to_owned(),
            ..change.clone()
        };
        self.again(|| {
            let mut client = CertificateServiceClient::new(self.channel());
            let request = timed(request.clone());
            async move { client.change_status(request).await }
        })
        .await?;
        Ok(())
    }

    pub(super) async fn certificate_type(&self, type_code: &str) -> Result<v1::CertificateType, Error> {
        self.again(|| {
            let mut client = CatalogueServiceClient::new(self.channel());
            let request = timed(v1::GetCertificateTypeRequest { type_code: type_code.to_owned(), version: 0 });
            async move { client.get_certificate_type(request).await }
        })
        .await
    }

    /// Tries until an answer comes that is not "later", or patience ends.
    async fn again<T, F, C>(&self, call: C) -> Result<T, Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
        C: Fn() -> F,
    {
        let from = self.clock.instant();
        let mut pause = FIRST_PAUSE;
        loop {
            let status = match call().await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => status,
            };
            let waited = self.clock.instant().duration_since(from);
            if !is_later(&status) || waited >= self.patience {
                return Err(blame(status));
            }
            self.clock.sleep(self.random.jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn channel(&self) -> Channel {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.channels[next % self.channels.len()].clone()
    }

    fn request_id(&self) -> String {
        uuid::Uuid::from_bytes(self.random.uuid_v7(self.clock.now_ms())).to_string()
    }
}

fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(TRY);
    request
}

/// The node said so, or its answer was lost on the way: only what this side made of it has a cause.
fn is_later(status: &Status) -> bool {
    // Cancelled is what a client's own time limit says.
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled)
        || status.source().is_some()
}

/// A refusal with a reason for which the caller has to act is this row's; all else would meet every row.
fn blame(status: Status) -> Error {
    let details = status.get_error_details();
    let info = details.error_info();
    let callers = info.is_none_or(|info| info.metadata.get("who").is_none_or(|who| who == "caller"));
    let rows = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
    );
    match reason_of(&status) {
        Some(reason) if callers && rows => {
            let text = |name| info.and_then(|info| info.metadata.get(name)).map(String::as_str).unwrap_or_default();
            let detail = format!("found {}, needed {}", text("found"), text("needed"));
            Error::Row(Rejection { reason, detail, right_check_digit: None })
        }
        _ => Error::Node(Box::new(status)),
    }
}
