//! Issue, revise and change of status, with every refusal of the edge.

use crate::world::{JINAN, Person, World, deed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates() {
    let world = World::with_catalogue("issuing").await;
    world.step("the catalogue is published").await;
    let owner = Person::new(0, 1);
    world.issue(JINAN, deed(JINAN, &owner)).await;
    world.step("a deed is issued").await;
}
