//! Applies entries to rows: reads what the rules need, and stages what they say.

mod implementations;
mod tags;

use super::{replica::Committed, rows as build, staged::Staged};
use crate::{
    store::{
        Error, Key, Space, Store, keys,
        log::{Entry, Kind, Log, read_entry},
    },
    watch,
};
use bytes::Bytes;
use exchange_core::{
    apply::{self, Hint, Issue, Outcome, RowChange, Rows, Version, Void},
    certificate::Header,
    certificate_type::CertificateType,
    event::{Event, EventKind},
    holder::TagOpener,
    matter::Matter,
    position::Position,
    reason::Reason,
    region::Region,
    sealed::IndexKey,
};
use exchange_proto::{
    catalogue,
    certificate::{decode_indexed, encode_position},
    event, store, v1,
};
use prost::Message;
use std::{collections::BTreeSet, sync::Arc};

/// First bytes of keys in the regions space that say where a CRL or bundle stands.
pub(super) const CARRIED: &[u8] = b"carried";
/// CAs whose CRLs one region's log may carry, its bundle counted as one: each is read again with every hint.
const MAX_CARRIED: usize = 64;

/// What an entry came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Applied,
    Void(Void),
    UpgradeNeeded,
}

/// An issue with what rows keep of its header.
pub(crate) struct Decoded {
    pub(crate) header: Header,
    pub(crate) key_id: [u8; 32],
}

/// Decodes what rows keep of an envelope around a certificate's header.
///
/// # Errors
/// As the conversions; an unknown schema is told apart by its reason.
pub(crate) fn issue(envelope: Bytes) -> Result<Decoded, exchange_proto::Error> {
    let (header, key_id) = decode_indexed(envelope)?;
    Ok(Decoded { header, key_id })
}

/// Reads an entry. The two kinds that nearly all entries are of are read without copies and without what no row keeps.
fn read(entry: &Bytes) -> Result<Read, exchange_proto::Error> {
    use v1::event::Kind;
    let Ok(message) = v1::Event::decode(entry.clone()) else { return Ok((event::decode(entry)?, None)) };
    let (kind, decoded) = match message.kind {
        Some(Kind::CertificateIssued(issued)) => {
            (EventKind::CertificateIssued { envelope: Vec::new() }, Some(issue(issued.envelope)))
        }
        Some(Kind::HolderTags(v1::HolderTags { certificate_id, index_key_id, sealed })) if index_key_id.len() == 8 => {
            let index_key_id = index_key_id.as_ref().try_into().unwrap_or_default();
            (EventKind::HolderTags { certificate_id, index_key_id, sealed: sealed.into() }, None)
        }
        _ => return Ok((event::decode(entry)?, None)),
    };
    Ok((Event { at_ms: message.at_ms, must_understand: message.must_understand, kind }, decoded))
}

/// An entry, with its header if it issues a certificate.
type Read = (Event, Option<Result<Decoded, exchange_proto::Error>>);

/// Applies entries of one region's log.
pub(super) struct Index {
    store: Store,
    region: Region,
    province: Region,
    pub(super) staged: Staged,
    /// Key ids that were seen as published: most entries are signed by few keys.
    credentials: BTreeSet<[u8; 32]>,
    /// The index keys, ready to open many tags; made anew when other keys are given.
    openers: (Option<Arc<Vec<IndexKey>>>, Vec<TagOpener>),
    /// Of this batch, if somebody watches.
    pub(super) events: Vec<watch::Applied>,
    pub(super) watched: bool,
    /// A CRL or a bundle came in this batch.
    pub(super) trust: bool,
    /// A type, a matter or an implementation came in this batch.
    pub(super) catalogue: bool,
    /// An entry was redacted in this batch.
    redacted: bool,
    /// Keys of what the region carries; `None` until the first of them comes.
    carried: Option<BTreeSet<Key>>,
}

impl Index {
    pub(super) fn new(store: Store, region: Region, province: Region) -> Self {
        Self {
            store,
            region,
            province,
            staged: Staged::default(),
            credentials: BTreeSet::new(),
            openers: (None, Vec::new()),
            events: Vec::new(),
            watched: false,
            trust: false,
            catalogue: false,
            redacted: false,
            carried: None,
        }
    }

    fn load(&mut self, keys: &Arc<Vec<IndexKey>>) {
        if !self.openers.0.as_ref().is_some_and(|loaded| Arc::ptr_eq(loaded, keys)) {
            self.openers = (Some(Arc::clone(keys)), keys.iter().map(TagOpener::new).collect());
        }
    }

    /// What the staged rows are handed on as, once they are committed; begins anew.
    pub(super) fn committed(&mut self) -> Committed {
        Committed {
            forks: Vec::new(),
            trust: std::mem::take(&mut self.trust),
            catalogue: std::mem::take(&mut self.catalogue),
            redacted: std::mem::take(&mut self.redacted),
            events: std::mem::take(&mut self.events),
        }
    }

