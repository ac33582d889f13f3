//! What the steps share: the province, its nodes, the broker, and clients.

use super::{host::Host, print::say};
use crate::{
    clock::Clock,
    kafka::mock::Mock,
    practice::{Client, Options, Practice, connect},
    random::Random,
    spawn::Tasks,
};
use anyhow::{Context, Result, bail};
use exchange_core::region::Region;
use exchange_proto::v1::{self, admin_service_client::AdminServiceClient};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tonic::transport::Channel;

pub(super) const PROVINCE: &str = "370000";
pub(super) const JINAN: &str = "370100";
pub(super) const QINGDAO: &str = "370200";
/// 淄博: has a log and no node; its log is forked at the end.
pub(super) const ZIBO: &str = "370300";
pub(super) const YANTAI: &str = "370600";
/// Regions with a node.
pub(super) const NODES: [&str; 4] = [PROVINCE, JINAN, QINGDAO, YANTAI];

/// Longest wait for something to become so.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(10);

/// The demo's world.
pub(super) struct World {
    pub(super) folder: PathBuf,
    pub(super) kafka: Option<String>,
    pub(super) practice: Option<Practice>,
    pub(super) hosts: BTreeMap<Region, Host>,
    pub(super) mock: Option<Mock>,
    pub(super) tasks: Tasks,
    pub(super) clock: Clock,
    pub(super) random: Random,
    channels: BTreeMap<(Region, String), Channel>,
    /// Facts that later steps need, by name.
    pub(super) facts: BTreeMap<&'static str, String>,
}

pub(super) fn region(code: &str) -> Result<Region> {
    Ok(Region::parse(code)?)
}

pub(super) fn name(code: &str) -> &'static str {
    match code {
        PROVINCE => "山东省",
        JINAN => "济南",
        QINGDAO => "青岛",
        ZIBO => "淄博",
        YANTAI => "烟台",
        _ => "?",
    }
}

