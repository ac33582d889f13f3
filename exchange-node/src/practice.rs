//! A province for practice (演练): root, CAs, trust bundle and a folder for each node, made by the same functions as
//! `ca-tools`. The demo, the scenario tests and the benchmarks start real nodes from it.
//!
//! Everything in it is of the environment EXERCISE, and its keys are in the clear.

mod client;
mod seals;

pub use client::{Client, connect};

use crate::sample::departments::Department;
use ca_tools::{Ca, Issue, Profile, Scope, SubjectKey, bundle, files, keyfile, keys, node_host, seams};
use exchange_core::{
    bundle::{LogTrust, NodeAddress, RegionTrust, TrustBundle},
    chain::{Serial, WithdrawalReason},
    checkpoint::LogKind,
    region::Region,
    sealed::IndexKey,
    spiffe::{Name, TrustDomain},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Trust domain of every practice province.
pub const TRUST_DOMAIN: &str = "practice.example";
/// Name of each node.
pub const NODE: &str = "node-1";
/// Name of each region's calling system.
pub const SYSTEM: &str = "hall";
/// Name of each region's operator.
pub const OPERATOR: &str = "admin";

/// Why no province can be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A CA refuses.
    #[error(transparent)]
    Ca(#[from] ca_tools::Error),
    /// A file cannot be written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name or a code that cannot be made.
    #[error("{0}")]
    Name(String),
}

/// What may differ from province to province.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose nodes; the province's own region among them.
    pub regions: Vec<Region>,
    /// Kafka's `bootstrap.servers`.
    pub kafka: Option<String>,
    /// Added to each node's configuration, as TOML.
    pub more_config: String,
}

/// A province and the folder that it is in.
pub struct Practice {
    folder: PathBuf,
    root: Ca,
    cas: BTreeMap<Region, Ca>,
    trust: (keyfile::Pkcs8, Vec<u8>),
    bundle: TrustBundle,
    options: Options,
    /// Regions whose departments have seals.
    sealed: BTreeSet<Region>,
    /// Whose seals every node believes.
    believed: Option<Region>,
}

