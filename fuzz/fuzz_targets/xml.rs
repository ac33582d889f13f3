//! The three XML files of a sealed document that are read.
#![no_main]

use exchange_seal::{Limits, ofd};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::DEFAULT;
    if let Ok(documents) = ofd::documents(data, &limits) {
        assert!(!documents.is_empty());
    }
    let _ = ofd::list(data, "Signatures.xml", &limits);
    if let Ok(description) = ofd::describe(data, "Signature.xml", &limits) {
        let _ = ofd::resolve("Doc_0/Signs/Sign_0/Signature.xml", &description.value);
    }
});
