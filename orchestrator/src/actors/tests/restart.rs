//! What a later life of the orchestrator makes of tests that were under way, and of where it reads on.

use super::*;
use crate::actors::test_manager::GetTest;
use crate::actors::test_manager::{AwaitTakenUp, TakenUp};
use crate::model::TestView;

/// Runs a test on the first life of an orchestrator; stores of its driver a window of so many requests.
async fn under_way(mut first: World, sent: u64) -> (Stub, TestId) {
    first.beats("a", DriverState::Idle, None, None).await;
    let test = first.create().await;
    first.run(&test, &["a"]).await;
    first.window("a", &test, 0, sent, false).await;
    let stub = first.stub.clone();
    (stub, test)
}

async fn embedded(stub: Stub) -> World {
    let world = World::unreached(stub, true);
    world.reach("mock").await;
    world
}

fn what(view: &TestView) -> Vec<&str> {
    view.timeline.iter().map(|entry| entry.what.as_str()).collect()
}

#[track_caller]
fn assert_interrupted(view: &TestView, sent: u64, reason: &str) {
    assert_eq!((view.state, view.verdict), (TestState::Finished, Some(Verdict::Incomplete)));
    let [only] = &view.reasons[..] else { panic!("{:#?}", view.reasons) };
    assert!(only.contains(reason), "{only}");
    assert_eq!((view.totals.sent, view.completeness.windows_received), (Some(sent), 1));
    assert_eq!(view.drivers[0].ended_by.as_deref(), Some("interrupted"), "no driver is accused");
    assert!(what(view).ends_with(&["running", "interrupted", "finished"]), "{:?}", what(view));
    assert!(view.ended_at > view.started_at);
}

#[actix::test]
async fn a_test_of_a_dead_embedded_kafka_is_closed_before_anything_is_asked() {
    let (stub, test) = under_way(embedded(Stub::default()).await, 13).await;
    for now_embedded in [true, false] {
        // As often as it is started: closed once.
        let world = World::unreached(stub.clone(), now_embedded);
        world.tests.send(AwaitTakenUp(TakenUp::Closed)).await.unwrap();
        let stored = stub.0.lock().unwrap().tests[0].clone();
        assert_eq!(stored.state, TestState::Finished, "in the store, before Kafka answers");
        assert!(stored.closing.is_some(), "it can be counted again");
        let view = world.get(&test).await;
        assert_interrupted(
            &view,
            13,
            "the orchestrator and its Kafka were killed or stopped 0 s into the test",
        );
    }
    // The door is open.
    let mut world = embedded(stub).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let next = world.create().await;
    world.run(&next, &["a"]).await;
}

#[actix::test]
async fn a_test_of_another_kafka_is_closed_when_the_present_one_answers() {
    let (stub, test) = under_way(World::new(Stub::default()).await, 8).await;
    // The same cluster may be what answers: until then it goes on.
    let world = World::unreached(stub.clone(), false);
    assert_eq!(world.until(&test, TestState::Running).await.totals.sent, Some(8));
    world.reach("another").await;
    let view = world.get(&test).await;
    assert_eq!((view.state, view.verdict), (TestState::Finished, Some(Verdict::Incomplete)));
    assert!(view.reasons[0].contains("started again with another Kafka"), "{:?}", view.reasons);
    assert_eq!(view.totals.sent, Some(8));

    let (stub, test) = under_way(World::new(Stub::default()).await, 8).await;
    let world = embedded(stub).await;
    let view = world.tests.send(GetTest(test)).await.unwrap().unwrap();
    assert_interrupted(&view, 8, "started again with another Kafka");
}

#[actix::test]
async fn a_test_that_had_all_its_windows_is_judged_as_if_nothing_had_happened() {
    let (stub, test) = under_way(embedded(Stub::default()).await, 10).await;
    let mut last = stub.0.lock().unwrap().metrics[0].clone();
    let world = {
        let mut metrics = (*last.metrics).clone();
        let window = metrics.ours.as_mut().unwrap();
        (window.seq, window.is_final) = (1, true);
        last.metrics = std::sync::Arc::new(metrics);
        stub.0.lock().unwrap().metrics.push(last);
        embedded(stub).await
    };
    let view = world.get(&test).await;
    assert_eq!(
        (view.state, view.verdict),
        (TestState::Finished, Some(Verdict::Passed)),
        "{:?}",
        view.reasons
    );
}

