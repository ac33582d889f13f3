//! Calls to other nodes, with a deadline, in the words of the use cases.

use super::{FileParts, Peers, with_deadline};
use crate::{
    indexer::{Ask, LogSource},
    refusal::Refusal,
    rpc::status,
};
use bytes::Bytes;
use exchange_core::{chain::MAX_CRL_BYTES, checkpoint::Origin, merkle::Hash, reason::Reason, region::Region};
use exchange_proto::v1;
use ring::digest::{SHA256, digest};
use std::{sync::Arc, time::Duration};
use tonic::{Code, Status};

/// Largest CRL or bundle that is fetched, in bytes: no reader takes a larger one.
const MAX_TRUST_BYTES: u64 = MAX_CRL_BYTES as u64;
/// Longest reading of segments or of trust.
const READ: Duration = Duration::from_secs(20);

impl Peers {
    /// Puts a question to a region's node.
    ///
    /// # Errors
    /// The peer's refusal, or that it cannot be reached.
    pub async fn lookup(
        self: &Arc<Self>,
        region: Region,
        question: v1::PeerQuestion,
        left: Duration,
    ) -> Result<v1::PeerAnswer, Refusal> {
        let answer = self.client(region)?.lookup(with_deadline(question, left)).await;
        Ok(answer.map_err(|status| refused(region, &status))?.into_inner())
    }

    /// Puts a question for a file to a region's node. The deadline holds to the answer's first part; who reads on sees to the
    /// rest.
    ///
    /// # Errors
    /// The peer's refusal, or that it cannot be reached.
    pub async fn fetch(
        self: &Arc<Self>,
        region: Region,
        question: v1::PeerQuestion,
        left: Duration,
    ) -> Result<FileParts, Refusal> {
        let answer = self.client(region)?.fetch(with_deadline(question, left)).await;
        let stream = answer.map_err(|status| refused(region, &status))?.into_inner();
        Ok(FileParts::new(region, stream))
    }

    /// Uses a copy for one use that a region's node has made.
    ///
    /// # Errors
    /// The peer's refusal, or that it cannot be reached.
    pub async fn use_copy(
        self: &Arc<Self>,
        region: Region,
        request: v1::PeerCopyUse,
        left: Duration,
    ) -> Result<v1::UseCopyResponse, Refusal> {
        let answer = self.client(region)?.use_copy(with_deadline(request, left)).await;
        Ok(answer.map_err(|status| refused(region, &status))?.into_inner())
    }

