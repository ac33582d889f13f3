//! Values of store rows: a format version byte, then one message of `exchange.store.v1`.

use prost::Message;

/// The version that is written.
pub const VERSION: u8 = 1;

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing behind the key.
    #[error("the row is empty, a format version byte is needed")]
    Empty,
    /// Written by a later release, or no row of this kind.
    #[error("the row has format version {found}, this release ({}) reads version {VERSION}", env!("CARGO_PKG_VERSION"))]
    Version {
        /// First byte.
        found: u8,
    },
    /// The message behind the version byte is broken.
    #[error("the row does not decode: {0}")]
    Undecodable(#[from] prost::DecodeError),
}

/// A row's value.
#[must_use]
pub fn encode(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + message.encoded_len());
    bytes.push(VERSION);
    message.encode_raw(&mut bytes);
    bytes
}

/// Reads a row's value.
///
/// # Errors
/// Empty, of another version (named), or broken.
pub fn decode<M: Message + Default>(value: &[u8]) -> Result<M, Error> {
    match value.split_first() {
        None => Err(Error::Empty),
        Some((&VERSION, message)) => Ok(M::decode(message)?),
        Some((&found, _)) => Err(Error::Version { found }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;
    use crate::store::ImportRow;

    #[test]
    fn a_row_comes_back_and_other_versions_are_named() {
        let row = ImportRow { digest: vec![7; 32].into(), certificate_id: "x".to_owned() };
        let mut bytes = encode(&row);
        assert_eq!(bytes[0], 1);
        assert_eq!(decode::<ImportRow>(&bytes), Ok(row));
        bytes[0] = 2;
        let error = decode::<ImportRow>(&bytes).unwrap_err();
        assert_eq!(error, Error::Version { found: 2 });
        assert!(error.to_string().contains("format version 2"), "{error}");
        assert_eq!(decode::<ImportRow>(&[]), Err(Error::Empty));
        assert!(matches!(decode::<ImportRow>(&[1, 0x0A, 5, 1]), Err(Error::Undecodable(_))));
    }

    #[test]
    fn a_message_of_defaults_is_its_version_byte() {
        assert_eq!(encode(&ImportRow::default()), [1]);
        assert_eq!(decode::<ImportRow>(&[1]), Ok(ImportRow::default()));
    }
}