impl World {
    pub(super) fn new(folder: PathBuf, kafka: Option<String>) -> Self {
        Self {
            folder,
            kafka,
            practice: None,
            hosts: BTreeMap::new(),
            mock: None,
            tasks: Tasks::default(),
            clock: Clock::default(),
            random: Random::new(),
            channels: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }

    /// Makes the province, with the broker's address.
    pub(super) async fn make(&mut self) -> Result<()> {
        let broker = match &self.kafka {
            Some(kafka) => kafka.clone(),
            None => self.new_broker().await?,
        };
        let mut regions = Vec::new();
        for code in [PROVINCE, JINAN, QINGDAO, ZIBO, YANTAI] {
            regions.push(region(code)?);
        }
        let options = Options {
            regions,
            kafka: Some(broker),
            more_config: "[freshness]\nheartbeat_seconds = 1\nstale_after_seconds = 30\nanchor_seconds = 2\n\n\
                          [limits]\nfree_space_mib = 256\ndrain_seconds = 5\n"
                .to_owned(),
        };
        self.practice = Some(Practice::create(&self.folder, options)?);
        Ok(())
    }

    /// An empty broker in process; the one before it, if any, is gone.
    pub(super) async fn new_broker(&mut self) -> Result<String> {
        let mut regions = Vec::new();
        for code in [PROVINCE, JINAN, QINGDAO, ZIBO, YANTAI] {
            regions.push(region(code)?);
        }
        let mock = Mock::start(regions, &self.tasks).await?;
        let address = mock.bootstrap_servers().to_owned();
        self.mock = Some(mock);
        Ok(address)
    }

    pub(super) fn practice(&mut self) -> Result<&mut Practice> {
        self.practice.as_mut().context("the province is not made")
    }

    pub(super) fn host(&mut self, code: &str) -> Result<&mut Host> {
        self.hosts.get_mut(&region(code)?).context("the node was not started")
    }

    pub(super) fn client(&self, code: &str, who: &str) -> Result<Client> {
        let practice = self.practice.as_ref().context("the province is not made")?;
        Ok(practice.client(region(code)?, who))
    }

    /// A channel to a node as its region's system or operator.
    pub(super) async fn channel(&mut self, code: &str, who: &str) -> Result<Channel> {
        let key = (region(code)?, who.to_owned());
        if let Some(channel) = self.channels.get(&key) {
            return Ok(channel.clone());
        }
        let channel = connect(&self.client(code, who)?).await?;
        self.channels.insert(key, channel.clone());
        Ok(channel)
    }

    /// Connections to a node that was killed are made anew.
    pub(super) fn forget_channels(&mut self, code: &str) -> Result<()> {
        let gone = region(code)?;
        self.channels.retain(|(region, _), _| *region != gone);
        Ok(())
    }

    pub(super) async fn status(&mut self, code: &str) -> Result<v1::NodeStatus> {
        let channel = self.channel(code, crate::practice::OPERATOR).await?;
        Ok(AdminServiceClient::new(channel).get_status(v1::GetStatusRequest {}).await?.into_inner())
    }

    /// A node's view of a region's log.
    pub(super) async fn view(&mut self, at: &str, of: &str) -> Result<v1::RegionStatus> {
        let status = self.status(at).await?;
        status.regions.into_iter().find(|region| region.region == of).context("the region is not in the bundle")
    }

    /// Waits until every node has applied every other node's whole log. Gives the entries of all logs together.
    pub(super) async fn settled(&mut self) -> Result<u64> {
        let end = self.clock.instant() + PATIENCE;
        loop {
            let mut sizes = BTreeMap::new();
            for code in NODES {
                sizes.insert(code, self.status(code).await?.events.map_or(0, |log| log.size));
            }
            let mut behind = Vec::new();
            for at in NODES {
                let status = self.status(at).await?;
                for (of, size) in &sizes {
                    let known =
                        status.regions.iter().find(|region| region.region == *of).map_or(0, |region| region.size);
                    if known < *size {
                        behind.push(format!("{} has {known} of {size} entries of {}", name(at), name(of)));
                    }
                }
            }
            if behind.is_empty() {
                return Ok(sizes.values().sum());
            }
            if self.clock.instant() > end {
                bail!("not caught up after {} s: {}", PATIENCE.as_secs(), behind.join("; "));
            }
            self.clock.sleep(LOOK).await;
        }
    }

    pub(super) fn request_id(&self) -> String {
        uuid::Uuid::from_bytes(self.random.uuid_v7(self.clock.now_ms())).to_string()
    }

    pub(super) fn fact(&self, name: &'static str) -> Result<String> {
        self.facts.get(name).cloned().with_context(|| format!("an earlier step did not leave {name}"))
    }

    /// Says how everything that still runs is reached.
    pub(super) fn explain(&mut self) -> Result<()> {
        say(&format!("\neverything runs on in {}; Ctrl-C ends it", self.folder.display()));
        for code in NODES {
            let client = self.client(code, crate::practice::OPERATOR)?;
            say(&format!(
                "{code} {}: grpcurl -cacert {} -cert {} -key {} -servername {} {} list",
                name(code),
                client.roots.display(),
                client.certificate.display(),
                client.key.display(),
                client.server_name,
                client.address
            ));
        }
        for (what, who) in [("status", crate::practice::OPERATOR), ("certificate list", crate::practice::SYSTEM)] {
            let profile = self.practice()?.profile(region(JINAN)?, who);
            say(&format!("exchange-node {what} --profile {}", profile.display()));
        }
        let config = self.practice()?.config(region(JINAN)?);
        let profile = self.practice()?.profile(region(JINAN)?, crate::practice::OPERATOR);
        say(&format!("exchange-node doctor --config {} --profile {}", config.display(), profile.display()));
        Ok(())
    }

    pub(super) async fn stop(self) {
        for host in self.hosts.into_values() {
            host.stop().await;
        }
        drop(self.mock);
        self.tasks.stop();
    }
}