    /// The newest checkpoint of a log that a region's node holds; empty: it holds nothing of it.
    ///
    /// # Errors
    /// The peer's refusal, or that it cannot be reached.
    pub async fn checkpoint(
        self: &Arc<Self>,
        region: Region,
        origin: &Origin,
        left: Duration,
    ) -> Result<Vec<u8>, Refusal> {
        let request = v1::GetCheckpointRequest { origin: origin.to_string() };
        let answer = self.reader(region)?.get_checkpoint(with_deadline(request, left)).await;
        match answer.map_err(|status| refused(region, &status)) {
            Ok(answer) => Ok(answer.into_inner().checkpoint.into()),
            Err(refusal) if refusal.reason == Reason::PositionOutOfRange => Ok(Vec::new()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Proof that one size of a log is a prefix of another, from the log's own node.
    ///
    /// # Errors
    /// The peer's refusal, or that it cannot be reached.
    pub async fn consistency(
        self: &Arc<Self>,
        origin: &Origin,
        old_size: u64,
        new_size: u64,
        left: Duration,
    ) -> Result<Vec<Hash>, Refusal> {
        let region = Region::parse(origin.region())
            .map_err(|error| Refusal::node(Reason::PeerUnknown, error.to_string(), "a region's log"))?;
        let request = v1::GetConsistencyProofRequest { origin: origin.to_string(), old_size, new_size };
        let answer = self.reader(region)?.get_consistency_proof(with_deadline(request, left)).await;
        let hashes = answer.map_err(|status| refused(region, &status))?.into_inner().hashes;
        // A hash of another length cannot lead to the root: the proof fails, as it should.
        Ok(hashes.iter().map(|hash| hash[..].try_into().unwrap_or_default()).collect())
    }

    /// Segments of a log from another node, for the indexer.
    pub fn log_source(self: &Arc<Self>) -> LogSource {
        let peers = Arc::downgrade(self);
        LogSource::new(move |ask| {
            let peers = peers.clone();
            Box::pin(async move {
                let peers = peers.upgrade().ok_or_else(|| "the node is stopping".to_owned())?;
                peers.read_log(ask).await.map_err(|refusal| refusal.to_string())
            })
        })
    }

    async fn read_log(self: &Arc<Self>, ask: Ask) -> Result<Vec<v1::Segment>, Refusal> {
        let request = v1::ReadLogRequest {
            region: ask.region.to_string(),
            epoch: ask.epoch,
            from: ask.from,
            max_segments: ask.most,
        };
        let answer = self.reader(ask.peer)?.read_log(with_deadline(request, READ)).await;
        let mut stream = answer.map_err(|status| refused(ask.peer, &status))?.into_inner();
        let mut segments = Vec::new();
        while let Some(segment) = stream.message().await.map_err(|status| refused(ask.peer, &status))? {
            segments.push(segment);
            if segments.len() >= usize::try_from(ask.most).unwrap_or(usize::MAX) {
                break; // a peer that sends more than it was asked for is not listened to
            }
        }
        Ok(segments)
    }

    /// A CRL or bundle that a log only names, from that log's node.
    ///
    /// # Errors
    /// The peer's refusal, other bytes than those that were named, or more of them; a length that no CRL or bundle has.
    pub async fn trust_item(
        self: &Arc<Self>,
        region: Region,
        sha256: &[u8; 32],
        length: u64,
    ) -> Result<Vec<u8>, Refusal> {
        if length > MAX_TRUST_BYTES {
            let needed = format!("at most {MAX_TRUST_BYTES} bytes");
            return Err(Refusal::peer(Reason::MessageTooLarge, format!("{length} bytes named by {region}"), needed));
        }
        let request = v1::GetTrustRequest { sha256: Bytes::copy_from_slice(sha256) };
        let answer = self.reader(region)?.get_trust(with_deadline(request, READ)).await;
        let mut stream = answer.map_err(|status| refused(region, &status))?.into_inner();
        let mut bytes = Vec::new();
        let wrong = |found: String| {
            Refusal::peer(Reason::MessageUndecodable, found, format!("the {length} bytes that {region} named"))
        };
        while let Some(item) = stream.message().await.map_err(|status| refused(region, &status))? {
            match item.item {
                Some(v1::trust_item::Item::BundleChunk(chunk) | v1::trust_item::Item::CrlChunk(chunk)) => {
                    bytes.extend_from_slice(&chunk);
                }
                None => {}
            }
            if bytes.len() as u64 > length {
                return Err(wrong("more bytes".to_owned()));
            }
        }
        if digest(&SHA256, &bytes).as_ref() == sha256 { Ok(bytes) } else { Err(wrong("other bytes".to_owned())) }
    }
}

/// Another node's error in our words: its own reason where it gave one.
pub(super) fn refused(region: Region, status: &Status) -> Refusal {
    if let Some(reason) = status::reason_of(status).as_deref().and_then(Reason::from_code) {
        return Refusal::peer(reason, format!("a refusal of {region}: {}", status.message()), reason.info().cure_en);
    }
    let (reason, needed) = match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => (Reason::DeadlineExceeded, "an answer before the deadline"),
        _ => (Reason::PeerUnavailable, "a node that answers; the question may be repeated with the same id"),
    };
    Refusal::peer(reason, format!("{region}: {}", status.message()), needed)
}
