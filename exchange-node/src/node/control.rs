//! State, reload and drain of a running node.

use super::Source;
use crate::{
    blobs::{self, care},
    clock::Clock,
    config::{Config, Kafka as KafkaConfig},
    documents::SealCrls,
    indexer::Indexer,
    kafka::{self, Kafka},
    keys::{self, Keys},
    ledger::Ledger,
    licences::{Kit, Licences},
    policy::Policy,
    random::Random,
    refusal::Refusal,
    spawn::Tasks,
    store::{
        Space, Store,
        log::{Kind, Log},
    },
    tls::Tls,
    trust::Trust,
};
use exchange_core::{checkpoint::Checkpoint, reason::Reason};
use exchange_proto::v1;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

/// Between two looks at the publisher's mark while the node is being stopped.
const FLUSH_LOOK: Duration = Duration::from_millis(20);

/// A handle on a running node.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

pub(super) struct Parts {
    pub(super) source: Source,
    pub(super) started_at_ms: u64,
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) ledger: Ledger,
    pub(super) indexer: Indexer,
    pub(super) random: Random,
    pub(super) trust: Arc<Trust>,
    pub(super) keys: Arc<Keys>,
    pub(super) tls: Arc<Tls>,
    pub(super) seal_crls: SealCrls,
    pub(super) kafka: Kafka,
    pub(super) licences: Licences,
    pub(super) clock: Clock,
    pub(super) draining: CancellationToken,
    pub(super) epoch: u32,
    pub(super) kept: care::Known,
    #[cfg(feature = "test-util")]
    pub(super) blobs: blobs::Blobs,
    #[cfg(feature = "test-util")]
    pub(super) auditor: crate::access::Auditor,
    #[cfg(feature = "test-util")]
    pub(super) sweep: crate::copies::Sweep,
}

struct Inner {
    parts: Parts,
    carrier: Mutex<Option<KafkaConfig>>,
}

impl Control {
    pub(super) fn new(parts: Parts) -> Self {
        let carrier = Mutex::new(parts.config.kafka.clone());
        Self(Arc::new(Inner { parts, carrier }))
    }

    /// Reads the configuration again and takes over CRLs (those of seals too), the trust bundle, the node's own credential, the
    /// Kafka section, templates and departments' seals. Everything is checked before anything changes, also what only a restart
    /// takes over: else that would find it.
    ///
    /// # Errors
    /// The configuration or a file is refused; the old one stays.
    pub fn reload(&self) -> Result<Vec<String>, Refusal> {
        let Inner { parts, carrier } = &*self.0;
        let refused = |error: String| Refusal::node(Reason::ConfigInvalid, error, "a configuration that is accepted");
        let config = parts.source.read().map_err(|error| refused(error.to_string()))?;
        if config.node.region != parts.config.node.region || config.node.data != parts.config.node.data {
            return Err(refused("another region or data folder".to_owned()));
        }
        let credential = keys::check(&config, &parts.trust, parts.clock.now_ms(), &parts.random)
            .map_err(|error| refused(error.to_string()))?;
        let kit = Kit::load(&config, &parts.random).map_err(|error| refused(error.to_string()))?;
        let province = parts.trust.snapshot().bundle().province;
        Policy::new(config.node.region, province, &config.systems).map_err(|error| refused(error.to_string()))?;
        if let Some(kafka) = &config.kafka {
            for path in [&kafka.ca, &kafka.certificate, &kafka.key].into_iter().flatten() {
                std::fs::File::open(path).map_err(|error| refused(format!("{}: {error}", path.display())))?;
            }
        }
        let seal_crls = SealCrls::read(config.trust.seal_crls.as_deref())
            .map_err(|error| refused(format!("trust.seal_crls: {error}")))?;
        let mut changed = parts.trust.reload(&config.trust).map_err(|error| refused(error.to_string()))?;
        if parts.seal_crls.swap(seal_crls) {
            changed.push("trust.seal_crls".to_owned());
        }
        if parts.tls.renew(credential).map_err(|error| refused(error.to_string()))? {
            changed.push(config.identity.certificate.display().to_string());
        }
        if parts.licences.swap(kit) {
            changed.push("[licences]".to_owned());
        }
        let mut current = carrier.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != config.kafka {
            parts.kafka.swap(config.kafka.as_ref().map(|kafka| kafka::Settings::new(kafka, &config.node)));
            current.clone_from(&config.kafka);
            changed.push("[kafka]".to_owned());
        }
        tracing::info!(?changed, "the configuration was read again");
        Ok(changed)
    }

