//! Certificate types and matters: publishing them, and reading them fast.

pub mod file;
mod publish;

pub use publish::{Item, Publishing};

use crate::{refusal::Refusal, store::Store};
use exchange_core::{
    certificate_type::CertificateType,
    matter::{Implementation, Matter},
    position::Position,
    purpose::Implemented,
    region::Region,
};
use exchange_proto::{catalogue as convert, v1};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// A uniform matter and where it stands in the province's log.
#[derive(Debug)]
pub struct KnownMatter {
    /// As published.
    pub matter: Matter,
    /// In the province's log.
    pub position: Position,
}

/// An implementation, in force or not.
#[derive(Debug)]
pub struct KnownImplementation {
    /// As published.
    pub implementation: Implementation,
    /// In its region's log.
    pub position: Position,
    /// Whether it counts.
    pub state: v1::ImplementationState,
    /// Why it is void.
    pub void_reason: String,
}

impl KnownImplementation {
    /// What the rules make of it.
    pub fn state(known: Option<&Self>) -> Implemented<'_> {
        match known {
            Some(known) if known.state == v1::ImplementationState::InForce => {
                Implemented::InForce(&known.implementation)
            }
            Some(known) if known.state == v1::ImplementationState::Pending => Implemented::Pending,
            _ => Implemented::Unknown,
        }
    }
}

type Versioned<T> = HashMap<(String, Option<u32>), Option<Arc<T>>>;

#[derive(Default)]
struct Cache {
    /// Rises when something was published: what was read before is not kept.
    generation: u64,
    types: Versioned<CertificateType>,
    matters: Versioned<KnownMatter>,
    implementations: HashMap<(Region, String), Option<Arc<KnownImplementation>>>,
}

/// Reads the catalogue from the index; decoded items are kept until [`Catalogue::forget`].
#[derive(Clone)]
pub struct Catalogue {
    store: Store,
    cache: Arc<RwLock<Cache>>,
}

/// Decoded items kept at most; beyond it the cache starts anew.
const MOST_CACHED: usize = 20_000;

impl Catalogue {
    /// Over a store.
    pub fn new(store: Store) -> Self {
        Self { store, cache: Arc::default() }
    }

    /// Drops what was decoded: something was published.
    pub fn forget(&self) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        *cache = Cache { generation: cache.generation + 1, ..Cache::default() };
    }

    /// A certificate type; without a version the newest.
    pub fn certificate_type(&self, code: &str, version: Option<u32>) -> Result<Option<Arc<CertificateType>>, Refusal> {
        self.cached(
            |cache| cache.types.get(&(code.to_owned(), version)).cloned(),
            |store| {
                let row = store.certificate_type(code, version)?;
                let item = row.and_then(|row| row.certificate_type).map(convert::certificate_type).transpose();
                Ok(item.map_err(broken)?.map(Arc::new))
            },
            |cache, item| drop(cache.types.insert((code.to_owned(), version), item)),
        )
    }

    /// A uniform matter; without a version the newest.
    pub fn matter(&self, code: &str, version: Option<u32>) -> Result<Option<Arc<KnownMatter>>, Refusal> {
        self.cached(
            |cache| cache.matters.get(&(code.to_owned(), version)).cloned(),
            |store| {
                let Some(row) = store.matter(code, version)? else { return Ok(None) };
                let matter = row.matter.map(convert::matter).transpose().map_err(broken)?;
                let position = row.position.map(exchange_proto::certificate::position).transpose().map_err(broken)?;
                Ok(matter.zip(position).map(|(matter, position)| Arc::new(KnownMatter { matter, position })))
            },
            |cache, item| drop(cache.matters.insert((code.to_owned(), version), item)),
        )
    }

    /// The newest implementation of a matter by a region.
    pub fn implementation(&self, region: Region, code: &str) -> Result<Option<Arc<KnownImplementation>>, Refusal> {
        self.cached(
            |cache| cache.implementations.get(&(region, code.to_owned())).cloned(),
            |store| {
                let Some(row) = store.implementation(region, code)? else { return Ok(None) };
                let state = row.state();
                let found = row.implementation.map(convert::implementation).transpose().map_err(broken)?;
                let position = row.position.map(exchange_proto::certificate::position).transpose().map_err(broken)?;
                let void_reason = row.void_reason;
                Ok(found.zip(position).map(|(implementation, position)| {
                    Arc::new(KnownImplementation { implementation, position, state, void_reason })
                }))
            },
            |cache, item| drop(cache.implementations.insert((region, code.to_owned()), item)),
        )
    }

    fn cached<T>(
        &self,
        find: impl FnOnce(&Cache) -> Option<Option<Arc<T>>>,
        read: impl FnOnce(&Store) -> Result<Option<Arc<T>>, Refusal>,
        keep: impl FnOnce(&mut Cache, Option<Arc<T>>),
    ) -> Result<Option<Arc<T>>, Refusal> {
        let generation = {
            let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = find(&cache) {
                return Ok(found);
            }
            cache.generation
        };
        let item = read(&self.store)?;
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.generation != generation {
            return Ok(item);
        }
        if cache.types.len() + cache.matters.len() + cache.implementations.len() >= MOST_CACHED {
            *cache = Cache { generation, ..Cache::default() };
        }
        keep(&mut cache, item.clone());
        Ok(item)
    }
}

fn broken(error: exchange_proto::Error) -> Refusal {
    crate::store::Error::Row { space: "catalogue", problem: error.to_string() }.into()
}
