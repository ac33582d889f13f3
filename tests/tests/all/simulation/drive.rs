//! A province under a list of operations. What clients were told is held against every node; a list ends with healing,
//! after which every call has its answer and every invariant holds.

use super::{
    operation::{Code, Operation, pick},
    request::{Outcome, Request},
};
use crate::world::*;
use exchange_core::invariants::Violation;
use exchange_node::crash::{Point, trap::Trap};
use exchange_proto::v1::{self, Status};
use exchange_tests::faults::{Edge, MessageFault};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long calls are made again after everything was healed, until each has its answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(40);
/// What is still on its way when a node stands still has this long to get there.
const GRACE: Duration = Duration::from_millis(150);

/// A certificate that a client was told of.
pub(super) struct Known {
    pub(super) at: Code,
    pub(super) certificate: Certificate,
    pub(super) owner: Option<Person>,
    pub(super) draft: v1::IssueCertificateRequest,
    pub(super) revoked: bool,
    /// A call about it has no answer yet.
    pub(super) busy: bool,
    pub(super) replaced: bool,
}

/// A call without an answer.
pub(super) struct Pending {
    pub(super) at: Code,
    pub(super) request: Request,
    subject: Option<usize>,
    why: String,
}

/// Looks at the journal of `own/` just before each commit, when it is wanted.
#[derive(Default)]
struct BeforeCommit {
    wanted: AtomicBool,
    written: Mutex<Option<u64>>,
}

pub(super) struct Simulation {
    pub(super) world: World,
    pub(super) lot: Seeded,
    pub(super) nodes: &'static [Code],
    pub(super) known: Vec<Known>,
    pub(super) hits: BTreeSet<Point>,
    /// How often each fault met a message.
    pub(super) messages: BTreeMap<(Edge, MessageFault), u32>,
    /// Logs of cities without a node; those that contradicted themselves are no more among them.
    pub(super) silent: Vec<(Code, ThrowAway)>,
    pub(super) pending: Vec<Pending>,
    before_commit: BTreeMap<Code, Arc<BeforeCommit>>,
    /// Nodes whose next stop loses power.
    power: BTreeSet<Code>,
    pub(super) published: BTreeMap<Code, u32>,
    pub(super) sequence: u32,
    trace: Vec<Operation>,
    label: &'static str,
}

impl Simulation {
    pub(super) async fn new(label: &'static str, nodes: &'static [Code], silent: &[Code], seed: u64) -> Self {
        let world = World::of(label, nodes, silent).await;
        world.publish_samples().await;
        world.step("the catalogue is published").await;
        let mut simulation = Self {
            silent: silent.iter().map(|code| (*code, ThrowAway::events(&world, code))).collect(),
            world,
            lot: Seeded::of(label, seed),
            nodes,
            known: Vec::new(),
            hits: BTreeSet::new(),
            messages: BTreeMap::new(),
            pending: Vec::new(),
            before_commit: BTreeMap::new(),
            power: BTreeSet::new(),
            published: BTreeMap::new(),
            sequence: 0,
            trace: Vec::new(),
            label,
        };
        // Something to ask for in every city.
        for at in &nodes[1..] {
            simulation.issue_deed(at).await;
        }
        simulation.heal().await;
        // Each node is started again with somebody who sees its commits.
        for at in nodes {
            simulation.world.kill(at);
            simulation.start(at).await;
        }
        simulation.heal().await;
        simulation
    }

    /// Does one step after another; what holds at any moment is checked after each.
    pub(super) async fn run(&mut self, operations: &[Operation]) {
        for operation in operations {
            self.trace.push(*operation);
            self.apply(*operation).await;
            self.reap().await;
            self.holds(self.world.revocations());
        }
    }

    /// What clients were told and tried is checked at once.
    #[track_caller]
    pub(super) fn holds_now(&self) {
        self.holds(self.world.told_holds());
    }

    #[track_caller]
    pub(super) fn holds(&self, checked: Result<(), Violation>) {
        if let Err(violation) = checked {
            panic!("{}: {violation}", self.label);
        }
    }

    /// Everything works again, every call is answered, everything has arrived, and every invariant holds.
    pub(super) async fn check(&mut self) {
        let begun = Instant::now();
        self.heal().await;
        let healed = begun.elapsed();
        self.world.settle().await;
        self.world.check_invariants();
        let node = pick(&mut self.lot, self.nodes);
        let lot = &mut self.lot;
        let replayed = self.world.replayed(node, |end| lot.below(end));
        self.holds(replayed);
        let (all, open) = (self.trace.len(), begun.elapsed());
        println!("{}: checked after {all} operations (healed in {healed:?}, all in {open:?})", self.label);
    }

