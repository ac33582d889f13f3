//! Catalogue items from data files: JSON as protobuf maps it (field names as in the `.proto`, enums by name), so that the
//! `.proto` is the only schema. An unknown field is refused.

use super::Item;
use exchange_proto::{DESCRIPTORS, catalogue as convert, v1};
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, io, path::Path};

#[cfg(test)]
mod tests;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is too large.
    #[error("{path}: found {found} bytes, needed at most {MAX_FILE_BYTES}")]
    TooLarge {
        /// Which file.
        path: String,
        /// Its size.
        found: u64,
    },
    /// It is no JSON of this shape.
    #[error("{path}: {source}")]
    Json {
        /// Which file.
        path: String,
        /// Line, column and problem.
        source: serde_json::Error,
    },
    /// An item has a field or a value that the `.proto` does not have.
    #[error("{path}: {item}: {source}")]
    Shape {
        /// Which file.
        path: String,
        /// Which item, e.g. `matters[2]`.
        item: String,
        /// The problem.
        source: serde_json::Error,
    },
    /// An item breaks its own rules.
    #[error("{path}: {item}: {source}")]
    Item {
        /// Which file.
        path: String,
        /// Which item.
        item: String,
        /// Field and problem.
        source: Box<exchange_proto::Error>,
    },
    /// The program's own descriptors are broken.
    #[error("descriptors: {0}")]
    Descriptors(#[from] DescriptorError),
    /// The program's own descriptors lack a message.
    #[error("descriptors: no message {0}")]
    NoMessage(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// For people: where the data come from, and that samples are samples.
    #[serde(default, rename = "notice")]
    _notice: String,
    #[serde(default)]
    certificate_types: Vec<Value>,
    #[serde(default)]
    matters: Vec<Value>,
    #[serde(default)]
    implementations: Vec<Value>,
}

/// Reads a file: its certificate types, then its matters, then its implementations, each validated by itself.
///
/// # Errors
/// The first item that is wrong, by its place in the file.
pub fn read(path: &Path) -> Result<Vec<Item>, Error> {
    let name = path.display().to_string();
    let io = |source| Error::Io { path: name.clone(), source };
    let found = fs::metadata(path).map_err(io)?.len();
    if found > MAX_FILE_BYTES {
        return Err(Error::TooLarge { path: name, found });
    }
    parse(&name, &fs::read(path).map_err(io)?)
}

/// As [`read`], from bytes; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &str, bytes: &[u8]) -> Result<Vec<Item>, Error> {
    let file: File = serde_json::from_slice(bytes).map_err(|source| Error::Json { path: path.to_owned(), source })?;
    let reader = Reader { path, pool: DescriptorPool::decode(DESCRIPTORS)? };
    let mut items = reader.items("certificate_types", "CertificateType", file.certificate_types, |message| {
        convert::certificate_type(message).map(|item| Item::CertificateType(Box::new(item)))
    })?;
    items.extend(reader.items("matters", "Matter", file.matters, |message: v1::Matter| {
        convert::matter(message).map(|item| Item::Matter(Box::new(item)))
    })?);
    items.extend(reader.items("implementations", "Implementation", file.implementations, |message| {
        convert::implementation(message).map(|item| Item::Implementation(Box::new(item)))
    })?);
    Ok(items)
}

struct Reader<'a> {
    path: &'a str,
    pool: DescriptorPool,
}

impl Reader<'_> {
    fn items<M: prost::Message + Default>(
        &self,
        list: &str,
        message: &'static str,
        values: Vec<Value>,
        convert: fn(M) -> Result<Item, exchange_proto::Error>,
    ) -> Result<Vec<Item>, Error> {
        let full_name = format!("exchange.v1.{message}");
        let descriptor = self.pool.get_message_by_name(&full_name).ok_or(Error::NoMessage(message))?;
        let mut items = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            let item = || format!("{list}[{at}]");
            let shape = |source| Error::Shape { path: self.path.to_owned(), item: item(), source };
            let message = message_of(&descriptor, value).map_err(shape)?;
            items.push(convert(message).map_err(|source| Error::Item {
                path: self.path.to_owned(),
                item: item(),
                source: Box::new(source),
            })?);
        }
        Ok(items)
    }
}

fn message_of<M: prost::Message + Default>(
    descriptor: &MessageDescriptor,
    value: Value,
) -> Result<M, serde_json::Error> {
    let dynamic = DynamicMessage::deserialize(descriptor.clone(), value)?;
    dynamic.transcode_to().map_err(serde::de::Error::custom)
}
