//! Every fault that the simulation injects, by name: where a node may stop, and what may happen to a message. A test
//! asserts that each of them is reached (`simulation`), so that none of the names is dead.

use exchange_node::crash::Point;

/// Between which two parties a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// A calling system's gRPC call.
    ClientToNode,
    /// A node's gRPC call to another node.
    NodeToNode,
    /// A segment on its way through the carrier.
    Carrier,
}

/// What may happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageFault {
    /// The request does not arrive; a carrier does not take the record and does not confirm it.
    RequestDropped,
    /// The request is served and its answer is lost; a carrier takes the record and its confirmation is lost.
    AnswerDropped,
    /// The record is confirmed and lost.
    Lost,
    /// It arrives twice.
    Doubled,
    /// It arrives late.
    Delayed,
    /// What was sent later arrives before it.
    Reordered,
    /// A bit of it is another one. From a client it is a bit of the connection, which TLS refuses; between nodes and in a
    /// carrier it is a bit of the message itself.
    Altered,
    /// Half of it arrives.
    Truncated,
}

impl MessageFault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RequestDropped,
        Self::AnswerDropped,
        Self::Lost,
        Self::Doubled,
        Self::Delayed,
        Self::Reordered,
        Self::Altered,
        Self::Truncated,
    ];

    /// May it happen there? A gRPC call that is confirmed and lost is a lost answer.
    pub const fn applies_to(self, edge: Edge) -> bool {
        !matches!((self, edge), (Self::Lost, Edge::ClientToNode | Edge::NodeToNode))
    }
}

impl Edge {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClientToNode, Self::NodeToNode, Self::Carrier];
}

/// What has to happen in a province for a point to be passed by a city's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The city issues.
    Issue,
    /// The city issues a certificate with a file.
    IssueFile,
    /// Another city issues.
    IssueElsewhere,
    /// The city asks about another city's certificate.
    Ask,
    /// Another city asks about one of the city's.
    Asked,
    /// Another log contradicts itself.
    Fork,
}

/// Where a node may stop, and what brings it there.
pub const fn trigger(point: Point) -> Trigger {
    match point {
        Point::LedgerDecided
        | Point::LedgerGrown
        | Point::LedgerSigned
        | Point::LedgerCommitted
        | Point::LedgerAnswered
        | Point::OwnIndexBegun
        | Point::OwnIndexCommitted
        | Point::PublisherMade
        | Point::PublisherSent
        | Point::PublisherConfirmed
        | Point::PublisherMarked => Trigger::Issue,
        Point::BlobWritten | Point::BlobKept => Trigger::IssueFile,
        Point::IndexerTaken | Point::IndexerCommitted => Trigger::IssueElsewhere,
        Point::AskedRecorded | Point::QuestionSent | Point::AnswerReceived | Point::ReceivedRecorded => Trigger::Ask,
        Point::QuestionChecked | Point::AnswerRecorded | Point::AnswerReleased => Trigger::Asked,
        Point::IndexerForked | Point::IndexerEvidenceKept => Trigger::Fork,
    }
}
