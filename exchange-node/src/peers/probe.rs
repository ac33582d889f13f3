//! The path to another city's node, step by step, for `doctor`: the first step that fails names the fault.

use super::{CONNECT, Peers, Use, unknown, with_deadline};
use crate::{
    indexer::CLOCK_ALARM_MS,
    net,
    refusal::Refusal,
    rpc::status,
    tls::{Target, Unexpected},
};
use exchange_core::{
    checkpoint::{self, Checkpoint, LogKind},
    reason::Reason,
    region::Region,
};
use exchange_proto::v1::{self, peer_service_client::PeerServiceClient};
use hyper_util::rt::TokioIo;
use std::{error::Error, io, sync::Arc, time::Duration};
use tonic::{
    Status,
    transport::{Channel, Endpoint, Uri},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// Longest call of a probe.
const CALL: Duration = Duration::from_secs(5);

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// As it should.
    Ok,
    /// It works, and somebody has to look.
    Warning,
    /// The path ends here.
    Failed,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `resolve`, `connect`, `tls`, `accepted`, `checkpoint`, `clock`.
    pub name: &'static str,
    /// How it went.
    pub state: StepState,
    /// What was found.
    pub found: String,
    /// Stable name of the fault; empty: none.
    pub fault: String,
}

impl From<&Step> for v1::PeerStep {
    fn from(step: &Step) -> Self {
        let state = match step.state {
            StepState::Ok => "OK",
            StepState::Warning => "WARNING",
            StepState::Failed => "FAILED",
        };
        Self {
            name: step.name.to_owned(),
            state: state.to_owned(),
            found: step.found.clone(),
            fault: step.fault.clone(),
        }
    }
}

impl Step {
    /// A step that a node answers; `None` for one of a later release.
    pub fn read(step: v1::PeerStep) -> Option<Self> {
        const NAMES: [&str; 6] = ["resolve", "connect", "tls", "accepted", "checkpoint", "clock"];
        let name = NAMES.into_iter().find(|name| *name == step.name)?;
        let state = match step.state.as_str() {
            "OK" => StepState::Ok,
            "WARNING" => StepState::Warning,
            _ => StepState::Failed,
        };
        Some(Self { name, state, found: step.found, fault: step.fault })
    }
}

fn ok(name: &'static str, found: impl Into<String>) -> Step {
    Step { name, state: StepState::Ok, found: found.into(), fault: String::new() }
}

fn failed(name: &'static str, fault: &str, found: impl Into<String>) -> Step {
    Step { name, state: StepState::Failed, found: found.into(), fault: fault.to_owned() }
}

impl Peers {
    /// Tries the path to a region's node on connections of its own: address, TCP, TLS in both directions, health, the
    /// newest checkpoint of its log, its clock. Of several addresses the first that can be connected to is tried.
    ///
    /// # Errors
    /// `PEER_UNKNOWN`.
    pub async fn probe(self: &Arc<Self>, region: Region) -> Result<Vec<Step>, Refusal> {
        let targets = self.targets(region, Use::Questions);
        if targets.is_empty() || region == self.own {
            return Err(unknown(region));
        }
        let mut steps = Vec::new();
        for target in targets {
            steps = self.reach(&target).await;
            if steps.last().is_some_and(|last| last.state == StepState::Ok) {
                self.walk(&target, &mut steps).await;
                break;
            }
        }
        Ok(steps)
    }

    /// The name and the port.
    async fn reach(&self, target: &Target) -> Vec<Step> {
        let address = &target.address;
        let resolved = tokio::time::timeout(CONNECT, net::resolve(address)).await;
        let found = match resolved {
            Err(_) => return vec![failed("resolve", "NAME_UNKNOWN", format!("{address}: no answer to the name"))],
            Ok(Err(error)) => return vec![failed("resolve", "NAME_UNKNOWN", format!("{address}: {error}"))],
            Ok(Ok(found)) => found,
        };
        let list: Vec<String> = found.iter().map(ToString::to_string).collect();
        let mut steps = vec![ok("resolve", format!("{address} is {}", list.join(", ")))];
        steps.push(match net::connect(address, CONNECT).await {
            Ok(_) => ok("connect", format!("{address} takes connections")),
            Err(error) => failed("connect", "NOT_REACHED", format!("{address}: {error}")),
        });
        steps
    }

    /// From TLS on.
    async fn walk(self: &Arc<Self>, target: &Target, steps: &mut Vec<Step>) {
        let channel = match self.secured(target).await {
            Ok(channel) => channel,
            Err(step) => return steps.push(step),
        };
        steps.push(ok("tls", format!("the node of {} is who it should be", target.region)));
        // In TLS 1.3 a caller hears of its refusal only when it reads: the first call says whether it was accepted.
        let health = HealthClient::new(channel.clone()).check(with_deadline(HealthCheckRequest::default(), CALL)).await;
        match health {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {
                steps.push(ok("accepted", "it takes this node's credential, and serves"));
            }
            Ok(_) => {
                let found = "it takes this node's credential, and says that it is stopping";
                steps.push(Step { state: StepState::Warning, ..failed("accepted", "DRAINING", found) });
            }
            Err(status) => return steps.push(self.refused(target, &status)),
        }
        self.log_of(target.region, channel, steps).await;
    }

