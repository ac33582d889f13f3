//! What a bundle must satisfy by itself.

use std::collections::BTreeMap;

use super::{Error, LogTrust, NodeAddress, RegionTrust, SealTrust, TrustBundle};
use crate::{checkpoint::LogKind, region::Region};

/// Largest numbers that are read; far above a province's need, far below what would hurt.
pub mod limits {
    /// A signed bundle, in bytes.
    pub const BYTES: usize = 4 * 1024 * 1024;
    /// Regions of a province.
    pub const REGIONS: usize = 512;
    /// Addresses, CA keys, successors of one region, each.
    pub const PER_REGION: usize = 64;
    /// Log keys of one region.
    pub const LOGS: usize = 1024;
    /// Credentials to cut of one region.
    pub const CUT: usize = 10_000;
    /// Body exceptions, and custody rules, each.
    pub const RULES: usize = 20_000;
    /// Roots, and seal anchors, each.
    pub const ANCHORS: usize = 256;
    /// A certificate behind seals, in bytes.
    pub const SEAL_CERTIFICATE_BYTES: usize = 16 * 1024;
    /// A name for people, in bytes.
    pub const NAME_BYTES: usize = 256;
    /// Longest life of a bundle, in milliseconds: 400 days.
    pub const LIFE_MS: u64 = 400 * 24 * 3600 * 1000;
}

impl TrustBundle {
    /// Checks limits and that the bundle does not contradict itself: no CA key and no log key for two regions, ranges
    /// the right way round, epochs from 1.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first fault.
    pub fn validate(&self) -> Result<(), Error> {
        if self.number == 0 {
            return Err(Error::invalid("number", "0; numbers begin with 1"));
        }
        if self.expires_at_ms <= self.issued_at_ms {
            return Err(Error::invalid("expires_at_ms", "not after issued_at_ms"));
        }
        if self.expires_at_ms - self.issued_at_ms > limits::LIFE_MS {
            return Err(Error::invalid("expires_at_ms", "more than 400 days after issued_at_ms"));
        }
        if !self.province.as_str().ends_with("0000") {
            return Err(Error::invalid("province", format!("{}; a province's code ends with 0000", self.province)));
        }
        at_most("roots", self.roots.len(), limits::ANCHORS)?;
        at_most("seal_anchors", self.seal_anchors.len(), limits::ANCHORS)?;
        self.seal_trust.validate()?;
        at_most("regions", self.regions.len(), limits::REGIONS)?;
        at_most("bodies", self.bodies.len(), limits::RULES)?;
        at_most("custody", self.custody.len(), limits::RULES)?;
        for (region, trust) in &self.regions {
            trust.validate().map_err(|error| within(*region, error))?;
        }
        for rule in &self.custody {
            if rule.type_code.len() != TYPE_CODE_LENGTH || !rule.type_code.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(Error::invalid("custody", "a type code is 21 letters and digits"));
            }
        }
        self.keys_are_one_regions()
    }

    /// A key that spoke for two would let one speak for the other.
    fn keys_are_one_regions(&self) -> Result<(), Error> {
        let mut authorities: BTreeMap<[u8; 32], Region> = BTreeMap::new();
        let mut log_keys: BTreeMap<[u8; 32], (Region, LogKind)> = BTreeMap::new();
        for (region, trust) in &self.regions {
            for key in &trust.ca_spki_sha256 {
                if let Some(other) = authorities.insert(*key, *region) {
                    return Err(Error::invalid(
                        "ca_spki_sha256",
                        format!("one CA key stands at {other} and at {region}"),
                    ));
                }
            }
            for log in &trust.logs {
                if let Some(other) = log_keys.insert(log.public_key, (*region, log.kind))
                    && other != (*region, log.kind)
                {
                    return Err(Error::invalid("logs", format!("one log key stands at {} and at {region}", other.0)));
                }
            }
        }
        Ok(())
    }
}

const TYPE_CODE_LENGTH: usize = 21;

impl SealTrust {
    fn validate(&self) -> Result<(), Error> {
        for (field, ders) in [
            ("seal_trust.makers", &self.makers),
            ("seal_trust.signers", &self.signers),
            ("seal_trust.time_stamps", &self.time_stamps),
            ("seal_trust.intermediates", &self.intermediates),
        ] {
            at_most(field, ders.len(), limits::ANCHORS)?;
            if ders.iter().any(|der| der.is_empty() || der.len() > limits::SEAL_CERTIFICATE_BYTES) {
                let needed = format!("a certificate of 1 to {} bytes is needed", limits::SEAL_CERTIFICATE_BYTES);
                return Err(Error::invalid(field, needed));
            }
        }
        Ok(())
    }
}

impl RegionTrust {
    fn validate(&self) -> Result<(), Error> {
        if self.name.is_empty() || self.name.len() > limits::NAME_BYTES || self.name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "1 to 256 bytes without control characters are needed"));
        }
        at_most("successors", self.successors.len(), limits::PER_REGION)?;
        at_most("nodes", self.nodes.len(), limits::PER_REGION)?;
        at_most("ca_spki_sha256", self.ca_spki_sha256.len(), limits::PER_REGION)?;
        at_most("logs", self.logs.len(), limits::LOGS)?;
        at_most("cut", self.cut.len(), limits::CUT)?;
        self.nodes.iter().try_for_each(NodeAddress::validate)?;
        self.logs.iter().try_for_each(LogTrust::validate)
    }
}

impl NodeAddress {
    fn validate(&self) -> Result<(), Error> {
        let port = self.address.rsplit_once(':').and_then(|(host, port)| {
            let plain = !host.is_empty() && host.len() <= 253 && host.bytes().all(|b| b.is_ascii_graphic());
            plain.then(|| port.parse::<u16>().ok()).flatten()
        });
        if port.is_none_or(|port| port == 0) {
            return Err(Error::invalid("address", "host:port is needed"));
        }
        let name = &self.server_name;
        if name.is_empty() || name.len() > 253 || !name.split('.').all(is_label) {
            return Err(Error::invalid("server_name", "a lower-case DNS name is needed"));
        }
        Ok(())
    }
}

impl LogTrust {
    fn validate(&self) -> Result<(), Error> {
        if self.epoch == 0 {
            return Err(Error::invalid("logs", "epoch 0; epochs begin with 1"));
        }
        if self.to_size.is_some_and(|to| to < self.from_size) {
            return Err(Error::invalid("logs", "to_size is less than from_size"));
        }
        Ok(())
    }
}

/// Whether a division code belongs to a region: a city (`370100`) covers its counties (`3701xx`), a province itself and
/// the counties that it administers directly (`3790xx`), a county itself.
pub(super) fn covers(region: &str, division: &str) -> bool {
    if let Some(province) = region.strip_suffix("0000") {
        return division == region || division.strip_prefix(province).is_some_and(|rest| rest.starts_with("90"));
    }
    match region.strip_suffix("00") {
        Some(city) => division.starts_with(city),
        None => division == region,
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn at_most(field: &str, found: usize, limit: usize) -> Result<(), Error> {
    if found > limit {
        return Err(Error::invalid(field, format!("{found}; at most {limit} are read")));
    }
    Ok(())
}

fn within(region: Region, error: Error) -> Error {
    match error {
        Error::Invalid { field, detail } => Error::Invalid { field: format!("{region}.{field}"), detail },
        other => other,
    }
}
