//! The bare limits. They link nothing of ours but generated messages: no checking, no log, no rows that mean anything;
//! but the limit of ingest has the engine settings of the node's store.
//! What remains is what the machine charges for the same bytes, calls and durable commits.

mod commit;
pub(crate) mod issue;
pub(crate) mod relay;
pub(crate) mod rows;
pub(crate) mod verify;