    /// Applies one entry of the own log. The ledger decided on certificates and wrote their rows with the entry; what is
    /// left of these entries are tags and events.
    pub(super) fn apply_own(
        &mut self,
        position: Position,
        entry: &Bytes,
        keys: &Arc<Vec<IndexKey>>,
    ) -> Result<Step, Error> {
        use v1::event::Kind;
        match v1::Event::decode(entry.clone()).ok().and_then(|event| event.kind) {
            Some(Kind::CertificateIssued(_) | Kind::CertificateStatusChanged(_)) => {
                if self.watched {
                    self.events.extend(watch::read(&self.store, position, entry)?);
                }
                Ok(Step::Applied)
            }
            Some(Kind::HolderTags(tags)) if let Ok(key_id) = tags.index_key_id.as_ref().try_into() => {
                self.load(keys);
                let void = self.holder_tags(&tags.certificate_id, &key_id, &tags.sealed);
                Ok(void.map_or(Step::Applied, Step::Void))
            }
            _ => self.apply(position, entry, keys),
        }
    }

    /// Applies one entry.
    pub(super) fn apply(
        &mut self,
        position: Position,
        entry: &Bytes,
        keys: &Arc<Vec<IndexKey>>,
    ) -> Result<Step, Error> {
        self.load(keys);
        let Ok((event, decoded)) = read(entry) else { return Ok(Step::Void(Void::Malformed)) };
        let decoded = match decoded {
            // A later release reads it: what this one derives is not what others derive.
            Some(Err(error)) if error.reason() == Reason::UnknownSchema => return Ok(Step::UpgradeNeeded),
            decoded => decoded.and_then(Result::ok),
        };
        let issue = decoded.as_ref().map(|issue| Issue { header: &issue.header, key_id: &issue.key_id });
        let mut seen = std::mem::take(&mut self.credentials);
        let outcome = self.decide(position, &event, issue, &mut seen);
        self.credentials = seen;
        let outcome = outcome?;
        match outcome {
            Outcome::Applied { changes, hint } => {
                if hint == Hint::Trust {
                    self.carried(position, &event)?;
                }
                if let EventKind::AccessCheckpoint { size, root, note, .. } = &event.kind {
                    self.anchored(*size, root, note);
                }
                for change in changes {
                    if let Some(reason) = self.stage(position, event.at_ms, decoded.as_ref(), change)? {
                        return Ok(Step::Void(reason));
                    }
                }
                Ok(Step::Applied)
            }
            Outcome::Void { reason, shown } => {
                if let Some(change) = shown {
                    self.stage(position, event.at_ms, None, change)?;
                }
                Ok(Step::Void(reason))
            }
            Outcome::UpgradeNeeded => Ok(Step::UpgradeNeeded),
        }
    }

