//! An OFD package as anybody may bring it: the directory, the archive, every file in it.
#![no_main]

use exchange_core::chain::Instant;
use exchange_seal::{Anchors, Basis, Limits, Verdict, crl::Crls, digest::DigestAlgorithm, ofd::Package, verify};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

/// Small, so that a bomb shows as more than them and not as time.
const LIMITS: Limits = Limits { entry_bytes: 1 << 20, unpacked_bytes: 4 << 20, ..Limits::DEFAULT };

fuzz_target!(|data: &[u8]| {
    let (anchors, crls) = (Anchors::default(), Crls::default());
    let basis = Basis {
        anchors: &anchors,
        crls: &crls,
        signers: &[],
        now: Instant(1_795_564_800_000),
        crl_grace_ms: 0,
        without_crl: true,
        limits: LIMITS,
    };
    let report = verify(Cursor::new(data), &basis);
    assert_ne!(report.verdict, Verdict::Valid, "nobody is believed here");
    if let Ok(mut package) = Package::open(Cursor::new(data), LIMITS) {
        let all: Vec<usize> = package.files().map(|(index, _)| index).collect();
        for index in all {
            let digest = package.digest(index, DigestAlgorithm::Sha256);
            if let Ok(content) = package.read(index, LIMITS.xml_bytes) {
                assert!(content.len() as u64 <= LIMITS.xml_bytes);
                let digest = digest.expect("what is read can be hashed");
                assert_eq!(DigestAlgorithm::Sha256.digest(&content), digest, "one content, kept or not");
            }
        }
    }
});
