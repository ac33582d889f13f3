//! Packages and files that want to harm: each refused with its reason, none followed, none unpacked beyond its limits.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use exchange_seal::{Limits, Report, Verdict, crl::Crls, verify};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    basis, faults,
    lab::{
        NOW, SIGNED, World,
        document::{Document, LIST, pack},
        seal::V4,
    },
    one_fault,
};

fn refused(report: &Report, parts: &[&str]) {
    assert_eq!(report.verdict, Verdict::Malformed, "{:#?}", faults(report));
    one_fault(report, parts);
}

fn judge(bytes: Vec<u8>) -> Report {
    World::sm2().judge_bytes(bytes)
}

fn good() -> Document {
    World::sm2().sealed(V4)
}

#[test]
fn no_package_at_all() {
    for bytes in [Vec::new(), b"PK".to_vec(), vec![0; 100_000], b"%PDF-1.7".to_vec()] {
        refused(&judge(bytes), &["PACKAGE MALFORMED", "no end of a ZIP archive"]);
    }
    refused(&judge(pack(&[("a.txt".into(), b"a".to_vec())])), &["OFD.xml is missing"]);
}

#[test]
fn zip_bombs() {
    // 64 MiB of zeros in 64 kB.
    let mut document = good();
    document.put("Doc_0/Res/zeros.bin", vec![0; 64 << 20]);
    refused(&judge(document.zip()), &["zeros.bin unpacked per packed byte", "at most 200 is read"]);
    // Many small bombs: each alone is small enough.
    let mut document = good();
    let limits = Limits { unpacked_bytes: 4 << 20, ..Limits::DEFAULT };
    for i in 0..8 {
        document.put(&format!("Doc_0/Res/{i}.bin"), vec![0; (1 << 20) - 1]);
    }
    let world = World::sm2();
    let (anchors, crls) = (world.anchors(), world.crls());
    let mut basis = basis(&anchors, &crls, NOW);
    basis.limits = limits;
    refused(&verify(Cursor::new(document.zip()), &basis), &["all entries in bytes", "at most 4194304 is read"]);
    basis.limits = Limits { entry_bytes: 1 << 19, ..Limits::DEFAULT };
    refused(&verify(Cursor::new(document.zip()), &basis), &["0.bin in bytes", "at most 524288 is read"]);
    basis.limits = Limits { package_bytes: 1000, ..Limits::DEFAULT };
    refused(&verify(Cursor::new(document.zip()), &basis), &["the package in bytes"]);
}

/// Writes over `length` bytes of every central header, from `offset` inside of it.
fn forge(bytes: &mut [u8], offset: usize, value: &[u8]) {
    let starts: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, w)| w == b"PK\x01\x02").map(|(i, _)| i).collect();
    for at in starts {
        bytes[at + offset..at + offset + value.len()].copy_from_slice(value);
    }
}

#[test]
fn sizes_that_are_not_so() {
    let forged = |offset: usize, value: &[u8]| {
        let mut bytes = good().zip();
        forge(&mut bytes, offset, value);
        judge(bytes)
    };
    refused(&forged(24, &u32::MAX.to_le_bytes()), &["claims 4 GiB or more"]);
    refused(&forged(24, &0xffff_fff0_u32.to_le_bytes()), &["in bytes: 4294967280; at most 536870912"]);
    refused(&forged(20, &u32::MAX.to_le_bytes()), &["claims 4 GiB or more"]);
    refused(&forged(42, &u32::MAX.to_le_bytes()), &["claims 4 GiB or more"]);
    refused(&forged(24, &7_u32.to_le_bytes()), &["directory and entry disagree about OFD.xml"]);
    refused(&forged(42, &3_u32.to_le_bytes()), &["OFD.xml is not where the directory says"]);
    refused(&forged(8, &1_u16.to_le_bytes()), &["is encrypted"]);
    refused(&forged(10, &12_u16.to_le_bytes()), &["is packed by method 12"]);
    // Less and more than claimed, in directory and entry alike.
    for (claimed, reason) in [(100_u32, "larger than"), (2000, "")] {
        let mut bytes = good().zip();
        forge(&mut bytes, 24, &claimed.to_le_bytes());
        let locals: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, w)| w == b"PK\x03\x04").map(|(i, _)| i).collect();
        for at in locals {
            bytes[at + 22..at + 26].copy_from_slice(&claimed.to_le_bytes());
        }
        refused(&judge(bytes), &["OFD.xml cannot be unpacked", reason]);
    }
}