#[actix::test]
async fn a_test_at_its_barrier_is_configured_again_on_any_kafka() {
    for is_embedded in [true, false] {
        let mut first = World::unreached(Stub::default(), is_embedded);
        first.reach("c").await;
        first.beats("a", DriverState::Idle, None, None).await;
        let test = first.create().await;
        let _triggered = actix_rt::spawn(first.tests.send(TriggerTest::now(test.clone())));
        until(|| std::future::ready(first.published(Topic::TestConfig).len()), |n| *n > 0).await;
        let stored = first.stub.0.lock().unwrap().tests[0].clone();
        assert_eq!(
            (stored.state, stored.revision),
            (TestState::Starting, 1),
            "stored before it was published"
        );

        let mut world = World::unreached(first.stub.clone(), is_embedded);
        world.reach("c").await;
        let view = world.get(&test).await;
        assert_eq!((view.state, view.verdict), (TestState::Configured, None));
        assert_eq!(what(&view).last(), Some(&"not_started"));
        // The driver still answers to the revision of the life before.
        world.beats("a", DriverState::Ready, Some((&test, 1)), None).await;
        let triggered = actix_rt::spawn(world.tests.send(TriggerTest::now(test.clone())));
        until(|| std::future::ready(world.published(Topic::TestConfig).len()), |n| *n > 1).await;
        assert_eq!(world.published(Topic::TestConfig)[1]["revision"], 2);
        world.beats("a", DriverState::Ready, Some((&test, 2)), None).await;
        assert_eq!(triggered.await.unwrap().unwrap().unwrap().state, TestState::Starting);
    }
}

#[actix::test]
async fn a_stop_is_remembered_over_a_restart() {
    let (stub, test) = under_way(World::new(Stub::default()).await, 10).await;
    let world = World::new(stub.clone()).await;
    world.until(&test, TestState::Running).await;
    world.tests.send(StopTest(test.clone())).await.unwrap().unwrap();
    drop(world);
    let mut world = World::new(stub).await;
    assert_eq!(world.get(&test).await.state, TestState::Draining);
    world.window("a", &test, 1, 12, true).await;
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!(view.verdict, Some(Verdict::Aborted), "{:?}", view.reasons);
}

#[actix::test]
async fn a_wall_clock_that_is_set_in_mid_test_moves_nothing_of_it() {
    use std::sync::atomic::{AtomicI64, Ordering};
    static STEP: AtomicI64 = AtomicI64::new(0);
    let wall = || unix_us() + STEP.load(Ordering::Relaxed);
    for hours in [-1, 1] {
        STEP.store(0, Ordering::Relaxed);
        let mut world = World::with_wall(Stub::default(), false, wall);
        world.reach("c").await;
        world.beats("a", DriverState::Idle, None, None).await;
        let test = world.create().await;
        world.run(&test, &["a"]).await;
        world.window("a", &test, 0, 10, false).await;
        STEP.store(hours * 3_600_000_000, Ordering::Relaxed);
        let age = world.get(&test).await.drivers[0].age_ms;
        assert!(age.is_some_and(|ms| ms < 10_000), "{hours} h: its figures are {age:?} ms old");
        world.window("a", &test, 1, 20, true).await;
        let view = world.until(&test, TestState::Finished).await;
        assert_eq!(view.verdict, Some(Verdict::Passed), "{:?}", view.reasons);
        let instants: Vec<&str> = view.timeline.iter().map(|entry| entry.at.as_str()).collect();
        assert!(instants.is_sorted(), "{hours} h: {instants:?}");
        let kept = world.stub.0.lock().unwrap();
        let took_us = kept.tests[0].ended_at.unwrap() - kept.tests[0].started_at.unwrap();
        assert!((0..60_000_000).contains(&took_us), "{hours} h: it took {took_us} µs");
    }
}

