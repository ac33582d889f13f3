//! Seals, seal signatures, time stamps and signed data.

use exchange_seal::digest::DigestAlgorithm;

use super::{
    der::{bits, generalized, ia5, int, octets, oid, seq, set, tagged, tlv, utc, utf8},
    pki::{Key, Party},
};

pub(crate) const V1: u16 = 1;
pub(crate) const V4: u16 = 4;
pub(crate) const V5: u16 = 5;

/// What a seal says. Times without century where the version has UTCTime.
pub(crate) struct Seal<'a> {
    pub(crate) version: u16,
    pub(crate) maker: &'a Party,
    pub(crate) signers: Vec<Vec<u8>>,
    /// List digests of the certificates instead.
    pub(crate) digests: bool,
    pub(crate) created: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// A critical extension nobody knows.
    pub(crate) critical: bool,
    pub(crate) stamp: Option<(&'a Party, &'a str)>,
}

impl<'a> Seal<'a> {
    pub(crate) fn new(version: u16, maker: &'a Party, signers: &[&Party]) -> Self {
        Self {
            version,
            maker,
            signers: signers.iter().map(|party| party.certificate.clone()).collect(),
            digests: false,
            created: "20260101000000Z",
            from: "20260101000000Z",
            to: "20360101000000Z",
            critical: false,
            stamp: None,
        }
    }

    fn info(&self) -> Vec<u8> {
        let time = |text: &str| if self.version == V1 { utc(&text[2..]) } else { generalized(text) };
        let list: Vec<u8> = self
            .signers
            .iter()
            .flat_map(|certificate| {
                if self.digests {
                    seq(&[&tlv(0x13, b"SM3"), &octets(&DigestAlgorithm::Sm3.digest(certificate))])
                } else {
                    octets(certificate)
                }
            })
            .collect();
        let kind = if self.version == V1 { Vec::new() } else { int(if self.digests { 2 } else { 1 }) };
        let extensions =
            if self.critical { seq(&[&seq(&[&oid("1.2.3.4"), &[1, 1, 0xff], &octets(b"?")])]) } else { Vec::new() };
        seq(&[
            &seq(&[&ia5("ES"), &int(self.version), &ia5("exchange-lab")]),
            &ia5("37010000000001"),
            &seq(&[
                &int(1),
                &utf8("济南市某局测试用章"),
                &kind,
                &seq(&[&list]),
                &time(self.created),
                &time(self.from),
                &time(self.to),
            ]),
            &seq(&[&ia5("PNG"), &octets(b"no picture"), &int(40), &int(40)]),
            &extensions,
        ])
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let info = self.info();
        let by = [octets(&self.maker.certificate), oid(self.maker.key.algorithm())].concat();
        if self.version == V1 {
            let signature = self.maker.key.sign(&seq(&[&info, &by]));
            return seq(&[&info, &seq(&[&by, &bits(&signature)])]);
        }
        let signature = self.maker.key.sign(&info);
        let stamp = self.stamp.map_or(Vec::new(), |(by, at)| tagged(0, &bits(&token(by, at, &signature))));
        seq(&[&info, &by, &bits(&signature), &stamp])
    }
}

/// What a seal signature says.
pub(crate) struct Signing<'a> {
    pub(crate) version: u16,
    pub(crate) seal: &'a [u8],
    pub(crate) signer: &'a Party,
    pub(crate) at: &'a str,
    pub(crate) property: &'a str,
    pub(crate) stamp: Option<(&'a Party, &'a str)>,
}

/// `[0] EXPLICIT` extensions with a critical one that nobody knows.
pub(crate) fn unknown_extension() -> Vec<u8> {
    tagged(0, &seq(&[&seq(&[&oid("1.2.3.4"), &[1, 1, 0xff], &octets(b"?")])]))
}

