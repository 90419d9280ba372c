//! The actors together: what goes in as records comes out as records, batches and answers.

mod ending;
mod restart;
mod setup;
mod surroundings;
mod waiting;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Actor;
use common::clock::unix_us;
use common::ids::{Epoch, TestId};
use common::wire::{DriverState, Topic};

use self::surroundings::{CLUSTER, Surroundings};
use self::world::{PLAN, World, start, until};
use super::heartbeat::HeartbeatActor;
use crate::actors::driver_registry::ListDrivers;
use crate::actors::test_manager::{CopyTest, CreateTest, DeleteTest, StopTest, TriggerTest};
use crate::fixtures::{node_id, plan, test_id};
use crate::model::{TestState, Verdict};
use crate::refusal::CommandError;

#[actix::test]
async fn a_test_goes_from_plan_to_verdict() {
    let world = World::new(Surroundings::default()).await;
    for driver in ["a", "b"] {
        world.beats(driver, DriverState::Idle, None, None).await;
    }
    let test = world.create().await;
    assert_eq!(world.exposed.newest().await.unwrap(), None, "no test was under way yet");
    assert!(
        world.published(Topic::TestConfig).is_empty(),
        "drivers receive the config when the test is triggered"
    );
    world.run(&test, &["a", "b"]).await;

    let [config] = &world.published(Topic::TestConfig)[..] else { panic!("one config") };
    assert_eq!(config["assignments"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((&config["test_type"], &config["message_count_per_driver"]), (&"TSUNAMI".into(), &20.into()));
    assert_eq!(
        config["num_drivers"], 1,
        "a classic field, and 1 is safe with every program; two drivers take part"
    );
    let [trigger] = &world.published(Topic::Trigger)[..] else { panic!("one trigger") };
    assert_eq!((&trigger["trigger"], &trigger["revision"]), (&"YES".into(), &1.into()));

    // Repeating the trigger changes nothing; a second test has to wait; the answer names the one it waits for.
    world.tests.send(TriggerTest::now(test.clone())).await.unwrap().unwrap();
    let second = world.create().await;
    let Err(CommandError::UnderWay { test_id, .. }) =
        world.tests.send(TriggerTest::now(second)).await.unwrap()
    else {
        panic!("a second test does not start")
    };
    assert_eq!(test_id, test);
    assert_eq!(world.published(Topic::Trigger).len(), 1);

    // Heartbeats make the view fresh between windows.
    let before = Instant::now();
    world.beats("a", DriverState::Running, Some((&test, 1)), Some(7)).await;
    let shown =
        until(|| async { world.exposed.newest().await.unwrap().unwrap() }, |shown| shown.fleet.sent == 7)
            .await;
    assert_eq!((shown.phase.state, shown.phase.verdict), (Some(TestState::Running), None));
    let view = world.get(&test).await;
    assert_eq!((view.drivers[0].totals.sent, view.totals.unknown_from.is_empty()), (Some(7), true));
    let since = before.elapsed().as_millis();
    assert!(view.drivers[0].age_ms.is_some_and(|age| u128::from(age) <= since + 1));

    for driver in ["a", "b"] {
        world.window(driver, &test, 0, 10, false).await;
        world.window(driver, &test, 0, 10, false).await; // delivered twice
        world.window(driver, &test, 1, 20, true).await;
    }
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!(view.verdict, Some(Verdict::Passed), "{:?}", view.reasons);
    assert_eq!((view.totals.sent, view.completeness.windows_received), (Some(40), 4));
    assert!(world.published(Topic::Trigger).len() == 1, "no NO after a natural end");
    assert_eq!(world.records_of(&test).await.len(), 4, "each window is stored once");
    assert!(world.surroundings.kept().windows_shown > 0);
    let shown = world.exposed.newest().await.unwrap().unwrap();
    assert_eq!((&*shown.test_id, shown.fleet.sent, shown.drivers_ended), (test.as_str(), 40, 2));
    assert_eq!((shown.phase.verdict, shown.phase.standing), (Some(Verdict::Passed), None));
    let stored = world.stored(&test).await;
    assert_eq!((stored.verdict, stored.revision), (Some(Verdict::Passed), 1));
}

#[actix::test]
async fn a_driver_that_does_not_answer_is_named_and_the_test_can_be_triggered_again() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    let Err(CommandError::Drivers { blockers, .. }) =
        world.tests.send(TriggerTest::now(test.clone())).await.unwrap()
    else {
        panic!("the driver did not get ready")
    };
    assert_eq!(blockers[0].0, "a");
    assert_eq!(world.get(&test).await.state, TestState::Configured);
    let [stop] = &world.published(Topic::Trigger)[..] else { panic!("those that are ready are let go") };
    assert_eq!(stop["trigger"], "NO");
}

#[actix::test]
async fn a_trigger_that_kafka_does_not_take_leaves_the_test_as_it_was() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.surroundings.kept().refused = Some(Topic::Trigger);
    let triggered = actix_rt::spawn(world.tests.send(TriggerTest::now(test.clone())));
    world.configs(1).await;
    world.beats("a", DriverState::Ready, Some((&test, 1)), None).await;
    let answer = triggered.await.unwrap().unwrap();
    assert!(matches!(answer, Err(CommandError::NotPublished(_))), "{answer:?}");
    let view = world.get(&test).await;
    assert_eq!((view.state, view.started_at), (TestState::Configured, None));
    // A driver that received the trigger all the same reports a test that is not counted.
    world.window("a", &test, 0, 10, false).await;
    assert_eq!(world.get(&test).await.totals.sent, Some(0));
    world.surroundings.kept().refused = None;
    world.beats("a", DriverState::Idle, None, None).await;
    let triggered = actix_rt::spawn(world.tests.send(TriggerTest::now(test.clone())));
    world.configs(2).await;
    world.beats("a", DriverState::Ready, Some((&test, 2)), None).await;
    assert_eq!(triggered.await.unwrap().unwrap().unwrap().state, TestState::Starting);
}