    /// The handshake as for questions; the fault is its judgement of the other side.
    async fn secured(self: &Arc<Self>, target: &Target) -> Result<Channel, Step> {
        let (tls, at) = (Arc::clone(&self.tls), target.clone());
        let connector = tower::service_fn(move |_: Uri| {
            let (tls, target) = (Arc::clone(&tls), at.clone());
            async move { Ok::<_, io::Error>(TokioIo::new(tls.connect(&target, CONNECT).await?)) }
        });
        let connected = Endpoint::from_static("http://peer").connect_with_connector(connector).await;
        connected.map_err(|error| {
            let causes = || causes(&error);
            let inner = |cause: &(dyn Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::to_string);
            let unexpected = causes().find_map(|cause| {
                let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
                inner.and_then(|inner| inner.downcast_ref::<Unexpected>())
            });
            let text = causes().find_map(inner).unwrap_or_else(|| error.to_string());
            match unexpected {
                Some(unexpected) => failed("tls", unexpected.fault(), unexpected.to_string()),
                None if text.contains("not valid for name") || text.contains("NotValidForName") => {
                    failed("tls", "WRONG_NAME", format!("{text}; needed {}", target.server_name))
                }
                None => failed("tls", "TLS", text),
            }
        })
    }

    /// The node refused this one: by a reason where it gave one, else by TLS, which says nothing. What this node knows
    /// of its own credential is the likeliest fault.
    fn refused(&self, target: &Target, status: &Status) -> Step {
        if let Some(reason) = status::reason_of(status) {
            return failed("accepted", &reason, status.message());
        }
        match self.tls.own() {
            Err(unexpected) => {
                failed("accepted", unexpected.fault(), format!("this node's own credential: {unexpected}"))
            }
            Ok(own) => {
                let (serial, issuer) = (&own.credential().serial, &own.credential().issuer);
                let said = causes(status).last().map(ToString::to_string).unwrap_or_default();
                let found = format!(
                    "the node of {} refused the credential with serial {serial} of \"{issuer}\", which is good here ({said})",
                    target.region
                );
                failed("accepted", "REFUSED_BY_PEER", found)
            }
        }
    }

    /// The newest checkpoint of the region's own log, by the keys of the bundle, and its time beside the own clock.
    async fn log_of(&self, region: Region, channel: Channel, steps: &mut Vec<Step>) {
        let snapshot = self.trust.snapshot();
        let epoch = snapshot.bundle().newest_epoch(region, LogKind::Events).unwrap_or(1);
        let Ok(origin) = snapshot.bundle().origin(region, LogKind::Events, epoch) else { return };
        let request = with_deadline(v1::GetCheckpointRequest { origin: origin.to_string() }, CALL);
        let note = match PeerServiceClient::new(channel).get_checkpoint(request).await {
            Ok(answer) => answer.into_inner().checkpoint,
            Err(status) => {
                let reason = status::reason_of(&status).unwrap_or_else(|| Reason::PeerUnavailable.code().to_owned());
                return steps.push(failed("checkpoint", &reason, status.message()));
            }
        };
        let keys = Checkpoint::parse_unverified(&note)
            .map(|claimed| self.trust.log_keys(region, LogKind::Events, epoch, claimed.size));
        match keys.and_then(|keys| checkpoint::open(&note, &keys)) {
            Err(error) => steps.push(failed("checkpoint", Reason::CheckpointInvalid.code(), error.to_string())),
            Ok(verified) => {
                steps.push(ok("checkpoint", format!("{origin} has {} entries, by its key", verified.size())));
                steps.push(self.clock_of(verified.at_ms()));
            }
        }
    }

    /// A node signs a checkpoint every few seconds: its time is the other clock's.
    fn clock_of(&self, at_ms: u64) -> Step {
        let now_ms = self.clock.now_ms();
        let apart = now_ms.abs_diff(at_ms);
        if apart <= CLOCK_ALARM_MS {
            return ok("clock", format!("its newest word is {:.1} s old by this clock", apart as f64 / 1_000.0));
        }
        let found = if at_ms > now_ms {
            format!("its clock is {} s ahead of this one", apart / 1_000)
        } else {
            format!("its newest word is {} s old: its clock is behind this one, or it signs nothing", apart / 1_000)
        };
        Step { state: StepState::Warning, ..failed("clock", "CLOCKS_DIFFER", found) }
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // Named, because a reference to an error is an error of its own with a shorter life.
    std::iter::successors(Some(error), |error| <dyn Error>::source(*error))
}