#[test]
fn an_archive_with_two_meanings() {
    let bytes = good().zip();
    let end = bytes.len() - 22;
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[end + at..end + at + value.len()].copy_from_slice(value);
        judge(bytes)
    };
    refused(&with(4, &[1, 0]), &["several volumes"]);
    refused(&with(10, &[0xff, 0xff]), &["several volumes"]);
    refused(&with(8, &[0xff; 4]), &["ZIP64"]);
    refused(&with(12, &[1, 0, 0, 0]), &["does not end where"]);
    refused(&with(8, &[1, 0, 1, 0]), &["more than the entries that are counted"]);
    refused(&with(8, &[200, 0, 200, 0]), &["the directory is cut off"]);
    // Something before, between, behind.
    refused(&judge([b"#!/bin/sh\n".to_vec(), bytes.clone()].concat()), &["does not end where"]);
    refused(&judge([bytes.clone(), b"more".to_vec()].concat()), &["no end of a ZIP archive"]);
    // A second archive in the comment of the first.
    let inner = good().zip();
    let mut outer = bytes.clone();
    let length = (inner.len() as u16).to_le_bytes();
    outer[end + 20..end + 22].copy_from_slice(&length);
    outer.extend_from_slice(&inner);
    refused(&judge(outer), &["does not end where"]);
    // An entry that the directory does not know.
    let mut files = good().files;
    files.insert(1, ("Doc_0/hidden.xml".into(), b"hidden".to_vec()));
    let whole = pack(&files);
    refused(&judge(unlist(&whole, "Doc_0/hidden.xml")), &["bytes before Doc_0/Document.xml belong to no entry"]);
}

/// The archive without one central header; the entry itself stays.
fn unlist(bytes: &[u8], name: &str) -> Vec<u8> {
    let at = bytes.windows(4 + name.len()).enumerate().find_map(|(i, _)| {
        (bytes[i..].starts_with(b"PK\x01\x02") && bytes[i + 46..].starts_with(name.as_bytes())).then_some(i)
    });
    let at = at.unwrap();
    let word = |i: usize| usize::from(u16::from_le_bytes([bytes[i], bytes[i + 1]]));
    let size = 46 + word(at + 28) + word(at + 30) + word(at + 32);
    let mut out = [&bytes[..at], &bytes[at + size..]].concat();
    let end = out.len() - 22;
    let count = (word(bytes.len() - 12) - 1) as u16;
    let directory = u32::from_le_bytes(out[end + 12..end + 16].try_into().unwrap()) - size as u32;
    out[end + 8..end + 10].copy_from_slice(&count.to_le_bytes());
    out[end + 10..end + 12].copy_from_slice(&count.to_le_bytes());
    out[end + 12..end + 16].copy_from_slice(&directory.to_le_bytes());
    out
}