#[actix::test]
async fn a_test_that_never_started_is_stopped_beside_one_that_runs() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let (running, waiting) = (world.create().await, world.create().await);
    world.run(&running, &["a"]).await;
    for _ in 0..2 {
        let view = world.tests.send(StopTest(waiting.clone())).await.unwrap().unwrap();
        assert_eq!((view.state, view.verdict), (TestState::Finished, Some(Verdict::Aborted)));
        assert_eq!(view.reasons, ["the test was stopped before its end by the user"]);
    }
    assert_eq!(world.get(&running).await.state, TestState::Running);
    assert_eq!(world.published(Topic::Trigger).len(), 1, "no stop is sent");
    let Err(CommandError::Conflict(_)) = world.tests.send(TriggerTest::now(waiting)).await.unwrap() else {
        panic!("it is over")
    };
}

#[actix::test]
async fn a_test_is_deleted_before_its_trigger_and_after_its_end() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let (waiting, test) = (world.create().await, world.create().await);
    let delete =
        async |world: &World, test: &TestId| world.tests.send(DeleteTest(test.clone())).await.unwrap();
    assert!(delete(&world, &waiting).await.is_ok());
    assert!(matches!(delete(&world, &waiting).await, Err(CommandError::NoSuchTest(_))));
    world.run(&test, &["a"]).await;
    assert!(matches!(delete(&world, &test).await, Err(CommandError::Conflict(_))));
    world.window("a", &test, 0, 20, true).await;
    world.until(&test, TestState::Finished).await;
    assert!(delete(&world, &test).await.is_ok());
    assert_eq!(world.surroundings.n_rows("tests"), 0);
}

#[actix::test]
async fn from_its_start_on_it_is_said_to_run() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.trigger(&test, &["a"]).await;
    let start_ms = world.published(Topic::Trigger)[0]["start_at"].as_i64().unwrap();
    loop {
        // Well after the start by either clock: the state is right even if nothing else has triggered a look since. It is
        // asked for until then, because time has to pass.
        let started = unix_us() >= (start_ms + 3) * 1_000;
        let state = world.get(&test).await.state;
        if started {
            assert_eq!(state, TestState::Running);
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[actix::test]
async fn a_stop_ends_it_aborted_and_once() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    for _ in 0..2 {
        world.tests.send(StopTest(test.clone())).await.unwrap().unwrap();
    }
    world.window("a", &test, 0, 3, true).await;
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!(view.verdict, Some(Verdict::Aborted));
    let triggers = world.published(Topic::Trigger);
    assert_eq!(triggers.iter().filter(|trigger| trigger["trigger"] == "NO").count(), 1);
}

#[actix::test]
async fn a_window_that_comes_after_the_end_revises_the_stored_report() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    world.window("a", &test, 1, 20, true).await;
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!(view.verdict, Some(Verdict::Incomplete));
    world.window("a", &test, 0, 10, false).await;
    let revised = until(|| world.get(&test), |view| view.verdict == Some(Verdict::Passed)).await;
    assert!(revised.timeline.iter().any(|entry| entry.what == "revised"));
    assert!(revised.completeness.missing.is_empty());
    let shown = || async { world.exposed.newest().await.unwrap().unwrap() };
    let shown = until(shown, |shown| shown.windows_missing == 0).await;
    assert_eq!(shown.phase.verdict, Some(Verdict::Passed));
}

