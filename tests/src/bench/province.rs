//! A province for a bench: keys, credentials, trust bundle and a configuration file for each node, as an operator makes
//! them with `ca-tools`. The limits present the same credentials.

use anyhow::{Context, Result};
use ca_tools::{Ca, Issue, Profile, Scope, bundle, files, keyfile, keys, node_host, seams};
use exchange_core::{
    bundle::{LogTrust, NodeAddress, RegionTrust, TrustBundle},
    check_digit,
    checkpoint::LogKind,
    region::Region,
    sealed::IndexKey,
    spiffe::{Name, TrustDomain},
};
use exchange_node::sample;
use exchange_proto::v1::Issuer;
use std::{
    collections::BTreeMap,
    fmt::Write,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

/// The province's own node.
pub(crate) const PROVINCE: &str = "370000";
/// The city that issues.
pub(crate) const JINAN: &str = "370100";
/// The city that asks.
pub(crate) const QINGDAO: &str = "370200";

/// The signed trust bundle, in a province's folder.
pub(crate) const BUNDLE: &str = "bundle.pb";
/// The province's index key, in its folder.
pub(crate) const INDEX_KEY: &str = "index.key";

const TRUST_DOMAIN: &str = "bench.example.org";
const SERIES: &str = "bench";
const NODE: &str = "n1";
const DAYS: u64 = 30;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// A province with its nodes, none of them started.
#[derive(Debug)]
pub(crate) struct Province {
    /// By region.
    pub(crate) nodes: BTreeMap<&'static str, Node>,
}

/// A node as its operator prepared it.
#[derive(Debug)]
pub(crate) struct Node {
    /// Whose.
    pub(crate) region: &'static str,
    /// Credentials of node, system and operator, with the root: what `pki` reads.
    pub(crate) folder: PathBuf,
    /// Its store.
    pub(crate) data: PathBuf,
    /// Its configuration.
    pub(crate) config: PathBuf,
    /// DNS name in its credential.
    pub(crate) server_name: String,
    /// The department whose certificates most benches issue.
    pub(crate) department: Issuer,
    /// All that entrusted their keys to it: that one, and those of the sample library.
    departments: Vec<Issuer>,
    /// In the trust bundle.
    pub(crate) address: SocketAddr,
}

impl Province {
    /// Makes a province anew, in a folder that is emptied, with nodes of these regions.
    pub(crate) fn make(folder: &Path, regions: &[&'static str], kafka: Option<&str>) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let now_ms = seams::now_ms();
        let domain = TrustDomain::parse(TRUST_DOMAIN)?;
        let mut root = Ca::root(&domain, Scope::Root.options(), now_ms)?;
        let (trust, trust_key) = root.issue_with_new_key(&Issue::new(Profile::Trust, SERIES), now_ms)?;
        files::write_new(&folder.join("root.pem"), PUBLIC, root.certificate_pem().as_bytes())?;
        files::write_new(&folder.join("root.crl"), PUBLIC, &root.crl()?.der)?;
        let index = keys::new_index_key(1)?;
        files::write_new(&folder.join(INDEX_KEY), SECRET, index.to_file().as_bytes())?;

        let (mut nodes, mut trusted) = (BTreeMap::new(), BTreeMap::new());
        for code in regions {
            let maker = Maker { folder: folder.join(code), domain: &domain, now_ms, index: &index };
            let (node, region) = maker.make(&mut root, code)?;
            trusted.insert(Region::parse(code)?, region);
            nodes.insert(*code, node);
        }
        let signed = TrustBundle {
            province: Region::parse(PROVINCE)?,
            series: Name::parse(SERIES)?,
            number: 1,
            issued_at_ms: now_ms,
            expires_at_ms: now_ms + DAYS * DAY_MS,
            roots: Vec::new(),
            regions: trusted,
            bodies: Vec::new(),
            custody: Vec::new(),
            seal_anchors: Vec::new(),
            seal_trust: Default::default(),
            trust_domain: domain,
        };
        files::write_new(&folder.join(BUNDLE), PUBLIC, &bundle::sign(&signed, &trust_key, &trust.der)?)?;
        let crls: Vec<String> = nodes.keys().map(|code| format!("{:?}", folder.join(code).join("ca.crl"))).collect();
        for node in nodes.values() {
            files::write_new(&node.config, PUBLIC, node.configuration(folder, &crls, kafka)?.as_bytes())?;
        }
        Ok(Self { nodes })
    }

    /// The node of a region.
    pub(crate) fn node(&self, region: &str) -> Result<&Node> {
        self.nodes.get(region).with_context(|| format!("no node of {region} was prepared"))
    }
}

/// Makes one node's keys and credentials.
struct Maker<'a> {
    folder: PathBuf,
    domain: &'a TrustDomain,
    now_ms: u64,
    index: &'a IndexKey,
}

impl Maker<'_> {
    fn make(&self, root: &mut Ca, code: &'static str) -> Result<(Node, RegionTrust)> {
        let region = Region::parse(code)?;
        let mut ca = root.city(region, Scope::Region(region).options(), self.now_ms)?;
        std::fs::create_dir_all(&self.folder)?;
        let departments = departments(region)?;
        let mut server_name = String::new();
        for (name, profile, subject) in [
            ("node", Profile::Node, NODE),
            ("system", Profile::System, "hall"),
            ("operator", Profile::Operator, "operator"),
        ] {
            server_name.extend(self.credential(&mut ca, name, profile, subject)?);
        }
        for department in &departments {
            self.credential(&mut ca, &department.uscc, Profile::Document, &department.uscc)?;
        }
        self.write("root.pem", PUBLIC, root.certificate_pem().as_bytes())?;
        self.write("ca.crl", PUBLIC, &ca.crl()?.der)?;
        self.write("store.key", SECRET, keys::new_store_key()?.to_file().as_bytes())?;
        let mut logs = Vec::new();
        for (name, kind) in [("events", LogKind::Events), ("access", LogKind::Access)] {
            let (key, public) = keys::new_log_key(self.domain, region, kind, 1)?;
            keyfile::write(&self.folder.join(format!("{name}.key")), &key, None)?;
            logs.push(LogTrust {
                kind,
                epoch: 1,
                public_key: *public.key(),
                from_size: 0,
                to_size: None,
                closing: None,
            });
        }
        let address = free_address()?;
        let trusted = RegionTrust {
            name: format!("{code} of a bench"),
            nodes: vec![NodeAddress { address: address.to_string(), server_name: server_name.clone() }],
            ca_spki_sha256: vec![ca.spki_sha256()],
            index_key_id: self.index.id(),
            logs,
            ..RegionTrust::default()
        };
        let node = Node {
            region: code,
            data: self.folder.join("data"),
            config: self.folder.join("node.toml"),
            folder: self.folder.clone(),
            server_name,
            department: departments[0].clone(),
            departments,
            address,
        };
        Ok((node, trusted))
    }

    /// A credential with its key; the host that it names.
    fn credential(&self, ca: &mut Ca, name: &str, profile: Profile, subject: &str) -> Result<Option<String>> {
        let (issued, key) = ca.issue_with_new_key(&Issue::new(profile, subject), self.now_ms)?;
        self.write(&format!("{name}.pem"), PUBLIC, issued.chain_pem().as_bytes())?;
        keyfile::write(&self.folder.join(format!("{name}.key")), &key, None)?;
        Ok(node_host(&issued.id))
    }

    fn write(&self, name: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        Ok(files::write_new(&self.folder.join(name), mode, bytes)?)
    }
}

