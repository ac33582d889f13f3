//! What tests and benchmarks share: the names of the faults that are injected.

pub mod faults;
