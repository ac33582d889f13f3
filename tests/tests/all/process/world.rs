//! The province, its processes, and connections to them.

use super::{broker::Broker, node::Process};
use exchange_core::region::Region;
use exchange_node::{
    catalogue::{Item, file},
    practice::{OPERATOR, Options, Practice, connect},
};
use exchange_proto::{
    catalogue as convert,
    v1::{self, admin_service_client::AdminServiceClient, catalogue_service_client::CatalogueServiceClient},
};
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tonic::transport::Channel;

const PROVINCE: &str = "370000";
pub(super) const JINAN: &str = "370100";
pub(super) const QINGDAO: &str = "370200";
pub(super) const NODES: [&str; 3] = [PROVINCE, JINAN, QINGDAO];

/// As in the configuration: what was accepted is finished within this time.
pub(super) const DRAIN: Duration = Duration::from_secs(10);
const CONFIG: &str = "[freshness]\nheartbeat_seconds = 1\nstale_after_seconds = 3\nanchor_seconds = 2\n\n\
                      [limits]\nfree_space_mib = 64\ndrain_seconds = 10\n";
/// As in the configuration: beyond it answers say `STALE`.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(3);
/// Longest wait for something to become so.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Everything that runs; all of it ends when this is dropped.
pub(super) struct World {
    nodes: BTreeMap<&'static str, Process>,
    pub(super) broker: Broker,
    pub(super) practice: Practice,
    folder: TempDir,
}

pub(super) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

impl World {
    /// Province and two cities, the sample catalogue published. None: skipped.
    pub(super) async fn start() -> Option<Self> {
        Self::made(|_| ()).await
    }

    /// As [`World::start`], with one node's data in a folder of another file system.
    pub(super) async fn start_on(code: &str, data: &Path) -> Option<Self> {
        let prepare = |practice: &Practice| {
            std::fs::create_dir(data).unwrap();
            std::os::unix::fs::symlink(data, practice.node_folder(region(code)).join("data")).unwrap();
        };
        Self::made(prepare).await
    }

    async fn made(prepare: impl FnOnce(&Practice)) -> Option<Self> {
        if let Some(missing) = Broker::missing() {
            println!("skipped: a real Kafka needs {missing}");
            return None;
        }
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let broker = Broker::start(&folder.path().join("first"), &NODES);
        let options = Options {
            regions: NODES.map(region).to_vec(),
            kafka: Some(broker.bootstrap()),
            more_config: CONFIG.to_owned(),
        };
        let practice = Practice::create(&folder.path().join("province"), options).unwrap();
        prepare(&practice);
        let mut world = Self { nodes: BTreeMap::new(), broker, practice, folder };
        for code in NODES {
            world.start_node(code).await;
        }
        for code in NODES {
            world.when("writable", code, |status| status.writable).await;
        }
        world.publish_catalogue().await;
        Some(world)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn node(&mut self, code: &str) -> &mut Process {
        self.nodes.get_mut(code).unwrap()
    }

    /// Sends a signal to a node's process.
    pub(super) fn signal(&self, code: &str, name: &str) {
        self.nodes[code].signal(name);
    }

    /// Starts a node's process and waits until it answers.
    pub(super) async fn start_node(&mut self, code: &'static str) {
        let mut process = Process::start(&self.practice.config(region(code)));
        let client = self.practice.client(region(code), OPERATOR);
        let begin = Instant::now();
        while let Err(error) = connect(&client).await {
            process.check();
            assert!(begin.elapsed() < PATIENCE, "{code} does not answer: {error}: {}", process.log());
            tokio::time::sleep(LOOK).await;
        }
        self.nodes.insert(code, process);
    }

    /// Starts a node's process and waits until it takes writes.
    pub(super) async fn up(&mut self, code: &'static str) {
        self.start_node(code).await;
        self.when("writable", code, |status| status.writable).await;
    }

    /// SIGTERM, and waits for the end.
    pub(super) async fn stop(&mut self, code: &'static str) {
        self.node(code).signal("TERM");
        let status = self.node(code).ended(DRAIN).await;
        assert_eq!(status.code(), Some(0), "{}", self.node(code).log());
    }

    pub(super) async fn channel(&self, code: &str, who: &str) -> Channel {
        connect(&self.practice.client(region(code), who)).await.unwrap()
    }

    pub(super) async fn channels(&self, code: &str, who: &str, count: usize) -> Vec<Channel> {
        let mut channels = Vec::new();
        for _ in 0..count {
            channels.push(self.channel(code, who).await);
        }
        channels
    }

    pub(super) async fn status(&self, code: &str) -> v1::NodeStatus {
        let channel = self.channel(code, OPERATOR).await;
        AdminServiceClient::new(channel).get_status(v1::GetStatusRequest {}).await.unwrap().into_inner()
    }

    /// Waits until a node's status is so.
    pub(super) async fn when(&self, what: &str, code: &str, so: impl Fn(&v1::NodeStatus) -> bool) -> v1::NodeStatus {
        let begin = Instant::now();
        loop {
            let status = self.status(code).await;
            if so(&status) {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "{code}: no {what} after {PATIENCE:?}: {status:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until every node has applied what the others' logs hold now.
    pub(super) async fn settled(&self) {
        for of in NODES {
            let size = self.status(of).await.events.unwrap().size;
            for at in NODES {
                let has = |status: &v1::NodeStatus| {
                    status.regions.iter().any(|region| region.region == of && region.size >= size)
                };
                self.when(&format!("{size} entries of {of}"), at, has).await;
            }
        }
    }

    /// The sum of a counter over its labels, as Prometheus reads it.
    pub(super) async fn metric(&self, code: &str, name: &str) -> u64 {
        let text = self.nodes[code].metrics().await;
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    async fn publish_catalogue(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalogue");
        for (code, names) in [
            (PROVINCE, &["certificate-types.json", "matters.json"][..]),
            (JINAN, &["implementations-370100.json"]),
            (QINGDAO, &["implementations-370200.json"]),
        ] {
            let mut client = CatalogueServiceClient::new(self.channel(code, OPERATOR).await);
            for name in names {
                for item in file::read(&folder.join(name)).unwrap() {
                    publish(&mut client, &item).await;
                }
            }
            self.settled().await;
        }
    }
}

async fn publish(client: &mut CatalogueServiceClient<Channel>, item: &Item) {
    let request_id = uuid::Uuid::now_v7().to_string();
    match item {
        Item::CertificateType(item) => {
            let certificate_type = Some(convert::encode_certificate_type(item));
            let request = v1::PublishCertificateTypeRequest { request_id, certificate_type, validate_only: false };
            client.publish_certificate_type(request).await.map(drop)
        }
        Item::Matter(item) => {
            let matter = Some(convert::encode_matter(item));
            let request = v1::PublishMatterRequest { request_id, matter, validate_only: false };
            client.publish_matter(request).await.map(drop)
        }
        Item::Implementation(item) => {
            let implementation = Some(convert::encode_implementation(item));
            let request = v1::PublishImplementationRequest { request_id, implementation, validate_only: false };
            client.publish_implementation(request).await.map(drop)
        }
    }
    .unwrap();
}
