//! What a later life of the orchestrator makes of tests that were under way, and of where it reads on.

use common::kafka::{ConsumerChanged, Offsets};
use common::wire::{Metrics, Outbound, RawMetrics, Unit};

use super::world::window;
use super::*;
use crate::actors::test_manager::{AwaitTakenUp, ChangeRate, GetTest, TakenUp};
use crate::model::TestView;
use crate::store::{Batch, StoredMetrics};

/// Runs a test on the first life of an orchestrator; stores of its driver a window of so many requests.
async fn under_way(first: World, sent: u64) -> (Surroundings, TestId) {
    first.beats("a", DriverState::Idle, None, None).await;
    let test = first.create().await;
    first.run(&test, &["a"]).await;
    first.window("a", &test, 0, sent, false).await;
    (first.surroundings, test)
}

async fn embedded(surroundings: Surroundings) -> World {
    let world = World::unreached(surroundings, true).await;
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
    let (surroundings, test) = under_way(embedded(Surroundings::default()).await, 13).await;
    for now_embedded in [true, false] {
        // As often as it is started: closed once.
        let world = World::unreached(surroundings.clone(), now_embedded).await;
        world.tests.send(AwaitTakenUp(TakenUp::Closed)).await.unwrap();
        let stored = world.stored(&test).await;
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
    let world = embedded(surroundings).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let next = world.create().await;
    world.run(&next, &["a"]).await;
}

#[actix::test]
async fn a_test_of_another_kafka_is_closed_when_the_present_one_answers() {
    let (surroundings, test) = under_way(World::new(Surroundings::default()).await, 8).await;
    // The same cluster may be what answers: until then it goes on.
    let world = World::unreached(surroundings.clone(), false).await;
    assert_eq!(world.until(&test, TestState::Running).await.totals.sent, Some(8));
    world.reach("another").await;
    let view = world.get(&test).await;
    assert_eq!((view.state, view.verdict), (TestState::Finished, Some(Verdict::Incomplete)));
    assert!(view.reasons[0].contains("started again with another Kafka"), "{:?}", view.reasons);
    assert_eq!(view.totals.sent, Some(8));

    let (surroundings, test) = under_way(World::new(Surroundings::default()).await, 8).await;
    let world = embedded(surroundings).await;
    let view = world.tests.send(GetTest(test)).await.unwrap().unwrap();
    assert_interrupted(&view, 8, "started again with another Kafka");
}

/// Stores a window as an orchestrator does that is killed before it looks at it.
async fn store_unseen(surroundings: &Surroundings, test: &TestId, metrics: Metrics) {
    let payload = Outbound::Metrics(Box::new(metrics)).write().unwrap().payload;
    let raw = RawMetrics { payload: payload.into_bytes().into(), latency_unit: Unit::Milliseconds };
    let stored = StoredMetrics {
        test_id: test.clone(),
        counted: true,
        partition: 0,
        offset: surroundings.next_offset(),
        arrived_at: unix_us(),
        metrics: Arc::new(raw.read().unwrap()),
        raw,
    };
    let batch = Batch {
        offsets_of: None,
        offsets: Offsets::new(),
        metrics: vec![stored],
        spans: Vec::new(),
        registered: Vec::new(),
    };
    surroundings.store().await.save_batch(batch).await.unwrap();
}

#[actix::test]
async fn a_test_that_had_all_its_windows_is_judged_as_if_nothing_had_happened() {
    let (surroundings, test) = under_way(embedded(Surroundings::default()).await, 10).await;
    // Killed between the store and the verdict: its last window is stored, and it is not judged.
    store_unseen(&surroundings, &test, window("a", &test, 1, 20, true)).await;
    let world = embedded(surroundings).await;
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
        let first = World::unreached(Surroundings::default(), is_embedded).await;
        first.reach("c").await;
        first.beats("a", DriverState::Idle, None, None).await;
        let test = first.create().await;
        let _triggered = actix_rt::spawn(first.tests.send(TriggerTest::now(test.clone())));
        first.configs(1).await;
        let stored = first.stored(&test).await;
        assert_eq!(
            (stored.state, stored.revision),
            (TestState::Starting, 1),
            "stored before it was published"
        );

        let world = World::unreached(first.surroundings, is_embedded).await;
        world.reach("c").await;
        let view = world.get(&test).await;
        assert_eq!((view.state, view.verdict), (TestState::Configured, None));
        assert_eq!(what(&view).last(), Some(&"not_started"));
        // The driver still answers to the revision of the life before.
        world.beats("a", DriverState::Ready, Some((&test, 1)), None).await;
        let triggered = actix_rt::spawn(world.tests.send(TriggerTest::now(test.clone())));
        world.configs(2).await;
        assert_eq!(world.published(Topic::TestConfig)[1]["revision"], 2);
        world.beats("a", DriverState::Ready, Some((&test, 2)), None).await;
        assert_eq!(triggered.await.unwrap().unwrap().unwrap().state, TestState::Starting);
    }
}

