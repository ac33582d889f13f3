//! Scenarios over whole nodes, and what must stay true of documents and samples.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod attacks;
mod catalogue;
mod copies;
mod docs;
mod documents;
mod export;
mod feed;
mod files;
mod interop;
mod issuing;
mod licences;
mod operations;
mod operators;
mod overload;
mod process;
mod programs;
mod questions;
mod readme;
mod seals;
mod simulation;
mod world;
