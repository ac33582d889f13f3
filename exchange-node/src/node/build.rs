//! Every part of a node is built here, in one function that is read from top to bottom.

use super::{
    Error, Node, Seams, Source,
    control::{self, Control},
    follow,
};
use crate::{
    access::{AccessLog, Audit, Auditor, Proofs},
    blobs::{
        Blobs,
        care::{self, Care},
    },
    catalogue::{Catalogue, Publishing},
    comparison::{Comparison, NOT_COMPARED},
    config, copies,
    documents::{Documents, SealCrls},
    indexer::{self, Context, Indexer},
    issuing::Issuing,
    kafka::{self, Kafka},
    keys::Keys,
    ledger::{self, Head, Ledger, Signer},
    licences::{Kit, Licences},
    limits::Limits,
    lookup::Lookup,
    net::Listener,
    peers::Peers,
    policy::Policy,
    publisher::Publisher,
    random::Random,
    rpc::{self, Services},
    space::FreeSpace,
    spawn::Tasks,
    store::{Space, Store},
    tls::{self, Tls},
    trust::Trust,
    verification::Known,
    watch::Watch,
};
use exchange_core::{
    certificate::Environment,
    checkpoint::{LogKey, LogKind, Origin},
    event::EventKind,
};
use exchange_proto::event;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch as latest;
use tokio_util::sync::CancellationToken;

