//! Messages and services of `exchange.v1`, the rows of the store, and the conversions to and from
//! [`exchange_core`]: parsing is validation.

/// Wire messages and services, package `exchange.v1`.
#[allow(missing_docs, clippy::all, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("exchange.v1");
}

/// Rows of the store, package `exchange.store.v1`.
#[allow(missing_docs, clippy::all, reason = "generated code")]
pub mod store {
    tonic::include_proto!("exchange.store.v1");
}

/// The encoded `FileDescriptorSet` of everything above, with comments, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
