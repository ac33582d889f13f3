//! Scenarios over whole nodes, and what must stay true of documents and samples.

mod docs;
