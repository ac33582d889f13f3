//! A real Kafka for the length of a bench, and bare clients of it.

use anyhow::{Context, Result, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Longest way of one record.
const WITHIN: Duration = Duration::from_secs(10);

/// A broker on loopback; stopped, and its data removed, when dropped.
#[derive(Debug)]
pub(crate) struct Broker {
    folder: PathBuf,
    port: u16,
}

impl Broker {
    /// Starts a broker with its data in a folder and creates the topics of regions' logs.
    pub(crate) fn start(folder: &Path, regions: &[&str]) -> Result<Self> {
        let broker = Self { folder: folder.join("kafka"), port: free_ports()? };
        std::fs::create_dir_all(folder)?;
        // What a bench that was killed left behind.
        if broker.folder.exists() {
            std::fs::remove_dir_all(&broker.folder)?;
        }
        broker.script(&["start", "--topics", &regions.join(" ")])?;
        Ok(broker)
    }

    /// `host:port`.
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn script(&self, arguments: &[&str]) -> Result<()> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/kafka");
        let mut command = Command::new(script);
        command.args(arguments).arg("--port").arg(self.port.to_string()).arg("--dir").arg(&self.folder);
        let output = command.output().with_context(|| format!("{script} could not be started"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "deploy/kafka/kafka {} failed: {said}", arguments[0]);
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(error) = self.script(&["stop", "--delete"]) {
            eprintln!("{error}");
        }
    }
}

/// A port whose successor is free too: the controller listens there.
fn free_ports() -> Result<u16> {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0")?;
        let port = first.local_addr()?.port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no two free ports next to each other")
}

/// A producer and a consumer with the settings that a node has, and nothing else of a node.
pub(crate) struct Bare {
    producer: FutureProducer,
    consumer: StreamConsumer,
    topic: String,
}

impl Bare {
    /// Connects both.
    pub(crate) async fn connect(bootstrap: &str, topic: &str) -> Result<Self> {
        let producer = common(bootstrap)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            .set("compression.type", "zstd")
            .create()?;
        let consumer: StreamConsumer = common(bootstrap)
            .set("group.id", "exchange-bench")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("queued.max.messages.kbytes", "4096")
            .set("fetch.wait.max.ms", "20")
            .set("fetch.queue.backoff.ms", "50")
            .set("fetch.error.backoff.ms", "100")
            .create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&list)?;
        let bare = Self { producer, consumer, topic: topic.to_owned() };
        bare.carry(b"first").await?;
        Ok(bare)
    }

    /// Produces a record and waits until it was confirmed and consumed.
    pub(crate) async fn carry(&self, payload: &[u8]) -> Result<()> {
        let record = FutureRecord::<(), [u8]>::to(&self.topic).partition(0).payload(payload);
        let produce = async {
            self.producer.send(record, WITHIN).await.map_err(|(error, _)| anyhow::Error::from(error)).map(drop)
        };
        let consume = async {
            let received =
                tokio::time::timeout(WITHIN, self.consumer.recv()).await.context("nothing was consumed")??;
            ensure!(received.payload() == Some(payload), "another record was consumed");
            Ok(())
        };
        tokio::try_join!(produce, consume)?;
        Ok(())
    }
}

fn common(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "exchange-bench")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true");
    config
}
