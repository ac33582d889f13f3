//! What an operator of the province writes: `bundle.toml`. File names are relative to it.

use std::path::{Path, PathBuf};

use exchange_core::{
    bundle::{
        BodyException, Custody, CutCredential, EpochClosing, LogTrust, NodeAddress, RegionTrust, SealTrust, TrustBundle,
    },
    chain::{Authority, Serial},
    checkpoint::LogKind,
    note::VerifierKey,
    region::Region,
    sealed::IndexKey,
    spiffe::{Name, TrustDomain},
    uscc::Uscc,
};
use serde::Deserialize;

use crate::{
    Error,
    files::{self, CERTIFICATE},
    profile::unhex,
    seal_trust::Folder,
};

const MAX_BYTES: usize = 1024 * 1024;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleConfig {
    /// Of the province, for example `dzzz.sd.gov.cn`.
    pub trust_domain: String,
    /// Six digits.
    pub province: String,
    /// The name in the trust credential, for example `2026`.
    pub series: String,
    /// Rises with every bundle of the series.
    pub number: u64,
    /// Life in days, at most 400.
    pub valid_days: u32,
    /// Certificate files; informative, nodes pin their own.
    #[serde(default)]
    pub roots: Vec<PathBuf>,
    /// Certificate files of the CAs of electronic seals.
    #[serde(default)]
    pub seal_anchors: Vec<PathBuf>,
    /// Folders of such certificates, in `makers/`, `signers/`, `time-stamps/` and `intermediates/` for one purpose; those
    /// in a folder itself count for the first three.
    #[serde(default)]
    pub seal_trust: Vec<PathBuf>,
    /// `[[region]]`
    #[serde(default, rename = "region")]
    pub regions: Vec<RegionConfig>,
    /// `[[body]]`
    #[serde(default, rename = "body")]
    pub bodies: Vec<BodyConfig>,
    /// `[[custody]]`
    #[serde(default)]
    pub custody: Vec<CustodyConfig>,
}

/// A bundle, and what a person should look at before it is signed.
#[derive(Debug, Clone)]
pub struct Built {
    /// Valid by itself, not signed.
    pub bundle: TrustBundle,
    /// One line each.
    pub remarks: Vec<String>,
}

/// What the folders of `seal_trust` have.
#[derive(Default)]
struct Seals {
    any: Vec<Vec<u8>>,
    trust: SealTrust,
    remarks: Vec<String>,
}

/// A region with a node, or that had one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Six digits.
    pub code: String,
    /// 济南市
    pub name: String,
    /// Codes of regions that took it over.
    #[serde(default)]
    pub successors: Vec<String>,
    /// Certificate files of its CAs.
    #[serde(default)]
    pub ca: Vec<PathBuf>,
    /// `[[region.node]]`
    #[serde(default, rename = "node")]
    pub nodes: Vec<NodeConfig>,
    /// The index key that its writers use, by its id (16 hex digits).
    pub index_key_id: Option<String>,
    /// The same, by the key's file.
    pub index_key: Option<PathBuf>,
    /// `[[region.log]]`
    #[serde(default, rename = "log")]
    pub logs: Vec<LogConfig>,
    /// `[[region.cut]]`
    #[serde(default)]
    pub cut: Vec<CutConfig>,
}

/// A node's address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// `host:port`
    pub address: String,
    /// The name in its credential; the DNS name follows from it.
    pub name: String,
}

/// A key of a log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// The `.vkey` file that `log-key new` wrote: it names log and epoch.
    pub key: PathBuf,
    /// First size that the key may sign.
    #[serde(default)]
    pub from_size: u64,
    /// Last size that it may sign.
    pub to_size: Option<u64>,
    /// Last size of a closed epoch, and `closed_root`.
    pub closed_size: Option<u64>,
    /// Root at `closed_size`, 64 hex digits.
    pub closed_root: Option<String>,
}

/// A credential that is believed no more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutConfig {
    /// Certificate file of its CA.
    pub ca: PathBuf,
    /// Hex.
    pub serial: String,
}

