//! A look at the brokers, for `doctor`: nothing is read or written.

use super::{Error, Settings, broker::common};
use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Events that are waited for after an answer; there are a few for each broker.
const EVENTS: usize = 20;

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
    fn error(&self, _error: KafkaError, _reason: &str) {}

    /// `[thrd:…]: host:port/bootstrap: Connect to … failed: Connection refused (…)`. The last one is kept, but for the sum
    /// at the end, which says least.
    fn log(&self, level: RDKafkaLogLevel, _facility: &str, message: &str) {
        let grave = !matches!(
            level,
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice | RDKafkaLogLevel::Warning
        );
        if grave && !message.contains("brokers are down") {
            let text = message.split_once("]: ").map_or(message, |(_, text)| text);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(text.to_owned());
        }
    }
}

impl ConsumerContext for Told {}

/// Asks for brokers and topics. Blocks.
///
/// # Errors
/// The client refuses its settings, or no broker answers in time; with what TLS or the network said, where it said so.
pub fn look(settings: &Settings, within: Duration) -> Result<Found, Error> {
    let consumer: BaseConsumer<Told> = common(settings)
        .set("group.id", &settings.client) // a consumer needs one; nothing is subscribed
        .set_log_level(RDKafkaLogLevel::Error) // else what a logger of this process asks for, and there may be none
        .create_with_context(Told::default())
        .map_err(|error| Error::Configuration(error.to_string()))?;
    let metadata = consumer.fetch_metadata(None, within);
    // What librdkafka logs is handed over when the client is polled, one event after the other.
    for _ in 0..EVENTS {
        let _ = consumer.poll(Duration::from_millis(1));
    }
    let told = consumer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let metadata = metadata.map_err(|error| Error::NotReached(told.unwrap_or_else(|| error.to_string())))?;
    Ok(Found {
        brokers: metadata.brokers().len(),
        partitions: metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect(),
    })
}
