//! A small province for tests: a root, two cities' CAs, credentials and CRLs, at fixed times.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;

use super::{Authority, Crl, CrlSet, Roots};
use crate::{
    bundle::{RegionTrust, TrustBundle},
    region::Region,
    spiffe::{Name, TrustDomain},
};

pub(crate) const DAY_MS: u64 = 24 * 3600 * 1000;
/// 2026-07-01T00:00:00Z
pub(crate) const NOW_MS: u64 = 1_782_864_000_000;
pub(crate) const DOMAIN: &str = "sd.example.org";

pub(crate) fn at(ms: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(i64::try_from(ms / 1000).unwrap()).unwrap()
}

pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) der: Vec<u8>,
}

pub(crate) fn ca_params(name: &str, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(u64::from(path_length) + 0x40));
    params.not_before = at(NOW_MS - 100 * DAY_MS);
    params.not_after = at(NOW_MS + 1000 * DAY_MS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A fit leaf of the kind that its URI names; tests spoil one thing of it.
pub(crate) fn leaf_params(uri: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = at(NOW_MS - 10 * DAY_MS);
    params.not_after = at(NOW_MS + 10 * DAY_MS);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = if uri.contains("/department/") || uri.contains("/trust/") {
        vec![document_signing()]
    } else if uri.contains("/node/") {
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
    } else {
        vec![ExtendedKeyUsagePurpose::ClientAuth]
    };
    params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
    params
}

pub(crate) fn document_signing() -> ExtendedKeyUsagePurpose {
    ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

impl Ca {
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(ca_params(name, 1))
    }

    pub(crate) fn root_with(params: CertificateParams) -> Self {
        let key = key();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    pub(crate) fn below(&self, params: CertificateParams) -> Self {
        let key = key();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    pub(crate) fn leaf(&self, params: &CertificateParams) -> Vec<u8> {
        self.leaf_of(params, &key())
    }

    pub(crate) fn leaf_of(&self, params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
        params.signed_by(key, &self.issuer).unwrap().der().to_vec()
    }

    pub(crate) fn authority(&self) -> Authority {
        Authority::parse(&self.der).unwrap()
    }

    pub(crate) fn crl(&self, number: u64, revoked: Vec<RevokedCertParams>) -> Crl {
        self.crl_until(number, revoked, NOW_MS + 7 * DAY_MS)
    }

    pub(crate) fn crl_until(&self, number: u64, revoked: Vec<RevokedCertParams>, next_update_ms: u64) -> Crl {
        let params = CertificateRevocationListParams {
            this_update: at(next_update_ms - 8 * DAY_MS),
            next_update: at(next_update_ms),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Crl::parse(params.signed_by(&self.issuer).unwrap().der()).unwrap()
    }
}

pub(crate) fn revoked(
    serial: u64,
    reason: RevocationReason,
    since_ms: u64,
    invalid_ms: Option<u64>,
) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: at(since_ms),
        reason_code: Some(reason),
        invalidity_date: invalid_ms.map(at),
    }
}

/// Root, two cities with a CA each, the bundle that binds them, and a current CRL of all three.
pub(crate) struct Province {
    pub(crate) root: Ca,
    pub(crate) jinan: Ca,
    pub(crate) qingdao: Ca,
    pub(crate) roots: Roots,
    pub(crate) bundle: TrustBundle,
    pub(crate) crls: CrlSet,
}

pub(crate) const JINAN_NODE: &str = "spiffe://sd.example.org/region/370100/node/node-1";

impl Province {
    pub(crate) fn new() -> Self {
        let root = Ca::root("root");
        let jinan = root.below(ca_params("jinan", 0));
        let qingdao = root.below({
            let mut params = ca_params("qingdao", 0);
            params.serial_number = Some(SerialNumber::from(0x77));
            params
        });
        let roots = Roots::new(vec![root.authority()]).unwrap();
        let mut regions = BTreeMap::new();
        for (region, ca) in [("370100", &jinan), ("370200", &qingdao)] {
            let trust = RegionTrust {
                name: region.to_owned(),
                ca_spki_sha256: vec![ca.authority().spki_sha256],
                ..RegionTrust::default()
            };
            regions.insert(Region::parse(region).unwrap(), trust);
        }
        let bundle = TrustBundle {
            trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
            province: Region::parse("370000").unwrap(),
            series: Name::parse("2026").unwrap(),
            number: 1,
            issued_at_ms: NOW_MS - DAY_MS,
            expires_at_ms: NOW_MS + 30 * DAY_MS,
            roots: vec![root.der.clone()],
            regions,
            bodies: Vec::new(),
            custody: Vec::new(),
            seal_anchors: Vec::new(),
            seal_trust: Default::default(),
        };
        let mut crls = CrlSet::new();
        for ca in [&root, &jinan, &qingdao] {
            crls.add(ca.crl(1, Vec::new()), &[ca.authority()]).unwrap();
        }
        Self { root, jinan, qingdao, roots, bundle, crls }
    }

    pub(crate) fn basis(&self) -> super::Basis<'_> {
        super::Basis {
            roots: &self.roots,
            bundle: &self.bundle,
            crls: &self.crls,
            at_ms: NOW_MS,
            crl_grace_ms: 0,
            admit_stale_crl: false,
        }
    }
}
