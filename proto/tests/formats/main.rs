//! The formats: golden bytes, compatibility of the descriptor set, refusals, properties.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod attacked;
mod compatibility;
mod copies;
mod exports;
mod golden;
mod properties;
mod questions;
mod refusals;
mod samples;
