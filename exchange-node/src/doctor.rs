//! What is wrong with an installation, part by part, and its cure.
//!
//! Every part is judged by the functions that the node itself uses, at the time of a [`Clock`]. Nothing is changed: no
//! file is written, no store is opened, no record sent. A check is ok, **not proved yet** (reached, never used), warning
//! or failed; one that is not ok has its cure and a link into `docs/OPERATING.md`.

mod carrier;
pub mod faults;
mod local;
mod report;
mod running;
mod store;
mod subject;

pub use report::{Check, Report, State};
pub use subject::{Category, Subject};

use crate::{clock::Clock, config, keys, peers::Peers, random::Random, spawn::Tasks, tls::Tls};
use exchange_core::{chain::Credential, region::Region};
use std::sync::Arc;
use tonic::transport::Channel;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration, or why there is none; `None`: only the running node is asked.
    pub config: Option<Source>,
    /// Before the first start: there is no store, and the address is free.
    pub pre: bool,
    /// Peers to which the whole path is tried.
    pub peers: Vec<Region>,
    /// The time of all judgements.
    pub clock: Clock,
}

/// A configuration file as it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, for messages.
    pub path: std::path::PathBuf,
    /// With the environment laid over it.
    pub overrides: Vec<(String, String)>,
}

/// The running node, as far as it can be asked.
#[derive(Debug)]
pub enum Node {
    /// No profile was given.
    NotAsked,
    /// An operator's connection.
    Answers(Channel),
    /// It cannot be asked, and why.
    Silent(String),
}

/// Looks at everything that can be looked at.
pub async fn run(options: &Options, node: Node) -> Report {
    let mut report = Report::default();
    let mut running = running::ask(node, &mut report).await;
    let now_ms = options.clock.now_ms();
    let installed = match &options.config {
        Some(source) => here(source, options, running.as_ref(), &mut report).await,
        None => None,
    };
    if let Some(running) = &mut running {
        let ends = installed.as_ref().map(|installed| installed.ends_ms);
        running.judge(ends, &options.peers, now_ms, &mut report).await;
    } else if let Some(installed) = installed {
        installed.peers(options, &mut report).await;
    } else {
        report.skipped(&options.peers, "without a node, or a configuration that is believed, no peer can be called");
    }
    report
}

/// What a node would call others with.
struct Installed {
    peers: Arc<Peers>,
    ends_ms: u64,
}

/// Everything on this machine. None: no trust or credential with which a peer could be called.
async fn here(
    source: &Source,
    options: &Options,
    running: Option<&running::Running>,
    report: &mut Report,
) -> Option<Installed> {
    let config = match config::load(&source.path, source.overrides.iter().cloned()) {
        Ok(config) => config,
        Err(error) => {
            report.failed(Subject::ConfigFile, format!("{}: {error}", source.path.display()));
            return None;
        }
    };
    let (path, region, name) = (source.path.display(), config.node.region, &config.node.name);
    report.ok(Subject::ConfigFile, format!("{path}: region {region}, node {name}"));
    local::files(&config, report);
    if options.pre {
        local::listen(&config, report).await;
    }
    let now_ms = options.clock.now_ms();
    let trust = local::trust(&config, &options.clock, report);
    if let Some(trust) = &trust {
        local::keys(&config, trust, now_ms, report);
        local::clock(trust, now_ms, report);
        if running.is_none() {
            // A running node has seen more CAs, and so has proved more CRLs: it is asked instead.
            local::crls(&config, trust, now_ms, report);
            local::seal_crls(&config, trust, now_ms, report);
        }
    }
    store::check(&config, options.pre, running, report);
    carrier::check(&config, running, report).await;
    let trust = trust?;
    // Faults of the credential are in the report.
    let identity = keys::identity(&config, &trust, now_ms).ok()?;
    let ends_ms = Credential::parse(identity.cert.first()?).ok()?.not_after_ms;
    let tls = Tls::new(Arc::clone(&trust), identity, options.clock.clone()).ok()?;
    let size = config.limits.message_bytes;
    let peers = Peers::new(tls, trust, options.clock.clone(), Random::new(), region, size);
    Some(Installed { peers, ends_ms })
}

impl Installed {
    /// Tries the paths with the node's own credential.
    async fn peers(&self, options: &Options, report: &mut Report) {
        for other in self.peers.regions().into_iter().filter(|other| !options.peers.contains(other)) {
            report.not_proved(Subject::PeerLink, Some(other), format!("not tried: --peer {other} tries the path"));
        }
        for peer in &options.peers {
            match self.peers.probe(*peer).await {
                Ok(steps) => report.steps(*peer, steps),
                Err(refusal) => report.add(Check {
                    peer: Some(*peer),
                    fault: refusal.reason.code().to_owned(),
                    ..Check::new(Subject::PeerLink, State::Failed, refusal.found)
                }),
            }
        }
    }
}

/// Work that blocks, away from the runtime's workers.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    Tasks::default().blocking(work).await.ok()
}
