//! The exchange node.
