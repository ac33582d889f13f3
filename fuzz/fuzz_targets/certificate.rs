//! X.509 certificates and CRLs of CAs behind seals, and times as seals write them.
#![no_main]

use exchange_seal::{
    certificate::Certificate,
    crl::{Crl, Crls},
    time,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ROOT: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::parse(include_bytes!("../../exchange-node/seal/tests/corpus/ring-root.der")).unwrap()
});

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::parse(data) {
        assert_eq!(certificate.der, data);
        let _ = certificate.serial_hex();
    }
    if let Ok(crl) = Crl::parse(data) {
        let _ = crl.entry(&ROOT);
        let crls = Crls::new(vec![crl]);
        let _ = crls.newest(&ROOT, &ROOT);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = time::written(text);
    }
});