#[test]
fn names_twice_and_names_outside() {
    for name in ["doc_0/document.xml", "DOC_0/DOCUMENT.XML"] {
        let mut files = good().files;
        files.push((name.into(), b"another".to_vec()));
        refused(&judge(pack(&files)), &[&format!("{name} stands twice")]);
    }
    // The zip crate writes no name twice: one is made the other in the bytes.
    let mut files = good().files;
    files.push(("Doc_0/Documenu.xml".into(), b"another".to_vec()));
    let mut bytes = pack(&files);
    let starts: Vec<usize> =
        bytes.windows(18).enumerate().filter(|(_, w)| w == b"Doc_0/Documenu.xml").map(|(i, _)| i).collect();
    assert_eq!(starts.len(), 2);
    for at in starts {
        bytes[at + 13] = b't';
    }
    refused(&judge(bytes), &["Doc_0/Document.xml stands twice"]);
    for name in ["../../etc/passwd", "Doc_0/../../x", "/etc/passwd", "Doc_0\\x", "C:/x", "Doc_0//x", "./x", "a/\u{7}"] {
        let mut files = good().files;
        files.push((name.into(), b"x".to_vec()));
        refused(&judge(pack(&files)), &["is not one inside of the package"]);
    }
    let mut bytes = pack(&[good().files, vec![("Doc_0/x.xml".into(), Vec::new())]].concat());
    let starts: Vec<usize> =
        bytes.windows(11).enumerate().filter(|(_, w)| w == b"Doc_0/x.xml").map(|(i, _)| i).collect();
    for at in starts {
        bytes[at + 6] = 0xff;
    }
    refused(&judge(bytes), &["the name of an entry is not UTF-8"]);
}

#[test]
fn ten_thousand_entries() {
    let mut document = good();
    for i in 0..10_000 {
        document.put(&format!("Doc_0/Res/{i}"), Vec::new());
    }
    refused(&judge(document.zip()), &["entries of the package", "at most 8192 is read"]);
    // As many as may be are judged, and not covered.
    let mut document = good();
    for i in 0..8000 {
        document.put(&format!("Doc_0/Res/{i}"), Vec::new());
    }
    one_fault(&judge(document.zip()), &["REFERENCES NOT_COVERED", "and 7995 more"]);
}

#[test]
fn xml_that_grows_or_hides() {
    let with = |name: &str, content: &[u8]| {
        let mut document = good();
        document.put(name, content.to_vec());
        judge(document.zip())
    };
    let open = r#"<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016">"#;
    let laughs =
        format!("<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>{open}&b;</ofd:OFD>");
    refused(&with("OFD.xml", laughs.as_bytes()), &["OFD.xml: a document type"]);
    let outside = format!("<!DOCTYPE l SYSTEM \"file:///etc/passwd\">{open}</ofd:OFD>");
    refused(&with("OFD.xml", outside.as_bytes()), &["OFD.xml: a document type"]);
    refused(&with("OFD.xml", format!("{open}&b;</ofd:OFD>").as_bytes()), &["an entity that XML does not define"]);
    let deep = format!("{open}{}{}</ofd:OFD>", "<ofd:a>".repeat(100_000), "</ofd:a>".repeat(100_000));
    refused(&with("OFD.xml", deep.as_bytes()), &["elements more than 32 deep"]);
    let foreign = format!("{open}{}{}</ofd:OFD>", "<a>".repeat(90_000), "</a>".repeat(90_000));
    refused(&with("OFD.xml", foreign.as_bytes()), &["elements more than 32 deep"]);
    let wide = format!("{open}{}</ofd:OFD>", "<ofd:a/>".repeat(100_001));
    refused(&with("OFD.xml", wide.as_bytes()), &["more than 100000 elements"]);
    let blanks = format!("{open}{}</ofd:OFD>", " ".repeat(5 << 20));
    refused(&with("OFD.xml", blanks.as_bytes()), &["OFD.xml"]);
    for (content, reason) in [
        (&b"\xff\xfe<\0"[..], "not UTF-8"),
        (b"", "no element"),
        (b"<a/>", "not in a namespace of OFD"),
        (b"<o:OFD/>", "bound to nothing"),
        (b"<?xml version='1.0' encoding='GBK'?><OFD xmlns='http://www.ofdspec.org/2016'/>", "not UTF-8"),
        (b"<OFD xmlns='http://www.ofdspec.org/2016'/>", "0 documents"),
        (b"<OFD xmlns='http://www.ofdspec.org/2016'>", "cut off"),
        (b"<OFD xmlns='http://www.ofdspec.org/2016'/><OFD xmlns='http://www.ofdspec.org/2016'/>", "a second root"),
        (b"<OFD xmlns='http://www.ofdspec.org/2016'></ofd>", "not XML"),
    ] {
        refused(&with("OFD.xml", content), &["PACKAGE MALFORMED", "OFD.xml", reason]);
    }
    // Said twice: readers would differ about which counts.
    let mut document = good();
    document.replace("OFD.xml", "<ofd:DocRoot>", "<ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot><ofd:DocRoot>");
    refused(&judge(document.zip()), &["DocBody has DocRoot twice"]);
    // In a foreign namespace it says nothing.
    let mut document = good();
    document.replace("OFD.xml", "<ofd:DocRoot>", "<x:DocRoot xmlns:x='urn:x'>Doc_1</x:DocRoot><ofd:DocRoot>");
    one_fault(&judge(document.zip()), &["REFERENCES ALTERED /OFD.xml is not what was signed"]);
}

