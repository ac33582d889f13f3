//! A seal alone, as `document verify` takes it: DER of every version, the maker's signature and path, time stamps.
#![no_main]

use exchange_core::chain::Instant;
use exchange_seal::{Anchors, Basis, Limits, certificate::Certificate, crl::Crls, verify_seal};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let root = Certificate::parse(include_bytes!("../../exchange-node/seal/tests/corpus/ring-root.der")).unwrap();
    let all = vec![root];
    Anchors { makers: all.clone(), signers: all.clone(), time_stamps: all.clone(), intermediates: all }
});
static CRLS: LazyLock<Crls> = LazyLock::new(Crls::default);

fuzz_target!(|data: &[u8]| {
    let basis = Basis {
        anchors: &ANCHORS,
        crls: &CRLS,
        signers: &[],
        now: Instant(1_795_564_800_000),
        crl_grace_ms: 0,
        without_crl: true,
        limits: Limits::DEFAULT,
    };
    let report = verify_seal(data, &basis);
    assert_eq!(report.steps.len(), 5);
});