    /// Heals what was done to the province, and asks until every call is answered.
    pub(super) async fn heal(&mut self) {
        self.world.broker.set_down(false);
        self.world.faults.clear();
        for at in self.nodes {
            self.world.broker.cut(region(at), false);
            self.world.faults.cut(at, false);
            if self.world.is_running(at) {
                self.world.trap(at).disarm();
            }
        }
        self.power.clear();
        self.reap().await;
        for at in self.nodes {
            if !self.world.is_running(at) {
                self.start(at).await;
            }
        }
        self.world.all_writable().await;
        let end = Instant::now() + ANSWERED_WITHIN;
        while !self.pending.is_empty() {
            self.ask_again().await;
            if let Some(one) = self.pending.first() {
                let (at, request, why) = (one.at, &one.request, &one.why);
                assert!(Instant::now() < end, "{}: no answer of {at} to {request:?}: {why}", self.label);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    pub(super) async fn start(&mut self, at: Code) {
        let before = Arc::new(BeforeCommit::default());
        self.before_commit.insert(at, Arc::clone(&before));
        let own = self.world.data(at).join("own");
        let trap = Trap::observed(move |point| {
            if point == Point::LedgerSigned && before.wanted.load(Ordering::SeqCst) {
                *before.written.lock().unwrap() = journal(&own).ok().map(|(_, written)| written);
            }
        });
        self.world.start_with(at, trap).await;
    }

    /// Arms a crash point.
    pub(super) fn arm(&mut self, at: Code, point: Point, nth: u64, power: bool) {
        if !self.world.is_running(at) {
            return;
        }
        if power {
            self.power.insert(at);
            self.before_commit[at].wanted.store(point == Point::LedgerCommitted, Ordering::SeqCst);
        }
        self.world.trap(at).arm(point, nth);
    }

    /// Nodes that stand still are dead from now on.
    pub(super) async fn reap(&mut self) {
        for at in self.nodes {
            if !self.world.is_running(at) {
                continue;
            }
            let hit = *self.world.trap(at).hit().borrow();
            if let Some(point) = hit {
                self.hits.insert(point);
                let power = self.power.contains(at);
                self.kill(at, Some(point), power).await;
            }
        }
    }

    /// Ends a node. Where power is lost, what was not synced is lost with it: the end of the journal of `province/`, and of
    /// a commit of `own/` that had not returned.
    pub(super) async fn kill(&mut self, at: Code, stood_at: Option<Point>, power: bool) {
        self.world.kill(at);
        self.power.remove(at);
        if !power {
            return;
        }
        let data = self.world.data(at);
        until("the folder is free", async || is_free(&data)).await;
        let (path, written) = journal(&data.join("province")).unwrap();
        cut(&path, written / 2 + self.lot.below(written / 2 + 1)).unwrap();
        let before = self.before_commit[at].written.lock().unwrap().take();
        if let Some(before) = before.filter(|_| stood_at == Some(Point::LedgerCommitted)) {
            let (path, after) = journal(&data.join("own")).unwrap();
            assert!(after > before, "the commit wrote nothing");
            cut(&path, before + self.lot.below(after - before)).unwrap();
        }
    }

    /// Resolves a moment after a node stands still.
    pub(super) async fn stopped(&self) {
        loop {
            let standing = |at: &&Code| self.world.is_running(at) && self.world.trap(at).hit().borrow().is_some();
            if self.nodes.iter().any(|at| standing(&at)) {
                tokio::time::sleep(GRACE).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Makes a call, and takes note of what came of it.
    pub(super) async fn call(&mut self, at: Code, request: Request, subject: Option<usize>) {
        let outcome = tokio::select! {
            outcome = request.send(&self.world, at) => outcome,
            () = self.stopped() => Outcome::Unknown("a node stands still".to_owned()),
        };
        self.came_to(at, request, subject, outcome);
    }

    pub(super) fn came_to(&mut self, at: Code, request: Request, subject: Option<usize>, outcome: Outcome) {
        let busy = matches!(outcome, Outcome::Unknown(_));
        if let Some(one) = subject.and_then(|subject| self.known.get_mut(subject)) {
            one.busy = busy;
        }
        match (outcome, &request) {
            (Outcome::Unknown(why), _) => self.pending.push(Pending { at, request, subject, why }),
            (Outcome::Refused(reason), Request::LookUp(asked)) if reason == "NOT_A_HOLDER" => {
                let party = asked.question.as_ref().and_then(|question| question.party.clone()).unwrap();
                let holder = party.holder.unwrap().code;
                let owned = self.known.iter().any(|one| one.owner.as_ref().is_some_and(|one| one.number == holder));
                assert!(!owned, "{}: a holder is refused as none", self.label);
            }
            (Outcome::Refused(reason), _) => panic!("{}: {at} refuses {request:?}: {reason}", self.label),
            (Outcome::Done(Some(certificate)), Request::Issue(draft)) => {
                let owner = self.owner_of(draft);
                let draft = draft.clone();
                self.known.push(Known { at, certificate, owner, draft, revoked: false, busy: false, replaced: false });
            }
            (Outcome::Done(Some(certificate)), Request::Revise(_)) => {
                let old = &mut self.known[subject.unwrap()];
                old.replaced = true;
                let (owner, draft) = (old.owner.clone(), old.draft.clone());
                self.known.push(Known { at, certificate, owner, draft, revoked: false, busy: false, replaced: false });
            }
            (Outcome::Done(_), Request::Change(change)) => {
                self.known[subject.unwrap()].revoked = change.to == Status::Revoked as i32;
            }
            (Outcome::Done(_), Request::Publish(_)) => *self.published.entry(at).or_insert(1) += 1,
            (Outcome::Done(_), _) => {}
        }
    }

    fn owner_of(&self, draft: &v1::IssueCertificateRequest) -> Option<Person> {
        let value = |name: &str| draft.fields.iter().find(|field| field.name == name).map(|field| field.value.clone());
        (draft.type_code == DEED).then(|| Person { name: value("CZZT").unwrap(), number: value("CZZTDM").unwrap() })
    }

    pub(super) async fn ask_again(&mut self) {
        for one in std::mem::take(&mut self.pending) {
            self.call(one.at, one.request, one.subject).await;
        }
    }

    /// How often something was acknowledged; for the count that is printed.
    pub(super) fn told(&self) -> usize {
        self.known.len()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (label, nodes, trace) = (self.label, self.nodes, &self.trace);
            println!("{label}: failed over {nodes:?} after {} operations: {trace:?}", trace.len());
        }
    }
}

/// Has the last run of a node let go of its folder?
pub(super) fn is_free(data: &Path) -> bool {
    ["own", "province"].iter().all(|database| {
        let file = std::fs::File::open(data.join(database).join("lock"));
        file.is_ok_and(|file| file.try_lock().is_ok())
    })
}
