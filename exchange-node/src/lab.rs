//! A small province for tests: a root, the CAs of 济南 and 青岛, a signed bundle, CRLs, credentials fit or spoilt.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::{
    clock::Clock,
    config,
    limits::Limits,
    net::Listener,
    policy::Policy,
    rpc,
    spawn::Tasks,
    tls::{self, Tls},
    trust::Trust,
};
use exchange_core::{
    bundle::{LogTrust, NodeAddress, PAYLOAD_TYPE, RegionTrust, TrustBundle},
    chain::Authority,
    checkpoint::LogKind,
    dsse::Envelope,
    region::Region,
    signature::SigningKey,
    spiffe::{Name, TrustDomain},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use time::OffsetDateTime;

pub(crate) const DAY_MS: u64 = 24 * 3_600_000;
pub(crate) const JINAN: &str = "370100";
pub(crate) const QINGDAO: &str = "370200";
pub(crate) const DOMAIN: &str = "sd.example.org";

pub(crate) fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

/// `spiffe://…/region/<code>/<kind>/<name>`.
pub(crate) fn uri(code: &str, kind: &str, name: &str) -> String {
    format!("spiffe://{DOMAIN}/region/{code}/{kind}/{name}")
}

fn at(ms: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(i64::try_from(ms / 1000).unwrap()).unwrap()
}

/// A key pair and the right to sign with it.
pub(crate) struct Ca {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) der: Vec<u8>,
    now_ms: u64,
}

/// A credential with its chain and key.
pub(crate) struct Leaf {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
}

impl Leaf {
    pub(crate) fn identity(&self) -> Arc<CertifiedKey> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = rustls::crypto::ring::default_provider();
        Arc::new(CertifiedKey::from_der(self.chain.clone(), key, &provider).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.chain.iter().map(|der| pem("CERTIFICATE", der)).collect()
    }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Ca {
    fn params(name: &str, path_length: u8, serial: u64, now_ms: u64) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = at(now_ms - 100 * DAY_MS);
        params.not_after = at(now_ms + 1000 * DAY_MS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    pub(crate) fn root(name: &str, now_ms: u64) -> Self {
        let (params, key) = (Self::params(name, 1, 1, now_ms), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der, now_ms }
    }

    pub(crate) fn below(&self, name: &str, serial: u64) -> Self {
        let (params, key) = (Self::params(name, 0, serial, self.now_ms), KeyPair::generate().unwrap());
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der, now_ms: self.now_ms }
    }

    pub(crate) fn spki_sha256(&self) -> [u8; 32] {
        Authority::parse(&self.der).unwrap().spki_sha256
    }

    /// A credential that fits the kind in its URI.
    pub(crate) fn leaf(&self, uri: &str, serial: u64) -> Leaf {
        self.spoilt(uri, serial, |_| {})
    }

    /// A credential with something changed.
    pub(crate) fn spoilt(&self, uri: &str, serial: u64, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = self.leaf_params(uri, serial);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Leaf { chain: vec![leaf, self.der.clone().into()], key }
    }

    pub(crate) fn leaf_params(&self, uri: &str, serial: u64) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "leaf");
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = at(self.now_ms - 10 * DAY_MS);
        params.not_after = at(self.now_ms + 30 * DAY_MS);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        params.extended_key_usages = match uri {
            uri if uri.contains("/department/") || uri.contains("/trust/") => vec![document_signing()],
            uri if uri.contains("/node/") => vec![ExtendedKeyUsagePurpose::ServerAuth, client],
            _ => vec![client],
        };
        params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        if let Some(code) = uri.split('/').nth(4).filter(|_| uri.contains("/node/")) {
            params.subject_alt_names.push(SanType::DnsName(host(code).try_into().unwrap()));
        }
        params
    }

    /// A CRL that is due `next_update_ms`, made eight days before.
    pub(crate) fn crl_until(&self, number: u64, revoked: &[u64], next_update_ms: u64) -> Vec<u8> {
        let this_update = at(next_update_ms - 8 * DAY_MS);
        let params = CertificateRevocationListParams {
            this_update,
            next_update: at(next_update_ms),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: this_update,
                    reason_code: Some(RevocationReason::CessationOfOperation),
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    pub(crate) fn crl(&self, number: u64, revoked: &[u64]) -> Vec<u8> {
        self.crl_until(number, revoked, self.now_ms + 7 * DAY_MS)
    }
}

pub(crate) fn document_signing() -> ExtendedKeyUsagePurpose {
    ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])
}

/// The DNS name of a region's node.
pub(crate) fn host(code: &str) -> String {
    format!("node.{code}.{DOMAIN}")
}

