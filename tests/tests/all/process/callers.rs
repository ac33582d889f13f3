//! Callers that ask again, with the same id, until they are answered: what systems of halls do.

use super::{
    listed,
    load::{self, MARRIAGE},
    world::{JINAN, QINGDAO, World},
};
use crate::world::{Person, deed, lookup, question};
use exchange_node::{
    practice::{OPERATOR, SYSTEM},
    rpc::status::reason_of,
};
use exchange_proto::v1::{
    self, Relation, certificate_service_client::CertificateServiceClient, lookup_service_client::LookupServiceClient,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt;

/// What one call may take; then it is asked again.
const DEADLINE: Duration = Duration::from_secs(2);
/// Between two calls of a caller, so that a minute does not fill the disk.
const PAUSE: Duration = Duration::from_millis(10);
/// Before a call whose refusal does not say when.
const AGAIN: Duration = Duration::from_millis(100);
/// Longest wait of one request for its answer, over all attempts.
const PATIENCE: Duration = Duration::from_secs(60);
/// Number of the first certificate: other steps issue with lower ones.
const FIRST: usize = 100_000;
/// Callers that issue in 济南, and callers that ask in 青岛.
const EACH: u32 = 4;

/// Callers at work in both cities.
pub(super) struct Callers {
    shared: Arc<Shared>,
    issuing: Vec<JoinHandle<()>>,
    asking: Vec<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    next: AtomicU32,
    heard: Mutex<Heard>,
    subject: (Person, String),
}

/// What callers were told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Certificates that were there before.
    before: usize,
    /// Request and certificate.
    pub(super) issued: BTreeMap<String, String>,
    /// Case numbers of questions that were answered.
    pub(super) answered: Vec<String>,
    /// Refusals on the way, by the node that was called.
    pub(super) refusals: Vec<(&'static str, Status)>,
}

impl Callers {
    /// Starts them. They issue in 济南 and ask from 青岛 about one certificate of 济南.
    pub(super) async fn start(world: &World) -> Self {
        let owner = Person::new(0, 77);
        let mut client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
        let flat = client.issue_certificate(deed(JINAN, &owner)).await.unwrap().into_inner();
        world.settled().await;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            next: AtomicU32::new(1),
            heard: Mutex::default(),
            subject: (owner, flat.certificate_id.clone()),
        });
        shared.heard.lock().unwrap().before = listed(world, JINAN, MARRIAGE).await.len();
        let (mut issuing, mut asking) = (Vec::new(), Vec::new());
        for _ in 0..EACH {
            let client = CertificateServiceClient::new(world.channel(JINAN, SYSTEM).await);
            issuing.push(tokio::spawn(Arc::clone(&shared).issue(client)));
            let client = LookupServiceClient::new(world.channel(QINGDAO, SYSTEM).await);
            asking.push(tokio::spawn(Arc::clone(&shared).ask(client)));
        }
        Self { shared, issuing, asking }
    }

    /// Waits until so many more certificates were issued and questions answered.
    pub(super) async fn go_on(&self, issued: usize, answered: usize) {
        let count = || {
            let heard = self.shared.heard.lock().unwrap();
            (heard.issued.len(), heard.answered.len())
        };
        let (before, begin) = (count(), Instant::now());
        loop {
            let now = count();
            if now.0 >= before.0 + issued && now.1 >= before.1 + answered {
                return;
            }
            let ended = self.issuing.iter().chain(&self.asking).any(JoinHandle::is_finished);
            let last = self.shared.heard.lock().unwrap().refusals.last().cloned();
            assert!(!ended, "a caller gave up: {last:?}");
            assert!(begin.elapsed() < PATIENCE, "{before:?} to {now:?} after {PATIENCE:?}: {last:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The certificate that they ask about; every node has it in its index.
    pub(super) fn flat(&self) -> &str {
        &self.shared.subject.1
    }

    /// Refusals since the last time.
    pub(super) fn refusals(&self) -> Vec<(&'static str, Status)> {
        std::mem::take(&mut self.shared.heard.lock().unwrap().refusals)
    }

    /// Lets each caller finish what it asks, and gives what they were told.
    pub(super) async fn end(self) -> Heard {
        self.shared.stop.store(true, Ordering::Relaxed);
        for caller in self.issuing.into_iter().chain(self.asking) {
            caller.await.unwrap();
        }
        let heard = std::mem::take(&mut *self.shared.heard.lock().unwrap());
        assert!(!heard.issued.is_empty() && !heard.answered.is_empty(), "nothing was asked");
        heard
    }
}

impl Shared {
    async fn issue(self: Arc<Self>, mut client: CertificateServiceClient<Channel>) {
        while !self.stop.load(Ordering::Relaxed) {
            let number = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).unwrap();
            let request = load::request(FIRST + number);
            let begin = Instant::now();
            let answer = loop {
                match client.issue_certificate(within(request.clone())).await {
                    Ok(answer) => break answer,
                    Err(status) => self.refused(JINAN, begin, status).await,
                }
            };
            let id = answer.into_inner().certificate_id;
            self.heard.lock().unwrap().issued.insert(request.request_id.clone(), id);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(self: Arc<Self>, mut client: LookupServiceClient<Channel>) {
        while !self.stop.load(Ordering::Relaxed) {
            let (owner, flat) = &self.subject;
            let case_number = format!("37020020260106{:08}", self.next.fetch_add(1, Ordering::Relaxed));
            let question =
                v1::Question { case_number: case_number.clone(), ..question(QINGDAO, owner, Relation::Self_) };
            let request = lookup(question, flat, &["KZ_ZL"]);
            let begin = Instant::now();
            let answer = loop {
                match client.lookup_certificate(within(request.clone())).await {
                    Ok(answer) => break answer,
                    Err(status) => self.refused(QINGDAO, begin, status).await,
                }
            };
            let released = answer.into_inner().certificate.unwrap().disclosures;
            assert_eq!(released.len(), 1, "{case_number}");
            self.heard.lock().unwrap().answered.push(case_number);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes note of a refusal, and waits until it may be worth asking again.
    async fn refused(&self, called: &'static str, begin: Instant, status: Status) {
        assert!(begin.elapsed() < PATIENCE, "no answer after {PATIENCE:?}: {status:?}");
        let says = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
        self.heard.lock().unwrap().refusals.push((called, status));
        // At most a second: the test does not wait as long as a hall would.
        tokio::time::sleep(says.unwrap_or(AGAIN).min(Duration::from_secs(1))).await;
    }
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// A refusal that a caller can act on: a reason that passes by itself and says when to ask again, or, where no node
/// answered, the word of its own client for a deadline or for a connection that broke.
#[track_caller]
pub(super) fn is_clean(status: &Status, reasons: &[&str]) {
    match reason_of(status) {
        Some(reason) => {
            assert!(reasons.contains(&reason.as_str()), "{reason}: {status:?}");
            assert!(status.get_error_details().retry_info().is_some(), "it does not say when: {status:?}");
        }
        None => {
            let cut = status.source().is_some_and(|source| source.is::<tonic::transport::Error>());
            let late = matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded);
            assert!(cut || late || status.code() == Code::Unavailable, "{status:?}");
        }
    }
}

impl World {
    /// Nothing that was acknowledged is lost, and nothing is there twice, in either city: each certificate is listed once
    /// and nothing else is; each question that was answered is once in the record of who read what.
    pub(super) async fn nothing_lost_or_doubled(&self, heard: &Heard) {
        self.settled().await;
        for at in [JINAN, QINGDAO] {
            let listed = listed(self, at, MARRIAGE).await;
            let ids: BTreeSet<&String> = heard.issued.values().collect();
            assert_eq!(ids.len(), heard.issued.len(), "two requests have one certificate");
            let ours = listed.iter().filter(|id| ids.contains(id)).count();
            assert_eq!(ours, ids.len(), "{at}: each that was acknowledged, once");
            assert_eq!(listed.len(), heard.before + ours, "{at}: something is there that nobody was told of");
        }
        let mut client = LookupServiceClient::new(self.channel(JINAN, OPERATOR).await);
        let owner = Person::new(0, 77);
        let (mut token, mut uses) = (String::new(), BTreeMap::<String, usize>::new());
        loop {
            let request = v1::ListUsesRequest { holder: Some(owner.holder()), page_size: 1_000, page_token: token };
            let page = client.list_uses(request).await.unwrap().into_inner();
            for one in page.uses {
                assert_eq!(one.kind(), v1::AccessKind::Answered, "{}: {}", one.case_number, one.reason);
                *uses.entry(one.case_number).or_default() += 1;
            }
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        for case in &heard.answered {
            assert_eq!(uses.get(case), Some(&1), "the record of {case}");
        }
    }
}
