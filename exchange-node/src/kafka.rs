//! The carrier of log segments: publish, fetch, seek. Only this module names rdkafka.
//!
//! Kafka is the fast path and is trusted to deliver or not. What it delivers is checked by the receiver, what it loses is
//! fetched from the nodes; so nothing here has to be certain besides "the broker has confirmed".

mod broker;
mod look;
#[cfg(feature = "test-util")]
pub mod memory;
pub mod mock;
#[cfg(test)]
mod tests;

pub use look::{Found, look};

use crate::{config, spawn::Tasks};
use bytes::Bytes;
use exchange_core::region::Region;
use std::{path::PathBuf, sync::Arc};

/// Largest record that is decoded, in bytes; Kafka's own default limit.
pub const MAX_RECORD_BYTES: usize = 1_000_000;

/// Why the carrier did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No Kafka section in the configuration.
    #[error("no Kafka is configured: segments travel by ReadLog only")]
    Off,
    /// The client could not be built from the configuration.
    #[error("the Kafka client refuses its configuration: {0}")]
    Configuration(String),
    /// No broker answers.
    #[error("no broker answers: {0}")]
    NotReached(String),
    /// The broker did not confirm.
    #[error("Kafka did not confirm: {0}")]
    NotConfirmed(String),
    /// The broker did not confirm in time; it may have written the record.
    #[error("Kafka did not confirm within {seconds} s")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
}

/// How the brokers are reached. PEM files are read when clients are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    /// Consumer group and client id; one per node.
    pub client: String,
    /// PEM of the CA of the brokers; `None` is plaintext.
    pub ca: Option<PathBuf>,
    /// PEM of the node's Kafka credential.
    pub certificate: Option<PathBuf>,
    /// PEM of its key.
    pub key: Option<PathBuf>,
}

impl Settings {
    /// From the configuration's Kafka section.
    pub fn new(kafka: &config::Kafka, node: &config::Node) -> Self {
        Self {
            bootstrap_servers: kafka.bootstrap_servers.clone(),
            client: format!("exchange-{}-{}", node.region, node.name),
            ca: kafka.ca.clone(),
            certificate: kafka.certificate.clone(),
            key: kafka.key.clone(),
        }
    }
}

/// The topic of a region's log; one partition.
pub fn topic(region: Region) -> String {
    format!("exchange.log.{region}")
}

/// A segment on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Of its log.
    pub epoch: u32,
    /// Index of the first entry.
    pub first: u64,
    /// Entries; 0 is a heartbeat.
    pub count: u64,
    /// The encoded segment.
    pub bytes: Bytes,
}

/// A record as the carrier gave it. Nothing of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The cluster's id: offsets of another cluster mean nothing.
    pub cluster: Arc<str>,
    /// In the topic's partition.
    pub offset: i64,
    /// Bytes.
    pub payload: Bytes,
}

/// The carrier. Clones share it.
#[derive(Clone)]
pub struct Kafka(Carrier);

#[derive(Clone)]
enum Carrier {
    Broker(Arc<broker::Clients>),
    #[cfg(feature = "test-util")]
    Memory(memory::Broker),
}

impl Kafka {
    /// Builds the clients, in the background; without settings nothing is carried until [`Kafka::swap`].
    pub fn start(settings: Option<Settings>, tasks: &Tasks) -> Self {
        Self(Carrier::Broker(broker::Clients::start(settings, tasks)))
    }

    /// A carrier in memory.
    #[cfg(feature = "test-util")]
    pub const fn memory(broker: memory::Broker) -> Self {
        Self(Carrier::Memory(broker))
    }

    /// Hands a segment over and waits until the broker has confirmed it. A time-out may still have written it: receivers
    /// drop repeated entries.
    ///
    /// # Errors
    /// When it is not confirmed.
    pub async fn publish(&self, region: Region, segment: &Outgoing) -> Result<(), Error> {
        match &self.0 {
            Carrier::Broker(clients) => clients.publish(region, segment).await,
            #[cfg(feature = "test-util")]
            Carrier::Memory(broker) => broker.publish(region, segment),
        }
    }

    /// Reads a region's topic from an offset of a cluster on; from the earliest record in any other cluster.
    pub fn feed(&self, region: Region, cluster: &str, offset: i64) -> Feed {
        match &self.0 {
            Carrier::Broker(clients) => Feed(Source::Broker(clients.feed(region, cluster, offset))),
            #[cfg(feature = "test-util")]
            Carrier::Memory(broker) => Feed(Source::Memory(broker.feed(region, cluster, offset))),
        }
    }

    /// Rebuilds every client from other settings (a reload). Feeds go on where they were, or from the earliest record
    /// if the new brokers are another cluster.
    pub fn swap(&self, settings: Option<Settings>) {
        match &self.0 {
            Carrier::Broker(clients) => clients.swap(settings),
            #[cfg(feature = "test-util")]
            Carrier::Memory(_) => {}
        }
    }

    /// What is wrong with the carrier now, if anything is known to be.
    pub fn trouble(&self) -> Option<String> {
        match &self.0 {
            Carrier::Broker(clients) => clients.trouble(),
            #[cfg(feature = "test-util")]
            Carrier::Memory(broker) => broker.is_down().then(|| "the broker is down".to_owned()),
        }
    }
}

/// One region's topic.
pub struct Feed(Source);

enum Source {
    Broker(broker::Feed),
    #[cfg(feature = "test-util")]
    Memory(memory::Feed),
}

impl Feed {
    /// The next record; waits while there is none, and while the brokers cannot be reached. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> Record {
        match &mut self.0 {
            Source::Broker(feed) => feed.next().await,
            #[cfg(feature = "test-util")]
            Source::Memory(feed) => feed.next().await,
        }
    }

    /// Goes on from another offset of the same cluster.
    pub fn seek(&mut self, offset: i64) {
        match &mut self.0 {
            Source::Broker(feed) => feed.seek(offset),
            #[cfg(feature = "test-util")]
            Source::Memory(feed) => feed.seek(offset),
        }
    }
}