/// A body that belongs to a region by this entry, not by its code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyConfig {
    /// 统一社会信用代码.
    pub uscc: String,
    /// Six digits.
    pub region: String,
    /// Codes of bodies that took it over.
    #[serde(default)]
    pub successors: Vec<String>,
}

/// A type that another region keeps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyConfig {
    /// 21 characters.
    pub type_code: String,
    /// Empty: all.
    #[serde(default)]
    pub issuing_regions: Vec<String>,
    /// Six digits.
    pub custodian: String,
}

impl BundleConfig {
    /// Reads the file; unknown keys are refused.
    ///
    /// # Errors
    /// [`Error::Malformed`] with line and column, [`Error::NotFound`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read(path, MAX_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::malformed(path.display(), "not UTF-8"))?;
        toml::from_str(&text).map_err(|e| Error::malformed(path.display(), e))
    }

    /// The bundle, with everything read that the file names. `base`: the folder of the file.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotFound`], [`Error::Bundle`].
    pub fn build(&self, base: &Path, now_ms: u64) -> Result<Built, Error> {
        let trust_domain = TrustDomain::parse(&self.trust_domain)?;
        let mut regions = std::collections::BTreeMap::new();
        for region in &self.regions {
            let code = Region::parse(&region.code)?;
            if regions.insert(code, region.build(code, &trust_domain, base)?).is_some() {
                return Err(Error::malformed("bundle.toml", format!("region {code} stands twice")));
            }
        }
        let Seals { any: mut seal_anchors, trust: seal_trust, remarks } = self.seals(base, now_ms)?;
        for der in certificates(base, &self.seal_anchors)? {
            add(&mut seal_anchors, der);
        }
        let bundle = TrustBundle {
            province: Region::parse(&self.province)?,
            series: Name::parse(&self.series)?,
            number: self.number,
            issued_at_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(u64::from(self.valid_days) * DAY_MS),
            roots: certificates(base, &self.roots)?,
            regions,
            bodies: self.bodies.iter().map(BodyConfig::build).collect::<Result<_, _>>()?,
            custody: self.custody.iter().map(CustodyConfig::build).collect::<Result<_, _>>()?,
            seal_anchors,
            seal_trust,
            trust_domain,
        };
        bundle.validate()?;
        Ok(Built { bundle, remarks })
    }

    fn seals(&self, base: &Path, now_ms: u64) -> Result<Seals, Error> {
        let Seals { mut any, mut trust, mut remarks } = Seals::default();
        for path in &self.seal_trust {
            let folder = Folder::read(&base.join(path))?;
            remarks.extend(folder.lint(now_ms)?);
            for (from, to) in [
                (folder.common, &mut any),
                (folder.makers, &mut trust.makers),
                (folder.signers, &mut trust.signers),
                (folder.time_stamps, &mut trust.time_stamps),
                (folder.intermediates, &mut trust.intermediates),
            ] {
                from.into_iter().for_each(|certificate| add(to, certificate.der));
            }
        }
        Ok(Seals { any, trust, remarks })
    }
}

impl RegionConfig {
    fn build(&self, code: Region, domain: &TrustDomain, base: &Path) -> Result<RegionTrust, Error> {
        let mut ca_spki_sha256 = Vec::new();
        for der in certificates(base, &self.ca)? {
            ca_spki_sha256.push(Authority::parse(&der)?.spki_sha256);
        }
        let nodes = self
            .nodes
            .iter()
            .map(|node| {
                let name = Name::parse(&node.name)?;
                Ok(NodeAddress { address: node.address.clone(), server_name: format!("{name}.{code}.{domain}") })
            })
            .collect::<Result<_, Error>>()?;
        Ok(RegionTrust {
            name: self.name.clone(),
            successors: regions(&self.successors)?,
            nodes,
            ca_spki_sha256,
            index_key_id: self.index_key_id(base)?,
            logs: self.logs.iter().map(|log| log.build(code, domain, base)).collect::<Result<_, _>>()?,
            cut: self.cut.iter().map(|cut| cut.build(base)).collect::<Result<_, _>>()?,
        })
    }

