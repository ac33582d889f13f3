//! `SignedValue.dat` of a sound package: a seal signature (first byte even) or signed data (odd), with everything that is
//! judged behind it.
#![no_main]

use exchange_core::chain::Instant;
use exchange_seal::{Anchors, Basis, Limits, Verdict, certificate::Certificate, crl::Crls, verify};
use libfuzzer_sys::fuzz_target;
use std::{
    io::{Cursor, Write},
    sync::LazyLock,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let root = Certificate::parse(include_bytes!("../../exchange-node/seal/tests/corpus/ring-root.der")).unwrap();
    let all = vec![root];
    Anchors { makers: all.clone(), signers: all.clone(), time_stamps: all, intermediates: Vec::new() }
});

const NAMESPACE: &str = r#"xmlns:ofd="http://www.ofdspec.org/2016""#;

fn package(kind: &str, value: &[u8]) -> Vec<u8> {
    let root = format!(
        "<ofd:OFD {NAMESPACE}><ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>D.xml</ofd:DocRoot><ofd:Signatures>S.xml\
         </ofd:Signatures></ofd:DocBody></ofd:OFD>"
    );
    let list = format!(r#"<ofd:Signatures {NAMESPACE}><ofd:Signature ID="1" Type="{kind}" BaseLoc="N.xml"/></ofd:Signatures>"#);
    let description = format!(
        "<ofd:Signature {NAMESPACE}><ofd:SignedInfo><ofd:SignatureMethod>1.3.101.112</ofd:SignatureMethod>\
         <ofd:SignatureDateTime>2026-06-01 10:00:00</ofd:SignatureDateTime>\
         <ofd:References CheckMethod=\"SHA-256\"><ofd:Reference FileRef=\"D.xml\"><ofd:CheckValue>AAAA</ofd:CheckValue>\
         </ofd:Reference></ofd:References></ofd:SignedInfo><ofd:SignedValue>V.dat</ofd:SignedValue></ofd:Signature>"
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in [
        ("OFD.xml", root.as_bytes()),
        ("D.xml", b"<D/>"),
        ("S.xml", list.as_bytes()),
        ("N.xml", description.as_bytes()),
        ("V.dat", value),
    ] {
        writer.start_file(name, stored).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fuzz_target!(|data: &[u8]| {
    let Some((first, value)) = data.split_first() else { return };
    let kind = if first % 2 == 0 { "Seal" } else { "Sign" };
    let crls = Crls::default();
    let basis = Basis {
        anchors: &ANCHORS,
        crls: &crls,
        signers: &ANCHORS.signers,
        now: Instant(1_795_564_800_000),
        crl_grace_ms: 0,
        without_crl: true,
        limits: Limits::DEFAULT,
    };
    let report = verify(Cursor::new(package(kind, value)), &basis);
    assert_eq!(report.signatures.len(), 1, "the package itself is sound");
    assert_ne!(report.verdict, Verdict::Valid, "the digest of D.xml is a false one");
});