/// The province.
pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) now_ms: u64,
    pub(crate) root: Ca,
    pub(crate) jinan: Ca,
    pub(crate) qingdao: Ca,
    pub(crate) bundle: TrustBundle,
    trust: Leaf,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Clock::default();
        let now_ms = clock.now_ms();
        let root = Ca::root("root", now_ms);
        let (jinan, qingdao) = (root.below("jinan", 11), root.below("qingdao", 12));
        let trust = root.leaf(&format!("spiffe://{DOMAIN}/trust/2026"), 13);
        let regions = [(JINAN, "济南市", &jinan), (QINGDAO, "青岛市", &qingdao)].map(|(code, name, ca)| {
            let log =
                |kind, key| LogTrust { kind, epoch: 1, public_key: key, from_size: 0, to_size: None, closing: None };
            let trust = RegionTrust {
                name: name.to_owned(),
                nodes: vec![NodeAddress { address: "127.0.0.1:1".to_owned(), server_name: host(code) }],
                ca_spki_sha256: vec![ca.spki_sha256()],
                logs: vec![log(LogKind::Events, log_key(code, 1).1), log(LogKind::Access, log_key(code, 2).1)],
                ..RegionTrust::default()
            };
            (region(code), trust)
        });
        let bundle = TrustBundle {
            trust_domain: TrustDomain::parse(DOMAIN).unwrap(),
            province: region("370000"),
            series: Name::parse("2026").unwrap(),
            number: 1,
            issued_at_ms: now_ms - DAY_MS,
            expires_at_ms: now_ms + 90 * DAY_MS,
            roots: vec![root.der.clone()],
            regions: BTreeMap::from(regions),
            bodies: Vec::new(),
            custody: Vec::new(),
            seal_anchors: Vec::new(),
            seal_trust: Default::default(),
        };
        Self { folder: tempfile::tempdir().unwrap(), clock, now_ms, root, jinan, qingdao, bundle, trust }
    }

    /// The bundle as changed and numbered, signed.
    pub(crate) fn bundle(&self, number: u64, change: impl FnOnce(&mut TrustBundle)) -> Vec<u8> {
        let mut bundle = self.bundle.clone();
        bundle.number = number;
        change(&mut bundle);
        self.signed(&bundle, &self.trust)
    }

    pub(crate) fn signed(&self, bundle: &TrustBundle, by: &Leaf) -> Vec<u8> {
        let random = crate::random::Random::new();
        let key = SigningKey::from_pkcs8_der(&by.key.serialize_der(), random.secure()).unwrap();
        let key_id = ring::digest::digest(&ring::digest::SHA256, &by.chain[0]).as_ref().try_into().unwrap();
        let payload = exchange_proto::bundle::encode(bundle);
        let envelope = Envelope::sign(PAYLOAD_TYPE, payload, key_id, &key, random.secure()).unwrap();
        exchange_proto::bundle::encode_signed(&envelope, &by.chain[0])
    }

    /// Root, bundle and the given CRLs as files.
    pub(crate) fn files(&self, crls: &[Vec<u8>]) -> config::Trust {
        let write = |name: &str, bytes: &[u8]| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        config::Trust {
            roots: vec![write("root.pem", pem("CERTIFICATE", &self.root.der).as_bytes())],
            bundle: write("bundle", &self.bundle(1, |_| {})),
            crls: crls.iter().enumerate().map(|(index, crl)| write(&format!("{index}.crl"), crl)).collect(),
            seal_crls: None,
            crl_grace_hours: 24,
        }
    }

    /// A current CRL of every CA.
    pub(crate) fn crls(&self) -> Vec<Vec<u8>> {
        [&self.root, &self.jinan, &self.qingdao].map(|ca| ca.crl(1, &[])).to_vec()
    }

    pub(crate) fn trust(&self) -> Arc<Trust> {
        self.trust_with(&self.crls())
    }

    pub(crate) fn trust_with(&self, crls: &[Vec<u8>]) -> Arc<Trust> {
        Trust::load(&self.files(crls), &[], self.clock.clone()).unwrap()
    }

    /// The node of 济南, serving health and reflection.
    pub(crate) async fn serve(&self, trust: Arc<Trust>) -> Served {
        self.serve_with(trust, &config::Limits::default(), Duration::from_secs(2)).await
    }

    pub(crate) async fn serve_with(
        &self,
        trust: Arc<Trust>,
        limits: &config::Limits,
        longest_handshake: Duration,
    ) -> Served {
        let tasks = Tasks::default();
        let identity = self.jinan.leaf(&uri(JINAN, "node", "node-1"), 100).identity();
        let tls = Tls::new(trust, identity, self.clock.clone()).unwrap();
        tasks.spawn(Arc::clone(&tls).follow(tasks.clone()));
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_address().unwrap();
        let bounds = tls::HandshakeLimits { longest: longest_handshake, ..tls::HandshakeLimits::from(limits) };
        let incoming = tls.accept(listener, bounds, &tasks);
        let calls = Arc::new(Limits::new(limits, self.clock.clone()));
        let policy = Policy::new(region(JINAN), region("370000"), &BTreeMap::new()).unwrap();
        let (router, _) = rpc::router(rpc::server(limits, calls), Arc::new(policy)).unwrap();
        tasks.spawn(async move { router.serve_with_incoming(incoming).await });
        Served { address, tls, tasks }
    }
}

/// A running node.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<Tls>,
    pub(crate) tasks: Tasks,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// PKCS#8 and public key of a log, the same for the same region and number.
pub(crate) fn log_key(code: &str, number: u8) -> (Vec<u8>, [u8; 32]) {
    let seed: [u8; 32] = ring::digest::digest(&ring::digest::SHA256, &[code.as_bytes(), &[number]].concat())
        .as_ref()
        .try_into()
        .unwrap();
    // RFC 8410 section 7.
    let der = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &seed].concat();
    let key = exchange_core::note::LogKey::from_seed("lab", &seed).unwrap();
    (der, *key.verifier().key())
}