impl Node {
    /// Builds and starts every part, in the order in which they need each other.
    pub(super) async fn start_with(source: Source, seams: Seams) -> Result<Self, Error> {
        let config = source.read()?;
        let region = config.node.region;
        let (clock, random, tasks, crash) = (seams.clock, Random::new(), Tasks::default(), seams.crash);
        let store = Store::open(&config.node.data, region)?;

        // Whom the node believes, and with what it signs.
        let kept = store.own.scan(Space::Trust, &[], &[u8::MAX; 40], usize::MAX)?;
        let trust = Trust::load(&config.trust, &kept, clock.clone())?;
        let mut keys = Keys::load(&config, &trust, clock.now_ms(), &random)?;
        let bundle = trust.snapshot();
        let (domain, province) = (bundle.bundle().trust_domain.to_string(), bundle.bundle().province);
        let events = signer(&domain, region, LogKind::Events, keys.epoch, std::mem::take(&mut keys.event_log))?;
        let access = signer(&domain, region, LogKind::Access, keys.epoch, std::mem::take(&mut keys.access_log))?;
        let origin = events.origin.clone();
        let keys = Arc::new(keys);
        let licences = Licences::new(Kit::load(&config, &random)?);
        let policy = Arc::new(Policy::new(region, province, &config.systems)?);

        let space = FreeSpace::new(config.node.data.clone(), config.limits.free_space_mib << 20, clock.clone());

        let files = Blobs::open(config.node.data.join("blobs"), keys.blobs.clone(), random.clone(), crash.clone())?;

        // The writer of own data. It takes no writes before the own log was compared.
        let head = Head::open(&store, events)?;
        let size = head.size();
        let ledger = Ledger::start(
            ledger::Parts {
                store: store.clone(),
                clock: clock.clone(),
                events: head,
                access: Head::open(&store, access)?,
                space: Some(space.clone()),
                read_only: (!config.node.alone).then(|| NOT_COMPARED.to_owned()),
                crash: crash.clone(),
            },
            &tasks,
        )
        .map_err(|error| Error::Start(format!("no thread for the ledger: {error}")))?;

        // The other cities.
        let tls = Tls::new(Arc::clone(&trust), Arc::clone(&keys.identity), clock.clone())?;
        let peers = Peers::new(
            Arc::clone(&tls),
            Arc::clone(&trust),
            clock.clone(),
            random.clone(),
            region,
            config.limits.message_bytes,
        );
        #[cfg(feature = "test-util")]
        peers.put_faults(seams.faults);
        let settings = config.kafka.as_ref().map(|kafka| kafka::Settings::new(kafka, &config.node));
        let kafka = seams.carrier.unwrap_or_else(|| Kafka::start(settings, &tasks));
        let watch = Watch::default();
        let context = Context { bundle: Arc::new(bundle.bundle().clone()), index_keys: Arc::new(keys.index.clone()) };
        let (context_sender, context) = latest::channel(context);
        let heartbeat = Duration::from_secs(u64::from(config.freshness.heartbeat_seconds));
        let known = Known::default();
        let indexer = Indexer::start(indexer::Parts {
            known: known.clone(),
            store: store.clone(),
            ledger: ledger.clone(),
            kafka: kafka.clone(),
            source: peers.log_source(),
            tasks: tasks.clone(),
            clock: clock.clone(),
            random: random.clone(),
            region,
            epoch: keys.epoch,
            province,
            context,
            watch: watch.clone(),
            heartbeat,
            crash: crash.clone(),
            room: space.clone(),
        });
        Publisher {
            store: store.clone(),
            ledger: ledger.clone(),
            kafka: kafka.clone(),
            tasks: tasks.clone(),
            clock: clock.clone(),
            random: random.clone(),
            region,
            epoch: keys.epoch,
            heartbeat,
            anchor: Duration::from_secs(u64::from(config.freshness.anchor_seconds)),
            crash: crash.clone(),
        }
        .start();

        // Use cases.
        let limits = Arc::new(Limits::new(&config.limits, clock.clone()));
        let catalogue = Catalogue::new(store.clone());
        let environment = match config.node.environment {
            config::Environment::Production => Environment::Production,
            config::Environment::Exercise => Environment::Exercise,
        };
        let issuing = Issuing {
            region,
            environment,
            ledger: ledger.clone(),
            store: store.clone(),
            catalogue: catalogue.clone(),
            keys: Arc::clone(&keys),
            trust: Arc::clone(&trust),
            policy: Arc::clone(&policy),
            clock: clock.clone(),
            random: random.clone(),
            blobs: files.clone(),
            space: space.clone(),
            tasks: tasks.clone(),
            licences: licences.clone(),
        };
        let kept = care::Known::default();
        let care = Care {
            blobs: files,
            store: store.clone(),
            ledger: ledger.clone(),
            known: kept.clone(),
            tasks: tasks.clone(),
            clock: clock.clone(),
        };
        let seal_crls = SealCrls::read(config.trust.seal_crls.as_deref())
            .map_err(|error| Error::Start(format!("trust.seal_crls: {error}")))?;
        let seal_crls = SealCrls::new(seal_crls);
        let sweep = copies::Sweep {
            region,
            store: store.clone(),
            ledger: ledger.clone(),
            licences: licences.clone(),
            tasks: tasks.clone(),
            clock: clock.clone(),
        };
        let audit = Audit::default();
        let proofs = Proofs::new(Arc::clone(&trust), audit.clone());
        let lookup = Lookup {
            region,
            issuing: issuing.clone(),
            access: AccessLog {
                region,
                trust_domain: domain,
                ledger: ledger.clone(),
                store: store.clone(),
                keys: Arc::clone(&keys),
            },
            store: store.clone(),
            catalogue: catalogue.clone(),
            keys: Arc::clone(&keys),
            trust: Arc::clone(&trust),
            proofs: proofs.clone(),
            kept: kept.clone(),
            peers: Arc::clone(&peers),
            policy: Arc::clone(&policy),
            limits: Arc::clone(&limits),
            seal_crls: seal_crls.clone(),
            known,
            stale_after: Duration::from_secs(u64::from(config.freshness.stale_after_seconds)),
            clock: clock.clone(),
            random: random.clone(),
            crash,
        };
        let publishing = Publishing {
            region,
            catalogue: catalogue.clone(),
            ledger: ledger.clone(),
            store: store.clone(),
            policy: Arc::clone(&policy),
            keys: Arc::clone(&keys),
            trust: Arc::clone(&trust),
        };

        let idle = Duration::from_secs(u64::from(config.limits.document_idle_seconds));
        let documents =
            Documents::new(&config.node.data, space, lookup.clone(), seal_crls.clone(), tasks.clone(), idle)
                .map_err(|error| Error::Start(format!("no folder for documents: {error}")))?;

        // What follows changes of trust and of the catalogue.
        let draining = CancellationToken::new();
        let auditor = Auditor {
            audit,
            store: store.clone(),
            ledger: ledger.clone(),
            peers: Arc::clone(&peers),
            clock: clock.clone(),
        };
        let control = Control::new(control::Parts {
            source,
            started_at_ms: clock.now_ms(),
            config: config.clone(),
            store: store.clone(),
            ledger: ledger.clone(),
            indexer: indexer.clone(),
            random: random.clone(),
            trust: Arc::clone(&trust),
            keys: Arc::clone(&keys),
            tls: Arc::clone(&tls),
            seal_crls,
            kafka,
            licences,
            clock: clock.clone(),
            draining: draining.clone(),
            epoch: keys.epoch,
            kept,
            #[cfg(feature = "test-util")]
            blobs: issuing.blobs.clone(),
            #[cfg(feature = "test-util")]
            auditor: auditor.clone(),
            #[cfg(feature = "test-util")]
            sweep: sweep.clone(),
        });
        tasks.spawn(Arc::clone(&tls).follow(tasks.clone()));
        tasks.spawn(
            follow::Followed {
                region,
                store: store.clone(),
                ledger: ledger.clone(),
                trust: Arc::clone(&trust),
                peers: Arc::clone(&peers),
                keys: Arc::clone(&keys),
                context: context_sender,
                carried: indexer.trust_hint(),
                catalogue: indexer.catalogue_hint(),
                cache: catalogue,
                proofs,
            }
            .run(tasks.clone()),
        );
        tasks.spawn(auditor.run(tasks.clone()));
        tasks.spawn(care.run());
        tasks.spawn(sweep.run());
        if config.node.alone {
            let kind = EventKind::RegionNotice { text: "started alone: the own log was not compared".to_owned() };
            let (notice, ledger) = (event::encode_body(&kind, false).into(), ledger.clone());
            tasks.spawn(async move {
                if let Err(error) = ledger.submit(ledger::Notice(notice)).await {
                    tracing::warn!(%error, "that the node was started alone is not recorded");
                }
            });
        } else {
            let comparison = Comparison {
                origin,
                region,
                size,
                trust: Arc::clone(&trust),
                peers: Arc::clone(&peers),
                ledger: ledger.clone(),
                clock: clock.clone(),
                random,
            };
            tasks.spawn(comparison.run(tasks.clone()));
        }

        // The face.
        let services = Services {
            issuing,
            lookup,
            documents,
            publishing,
            policy: Arc::clone(&policy),
            watch,
            control: control.clone(),
            readable: rpc::peer::Readable { store, trust, region, tasks: tasks.clone() },
            draining: draining.clone(),
            tasks: tasks.clone(),
            limits: Arc::clone(&limits),
        };
        let listener = Listener::bind(config.listen.grpc)
            .await
            .map_err(|source| Error::Listen { address: config.listen.grpc, source })?;
        let address =
            listener.local_address().map_err(|source| Error::Listen { address: config.listen.grpc, source })?;
        let (router, health) = rpc::router(rpc::server(&config.limits, limits), policy)
            .map_err(|error| Error::Start(format!("the service descriptors do not read: {error}")))?;
        let router = services.add_to(router, config.limits.message_bytes);
        let incoming = tls.accept(listener, tls::HandshakeLimits::from(&config.limits), &tasks);
        tasks.spawn(control.clone().report_health(health, tasks.clone()));
        let server = tasks.spawn(async move {
            if let Err(error) = router.serve_with_incoming_shutdown(incoming, draining.cancelled_owned()).await {
                tracing::error!(%error, "the server ended");
            }
        });
        tracing::info!(%region, %address, entries = size, "the node answers");
        Ok(Self { control, address, tasks, server })
    }
}

fn signer(
    domain: &str,
    region: exchange_core::region::Region,
    kind: LogKind,
    epoch: u32,
    keys: Vec<LogKey>,
) -> Result<Signer, Error> {
    Ok(Signer { origin: Origin::new(domain, region.as_str(), kind, epoch)?, region, keys: Arc::new(keys) })
}
