//! Documents, and an office that seals them.

use anyhow::{Context, Result};
use ca_tools::{
    files, keyfile,
    seals::{SealCa, SealProfile},
    seams,
};
use exchange_core::{chain::Instant, spiffe::TrustDomain};
use exchange_seal::{
    Anchors, Basis, Limits,
    algorithm::Algorithm,
    crl::{Crl, Crls},
    make::{Credential, Place, PrivateKey, SealTerms, Stamp, seal},
    ses::{Picture, SignerList, Version},
};
use ring::rand::SecureRandom;
use std::{
    io::{Cursor, Seek, Write},
    path::Path,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Where seals are put.
pub(super) const PLACE: Place = Place { page: 1, x_mm: 140.0, y_mm: 200.0, width_mm: 40.0, height_mm: 40.0 };
/// Bytes of the embedded font and of the seal's picture; neither can be packed.
const FONT: usize = 12_000;
const PICTURE: usize = 4_000;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
const SPACE: &str = r#"xmlns:ofd="http://www.ofdspec.org/2016""#;

/// An OFD document without a seal.
pub(super) struct Document(pub(super) Vec<u8>);

impl Document {
    /// A licence of one page with some fields and an embedded font.
    pub(super) fn licence() -> Result<Self> {
        let mut bytes = Cursor::new(Vec::new());
        write(&mut bytes, FONT)?;
        Ok(Self(bytes.into_inner()))
    }
}

/// Writes a document whose font has so many bytes.
pub(super) fn write(out: impl Write + Seek, font: usize) -> Result<()> {
    let fields: String = (0..12_u32)
        .map(|i| {
            let (id, y) = (10 + i, 40 + 12 * i);
            format!(
                r#"<ofd:TextObject ID="{id}" Boundary="30 {y} 150 10" Font="3" Size="5"><ofd:TextCode X="0" Y="5">统一社会信用代码：91370100MA3ABCDE{id}</ofd:TextCode></ofd:TextObject>"#
            )
        })
        .collect();
    let small = [
        (
            "OFD.xml",
            format!(
                r#"{HEAD}<ofd:OFD {SPACE} Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID><ofd:Title>营业执照</ofd:Title></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"#
            ),
        ),
        (
            "Doc_0/Document.xml",
            format!(
                r#"{HEAD}<ofd:Document {SPACE}><ofd:CommonData><ofd:MaxUnitID>100</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>"#
            ),
        ),
        (
            "Doc_0/PublicRes.xml",
            format!(
                r#"{HEAD}<ofd:Res {SPACE} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="3" FontName="F" FamilyName="F"><ofd:FontFile>font_3.ttf</ofd:FontFile></ofd:Font></ofd:Fonts></ofd:Res>"#
            ),
        ),
        (
            "Doc_0/Pages/Page_0/Content.xml",
            format!(
                r#"{HEAD}<ofd:Page {SPACE}><ofd:Content><ofd:Layer ID="2" Type="Body">{fields}</ofd:Layer></ofd:Content></ofd:Page>"#
            ),
        ),
    ];
    let mut writer = ZipWriter::new(out);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in small {
        writer.start_file(name, options)?;
        writer.write_all(content.as_bytes())?;
    }
    writer.start_file("Doc_0/Res/font_3.ttf", options.compression_level(Some(1)))?;
    let mut left = font;
    while left > 0 {
        let piece = noise(left.min(1 << 20))?;
        writer.write_all(&piece)?;
        left -= piece.len();
    }
    writer.finish()?;
    Ok(())
}

fn noise(count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    seams::rng().fill(&mut bytes).ok().context("no random bytes")?;
    Ok(bytes)
}

/// An authority, a maker, and an office with a seal.
pub(super) struct Office {
    seal: Vec<u8>,
    signer: Credential,
    anchors: Anchors,
    crl: Crl,
    /// With what was found good.
    pub(super) crls: Crls,
    now: Instant,
}

impl Office {
    pub(super) fn new(algorithm: Algorithm) -> Result<Self> {
        let now_ms = seams::now_ms();
        let now = Instant(now_ms / 1000 * 1000);
        let domain = TrustDomain::parse("sd.example.org")?;
        let mut ca = SealCa::new(&domain, algorithm, SealCa::OPTIONS, now_ms)?;
        let mut credential = |profile, name: &str| {
            let key = PrivateKey::generate(algorithm, &seams::rng())?;
            let issued = ca.issue(profile, name, key.public(), None, now_ms)?;
            anyhow::Ok(Credential::new(key, &issued.certificate.der)?)
        };
        let (maker, signer) = (credential(SealProfile::Maker, "maker")?, credential(SealProfile::Signer, "signer")?);
        let terms = SealTerms {
            version: Version::V4,
            vendor: "exchange".to_owned(),
            id: "37010000000001".to_owned(),
            kind: 1,
            name: "测试章".to_owned(),
            signers: SignerList::Certificates(vec![signer.certificate().der.clone()]),
            created: now,
            valid_from: now,
            valid_to: Instant(now.0 + 365 * 24 * 3_600_000),
            picture: Picture { format: "PNG".to_owned(), data: noise(PICTURE)?, width_mm: 40, height_mm: 40 },
            extensions: Vec::new(),
        };
        let seal = seal(&terms, &maker, &seams::rng())?;
        let certificate = ca.certificate().clone();
        let anchors = Anchors { makers: vec![certificate.clone()], signers: vec![certificate], ..Anchors::default() };
        let crl = Crl::parse(ca.crl().context("no CRL")?)?;
        let crls = Crls::new(vec![crl.clone()]);
        Ok(Self { seal, signer, anchors, crl, crls, now })
    }

    /// The CRL as it is before anything was verified.
    pub(super) fn unproven(&self) -> Crls {
        Crls::new(vec![self.crl.clone()])
    }

    pub(super) fn basis<'a>(&'a self, crls: &'a Crls) -> Basis<'a> {
        Basis {
            anchors: &self.anchors,
            crls,
            signers: &[],
            now: self.now,
            crl_grace_ms: 0,
            without_crl: false,
            limits: Limits::DEFAULT,
        }
    }

    pub(super) fn order<'a>(&'a self, places: &'a [Place]) -> Stamp<'a> {
        Stamp { seal: &self.seal, signer: &self.signer, places, at: self.now, document: 0, limits: Limits::DEFAULT }
    }

    /// `seal.esl`, `signer.key`, `signer.crt`.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        std::fs::write(folder.join("seal.esl"), &self.seal)?;
        let key = folder.join("signer.key");
        if key.exists() {
            std::fs::remove_file(&key)?;
        }
        keyfile::write(&key, &self.signer.key().to_pkcs8()?, None)?;
        let certificate = files::pem(files::CERTIFICATE, &self.signer.certificate().der);
        std::fs::write(folder.join("signer.crt"), certificate)?;
        Ok(())
    }
}
