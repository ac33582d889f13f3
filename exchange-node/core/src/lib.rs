//! The rules of the exchange, pure and synchronous.

pub mod checkpoint;
pub mod merkle;
pub mod note;