impl Node {
    fn configuration(&self, province: &Path, crls: &[String], kafka: Option<&str>) -> Result<String> {
        let own = |name: &str| format!("{:?}", self.folder.join(name));
        let common = |name: &str| format!("{:?}", province.join(name));
        let codes: Vec<String> = self.departments.iter().map(|one| format!("{:?}", one.uscc)).collect();
        let mut text = format!(
            "[node]\nregion = \"{}\"\nname = \"{NODE}\"\ndata = {:?}\nenvironment = \"exercise\"\n\
             [listen]\ngrpc = \"{}\"\n\
             [identity]\ncertificate = {}\nkey = {}\n\
             [trust]\nroots = [{}]\nbundle = {}\ncrls = [{}, {}]\n\
             [keys]\nevent_log = {}\naccess_log = {}\nindex = [{}]\nstore = {}\n\
             [systems.hall]\ndepartments = [{}]\ntypes = [\"*\"]\nlookup = true\n\
             [freshness]\nheartbeat_seconds = 1\n\
             [telemetry]\nformat = \"text\"\nfilter = \"warn\"\n",
            self.region,
            self.data,
            self.address,
            own("node.pem"),
            own("node.key"),
            common("root.pem"),
            common(BUNDLE),
            common("root.crl"),
            crls.join(", "),
            own("events.key"),
            own("access.key"),
            common(INDEX_KEY),
            own("store.key"),
            codes.join(", "),
        );
        for Issuer { uscc, name } in &self.departments {
            write!(
                text,
                "[departments.{uscc}]\nname = {name:?}\ncertificate = {}\nkey = {}\nauthorisation = \"bench 1\"\n",
                own(&format!("{uscc}.pem")),
                own(&format!("{uscc}.key")),
            )?;
        }
        if let Some(bootstrap) = kafka {
            write!(text, "[kafka]\nbootstrap_servers = \"{bootstrap}\"\n")?;
        }
        Ok(text)
    }
}

/// An invented registry of a region; its code carries the region's division code.
pub(crate) fn department(region: &str) -> Result<Issuer> {
    let digits = format!("11{region}MB2B00001");
    let check = check_digit::gb32100(&digits).context("17 characters have a check character")?;
    Ok(Issuer { uscc: format!("{digits}{check}"), name: "样例不动产登记中心".to_owned() })
}

fn departments(region: Region) -> Result<Vec<Issuer>> {
    let mut departments = vec![department(region.as_str())?];
    for one in sample::issuing_departments() {
        let issuer = one.of(region).with_context(|| format!("no department of {region} can be made"))?;
        departments.push(Issuer { uscc: issuer.uscc.to_string(), name: issuer.name });
    }
    Ok(departments)
}

/// Free until the node takes it: the bundle has to name it before the node starts.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::pki;
    use exchange_core::uscc::Uscc;

    #[test]
    fn a_province_has_credentials_that_tls_takes() {
        let folder = tempfile::tempdir().unwrap();
        let province = Province::make(&folder.path().join("p"), &[PROVINCE, JINAN], None).unwrap();
        let node = province.node(JINAN).unwrap();
        assert_eq!(node.server_name, "n1.370100.bench.example.org");
        assert!(Uscc::parse(&node.department.uscc).is_ok());
        let _ = rustls::crypto::ring::default_provider().install_default();
        pki::server(&node.folder).unwrap();
        for who in ["node", "system", "operator"] {
            pki::client(&node.folder, who).unwrap();
        }
        assert!(province.node(QINGDAO).is_err());
    }
}
