//! librdkafka's in-process broker, for the demo and for tests. A node that runs never starts one.

use super::{Error, topic};
use crate::spawn::Tasks;
use exchange_core::region::Region;
use rdkafka::mocking::MockCluster;
use tokio::sync::oneshot;

/// A broker in this process; it ends, and forgets everything, when this is dropped.
pub struct Mock {
    bootstrap_servers: String,
    _stop: std::sync::mpsc::Sender<()>,
}

impl Mock {
    /// Starts a broker with the topics of these regions.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(regions: impl IntoIterator<Item = Region>, tasks: &Tasks) -> Result<Self, Error> {
        let topics: Vec<String> = regions.into_iter().map(topic).collect();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (started, starting) = oneshot::channel();
        let failed = |error: String| Error::Configuration(error);
        // A MockCluster is not Send: it lives and ends on a thread of its own.
        tasks
            .thread("mock-kafka", move || match cluster(&topics) {
                Ok(cluster) => {
                    let _ = started.send(Ok(cluster.bootstrap_servers()));
                    let _ = stopped.recv(); // an error is the end: the handle was dropped
                }
                Err(error) => drop(started.send(Err(error))),
            })
            .map_err(|error| failed(error.to_string()))?;
        let bootstrap_servers =
            starting.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        Ok(Self { bootstrap_servers, _stop: stop })
    }

    /// `host:port`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }
}

fn cluster(
    topics: &[String],
) -> rdkafka::error::KafkaResult<MockCluster<'static, rdkafka::producer::DefaultProducerContext>> {
    let cluster = MockCluster::new(1)?;
    for topic in topics {
        cluster.create_topic(topic, 1, 1)?;
    }
    Ok(cluster)
}
