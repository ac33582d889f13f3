//! What happens to certificates, as it is applied here: for subscribers of `WatchCertificates`.
//!
//! A subscriber that is too slow for the bounded channel reads on from the store, which is also how it resumes.

use crate::store::{
    self, Space, Store,
    log::{Entry, Kind, Log},
};
use exchange_core::{event::EventKind, position::Position, region::Region, status::Status};
use exchange_proto::{event, store as rows, v1};
use std::sync::Arc;
use tokio::sync::broadcast;

/// Events that a slow subscriber may be behind before it reads from the store.
const CAPACITY: usize = 4_096;

/// An applied event of a certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Where it stands.
    pub position: Position,
    /// The entry's time, Unix milliseconds.
    pub at_ms: u64,
    /// Which certificate.
    pub certificate_id: String,
    /// Of which type.
    pub type_code: String,
    /// After the event.
    pub status: i32,
    /// The type's own.
    pub status_code: String,
    /// First day on which it holds.
    pub effective_on: Option<v1::Date>,
    /// This entry issued it.
    pub issued: bool,
}

/// The stream of applied events. Clones share it.
#[derive(Debug, Clone)]
pub struct Watch(broadcast::Sender<Arc<Applied>>);

impl Default for Watch {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl Watch {
    /// From now on. `Lagged` means: read on with [`replay`].
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Applied>> {
        self.0.subscribe()
    }

    /// Is anybody there?
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Hands events to whoever is there.
    pub fn offer(&self, events: Vec<Applied>) {
        for applied in events {
            let _ = self.0.send(Arc::new(applied)); // nobody may be there
        }
    }
}

/// Reads applied events of one region's log again, from an index on: at most `most` entries are looked at. Returns them
/// with the index to go on from; an index that does not move is the end of what is applied here.
///
/// # Errors
/// The store fails.
pub fn replay(
    store: &Store,
    own: Region,
    region: Region,
    epoch: u32,
    from: u64,
    most: usize,
) -> Result<(Vec<Applied>, u64), store::Error> {
    let applied = store.region_state(region)?.filter(|state| state.epoch >= epoch);
    let size = applied.map_or(0, |state| if state.epoch > epoch { u64::MAX } else { state.size });
    let database = if region == own { &store.own } else { &store.province };
    let most = usize::try_from(size.saturating_sub(from)).unwrap_or(usize::MAX).min(most);
    let entries = Log::new(database, Kind::Events, region, epoch).entries(from, most, usize::MAX)?;
    let mut found = Vec::new();
    let mut next = from;
    for entry in &entries {
        let position = Position { region, epoch, index: next };
        next += 1;
        let Entry::Bytes(bytes) = entry else { continue };
        found.extend(read(store, position, bytes)?);
    }
    Ok((found, next))
}

/// The event of an entry, unless it is void or of another kind.
pub(crate) fn read(store: &Store, position: Position, entry: &[u8]) -> Result<Option<Applied>, store::Error> {
    let Ok(decoded) = event::decode(entry) else { return Ok(None) };
    let id = match &decoded.kind {
        EventKind::CertificateIssued { envelope } => match crate::indexer::issue(envelope.clone().into()) {
            Ok(issue) => issue.header.certificate_id.to_string(),
            Err(_) => return Ok(None),
        },
        EventKind::CertificateStatusChanged(change) => change.certificate_id.clone(),
        _ => return Ok(None),
    };
    let key = store::keys::regional(position.region, id.as_bytes());
    let Some(row) = store.certificates_of(position.region).get(Space::Certificates, key)? else { return Ok(None) };
    let row: rows::CertificateRow = store::own::decode(Space::Certificates, &row)?;
    Ok(applied(&row, position, decoded.at_ms, id))
}

/// The event that an entry at a position was to a certificate; `None` if the row does not have that link.
pub(crate) fn applied(row: &rows::CertificateRow, position: Position, at_ms: u64, id: String) -> Option<Applied> {
    let event = Applied {
        position,
        at_ms,
        certificate_id: id,
        type_code: row.type_code.clone(),
        status: Status::Active as i32,
        status_code: String::new(),
        effective_on: row.valid_from,
        issued: true,
    };
    if (row.epoch, row.index) == (position.epoch, position.index) {
        return Some(event);
    }
    let link = row.links.iter().find(|link| (link.epoch, link.index) == (position.epoch, position.index))?;
    Some(Applied {
        status: link.to,
        status_code: link.status_code.clone(),
        effective_on: link.effective_on,
        issued: false,
        ..event
    })
}
