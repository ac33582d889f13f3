//! The trust bundle: who speaks for which region, and with which keys. Signed by the province's trust key.

mod accept;
mod error;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use accept::{Candidate, Known, PAYLOAD_TYPE, VerifiedBundle, accept};
pub use error::Error;
pub use rules::limits;

use crate::{
    chain::Serial,
    checkpoint::{LogKind, Origin},
    note::VerifierKey,
    region::Region,
    spiffe::{Name, TrustDomain},
    uscc::Uscc,
};

/// What the province says about its regions; checked by [`TrustBundle::validate`], believed only as [`VerifiedBundle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustBundle {
    /// The same in every identity and log of the province.
    pub trust_domain: TrustDomain,
    /// Never changes in a trust domain.
    pub province: Region,
    /// The name in the trust credential; a later series sorts behind an earlier one.
    pub series: Name,
    /// From 1, rising within the series.
    pub number: u64,
    /// Milliseconds since 1970.
    pub issued_at_ms: u64,
    /// Milliseconds since 1970. Afterwards reads go on, marked; writes and new peers are refused.
    pub expires_at_ms: u64,
    /// DER; informative. Only pinned roots are believed.
    pub roots: Vec<Vec<u8>>,
    /// Every region that has a node, or had one.
    pub regions: BTreeMap<Region, RegionTrust>,
    /// Bodies whose code does not carry their region's division code, and their successors.
    pub bodies: Vec<BodyException>,
    /// Types that another region than the issuing one keeps and answers for.
    pub custody: Vec<Custody>,
    /// DER of the CAs of electronic seals that are believed for every purpose.
    pub seal_anchors: Vec<Vec<u8>>,
    /// Those that are believed for one purpose.
    pub seal_trust: SealTrust,
}

/// CAs behind seals and sealed documents, by purpose; DER. Read by whoever judges documents, not here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealTrust {
    /// Of those who make seals (制章者).
    pub makers: Vec<Vec<u8>>,
    /// Of those who put them on documents (签章者).
    pub signers: Vec<Vec<u8>>,
    /// Of time stamp authorities (时间戳服务).
    pub time_stamps: Vec<Vec<u8>>,
    /// CAs that may stand between; nobody is believed for them alone.
    pub intermediates: Vec<Vec<u8>>,
}

/// A region: its nodes, its CAs, its logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionTrust {
    /// 济南市; for people.
    pub name: String,
    /// Regions that took it over.
    pub successors: Vec<Region>,
    /// Where its node is reached.
    pub nodes: Vec<NodeAddress>,
    /// SHA-256 of the DER `SubjectPublicKeyInfo` of the CAs that may name this region's identities.
    pub ca_spki_sha256: Vec<[u8; 32]>,
    /// The index key that writers use; all zeros: none yet, no holder tags are written.
    pub index_key_id: [u8; 8],
    /// Keys of its logs, by position.
    pub logs: Vec<LogTrust>,
    /// Credentials that are believed no more, whatever a CRL says.
    pub cut: Vec<CutCredential>,
}

/// An address of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// `host:port`
    pub address: String,
    /// The DNS name in the node's credential.
    pub server_name: String,
}

/// A key of a log: valid for checkpoints of sizes `from_size..=to_size` of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTrust {
    /// Event log or access log.
    pub kind: LogKind,
    /// From 1.
    pub epoch: u32,
    /// Ed25519.
    pub public_key: [u8; 32],
    /// First size that it may sign.
    pub from_size: u64,
    /// Last size that it may sign; `None` without end.
    pub to_size: Option<u64>,
    /// Set when the province has closed the epoch.
    pub closing: Option<EpochClosing>,
}

/// The last state of a closed epoch that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochClosing {
    /// Entries.
    pub size: u64,
    /// RFC 6962 root at that size.
    pub root: [u8; 32],
}

/// A credential by its CA's key and its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutCredential {
    /// SHA-256 of the CA's public key.
    pub issuer_spki_sha256: [u8; 32],
    /// Serial number.
    pub serial: Serial,
}

/// A body that belongs to a region by this entry, not by its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyException {
    /// 统一社会信用代码.
    pub uscc: Uscc,
    /// Whose department it is.
    pub region: Region,
    /// Bodies that took it over.
    pub successors: Vec<Uscc>,
}

/// A type that is kept elsewhere than where it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// 21 characters.
    pub type_code: String,
    /// Empty: all.
    pub issuing_regions: Vec<Region>,
    /// Who keeps the values and answers for them.
    pub custodian: Region,
}