    fn index_key_id(&self, base: &Path) -> Result<[u8; 8], Error> {
        match (&self.index_key_id, &self.index_key) {
            (None, None) => Ok([0; 8]),
            (Some(_), Some(_)) => Err(Error::malformed("bundle.toml", "index_key_id and index_key; one is enough")),
            (Some(id), None) => hex_array("index_key_id", id),
            (None, Some(file)) => {
                let path = base.join(file);
                let text = String::from_utf8(files::read_secret(&path, 4096)?)
                    .map_err(|_| Error::malformed(path.display(), "not UTF-8"))?;
                Ok(text.parse::<IndexKey>()?.id())
            }
        }
    }
}

impl LogConfig {
    fn build(&self, region: Region, domain: &TrustDomain, base: &Path) -> Result<LogTrust, Error> {
        let path = base.join(&self.key);
        let text =
            String::from_utf8(files::read(&path, 4096)?).map_err(|_| Error::malformed(path.display(), "not UTF-8"))?;
        let key = VerifierKey::parse(text.trim_ascii())?;
        let (kind, epoch) = log_of(key.name(), region, domain).map_err(|e| Error::malformed(path.display(), e))?;
        let closing = match (self.closed_size, &self.closed_root) {
            (None, None) => None,
            (Some(size), Some(root)) => Some(EpochClosing { size, root: hex_array("closed_root", root)? }),
            _ => return Err(Error::malformed("bundle.toml", "closed_size and closed_root belong together")),
        };
        Ok(LogTrust { kind, epoch, public_key: *key.key(), from_size: self.from_size, to_size: self.to_size, closing })
    }
}

/// The key's name is the log's origin, and the log is the region's.
fn log_of(name: &str, region: Region, domain: &TrustDomain) -> Result<(LogKind, u32), String> {
    let origin: exchange_core::checkpoint::Origin = name.parse().map_err(|e| format!("{e}"))?;
    if origin.trust_domain() != domain.as_str() || origin.region() != region.as_str() {
        return Err(format!("a key of log {name}; one of {domain}/{region} is needed"));
    }
    Ok((origin.kind(), origin.epoch()))
}

impl CutConfig {
    fn build(&self, base: &Path) -> Result<CutCredential, Error> {
        let certificates = certificates(base, std::slice::from_ref(&self.ca))?;
        let ca = Authority::parse(certificates.first().map_or(&[], Vec::as_slice))?;
        let serial = unhex(&self.serial).ok_or_else(|| Error::malformed("serial", "hex digits are needed"))?;
        Ok(CutCredential { issuer_spki_sha256: ca.spki_sha256, serial: Serial::new(&serial) })
    }
}

impl BodyConfig {
    fn build(&self) -> Result<BodyException, Error> {
        Ok(BodyException {
            uscc: Uscc::parse(&self.uscc)?,
            region: Region::parse(&self.region)?,
            successors: self.successors.iter().map(|code| Uscc::parse(code)).collect::<Result<_, _>>()?,
        })
    }
}

impl CustodyConfig {
    fn build(&self) -> Result<Custody, Error> {
        Ok(Custody {
            type_code: self.type_code.clone(),
            issuing_regions: regions(&self.issuing_regions)?,
            custodian: Region::parse(&self.custodian)?,
        })
    }
}

/// Once each.
fn add(all: &mut Vec<Vec<u8>>, der: Vec<u8>) {
    if !all.contains(&der) {
        all.push(der);
    }
}

fn regions(codes: &[String]) -> Result<Vec<Region>, Error> {
    codes.iter().map(|code| Ok(Region::parse(code)?)).collect()
}

fn certificates(base: &Path, paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let path = base.join(path);
        let bytes = files::read(&path, MAX_BYTES)?;
        found.extend(files::blocks(&bytes, CERTIFICATE, &path.display().to_string())?);
    }
    Ok(found)
}

fn hex_array<const N: usize>(field: &str, text: &str) -> Result<[u8; N], Error> {
    unhex(text)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Error::malformed(field, format!("{} hex digits are needed", N * 2)))
}
