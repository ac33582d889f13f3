//! What a CA is asked for, and what it gives.

use exchange_core::{chain::Serial, region::Region, spiffe::SpiffeId};

use crate::{
    Error, Profile,
    files::{CERTIFICATE, pem},
};

/// Whom a CA speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Names the cities' CAs and the trust key.
    Root,
    /// Names one region's nodes, systems, operators and departments.
    Region(Region),
    /// Names the clients and brokers of Kafka; a root of its own, which nothing else believes.
    Kafka,
}

/// How long what a CA makes about itself lives.
#[derive(Debug, Clone, Copy)]
pub struct CaOptions {
    /// Life of the CA, in days.
    pub days: u32,
    /// Time to the next CRL, in days.
    pub crl_days: u32,
}

impl Scope {
    /// A root lives ten years and says something new twice a year; a city's CA five years and monthly.
    #[must_use]
    pub const fn options(self) -> CaOptions {
        match self {
            Self::Root => CaOptions { days: 3650, crl_days: 180 },
            Self::Region(_) | Self::Kafka => CaOptions { days: 5 * 365, crl_days: 30 },
        }
    }

    pub(super) fn text(self) -> String {
        match self {
            Self::Root => "root".to_owned(),
            Self::Kafka => "kafka".to_owned(),
            Self::Region(region) => region.to_string(),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "root" => Self::Root,
            "kafka" => Self::Kafka,
            region => Self::Region(Region::parse(region)?),
        })
    }
}

/// What is to be issued.
#[derive(Debug, Clone)]
pub struct Issue<'a> {
    /// Which kind.
    pub profile: Profile,
    /// The last part of the identity: a name, a department's code, a series.
    pub name: &'a str,
    /// Whose; needed by [`Profile::Kafka`], else the CA's own.
    pub region: Option<Region>,
    /// Further DNS names or addresses: of a Kafka broker; for other profiles refused.
    pub hosts: &'a [String],
    /// Life in days; the profile's where `None`, never beyond the CA's own end.
    pub days: Option<u32>,
}

impl<'a> Issue<'a> {
    /// With what the profile says.
    #[must_use]
    pub const fn new(profile: Profile, name: &'a str) -> Self {
        Self { profile, name, region: None, hosts: &[], days: None }
    }
}

/// A new credential.
#[derive(Debug, Clone)]
pub struct Issued {
    /// DER.
    pub der: Vec<u8>,
    /// What TLS presents and `CredentialPublished` carries, DER: the leaf, and the CA's certificate unless that is a root.
    pub chain: Vec<Vec<u8>>,
    /// Whose.
    pub id: SpiffeId,
    /// Of this CA.
    pub serial: Serial,
}

impl Issued {
    /// The chain in PEM.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| pem(CERTIFICATE, der)).collect()
    }
}
