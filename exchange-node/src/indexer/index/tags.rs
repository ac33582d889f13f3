//! Holders' tags: opened with a loaded index key, or kept until that is loaded.

use super::Index;
use crate::store::{Error, Key, Space, Value, Write, keys};
use bytes::Bytes;
use exchange_core::{apply::Void, holder, region::Region, sealed::IndexKey};
use exchange_proto::{rows, v1};
use std::sync::Arc;

impl Index {
    /// Opens tags under a loaded index key, or keeps them for the day when it is loaded.
    pub(super) fn holder_tags(&mut self, id: &str, key_id: &[u8; 8], sealed: &[u8]) -> Option<Void> {
        let opened = self
            .openers
            .1
            .iter()
            .filter(|opener| opener.id() == key_id)
            .map(|opener| opener.open(self.region.as_str(), id, sealed))
            .find(|opened| !matches!(opened, Err(holder::Error::Sealed(_))));
        match opened {
            Some(Ok(tags)) => {
                let region = self.region;
                self.staged.blind().extend(
                    tags.iter().map(|tag| {
                        Write::put(Space::Holders, keys::holder(key_id, &tag.bytes, region, id), Value::new())
                    }),
                );
                None
            }
            Some(Err(_)) => Some(Void::Malformed),
            None => {
                let tags = v1::HolderTags {
                    certificate_id: id.to_owned(),
                    index_key_id: Bytes::copy_from_slice(key_id),
                    sealed: Bytes::copy_from_slice(sealed),
                };
                self.staged.put(Space::DeferredTags, deferred_key(self.region, id, key_id), &tags);
                None
            }
        }
    }

    /// Opens tags that waited for an index key. Returns how many still wait.
    pub(in crate::indexer) fn retry_tags(&mut self, keys: &Arc<Vec<IndexKey>>) -> Result<usize, Error> {
        self.load(keys);
        let prefix = self.region.as_bytes();
        let waiting = self.store.province.scan(Space::DeferredTags, &prefix, &keys::after(&prefix), usize::MAX)?;
        let mut left = 0;
        for (key, value) in waiting {
            let Ok(tags) = rows::decode::<v1::HolderTags>(&value) else { continue };
            let Ok(key_id) = <[u8; 8]>::try_from(tags.index_key_id.as_ref()) else { continue };
            if self.openers.1.iter().any(|opener| *opener.id() == key_id) {
                self.staged.remove(Space::DeferredTags, key);
                let _ = self.holder_tags(&tags.certificate_id, &key_id, &tags.sealed);
            } else {
                left += 1;
            }
        }
        Ok(left)
    }
}

fn deferred_key(region: Region, id: &str, index_key_id: &[u8; 8]) -> Key {
    let mut key = keys::regional(region, id.as_bytes());
    key.extend_from_slice(index_key_id);
    key
}
