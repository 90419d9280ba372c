//! Triggers that wait for the end of the test that is under way.

use std::time::Duration;

use common::ids::TestId;
use common::wire::{DriverState, Topic};

use super::surroundings::Surroundings;
use super::world::World;
use crate::actors::test_manager::{DeleteTest, StopTest, TriggerTest};
use crate::model::{TestState, TestView};
use crate::refusal::CommandError;

type Triggered = actix_rt::task::JoinHandle<Result<Result<TestView, CommandError>, actix::MailboxError>>;

/// Triggers a test that waits for so long.
fn waits(world: &World, test: &TestId, wait: Duration) -> Triggered {
    actix_rt::spawn(world.tests.send(TriggerTest { test_id: test.clone(), wait }))
}

/// A world in which a test runs on driver a.
async fn busy() -> (World, TestId) {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let running = world.create().await;
    world.run(&running, &["a"]).await;
    world.beats("a", DriverState::Running, Some((&running, 1)), Some(1)).await;
    (world, running)
}

#[actix::test]
async fn tests_that_wait_are_started_one_after_another_and_the_oldest_first() {
    let (world, running) = busy().await;
    let (second, third) = (world.create().await, world.create().await);
    let minute = Duration::from_secs(60);
    let third_triggered = waits(&world, &third, minute);
    let second_triggered = waits(&world, &second, minute);
    world.window("a", &running, 0, 20, true).await;
    world.until(&running, TestState::Finished).await;
    // The driver's last heartbeat still shows it at the first test.
    world.waiting_were_served(&running).await;
    assert_eq!(world.published(Topic::TestConfig).len(), 1);
    world.beats("a", DriverState::Idle, None, None).await;
    world.configs(2).await;
    world.beats("a", DriverState::Ready, Some((&second, 1)), None).await;
    assert_eq!(second_triggered.await.unwrap().unwrap().unwrap().test_id, second.to_string());
    assert!(!third_triggered.is_finished());
    world.window("a", &second, 0, 20, true).await;
    world.beats("a", DriverState::Idle, None, None).await;
    world.configs(3).await;
    world.beats("a", DriverState::Ready, Some((&third, 1)), None).await;
    assert_eq!(third_triggered.await.unwrap().unwrap().unwrap().test_id, third.to_string());
}

#[actix::test]
async fn a_wait_that_is_over_names_the_test_that_is_under_way() {
    let (world, running) = busy().await;
    let second = world.create().await;
    let wait = Duration::from_millis(150);
    let answer = waits(&world, &second, wait).await.unwrap().unwrap();
    assert_eq!(answer, Err(CommandError::UnderWay { test_id: running, waited: wait }));
    assert_eq!(world.get(&second).await.state, TestState::Configured);
}

#[actix::test]
async fn a_test_that_waits_is_not_started_once_it_is_stopped_or_deleted() {
    let (world, running) = busy().await;
    let (stopped, deleted) = (world.create().await, world.create().await);
    let minute = Duration::from_secs(60);
    let answers = [waits(&world, &stopped, minute), waits(&world, &deleted, minute)];
    world.tests.send(StopTest(stopped)).await.unwrap().unwrap();
    world.tests.send(DeleteTest(deleted)).await.unwrap().unwrap();
    for (answer, what) in answers.into_iter().zip(["stopped", "deleted"]) {
        let Err(CommandError::Conflict(why)) = answer.await.unwrap().unwrap() else { panic!("{what}") };
        assert!(why.contains(what), "{why}");
    }
    world.beats("a", DriverState::Idle, None, None).await;
    world.window("a", &running, 0, 20, true).await;
    world.until(&running, TestState::Finished).await;
    world.waiting_were_served(&running).await;
    assert_eq!(world.published(Topic::TestConfig).len(), 1, "neither is started");
}

#[actix::test]
async fn a_test_that_cannot_start_is_refused_before_the_wait() {
    let (world, running) = busy().await;
    let unknown = TestId::random();
    let answer = waits(&world, &unknown, Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(answer, Err(CommandError::NoSuchTest(unknown)));
    let finished = world.create().await;
    world.tests.send(StopTest(finished.clone())).await.unwrap().unwrap();
    for wait in [Duration::ZERO, Duration::from_secs(60)] {
        let Err(CommandError::Conflict(why)) = waits(&world, &finished, wait).await.unwrap().unwrap() else {
            panic!("it is finished")
        };
        assert!(why.contains("is finished"), "{why}");
    }
    // One that is under way itself waits for nothing.
    let again = waits(&world, &running, Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(again.unwrap().test_id, running.to_string());
}
