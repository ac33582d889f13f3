//! Checkpoints as signed notes: from other nodes, from Kafka, in exports.
#![no_main]

use exchange_core::{checkpoint::Checkpoint, note::VerifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::parse_unverified(data) {
        let _ = checkpoint.origin.to_string();
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(key) = VerifierKey::parse(text)
    {
        assert_eq!(VerifierKey::parse(&key.to_string()).unwrap().to_string(), key.to_string());
    }
});