#[test]
fn signatures_in_circles() {
    let list = |entries: &str| {
        let mut document = good();
        let content = format!(r#"<ofd:Signatures xmlns:ofd="http://www.ofdspec.org/2016">{entries}</ofd:Signatures>"#);
        document.put(LIST, content.into_bytes());
        judge(document.zip())
    };
    let entry = |id: usize, at: &str| format!(r#"<ofd:Signature ID="{id}" BaseLoc="{at}"/>"#);
    let own = "/Doc_0/Signs/Sign_0/Signature.xml";
    refused(
        &list(&entry(1, "Signatures.xml")),
        &["STRUCTURE MALFORMED", "its root is Signatures; Signature is needed"],
    );
    refused(&list(&(entry(1, own) + &entry(2, own))), &["Signature.xml: the file is used for two things"]);
    refused(&list(&(entry(1, own) + &entry(1, own))), &["two signatures with one ID"]);
    refused(
        &list(&(1..100).map(|id| entry(id, own)).collect::<String>()),
        &["signatures of the document: 65; at most 64"],
    );
    let report = list(&entry(1, "../../../Signature.xml"));
    refused(&report, &["STRUCTURE MALFORMED", "is not one inside of the package"]);
    let report = list(&entry(1, "/Doc_0/nowhere.xml"));
    assert_eq!(report.verdict, Verdict::Altered);
    assert_eq!(list("").verdict, Verdict::NotSigned);
    // The value is the description itself; the list is covered by itself; a signature covers its own value.
    let mut document = good();
    let name = "Doc_0/Signs/Sign_0/Signature.xml";
    document.replace(name, "/Doc_0/Signs/Sign_0/SignedValue.dat", own);
    refused(&judge(document.zip()), &["used for two things"]);
    let mut document = good();
    document.replace(name, r#"FileRef="/OFD.xml""#, r#"FileRef="/Doc_0/Signs/Sign_0/SignedValue.dat""#);
    let report = judge(document.zip());
    assert_eq!(report.verdict, Verdict::Malformed);
    assert!(
        faults(&report).iter().any(|fault| fault.contains("cannot be covered by the signature that it is part of"))
    );
    let mut document = good();
    document.replace(name, r#"FileRef="/OFD.xml""#, r#"FileRef="/Doc_0/Document.xml""#);
    assert!(faults(&judge(document.zip())).iter().any(|fault| fault.contains("/Doc_0/Document.xml is named twice")));
}

/// A file of one repeated block that is made while it is read.
struct Endless<'a> {
    head: &'a [u8],
    block: &'a [u8],
    body: u64,
    tail: &'a [u8],
    at: u64,
    most: &'a std::cell::Cell<u64>,
}

impl Endless<'_> {
    fn length(&self) -> u64 {
        self.head.len() as u64 + self.body + self.tail.len() as u64
    }
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let (head, end) = (self.head.len() as u64, self.head.len() as u64 + self.body);
        let part: &[u8] = if self.at < head {
            &self.head[self.at as usize..]
        } else if self.at < end {
            let inside = self.at - head;
            let from = (inside % self.block.len() as u64) as usize;
            let left = (self.body - inside).min((self.block.len() - from) as u64) as usize;
            &self.block[from..from + left]
        } else {
            &self.tail[((self.at - end) as usize).min(self.tail.len())..]
        };
        let count = part.len().min(out.len());
        out[..count].copy_from_slice(&part[..count]);
        self.at += count as u64;
        self.most.set(self.most.get().max(out.len() as u64));
        Ok(count)
    }
}

impl Seek for Endless<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length().checked_add_signed(by).unwrap(),
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}

