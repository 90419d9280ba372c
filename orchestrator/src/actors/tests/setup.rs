//! What a later life of the orchestrator makes of tests with setup and teardown.

use common::wire::{StepsOf, StepsReport, StepsState};

use super::*;
use crate::actors::test_manager::{AwaitTakenUp, TakenUp};
use crate::model::{FindingKind, StepsOutcome, StepsView, TestView};

const AROUND: &str = "target.url = 'http://127.0.0.1:1/'\nsetup.steps = ['login']\nteardown.steps = ['leave']\n\
    requests = { login.path = '/', page.path = '/', leave.path = '/' }\nload = { rate = 10, duration = '2s' }";

async fn of(world: &World) -> TestId {
    world.beats("a", DriverState::Idle, None, None).await;
    let view = world.tests.send(CreateTest(plan(AROUND))).await.unwrap().unwrap();
    TestId::new(&view.test_id).unwrap()
}

/// Waits until the orchestrator has asked driver `a` for these steps.
async fn asked(world: &World, run: StepsOf) {
    let asks =
        |beat: &serde_json::Value| beat["ask"]["run"] == run.as_str() && beat["ask"]["drivers"][0] == "a";
    let beats = || std::future::ready(world.published(Topic::Heartbeat));
    until(beats, |beats| beats.iter().any(asks)).await;
}

/// A test whose driver was asked for setup.
async fn in_setup(world: &World) -> TestId {
    let test = of(world).await;
    world.trigger(&test, &["a"]).await;
    asked(world, StepsOf::Setup).await;
    test
}

fn report(test: &TestId, run: StepsOf, state: StepsState) -> StepsReport {
    let report = StepsReport::running(test.clone(), 1, run);
    match state {
        StepsState::Failed => StepsReport { step: Some("login".to_owned()), ..report.failed("status 403") },
        _ => StepsReport { state, ..report },
    }
}

fn outcome(steps: &Option<StepsView>) -> Option<StepsOutcome> {
    steps.as_ref().map(|steps| steps.outcome)
}

fn kinds(view: &TestView) -> Vec<FindingKind> {
    view.findings.iter().map(|finding| finding.kind).collect()
}

#[actix::test]
async fn after_a_restart_in_setup_or_in_the_teardown_after_it_teardown_runs_once() {
    for (before, verdict, expected) in [
        (None, Verdict::Incomplete, StepsOutcome::Lost),
        (Some(StepsState::Failed), Verdict::Failed, StepsOutcome::Failed),
        (Some(StepsState::Running), Verdict::Aborted, StepsOutcome::Stopped),
    ] {
        let first = World::new(Surroundings::default()).await;
        let test = in_setup(&first).await;
        match before {
            Some(StepsState::Failed) => {
                first.steps("a", DriverState::Ready, report(&test, StepsOf::Setup, StepsState::Failed)).await;
                let has_failed = |stored: &crate::store::StoredTest| {
                    stored.report.as_ref().is_some_and(|view| outcome(&view.setup) == Some(expected))
                };
                until(|| first.stored(&test), has_failed).await;
            }
            Some(_) => drop(first.tests.send(StopTest(test.clone())).await.unwrap().unwrap()),
            None => {}
        }
        let world = World::unreached(first.surroundings, false).await;
        world.tests.send(AwaitTakenUp(TakenUp::Closed)).await.unwrap();
        let refused = world.tests.send(StopTest(test.clone())).await.unwrap();
        assert!(matches!(refused, Err(CommandError::NotReady(_))), "{refused:?}");
        // The first process may have come to it, which counts as having asked.
        let had_begun = world.get(&test).await.teardown.is_some();
        world.reach(CLUSTER).await;
        if !had_begun {
            world.beats("a", DriverState::Idle, None, None).await;
            asked(&world, StepsOf::Teardown).await;
            let done = report(&test, StepsOf::Teardown, StepsState::Completed);
            world.steps("a", DriverState::Idle, done).await;
        }
        let view = world.until(&test, TestState::Finished).await;
        assert_eq!(
            (view.verdict, outcome(&view.setup)),
            (Some(verdict), Some(expected)),
            "{:?}",
            view.reasons
        );
        let of_teardown = if had_begun { StepsOutcome::Lost } else { StepsOutcome::Completed };
        assert_eq!(outcome(&view.teardown), Some(of_teardown), "{:?}", view.timeline);
        assert_eq!(view.started_at, None);
        let triggers = world.published(Topic::Trigger);
        assert!(triggers.iter().all(|trigger| trigger["trigger"] == "NO"), "{triggers:?}");
    }
}

