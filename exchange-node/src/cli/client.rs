//! Connection to a node as a system or operator: by options, by a profile file, or by both (options win).

use super::Failure;
use crate::{
    clock::Clock,
    config::{self, with_suggestion},
    exit::Exit,
    tls::{Target, Tls},
    trust::Trust,
};
use ca_tools::{files, keyfile};
use clap::Args;
use exchange_core::{chain::Credential, region::Region};
use hyper_util::rt::TokioIo;
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use serde::Deserialize;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tonic::transport::{Channel, Endpoint, Uri};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest credential file, in bytes.
const MAX_CREDENTIAL: usize = 64 << 10;
/// Grace for CRLs, in hours, as a node's default.
const CRL_GRACE_HOURS: u32 = 24;

/// Whom to call, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ClientArgs {
    /// Profile: a TOML file with any of the values below (node, credential, key, roots, crls, bundle, …).
    #[arg(long, env = "EXCHANGE_PROFILE", hide_env_values = true, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// `host:port`; else the address of the region's node in the trust bundle.
    #[arg(long, env = "EXCHANGE_NODE", hide_env_values = true, value_name = "HOST:PORT")]
    node: Option<String>,
    /// PEM: this system's or operator's credential and its CA, without the root.
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// PEM, PKCS#8, mode 600.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// PEM of a pinned root; may be given several times.
    #[arg(long, visible_alias = "root", value_name = "FILE")]
    roots: Vec<PathBuf>,
    /// CRL file, the root's and the city's; may be given several times.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// The signed trust bundle.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Region of the node; else that of the credential.
    #[arg(long, value_name = "CODE")]
    server_region: Option<String>,
    /// DNS name in the node's credential; else that in the trust bundle.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

/// The profile file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// `host:port`; else from the trust bundle.
    pub node: Option<String>,
    /// PEM: the credential and its CA.
    pub credential: Option<PathBuf>,
    /// PEM, PKCS#8, mode 600.
    pub key: Option<PathBuf>,
    /// PEM of the pinned roots.
    pub roots: Vec<PathBuf>,
    /// CRL files.
    pub crls: Vec<PathBuf>,
    /// The signed trust bundle.
    pub bundle: Option<PathBuf>,
    /// Region of the node; else that of the credential.
    pub server_region: Option<String>,
    /// DNS name in the node's credential; else from the trust bundle.
    pub server_name: Option<String>,
}

impl Profile {
    /// Reads a file; paths in it are relative to its folder.
    ///
    /// # Errors
    /// It does not read, or has a key that there is not.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        let mut profile: Self = toml::from_str(&text)
            .map_err(|error| Failure::usage(format!("{}: {}", path.display(), with_suggestion(&error.to_string()))))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let single = [&mut profile.credential, &mut profile.key, &mut profile.bundle];
        for path in single.into_iter().flatten().chain(&mut profile.roots).chain(&mut profile.crls) {
            *path = folder.join(&*path);
        }
        Ok(profile)
    }
}

impl ClientArgs {
    /// Whether anything says how to reach a node.
    pub(super) fn is_given(&self) -> bool {
        self.profile.is_some() || self.credential.is_some()
    }

    /// Options over the profile.
    pub(super) fn profile(&self) -> Result<Profile, Failure> {
        let file = self.profile.as_deref().map(Profile::read).transpose()?.unwrap_or_default();
        let list = |given: &Vec<PathBuf>, other: Vec<PathBuf>| if given.is_empty() { other } else { given.clone() };
        Ok(Profile {
            node: self.node.clone().or(file.node),
            credential: self.credential.clone().or(file.credential),
            key: self.key.clone().or(file.key),
            roots: list(&self.roots, file.roots),
            crls: list(&self.crl, file.crls),
            bundle: self.bundle.clone().or(file.bundle),
            server_region: self.server_region.clone().or(file.server_region),
            server_name: self.server_name.clone().or(file.server_name),
        })
    }

    /// One connection.
    pub(super) async fn channel(&self) -> Result<Channel, Failure> {
        let mut channels = self.channels(1).await?;
        channels.pop().ok_or_else(|| Failure::new(Exit::Failed, "no connection"))
    }

    /// Several connections to the same node, each proved to work. They come back by themselves after a break.
    pub(super) async fn channels(&self, count: usize) -> Result<Vec<Channel>, Failure> {
        let (tls, target) = connection(&self.profile()?)?;
        let mut channels = Vec::with_capacity(count);
        for _ in 0..count {
            channels.push(open(&tls, &target).await?);
        }
        Ok(channels)
    }
}

