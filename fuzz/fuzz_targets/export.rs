//! An exported certificate, which anybody may bring.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = exchange_proto::export::decode_file(data);
});