impl TrustBundle {
    /// The origin of a log: the name of its checkpoints' keys.
    ///
    /// # Errors
    /// [`Error::Invalid`] for epoch 0.
    pub fn origin(&self, region: Region, kind: LogKind, epoch: u32) -> Result<Origin, Error> {
        Origin::new(self.trust_domain.as_str(), region.as_str(), kind, epoch).map_err(|e| Error::invalid("origin", e))
    }

    /// The keys that may sign a checkpoint of this log at this size: valid by position, not by claimed time. Empty:
    /// unknown epoch or key, so that what came is *deferred*.
    #[must_use]
    pub fn log_keys(&self, region: Region, kind: LogKind, epoch: u32, size: u64) -> Vec<VerifierKey> {
        let Ok(origin) = self.origin(region, kind, epoch) else { return Vec::new() };
        let name = origin.to_string();
        self.logs_of(region)
            .filter(|log| log.kind == kind && log.epoch == epoch)
            .filter(|log| log.from_size <= size && log.to_size.is_none_or(|to| size <= to))
            .filter(|log| log.closing.is_none_or(|closing| size <= closing.size))
            .filter_map(|log| VerifierKey::new(&name, log.public_key).ok())
            .collect()
    }

    /// How the province closed an epoch; `None` while it is open or unknown.
    #[must_use]
    pub fn closing(&self, region: Region, kind: LogKind, epoch: u32) -> Option<EpochClosing> {
        self.logs_of(region).filter(|log| log.kind == kind && log.epoch == epoch).find_map(|log| log.closing)
    }

    /// The newest epoch of a region's log; `None` for a region without logs.
    #[must_use]
    pub fn newest_epoch(&self, region: Region, kind: LogKind) -> Option<u32> {
        self.logs_of(region).filter(|log| log.kind == kind).map(|log| log.epoch).max()
    }

    /// Who keeps the values of a certificate of this type: as a rule the issuing region.
    #[must_use]
    pub fn custodian(&self, type_code: &str, issuing_region: Region) -> Region {
        self.custody
            .iter()
            .filter(|rule| rule.type_code == type_code)
            .find(|rule| rule.issuing_regions.is_empty() || rule.issuing_regions.contains(&issuing_region))
            .map_or(issuing_region, |rule| rule.custodian)
    }

    /// Whether a department may be named by this region's CA.
    ///
    /// A listed body belongs to the region that the list says and to no other. Else digits 3 to 8 of its code must be
    /// the division of the region, of a county of it, or of a predecessor (GB 32100-2015 section 4.3). A region is never
    /// derived from a code: this only guards against one city naming another's department.
    #[must_use]
    pub fn department_allowed(&self, region: Region, body: &Uscc) -> bool {
        let mut listed = self.bodies.iter().filter(|entry| entry.uscc == *body).peekable();
        if listed.peek().is_some() {
            return listed.any(|entry| entry.region == region);
        }
        let Some(division) = body.as_str().get(2..8) else { return false };
        std::iter::once(region).chain(self.predecessors(region)).any(|mine| rules::covers(mine.as_str(), division))
    }

    /// The regions that this one took over, directly or by way of others.
    #[must_use]
    pub fn predecessors(&self, region: Region) -> Vec<Region> {
        let mut found: Vec<Region> = Vec::new();
        let mut next = vec![region];
        while let Some(of) = next.pop() {
            for (code, trust) in &self.regions {
                if trust.successors.contains(&of) && *code != region && !found.contains(code) {
                    found.push(*code);
                    next.push(*code);
                }
            }
        }
        found
    }

    /// Whether a CA's key may name identities of the region.
    #[must_use]
    pub fn ca_is_bound(&self, region: Region, ca_spki_sha256: &[u8; 32]) -> bool {
        self.regions.get(&region).is_some_and(|trust| trust.ca_spki_sha256.contains(ca_spki_sha256))
    }

    /// The region that a CA's key is bound to; at most one in a valid bundle.
    pub fn regions_of_ca<'a>(&'a self, ca_spki_sha256: &'a [u8; 32]) -> impl Iterator<Item = Region> + 'a {
        self.regions
            .iter()
            .filter(|(_, trust)| trust.ca_spki_sha256.contains(ca_spki_sha256))
            .map(|(region, _)| *region)
    }

    /// Whether a credential, or a CA, is cut off by the province.
    #[must_use]
    pub fn is_cut(&self, issuer_spki_sha256: &[u8; 32], serial: &Serial) -> bool {
        self.regions
            .values()
            .flat_map(|trust| &trust.cut)
            .any(|cut| cut.issuer_spki_sha256 == *issuer_spki_sha256 && cut.serial == *serial)
    }

    fn logs_of(&self, region: Region) -> impl Iterator<Item = &LogTrust> {
        self.regions.get(&region).into_iter().flat_map(|trust| &trust.logs)
    }
}
