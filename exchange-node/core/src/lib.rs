//! The rules of the exchange, pure and synchronous.
