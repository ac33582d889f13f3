//! A look at the brokers, for `doctor`: nothing is read or written.

use super::{Error, Settings, broker::common};
use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What the brokers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many there are.
    pub brokers: usize,
    /// Partitions of each topic that this client may see.
    pub partitions: BTreeMap<String, usize>,
}

/// What librdkafka says beside: the answer of a call is only that no broker could be reached.
#[derive(Default)]
struct Told(Mutex<Option<String>>);

impl ClientContext for Told {
    fn error(&self, error: KafkaError, reason: &str) {
        // "All brokers are down" comes last and says least.
        if !reason.contains("brokers are down") {
            let text = if reason.is_empty() { error.to_string() } else { reason.to_owned() };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(text);
        }
    }

    // What goes to a log by default is told in the answer.
    fn log(&self, _level: rdkafka::config::RDKafkaLogLevel, _facility: &str, _message: &str) {}
}

impl ConsumerContext for Told {}

/// Asks for brokers and topics. Blocks.
///
/// # Errors
/// The client refuses its settings, or no broker answers in time; with what TLS or the network said, where it said so.
pub fn look(settings: &Settings, within: Duration) -> Result<Found, Error> {
    let consumer: BaseConsumer<Told> = common(settings)
        .set("group.id", &settings.client) // a consumer needs one; nothing is subscribed
        .create_with_context(Told::default())
        .map_err(|error| Error::Configuration(error.to_string()))?;
    let metadata = consumer.fetch_metadata(None, within);
    // Errors are handed over when the client is polled.
    let _ = consumer.poll(Duration::ZERO);
    let told = consumer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let metadata = metadata.map_err(|error| Error::NotReached(told.unwrap_or_else(|| error.to_string())))?;
    Ok(Found {
        brokers: metadata.brokers().len(),
        partitions: metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect(),
    })
}