impl Practice {
    /// Makes it in an empty folder: `root.pem`, `bundle.pb`, `index.key`, and a folder for each region.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(folder: &Path, options: Options) -> Result<Self, Error> {
        let now = seams::now_ms();
        let domain = TrustDomain::parse(TRUST_DOMAIN).map_err(|error| Error::Name(error.to_string()))?;
        let mut root = Ca::root(&domain, Scope::Root.options(), now)?;
        let index = keys::new_index_key(1)?;
        make(folder)?;
        files::write_new(&folder.join("root.pem"), files::PUBLIC, root.certificate_pem().as_bytes())?;
        files::write_new(&folder.join("index.key"), files::SECRET, index.to_file().as_bytes())?;
        let (issued, key) = root.issue_with_new_key(&Issue::new(Profile::Trust, "main"), now)?;
        let first = options.regions.first().ok_or_else(|| Error::Name("a province without regions".to_owned()))?;
        let province = first.province();
        let mut practice = Self {
            folder: folder.to_owned(),
            trust: (key, issued.der),
            bundle: TrustBundle {
                trust_domain: domain,
                province,
                series: Name::parse("main").map_err(|error| Error::Name(error.to_string()))?,
                number: 1,
                issued_at_ms: now,
                expires_at_ms: now + 30 * 86_400_000,
                roots: vec![root.der().to_vec()],
                regions: BTreeMap::new(),
                bodies: Vec::new(),
                custody: Vec::new(),
                seal_anchors: Vec::new(),
                seal_trust: Default::default(),
            },
            root,
            cas: BTreeMap::new(),
            options,
            sealed: BTreeSet::new(),
            believed: None,
        };
        for region in practice.options.regions.clone() {
            practice.region(region, &index, now)?;
        }
        practice.write_bundle()?;
        practice.write_crls()?;
        Ok(practice)
    }

    /// Where a node's files are.
    pub fn node_folder(&self, region: Region) -> PathBuf {
        self.folder.join(region.as_str())
    }

    /// As signed.
    pub const fn bundle(&self) -> &TrustBundle {
        &self.bundle
    }

    /// A node's configuration file.
    pub fn config(&self, region: Region) -> PathBuf {
        self.node_folder(region).join("config.toml")
    }

    /// Where a node listens.
    pub fn address(&self, region: Region) -> Option<SocketAddr> {
        self.bundle.regions.get(&region)?.nodes.first()?.address.parse().ok()
    }

    /// A client of a region's node with a credential of that region: [`SYSTEM`] or [`OPERATOR`].
    pub fn client(&self, region: Region, name: &str) -> Client {
        self.client_of(region, region, name)
    }

    /// A client of one region's node with a credential of another's.
    pub fn client_of(&self, server: Region, region: Region, name: &str) -> Client {
        let folder = self.node_folder(region);
        let node = self.bundle.regions.get(&server).and_then(|trust| trust.nodes.first());
        Client {
            address: node.map(|node| node.address.clone()).unwrap_or_default(),
            server_name: node.map(|node| node.server_name.clone()).unwrap_or_default(),
            roots: self.folder.join("root.pem"),
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        }
    }

    /// The profile of [`SYSTEM`], [`OPERATOR`] or another caller, for `--profile`.
    pub fn profile(&self, region: Region, name: &str) -> PathBuf {
        self.node_folder(region).join(format!("{name}.toml"))
    }

    /// Withdraws a credential of a region by its file's name, and writes the CRL that says so.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn withdraw(&mut self, region: Region, name: &str) -> Result<(), Error> {
        let path = self.node_folder(region).join(format!("{name}.pem"));
        let pem = files::read(&path, 64 << 10)?;
        let der = files::blocks(&pem, files::CERTIFICATE, name)?;
        let serial = der
            .first()
            .and_then(|der| x509_parser::parse_x509_certificate(der).ok())
            .map(|(_, parsed)| Serial::new(parsed.raw_serial()))
            .ok_or_else(|| Error::Name(format!("{name} is no credential")))?;
        let ca = self.ca(region)?;
        ca.revoke(&serial, WithdrawalReason::CessationOfOperation, None, seams::now_ms())?;
        self.write_crls()
    }

    /// The province's next bundle, with changes; the nodes take it over by a reload.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn next_bundle(&mut self, change: impl FnOnce(&mut TrustBundle)) -> Result<(), Error> {
        change(&mut self.bundle);
        self.bundle.number += 1;
        self.write_bundle()
    }

    /// Points every node at another Kafka, or at none; the nodes take it over by a reload.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_kafka(&mut self, kafka: Option<String>) -> Result<(), Error> {
        self.options.kafka = kafka;
        for region in self.options.regions.clone() {
            self.write_config(region)?;
        }
        Ok(())
    }

    /// A credential of a region for a name, beside the others.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn issue(&mut self, region: Region, profile: Profile, name: &str) -> Result<(), Error> {
        let folder = self.node_folder(region);
        let (issued, key) = self.ca(region)?.issue_with_new_key(&Issue::new(profile, name), seams::now_ms())?;
        let stem = if profile == Profile::Node { "node" } else { name };
        files::write_new(&folder.join(format!("{stem}.pem")), files::PUBLIC, issued.chain_pem().as_bytes())?;
        keyfile::write(&folder.join(format!("{stem}.key")), &key, None)?;
        if matches!(profile, Profile::System | Profile::Operator) {
            let text = format!(
                "credential = \"{name}.pem\"\nkey = \"{name}.key\"\nroots = [\"../root.pem\"]\n\
                 crls = [\"../crls.pem\"]\nbundle = \"../bundle.pb\"\n"
            );
            files::write_new(&self.profile(region, name), files::PUBLIC, text.as_bytes())?;
        }
        if profile == Profile::Node
            && let Some(trust) = self.bundle.regions.get_mut(&region)
        {
            let server_name = node_host(&issued.id).unwrap_or_default();
            trust.nodes.iter_mut().for_each(|node| node.server_name.clone_from(&server_name));
        }
        Ok(())
    }

    fn region(&mut self, region: Region, index: &IndexKey, now: u64) -> Result<(), Error> {
        let folder = self.node_folder(region);
        make(&folder)?;
        let ca = self.root.city(region, Scope::Region(region).options(), now)?;
        let mut trust = RegionTrust {
            name: region.name().unwrap_or("").to_owned(),
            nodes: vec![NodeAddress { address: free_address()?.to_string(), server_name: String::new() }],
            ca_spki_sha256: vec![ca.spki_sha256()],
            index_key_id: index.id(),
            ..RegionTrust::default()
        };
        for (kind, file) in [(LogKind::Events, "events.key"), (LogKind::Access, "access.key")] {
            let (key, public) = keys::new_log_key(&self.bundle.trust_domain, region, kind, 1)?;
            keyfile::write(&folder.join(file), &key, None)?;
            trust.logs.push(LogTrust {
                kind,
                epoch: 1,
                public_key: *public.key(),
                from_size: 0,
                to_size: None,
                closing: None,
            });
        }
        files::write_new(&folder.join("store.key"), files::SECRET, keys::new_store_key()?.to_file().as_bytes())?;
        self.cas.insert(region, ca);
        self.bundle.regions.insert(region, trust);
        self.issue(region, Profile::Node, NODE)?;
        self.issue(region, Profile::System, SYSTEM)?;
        self.issue(region, Profile::Operator, OPERATOR)?;
        for issuer in self.departments(region) {
            self.issue(region, Profile::Document, issuer.uscc.as_str())?;
        }
        self.write_config(region)
    }

    /// Departments that entrusted their keys: those of a city that issue.
    fn departments(&self, region: Region) -> Vec<exchange_core::issuer::Issuer> {
        if region == self.bundle.province {
            return Vec::new();
        }
        Department::ALL.iter().filter_map(|department| department.of(region)).collect()
    }

    fn write_config(&self, region: Region) -> Result<(), Error> {
        let mut text = format!(
            "[node]\nregion = \"{region}\"\nname = \"{NODE}\"\ndata = \"data\"\nenvironment = \"exercise\"\n\n\
             [listen]\ngrpc = \"{address}\"\n\n\
             [identity]\ncertificate = \"node.pem\"\nkey = \"node.key\"\n\n\
             [trust]\nroots = [\"../root.pem\"]\nbundle = \"../bundle.pb\"\ncrls = [\"../crls.pem\"]\n{seals}\n\
             [keys]\nevent_log = \"events.key\"\naccess_log = \"access.key\"\nindex = [\"../index.key\"]\n\
             store = \"store.key\"\n\n",
            address = self.address(region).unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            seals = self.seal_trust(),
        );
        if let Some(kafka) = &self.options.kafka {
            let _ = write!(text, "[kafka]\nbootstrap_servers = \"{kafka}\"\n\n");
        }
        let mut codes = Vec::new();
        for issuer in self.departments(region) {
            let code = issuer.uscc;
            let _ = write!(
                text,
                "[departments.{code}]\nname = \"{name}\"\ncertificate = \"{code}.pem\"\nkey = \"{code}.key\"\n\
                 authorisation = \"演练\"\n\n",
                name = issuer.name
            );
            text.push_str(&self.seal_section(region, code.as_str()));
            codes.push(format!("\"{code}\""));
        }
        text.push_str(&self.template_section(region));
        let types = if codes.is_empty() { "[]" } else { "[\"*\"]" };
        let _ = write!(
            text,
            "[systems.{SYSTEM}]\ndepartments = [{}]\ntypes = {types}\nlookup = true\n\n{}",
            codes.join(", "),
            self.options.more_config
        );
        let path = self.config(region);
        std::fs::write(&path, text).map_err(|source| Error::File { path, source })
    }

    fn write_bundle(&self) -> Result<(), Error> {
        let signed = bundle::sign(&self.bundle, &self.trust.0, &self.trust.1)?;
        Ok(files::replace(&self.folder.join("bundle.pb"), &signed)?)
    }

    /// One file with the newest CRL of every CA.
    fn write_crls(&mut self) -> Result<(), Error> {
        let mut text = String::new();
        for ca in std::iter::once(&self.root).chain(self.cas.values()) {
            text.push_str(&files::pem(files::CRL, &ca.crl()?.der));
        }
        Ok(files::replace(&self.folder.join("crls.pem"), text.as_bytes())?)
    }

    fn ca(&mut self, region: Region) -> Result<&mut Ca, Error> {
        self.cas.get_mut(&region).ok_or_else(|| Error::Name(format!("{region} has no CA here")))
    }
}