#[actix::test]
async fn a_changed_rate_is_published_once_and_remembered_over_a_restart() {
    let first = World::new(Surroundings::default()).await;
    first.beats("a", DriverState::Idle, None, None).await;
    let a_minute = plan(&PLAN.replace("'2s'", "'60s'"));
    let view = first.tests.send(CreateTest(a_minute)).await.unwrap().unwrap();
    let test = TestId::new(&view.test_id).unwrap();
    let order = |rate_per_s| ChangeRate { test_id: test.clone(), rate_per_s };
    let refused = first.tests.send(order(25.0)).await.unwrap().unwrap_err().to_string();
    assert!(refused.ends_with("is configured: only a running test's rate can be changed"), "{refused}");
    first.run(&test, &["a"]).await;
    first.until(&test, TestState::Running).await;
    let changed = first.tests.send(order(25.0)).await.unwrap().unwrap();
    first.tests.send(order(25.0)).await.unwrap().unwrap();
    let [_, rate] = &first.published(Topic::Trigger)[..] else { panic!("a trigger and one change") };
    assert_eq!((&rate["trigger"], &rate["rate"], &rate["change"]), (&"RATE".into(), &25.0.into(), &1.into()));
    let [change] = &changed.rate_changes[..] else { panic!("{:?}", changed.rate_changes) };
    assert_eq!((change.rate, change.rate_before), (25.0, 10.0));
    assert_eq!(what(&changed).last(), Some(&"rate_changed"));
    assert_eq!(first.stored(&test).await.report.unwrap().rate_changes, changed.rate_changes);

    let world = World::new(first.surroundings).await;
    let view = world.until(&test, TestState::Running).await;
    assert_eq!(view.rate_changes, changed.rate_changes);
    let view = world.tests.send(order(50.0)).await.unwrap().unwrap();
    assert_eq!(view.rate_changes.len(), 2);
    assert_eq!(world.published(Topic::Trigger).last().unwrap()["change"], 2);
}

#[actix::test]
async fn a_stop_is_remembered_over_a_restart() {
    let (surroundings, test) = under_way(World::new(Surroundings::default()).await, 10).await;
    let world = World::new(surroundings.clone()).await;
    world.until(&test, TestState::Running).await;
    world.tests.send(StopTest(test.clone())).await.unwrap().unwrap();
    let world = World::new(surroundings).await;
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
        let world = World::with_wall(Surroundings::default(), false, wall).await;
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
        let stored = world.stored(&test).await;
        let took_us = stored.ended_at.unwrap() - stored.started_at.unwrap();
        assert!((0..60_000_000).contains(&took_us), "{hours} h: it took {took_us} µs");
    }
}

#[actix::test]
async fn the_history_follows_the_live_state() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    // The next look stores what was shown just now.
    until(|| world.stored(&test), |stored| stored.state == TestState::Running).await;
    world.beats("a", DriverState::Draining, Some((&test, 1)), Some(20)).await;
    world.until(&test, TestState::Draining).await;
    until(|| world.stored(&test), |stored| stored.state == TestState::Draining).await;
}

#[actix::test]
async fn the_start_of_every_topic_is_stored_before_the_first_config_is_published() {
    let world = World::unreached(Surroundings::default(), false).await;
    let test = world.create().await;
    // A driver that is known early, by whatever way, is not enough.
    world.beats("a", DriverState::Idle, None, None).await;
    let refused = world.tests.send(TriggerTest::now(test.clone())).await.unwrap();
    assert!(matches!(refused, Err(CommandError::NotReady(_))), "{refused:?}");

    // The store takes nothing yet: neither is it ready, nor is a test triggered.
    world.surroundings.fill_disk();
    let assigned = ConsumerChanged::Assigned { cluster_id: Some(CLUSTER.to_owned()), from: start() };
    let reached = actix_rt::spawn(world.intake.send(assigned));
    until(|| std::future::ready(world.telemetry.store_errors.get()), |refused| *refused > 0).await;
    let refused = world.tests.send(TriggerTest::now(test.clone())).await.unwrap();
    assert!(matches!(refused, Err(CommandError::NotReady(_))), "{refused:?}");
    assert!(!world.readiness.get().0);
    world.surroundings.make_room();
    reached.await.unwrap().unwrap();

    world.trigger(&test, &["a"]).await;
    let kept = world.surroundings.kept();
    let at_first_config = kept.offsets_at_config.as_ref().expect("a config was published");
    for topic in [Topic::Register, Topic::Heartbeat, Topic::Metrics] {
        assert!(at_first_config.contains_key(&(topic, 0)), "{topic:?} in {at_first_config:?}");
    }
    assert_eq!(at_first_config[&(Topic::Metrics, 0)], 0);
}

