//! Calls to other nodes, with a deadline, in the words of the use cases.

use super::{Peers, with_deadline};
use crate::{refusal::Refusal, rpc::status};
use exchange_core::{checkpoint::Origin, merkle::Hash, reason::Reason, region::Region};
use exchange_proto::v1;
use std::{sync::Arc, time::Duration};
use tonic::{Code, Status};

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
        Ok(answer.map_err(|status| refused(region, &status))?.into_inner().checkpoint.into())
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
}

/// Another node's error in our words: its own reason where it gave one.
pub(crate) fn refused(region: Region, status: &Status) -> Refusal {
    if let Some(reason) = status::reason_of(status).as_deref().and_then(Reason::from_code) {
        return Refusal::peer(reason, format!("a refusal of {region}: {}", status.message()), reason.info().cure_en);
    }
    let (reason, needed) = match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => (Reason::DeadlineExceeded, "an answer before the deadline"),
        _ => (Reason::PeerUnavailable, "a node that answers; the question may be repeated with the same id"),
    };
    Refusal::peer(reason, format!("{region}: {}", status.message()), needed)
}
