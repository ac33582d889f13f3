//! A file on its way here from another node, which may send anything, or nothing.

#[cfg(test)]
mod tests;

use super::calls::refused;
use crate::refusal::Refusal;
use bytes::Bytes;
use exchange_core::{file::MAX_FILE_BYTES, reason::Reason, region::Region};
use exchange_proto::{
    peer::{self, DescribedFile},
    v1,
};
use std::{future::Future, pin::Pin, time::Duration};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

/// A description, then chunks. Dropping it tells the peer to stop.
pub struct FileParts {
    region: Region,
    stream: Pin<Box<dyn Stream<Item = Result<v1::PeerFilePart, Status>> + Send>>,
}

impl FileParts {
    pub(super) fn new(
        region: Region,
        stream: impl Stream<Item = Result<v1::PeerFilePart, Status>> + Send + 'static,
    ) -> Self {
        Self { region, stream: Box::pin(stream) }
    }

    /// The first part.
    ///
    /// # Errors
    /// The peer's refusal, the way is cut, or it is no description.
    pub async fn description(&mut self) -> Result<DescribedFile, Refusal> {
        let part = self.next().await?;
        peer::description(part).map_err(|error| {
            let needed = format!("a description of {} that reads", self.region);
            Refusal::peer(Reason::QuestionProofInvalid, error.to_string(), needed)
        })
    }

    /// The file that was described, in chunks in order; what comes after it is not read. Memory is bounded by the length,
    /// which the caller has held against the signed header.
    ///
    /// # Errors
    /// The peer's refusal, the way is cut, or more or less than the length.
    pub async fn whole(&mut self, length: u64) -> Result<Vec<u8>, Refusal> {
        let region = self.region;
        let wrong = |found: String| {
            Refusal::peer(Reason::AnswerInvalid, found, format!("the {length} bytes that {region} described"))
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(length.min(MAX_FILE_BYTES));
        while bytes.len() < length {
            let Some(chunk) = self.chunk().await? else {
                return Err(wrong(format!("an end after {} bytes", bytes.len())));
            };
            if chunk.is_empty() || chunk.len() > length - bytes.len() {
                return Err(wrong(format!("a chunk of {} bytes after {}", chunk.len(), bytes.len())));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The next chunk; `None` at the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Refusal> {
        let part = self.next().await?;
        peer::chunk(part).map_err(|error| {
            Refusal::peer(Reason::AnswerInvalid, error.to_string(), format!("a chunk of {}", self.region))
        })
    }

    async fn next(&mut self) -> Result<Option<v1::PeerFilePart>, Refusal> {
        self.stream.next().await.transpose().map_err(|status| refused(self.region, &status))
    }
}

/// What another city does, for no longer than the deadline.
///
/// # Errors
/// The work's own, and `DEADLINE_EXCEEDED`.
pub async fn within<T>(
    deadline: Duration,
    custodian: Region,
    work: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| {
        let found = format!("{custodian}: {} ms without the whole file", deadline.as_millis());
        Err(Refusal::peer(Reason::DeadlineExceeded, found, "the file before the deadline"))
    })
}
