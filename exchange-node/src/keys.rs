//! The node's keys: its credential, its logs' keys, index keys, the store key, and the document keys that departments
//! entrusted to it. Every file is checked before it is believed: mode 0600, key and credential belong together, the
//! bundle knows the log's key and lets the region's CA name the department.

mod file;
mod parts;
mod seal;
#[cfg(test)]
mod tests;

pub use parts::{Part, parts};
pub use seal::{DepartmentSeal, department_seal};

use crate::{
    blobs::BlobKeys,
    config::{Config, Department},
    random::Random,
    trust::{Snapshot, Trust},
};
use exchange_core::{
    bundle,
    chain::{self, Purpose, VerifiedCredential},
    checkpoint::LogKind,
    issuer::Issuer,
    note::{self, LogKey},
    reason::Reason,
    region::Region,
    sealed::{IndexKey, StoreKey, StoreKeyId, Subkey},
    signature::{self, PublicKey, SigningKey},
    spiffe::Kind,
    uscc::Uscc,
};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

/// Why a key or credential is not used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file does not read, or is not what it should be.
    #[error("{path}: {problem}")]
    File {
        /// Which.
        path: PathBuf,
        /// What was found, and what was needed.
        problem: String,
    },
    /// Others than the owner can read or write it.
    #[error("{path}: found mode {mode:04o}, needed 0600: whoever reads it can speak for this city")]
    Permissions {
        /// Which.
        path: PathBuf,
        /// As found, the nine permission bits and those above.
        mode: u32,
    },
    /// The key of another credential.
    #[error("{path}: the key does not belong to the credential in {credential}")]
    Mismatch {
        /// Of the key.
        path: PathBuf,
        /// Of the credential.
        credential: PathBuf,
    },
    /// The credential is not believed.
    #[error("{path}: {source}")]
    Credential {
        /// Which.
        path: PathBuf,
        /// Why.
        source: chain::Error,
    },
    /// A credential, but somebody else's.
    #[error("{path}: found the credential of {found}, needed {needed}")]
    Another {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose is needed.
        needed: String,
    },
    /// The bundle does not know the log's key.
    #[error("{path}: the trust bundle names another key for {origin}")]
    LogKey {
        /// Which.
        path: PathBuf,
        /// Of which log.
        origin: String,
    },
    /// The bundle does not know this region's logs.
    #[error("the trust bundle names no log of region {region}: the province must add it")]
    NoLog {
        /// This node's.
        region: Region,
    },
    /// The index key that writers of this region use is not among the configured ones.
    #[error("the trust bundle names another index key for region {region} than those configured")]
    IndexKey {
        /// This node's.
        region: Region,
    },
    /// The bundle contradicts itself.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
}

impl Error {
    /// The stable reason.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::File { .. } => Reason::ConfigInvalid,
            Self::Permissions { .. } => Reason::KeyPermissions,
            Self::Mismatch { .. } => Reason::KeyMismatch,
            Self::Credential { source, .. } => source.reason(),
            Self::Another { .. } => Reason::CredentialInvalid,
            Self::LogKey { .. } | Self::NoLog { .. } => Reason::LogKeyUnknown,
            Self::IndexKey { .. } => Reason::IndexKeyMissing,
            Self::Bundle(_) => Reason::BundleInvalid,
        }
    }
}

/// A department that entrusted its key to this node.
pub struct DocumentSigner {
    /// The department, as printed on certificates.
    pub issuer: Issuer,
    /// SHA-256 of the credential: what envelopes name.
    pub key_id: [u8; 32],
    /// Signs.
    pub key: SigningKey,
    /// DER: the credential, then its CAs without the root.
    pub chain: Vec<Vec<u8>>,
    /// When the credential begins, Unix milliseconds.
    pub not_before_ms: u64,
    /// When the credential ends, Unix milliseconds.
    pub not_after_ms: u64,
    /// Set once the own log is known to hold the credential; such a row is never removed.
    pub published: AtomicBool,
}

