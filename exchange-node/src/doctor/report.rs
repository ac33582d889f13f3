//! What was found, and how it counts.

use super::{Subject, faults};
use crate::{
    exit::Exit,
    peers::{Step, StepState},
};
use exchange_core::region::Region;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a check ended. Their order is that of how much they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// Reached, never used: it may work.
    NotProved,
    /// It works, and will not for long, or somebody has to look.
    Warning,
    /// It does not work.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ok, Self::NotProved, Self::Warning, Self::Failed];

    /// Stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotProved => "not_proved",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub subject: Subject,
    /// Of which peer.
    pub peer: Option<Region>,
    /// How it ended.
    pub state: State,
    /// What was found; never a key or a value.
    pub found: String,
    /// Stable name of the fault, where there is a finer one than the check's own name; else empty.
    pub fault: String,
}

impl Check {
    pub(super) const fn new(subject: Subject, state: State, found: String) -> Self {
        Self { subject, peer: None, state, found, fault: String::new() }
    }

    /// What to do; empty where there is nothing to do.
    pub fn cure(&self) -> &'static str {
        match self.state {
            State::Ok | State::NotProved => "",
            _ => faults::cure(&self.fault).unwrap_or(self.subject.cure()),
        }
    }

    /// Where more is said of it; empty where there is nothing to do.
    pub fn see(&self) -> String {
        match self.state {
            State::Ok | State::NotProved => String::new(),
            _ => format!("docs/OPERATING.md#{}", self.subject.category().anchor()),
        }
    }

    /// Stable field names; what is empty is left out.
    pub fn json(&self) -> Value {
        let mut value = json!({
            "category": self.subject.category().word(),
            "check": self.subject.name(),
            "state": self.state.word(),
            "found": self.found,
        });
        let peer = self.peer.map(|peer| peer.to_string()).unwrap_or_default();
        for (name, text) in
            [("peer", peer.as_str()), ("fault", &self.fault), ("cure", self.cure()), ("see", &self.see())]
        {
            if !text.is_empty() {
                value[name] = text.into();
            }
        }
        value
    }
}

/// All checks, in the order in which they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    checks: Vec<Check>,
}

impl Report {
    /// By category, in the order in which they were made.
    pub fn checks(&self) -> Vec<&Check> {
        let mut checks: Vec<&Check> = self.checks.iter().collect();
        checks.sort_by_key(|check| (check.subject.category(), check.peer));
        checks
    }

    /// How many of each state.
    pub fn count(&self) -> BTreeMap<State, usize> {
        let mut count: BTreeMap<State, usize> = State::ALL.iter().map(|state| (*state, 0)).collect();
        for check in &self.checks {
            *count.entry(check.state).or_default() += 1;
        }
        count
    }

    /// 0, 10 or 11. What is not proved yet does not count.
    pub fn exit(&self) -> Exit {
        match self.checks.iter().map(|check| check.state).max() {
            Some(State::Failed) => Exit::CheckFailed,
            Some(State::Warning) => Exit::Warnings,
            _ => Exit::Ok,
        }
    }

    /// Stable field names.
    pub fn json(&self) -> Value {
        let count = self.count();
        let of = |state: State| count.get(&state).copied().unwrap_or_default();
        json!({
            "checks": self.checks().into_iter().map(Check::json).collect::<Vec<_>>(),
            "ok": of(State::Ok),
            "not_proved": of(State::NotProved),
            "warnings": of(State::Warning),
            "failed": of(State::Failed),
        })
    }

    pub(super) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    pub(super) fn ok(&mut self, subject: Subject, found: impl Into<String>) {
        self.add(Check::new(subject, State::Ok, found.into()));
    }

    pub(super) fn warning(&mut self, subject: Subject, found: impl Into<String>) {
        self.add(Check::new(subject, State::Warning, found.into()));
    }

    pub(super) fn failed(&mut self, subject: Subject, found: impl Into<String>) {
        self.add(Check::new(subject, State::Failed, found.into()));
    }

    pub(super) fn not_proved(&mut self, subject: Subject, peer: Option<Region>, found: impl Into<String>) {
        self.add(Check { peer, ..Check::new(subject, State::NotProved, found.into()) });
    }

    /// Peers that were to be tried and cannot be.
    pub(super) fn skipped(&mut self, peers: &[Region], why: &str) {
        for peer in peers {
            self.not_proved(Subject::PeerLink, Some(*peer), why);
        }
    }

    /// The steps of the path to a peer.
    pub(super) fn steps(&mut self, peer: Region, steps: Vec<Step>) {
        let walked = steps.iter().all(|step| step.state != StepState::Failed);
        for Step { name, state, found, fault } in steps {
            let state = match state {
                StepState::Ok => State::Ok,
                StepState::Warning => State::Warning,
                StepState::Failed => State::Failed,
            };
            let subject = Subject::of_step(name);
            self.add(Check { peer: Some(peer), fault, ..Check::new(subject, state, found) });
        }
        if walked {
            let found = "no question was put: only a lookup for a case proves the rest";
            self.not_proved(Subject::PeerLookup, Some(peer), found);
        }
    }
}
