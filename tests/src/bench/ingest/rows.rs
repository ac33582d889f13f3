//! The rows that the indexer wrote for a log, in the batches in which it wrote them, out of its store.

use super::Batch;
use crate::{
    limits::rows::Writer,
    province::{JINAN, PROVINCE},
};
use anyhow::{Context, Result, ensure};
use exchange_core::region::Region;
use exchange_node::store::{Database, Key, Space, Store, keys};
use exchange_proto::v1::{CertificateHeader, Envelope, Event, event::Kind};
use prost::Message;
use std::{collections::HashMap, path::Path};

const EPOCH: u32 = 1;
/// Behind every key.
const END: [u8; 256] = [u8::MAX; 256];
/// Bytes of a holder row's key before the certificate id: index key id, tag, region.
const HOLDER_PREFIX: usize = 8 + 32 + 6;

/// Writes a rows file from the store that was filled in these batches.
pub(super) fn extract(db: &Path, batches: &[Batch], to: &Path) -> Result<()> {
    let store = Store::open(db, Region::parse(PROVINCE)?)?;
    let mut extract = Extract {
        province: &store.province,
        region: Region::parse(JINAN)?,
        holders: holders(&store.province)?,
        writer: Writer::create(to)?,
    };
    let mut first = 0;
    for batch in batches {
        extract.batch(first, first + batch.entries)?;
        extract.writer.end_batch(u32::try_from(batch.entries)?)?;
        first += batch.entries;
    }
    ensure!(extract.holders.is_empty(), "{} certificates have tags and no entry", extract.holders.len());
    extract.writer.finish()
}

struct Extract<'a> {
    province: &'a Database,
    region: Region,
    /// Keys of holder rows by certificate id.
    holders: HashMap<Vec<u8>, Vec<Key>>,
    writer: Writer,
}

impl Extract<'_> {
    /// The rows of entries `from..to`.
    fn batch(&mut self, from: u64, to: u64) -> Result<()> {
        let region = self.region;
        let key = |number| keys::entry(region, EPOCH, number);
        for (key, value) in self.province.scan(Space::Entries, &key(from), &key(to), usize::MAX)? {
            self.writer.row(number(Space::Entries), &key, &value)?;
            self.indexed(&value)?;
        }
        for (key, value) in self.province.scan(Space::Checkpoints, &key(from + 1), &key(to + 1), usize::MAX)? {
            self.writer.row(number(Space::Checkpoints), &key, &value)?;
        }
        let (mut level, mut size) = (0_u8, 256);
        while to / size > 0 {
            for tile in from / size..to / size {
                self.copy(Space::Tiles, &keys::tile(self.region, EPOCH, level, tile))?;
            }
            (level, size) = (level + 1, size * 256);
        }
        // The newest state stands for those that it replaced.
        self.copy(Space::Regions, &self.region.as_bytes())
    }

    /// The index rows of one entry.
    fn indexed(&mut self, row: &[u8]) -> Result<()> {
        let event = Event::decode(row.get(1..).context("an entry without its format")?)?;
        match event.kind {
            Some(Kind::CertificateIssued(issued)) => {
                let header = CertificateHeader::decode(Envelope::decode(issued.envelope)?.payload)?;
                self.copy(Space::Certificates, &keys::regional(self.region, header.certificate_id.as_bytes()))
            }
            Some(Kind::HolderTags(tags)) => {
                let keys = self.holders.remove(tags.certificate_id.as_bytes()).context("tags without rows")?;
                keys.iter().try_for_each(|key| self.writer.row(number(Space::Holders), key, &[]))
            }
            Some(Kind::CredentialPublished(_)) => {
                let prefix = keys::regional(self.region, &[]);
                let found = self.province.scan(Space::Credentials, &prefix, &keys::after(&prefix), usize::MAX)?;
                found.iter().try_for_each(|(key, value)| self.writer.row(number(Space::Credentials), key, value))
            }
            _ => Ok(()),
        }
    }

    fn copy(&mut self, space: Space, key: &[u8]) -> Result<()> {
        let value = self.province.get(space, key)?.with_context(|| format!("a row of {} is missing", space.name()))?;
        self.writer.row(number(space), key, &value)
    }
}

/// A keyspace's number in the file: its place among those of `province/`.
fn number(space: Space) -> u8 {
    let place = Space::PROVINCE.iter().position(|one| *one == space);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX - 1)
}

fn holders(province: &Database) -> Result<HashMap<Vec<u8>, Vec<Key>>> {
    let mut found: HashMap<Vec<u8>, Vec<Key>> = HashMap::new();
    province.visit(Space::Holders, &[], &END, |key, _| {
        let id = key.get(HOLDER_PREFIX..).unwrap_or_default().to_vec();
        found.entry(id).or_default().push(key.to_vec());
        true
    })?;
    Ok(found)
}
