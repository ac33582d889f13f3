//! What nodes read from each other: checkpoints, consistency proofs, trust. None of it is secret among nodes, and all of
//! it proves itself; it is also served to a node whose only fault is a stale CRL, and while this node is read-only.

use crate::{
    refusal::Refusal,
    spawn::Tasks,
    store::{
        Store,
        log::{Kind, Log},
    },
    trust::Trust,
};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{LogKind, Origin},
    reason::Reason,
    region::Region,
};
use exchange_proto::v1::{
    GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest, GetConsistencyProofResponse,
    GetTrustRequest, TrustItem, trust_item::Item,
};
use ring::digest::{SHA256, digest};
use std::sync::Arc;

/// Bytes of one chunk of `GetTrust`.
pub const CHUNK_BYTES: usize = 256 << 10;

/// The logs and the trust that this node holds, for other nodes.
#[derive(Clone)]
pub struct Readable {
    /// Where the logs are.
    pub store: Store,
    /// Bundle and CRLs.
    pub trust: Arc<Trust>,
    /// This node's region: its logs are in `own/`.
    pub region: Region,
    /// Proofs read tiles from disk, away from the runtime's workers.
    pub tasks: Tasks,
}

impl Readable {
    /// The newest checkpoint of a log.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `REGION_UNKNOWN`, `POSITION_OUT_OF_RANGE` for a log of which nothing is here.
    pub fn checkpoint(&self, request: &GetCheckpointRequest) -> Result<GetCheckpointResponse, Refusal> {
        let origin = self.origin(&request.origin)?;
        let (_, note) = self.log(&origin)?.newest_checkpoint()?.ok_or_else(|| nothing(&origin))?;
        Ok(GetCheckpointResponse { checkpoint: note })
    }

    /// The proof that the tree of `new_size` only grew from that of `old_size`.
    ///
    /// # Errors
    /// As [`Readable::checkpoint`]; `POSITION_OUT_OF_RANGE` unless 0 < old ≤ new ≤ the newest size.
    pub async fn consistency_proof(
        &self,
        request: GetConsistencyProofRequest,
    ) -> Result<GetConsistencyProofResponse, Refusal> {
        let reads = self.clone();
        let proof = self.tasks.blocking(move || reads.consistency(&request));
        proof.await.map_err(|error| Refusal::node(Reason::Internal, error.to_string(), "a proof"))?
    }

    fn consistency(&self, request: &GetConsistencyProofRequest) -> Result<GetConsistencyProofResponse, Refusal> {
        let origin = self.origin(&request.origin)?;
        let log = self.log(&origin)?;
        let (size, _) = log.newest_checkpoint()?.ok_or_else(|| nothing(&origin))?;
        let (old, new) = (request.old_size, request.new_size);
        if old == 0 || old > new || new > size {
            let (found, needed) = (format!("sizes {old} and {new}"), format!("0 < old <= new <= {size}"));
            return Err(Refusal::caller(Reason::PositionOutOfRange, found, needed));
        }
        let hashes = log.consistency(&log.tree(new)?, old, new)?;
        Ok(GetConsistencyProofResponse { hashes: hashes.iter().map(|hash| Bytes::copy_from_slice(hash)).collect() })
    }

    /// The newest bundle and CRLs, or the one item that is asked for by its digest, in chunks.
    ///
    /// # Errors
    /// `FIELD_INVALID`; `BUNDLE_MISSING` when no item has that digest.
    pub fn trust_items(&self, request: &GetTrustRequest) -> Result<Vec<TrustItem>, Refusal> {
        let wanted = &request.sha256;
        if !wanted.is_empty() && wanted.len() != 32 {
            return Err(Refusal::caller(Reason::FieldInvalid, format!("{} bytes", wanted.len()), "sha256 of 32 bytes"));
        }
        let is_wanted = |bytes: &[u8]| wanted.is_empty() || digest(&SHA256, bytes).as_ref() == &wanted[..];
        let snapshot = self.trust.snapshot();
        let mut items = Vec::new();
        if is_wanted(snapshot.signed_bundle()) {
            chunks(snapshot.signed_bundle(), Item::BundleChunk, &mut items);
        }
        for (_, crl) in snapshot.crls().proven().filter(|(_, crl)| is_wanted(&crl.der)) {
            chunks(&crl.der, Item::CrlChunk, &mut items);
        }
        if items.is_empty() {
            return Err(Refusal::caller(
                Reason::BundleMissing,
                "no item with this digest",
                "the digest of one held here",
            ));
        }
        Ok(items)
    }

    fn origin(&self, text: &str) -> Result<Origin, Refusal> {
        let origin: Origin = text.parse().map_err(|error: exchange_core::checkpoint::Error| {
            Refusal::caller(Reason::FieldInvalid, error.to_string(), "the origin of a log")
        })?;
        let domain = self.trust.snapshot().bundle().trust_domain.to_string();
        if origin.trust_domain() == domain {
            return Ok(origin);
        }
        Err(Refusal::caller(Reason::RegionUnknown, "an origin of another trust domain", domain))
    }

    fn log(&self, origin: &Origin) -> Result<Log<'_>, Refusal> {
        let region = Region::parse(origin.region())
            .map_err(|error| Refusal::caller(Reason::FieldInvalid, error.to_string(), "a region's code"))?;
        let (database, kind) = match (origin.kind(), region == self.region) {
            (LogKind::Events, true) => (&self.store.own, Kind::Events),
            (LogKind::Access, true) => (&self.store.own, Kind::Access),
            (LogKind::Events, false) => (&self.store.province, Kind::Events),
            (LogKind::Access, false) => {
                let found = format!("the access log of {region}");
                return Err(Refusal::caller(Reason::RegionUnknown, found, "that region's own node"));
            }
        };
        Ok(Log::new(database, kind, region, origin.epoch()))
    }
}

fn chunks(bytes: &[u8], item: fn(Bytes) -> Item, items: &mut Vec<TrustItem>) {
    let mut rest = bytes.chunks(CHUNK_BYTES).peekable();
    while let Some(chunk) = rest.next() {
        items.push(TrustItem { item: Some(item(Bytes::copy_from_slice(chunk))), last_chunk: rest.peek().is_none() });
    }
}

fn nothing(origin: &Origin) -> Refusal {
    Refusal::caller(Reason::PositionOutOfRange, format!("no checkpoint of {origin} here"), "a log that this node holds")
}
