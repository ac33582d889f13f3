//! Messages and services of `exchange.v1`, the rows of the store, and the conversions to and from
//! [`exchange_core`]: parsing is validation.

pub mod access;
pub mod bundle;
pub mod catalogue;
pub mod certificate;
mod common;
pub mod copy;
mod error;
pub mod event;
pub mod export;
mod field;
pub mod file;
mod masked;
pub mod peer;
pub mod rows;
pub mod segment;
mod wire;

pub use error::Error;

#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all, reason = "generated code")]
mod exchange {
    pub mod v1 {
        tonic::include_proto!("exchange.v1");
    }
    pub mod store {
        pub mod v1 {
            tonic::include_proto!("exchange.store.v1");
        }
    }
}

pub use exchange::store::v1 as store;
pub use exchange::v1;

/// The encoded `FileDescriptorSet` of everything above, with comments, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
