//! Rows of `own/` in the words of the use cases.

use super::{Database, Error, Key, Private, Space, Store, Value, Write, keys};
use crate::{documents::ValidSeal, policy::ActsFor};
use exchange_core::{
    copy::CopyNumber,
    purpose::{FileGrant, Grant},
    region::Region,
};
use exchange_proto::{copy::CopyMade, rows, store};
use prost::Message;
use std::sync::Arc;

const DISCLOSURES: Space = Space::Disclosures(Private(()));
const FILES: Space = Space::Files(Private(()));

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

/// A row of [`Space::Copies`].
pub(crate) fn copy_made(value: &Value) -> Result<CopyMade, Error> {
    let broken = |error: exchange_proto::Error| Error::Row { space: Space::Copies.name(), problem: error.to_string() };
    exchange_proto::copy::decode_row(value).map_err(broken)
}

impl Write {
    /// Writes the sealed values and salts of a certificate; `key` is its row's.
    pub fn disclosures(key: Key, sealed: impl Into<Value>) -> Self {
        Self::put(DISCLOSURES, key, sealed)
    }

    /// Writes the sealed descriptions and salts of a certificate's files; `key` is its row's.
    pub fn files(key: Key, sealed: impl Into<Value>) -> Self {
        Self::put(FILES, key, sealed)
    }
}

/// The values of certificates. To read them one needs the word of those who decide: a [`Grant`] for the question, or the
/// policy's that the reader acts for the department that issued them. A [`FileGrant`] opens them to be printed in a copy of
/// the document, which shows all of them.
///
/// ```
/// use exchange_core::{purpose::Grant, region::Region};
/// use exchange_node::store::{Error, Store, Value};
/// fn read(store: &Store, region: Region, grant: &Grant) -> Result<Option<Value>, Error> {
///     store.granted_disclosures(region, grant)
/// }
/// ```
///
/// An identifier is no grant:
///
/// ```compile_fail,E0308
/// use exchange_core::{purpose::Grant, region::Region};
/// use exchange_node::store::{Error, Store, Value};
/// fn read(store: &Store, region: Region, id: &str) -> Result<Option<Value>, Error> {
///     store.granted_disclosures(region, id)
/// }
/// ```
///
/// And the engine below cannot be asked either, because the keyspace cannot be named:
///
/// ```compile_fail,E0423
/// use exchange_node::store::{Error, Private, Space, Store, Value};
/// fn read(store: &Store, key: &[u8]) -> Result<Option<Value>, Error> {
///     store.own.get(Space::Disclosures(Private(())), key)
/// }
/// ```
impl Store {
    /// Sealed values and salts of the certificate that a question was granted for; `region` keeps it.
    pub fn granted_disclosures(&self, region: Region, grant: &Grant) -> Result<Option<Value>, Error> {
        self.own.get(DISCLOSURES, keys::regional(region, grant.certificate_id().as_str().as_bytes()))
    }

    /// Sealed descriptions and salts of the files of the certificate that a question was granted for; `region` keeps it.
    pub fn granted_files(&self, region: Region, grant: &FileGrant) -> Result<Option<Value>, Error> {
        self.own.get(FILES, keys::regional(region, grant.certificate_id().as_str().as_bytes()))
    }

    /// Sealed descriptions and salts of a certificate's files, to hold a valid sealed document against them; nothing of them
    /// is told but which one it is.
    pub fn files_of_document(&self, region: Region, id: &str, _: &ValidSeal) -> Result<Option<Value>, Error> {
        self.own.get(FILES, keys::regional(region, id.as_bytes()))
    }

    /// Sealed values and salts of the certificate that a question for its document was granted for: the document shows all of
    /// them. `region` keeps it.
    pub fn granted_document(&self, region: Region, grant: &FileGrant) -> Result<Option<Value>, Error> {
        self.own.get(DISCLOSURES, keys::regional(region, grant.certificate_id().as_str().as_bytes()))
    }

    /// As [`Store::granted_files`], for checks of invariants.
    #[cfg(feature = "test-util")]
    pub fn sealed_files(&self, region: Region, id: &str) -> Result<Option<Value>, Error> {
        self.own.get(FILES, keys::regional(region, id.as_bytes()))
    }

    /// A certificate that has a kept file; `None`: none has, nothing refers to it.
    pub fn blob_owner(&self, blob: &[u8; 32]) -> Result<Option<String>, Error> {
        let found = self.own.scan(Space::Blobs, blob, &keys::after(blob), 1)?;
        Ok(found.first().and_then(|(key, _)| keys::blob_of(key)).map(|(_, owner)| owner))
    }

    /// Sealed values and salts of a certificate of this city, for whoever acts for the department that issued it; `None`
    /// for one of another department.
    pub fn issued_disclosures(&self, region: Region, id: &str, reader: &ActsFor) -> Result<Option<Value>, Error> {
        match self.own_certificate(region, id)? {
            Some(row) if row.issuer_uscc == reader.department().as_str() => {
                self.own.get(DISCLOSURES, keys::regional(region, id.as_bytes()))
            }
            _ => Ok(None),
        }
    }
}

impl Store {
    /// A certificate of this city, as decisions see it.
    pub fn own_certificate(&self, region: Region, id: &str) -> Result<Option<Arc<store::CertificateRow>>, Error> {
        self.own.certificate(&keys::regional(region, id.as_bytes()))
    }

    /// A copy for one use that this node has made.
    pub fn copy(&self, number: &CopyNumber) -> Result<Option<CopyMade>, Error> {
        self.own.get(Space::Copies, number.bytes())?.map(|value| copy_made(&value)).transpose()
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