    fn decide<'a>(
        &self,
        position: Position,
        event: &'a Event,
        issue: Option<Issue<'a>>,
        seen: &mut BTreeSet<[u8; 32]>,
    ) -> Result<Outcome<'a>, Error> {
        let region = self.region;
        let taken = |space: Space, key: &Key| -> Result<Version, Error> {
            Ok(if self.staged.get(&self.store, space, key)?.is_some() { Version::Taken } else { Version::Free })
        };
        let mut rows = Rows {
            issued: &mut |id| {
                self.staged.contains(&self.store, Space::Certificates, &keys::regional(region, id.as_bytes()))
            },
            certificate: &mut |id| {
                let row = self.certificate(id)?;
                row.map(|row| {
                    build::state(region, &row).ok_or_else(|| Error::Row {
                        space: Space::Certificates.name(),
                        problem: format!("status {} is not known", row.status),
                    })
                })
                .transpose()
            },
            credential: &mut |key_id| {
                if seen.contains(key_id) {
                    return Ok(true);
                }
                let key = keys::regional(region, key_id);
                let found = self.staged.get(&self.store, Space::Credentials, &key)?.is_some();
                if found {
                    seen.insert(*key_id);
                }
                Ok(found)
            },
            certificate_type: &mut |item: &CertificateType| {
                taken(Space::Types, &keys::versioned(item.type_code.as_str(), item.version))
            },
            matter: &mut |item: &Matter| {
                taken(Space::Matters, &keys::versioned(item.matter_code.as_str(), item.version))
            },
            implementation: &mut |item| self.version(item),
            uniform: &mut |named| self.uniform_at(position, event, named),
        };
        apply::apply(self.province, position, event, issue, &mut rows)
    }

    fn certificate(&self, id: &str) -> Result<Option<store::CertificateRow>, Error> {
        self.staged.read(&self.store, Space::Certificates, &keys::regional(self.region, id.as_bytes()))
    }

    /// Stages one change. A reason: the change cannot be read with the index key that sealed it.
    fn stage(
        &mut self,
        position: Position,
        at_ms: u64,
        issue: Option<&Decoded>,
        change: RowChange<'_>,
    ) -> Result<Option<Void>, Error> {
        self.catalogue |= matches!(
            change,
            RowChange::CertificateType(_)
                | RowChange::Matter(_)
                | RowChange::Implementation(_)
                | RowChange::VoidImplementation(..)
                | RowChange::Waiting(_)
        );
        match change {
            RowChange::Issued { header, key_id } => {
                let row = build::issued(position, header, key_id);
                self.put_certificate(header.certificate_id.as_str(), &row, position, at_ms);
            }
            RowChange::Replaced { certificate_id, .. } => {
                if let (Some(mut row), Some(by)) = (self.certificate(certificate_id)?, issue) {
                    build::replace(&mut row, position, &by.header);
                    self.put_certificate(certificate_id, &row, position, at_ms);
                }
            }
            RowChange::StatusChanged(change) => {
                if let Some(mut row) = self.certificate(&change.certificate_id)? {
                    build::change(&mut row, position, change);
                    self.put_certificate(&change.certificate_id, &row, position, at_ms);
                }
            }
            RowChange::Credential { key_id, leaf, intermediates } => {
                let row = store::CredentialRow {
                    epoch: position.epoch,
                    index: position.index,
                    leaf: leaf.to_vec().into(),
                    intermediates: intermediates.iter().map(|der| der.clone().into()).collect(),
                    uscc: String::new(),
                };
                self.staged.put(Space::Credentials, keys::regional(self.region, &key_id), &row);
            }
            RowChange::HolderTags { certificate_id, index_key_id, sealed } => {
                return Ok(self.holder_tags(certificate_id, index_key_id, sealed));
            }
            RowChange::CertificateType(item) => {
                let row = store::TypeRow {
                    certificate_type: Some(catalogue::encode_certificate_type(item)),
                    position: Some(encode_position(position)),
                };
                self.staged.put(Space::Types, keys::versioned(item.type_code.as_str(), item.version), &row);
            }
            RowChange::Matter(item) => {
                let row = store::MatterRow {
                    matter: Some(catalogue::encode_matter(item)),
                    position: Some(encode_position(position)),
                };
                self.staged.put(Space::Matters, keys::versioned(item.matter_code.as_str(), item.version), &row);
            }
            RowChange::Implementation(item) => self.put_implementation(position, item, None),
            RowChange::VoidImplementation(item, reason) => self.put_implementation(position, item, Some(&reason)),
            RowChange::Waiting(item) => {
                let row = implementations::waiting_row(position, item);
                if self.version(item)? == Version::Free {
                    self.staged.put(Space::Implementations, implementations::row_key(self.region, item), &row);
                }
                self.staged.put(Space::Implementations, implementations::waiting_key(position, item), &row);
            }
            RowChange::Redact { index } => {
                self.redacted = true;
                self.redact(position.epoch, index)?;
            }
        }
        Ok(None)
    }

    fn put_certificate(&mut self, id: &str, row: &store::CertificateRow, position: Position, at_ms: u64) {
        self.staged.put(Space::Certificates, keys::regional(self.region, id.as_bytes()), row);
        if self.watched {
            self.events.extend(watch::applied(row, position, at_ms, id.to_owned()));
        }
    }

    /// Keeps the newest access checkpoint that the log anchors, for the audit of access logs.
    fn anchored(&mut self, size: u64, root: &[u8; 32], note: &[u8]) {
        let row = store::SeenAccessRow { note: note.to_vec().into(), size, root: root.to_vec().into(), audited: false };
        self.staged.put(Space::Regions, keys::anchored_access(self.region), &row);
    }

    /// Says where a CRL or bundle stands, for trust to read. A region that names more CAs than there can be is not
    /// listened to about the rest.
    fn carried(&mut self, position: Position, event: &Event) -> Result<(), Error> {
        let name = match &event.kind {
            EventKind::CrlPublished { issuer_spki_sha256, .. } => issuer_spki_sha256.as_slice(),
            _ => b"bundle",
        };
        let prefix = [CARRIED, &self.region.as_bytes()].concat();
        let key = [&prefix, name].concat();
        let known = match &mut self.carried {
            Some(known) => known,
            none => {
                let rows = self.store.province.scan(Space::Regions, &prefix, &keys::after(&prefix), MAX_CARRIED)?;
                none.insert(rows.into_iter().map(|(key, _)| key).collect())
            }
        };
        if !known.contains(&key) && known.len() >= MAX_CARRIED {
            tracing::warn!(%position, "a CRL of one CA too many is passed over");
            return Ok(());
        }
        known.insert(key.clone());
        self.staged.put(Space::Regions, key, &encode_position(position));
        self.trust = true;
        Ok(())
    }

    /// Replaces an entry's bytes by their leaf hash. The own log's entries are the ledger's to replace.
    fn redact(&mut self, epoch: u32, index: u64) -> Result<(), Error> {
        self.staged.settle()?; // the entry may be on its way
        let log = Log::new(&self.store.province, Kind::Events, self.region, epoch);
        let key = keys::entry(self.region, epoch, index);
        let staged = self.staged.blind().iter().position(|write| write.space == Space::Entries && write.key == key);
        let entry = match staged {
            Some(at) => self.staged.blind().swap_remove(at).value.map(read_entry).transpose()?,
            None => log.entry(index)?,
        };
        if let Some(entry) = entry {
            let write = log.put_entry(index, &Entry::LeafHash(entry.leaf()));
            self.staged.blind().push(write);
        }
        Ok(())
    }
}
