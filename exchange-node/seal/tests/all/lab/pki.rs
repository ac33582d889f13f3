//! Keys, certificates and CRLs.

use exchange_seal::digest::DigestAlgorithm;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use sm2::dsa::{SigningKey, signature::Signer as _};

use super::der::{bits, generalized, int, octets, oid, seq, set, tagged, tlv, utc, utf8};

pub(crate) const SM2_SM3: &str = "1.2.156.10197.1.501";

pub(crate) enum Key {
    Sm2(SigningKey),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl Key {
    /// The same for the same seed.
    pub(crate) fn sm2(seed: u8) -> Self {
        Self::Sm2(SigningKey::from_slice("1234567812345678", &[seed; 32]).unwrap())
    }

    /// The same for the same seed.
    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(crate) fn p256() -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref(), &random).unwrap())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sm2(key) => {
                let signature = key.sign(message).to_bytes();
                let number = |half: &[u8]| {
                    let start = half.iter().position(|byte| *byte != 0).unwrap();
                    let zero: &[u8] = if half[start] & 0x80 != 0 { &[0] } else { &[] };
                    tlv(2, &[zero, &half[start..]].concat())
                };
                seq(&[&number(&signature[..32]), &number(&signature[32..])])
            }
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::P256(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Sm2(_) => SM2_SM3,
            Self::Ed25519(_) => "1.3.101.112",
            Self::P256(_) => "1.2.840.10045.4.3.2",
        }
    }

    pub(crate) fn digest(&self) -> DigestAlgorithm {
        if matches!(self, Self::Sm2(_)) { DigestAlgorithm::Sm3 } else { DigestAlgorithm::Sha256 }
    }

    fn spki(&self) -> Vec<u8> {
        let ec = |curve, point: &[u8]| seq(&[&seq(&[&oid("1.2.840.10045.2.1"), &oid(curve)]), &bits(point)]);
        match self {
            Self::Sm2(key) => ec("1.2.156.10197.1.301", &key.verifying_key().to_sec1_bytes()),
            Self::P256(key) => ec("1.2.840.10045.3.1.7", key.public_key().as_ref()),
            Self::Ed25519(key) => seq(&[&seq(&[&oid("1.3.101.112")]), &bits(key.public_key().as_ref())]),
        }
    }
}

/// Somebody with a key and a certificate.
pub(crate) struct Party {
    pub(crate) name: &'static str,
    pub(crate) key: Key,
    pub(crate) certificate: Vec<u8>,
}

/// What a CRL speaks about (RFC 5280 section 5.2.5).
#[derive(Clone, Copy)]
pub(crate) enum Only {
    Everything,
    Point(&'static str),
    /// 1 users, 2 CAs, 4 indirect, 5 attributes.
    Flag(u8),
}

/// What a certificate says.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) serial: u16,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) is_ca: bool,
    /// First octet of the key usage: 0xc0 digitalSignature and nonRepudiation, 0x06 keyCertSign and cRLSign.
    pub(crate) usage: Option<u8>,
    pub(crate) extended: Option<&'static str>,
    pub(crate) crl_point: Option<&'static str>,
    /// With NULL as parameters, as some CAs write it.
    pub(crate) null: bool,
}

pub(crate) const LEAF: Says = Says {
    serial: 1000,
    from: "240101000000Z",
    to: "440101000000Z",
    is_ca: false,
    usage: Some(0xc0),
    extended: None,
    crl_point: None,
    null: false,
};

pub(crate) const CA: Says = Says { is_ca: true, usage: Some(0x06), ..LEAF };

pub(crate) fn name(text: &str) -> Vec<u8> {
    seq(&[&set(&[&seq(&[&oid("2.5.4.3"), &utf8(text)])])])
}

fn algorithm(key: &Key, null: bool) -> Vec<u8> {
    let parameters: &[u8] = if null { &[5, 0] } else { &[] };
    seq(&[&oid(key.algorithm()), parameters])
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    seq(&[&oid(id), flag, &octets(value)])
}

/// `fullName` with one URI.
fn point(uri: &str) -> Vec<u8> {
    tagged(0, &tagged(0, &tlv(0x86, uri.as_bytes())))
}

pub(crate) fn certify(subject: &str, key: &Key, issuer: &str, by: &Key, says: &Says) -> Vec<u8> {
    certify_key(subject, &key.spki(), issuer, by, says)
}

/// `spki`: the subject's public key, DER.
pub(crate) fn certify_key(subject: &str, spki: &[u8], issuer: &str, by: &Key, says: &Says) -> Vec<u8> {
    let mut extensions = Vec::new();
    if says.is_ca {
        extensions.extend(extension("2.5.29.19", true, &seq(&[&[1, 1, 0xff]])));
    }
    if let Some(usage) = says.usage {
        let unused = usage.trailing_zeros() as u8;
        extensions.extend(extension("2.5.29.15", true, &tlv(3, &[unused, usage])));
    }
    if let Some(purpose) = says.extended {
        extensions.extend(extension("2.5.29.37", true, &seq(&[&oid(purpose)])));
    }
    if let Some(uri) = says.crl_point {
        extensions.extend(extension("2.5.29.31", false, &seq(&[&seq(&[&point(uri)])])));
    }
    let algorithm = algorithm(by, says.null);
    let body = seq(&[
        &tagged(0, &int(2)),
        &int(says.serial),
        &algorithm,
        &name(issuer),
        &seq(&[&utc(says.from), &utc(says.to)]),
        &name(subject),
        spki,
        &if extensions.is_empty() { Vec::new() } else { tagged(3, &seq(&[&extensions])) },
    ]);
    seq(&[&body, &algorithm, &bits(&by.sign(&body))])
}

impl Party {
    pub(crate) fn root(name: &'static str, key: Key) -> Self {
        let certificate = certify(name, &key, name, &key, &Says { serial: 1, ..CA });
        Self { name, key, certificate }
    }

    pub(crate) fn issue(&self, name: &'static str, key: Key, says: &Says) -> Self {
        let certificate = certify(name, &key, self.name, &self.key, says);
        Self { name, key, certificate }
    }

    /// A CRL that withdraws these serials, each at a time, for a reason (RFC 5280 section 5.3.1).
    pub(crate) fn crl(&self, until: &str, withdrawn: &[(u16, &str, u8)], only: Only) -> Vec<u8> {
        let entries: Vec<u8> = withdrawn
            .iter()
            .flat_map(|(serial, since, reason)| {
                let reason = extension("2.5.29.21", false, &tlv(10, &[*reason]));
                seq(&[&int(*serial), &generalized(since), &seq(&[&reason])])
            })
            .collect();
        let mut extensions = extension("2.5.29.20", false, &int(7));
        match only {
            Only::Everything => {}
            Only::Point(uri) => extensions.extend(extension("2.5.29.28", true, &seq(&[&point(uri)]))),
            Only::Flag(number) => extensions.extend(extension("2.5.29.28", true, &seq(&[&[0x80 | number, 1, 0xff]]))),
        }
        let algorithm = algorithm(&self.key, false);
        let body = seq(&[
            &int(1),
            &algorithm,
            &name(self.name),
            &utc("260101000000Z"),
            &utc(until),
            &if entries.is_empty() { Vec::new() } else { seq(&[&entries]) },
            &tagged(0, &seq(&[&extensions])),
        ]);
        seq(&[&body, &algorithm, &bits(&self.key.sign(&body))])
    }
}
