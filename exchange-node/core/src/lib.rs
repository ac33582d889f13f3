//! The rules of the exchange, pure and synchronous.

pub mod merkle;
