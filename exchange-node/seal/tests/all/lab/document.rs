//! OFD documents.

use std::io::{Cursor, Write};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange_seal::digest::DigestAlgorithm;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

const NAMESPACE: &str = "http://www.ofdspec.org/2016";
pub(crate) const LIST: &str = "Doc_0/Signs/Signatures.xml";

/// Files in order.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) files: Vec<(String, Vec<u8>)>,
    signatures: usize,
    /// Files that are referenced by their digest and put into the package by somebody else.
    pub(crate) extra: Vec<(String, Vec<u8>)>,
    /// How `Signature.xml` is told to be.
    pub(crate) describes: Describes,
}

/// What `Signature.xml` says.
#[derive(Clone)]
pub(crate) struct Describes {
    pub(crate) method: String,
    pub(crate) check: &'static str,
    pub(crate) time: &'static str,
    pub(crate) kind: &'static str,
    /// Files that are left out.
    pub(crate) without: Vec<&'static str>,
    /// Cover `Signatures.xml` too.
    pub(crate) whole: bool,
    /// Put the seal beside the signature.
    pub(crate) seal_file: bool,
    /// Paths without the slash before them.
    pub(crate) relative: bool,
    /// XML prefix, with the colon; empty for a default namespace.
    pub(crate) prefix: &'static str,
}

impl Document {
    pub(crate) fn new() -> Self {
        let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
        let file = |name: &str, content: String| (name.to_owned(), format!("{head}\n{content}").into_bytes());
        Self {
            files: vec![
                file(
                    "OFD.xml",
                    format!(
                        r#"<ofd:OFD xmlns:ofd="{NAMESPACE}" Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID><ofd:Title>营业执照</ofd:Title><ofd:CreationDate>2026-11-25</ofd:CreationDate><ofd:Creator>lab</ofd:Creator><ofd:CustomDatas><ofd:CustomData Name="ZZMC">营业执照</ofd:CustomData></ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot><ofd:Signatures>/{LIST}</ofd:Signatures></ofd:DocBody></ofd:OFD>"#
                    ),
                ),
                file(
                    "Doc_0/Document.xml",
                    format!(
                        r#"<ofd:Document xmlns:ofd="{NAMESPACE}"><ofd:CommonData><ofd:MaxUnitID>9</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>"#
                    ),
                ),
                file(
                    "Doc_0/Pages/Page_0/Content.xml",
                    format!(
                        r#"<ofd:Page xmlns:ofd="{NAMESPACE}"><ofd:Content><ofd:Layer ID="2" Type="Body"><ofd:TextObject ID="3" Boundary="30 30 100 20"><ofd:TextCode X="0" Y="5">济南某某商贸有限公司</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>"#
                    ),
                ),
            ],
            signatures: 0,
            extra: Vec::new(),
            describes: Describes {
                method: super::pki::SM2_SM3.to_owned(),
                check: "1.2.156.10197.1.401",
                time: "2026-06-01 10:00:00",
                kind: "Seal",
                without: Vec::new(),
                whole: false,
                seal_file: true,
                relative: false,
                prefix: "ofd:",
            },
        }
    }

    pub(crate) fn get(&self, name: &str) -> &[u8] {
        &self.files.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("{name}")).1
    }

    /// Replaces a file, or adds it.
    pub(crate) fn put(&mut self, name: &str, content: Vec<u8>) {
        match self.files.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) => *old = content,
            None => self.files.push((name.to_owned(), content)),
        }
    }

    pub(crate) fn replace(&mut self, name: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.get(name).to_vec()).unwrap();
        assert!(text.contains(from), "{from} is not in {name}");
        self.put(name, text.replace(from, to).into_bytes());
    }

    /// Path of the next signature's description.
    pub(crate) fn next(&self) -> String {
        format!("/Doc_0/Signs/Sign_{}/Signature.xml", self.signatures)
    }

    /// Adds a signature: describes the files as they are, has the description signed, and lists it.
    pub(crate) fn sign(&mut self, seal: Option<&[u8]>, value: impl Fn(&[u8]) -> Vec<u8>) {
        let folder = format!("Doc_0/Signs/Sign_{}", self.signatures);
        let slash = if self.describes.relative { "" } else { "/" };
        let says = self.describes.clone();
        let p = says.prefix;
        let xmlns = if p.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{}", p.trim_end_matches(':')) };
        self.signatures += 1;
        let entry = |i: usize, kind: &str| {
            format!(r#"<ofd:Signature ID="{}" Type="{kind}" BaseLoc="/Doc_0/Signs/Sign_{i}/Signature.xml"/>"#, i + 1)
        };
        let earlier = self.files.iter().find(|(name, _)| name == LIST).map(|(_, list)| {
            let list = String::from_utf8(list.clone()).unwrap();
            list.split_once("</ofd:MaxSignId>").unwrap().1.trim_end_matches("</ofd:Signatures>").to_owned()
        });
        let entries = format!("{}{}", earlier.unwrap_or_default(), entry(self.signatures - 1, says.kind));
        let list = format!(
            r#"<ofd:Signatures xmlns:ofd="{NAMESPACE}"><ofd:MaxSignId>{}</ofd:MaxSignId>{entries}</ofd:Signatures>"#,
            self.signatures
        );
        self.put(LIST, list.into_bytes());
        let seal_part = match seal.filter(|_| says.seal_file) {
            Some(seal) => {
                self.put(&format!("{folder}/Seal.esl"), seal.to_vec());
                format!("<{p}Seal><{p}BaseLoc>{slash}{folder}/Seal.esl</{p}BaseLoc></{p}Seal>")
            }
            None => String::new(),
        };
        let digest = DigestAlgorithm::from_name(says.check).unwrap_or(DigestAlgorithm::Sm3);
        let references: String = self
            .files
            .iter()
            .filter(|(name, _)| (says.whole || name != LIST) && !says.without.contains(&name.as_str()))
            .map(|(name, content)| (name, digest.digest(content)))
            .chain(self.extra.iter().map(|(name, digest)| (name, digest.clone())))
            .map(|(name, digest)| {
                let value = STANDARD.encode(digest);
                format!(
                    r#"<{p}Reference FileRef="{slash}{name}"><{p}CheckValue>{value}</{p}CheckValue></{p}Reference>"#
                )
            })
            .collect();
        let description = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><{p}Signature {xmlns}="{NAMESPACE}"><{p}SignedInfo><{p}Provider ProviderName="lab" Version="1.0"/><{p}SignatureMethod>{}</{p}SignatureMethod><{p}SignatureDateTime>{}</{p}SignatureDateTime><{p}References CheckMethod="{}">{references}</{p}References><{p}StampAnnot ID="1" PageRef="1" Boundary="140 200 40 40"/>{seal_part}</{p}SignedInfo><{p}SignedValue>{slash}{folder}/SignedValue.dat</{p}SignedValue></{p}Signature>"#,
            says.method, says.time, says.check
        )
        .into_bytes();
        let signed = value(&description);
        self.put(&format!("{folder}/Signature.xml"), description);
        self.put(&format!("{folder}/SignedValue.dat"), signed);
    }

    /// As a package.
    pub(crate) fn zip(&self) -> Vec<u8> {
        pack(&self.files)
    }
}

/// Packs files in order, always in the same way.
pub(crate) fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, content) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
