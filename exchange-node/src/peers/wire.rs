//! Calls between nodes that meet what a network, and a peer that misbehaves, can do to them. Tests wrap their own
//! clients in it too.
//!
//! Changed and cut messages are what a peer says inside its own authenticated channel: on the way, TLS refuses them.

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::watch;
use tonic::{
    Status,
    body::Body,
    codegen::{BoxFuture, StdError, http},
    transport::Channel,
};
use tower::Service;

/// How long a delayed call waits, and a swapped one for another to overtake it.
const DELAY: Duration = Duration::from_millis(250);

/// Who calls whom; a client is named as the test likes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    from: String,
    to: String,
}

impl Link {
    /// From one party to another.
    pub fn new(from: &str, to: &str) -> Self {
        Self { from: from.to_owned(), to: to.to_owned() }
    }
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The request does not arrive.
    DropRequest,
    /// It is served; the answer does not arrive.
    DropAnswer,
    /// It arrives twice; the second answer is taken.
    Double,
    /// It arrives late.
    Delay,
    /// Another call on the link overtakes it.
    Reorder,
    /// One bit of a byte of the request, counted modulo its length, is another one.
    AlterRequest(usize),
    /// One bit of a byte of the answer is another one.
    AlterAnswer(usize),
    /// Half of the request arrives.
    TruncateRequest,
    /// Half of the answer arrives.
    TruncateAnswer,
}

/// Faults of all links. Clones share them.
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    sent: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<Link, VecDeque<(&'static str, Fault)>>,
    cut: BTreeSet<String>,
    applied: Vec<(Link, Fault)>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { state: Arc::default(), sent: Arc::new(watch::Sender::new(0)) }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

impl Faults {
    /// For the next call on a link whose path ends with `method`; several wait in line.
    pub fn fault(&self, link: Link, method: &'static str, fault: Fault) {
        self.state().waiting.entry(link).or_default().push_back((method, fault));
    }

    /// Nothing waits any more.
    pub fn clear(&self) {
        self.state().waiting.clear();
    }

    /// No call from or to this party arrives, or all do again.
    pub fn cut(&self, party: &str, cut: bool) {
        let mut state = self.state();
        if cut {
            state.cut.insert(party.to_owned());
        } else {
            state.cut.remove(party);
        }
    }

    /// What has happened so far.
    pub fn applied(&self) -> Vec<(Link, Fault)> {
        self.state().applied.clone()
    }

    fn take(&self, link: &Link, path: &str) -> Result<Option<Fault>, Status> {
        let mut state = self.state();
        if state.cut.contains(&link.from) || state.cut.contains(&link.to) {
            return Err(lost());
        }
        let next = state.waiting.get_mut(link).and_then(|all| {
            let at = all.iter().position(|(method, _)| path.ends_with(method))?;
            all.remove(at)
        });
        if let Some((_, fault)) = next {
            state.applied.push((link.clone(), fault));
        }
        Ok(next.map(|(_, fault)| fault))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel on a link.
#[derive(Debug, Clone)]
pub struct Wire {
    channel: Channel,
    faults: Faults,
    link: Link,
}

impl Wire {
    /// A channel whose calls meet the faults of a link.
    pub const fn new(channel: Channel, faults: Faults, link: Link) -> Self {
        Self { channel, faults, link }
    }
}

impl Service<http::Request<Body>> for Wire {
    type Response = http::Response<Body>;
    type Error = StdError;
    type Future = BoxFuture<http::Response<Body>, StdError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        self.channel.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let fresh = self.channel.clone();
        let ready = mem::replace(&mut self.channel, fresh);
        let faults = self.faults.clone();
        match faults.take(&self.link, request.uri().path()) {
            Err(status) => Box::pin(async move { Err(status.into()) }),
            Ok(fault) => Box::pin(deliver(ready, faults, request, fault)),
        }
    }
}

async fn deliver(
    mut channel: Channel,
    faults: Faults,
    request: http::Request<Body>,
    fault: Option<Fault>,
) -> Result<http::Response<Body>, StdError> {
    let Some(fault) = fault else {
        faults.sent.send_modify(|count| *count += 1);
        return Ok(channel.call(request).await?);
    };
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let again = |body: Bytes| http::Request::from_parts(head.clone(), whole(body, http::HeaderMap::new()));
    match fault {
        Fault::DropRequest => Err(lost().into()),
        Fault::DropAnswer => {
            answer(channel.call(again(body)).await?).await?;
            Err(lost().into())
        }
        Fault::Double => {
            answer(channel.call(again(body.clone())).await?).await?;
            ready(&mut channel).await?;
            Ok(channel.call(again(body)).await?)
        }
        Fault::Delay => {
            tokio::time::sleep(DELAY).await;
            Ok(channel.call(again(body)).await?)
        }
        Fault::Reorder => {
            let mut sent = faults.sent.subscribe();
            let _ = tokio::time::timeout(DELAY, sent.changed()).await; // nobody may come: then it is only late
            Ok(channel.call(again(body)).await?)
        }
        Fault::AlterRequest(byte) => Ok(channel.call(again(altered(&body, byte))).await?),
        Fault::TruncateRequest => Ok(channel.call(again(body.slice(..body.len() / 2))).await?),
        Fault::AlterAnswer(byte) => {
            let (head, body, trailers) = answer(channel.call(again(body)).await?).await?;
            Ok(http::Response::from_parts(head, whole(altered(&body, byte), trailers)))
        }
        Fault::TruncateAnswer => {
            let (head, body, _) = answer(channel.call(again(body)).await?).await?;
            Ok(http::Response::from_parts(head, whole(body.slice(..body.len() / 2), http::HeaderMap::new())))
        }
    }
}

/// Waits until the channel takes another call.
async fn ready(channel: &mut Channel) -> Result<(), StdError> {
    struct Ready<'a>(&'a mut Channel);
    impl Future for Ready<'_> {
        type Output = Result<(), StdError>;
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            self.0.poll_ready(context).map_err(Into::into)
        }
    }
    Ready(channel).await
}

/// All of an answer: head, messages, trailers.
async fn answer(response: http::Response<Body>) -> Result<(http::response::Parts, Bytes, http::HeaderMap), StdError> {
    let (head, body) = response.into_parts();
    let collected = body.collect().await?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Ok((head, collected.to_bytes(), trailers))
}

fn whole(body: Bytes, trailers: http::HeaderMap) -> Body {
    let mut frames = vec![Ok::<_, Status>(http_body::Frame::data(body))];
    if !trailers.is_empty() {
        frames.push(Ok(http_body::Frame::trailers(trailers)));
    }
    Body::new(StreamBody::new(tokio_stream::iter(frames)))
}

fn altered(body: &Bytes, byte: usize) -> Bytes {
    let mut changed = body.to_vec();
    let at = byte % changed.len().max(1);
    if let Some(byte) = changed.get_mut(at) {
        *byte ^= 1;
    }
    changed.into()
}

fn lost() -> Status {
    Status::unavailable("lost on the way")
}
