//! Named points between the steps of what has to survive a crash. A release has nothing at them; under `test-util` a
//! test arms a `trap::Trap` of one node, and the node stops there as a crash stops it.

#[cfg(feature = "test-util")]
pub mod trap;

/// Between two steps. The order within a part is the order of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Ledger: every command of the group is decided.
    LedgerDecided,
    /// Ledger: a tree has grown, its checkpoint is not signed.
    LedgerGrown,
    /// Ledger: the checkpoints are signed, nothing is written.
    LedgerSigned,
    /// Ledger: the group is durable, nobody was answered.
    LedgerCommitted,
    /// Ledger: every caller of the group has an answer, the followers of the log have no hint.
    LedgerAnswered,
    /// Issuing: a file is written under another name, and synced.
    BlobWritten,
    /// Issuing: a file has its name, durable; the ledger has not seen the certificate.
    BlobKept,
    /// Indexer: deliveries of another city are taken in, nothing is written.
    IndexerTaken,
    /// Indexer: the copy and its rows are written; what waited for them is not decided, nobody has a hint.
    IndexerCommitted,
    /// Indexer: a contradiction is found, its evidence is not kept.
    IndexerForked,
    /// Indexer: the evidence is kept, the stop is not written.
    IndexerEvidenceKept,
    /// Indexer: new entries of the own log are about to be applied.
    OwnIndexBegun,
    /// Indexer: they are applied; nobody has a hint.
    OwnIndexCommitted,
    /// Publisher: a segment is made, not sent.
    PublisherMade,
    /// Publisher: the broker has the segment; nothing of that is noted.
    PublisherSent,
    /// Publisher: the broker's word is noted, the mark has not moved.
    PublisherConfirmed,
    /// Publisher: the mark has moved.
    PublisherMarked,
    /// Asking side: the question is recorded, not sent.
    AskedRecorded,
    /// Asking side: the question is sent, no answer is here.
    QuestionSent,
    /// Asking side: the answer is here, unchecked.
    AnswerReceived,
    /// Asking side: the answer is recorded, not handed on.
    ReceivedRecorded,
    /// Answering side: the question's proof holds, nothing is decided.
    QuestionChecked,
    /// Answering side: the answer is recorded, nothing is released.
    AnswerRecorded,
    /// Answering side: the values are on their way out.
    AnswerReleased,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::LedgerDecided,
        Self::LedgerGrown,
        Self::LedgerSigned,
        Self::LedgerCommitted,
        Self::LedgerAnswered,
        Self::BlobWritten,
        Self::BlobKept,
        Self::IndexerTaken,
        Self::IndexerCommitted,
        Self::IndexerForked,
        Self::IndexerEvidenceKept,
        Self::OwnIndexBegun,
        Self::OwnIndexCommitted,
        Self::PublisherMade,
        Self::PublisherSent,
        Self::PublisherConfirmed,
        Self::PublisherMarked,
        Self::AskedRecorded,
        Self::QuestionSent,
        Self::AnswerReceived,
        Self::ReceivedRecorded,
        Self::QuestionChecked,
        Self::AnswerRecorded,
        Self::AnswerReleased,
    ];
}

/// A node's crash points. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Crash {
    #[cfg(feature = "test-util")]
    trap: Option<std::sync::Arc<trap::Trap>>,
}

impl Crash {
    /// Every point passes this trap.
    #[cfg(feature = "test-util")]
    pub const fn trapped(trap: std::sync::Arc<trap::Trap>) -> Self {
        Self { trap: Some(trap) }
    }

    /// Work has reached a point; it does not return where the node stops.
    #[inline]
    pub fn pass(&self, point: Point) {
        #[cfg(feature = "test-util")]
        if let Some(trap) = &self.trap {
            trap.pass(point);
        }
        #[cfg(not(feature = "test-util"))]
        let _ = point;
    }

    /// Beside work that waits, polled after it: the point is passed while the work is under way. Never resolves.
    pub async fn while_waiting(&self, point: Point) -> std::convert::Infallible {
        #[cfg(feature = "test-util")]
        if let Some(trap) = &self.trap {
            trap.note(point);
        }
        #[cfg(not(feature = "test-util"))]
        let _ = point;
        std::future::pending().await
    }
}