/// All keys of a node.
pub struct Keys {
    /// Credential and key of the node, for TLS.
    pub identity: Arc<CertifiedKey>,
    /// Epoch of the own logs.
    pub epoch: u32,
    /// Sign the event log's checkpoints; moved to the ledger at start.
    pub event_log: Vec<LogKey>,
    /// Sign the access log's checkpoints; moved to the ledger at start.
    pub access_log: Vec<LogKey>,
    /// Index keys, as configured.
    pub index: Vec<IndexKey>,
    /// Id of the store key, in everything that is sealed with it.
    pub store_id: StoreKeyId,
    /// Sub-key of the store key: seals values at rest.
    pub disclosures: Subkey,
    /// Sub-key of the store key: seals the descriptions and salts of files.
    pub files: Subkey,
    /// Sub-keys of the store key: name and seal kept files.
    pub blobs: BlobKeys,
    /// Sub-key of the store key: seals the parties of access records.
    pub parties: Subkey,
    /// Sub-key of the store key: digests of requests.
    pub requests: Subkey,
    /// Sub-key of the store key: numbers of copies for one use.
    pub copies: Subkey,
    /// Departments whose key is here.
    pub departments: BTreeMap<Uscc, Arc<DocumentSigner>>,
}

impl Keys {
    /// Reads and checks all. A stale CRL is no obstacle: a node that was away has to come up to fetch the new one.
    ///
    /// # Errors
    /// The first file that is not as it should be.
    pub fn load(config: &Config, trust: &Trust, now_ms: u64, random: &Random) -> Result<Self, Error> {
        let region = config.node.region;
        let identity = identity(config, trust, now_ms)?;
        let mut departments = BTreeMap::new();
        for (code, department) in &config.departments {
            let signer = department_signer(code, department, region, trust, now_ms, random)?;
            departments.insert(signer.issuer.uscc, Arc::new(signer));
        }
        let store: StoreKey = file::parsed(&config.keys.store)?;
        let snapshot = trust.snapshot();
        let epoch = snapshot.bundle().newest_epoch(region, LogKind::Events).ok_or(Error::NoLog { region })?;
        Ok(Self {
            identity,
            epoch,
            event_log: vec![log_key(&config.keys.event_log, &snapshot, region, LogKind::Events, epoch)?],
            access_log: vec![log_key(&config.keys.access_log, &snapshot, region, LogKind::Access, epoch)?],
            index: config.keys.index.iter().map(|path| file::parsed(path)).collect::<Result<_, _>>()?,
            store_id: store.id(),
            disclosures: store.subkey("exchange/disclosures/v1"),
            files: store.subkey("exchange/files/v1"),
            blobs: BlobKeys::new(&store),
            parties: store.subkey("exchange/parties/v1"),
            requests: store.subkey("exchange/requests/v1"),
            copies: store.subkey("exchange/copies/v1"),
            departments,
        })
    }
}

/// For a reload: checks every file of a configuration as [`Keys::load`] does, and gives the node's credential, which alone
/// is taken over. A log key may be of any epoch: the bundle of a new one comes before the restart that takes its key.
///
/// # Errors
/// As [`Keys::load`].
pub fn check(config: &Config, trust: &Trust, now_ms: u64, random: &Random) -> Result<Arc<CertifiedKey>, Error> {
    let region = config.node.region;
    let identity = identity(config, trust, now_ms)?;
    for (code, department) in &config.departments {
        department_signer(code, department, region, trust, now_ms, random)?;
    }
    let snapshot = trust.snapshot();
    for (path, kind) in [(&config.keys.event_log, LogKind::Events), (&config.keys.access_log, LogKind::Access)] {
        let logs = snapshot.bundle().regions.get(&region).map_or(&[][..], |trust| &trust.logs);
        let epochs: Vec<u32> = logs.iter().filter(|log| log.kind == kind).map(|log| log.epoch).collect();
        let newest = *epochs.iter().max().ok_or(Error::NoLog { region })?;
        let of = |epoch| log_key(path, &snapshot, region, kind, epoch).map(drop);
        if let Err(error) = of(newest)
            && !epochs.iter().any(|epoch| of(*epoch).is_ok())
        {
            return Err(error);
        }
    }
    for path in &config.keys.index {
        file::parsed::<IndexKey>(path)?;
    }
    file::parsed::<StoreKey>(&config.keys.store)?;
    Ok(identity)
}

