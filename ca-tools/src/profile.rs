//! What a credential of each kind holds. A request decides none of it.

use exchange_core::{
    region::Region,
    spiffe::{Kind, Name, SpiffeId, TrustDomain},
    uscc::Uscc,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};

use crate::Error;

/// Kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// A city's node: server and client; DNS name `<name>.<region>.<trust domain>`; 90 days.
    Node,
    /// A calling system: client; a year.
    System,
    /// An operator: client; half a year.
    Operator,
    /// A department's signature on certificates; the name is its credit code; three years.
    Document,
    /// The province's signature on trust bundles; by the root; the name is the series; 400 days.
    Trust,
    /// A client of Kafka, or with host names a broker; by Kafka's own CA; 30 days.
    Kafka,
}

impl Profile {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Node, Self::System, Self::Operator, Self::Document, Self::Trust, Self::Kafka];

    /// As on the command line and in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::System => "system",
            Self::Operator => "operator",
            Self::Document => "document",
            Self::Trust => "trust",
            Self::Kafka => "kafka",
        }
    }

    /// Life where none is asked for, in days.
    #[must_use]
    pub const fn days(self) -> u32 {
        match self {
            Self::Node => 90,
            Self::System => 365,
            Self::Operator => 180,
            Self::Document => 3 * 365,
            Self::Trust => 400,
            Self::Kafka => 30,
        }
    }

    /// The identity of a region's subject.
    ///
    /// # Errors
    /// The name is none, or a department's code is wrong.
    pub(crate) fn identity(self, domain: &TrustDomain, region: Region, name: &str) -> Result<SpiffeId, Error> {
        let kind = match self {
            Self::Node => Kind::Node { region, name: Name::parse(name)? },
            Self::System => Kind::System { region, name: Name::parse(name)? },
            Self::Operator => Kind::Operator { region, name: Name::parse(name)? },
            Self::Document => Kind::Department { region, uscc: Uscc::parse(name)? },
            Self::Trust => Kind::Trust { series: Name::parse(name)? },
            Self::Kafka => Kind::Kafka { region, name: Name::parse(name)? },
        };
        Ok(SpiffeId { trust_domain: domain.clone(), kind })
    }

    fn purposes(self, broker: bool) -> Vec<ExtendedKeyUsagePurpose> {
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        match self {
            Self::Node => vec![ExtendedKeyUsagePurpose::ServerAuth, client],
            Self::Kafka if broker => vec![ExtendedKeyUsagePurpose::ServerAuth, client],
            Self::System | Self::Operator | Self::Kafka => vec![client],
            Self::Document | Self::Trust => vec![document_signing()],
        }
    }

    /// The fields of a leaf; serial and dates are the CA's.
    pub(crate) fn params(self, id: &SpiffeId, hosts: &[String]) -> Result<CertificateParams, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = self.subject(id, !hosts.is_empty());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.purposes(!hosts.is_empty());
        params.use_authority_key_identifier_extension = true;
        let bad = |e: rcgen::Error| Error::making("a name", e);
        params.subject_alt_names.push(SanType::URI(id.to_string().try_into().map_err(bad)?));
        let node = node_host(id);
        for host in node.iter().chain(hosts) {
            params.subject_alt_names.push(match host.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.as_str().try_into().map_err(bad)?),
            });
        }
        Ok(params)
    }

    /// Kafka's principal is the subject's CN: the region for a client, the name for a broker.
    fn subject(self, id: &SpiffeId, broker: bool) -> DistinguishedName {
        let mut subject = DistinguishedName::new();
        let region = id.region().map(|region| region.to_string());
        match (self, region) {
            (Self::Kafka, Some(region)) if !broker => subject.push(DnType::CommonName, region),
            (Self::Kafka, _) => subject.push(DnType::CommonName, id.kind.name()),
            (_, region) => {
                subject.push(DnType::OrganizationName, id.trust_domain.as_str());
                subject.push(DnType::OrganizationalUnitName, region.as_deref().unwrap_or("province"));
                subject.push(DnType::CommonName, format!("{} {}", id.kind.word(), id.kind.name()));
            }
        }
        subject
    }
}

/// The DNS name that a node's credential holds: `<name>.<region>.<trust domain>`; `None` for others.
#[must_use]
pub fn node_host(id: &SpiffeId) -> Option<String> {
    match &id.kind {
        Kind::Node { region, name } => Some(format!("{name}.{region}.{}", id.trust_domain)),
        _ => None,
    }
}

fn document_signing() -> ExtendedKeyUsagePurpose {
    // RFC 9336: id-kp-documentSigning
    ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
