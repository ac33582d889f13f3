//! Readers that do not keep up: each holds its place and its file for as long as a call may take, and no longer.

use super::{bytes, with_files};
use crate::world::*;
use exchange_core::file::MAX_FILE_BYTES;
use exchange_proto::v1::{self, document_service_client::DocumentServiceClient, fetch_response::Part};
use std::time::Duration;
use tonic::{Request, Response, Status, Streaming};

/// Files of one calling system that are in the node's memory at once.
const PLACES: usize = 8;
/// What the slow ones give themselves; the node would give 30 s.
const GIVEN: Duration = Duration::from_secs(14);

async fn begin(world: &World, owner: &Person, id: &str) -> Result<Response<Streaming<v1::FetchResponse>>, Status> {
    let question = with_matter(question(JINAN, owner, v1::Relation::Self_), TRANSFER, JINAN);
    let mut request = Request::new(v1::FetchRequest { question: Some(question), certificate_id: id.into(), file: 0 });
    request.set_timeout(GIVEN);
    // A connection of its own: what one reader leaves lying holds up no other.
    DocumentServiceClient::new(world.system(QINGDAO).await).fetch(request).await
}

/// The first part, which says what comes.
async fn described(answer: Response<Streaming<v1::FetchResponse>>) -> Streaming<v1::FetchResponse> {
    let mut parts = answer.into_inner();
    let first = parts.message().await.unwrap().unwrap().part.unwrap();
    assert!(matches!(first, Part::File(_)));
    parts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_keep_up_is_ended() {
    let world = World::with_catalogue("slow").await;
    let owner = Person::new(0, 71);
    let issued = world.issue(JINAN, with_files(deed(JINAN, &owner), &[&bytes(7, MAX_FILE_BYTES)])).await;
    world.settle().await;
    let id = issued.certificate_id.as_str();
    let mut slow = Vec::new();
    for _ in 0..PLACES {
        slow.push(described(begin(&world, &owner, id).await.unwrap()).await);
    }
    // So many files are in memory, and not one more.
    refused(begin(&world, &owner, id).await, "OVERLOADED");
    // Their time ends, although none of them reads: others take the place of each.
    let mut after = Vec::new();
    until("there is room again for as many", async || {
        after.extend(begin(&world, &owner, id).await.ok());
        after.len() == PLACES
    })
    .await;
    let mut whole = described(after.pop().unwrap()).await;
    let mut length = 0;
    while let Some(message) = whole.message().await.unwrap() {
        let Some(Part::Chunk(chunk)) = message.part else { panic!("a second description") };
        length += chunk.len();
    }
    assert_eq!(length, MAX_FILE_BYTES);
    // What was on its way comes still, and an error instead of the rest.
    for mut parts in slow {
        let mut came = 0;
        let ended = loop {
            match parts.message().await {
                Ok(Some(message)) => {
                    let Some(Part::Chunk(chunk)) = message.part else { panic!("a second description") };
                    came += chunk.len();
                }
                Ok(None) => panic!("ended as if it were whole, after {came} bytes"),
                Err(status) => break status,
            }
        };
        assert!(came < MAX_FILE_BYTES, "{came}");
        let (found, _) = refused::<()>(Err(ended), "DEADLINE_EXCEEDED");
        assert!(found.starts_with("a file that was not read within"), "{found}");
    }
}
