//! What every call passes before its service sees it: there is a caller, it may call at all, there is a place.

use super::nobody;
use crate::{
    limits::{self, For, Limits},
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
        http::{HeaderMap, Request, Response},
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
    /// The answer to a call without a place, in the order of [`For`]. In overload it is given more often than any other:
    /// it is made once.
    overloaded: Arc<[HeaderMap; 5]>,
}

impl GateLayer {
    /// With these limits.
    pub fn new(limits: Arc<Limits>) -> Self {
        let answer = |whose| Status::from(limits.overloaded(whose)).into_http::<Body>().into_parts().0.headers;
        Self { overloaded: Arc::new(For::ALL.map(answer)), limits }
    }

    fn overloaded(&self, whose: For) -> Response<Body> {
        limits::count_refused(whose.name());
        let mut answer = Response::new(Body::empty());
        *answer.headers_mut() = self.overloaded[whose as usize].clone();
        answer
    }
}

impl<S> tower::Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, shared: self.clone() }
    }
}

/// The gate.
#[derive(Debug, Clone)]
pub struct Gate<S> {
    inner: S,
    shared: GateLayer,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send + 'static> + Clone + Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let info = request.extensions().get::<CallerInfo>().ok_or_else(nobody);
        let caller = info.map(|info| Arc::clone(&info.caller)).and_then(|caller| {
            admitted(&caller, request.uri().path())?;
            Ok(caller)
        });
        let caller = match caller {
            Ok(caller) => caller,
            Err(refusal) => return Box::pin(refused::<S::Error>(refusal)),
        };
        let shared = self.shared.clone();
        // The one that was made ready, not its copy.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let given = request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok());
            let whose = For::of(request.uri().path(), &caller);
            let longest = shared.limits.time_for(whose, given);
            let answer = async {
                // Nothing of the call was read so far but its headers.
                let Ok(place) = shared.limits.room(whose).enter(&caller.uri).await else {
                    return Ok(shared.overloaded(whose));
                };
                let place = Arc::new(place);
                request.extensions_mut().insert(Arc::clone(&place));
                let answer = inner.call(request).await;
                drop(place);
                answer.map(with_reason)
            };
            // Of a stream, this is the time to its head; the stream itself ends by its own rules.
            match tokio::time::timeout(longest, answer).await {
                Ok(answer) => answer,
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
