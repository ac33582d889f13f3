//! What every call passes before its service sees it: there is a caller, it may call at all, there is room.

use super::nobody;
use crate::{
    limits::Limits,
    refusal::Refusal,
    tls::{Caller, CallerInfo},
};
use exchange_core::reason::Reason;
use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        Service,
        http::{Request, Response},
    },
};

/// What a node may do whose only fault is a stale CRL here: bring or fetch what is missing.
const WITH_STALE_CRL: [&str; 4] = [
    "/exchange.v1.PeerService/ReadLog",
    "/exchange.v1.PeerService/GetCheckpoint",
    "/exchange.v1.PeerService/GetConsistencyProof",
    "/exchange.v1.PeerService/GetTrust",
];

/// Puts the gate in front of all services.
#[derive(Debug, Clone)]
pub struct GateLayer {
    limits: Arc<Limits>,
}

impl GateLayer {
    /// With these limits.
    pub const fn new(limits: Arc<Limits>) -> Self {
        Self { limits }
    }
}

impl<S> tower::Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, limits: Arc::clone(&self.limits) }
    }
}

/// The gate.
#[derive(Debug, Clone)]
pub struct Gate<S> {
    inner: S,
    limits: Arc<Limits>,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send + 'static>,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let caller = request.extensions().get::<CallerInfo>().map(|info| &info.caller).ok_or_else(nobody);
        let permit = caller.and_then(|caller| {
            admitted(caller, request.uri().path())?;
            self.limits.begin(caller)
        });
        let permit = match permit {
            Ok(permit) => permit,
            Err(refusal) => return Box::pin(refused::<S::Error>(refusal)),
        };
        let longest = self.limits.time_for(request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok()));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let _in_work = permit;
            // Of a stream, this is the time to its head; the stream itself ends by its own rules.
            match tokio::time::timeout(longest, answer).await {
                Ok(answer) => answer.map(with_reason),
                Err(_) => {
                    let found = format!("{} ms without an answer", longest.as_millis());
                    refused(Refusal::node(Reason::DeadlineExceeded, found, "more time")).await
                }
            }
        })
    }
}

fn admitted(caller: &Caller, path: &str) -> Result<(), Refusal> {
    if !caller.crl_stale_only() || WITH_STALE_CRL.contains(&path) {
        return Ok(());
    }
    Err(Refusal::node(
        Reason::CrlStale,
        format!("a stale CRL of the CA of node {} of {}", caller.name(), caller.region),
        "a current CRL; until then this node may read logs and trust alone",
    ))
}

/// What tonic refuses by itself, before a service sees it, gets its reason too.
fn with_reason(answer: Response<Body>) -> Response<Body> {
    let Some(status) = Status::from_header_map(answer.headers()) else { return answer };
    if !status.details().is_empty() {
        return answer;
    }
    let refusal = match status.code() {
        Code::OutOfRange if status.message().contains("message length too large") => {
            Refusal::caller(Reason::MessageTooLarge, status.message(), "a smaller message")
        }
        Code::Internal if status.message().contains("failed to decode Protobuf message") => {
            Refusal::caller(Reason::MessageUndecodable, status.message(), "a message of this method")
        }
        _ => return answer,
    };
    Status::from(refusal).into_http()
}

fn refused<E>(refusal: Refusal) -> Ready<Result<Response<Body>, E>> {
    ready(Ok(Status::from(refusal).into_http()))
}
