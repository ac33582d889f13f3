//! Makes keys, certificates, CRLs, seals, time stamps and documents, right ones and wrong ones, with fixed SM2 and Ed25519
//! keys, so that the same is made every time.

pub(crate) mod der;
pub(crate) mod document;
pub(crate) mod pki;
pub(crate) mod seal;

use exchange_seal::{Anchors, Report, crl::Crls, verify};
use std::io::Cursor;

use self::{
    document::Document,
    pki::{Key, LEAF, Only, Party, Says},
    seal::{Seal, Signing},
};

pub(crate) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// The moment of most judgements.
pub(crate) const NOW: &str = "20261125000000Z";
/// The moment of most signatures.
pub(crate) const SIGNED: &str = "20260601020000Z";

/// A root, a seal maker, two signers and a time stamp authority.
pub(crate) struct World {
    pub(crate) root: Party,
    pub(crate) maker: Party,
    pub(crate) signer: Party,
    pub(crate) other: Party,
    pub(crate) stamper: Party,
    /// Made once: judgements are many.
    anchors: Anchors,
    crls: Crls,
}

impl World {
    fn of(key: impl Fn(u8) -> Key) -> Self {
        let root = Party::root("Lab Root", key(1));
        let stamping = Says { serial: 1004, extended: Some(TIME_STAMPING), usage: Some(0xc0), ..LEAF };
        let anchors = crate::pinned(&root.certificate);
        let crls = withdrawing(&root, &[]);
        Self {
            maker: root.issue(
                "Lab Seal Maker",
                key(2),
                &Says { serial: 1001, null: matches!(root.key, Key::Sm2(_)), ..LEAF },
            ),
            signer: root.issue("Lab Signer", key(3), &Says { serial: 1002, ..LEAF }),
            other: root.issue("Lab Other Signer", key(4), &Says { serial: 1003, ..LEAF }),
            stamper: root.issue("Lab Time", key(5), &stamping),
            root,
            anchors,
            crls,
        }
    }

    pub(crate) fn sm2() -> Self {
        Self::of(Key::sm2)
    }

    pub(crate) fn ed25519() -> Self {
        Self::of(Key::ed25519)
    }

    pub(crate) fn p256() -> Self {
        Self::of(|_| Key::p256())
    }

    pub(crate) fn anchors(&self) -> Anchors {
        self.anchors.clone()
    }

    /// A CRL that withdraws nothing.
    pub(crate) fn crls(&self) -> Crls {
        self.crls.clone()
    }

    pub(crate) fn withdrawing(&self, withdrawn: &[(u16, &str, u8)]) -> Crls {
        withdrawing(&self.root, withdrawn)
    }

    /// A seal that lists the signer.
    pub(crate) fn seal(&self, version: u16) -> Vec<u8> {
        Seal::new(version, &self.maker, &[&self.signer]).der()
    }

    /// A document whose `Signature.xml` names this world's algorithms.
    pub(crate) fn blank(&self) -> Document {
        let mut document = Document::new();
        document.describes.method = self.signer.key.algorithm().to_owned();
        if self.signer.key.algorithm() != pki::SM2_SM3 {
            document.describes.check = "SHA-256";
        }
        document
    }

    /// Puts a seal on a document.
    pub(crate) fn stamp(&self, document: &mut Document, version: u16, seal: &[u8], signer: &Party, at: &str) {
        let property = document.next();
        let signing = Signing { version, seal, signer, at, property: &property, stamp: None };
        document.sign(Some(seal), |description| signing.der(description));
    }

    /// A document with one seal, in which everything holds.
    pub(crate) fn sealed(&self, version: u16) -> Document {
        let mut document = self.blank();
        // A v1 time is text, without a zone, in China.
        let at = if version == seal::V1 { "2026-06-01 10:00:00" } else { SIGNED };
        self.stamp(&mut document, version, &self.seal(version), &self.signer, at);
        document
    }

    /// Judged now, by this world's root and CRL.
    pub(crate) fn judge(&self, document: &Document) -> Report {
        self.judge_bytes(document.zip())
    }

    pub(crate) fn judge_bytes(&self, bytes: Vec<u8>) -> Report {
        verify(Cursor::new(bytes), &crate::basis(&self.anchors, &self.crls, NOW))
    }

    pub(crate) fn judge_by(&self, document: &Document, crls: &Crls, now: &str) -> Report {
        verify(Cursor::new(document.zip()), &crate::basis(&self.anchors, crls, now))
    }
}

fn withdrawing(root: &Party, withdrawn: &[(u16, &str, u8)]) -> Crls {
    let crl = root.crl("400101000000Z", withdrawn, Only::Everything);
    Crls::new(vec![exchange_seal::crl::Crl::parse(&crl).unwrap()])
}