#[actix::test]
async fn the_history_follows_the_live_state() {
    let mut world = World::new(Stub::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    let stored = |world: &World| world.stub.0.lock().unwrap().tests[0].state;
    world.run(&test, &["a"]).await;
    // The next look stores what was shown just now.
    until(|| std::future::ready(stored(&world)), |state| *state == TestState::Running).await;
    world.beats("a", DriverState::Draining, Some((&test, 1)), Some(20)).await;
    world.until(&test, TestState::Draining).await;
    until(|| std::future::ready(stored(&world)), |state| *state == TestState::Draining).await;
}

#[actix::test]
async fn the_start_of_every_topic_is_stored_before_the_first_config_is_published() {
    let mut world = World::unreached(Stub::default(), false);
    let test = world.create().await;
    // A driver that is known early, by whatever way, is not enough.
    world.beats("a", DriverState::Idle, None, None).await;
    let refused = world.tests.send(TriggerTest::now(test.clone())).await.unwrap();
    assert!(matches!(refused, Err(CommandError::NotReady(_))), "{refused:?}");

    // The store takes nothing yet: neither is it ready, nor is a test triggered.
    world.stub.0.lock().unwrap().full = true;
    let assigned =
        common::kafka::ConsumerChanged::Assigned { cluster_id: Some("c".to_owned()), from: start() };
    let reached = actix_rt::spawn(world.intake.send(assigned));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let refused = world.tests.send(TriggerTest::now(test.clone())).await.unwrap();
    assert!(matches!(refused, Err(CommandError::NotReady(_))), "{refused:?}");
    assert!(!world.readiness.get().0);
    world.stub.0.lock().unwrap().full = false;
    reached.await.unwrap().unwrap();

    world.trigger(&test, &["a"]).await;
    let kept = world.stub.0.lock().unwrap();
    let at_first_config = kept.offsets_at_config.as_ref().expect("a config was published");
    for topic in [Topic::Register, Topic::Heartbeat, Topic::Metrics] {
        assert!(at_first_config.contains_key(&(topic, 0)), "{topic:?} in {at_first_config:?}");
    }
    assert_eq!(at_first_config[&(Topic::Metrics, 0)], 0);
}

#[actix::test]
async fn a_trigger_that_was_not_published_is_given_back() {
    // Killed between the store and Kafka: the start is stored, and no driver runs.
    let killed = |stub: &Stub, test: &TestId| {
        let mut kept = stub.0.lock().unwrap();
        let stored = kept.tests.iter_mut().find(|stored| stored.test_id == *test).unwrap();
        let report = stored.report.as_mut().unwrap();
        report.timeline.retain(|entry| entry.what != "running");
        stored.state = TestState::Starting;
        kept.metrics.clear();
    };
    let (stub, test) = under_way(World::new(Stub::default()).await, 10).await;
    killed(&stub, &test);
    let mut world = World::new(stub).await;
    assert_eq!(world.get(&test).await.state, TestState::Starting);
    let started = tokio::time::Instant::now();
    while world.get(&test).await.state == TestState::Starting {
        assert!(started.elapsed() < Duration::from_secs(20));
        world.beats("a", DriverState::Idle, None, None).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.get(&test).await.state, TestState::Configured);
    let next = world.create().await;
    assert_ne!(next, test);

    let (stub, test) = under_way(World::new(Stub::default()).await, 10).await;
    killed(&stub, &test);
    let mut world = World::new(stub).await;
    world.beats("a", DriverState::Running, Some((&test, 1)), Some(3)).await;
    let view = world.until(&test, TestState::Running).await;
    assert_eq!(what(&view).last(), Some(&"running"), "the driver shows that it was triggered");
}

#[actix::test]
async fn a_cluster_without_an_id_is_used_all_the_same() {
    let mut world = World::unreached(Stub::default(), false);
    let assigned = common::kafka::ConsumerChanged::Assigned { cluster_id: None, from: start() };
    world.intake.send(assigned).await.unwrap();
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    assert!(world.stub.0.lock().unwrap().offsets.is_empty());
}
