//! The store: two databases, so that a slow one never stalls the other.
//!
//! * `own/`: this city's logs and what they decide on. Written only by the ledger, synced, backed up.
//! * `province/`: copies of the other cities' logs and the index of all regions. Written only by the indexer, atomic
//!   but not synced; deleting it and replaying is the repair.
//!
//! Keys sort as written (formats.md, "Keys of rows"); every value begins with a format version.

mod engine;
pub mod index;
pub mod keys;
pub mod log;
pub mod own;
mod recent;

pub use engine::{Database, Engine, Key, Value, Write, builder, keyspace_options};

use exchange_core::region::Region;
use std::path::{Path, PathBuf};

/// Format version of the store as a whole, in `own/`'s meta row.
pub const FORMAT: u32 = 1;

/// What the store answers when it cannot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed.
    #[error("the store failed: {0}")]
    Engine(#[from] fjall::Error),
    /// A row is not what its format says.
    #[error("row in {space} does not read: {problem}")]
    Row {
        /// Keyspace.
        space: &'static str,
        /// What was found.
        problem: String,
    },
    /// Written by a newer release.
    #[error("the store has format {found}, this release knows {FORMAT}: install the release that wrote it")]
    Newer {
        /// In the store.
        found: u32,
    },
    /// The node stopped before a commit began: nothing of it is written.
    #[error("a commit was not run: the node is stopping")]
    NotRun,
    /// The folder cannot be used.
    #[error("folder {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Keyspaces of both databases. The name is the folder's, so it is a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Event log entries: region ‖ epoch ‖ index.
    Entries,
    /// Full tiles of event logs: region ‖ epoch ‖ level ‖ tile.
    Tiles,
    /// Checkpoints of event logs: region ‖ epoch ‖ size.
    Checkpoints,
    /// As the three above, of the private access log.
    AccessEntries,
    /// Tiles of the access log.
    AccessTiles,
    /// Checkpoints of the access log.
    AccessCheckpoints,
    /// Certificates: region ‖ id.
    Certificates,
    /// Sealed values and salts: region ‖ id. Nobody outside of this module can name it: `store/own.rs` has the ways in.
    Disclosures(Private),
    /// Sealed descriptions and salts of files: region ‖ id. As private as the values.
    Files(Private),
    /// Copies for one use: number.
    Copies,
    /// Which certificates have a kept file: blob ‖ region ‖ id.
    Blobs,
    /// Idempotency of mutations: caller ‖ id.
    Requests,
    /// Idempotency of questions: region ‖ id.
    Questions,
    /// Sealed parties of access records: epoch ‖ index.
    Parties,
    /// Who read what: holder tag ‖ epoch ‖ index.
    Uses,
    /// Imported rows: issuer, type, source id, row time.
    Imports,
    /// Department credentials: region ‖ key id.
    Credentials,
    /// Bundle, CRLs and their highest numbers.
    Trust,
    /// Largest access checkpoint of a region in a minute.
    SeenAccess,
    /// Fork evidence.
    Evidence,
    /// Marks and versions.
    Meta,
    /// index key id ‖ tag ‖ region ‖ id.
    Holders,
    /// Certificate types: code ‖ version.
    Types,
    /// Uniform matters: code ‖ version.
    Matters,
    /// Implementations: region ‖ matter code ‖ version.
    Implementations,
    /// State of each region's log.
    Regions,
    /// What was not progress: region ‖ sequence.
    Rejected,
    /// Holder tags under an index key that is not here yet: region ‖ id.
    DeferredTags,
}

/// What only the store can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Private(());

