//! Attack rows 1 to 6 and 15, and the reproduced holes 1 to 8, 10 and 11, against a served node over loopback. Each names
//! the fault that the node writes down: the other side sees only an alert.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "tests")]

mod attacker;
mod handshake;
mod live;
mod slow;
