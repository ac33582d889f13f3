//! The rules of the exchange, pure and synchronous.

pub mod checkpoint;
pub mod disclosure;
pub mod dsse;
pub mod holder;
pub mod merkle;
pub mod note;
pub mod sealed;
pub mod signature;
