//! Small packages that would make large ones of memory or of the answer: counted, and refused before they grow.

use std::{fmt::Write as _, io::Cursor};

use exchange_seal::{Limits, Report, Verdict, verify};

use crate::{
    faults,
    lab::{
        NOW, World,
        document::{Document, LIST},
        seal::V4,
    },
    one_fault,
};

const OPEN: &str = r#"xmlns:ofd="http://www.ofdspec.org/2016""#;

/// A `Signature.xml` that reads, with so many references to files that are not there, and so many places.
fn description(references: usize, places: usize, value: &str) -> Vec<u8> {
    let mut xml = format!(
        r#"<ofd:Signature {OPEN}><ofd:SignedInfo><ofd:SignatureMethod>1.2.156.10197.1.501</ofd:SignatureMethod><ofd:References CheckMethod="1.2.156.10197.1.401">"#
    );
    for i in 0..references {
        let _ = write!(xml, r#"<ofd:Reference FileRef="/{i}"><ofd:CheckValue>AA==</ofd:CheckValue></ofd:Reference>"#);
    }
    xml.push_str("</ofd:References>");
    for i in 0..places {
        let _ = write!(xml, r#"<ofd:StampAnnot PageRef="{i}"/>"#);
    }
    let _ = write!(xml, "</ofd:SignedInfo><ofd:SignedValue>{value}</ofd:SignedValue></ofd:Signature>");
    xml.into_bytes()
}

/// A `Signatures.xml` over these paths.
fn list(paths: impl Iterator<Item = String>) -> Vec<u8> {
    let entries: String =
        paths.enumerate().map(|(i, path)| format!(r#"<ofd:Signature ID="{i}" BaseLoc="{path}"/>"#)).collect();
    format!("<ofd:Signatures {OPEN}>{entries}</ofd:Signatures>").into_bytes()
}

/// So many signatures, each with files of its own.
fn distinct(signatures: usize, references: usize, places: usize) -> Document {
    let mut document = Document::new();
    document.put(LIST, list((0..signatures).map(|i| format!("/S/{i}/Signature.xml"))));
    for i in 0..signatures {
        let value = format!("/S/{i}/SignedValue.dat");
        document.put(&format!("S/{i}/Signature.xml"), description(references, places, &value));
        document.put(&value[1..], b"none".to_vec());
    }
    document
}

/// So many documents, all with the one list, all of whose entries name one description.
fn repeated(documents: usize, references: usize, places: usize) -> Document {
    let mut document = Document::new();
    let entry = String::from_utf8(document.get("OFD.xml").to_vec()).unwrap();
    let (head, rest) = entry.split_once("<ofd:DocBody>").unwrap();
    let (body, tail) = rest.split_once("</ofd:DocBody>").unwrap();
    let bodies = format!("<ofd:DocBody>{body}</ofd:DocBody>").repeat(documents);
    document.put("OFD.xml", format!("{head}{bodies}{tail}").into_bytes());
    document.put(LIST, list((0..64).map(|_| "/S/Signature.xml".to_owned())));
    document.put("S/Signature.xml", description(references, places, "/S/SignedValue.dat"));
    document.put("S/SignedValue.dat", b"none".to_vec());
    document
}

fn judge(document: &Document) -> Report {
    World::sm2().judge_bytes(document.zip())
}

#[track_caller]
fn refused(document: &Document, reason: &str) {
    let report = judge(document);
    assert_eq!(report.verdict, Verdict::Malformed);
    one_fault(&report, &["PACKAGE MALFORMED", reason]);
}

const USED: &str = "the file is used for two things, or for itself";

#[test]
fn a_file_that_is_listed_twice_is_read_once() {
    refused(&repeated(1, 1, 1), &format!("S/Signature.xml: {USED}"));
    // The list itself, by two documents: also where nothing is in it.
    let mut document = repeated(2, 1, 1);
    document.put(LIST, list(std::iter::empty()));
    refused(&document, &format!("{LIST}: {USED}"));
    // Also where the description does not read.
    let mut document = repeated(1, 1, 1);
    document.put("S/Signature.xml", b"none".to_vec());
    refused(&document, &format!("S/Signature.xml: {USED}"));
    refused(&repeated(17, 1, 1), "documents of the package: 17; at most 16 is read");
}

#[test]
fn references_and_places_are_counted() {
    let Limits { references, places, .. } = Limits::DEFAULT;
    let fault = |document: &Document| {
        let report = judge(document);
        assert!(report.signatures.iter().all(|signature| signature.places.len() <= places));
        faults(&report)
    };
    let found = fault(&distinct(1, references + 1, 1));
    assert_eq!(found, ["STRUCTURE MALFORMED references of S/0/Signature.xml: 8193; at most 8192 is read"]);
    let found = fault(&distinct(1, 1, places + 1));
    assert_eq!(found, ["STRUCTURE MALFORMED places of the seal in S/0/Signature.xml: 1025; at most 1024 is read"]);
    let found = fault(&distinct(1, references, places));
    assert!(found[0].contains("SignedValue.dat: SES_Signature"), "{found:#?}");
    refused(&distinct(9, 1, places), "places of all seals of the package: 9216; at most 8192 is read");
    refused(&distinct(64, references, 1), "all descriptions of signatures in bytes");
    // Lists count too, before they are read.
    let document = distinct(2, 1, 1);
    let world = World::sm2();
    let (anchors, crls) = (world.anchors(), world.crls());
    let mut basis = crate::basis(&anchors, &crls, NOW);
    basis.limits.described_bytes = document.get(LIST).len() as u64 - 1;
    let report = verify(Cursor::new(document.zip()), &basis);
    one_fault(&report, &["PACKAGE MALFORMED all descriptions of signatures in bytes"]);
}

#[test]
fn of_many_bad_references_few_are_named() {
    let report = judge(&distinct(20, 8000, 1));
    for signature in &report.signatures {
        let references: Vec<&str> = signature.steps[4].findings.iter().map(|f| f.detail.as_str()).collect();
        assert_eq!(references[0], "a file that was signed: /0 is missing");
        assert_eq!(references[5], "7995 more files that were signed are missing");
        assert!(references.len() < 10, "{references:#?}");
    }
    // Files that were altered, and files that are stored under another case.
    let world = World::sm2();
    let mut document = world.blank();
    for i in 0..40 {
        document.put(&format!("Doc_0/Res/a{i}"), vec![0]);
    }
    world.stamp(&mut document, V4, &world.seal(V4), &world.signer, crate::lab::SIGNED);
    for i in 0..40 {
        document.put(&format!("Doc_0/Res/a{i}"), vec![1]);
    }
    for (name, _) in document.files.iter_mut().filter(|(name, _)| name.starts_with("Doc_0/Res/")) {
        *name = name.replace('a', "A");
    }
    let report = world.judge_bytes(document.zip());
    assert_eq!(report.verdict, Verdict::Altered);
    let found = faults(&report);
    assert_eq!(found.len(), 6, "{found:#?}");
    assert_eq!(found[5], "REFERENCES ALTERED 35 more files are not what was signed");
    let told = crate::told(&report.signatures[0].steps, exchange_seal::Step::References);
    assert_eq!(told.matches(" is stored as ").count(), 5, "{told}");
    assert!(told.contains("~ 35 more files are stored under another case than named"), "{told}");
}

/// Set in the process that is measured: the folder of the packages.
const MEASURED: &str = "EXCHANGE_SEAL_FLOODS";
/// One XML file of 100,000 elements, and what is held of 16 MiB of descriptions.
const MOST_KIB: u64 = 160 * 1024;

/// Packages are made in one process and judged in another, whose peak is that of the judgement alone.
#[test]
fn floods_take_little_memory() {
    let Some(folder) = std::env::var_os(MEASURED) else {
        let folder = tempfile::tempdir().unwrap();
        for (what, document) in [
            ("1 list and 1 description 16 x 64 times, places", repeated(16, 1, 99_000)),
            ("1 description 64 times, places", repeated(1, 1, 99_000)),
            ("1 description 64 times, references", repeated(1, 45_000, 1)),
            ("64 descriptions, places", distinct(64, 1, 99_000)),
            ("64 descriptions, references", distinct(64, 45_000, 1)),
            ("20 descriptions, each as large as may be", distinct(20, 8192, 400)),
        ] {
            std::fs::write(folder.path().join(what), document.zip()).unwrap();
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "floods::floods_take_little_memory", "--nocapture"])
            .env(MEASURED, folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        return println!("{said}");
    };
    let Some(_) = peak_kib() else { return println!("skipped: no /proc/self/status to read the peak from") };
    let world = World::sm2();
    let mut packages: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    packages.sort();
    assert_eq!(packages.len(), 6);
    let before = peak_kib().unwrap();
    for path in packages {
        let bytes = std::fs::read(&path).unwrap();
        let size = bytes.len() / 1024;
        assert_eq!(world.judge_bytes(bytes).verdict, Verdict::Malformed);
        let grown = peak_kib().unwrap() - before;
        println!("{}: {size} KiB packed, {grown} KiB more at the peak", path.display());
    }
    let grown = peak_kib().unwrap() - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
}

/// The process's peak of resident memory.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
