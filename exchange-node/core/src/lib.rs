//! The rules of the exchange, pure and synchronous.

pub mod checkpoint;
pub mod dsse;
pub mod merkle;
pub mod note;
pub mod signature;
