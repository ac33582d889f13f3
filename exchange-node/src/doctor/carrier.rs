//! Kafka, from this machine: does a broker answer, are the topics there?

use super::{Report, Subject, blocking, running::Running};
use crate::{
    config::Config,
    kafka::{self, Settings},
};
use std::time::Duration;

/// Longest wait for a broker.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn check(config: &Config, running: Option<&Running>, report: &mut Report) {
    let Some(section) = &config.kafka else {
        return report.ok(Subject::KafkaBrokers, "no [kafka]: logs are read from nodes alone");
    };
    let settings = Settings::new(section, &config.node);
    let servers = section.bootstrap_servers.clone();
    let looked = blocking(move || kafka::look(&settings, WITHIN)).await;
    let found = match looked {
        None => return report.failed(Subject::KafkaBrokers, format!("{servers}: the look at it broke off")),
        Some(Err(error)) => return report.failed(Subject::KafkaBrokers, format!("{servers}: {error}")),
        Some(Ok(found)) => found,
    };
    report.ok(Subject::KafkaBrokers, format!("{servers}: {} brokers answer", found.brokers));
    let own = kafka::topic(config.node.region);
    match found.partitions.get(&own) {
        None => report.failed(Subject::KafkaTopics, format!("there is no topic {own}, or it may not be seen")),
        Some(1) => report.ok(Subject::KafkaTopics, format!("{own} has one partition")),
        Some(many) => {
            report.failed(Subject::KafkaTopics, format!("{own} has {many} partitions; its order would be lost"));
        }
    }
    if running.is_none() {
        report.not_proved(Subject::KafkaPublished, None, "nothing was published to see whether this city may write");
    }
}