/// The node's credential with its key: that of the configured region and name.
///
/// # Errors
/// As [`Keys::load`].
pub fn identity(config: &Config, trust: &Trust, now_ms: u64) -> Result<Arc<CertifiedKey>, Error> {
    let (path, key_path) = (&config.identity.certificate, &config.identity.key);
    let (chain, verified) = credential(path, Purpose::NodeServer, trust, now_ms)?;
    match &verified.id().kind {
        Kind::Node { region, name } if *region == config.node.region && name.as_str() == config.node.name => {}
        _ => {
            let needed = format!("region {}, node {}", config.node.region, config.node.name);
            return Err(Error::Another { path: path.clone(), found: verified.id().to_string(), needed });
        }
    }
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(file::private_key(key_path)?.to_vec()));
    let identity =
        CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => Error::Mismatch { path: key_path.clone(), credential: path.clone() },
            other => Error::File { path: key_path.clone(), problem: other.to_string() },
        })?;
    Ok(Arc::new(identity))
}

fn department_signer(
    code: &str,
    department: &Department,
    region: Region,
    trust: &Trust,
    now_ms: u64,
    random: &Random,
) -> Result<DocumentSigner, Error> {
    let path = &department.certificate;
    let (chain, verified) = credential(path, Purpose::Document, trust, now_ms)?;
    let uscc = match &verified.id().kind {
        Kind::Department { region: of, uscc } if *of == region && uscc.as_str() == code => *uscc,
        _ => {
            let needed = format!("region {region}, department {code}");
            return Err(Error::Another { path: path.clone(), found: verified.id().to_string(), needed });
        }
    };
    let refuse =
        |path: &Path, error: signature::Error| Error::File { path: path.to_owned(), problem: error.to_string() };
    let key = SigningKey::from_pkcs8_der(&file::private_key(&department.key)?, random.secure())
        .map_err(|error| refuse(&department.key, error))?;
    let needed = PublicKey::from_spki_der(&verified.credential().spki).map_err(|error| refuse(path, error))?;
    if key.public_key().bytes() != needed.bytes() {
        return Err(Error::Mismatch { path: department.key.clone(), credential: path.clone() });
    }
    Ok(DocumentSigner {
        issuer: Issuer { uscc, name: department.name.clone() },
        key_id: verified.credential().key_id(),
        key,
        chain: chain.iter().map(|der| der.to_vec()).collect(),
        not_before_ms: verified.credential().not_before_ms,
        not_after_ms: verified.credential().not_after_ms,
        published: AtomicBool::new(false),
    })
}

/// A credential file: the leaf and its CAs, verified for a purpose. A CA that is new here is taken note of.
fn credential(
    path: &Path,
    purpose: Purpose,
    trust: &Trust,
    now_ms: u64,
) -> Result<(Vec<CertificateDer<'static>>, VerifiedCredential), Error> {
    let chain = file::certificates(path)?;
    let (leaf, cas) = chain.split_first().ok_or_else(|| Error::File {
        path: path.to_owned(),
        problem: "no certificate in it; a PEM file with the credential and its CA is needed".to_owned(),
    })?;
    for ca in cas {
        trust.learn(ca);
    }
    let verified = chain::verify_path(leaf, cas, purpose, &trust.snapshot().basis(now_ms, true))
        .map_err(|source| Error::Credential { path: path.to_owned(), source })?;
    if let Some(stale) = verified.stale_crl() {
        tracing::warn!(path = %path.display(), issuer = stale.issuer, "judged by a stale CRL");
    }
    Ok((chain, verified))
}

fn log_key(path: &Path, snapshot: &Snapshot, region: Region, kind: LogKind, epoch: u32) -> Result<LogKey, Error> {
    let origin = snapshot.bundle().origin(region, kind, epoch)?.to_string();
    let key = LogKey::from_pkcs8_der(&origin, &file::private_key(path)?)
        .map_err(|error: note::Error| Error::File { path: path.to_owned(), problem: error.to_string() })?;
    let known = snapshot.bundle().regions.get(&region).is_some_and(|trust| {
        let mut logs = trust.logs.iter();
        logs.any(|log| log.kind == kind && log.epoch == epoch && log.public_key == *key.verifier().key())
    });
    if known { Ok(key) } else { Err(Error::LogKey { path: path.to_owned(), origin }) }
}
