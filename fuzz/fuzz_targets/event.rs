//! What comes over Kafka and from other nodes: entries of logs, segments, records, the trust bundle. What reads is written
//! again as it came where the encoding is one.
#![no_main]

use bytes::Bytes;
use exchange_proto::{access, bundle, certificate, event, segment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = event::decode(data);
    let _ = access::decode(data);
    let _ = segment::decode_segment(Bytes::copy_from_slice(data));
    if let Ok(read) = bundle::decode(data) {
        let written = bundle::encode(&read);
        assert_eq!(bundle::decode(&written), Ok(read));
    }
    let _ = bundle::read_signed(data);
    if let Ok(envelope) = certificate::decode_envelope(data) {
        let _ = certificate::decode_header(&envelope.payload);
    }
    let _ = certificate::decode_header(data);
});