/// A test whose orchestrator is killed between the store and Kafka: the start is stored, and no driver runs.
async fn killed_before_the_trigger() -> (Surroundings, TestId) {
    let first = World::new(Surroundings::default()).await;
    first.beats("a", DriverState::Idle, None, None).await;
    let test = first.create().await;
    first.surroundings.kept().unanswered = Some(Topic::Trigger);
    let _triggered = actix_rt::spawn(first.tests.send(TriggerTest::now(test.clone())));
    first.configs(1).await;
    first.beats("a", DriverState::Ready, Some((&test, 1)), None).await;
    until(|| first.stored(&test), |stored| stored.started_at.is_some()).await;
    (first.surroundings, test)
}

#[actix::test]
async fn a_trigger_that_was_not_published_is_given_back() {
    let (surroundings, test) = killed_before_the_trigger().await;
    let world = World::new(surroundings).await;
    assert_eq!(world.get(&test).await.state, TestState::Starting);
    let beaten = || async {
        world.beats("a", DriverState::Idle, None, None).await;
        world.get(&test).await.state
    };
    assert_eq!(until(beaten, |state| *state != TestState::Starting).await, TestState::Configured);
    let next = world.create().await;
    assert_ne!(next, test);

    let (surroundings, test) = killed_before_the_trigger().await;
    let world = World::new(surroundings).await;
    world.beats("a", DriverState::Running, Some((&test, 1)), Some(3)).await;
    let view = world.until(&test, TestState::Running).await;
    assert_eq!(what(&view).last(), Some(&"running"), "the driver shows that it was triggered");
}

#[actix::test]
async fn a_cluster_without_an_id_is_used_all_the_same() {
    let world = World::unreached(Surroundings::default(), false).await;
    let assigned = ConsumerChanged::Assigned { cluster_id: None, from: start() };
    world.intake.send(assigned).await.unwrap();
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    assert_eq!(world.surroundings.n_rows("offsets"), 0);
}

/// A plan that ends its test where 5/s or more complete, and triggers it.
async fn to_be_aborted(first: &World) -> TestId {
    first.beats("a", DriverState::Idle, None, None).await;
    let text = format!("{PLAN}[abort]\n'throughput' = '>= 5/s for 1s'\n").replace("'2s'", "'1m'");
    let view = first.tests.send(CreateTest(plan(&text))).await.unwrap().unwrap();
    let test = TestId::new(&view.test_id).unwrap();
    first.run(&test, &["a"]).await;
    test
}

const BREACH: &str = "throughput was 8/s over the 1 s up to 00:01, and [abort] ends the test at 5/s or above";

async fn assert_aborted_once(world: &World, test: &TestId) {
    world.window("a", test, 1, 12, true).await;
    let view = world.until(test, TestState::Finished).await;
    assert_eq!(
        (view.verdict, view.reasons[0].as_str()),
        (Some(Verdict::Failed), BREACH),
        "{:?}",
        view.reasons
    );
    let stops: Vec<_> = view.timeline.iter().filter(|entry| entry.what == "stopped").collect();
    assert_eq!(stops.len(), 1, "{stops:?}");
    assert_eq!(stops[0].detail, format!("stopped by [abort]: {BREACH}"));
    let triggers = world.published(Topic::Trigger);
    assert_eq!(triggers.iter().filter(|trigger| trigger["trigger"] == "NO").count(), 1);
}

#[actix::test]
async fn a_breach_ends_the_test_as_a_stop_does_and_once() {
    let world = World::new(Surroundings::default()).await;
    let test = to_be_aborted(&world).await;
    world.window("a", &test, 0, 8, false).await;
    world.until(&test, TestState::Draining).await;
    world.some_looks().await;
    assert_aborted_once(&world, &test).await;
}

#[actix::test]
async fn a_breach_in_stored_windows_alone_ends_the_test_after_a_restart() {
    let first = World::new(Surroundings::default()).await;
    let test = to_be_aborted(&first).await;
    let surroundings = first.surroundings.clone();
    // Killed between the store and the look at its conditions: no stop was published.
    drop(first);
    store_unseen(&surroundings, &test, window("a", &test, 0, 8, false)).await;
    let world = World::new(surroundings).await;
    world.until(&test, TestState::Draining).await;
    assert_aborted_once(&world, &test).await;
}

#[actix::test]
async fn an_end_by_the_plan_is_remembered_over_a_restart_and_not_repeated() {
    let first = World::new(Surroundings::default()).await;
    let test = to_be_aborted(&first).await;
    first.window("a", &test, 0, 8, false).await;
    first.until(&test, TestState::Draining).await;
    let world = World::new(first.surroundings).await;
    assert_eq!(world.get(&test).await.state, TestState::Draining);
    assert_aborted_once(&world, &test).await;
}