impl Signing<'_> {
    /// Signs a description.
    pub(crate) fn der(&self, description: &[u8]) -> Vec<u8> {
        self.der_with(description, self.version, &[])
    }

    /// Signs a description, with another version and with more at the end of what is signed.
    pub(crate) fn der_with(&self, description: &[u8], version: u16, more: &[u8]) -> Vec<u8> {
        let hash = self.signer.key.digest().digest(description);
        let time = if self.version == V1 { bits(self.at.as_bytes()) } else { generalized(self.at) };
        let by = [octets(&self.signer.certificate), oid(self.signer.key.algorithm())].concat();
        let inside: &[u8] = if self.version == V1 { &by } else { &[] };
        let body = seq(&[&int(version), self.seal, &time, &bits(&hash), &ia5(self.property), inside, more]);
        let signature = self.signer.key.sign(&body);
        if self.version == V1 {
            return seq(&[&body, &bits(&signature)]);
        }
        let stamp = self.stamp.map_or(Vec::new(), |(by, at)| tagged(0, &bits(&token(by, at, &signature))));
        seq(&[&body, &by, &bits(&signature), &stamp])
    }
}

impl Signing<'_> {
    /// Signs a description, with a time stamp token that is made elsewhere.
    pub(crate) fn with_token(&self, description: &[u8], token: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let plain = exchange_seal::ses::SealSignature::parse(&self.der(description)).unwrap();
        let by = [octets(&self.signer.certificate), oid(self.signer.key.algorithm())].concat();
        seq(&[&plain.signed, &by, &bits(&plain.signature), &tagged(0, &bits(&token(&plain.signature)))])
    }
}

/// A time stamp token (RFC 3161) over a signature's value.
pub(crate) fn token(authority: &Party, at: &str, signature: &[u8]) -> Vec<u8> {
    let digest = authority.key.digest();
    let info = seq(&[
        &int(1),
        &oid("1.2.3.4.1"),
        &seq(&[&algorithm(digest), &octets(&digest.digest(signature))]),
        &int(77),
        &generalized(at),
        &[1, 1, 0xff],
        &int(4711),
    ]);
    signed_data(authority, "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4", Some(&info), true, &info)
}

fn algorithm(digest: DigestAlgorithm) -> Vec<u8> {
    let (_, id, _) = DigestAlgorithm::ALL.iter().find(|(known, ..)| *known == digest).unwrap();
    seq(&[&oid(&id.to_string())])
}

/// Signed data of one signer. `content`: what is in it; `message`: what is signed.
pub(crate) fn signed_data(
    signer: &Party,
    kind: &str,
    content_type: &str,
    content: Option<&[u8]>,
    with_attributes: bool,
    message: &[u8],
) -> Vec<u8> {
    let digest = signer.key.digest();
    let attribute = |id: &str, value: &[u8]| seq(&[&oid(id), &set(&[value])]);
    let attributes = set(&[
        &attribute("1.2.840.113549.1.9.3", &oid(content_type)),
        &attribute("1.2.840.113549.1.9.4", &octets(&digest.digest(message))),
    ]);
    let (signature, attributes) = if with_attributes {
        let mut implicit = attributes.clone();
        implicit[0] = 0xa0;
        (signer.key.sign(&attributes), implicit)
    } else {
        (signer.key.sign(message), Vec::new())
    };
    let (issuer, serial) = issuer_and_serial(&signer.certificate);
    let how = if matches!(signer.key, Key::Sm2(_)) { "1.2.156.10197.1.301.1" } else { signer.key.algorithm() };
    let info = seq(&[
        &int(1),
        &seq(&[&issuer, &serial]),
        &algorithm(digest),
        &attributes,
        &seq(&[&oid(how)]),
        &octets(&signature),
    ]);
    let content = content.map_or(Vec::new(), |content| tagged(0, &octets(content)));
    seq(&[
        &oid(kind),
        &tagged(
            0,
            &seq(&[
                &int(3),
                &set(&[&algorithm(digest)]),
                &seq(&[&oid(content_type), &content]),
                &tagged(0, &signer.certificate),
                &set(&[&info]),
            ]),
        ),
    ])
}

fn issuer_and_serial(certificate: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let parsed = exchange_seal::certificate::Certificate::parse(certificate).unwrap();
    (parsed.issuer_der, tlv(2, &parsed.serial))
}
