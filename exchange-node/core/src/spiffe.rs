//! Identities in credentials: exactly one URI of exactly one of these shapes.
//!
//! `spiffe://<trust domain>/region/<code>/{node|system|operator|department|kafka|seal-maker}/<name>` and
//! `spiffe://<trust domain>/trust/<series>`. Lower case (a department's credit code excepted), nothing percent-encoded,
//! no trailing dot or slash, no port, no query.

use crate::{
    reason::Reason,
    region::{self, Region},
    uscc::{self, Uscc},
};

#[cfg(test)]
mod tests;

/// Longest trust domain, in bytes (SPIFFE-ID §2.1).
pub const MAX_TRUST_DOMAIN_BYTES: usize = 255;
/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// A parsed identity. The CA that signed it must be bound to its region in the trust bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    /// Of the whole province.
    pub trust_domain: TrustDomain,
    /// Who.
    pub kind: Kind,
}

/// A host name in lower case: labels of letters, digits and inner hyphens; no IDN, no address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(String);

/// `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Who an identity names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A city's node.
    Node {
        /// Of which region.
        region: Region,
        /// Which one.
        name: Name,
    },
    /// A system that calls its city's node.
    System {
        /// Of which region.
        region: Region,
        /// Which one.
        name: Name,
    },
    /// A person who runs the node.
    Operator {
        /// Of which region.
        region: Region,
        /// Which one.
        name: Name,
    },
    /// A department that signs certificates.
    Department {
        /// Of which region.
        region: Region,
        /// Which one.
        uscc: Uscc,
    },
    /// A client of Kafka.
    Kafka {
        /// Of which region.
        region: Region,
        /// Which one.
        name: Name,
    },
    /// A maker of electronic seals.
    SealMaker {
        /// Of which region.
        region: Region,
        /// Which one.
        name: Name,
    },
    /// The key that signs trust bundles.
    Trust {
        /// Which series of bundles.
        series: Name,
    },
}

/// Why a URI is no identity here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another scheme, or upper case in it.
    #[error("an identity begins with spiffe://")]
    Scheme,
    /// Not a plain host name.
    #[error(
        "a trust domain is a host name in lower case without trailing dot, port, address or IDN, at most 255 bytes"
    )]
    TrustDomain,
    /// None of the shapes.
    #[error(
        "an identity's path is /region/<code>/<node, system, operator, department, kafka or seal-maker>/<name> or \
         /trust/<series>"
    )]
    Path,
    /// The region is wrong.
    #[error("the region in the identity: {0}")]
    Region(#[source] region::Error),
    /// The name is wrong.
    #[error("a name is 1 to 63 of a-z, 0-9 and -, the first not -")]
    Name,
    /// The department's code is wrong.
    #[error("the department in the identity: {0}")]
    Department(#[source] uscc::Error),
}

impl Error {
    /// The stable reason for callers.
    pub const fn reason(&self) -> Reason {
        Reason::CredentialInvalid
    }
}

impl SpiffeId {
    /// Reads a URI; only the one spelling of each identity is taken.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        let rest = uri.strip_prefix("spiffe://").ok_or(Error::Scheme)?;
        let (domain, path) = rest.split_once('/').ok_or(Error::Path)?;
        let trust_domain = TrustDomain::parse(domain)?;
        let parts: Vec<&str> = path.split('/').collect();
        let kind = match parts[..] {
            ["trust", series] => Kind::Trust { series: Name::parse(series)? },
            ["region", region, kind, name] => Kind::parse(region, kind, name)?,
            _ => return Err(Error::Path),
        };
        Ok(Self { trust_domain, kind })
    }

    /// Whose it is; `None` for a trust key, which is no region's.
    pub const fn region(&self) -> Option<Region> {
        self.kind.region()
    }
}

impl Kind {
    fn parse(region: &str, kind: &str, name: &str) -> Result<Self, Error> {
        let region = Region::parse(region).map_err(Error::Region)?;
        Ok(match kind {
            "node" => Self::Node { region, name: Name::parse(name)? },
            "system" => Self::System { region, name: Name::parse(name)? },
            "operator" => Self::Operator { region, name: Name::parse(name)? },
            "department" => Self::Department { region, uscc: Uscc::parse(name).map_err(Error::Department)? },
            "kafka" => Self::Kafka { region, name: Name::parse(name)? },
            "seal-maker" => Self::SealMaker { region, name: Name::parse(name)? },
            _ => return Err(Error::Path),
        })
    }

    /// Whose it is; `None` for a trust key.
    pub const fn region(&self) -> Option<Region> {
        match self {
            Self::Node { region, .. }
            | Self::System { region, .. }
            | Self::Operator { region, .. }
            | Self::Department { region, .. }
            | Self::Kafka { region, .. }
            | Self::SealMaker { region, .. } => Some(*region),
            Self::Trust { .. } => None,
        }
    }

    /// The word in the path.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Node { .. } => "node",
            Self::System { .. } => "system",
            Self::Operator { .. } => "operator",
            Self::Department { .. } => "department",
            Self::Kafka { .. } => "kafka",
            Self::SealMaker { .. } => "seal-maker",
            Self::Trust { .. } => "trust",
        }
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        match self {
            Self::Node { name, .. }
            | Self::System { name, .. }
            | Self::Operator { name, .. }
            | Self::Kafka { name, .. }
            | Self::SealMaker { name, .. }
            | Self::Trust { series: name } => name.as_str(),
            Self::Department { uscc, .. } => uscc.as_str(),
        }
    }
}

impl TrustDomain {
    /// Checks the form.
    ///
    /// # Errors
    /// Anything but a plain host name in lower case.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let label_fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && !label.starts_with('-')
                && !label.ends_with('-')
                && !label.starts_with("xn--")
        };
        // A last label of digits would be read as an IPv4 address by others.
        let address = text.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        if text.len() <= MAX_TRUST_DOMAIN_BYTES && text.split('.').all(label_fits) && !address {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::TrustDomain)
        }
    }

    /// The host name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Name {
    /// Checks the form.
    ///
    /// # Errors
    /// Anything but `[a-z0-9][a-z0-9-]{0,62}`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fits = (1..=MAX_NAME_BYTES).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(Error::Name) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "spiffe://{}", self.trust_domain)?;
        if let Some(region) = self.region() {
            write!(f, "/region/{region}")?;
        }
        write!(f, "/{}/{}", self.kind.word(), self.kind.name())
    }
}

impl std::fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
