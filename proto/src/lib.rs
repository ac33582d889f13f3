//! Messages and services of `exchange.v1`.