#[actix::test]
async fn windows_that_come_late_revise_whichever_test_they_are_of() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let mut tests = Vec::new();
    for _ in 0..2 {
        let test = world.create().await;
        world.run(&test, &["a"]).await;
        // A heartbeat counted more requests than the windows that arrived.
        world.beats("a", DriverState::Running, Some((&test, 1)), Some(17)).await;
        world.window("a", &test, 1, 20, true).await;
        world.until(&test, TestState::Finished).await;
        world.beats("a", DriverState::Idle, None, None).await;
        tests.push(test);
    }
    let running = world.create().await;
    world.run(&running, &["a"]).await;
    let (older, newer) = (tests[0].clone(), tests[1].clone());
    world.window("a", &older, 0, 10, false).await;
    world.window("a", &older, 0, 10, false).await; // delivered twice
    let revised = until(|| world.get(&older), |view| view.verdict == Some(Verdict::Passed)).await;
    assert_eq!((revised.totals.sent, revised.completeness.windows_received), (Some(20), 2));
    let entry = revised.timeline.iter().find(|entry| entry.what == "revised").unwrap();
    assert_eq!(entry.detail, "1 window came after the end: incomplete, now passed");
    assert_eq!(world.get(&newer).await.verdict, Some(Verdict::Incomplete), "it has its own windows");
    assert_eq!(world.get(&running).await.totals.sent, Some(0), "so has the one that runs");
    assert_eq!(world.telemetry.metrics_foreign.get(), 0);
    // Windows that are already known revise nothing.
    world.window("a", &older, 0, 10, false).await;
    world.window("a", &newer, 0, 10, false).await;
    until(|| world.get(&newer), |view| view.verdict == Some(Verdict::Passed)).await;
    let revisions = || std::future::ready(world.surroundings.kept().revisions);
    assert_eq!(until(revisions, |n| *n > 1).await, 2);
}

#[actix::test]
async fn a_lost_drivers_last_word_is_not_forgotten_when_its_test_is_counted_again() {
    let world = World::new(Surroundings::default()).await;
    for driver in ["a", "b"] {
        world.beats(driver, DriverState::Idle, None, None).await;
    }
    let test = world.create().await;
    world.run(&test, &["a", "b"]).await;
    world.beats("b", DriverState::Running, Some((&test, 1)), Some(17)).await;
    world.window("a", &test, 1, 20, true).await;
    world.tests.send(StopTest(test.clone())).await.unwrap().unwrap();
    // b restarted: its earlier epoch will send nothing more.
    world.is_reborn("b").await;
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!((view.totals.sent, view.totals.unresolved), (Some(37), Some(17)));
    world.window("a", &test, 0, 10, false).await;
    let revised =
        until(|| world.get(&test), |view| view.timeline.iter().any(|entry| entry.what == "revised")).await;
    assert_eq!(revised.verdict, Some(Verdict::Aborted), "who stopped it is kept");
    assert_eq!((revised.totals.sent, revised.totals.unresolved), (Some(37), Some(17)));
    assert_eq!(revised.drivers[1].ended_by.as_deref(), Some("stopped"));
}

#[actix::test]
async fn a_test_goes_on_after_a_restart_of_the_orchestrator() {
    let surroundings = Surroundings::default();
    let first = World::new(surroundings.clone()).await;
    first.beats("a", DriverState::Idle, None, None).await;
    let test = first.create().await;
    first.run(&test, &["a"]).await;
    first.window("a", &test, 0, 10, false).await;

    let world = World::new(surroundings).await;
    let view = world.until(&test, TestState::Running).await;
    assert_eq!(view.totals.sent, Some(10), "counted again from the store");
    assert!(view.timeline.iter().any(|entry| entry.what == "resumed"));
    // No record has arrived since the restart; a few looks later the manager still waits for the driver.
    world.some_looks().await;
    assert_eq!(world.get(&test).await.state, TestState::Running);
    world.window("a", &test, 1, 20, true).await;
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!(view.verdict, Some(Verdict::Passed), "{:?}", view.reasons);
}

#[actix::test]
async fn what_a_full_disk_does_not_take_waits_and_is_stored_with_what_comes_later() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    assert!(world.readiness.get().1);
    world.surroundings.fill_disk();
    world.window("a", &test, 0, 10, false).await; // comes back: the test goes on
    assert!(!world.readiness.get().1 && world.records_of(&test).await.is_empty());
    assert!(matches!(
        world.tests.send(CreateTest(plan(PLAN))).await.unwrap(),
        Err(CommandError::NotStored(_))
    ));
    world.surroundings.make_room();
    // Heartbeats alone bring it to the store.
    let beaten = || async {
        world.beats("a", DriverState::Running, Some((&test, 1)), Some(12)).await;
        world.records_of(&test).await
    };
    until(beaten, |records| !records.is_empty()).await;
    assert!(world.readiness.get().1, "ready again");
    let what: Vec<String> = world.get(&test).await.timeline.into_iter().map(|entry| entry.what).collect();
    assert!(what.ends_with(&["store_failing".to_owned(), "store_well".to_owned()]), "{what:?}");
}

