//! What each operation does.

use super::{
    drive::{Simulation, is_free},
    operation::{Code, Operation},
    request::{CLIENT, Outcome, Request},
};
use crate::world::*;
use exchange_core::invariants::{Attempt, Drained};
use exchange_node::{
    access::audit::Outcome as Audited,
    crash::Point,
    kafka::memory::Fault as Carried,
    peers::wire::{Fault, Link, Wire},
    practice::{Client, OPERATOR, SYSTEM, TRUST_DOMAIN},
    sample::departments::Department,
};
use exchange_proto::v1::{self, certificate_service_client::CertificateServiceClient};
use exchange_tests::faults::{Edge, MessageFault};

/// Calls that are under way when a node drains.
const UNDER_WAY: usize = 24;

impl Simulation {
    pub(super) async fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Issue { at } => {
                if self.lot.below(2) == 0 {
                    self.issue_deed(at).await;
                } else {
                    let request = self.licence(at);
                    self.call(at, request, None).await;
                }
            }
            Operation::IssueFile { at } => {
                let request = self.licence_with_files(at);
                self.call(at, request, None).await;
            }
            Operation::Revise { at } => self.revise(at).await,
            Operation::ChangeStatus { at } => self.change_status(at).await,
            Operation::Publish { at } => self.publish(at).await,
            Operation::LookUp { at, of } => self.ask(at, of, true).await,
            Operation::Fetch { at, of } => {
                if let Some(request) = self.file_question(at, of) {
                    self.call(at, request, None).await;
                }
            }
            Operation::Stranger { at, of } => self.ask(at, of, false).await,
            Operation::Find { at } => {
                let party = Person::new(0, 990);
                let question = Some(question(at, &party, v1::Relation::Self_));
                let request = v1::FindCertificatesRequest { question, type_codes: Vec::new() };
                self.call(at, Request::Find(request), None).await;
            }
            Operation::Impostor { at } => self.impostor(at).await,
            Operation::OtherBody { at } => self.other_body(at).await,
            Operation::AskAgain => self.ask_again().await,
            Operation::Message { edge, fault, from, to } => self.message(edge, fault, from, to).await,
            Operation::Crash { at, point, nth, power } => self.arm(at, point, nth, power),
            Operation::Kill { at, power } => {
                if self.world.is_running(at) {
                    self.kill(at, None, power).await;
                }
            }
            Operation::Restart { at } => {
                if !self.world.is_running(at) {
                    self.start(at).await;
                }
            }
            Operation::Drain { at } => self.drain(at).await,
            Operation::Partition { at } => self.partition(at, true),
            Operation::CutCalls { at } => self.world.faults.cut(at, true),
            Operation::Heal { at } => self.partition(at, false),
            Operation::Broker { down } => self.world.broker.set_down(down),
            Operation::LoseBroker => self.world.broker.lose_all(),
            Operation::RestoreOldCopy { at } => self.restore_old_copy(at).await,
            Operation::SkewClock { at, seconds } => self.world.shift_clock(at, seconds * 1_000),
            Operation::Audit { at } => {
                if self.world.is_running(at) {
                    let outcomes = self.world.audit(at).await;
                    let of = outcomes.iter().find(|(_, outcome)| *outcome == Audited::Contradiction);
                    assert!(of.is_none(), "ACC-1 is broken: {at} finds two histories: {of:?}");
                }
            }
            Operation::Say => self.say(false),
            Operation::Fork => self.say(true),
        }
    }

    fn partition(&self, at: Code, cut: bool) {
        self.world.broker.cut(region(at), cut);
        self.world.faults.cut(at, cut);
    }

    /// A city without a node says something, by the carrier alone; or it says two things at once.
    fn say(&mut self, contradicting: bool) {
        let Some((code, log)) = self.silent.first_mut() else { return };
        let (code, mut other) = (region(code), log.clone());
        self.world.broker.inject(code, log.say(vec![notice("一段历史")]));
        if contradicting {
            self.world.broker.inject(code, other.say(vec![notice("另一段历史")]));
            self.silent.remove(0);
        }
    }

    /// ID-1: nothing that a request says widens a credential.
    async fn impostor(&mut self, at: Code) {
        let other = self.nodes.iter().copied().find(|one| *one != at).unwrap();
        let practice = &self.world.practice;
        let (what, of, kind, name, request) = match self.lot.below(5) {
            0 => ("an issue", other, "system", SYSTEM, licence(at, 900_001)),
            1 => ("an issue", at, "operator", OPERATOR, licence(at, 900_002)),
            2 => {
                let issuer = Some(issuer(other, Department::MarketRegulation));
                (
                    "an issue of another city's department",
                    at,
                    "system",
                    SYSTEM,
                    v1::IssueCertificateRequest { issuer, ..licence(at, 900_003) },
                )
            }
            3 => {
                // A department of the city that this system does not act for.
                let issuer = Some(v1::Issuer { uscc: "11370000MB00000008".into(), name: "样例局".into() });
                (
                    "an issue of an unlisted department",
                    at,
                    "system",
                    SYSTEM,
                    v1::IssueCertificateRequest { issuer, ..licence(at, 900_004) },
                )
            }
            _ => ("an issue", other, "node", "node", licence(at, 900_005)),
        };
        let client = practice.client_of(region(at), region(of), name);
        let by = format!("spiffe://{TRUST_DOMAIN}/region/{of}/{kind}/{}", if name == "node" { "node-1" } else { name });
        let Ok(channel) = exchange_node::practice::connect(&client).await else { return };
        let answer = CertificateServiceClient::new(channel).issue_certificate(request).await;
        self.world.told_attempt(Attempt { what: what.into(), by, entitled: false, accepted: answer.is_ok() });
        self.holds_now();
    }

    /// ISS-2: a request that was answered again, and its id with another body. Both answers are held against the first.
    async fn other_body(&mut self, at: Code) {
        let Some(subject) = self.subject(at, |one| one.certificate.revision == 1) else { return };
        Request::Issue(self.draft(subject)).send(&self.world, at).await;
        let mut draft = self.draft(subject);
        let last = draft.fields.last_mut().unwrap();
        last.value = if draft.type_code == DEED { "99.5".into() } else { "金丝雀路10号".into() };
        match Request::Issue(draft).send(&self.world, at).await {
            Outcome::Refused(reason) => assert_eq!(reason, "REQUEST_ID_REUSED"),
            Outcome::Done(_) | Outcome::Unknown(_) => {}
        }
    }

    async fn message(&mut self, edge: Edge, fault: MessageFault, from: Code, to: Code) {
        match edge {
            Edge::ClientToNode => self.client_message(fault, to).await,
            Edge::NodeToNode => self.node_message(fault, from, to).await,
            Edge::Carrier => {
                // Half of the time in the first entry, else anywhere.
                let end = if self.lot.below(2) == 0 { 300 } else { 100_000 };
                let byte = 60 + usize::try_from(self.lot.below(end)).unwrap();
                let carried = match fault {
                    MessageFault::RequestDropped => Carried::Refuse,
                    MessageFault::AnswerDropped => Carried::Unconfirmed,
                    MessageFault::Lost => Carried::Drop,
                    MessageFault::Doubled => Carried::Duplicate,
                    MessageFault::Delayed => Carried::Delay,
                    MessageFault::Reordered => Carried::HoldBack,
                    MessageFault::Altered => Carried::Corrupt { byte },
                    MessageFault::Truncated => Carried::Truncate,
                };
                let before = self.world.broker.applied().len();
                self.world.broker.fault(region(to), carried);
                let request = self.licence(to);
                self.call(to, request, None).await;
                // Counted when a record has met it; not waited for where none can be published.
                let end = std::time::Instant::now() + std::time::Duration::from_millis(1_500);
                while self.world.broker.applied().len() == before && std::time::Instant::now() < end {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                if self.world.broker.applied().len() > before {
                    *self.messages.entry((edge, fault)).or_default() += 1;
                }
            }
        }
    }

    async fn client_message(&mut self, fault: MessageFault, to: Code) {
        let request = self.licence(to);
        let wire = match whole(fault) {
            Ok(wire) => wire,
            Err(spoil) => return self.spoiled(to, request, fault, spoil).await,
        };
        let beside = if fault == MessageFault::Reordered { Some(self.licence(to)) } else { None };
        let before = self.world.faults.applied().len();
        self.world.faults.fault(Link::new(CLIENT, to), "", wire);
        self.two(to, request, beside).await;
        if self.world.faults.applied().len() > before {
            *self.messages.entry((Edge::ClientToNode, fault)).or_default() += 1;
        }
    }

    /// Over a connection whose bytes are changed or cut.
    async fn spoiled(&mut self, to: Code, request: Request, fault: MessageFault, spoil: Spoil) {
        let client = request.client(&self.world, to);
        let relay = Relay::to(client.address.clone()).await;
        let client = Client { address: relay.address.clone(), ..client };
        let outcome = match exchange_node::practice::connect(&client).await {
            Ok(channel) => {
                let way = if self.lot.below(2) == 0 { Way::ToNode } else { Way::ToClient };
                relay.spoil(way, spoil);
                let wire = Wire::new(channel, self.world.faults.clone(), Link::new(CLIENT, to));
                let sent = request.over(&self.world, to, wire);
                let waited = tokio::time::timeout(std::time::Duration::from_secs(4), sent).await;
                waited.unwrap_or_else(|_| Outcome::Unknown("no answer in time".to_owned()))
            }
            Err(error) => Outcome::Unknown(error.to_string()),
        };
        if relay.spoiled() > 0 {
            *self.messages.entry((Edge::ClientToNode, fault)).or_default() += 1;
        }
        self.came_to(to, request, None, outcome);
    }

    async fn node_message(&mut self, fault: MessageFault, from: Code, to: Code) {
        let byte = usize::try_from(self.lot.below(100_000)).unwrap();
        let answer = self.lot.below(2) == 0;
        let wire = whole(fault).unwrap_or_else(|spoil| match (spoil, answer) {
            (Spoil::Alter, true) => Fault::AlterAnswer(byte),
            (Spoil::Alter, false) => Fault::AlterRequest(byte),
            (Spoil::Truncate, true) => Fault::TruncateAnswer,
            (Spoil::Truncate, false) => Fault::TruncateRequest,
        });
        let link = Link::new(from, to);
        if self.lot.below(3) == 0 {
            // A gap that is read from the other node, whose answer meets the fault.
            self.world.faults.fault(link, "/ReadLog", wire);
            self.world.broker.fault(region(to), Carried::Drop);
            let request = self.licence(to);
            return self.call(to, request, None).await;
        }
        // A question for fields, or for a file.
        let for_fields = self.lot.below(2) == 0;
        let method = if for_fields { "/Lookup" } else { "/Fetch" };
        let mut ask = || if for_fields { self.question(from, to, true) } else { self.file_question(from, to) };
        let Some(request) = ask() else { return };
        let beside = if fault == MessageFault::Reordered { ask() } else { None };
        let before = self.world.faults.applied().len();
        self.world.faults.fault(link, method, wire);
        self.two(from, request, beside).await;
        if self.world.faults.applied().len() > before {
            *self.messages.entry((Edge::NodeToNode, fault)).or_default() += 1;
        }
    }

    /// One call, or two at once.
    async fn two(&mut self, at: Code, one: Request, other: Option<Request>) {
        let Some(other) = other else { return self.call(at, one, None).await };
        let still = || Outcome::Unknown("a node stands still".to_owned());
        let (first, second) = tokio::select! {
            both = async { tokio::join!(one.send(&self.world, at), other.send(&self.world, at)) } => both,
            () = self.stopped() => (still(), still()),
        };
        self.came_to(at, one, None, first);
        self.came_to(at, other, None, second);
    }

    /// DRAIN-1: what a node did while it drained, it answered.
    async fn drain(&mut self, at: Code) {
        if !self.world.is_running(at) {
            return;
        }
        // One that stood still in the middle of it would never be done.
        self.world.trap(at).disarm();
        self.reap().await;
        if !self.world.is_running(at) {
            return;
        }
        let mut calls = Vec::new();
        for _ in 0..UNDER_WAY {
            let Request::Issue(draft) = self.licence(at) else { unreachable!("licences are issued") };
            calls.push((draft, self.world.system(at).await));
        }
        let passes = |world: &World| world.trap(at).passes(Point::LedgerDecided);
        let before = passes(&self.world);
        let calls: Vec<_> = calls
            .into_iter()
            .map(|(draft, channel)| {
                tokio::spawn(async move {
                    let answer = CertificateServiceClient::new(channel).issue_certificate(draft.clone()).await;
                    (draft, answer.map(tonic::Response::into_inner))
                })
            })
            .collect();
        until("the first calls are decided", async || passes(&self.world) > before).await;
        self.world.drain(at).await;
        let mut heard = Vec::new();
        for call in calls {
            let (draft, answer) = call.await.unwrap();
            if let Ok(certificate) = &answer {
                self.world.told(at, &draft, certificate);
            }
            heard.push((draft, answer.is_ok()));
        }
        self.start(at).await;
        self.heal().await;
        for (draft, answered) in heard {
            let request = Request::Issue(draft.clone());
            let Outcome::Done(Some(again)) = request.send(&self.world, at).await else {
                panic!("a healed node does not issue")
            };
            let done = again.repeated_request;
            self.world.told_drained(Drained { request_id: draft.request_id.clone(), answered, done });
            self.came_to(at, request, None, Outcome::Done(Some(again)));
        }
        self.holds_now();
    }

    /// ISS-3: an older copy of the folder is put back: the node answers and writes nothing, until the newest is there.
    async fn restore_old_copy(&mut self, at: Code) {
        self.heal().await;
        let data = self.world.data(at);
        let (old, newest) = (self.world.folder().join("old"), self.world.folder().join("newest"));
        self.world.kill(at);
        until("the folder is free", async || is_free(&data)).await;
        copy(&data, &old).unwrap();
        self.start(at).await;
        self.heal().await;
        self.issue_deed(at).await;
        self.heal().await;
        self.world.settle().await;
        self.world.kill(at);
        until("the folder is free", async || is_free(&data)).await;
        std::fs::rename(&data, &newest).unwrap();
        copy(&old, &data).unwrap();
        self.start(at).await;
        until("it says why it is read-only", async || {
            let status = self.world.node(at).control().status().unwrap();
            assert!(!status.writable, "ISS-3 is broken: a node writes on an old copy of its log");
            status.read_only_reason.contains("it is an old copy")
        })
        .await;
        let size = self.world.size(at);
        let request = self.licence(at);
        match request.send(&self.world, at).await {
            Outcome::Unknown(why) => assert!(why.contains("READ_ONLY"), "{why}"),
            other => panic!("an old copy answers an issue with {other:?}"),
        }
        assert_eq!(self.world.size(at), size, "ISS-3 is broken: an old copy was written to");
        self.world.kill(at);
        until("the old copy is free", async || is_free(&data)).await;
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::rename(&newest, &data).unwrap();
        std::fs::remove_dir_all(&old).unwrap();
        self.start(at).await;
        self.call(at, request, None).await;
    }
}

/// What befalls a message as a whole; else how its bytes are spoiled.
const fn whole(fault: MessageFault) -> Result<Fault, Spoil> {
    match fault {
        MessageFault::RequestDropped => Ok(Fault::DropRequest),
        MessageFault::AnswerDropped | MessageFault::Lost => Ok(Fault::DropAnswer),
        MessageFault::Doubled => Ok(Fault::Double),
        MessageFault::Delayed => Ok(Fault::Delay),
        MessageFault::Reordered => Ok(Fault::Reorder),
        MessageFault::Altered => Err(Spoil::Alter),
        MessageFault::Truncated => Err(Spoil::Truncate),
    }
}