impl Space {
    const OWN: [Self; 23] = [
        Self::Entries,
        Self::Tiles,
        Self::Checkpoints,
        Self::AccessEntries,
        Self::AccessTiles,
        Self::AccessCheckpoints,
        Self::Certificates,
        Self::Disclosures(Private(())),
        Self::Files(Private(())),
        Self::Copies,
        Self::Blobs,
        Self::Requests,
        Self::Questions,
        Self::Parties,
        Self::Uses,
        Self::Imports,
        Self::Credentials,
        Self::Trust,
        Self::SeenAccess,
        Self::Evidence,
        Self::Meta,
        Self::Types,
        Self::Implementations,
    ];
    /// Those of `province/`.
    pub const PROVINCE: [Self; 12] = [
        Self::Entries,
        Self::Tiles,
        Self::Checkpoints,
        Self::Certificates,
        Self::Credentials,
        Self::Holders,
        Self::Types,
        Self::Matters,
        Self::Implementations,
        Self::Regions,
        Self::Rejected,
        Self::DeferredTags,
    ];

    /// Name on disk and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Tiles => "tiles",
            Self::Checkpoints => "checkpoints",
            Self::AccessEntries => "access_entries",
            Self::AccessTiles => "access_tiles",
            Self::AccessCheckpoints => "access_checkpoints",
            Self::Certificates => "certificates",
            Self::Disclosures(_) => "disclosures",
            Self::Files(_) => "files",
            Self::Copies => "copies",
            Self::Blobs => "blobs",
            Self::Requests => "requests",
            Self::Questions => "questions",
            Self::Parties => "parties",
            Self::Uses => "uses",
            Self::Imports => "imports",
            Self::Credentials => "credentials",
            Self::Trust => "trust",
            Self::SeenAccess => "seen_access",
            Self::Evidence => "evidence",
            Self::Meta => "meta",
            Self::Holders => "holders",
            Self::Types => "types",
            Self::Matters => "matters",
            Self::Implementations => "implementations",
            Self::Regions => "regions",
            Self::Rejected => "rejected",
            Self::DeferredTags => "deferred_tags",
        }
    }
}

/// Whether a process has the store in this folder. The engine holds a lock on a file of each database; looking at it
/// changes nothing.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn in_use(folder: &Path) -> std::io::Result<bool> {
    for database in ["own", "province"] {
        let lock = std::fs::File::open(folder.join(database).join("lock"))?;
        match lock.try_lock_shared() {
            Ok(()) => lock.unlock()?,
            Err(std::fs::TryLockError::WouldBlock) => return Ok(true),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

/// Both databases of a node.
#[derive(Clone)]
pub struct Store {
    /// Whose node: the certificates of this region are in `own/` alone, as the ledger keeps them.
    pub home: Region,
    /// Own data; only the ledger writes.
    pub own: Database,
    /// The province's data; only the indexer writes.
    pub province: Database,
}

impl Store {
    /// Opens or makes the store of a region's node in a folder.
    ///
    /// # Errors
    /// The folder cannot be made, the engine cannot read it, or a newer release wrote it.
    pub fn open(folder: &Path, home: Region) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
        let store = Self {
            home,
            own: Database::open(&folder.join("own"), &Space::OWN, true)?,
            province: Database::open(&folder.join("province"), &Space::PROVINCE, false)?,
        };
        store.check_format()?;
        Ok(store)
    }

    /// In memory, for tests.
    #[cfg(feature = "test-util")]
    pub fn in_memory(home: Region) -> Self {
        Self { home, own: Database::in_memory(), province: Database::in_memory() }
    }

    fn check_format(&self) -> Result<(), Error> {
        for database in [&self.own, &self.province] {
            let space = if database.durable() { Space::Meta } else { Space::Regions };
            match database.get(space, keys::FORMAT)? {
                None => {
                    database.commit(vec![Write::put(space, keys::FORMAT.to_vec(), FORMAT.to_be_bytes().to_vec())])?
                }
                Some(value) => {
                    let found = value.as_ref().try_into().map_or(u32::MAX, u32::from_be_bytes);
                    if found > FORMAT {
                        return Err(Error::Newer { found });
                    }
                }
            }
        }
        Ok(())
    }
}