#[actix::test]
async fn a_report_that_a_full_disk_does_not_take_is_held_says_so_and_is_stored_later() {
    let world = World::new(Surroundings::default()).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let test = world.create().await;
    world.run(&test, &["a"]).await;
    world.surroundings.fill_disk();
    world.window("a", &test, 0, 20, true).await;
    let view = world.until(&test, TestState::Finished).await;
    assert_eq!(view.verdict, Some(Verdict::Passed), "{:?}", view.reasons);
    assert!(view.warnings.iter().any(|text| text.contains("disk is full")), "{:?}", view.warnings);
    assert!(world.tests.send(StopTest(test.clone())).await.unwrap().is_ok(), "it is known as finished");

    world.surroundings.make_room();
    let beaten = || async {
        world.beats("a", DriverState::Idle, None, None).await;
        world.stored(&test).await
    };
    until(beaten, |stored| stored.verdict.is_some()).await;
    let view = until(|| world.get(&test), |view| view.warnings.is_empty()).await;
    assert!(view.timeline.iter().any(|entry| entry.what == "not_stored"), "{:?}", view.timeline);
    assert_eq!(view.timeline.last().unwrap().what, "stored");
    assert_eq!(world.records_of(&test).await.len(), 1, "and its window");
}

#[actix::test]
async fn offsets_are_stored_with_what_they_brought() {
    let world = World::new(Surroundings::default()).await;
    assert!(world.readiness.get().0);
    assert_eq!(world.store.load_offsets(CLUSTER).await.unwrap(), start(), "where it began");
    world.beats("a", DriverState::Idle, None, None).await;
    world.beats("a", DriverState::Idle, None, None).await;
    let mut stored = start();
    stored.insert((Topic::Heartbeat, 0), 2);
    assert_eq!(
        world.store.load_offsets(CLUSTER).await.unwrap(),
        stored,
        "heartbeats alone are stored once a second"
    );
}

#[actix::test]
async fn a_later_orchestrator_takes_over_and_records_of_nobodys_test_are_counted() {
    let world = World::new(Surroundings::default()).await;
    world.window("a", &test_id("unheard-of"), 0, 1, false).await;
    assert_eq!(world.telemetry.metrics_foreign.get(), 1);
    assert_eq!(world.nodes.send(ListDrivers).await.unwrap().len(), 1, "it is a node all the same");
    let other = Surroundings::default();
    let (outside, _) = other.begin_life(&Arc::default(), &Arc::default()).await;
    HeartbeatActor::new(node_id("other"), Epoch(world.epoch.0 + 1), outside.producer).start();
    let published = || std::future::ready(other.published(Topic::Heartbeat).pop());
    let beat = until(published, Option::is_some).await.unwrap();
    world.reads(Topic::Heartbeat, beat.to_string().as_bytes()).await;
    assert_eq!(*world.superseded.borrow(), Some(world.epoch.0 + 1));
    assert_eq!(world.nodes.send(ListDrivers).await.unwrap().len(), 1, "an orchestrator is never a node");
}

#[actix::test]
async fn a_test_that_is_run_again_has_the_secrets_that_answers_mask() {
    let world = World::new(Surroundings::default()).await;
    let secret = PLAN.replace("[load]", "[request.headers]\nauthorization = \"Bearer s3cret\"\n[load]");
    let first = world.tests.send(CreateTest(plan(&secret))).await.unwrap().unwrap();
    let first = TestId::new(&first.test_id).unwrap();
    let copy = |name: Option<&str>| {
        world.tests.send(CopyTest { from: first.clone(), name: name.map(str::to_owned) })
    };
    let again = copy(None).await.unwrap().unwrap();
    assert_ne!(again.test_id, first.as_str());
    assert_eq!(again.state, TestState::Configured);
    assert_eq!(again.plan["request"]["headers"]["authorization"], "***");
    let stored = world.stored(&TestId::new(&again.test_id).unwrap()).await;
    assert_eq!(stored.plan, world.stored(&first).await.plan);
    assert_eq!(copy(Some("another name")).await.unwrap().unwrap().name, "another name");
    assert!(matches!(copy(Some("a\nb")).await.unwrap(), Err(CommandError::Plan(_))));
    let unknown = world.tests.send(CopyTest { from: test_id("none"), name: None }).await.unwrap();
    assert!(matches!(unknown, Err(CommandError::NoSuchTest(_))), "{unknown:?}");
}