fn connection(profile: &Profile) -> Result<(Arc<Tls>, Target), Failure> {
    let missing = |name: &str| {
        Failure::usage(format!("no {name}: give --{name}, or a profile by --profile or EXCHANGE_PROFILE that names it"))
    };
    let credential = profile.credential.as_deref().ok_or_else(|| missing("credential"))?;
    let key = profile.key.as_deref().ok_or_else(|| missing("key"))?;
    if profile.roots.is_empty() {
        return Err(missing("roots"));
    }
    let settings = config::Trust {
        roots: profile.roots.clone(),
        bundle: profile.bundle.clone().ok_or_else(|| missing("bundle"))?,
        crls: profile.crls.clone(),
        seal_crls: None,
        crl_grace_hours: CRL_GRACE_HOURS,
    };
    let clock = Clock::default();
    let identity_fault = |error: &dyn std::fmt::Display| Failure::new(Exit::Identity, error);
    let trust = Trust::load(&settings, &[], clock.clone())?;
    let chain = files::blocks(&files::read(credential, MAX_CREDENTIAL)?, files::CERTIFICATE, "the credential")?;
    for ca in chain.iter().skip(1) {
        trust.learn(ca);
    }
    let leaf = chain.first().map(Vec::as_slice).unwrap_or_default();
    let own = Credential::parse(leaf).map_err(|error| identity_fault(&error))?;
    let target = target(profile, own.spiffe.region(), &trust)?;
    let key = keyfile::read(key, || {
        Err(ca_tools::Error::Refused("the key is encrypted; a key in the clear with mode 600 is needed".to_owned()))
    })?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let identity = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())
        .map_err(|error| identity_fault(&error))?;
    let tls = Tls::new(trust, Arc::new(identity), clock).map_err(|error| identity_fault(&error))?;
    Ok((tls, target))
}

/// What is not said stands in the trust bundle.
fn target(profile: &Profile, own: Option<Region>, trust: &Trust) -> Result<Target, Failure> {
    let region = match &profile.server_region {
        Some(text) => Region::parse(text).map_err(|error| Failure::usage(format!("--server-region: {error}")))?,
        None => own.ok_or_else(|| Failure::usage("no --server-region, and the credential names none"))?,
    };
    let snapshot = trust.snapshot();
    let nodes = snapshot.bundle().regions.get(&region).map(|region| region.nodes.as_slice()).unwrap_or_default();
    let listed = match &profile.node {
        Some(address) => nodes.iter().find(|node| node.address == *address).or(nodes.first()),
        None => nodes.first(),
    };
    let unknown = |option| Failure::usage(format!("the trust bundle names no node of region {region}: give {option}"));
    let address = match (&profile.node, listed) {
        (Some(address), _) => address.clone(),
        (None, Some(node)) => node.address.clone(),
        (None, None) => return Err(unknown("--node")),
    };
    let server_name = match (&profile.server_name, listed) {
        (Some(name), _) => name.clone(),
        (None, Some(node)) => node.server_name.clone(),
        (None, None) => return Err(unknown("--server-name")),
    };
    Ok(Target { region, address, server_name, admit_stale_crl: false })
}

async fn open(tls: &Arc<Tls>, target: &Target) -> Result<Channel, Failure> {
    let (tls, at) = (Arc::clone(tls), target.clone());
    let connector = tower::service_fn(move |_: Uri| {
        let (tls, target) = (Arc::clone(&tls), at.clone());
        async move { Ok::<_, io::Error>(TokioIo::new(tls.connect(&target, CONNECT).await?)) }
    });
    Endpoint::from_static("http://node")
        .connect_with_connector(connector)
        .await
        .map_err(|error| Failure::connection(&target.address, &error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_profile_is_relative_to_its_folder_and_options_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.toml");
        let text = "node = \"n:1\"\ncredential = \"clerk.crt\"\nkey = \"clerk.key\"\nroots = [\"root.crt\"]\n";
        std::fs::write(&path, text).unwrap();
        let args = ClientArgs { profile: Some(path), node: Some("other:2".into()), ..ClientArgs::default() };
        let profile = args.profile().unwrap();
        assert_eq!(profile.node.as_deref(), Some("other:2"));
        assert_eq!(profile.credential, Some(folder.path().join("clerk.crt")));
        assert_eq!(profile.roots, [folder.path().join("root.crt")]);
    }

    #[test]
    fn a_misspelt_key_suggests_the_near_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.toml");
        std::fs::write(&path, "credentail = \"clerk.crt\"\n").unwrap();
        let failure = Profile::read(&path).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.to_string().ends_with("did you mean `credential`?"), "{failure}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_option() {
        let failure = connection(&Profile::default()).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.to_string().contains("--credential"), "{failure}");
    }
}