#[actix::test]
async fn a_test_in_setup_of_a_dead_embedded_kafka_is_closed_and_its_teardown_is_missed() {
    let first = World::unreached(Surroundings::default(), true).await;
    first.reach("mock").await;
    let test = in_setup(&first).await;
    let world = World::unreached(first.surroundings, true).await;
    world.tests.send(AwaitTakenUp(TakenUp::Closed)).await.unwrap();
    let view = world.get(&test).await;
    assert_eq!((view.state, view.verdict), (TestState::Finished, Some(Verdict::Incomplete)));
    assert_eq!(
        (outcome(&view.setup), outcome(&view.teardown)),
        (Some(StepsOutcome::Lost), Some(StepsOutcome::Lost))
    );
    assert!(kinds(&view).contains(&FindingKind::TeardownFailed), "{:?}", view.findings);
}

#[actix::test]
async fn a_closed_test_says_that_its_teardown_did_not_end() {
    let first = World::unreached(Surroundings::default(), true).await;
    first.reach("mock").await;
    let test = in_setup(&first).await;
    first.steps("a", DriverState::Ready, report(&test, StepsOf::Setup, StepsState::Completed)).await;
    first.until(&test, TestState::Running).await;
    first.window("a", &test, 0, 20, true).await;
    asked(&first, StepsOf::Teardown).await;
    let world = World::unreached(first.surroundings, true).await;
    world.tests.send(AwaitTakenUp(TakenUp::Closed)).await.unwrap();
    let view = world.get(&test).await;
    assert_eq!((view.state, outcome(&view.setup)), (TestState::Finished, Some(StepsOutcome::Completed)));
    assert_eq!(outcome(&view.teardown), Some(StepsOutcome::Lost));
    assert!(kinds(&view).contains(&FindingKind::TeardownFailed), "{:?}", view.findings);
    assert_eq!(view.drivers[0].ended_by.as_deref(), Some("final_window"), "its load is complete");
}

#[actix::test]
async fn a_start_that_was_not_carried_out_accuses_no_driver_where_setup_was_done() {
    let first = World::new(Surroundings::default()).await;
    let test = in_setup(&first).await;
    first.surroundings.kept().unanswered = Some(Topic::Trigger);
    first.steps("a", DriverState::Ready, report(&test, StepsOf::Setup, StepsState::Completed)).await;
    until(|| first.stored(&test), |stored| stored.started_at.is_some()).await;
    first.surroundings.kept().unanswered = None;

    let world = World::new(first.surroundings).await;
    let done = report(&test, StepsOf::Teardown, StepsState::Completed);
    let beaten = || async {
        world.steps("a", DriverState::Idle, done.clone()).await;
        world.get(&test).await
    };
    let view = until(beaten, |view| view.state == TestState::Finished).await;
    assert_eq!((view.verdict, view.started_at.as_ref()), (Some(Verdict::Incomplete), None));
    assert_eq!(kinds(&view), [FindingKind::SetupLost], "{:?}", view.findings);
    assert!(view.reasons[0].ends_with("run the test again"), "{:?}", view.reasons);
    assert_eq!(outcome(&view.teardown), Some(StepsOutcome::Completed));
}

#[actix::test]
async fn a_trigger_that_is_repeated_while_setup_runs_is_answered_at_once() {
    let world = World::new(Surroundings::default()).await;
    let test = in_setup(&world).await;
    let again = world.tests.send(TriggerTest::now(test.clone())).await.unwrap().unwrap();
    assert_eq!((again.state, outcome(&again.setup)), (TestState::Starting, Some(StepsOutcome::Running)));
    assert_eq!(world.published(Topic::TestConfig).len(), 1);
}
