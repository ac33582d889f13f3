//! Peers that send another file than they described.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::lab::{QINGDAO, region};
use exchange_proto::peer::encode_chunk;
use tokio_stream::{iter, pending};

type Part = Result<v1::PeerFilePart, Status>;

fn chunk(length: usize) -> Part {
    Ok(encode_chunk(vec![7; length]))
}

async fn read(parts: Vec<Part>, length: u64) -> Result<Vec<u8>, Refusal> {
    let mut parts = FileParts::new(region(QINGDAO), iter(parts));
    parts.whole(length).await
}

async fn refused(parts: Vec<Part>, length: u64) -> (Reason, String) {
    let refusal = read(parts, length).await.expect_err("a refusal");
    assert_eq!(refusal.who, crate::refusal::Who::Peer);
    (refusal.reason, refusal.found)
}

#[tokio::test]
async fn exactly_what_was_described_is_taken() {
    assert_eq!(read(vec![chunk(65_536), chunk(3)], 65_539).await.unwrap().len(), 65_539);
    // What comes after the file is not even read.
    let unread = vec![chunk(3), Err(Status::internal("read too far"))];
    assert_eq!(read(unread, 3).await.unwrap().len(), 3);
}

#[tokio::test]
async fn more_less_and_nothing_are_refused() {
    let (reason, found) = refused(vec![chunk(65_536), chunk(4)], 65_539).await;
    assert_eq!((reason, found.as_str()), (Reason::AnswerInvalid, "a chunk of 4 bytes after 65536"));
    let (reason, found) = refused(vec![chunk(1 << 20)], 3).await;
    assert_eq!((reason, found.as_str()), (Reason::AnswerInvalid, "a chunk of 1048576 bytes after 0"));
    let (reason, found) = refused(vec![chunk(2)], 3).await;
    assert_eq!((reason, found.as_str()), (Reason::AnswerInvalid, "an end after 2 bytes"));
    // Empty chunks without end would never come to the length.
    assert_eq!(refused(vec![chunk(2), chunk(0)], 3).await.0, Reason::AnswerInvalid);
    assert_eq!(refused(vec![Ok(v1::PeerFilePart::default())], 3).await.0, Reason::AnswerInvalid);
    let again = v1::peer_file_part::Part::File(v1::PeerFile::default());
    assert_eq!(refused(vec![Ok(v1::PeerFilePart { part: Some(again) })], 3).await.0, Reason::AnswerInvalid);
    assert_eq!(refused(vec![chunk(1), Err(Status::unavailable("cut"))], 3).await.0, Reason::PeerUnavailable);
}

#[tokio::test]
async fn a_peer_that_never_ends_is_left_at_the_deadline() {
    let endless = iter(vec![chunk(1)]).chain(pending());
    let mut parts = FileParts::new(region(QINGDAO), endless);
    let refusal = within(Duration::from_millis(50), region(QINGDAO), parts.whole(3)).await.expect_err("a refusal");
    assert_eq!(refusal.reason, Reason::DeadlineExceeded);
    assert!(refusal.found.contains("without the whole file"), "{}", refusal.found);
}

#[tokio::test]
async fn an_answer_that_begins_with_no_description_is_refused() {
    for part in [chunk(3), Ok(v1::PeerFilePart::default())] {
        let mut parts = FileParts::new(region(QINGDAO), iter(vec![part]));
        assert_eq!(parts.description().await.expect_err("a refusal").reason, Reason::QuestionProofInvalid);
    }
    let mut nothing = FileParts::new(region(QINGDAO), iter(Vec::new()));
    assert_eq!(nothing.description().await.expect_err("a refusal").reason, Reason::QuestionProofInvalid);
}