    /// Takes no more calls.
    pub fn drain(&self) {
        self.0.parts.draining.cancel();
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.parts.config.limits.drain_seconds))
    }

    pub(super) async fn finished(&self) -> bool {
        let parts = &self.0.parts;
        let mut failed = parts.ledger.failed();
        let mut province_failed = parts.indexer.failed();
        tokio::select! {
            biased;
            // A closed channel is a ledger that has stopped, which only a failed commit does by itself.
            _ = failed.wait_for(|failed| *failed) => true,
            Ok(_) = province_failed.wait_for(|failed| *failed) => true,
            () = parts.draining.cancelled() => false,
        }
    }

    /// Waits until the carrier has everything, or the time is over: the log is kept anyway.
    pub(super) async fn flush(&self, longest: Duration) {
        let parts = &self.0.parts;
        if self.0.carrier.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return;
        }
        let end = parts.clock.instant() + longest;
        let events = parts.ledger.progress().borrow().events;
        while parts.clock.instant() < end && parts.kafka.trouble().is_none() {
            match parts.store.published() {
                Ok(Some((epoch, next))) if epoch == parts.epoch && events <= next => return,
                Ok(_) => parts.clock.sleep(FLUSH_LOOK).await,
                Err(error) => return tracing::error!(%error, "the publisher's mark does not read"),
            }
        }
    }

    /// Health says SERVING until the node drains; it answers while the node is read-only, because questions about what
    /// is here still have answers.
    pub(super) async fn report_health(self, health: HealthReporter, tasks: Tasks) {
        health.set_service_status("", ServingStatus::Serving).await;
        tokio::select! {
            () = self.0.parts.draining.cancelled() => {}
            () = tasks.stopping() => {}
        }
        health.set_service_status("", ServingStatus::NotServing).await;
    }

    /// What an operator sees.
    ///
    /// # Errors
    /// The store fails.
    pub fn status(&self) -> Result<v1::NodeStatus, Refusal> {
        let parts = &self.0.parts;
        let region = parts.config.node.region;
        let read_only = parts.ledger.read_only();
        let carrier = self.0.carrier.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = parts.trust.snapshot();
        let bundle = snapshot.bundle();
        let mut regions = Vec::new();
        for (code, trust) in &bundle.regions {
            let state = parts.store.region_state(*code)?.unwrap_or_default();
            let stale_after = Duration::from_secs(u64::from(parts.config.freshness.stale_after_seconds));
            let fresh = crate::indexer::freshness(*code, Some(&state), parts.clock.now_ms(), stale_after);
            let heard = state.received_at_ms > 0 && fresh.state == v1::Freshness::Current;
            let offset = i128::from(state.at_ms) - i128::from(state.received_at_ms);
            regions.push(v1::RegionStatus {
                clock_offset_ms: if heard { i64::try_from(offset).unwrap_or_default() } else { 0 },
                region: code.to_string(),
                name: trust.name.clone(),
                epoch: state.epoch,
                size: state.size,
                as_of_ms: fresh.as_of_ms.unwrap_or(0),
                state: match (state.forked, fresh.state) {
                    (true, _) => "FORKED",
                    (false, v1::Freshness::Current) => "CURRENT",
                    (false, _) => "STALE",
                }
                .to_owned(),
                rejected: state.rejected,
                altered: state.altered,
                deferred: state.deferred,
                void_entries: state.void_entries,
                forks: state.forks,
                last_reason: if fresh.note.is_empty() { state.last_reason.clone() } else { fresh.note },
                invariant_violations: 0,
            });
        }
        let crls = snapshot
            .crls()
            .proven()
            .map(|(_, crl)| v1::CrlStatus {
                issuer: crl.issuer.clone(),
                number: crl.number,
                next_update_ms: crl.next_update_ms,
                state: if crl.is_stale(parts.clock.now_ms(), 0) {
                    "STALE"
                } else if crl.is_ageing(parts.clock.now_ms()) {
                    "AGEING"
                } else {
                    "CURRENT"
                }
                .to_owned(),
            })
            .collect();
        Ok(v1::NodeStatus {
            region: region.to_string(),
            name: parts.config.node.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at_ms: parts.started_at_ms,
            writable: read_only.is_none(),
            read_only_reason: read_only.map(|reason| (*reason).clone()).unwrap_or_default(),
            events: Some(self.log_status(Kind::Events)?),
            access: Some(self.log_status(Kind::Access)?),
            regions,
            trust: Some(v1::TrustStatus {
                series: bundle.series.to_string(),
                number: bundle.number,
                expires_at_ms: bundle.expires_at_ms,
                crls,
            }),
            kafka: carrier.map(|kafka| kafka.bootstrap_servers).unwrap_or_default(),
            kafka_error: parts.kafka.trouble().unwrap_or_default(),
            free_bytes: crate::space::free_bytes(&parts.config.node.data).unwrap_or(0),
            certificates: parts.store.own.approximate_rows(Space::Certificates),
            now_ms: parts.clock.now_ms(),
            free_bytes_needed: parts.config.limits.free_space_mib << 20,
            credentials: self.credentials(),
            refused_handshakes: parts.tls.refusals().last().iter().map(v1::RefusedHandshake::from).collect(),
            kept_files: Some(self.kept_files()),
        })
    }

    fn kept_files(&self) -> v1::KeptFiles {
        let parts = &self.0.parts;
        let state = parts.kept.now();
        let named = |(key, (fault, certificate_id)): (&blobs::BlobKey, &(care::Fault, String))| v1::DamagedFile {
            certificate_id: certificate_id.clone(),
            blob: blobs::name(key),
            fault: fault.word().to_owned(),
        };
        v1::KeptFiles {
            kept: parts.store.own.approximate_rows(Space::Blobs),
            checked: state.checked,
            checked_at_ms: state.checked_at_ms,
            damaged: state.damaged,
            named: state.named.iter().map(named).collect(),
        }
    }

    fn credentials(&self) -> Vec<v1::CredentialStatus> {
        let parts = &self.0.parts;
        let own = parts.tls.shown().map(|own| v1::CredentialStatus {
            id: own.spiffe.to_string(),
            not_before_ms: own.not_before_ms,
            not_after_ms: own.not_after_ms,
        });
        let departments = parts.keys.departments.iter().map(|(uscc, signer)| v1::CredentialStatus {
            id: uscc.to_string(),
            not_before_ms: signer.not_before_ms,
            not_after_ms: signer.not_after_ms,
        });
        own.into_iter().chain(departments).collect()
    }

    fn log_status(&self, kind: Kind) -> Result<v1::OwnLog, Refusal> {
        let parts = &self.0.parts;
        let log = Log::new(&parts.store.own, kind, parts.config.node.region, parts.epoch);
        let Some((size, note)) = log.newest_checkpoint()? else { return Ok(v1::OwnLog::default()) };
        let checkpoint = Checkpoint::parse_unverified(&note)
            .map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a stored checkpoint that reads"))?;
        let published = match kind {
            Kind::Events => parts.store.published()?.map_or(0, |(_, next)| next),
            Kind::Access => 0,
        };
        Ok(v1::OwnLog { origin: checkpoint.origin.to_string(), size, published, at_ms: checkpoint.at_ms })
    }

    /// The TLS of the node, for `doctor` and tests.
    pub fn tls(&self) -> &Tls {
        &self.0.parts.tls
    }

    /// The store, for the demo and tests of what a node holds.
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// The kept files, for tests of what a node holds.
    #[cfg(feature = "test-util")]
    pub fn blobs(&self) -> &blobs::Blobs {
        &self.0.parts.blobs
    }

    /// The audit of the access checkpoints that other nodes have shown, for tests that do not wait for its minute.
    #[cfg(feature = "test-util")]
    pub fn auditor(&self) -> &crate::access::Auditor {
        &self.0.parts.auditor
    }

    /// The sweep of copies for one use, for tests that do not wait for its hour.
    #[cfg(feature = "test-util")]
    pub fn sweep_of_copies(&self) -> &crate::copies::Sweep {
        &self.0.parts.sweep
    }
}
