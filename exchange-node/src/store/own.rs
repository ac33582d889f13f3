//! Rows of `own/` in the words of the use cases.

use super::{Database, Error, Space, Store, Value, keys};
use exchange_core::region::Region;
use exchange_proto::{rows, store};
use prost::Message;

/// Reads a row and its format byte.
pub(crate) fn read<M: Message + Default>(
    database: &Database,
    space: Space,
    key: impl AsRef<[u8]>,
) -> Result<Option<M>, Error> {
    database.get(space, key)?.map(|value| decode(space, &value)).transpose()
}

/// Decodes a row's value.
pub(crate) fn decode<M: Message + Default>(space: Space, value: &Value) -> Result<M, Error> {
    rows::decode(value).map_err(|error| Error::Row { space: space.name(), problem: error.to_string() })
}

impl Store {
    /// A certificate of this city, as decisions see it.
    pub fn own_certificate(&self, region: Region, id: &str) -> Result<Option<store::CertificateRow>, Error> {
        read(&self.own, Space::Certificates, keys::regional(region, id.as_bytes()))
    }

    /// Sealed values and salts of a certificate that this city keeps.
    pub fn sealed_disclosures(&self, region: Region, id: &str) -> Result<Option<Value>, Error> {
        self.own.get(Space::Disclosures, keys::regional(region, id.as_bytes()))
    }

    /// A question that was asked or answered here before.
    pub fn question(&self, asking: Region, id: &[u8; 16]) -> Result<Option<store::QuestionRow>, Error> {
        read(&self.own, Space::Questions, keys::regional(asking, id))
    }

    /// Next index that the publisher has to send, with its epoch.
    pub fn published(&self) -> Result<Option<(u32, u64)>, Error> {
        Ok(self.own.get(Space::Meta, keys::PUBLISHED)?.and_then(|value| {
            let (epoch, index) = value.split_first_chunk::<4>()?;
            Some((u32::from_be_bytes(*epoch), u64::from_be_bytes(index.try_into().ok()?)))
        }))
    }

    /// Access records about a holder, oldest first: `(epoch, index)`, from a position on.
    pub fn uses(&self, tag: &[u8; 32], from: (u32, u64), limit: usize) -> Result<Vec<(u32, u64)>, Error> {
        let found = self.own.scan(Space::Uses, &keys::holder_use(tag, from.0, from.1), &keys::after(tag), limit)?;
        Ok(found
            .iter()
            .filter_map(|(key, _)| {
                let (epoch, _) = key.get(32..)?.split_first_chunk::<4>()?;
                Some((u32::from_be_bytes(*epoch), keys::last_number(key)))
            })
            .collect())
    }
}
