//! What the carrier does, and what a city does to itself.

use super::super::world::{JINAN, NODES, QINGDAO, World, ZIBO, name, region};
use crate::{
    kafka::{Kafka, Outgoing, Settings},
    practice::OPERATOR,
    spawn::Tasks,
};
use anyhow::{Result, ensure};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{Checkpoint, LogKind},
    event::EventKind,
    merkle::{Frontier, leaf_hash},
    note::LogKey,
};
use exchange_proto::{event, segment, v1, v1::admin_service_client::AdminServiceClient};
use std::time::Duration;

pub(super) async fn lost(world: &mut World) -> Result<String> {
    ensure!(world.kafka.is_none() || world.mock.is_none(), "two brokers");
    if world.kafka.is_some() {
        return Ok("skipped: the broker was named on the command line and is not ours to lose".to_owned());
    }
    world.mock = None;
    // Certificates go on being issued and revoked without a broker.
    let before = world.status(JINAN).await?.events.map_or(0, |log| log.size);
    super::certificates::more(world, 50).await?;
    let grown = world.status(JINAN).await?.events.map_or(0, |log| log.size) - before;
    ensure!(grown >= 50, "the log grew by {grown}");
    let broker = world.new_broker().await?;
    world.practice()?.set_kafka(Some(broker.clone()))?;
    let begin = world.clock.instant();
    for code in NODES {
        let channel = world.channel(code, OPERATOR).await?;
        let changed = AdminServiceClient::new(channel).reload(v1::ReloadRequest {}).await?.into_inner().changed;
        ensure!(changed.iter().any(|what| what == "[kafka]"), "{}: the reload changed {changed:?}", name(code));
    }
    let entries = world.settled().await?;
    let took = world.clock.instant().duration_since(begin).as_secs_f64();
    Ok(format!("{grown} entries without a broker; all {entries} on every node {took:.1} s after the reload"))
}

pub(super) async fn altered(world: &mut World) -> Result<String> {
    let (entry, note) = history(world, "一")?;
    // The genuine checkpoint, with one byte of the entry changed.
    let mut bytes = entry.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let code = region(ZIBO)?;
    let changed = segment::encode_segment(code, 1, 0, &[segment::Entry::Bytes(bytes.into())], &note);
    publish(world, ZIBO, 0, 1, changed).await?;
    let mut counted = 0;
    for at in NODES {
        let view = wait(world, at, ZIBO, |view| view.altered > 0).await?;
        ensure!(
            view.size == 0 && view.forks == 0,
            "{} took it for {} entries and {} forks",
            name(at),
            view.size,
            view.forks
        );
        counted += view.altered;
    }
    let genuine = segment::encode_segment(code, 1, 0, &[segment::Entry::Bytes(entry)], &note);
    publish(world, ZIBO, 0, 1, genuine).await?;
    for at in NODES {
        let view = wait(world, at, ZIBO, |view| view.size == 1).await?;
        ensure!(view.forks == 0, "{} counts {} forks", name(at), view.forks);
    }
    Ok(format!("4 nodes counted it as altered ({counted}), none as a fork; the genuine entry was taken afterwards"))
}

pub(super) async fn forked(world: &mut World) -> Result<String> {
    let (entry, note) = history(world, "二")?;
    let bytes = segment::encode_segment(region(ZIBO)?, 1, 0, &[segment::Entry::Bytes(entry)], &note);
    publish(world, ZIBO, 0, 1, bytes).await?;
    let mut evidence = 0;
    for at in NODES {
        let view = wait(world, at, ZIBO, |view| view.state == "FORKED").await?;
        ensure!(view.forks >= 1, "{} keeps no evidence", name(at));
        evidence += view.forks;
    }
    let others = world.view(QINGDAO, JINAN).await?;
    ensure!(others.state == "CURRENT", "济南's feed is {} too", others.state);
    Ok(format!("4 nodes stopped the feed and keep {evidence} pieces of evidence; 济南's feed is {}", others.state))
}

/// A log of one entry, signed with 淄博's own key.
fn history(world: &mut World, text: &str) -> Result<(Bytes, Bytes)> {
    let code = region(ZIBO)?;
    let origin = world.practice()?.bundle().origin(code, LogKind::Events, 1)?;
    let path = world.practice()?.node_folder(code).join("events.key");
    let key = ca_tools::keyfile::read(&path, || Err(ca_tools::Error::Usage("the key has no passphrase".to_owned())))?;
    let key = LogKey::from_pkcs8_der(&origin.to_string(), &key)?;
    let at_ms = world.clock.now_ms();
    let body = event::encode_body(&EventKind::RegionNotice { text: text.to_owned() }, false);
    let entry = Bytes::from(event::with_at(at_ms, &body));
    let mut frontier = Frontier::new();
    frontier.append(leaf_hash(&entry));
    let checkpoint = Checkpoint { origin, size: 1, root: frontier.root(), at_ms };
    Ok((entry, Bytes::from(checkpoint.sign(&key)?)))
}

/// As whoever can write to the carrier would.
async fn publish(world: &mut World, of: &str, first: u64, count: u64, bytes: Bytes) -> Result<()> {
    let broker = match (&world.kafka, &world.mock) {
        (Some(kafka), _) => kafka.clone(),
        (None, Some(mock)) => mock.bootstrap_servers().to_owned(),
        (None, None) => anyhow::bail!("no broker"),
    };
    let settings =
        Settings { bootstrap_servers: broker, client: "somebody".to_owned(), ca: None, certificate: None, key: None };
    let tasks = Tasks::default();
    let kafka = Kafka::start(Some(settings), &tasks);
    let segment = Outgoing { epoch: 1, first, count, bytes };
    let end = world.clock.instant() + Duration::from_secs(10);
    while let Err(error) = kafka.publish(region(of)?, &segment).await {
        ensure!(world.clock.instant() < end, "{error}");
        world.clock.sleep(Duration::from_millis(50)).await;
    }
    tasks.stop();
    Ok(())
}

async fn wait(
    world: &mut World,
    at: &str,
    of: &str,
    so: impl Fn(&v1::RegionStatus) -> bool,
) -> Result<v1::RegionStatus> {
    let end = world.clock.instant() + Duration::from_secs(20);
    loop {
        let view = world.view(at, of).await?;
        if so(&view) {
            return Ok(view);
        }
        ensure!(
            world.clock.instant() < end,
            "{} sees {} as {} with {} entries",
            name(at),
            name(of),
            view.state,
            view.size
        );
        world.clock.sleep(Duration::from_millis(10)).await;
    }
}