#[test]
fn a_hundred_megabytes_are_read_in_pieces() {
    // A stored picture of 100 MB, never in memory: the archive is made around it as it is read.
    const BODY: u64 = 100_000_000;
    let block: Vec<u8> = (0..=255).collect();
    let world = World::sm2();
    let mut digester = exchange_seal::digest::Digester::new(exchange_seal::digest::DigestAlgorithm::Sha256);
    let mut crc = crc32fast::Hasher::new();
    let mut left = BODY;
    while left > 0 {
        let part = &block[..(left as usize).min(block.len())];
        digester.update(part);
        crc.update(part);
        left -= part.len() as u64;
    }
    let digest = digester.finish();
    let mut document = world.blank();
    // The fastest digest: the bytes are what this is about.
    document.describes.check = "SHA-256";
    document.extra = vec![("Doc_0/Res/big.bin".to_owned(), digest)];
    world.stamp(&mut document, V4, &world.seal(V4), &world.signer, SIGNED);
    // An empty stored entry first in the archive; then its sizes, and all offsets after it, are mended.
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file("Doc_0/Res/big.bin", stored).unwrap();
    for (name, content) in &document.files {
        writer.start_file(name.as_str(), stored).unwrap();
        writer.write_all(content).unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    let head = 30 + "Doc_0/Res/big.bin".len();
    let sizes = [crc.finalize(), BODY as u32, BODY as u32].map(u32::to_le_bytes).concat();
    bytes[14..26].copy_from_slice(&sizes);
    let centrals: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| w == b"PK\x01\x02").map(|(i, _)| i).collect();
    bytes[centrals[0] + 16..centrals[0] + 28].copy_from_slice(&sizes);
    let end = bytes.len() - 22;
    for at in centrals[1..].iter().map(|at| at + 42).chain([end + 16]) {
        let moved = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) + BODY as u32;
        bytes[at..at + 4].copy_from_slice(&moved.to_le_bytes());
    }
    let most = std::cell::Cell::new(0);
    let (anchors, crls) = (world.anchors(), world.crls());
    let judge = |block: &[u8]| {
        let reader = Endless { head: &bytes[..head], block, body: BODY, tail: &bytes[head..], at: 0, most: &most };
        verify(reader, &basis(&anchors, &crls, NOW))
    };
    let report = judge(&block);
    assert_eq!(report.verdict, Verdict::Valid, "{:#?}", faults(&report));
    assert!(most.get() <= 1 << 20, "{} bytes were asked for at once", most.get());
    let other: Vec<u8> = (0..=255).rev().collect();
    let report = judge(&other);
    assert_eq!(report.verdict, Verdict::Malformed);
    assert!(faults(&report)[0].contains("big.bin cannot be unpacked"), "{:#?}", faults(&report));
}

/// A reader that fails is no document that is wrong, but it is not valid either.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is gone"))
    }
}

impl Seek for Broken {
    fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
        Ok(4096)
    }
}

#[test]
fn a_reader_that_fails() {
    let (anchors, crls) = (World::sm2().anchors(), Crls::default());
    let report = verify(Broken, &basis(&anchors, &crls, NOW));
    refused(&report, &["reading failed: the disk is gone"]);
}
