//! What the manager does when an actor that it asks has stopped: it decides nothing about the test.

use std::time::Duration;

use actix::{ActorContext, Handler, Message};
use common::wire::{DriverState, Topic};

use super::surroundings::Surroundings;
use super::world::{World, until};
use crate::actors::driver_registry::DriverRegistryActor;
use crate::actors::test_manager::TriggerTest;
use crate::model::TestState;
use crate::refusal::CommandError;

/// Stops the registry, as a panic in it would.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for DriverRegistryActor {
    type Result = ();

    fn handle(&mut self, _: Die, context: &mut Self::Context) {
        context.stop();
    }
}

async fn without_its_registry(world: &World) {
    world.nodes.send(Die).await.unwrap();
    until(|| std::future::ready(world.nodes.connected()), |connected| !*connected).await;
}

#[actix::test]
async fn a_registry_that_does_not_answer_is_not_a_fleet_of_lost_drivers() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    until(|| world.stored(&test), |stored| stored.state == TestState::Running).await;
    without_its_registry(&world).await;
    // Time has to pass for looks at the test, 100 ms apart at most: nothing can be seen of a look without a registry.
    tokio::time::sleep(Duration::from_millis(350)).await;
    let stored = world.stored(&test).await;
    assert_eq!(stored.state, TestState::Running);
    let timeline = stored.report.unwrap().timeline;
    assert!(timeline.iter().all(|entry| entry.what != "driver_lost"), "{timeline:?}");
}

#[actix::test]
async fn a_trigger_that_finds_no_registry_is_refused_and_not_for_a_lack_of_drivers() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    without_its_registry(&world).await;
    let answer = world.tests.send(TriggerTest::now(test.clone())).await.unwrap();
    assert_eq!(answer, Err(CommandError::Internal("the node is ending".to_owned())));
    assert_eq!(world.get(&test).await.state, TestState::Configured);
    assert!(world.published(Topic::TestConfig).is_empty());
}