/// A credential by a CA that no node believes, for a region's name.
///
/// # Errors
/// See [`Error`].
pub fn stranger(folder: &Path, region: Region) -> Result<(), Error> {
    let now = seams::now_ms();
    let domain = TrustDomain::parse(TRUST_DOMAIN).map_err(|error| Error::Name(error.to_string()))?;
    let mut root = Ca::root(&domain, Scope::Root.options(), now)?;
    let mut ca = root.city(region, Scope::Region(region).options(), now)?;
    let (key, request) = ca_tools::new_request(SYSTEM)?;
    let issued = ca.issue(&Issue::new(Profile::System, SYSTEM), &SubjectKey::from_request(request.as_bytes())?, now)?;
    files::write_new(&folder.join("stranger.pem"), files::PUBLIC, issued.chain_pem().as_bytes())?;
    Ok(keyfile::write(&folder.join("stranger.key"), &key, None)?)
}

/// First and last port that is given to a node. Below those from which the kernel takes the ports of outgoing
/// connections (32,768 on), so that none of them stands in the way once the node listens.
const PORTS: std::ops::Range<u32> = 20_000..32_000;

/// An address of this machine that was free a moment ago: a bundle has to name it before the node listens. No port is
/// given twice by one process.
#[allow(clippy::disallowed_methods, reason = "nothing is listened on: the number alone is wanted")]
fn free_address() -> Result<SocketAddr, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    let begin = std::process::id().wrapping_mul(97) % count;
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..count {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        let port = u16::try_from(PORTS.start + offset).unwrap_or(u16::MAX);
        match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr()) {
            Ok(address) => return Ok(address),
            Err(error) => refused = error,
        }
    }
    Err(Error::File { path: PathBuf::from("127.0.0.1"), source: refused })
}

fn make(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.to_owned(), source })
}
