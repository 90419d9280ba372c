//! Setup between the barrier and the trigger, and teardown after the end.

use std::collections::BTreeMap;

use common::wire::{StepsOf, StepsReport, StepsState};

use super::*;
use crate::model::{StepsOutcome, StepsView, TimelineEntry};

/// A plan with setup and teardown; `once`: which drivers run setup.
fn around(once: &str) -> Plan {
    let text = format!(
        "target.url = 'http://127.0.0.1:1/'\nsetup = {{ steps = ['login'], once = '{once}', timeout = '30s' }}\n\
         teardown.steps = ['leave']\n[requests]\nlogin = {{ path = '/', extract.token = {{ header = 'x' }} }}\n\
         page = {{ path = '/{{{{setup.token}}}}' }}\nleave.path = '/'\n[load]\nrate = 10\nduration = '10s'"
    );
    fixtures::plan(&text)
}

/// Two drivers that are ready, where setup was asked for at 0 ms.
fn in_setup(once: &str) -> (Lifecycle, Vec<Effect>) {
    let mut life = Lifecycle::new(test_id("t"), around(once), RULES, 0);
    life.trigger(&[node("a", Some(1)), node("b", Some(1))]).unwrap();
    life.step(at(0), &[node("a", Some(1)), node("b", Some(1))], &[]);
    let effects = life.step(at(0), &ready(), &[]);
    (life, effects)
}

fn ready() -> [NodeFacts; 2] {
    [says("a", DriverState::Ready, None), says("b", DriverState::Ready, None)]
}

/// The first driver's report of its steps, beside the second driver.
fn reports(run: StepsOf, state: StepsState) -> [NodeFacts; 2] {
    let mut nodes = ready();
    let values = [("token".to_owned(), "abc".to_owned())].into();
    let report = StepsReport { state, values, ..StepsReport::running(test_id("t"), 1, run) };
    nodes[0].steps = Some(Box::new(match state {
        StepsState::Failed => StepsReport { step: Some("login".to_owned()), ..report.failed("status 401") },
        _ => report,
    }));
    nodes
}

fn asks(effects: &[Effect]) -> Option<(StepsOf, Vec<&str>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::AskSteps { run, drivers } => Some((*run, drivers.iter().map(|id| id.as_str()).collect())),
        _ => None,
    })
}

fn outcome(life: &Lifecycle, run: StepsOf) -> Option<StepsOutcome> {
    life.steps().find(|(of, _)| *of == run).map(|(_, view)| view.outcome)
}

fn triggers(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::PublishTrigger { .. }))
}

#[test]
fn the_first_driver_runs_setup_the_caller_is_answered_and_its_values_go_with_the_trigger() {
    let (mut life, effects) = in_setup("fleet");
    assert_eq!(asks(&effects), Some((StepsOf::Setup, vec!["a"])));
    assert!(effects.contains(&Effect::Answer(Ok(()))) && !triggers(&effects), "{effects:?}");
    assert_eq!((life.state(at(1), &ready()), life.started_at()), (TestState::Starting, None));
    assert!(life.step(at(20_000), &reports(StepsOf::Setup, StepsState::Running), &[]).is_empty());
    let effects = life.step(at(21_000), &reports(StepsOf::Setup, StepsState::Completed), &[]);
    assert!(triggers(&effects), "{effects:?}");
    assert_eq!(life.setup_values(), &BTreeMap::from([("token".to_owned(), "abc".to_owned())]));
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Completed));
}

#[test]
fn with_once_driver_each_runs_setup_and_nothing_travels() {
    let (mut life, effects) = in_setup("driver");
    assert_eq!(asks(&effects), Some((StepsOf::Setup, vec!["a", "b"])));
    let mut nodes = reports(StepsOf::Setup, StepsState::Completed);
    assert!(!triggers(&life.step(at(10), &nodes, &[])), "b has not reported");
    nodes[1].steps = nodes[0].steps.clone();
    assert!(triggers(&life.step(at(20), &nodes, &[])));
    assert!(life.setup_values().is_empty());
}

#[test]
fn a_setup_that_fails_starts_no_load_and_teardown_runs() {
    let (mut life, _) = in_setup("fleet");
    let effects = life.step(at(10), &reports(StepsOf::Setup, StepsState::Failed), &[]);
    assert!(effects.contains(&Effect::PublishStop) && !triggers(&effects), "{effects:?}");
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Failed));
    assert_eq!(asks(&life.step(at(20), &ready(), &[])), Some((StepsOf::Teardown, vec!["a"])));
    let effects = life.step(at(30), &reports(StepsOf::Teardown, StepsState::Completed), &[]);
    assert_eq!(effects.last(), Some(&Effect::Finish));
    assert_eq!(life.state(at(30), &ready()), TestState::Finished);
}

#[test]
fn a_driver_that_is_lost_or_silent_in_setup_ends_the_test() {
    let (mut life, _) = in_setup("fleet");
    let mut nodes = ready();
    nodes[1].liveness = Liveness::Lost;
    life.step(at(10), &nodes, &[]);
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Lost), "the load needs b too");
    let (mut life, _) = in_setup("fleet");
    nodes = ready();
    nodes[0].epoch = Some(Epoch(2));
    life.step(at(10), &nodes, &[]);
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Lost));
    assert_eq!(
        asks(&life.step(at(20), &nodes, &[])),
        Some((StepsOf::Teardown, vec!["b"])),
        "a is another life"
    );
    let (mut life, _) = in_setup("fleet");
    assert!(life.step(at(40_000), &ready(), &[]).is_empty(), "the driver may still report");
    life.step(at(40_001), &ready(), &[]);
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Failed));
}

#[test]
fn a_driver_that_let_go_of_the_test_in_setup_ends_it_though_it_is_alive() {
    for idle in [0, 1] {
        let (mut life, _) = in_setup("fleet");
        // Beside the end of setup, where the other driver runs it.
        let mut nodes = if idle == 0 { ready() } else { reports(StepsOf::Setup, StepsState::Completed) };
        let (test_id, revision, steps) = (None, None, None);
        nodes[idle] =
            NodeFacts { state: Some(DriverState::Idle), test_id, revision, steps, ..nodes[idle].clone() };
        let effects = life.step(at(700), &nodes, &[]);
        assert!(effects.contains(&Effect::PublishStop) && !triggers(&effects), "{effects:?}");
        let (_, view) = life.steps().next().unwrap();
        assert_eq!((view.outcome, view.driver.as_deref()), (StepsOutcome::Lost, Some(["a", "b"][idle])));
        assert!(view.reason.as_deref().unwrap().contains("does not hold the test"), "{view:?}");
    }
}

#[test]
fn after_a_restart_in_setup_teardown_runs_and_what_had_ended_stays() {
    let running = || StepsView::running(vec!["a".to_owned()]);
    let ended = |outcome| running().ended(outcome, Some("a"), "why");
    let resumed = |setup: &StepsView, teardown: Option<StepsView>| {
        let participants = in_setup("fleet").0.participants().to_vec();
        Lifecycle::new(test_id("t"), around("fleet"), RULES, 1)
            .in_setup(participants, None)
            .with_steps(Some(setup.clone()), teardown)
    };
    for (setup, expected) in [
        (running(), StepsOutcome::Lost),
        (StepsView { outcome: StepsOutcome::Completed, ..running() }, StepsOutcome::Lost),
        (ended(StepsOutcome::Failed), StepsOutcome::Failed),
        (ended(StepsOutcome::Stopped), StepsOutcome::Stopped),
        (ended(StepsOutcome::Lost), StepsOutcome::Lost),
    ] {
        let mut life = resumed(&setup, None);
        let effects = life.resumed_in_setup();
        assert!(!triggers(&effects), "{effects:?}");
        assert_eq!(outcome(&life, StepsOf::Setup), Some(expected));
        let unheard = [node("a", Some(1)), node("b", Some(1))];
        assert_eq!(
            asks(&life.step(at(10), &unheard, &[])),
            None,
            "nothing has arrived from a since the restart"
        );
        let idle = unheard.clone().map(|node| NodeFacts { state: Some(DriverState::Idle), ..node });
        assert_eq!(asks(&life.step(at(20), &idle, &[])), Some((StepsOf::Teardown, vec!["a"])));
        let mut life = resumed(&setup, None);
        life.resumed_in_setup();
        let restarted = NodeFacts { epoch: Some(Epoch(2)), ..idle[0].clone() };
        let others = [restarted, idle[1].clone()];
        assert_eq!(asks(&life.step(at(20), &others, &[])), Some((StepsOf::Teardown, vec!["b"])));
        let mut life = resumed(&setup, Some(running()));
        assert_eq!(life.resumed_in_setup().last(), Some(&Effect::Finish), "it is not asked for twice");
        assert_eq!(outcome(&life, StepsOf::Teardown), Some(StepsOutcome::Lost));
    }
}

#[test]
fn a_start_that_was_stored_and_not_carried_out_does_not_count_where_setup_is_lost() {
    let (mut life, _) = in_setup("fleet");
    assert!(triggers(&life.step(at(10), &reports(StepsOf::Setup, StepsState::Completed), &[])));
    assert!(life.started_at().is_some());
    life.publishing_failed(CommandError::NotPublished("kafka is gone".to_owned()));
    assert_eq!((outcome(&life, StepsOf::Setup), life.started_at()), (Some(StepsOutcome::Lost), None));
}

#[test]
fn a_trigger_is_answered_at_once_while_setup_runs() {
    let (mut life, _) = in_setup("fleet");
    assert!(!life.awaits_drivers());
    life.step(at(10), &reports(StepsOf::Setup, StepsState::Failed), &[]);
    assert!(life.is_under_way() && !life.awaits_drivers(), "teardown is next");
}

#[test]
fn a_stop_ends_setup_and_teardown_runs() {
    let (mut life, _) = in_setup("fleet");
    let effects = life.stop(StoppedBy::the_user(), at(5));
    assert!(effects.contains(&Effect::PublishStop), "{effects:?}");
    assert!(life.stop(StoppedBy::the_user(), at(6)).is_empty(), "repeating it changes nothing");
    assert_eq!(asks(&life.step(at(20), &ready(), &[])), Some((StepsOf::Teardown, vec!["a"])));
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Stopped));
}

#[test]
fn teardown_runs_once_after_the_load_on_the_first_driver_that_is_alive() {
    let (mut life, _) = in_setup("fleet");
    life.step(at(10), &reports(StepsOf::Setup, StepsState::Completed), &[]);
    let over =
        [part("a", Some(1), Some(EndedBy::FinalWindow)), part("b", Some(1), Some(EndedBy::FinalWindow))];
    assert!(!life.step(at(12_000), &ready(), &over).contains(&Effect::Finish), "teardown comes first");
    assert_eq!(life.state(at(12_000), &ready()), TestState::Draining);
    let mut nodes = ready();
    nodes[0].liveness = Liveness::Lost;
    assert_eq!(asks(&life.step(at(12_100), &nodes, &over)), Some((StepsOf::Teardown, vec!["b"])));
    assert_eq!(asks(&life.step(at(12_200), &nodes, &over)), None);
    nodes[1].liveness = Liveness::Lost;
    assert_eq!(life.step(at(12_300), &nodes, &over).last(), Some(&Effect::Finish));
    assert_eq!(outcome(&life, StepsOf::Teardown), Some(StepsOutcome::Lost));
}

#[test]
fn what_cannot_be_published_after_setup_began_does_not_make_the_test_configured_again() {
    let (mut life, _) = in_setup("fleet");
    life.publishing_failed(CommandError::NotPublished("kafka is gone".to_owned()));
    assert_eq!(outcome(&life, StepsOf::Setup), Some(StepsOutcome::Lost));
    life.step(at(20), &ready(), &[]);
    let effects = life.publishing_failed(CommandError::NotPublished("kafka is gone".to_owned()));
    assert_eq!(effects.last(), Some(&Effect::Finish));
    assert_eq!(outcome(&life, StepsOf::Teardown), Some(StepsOutcome::Failed));
}

#[test]
fn a_timeline_says_whether_setup_was_asked_for_since_the_last_trigger() {
    let entry = |what: &str| TimelineEntry {
        at: "now".to_owned(),
        what: what.to_owned(),
        driver: None,
        detail: String::new(),
    };
    let began = |all: &[&str]| began_setup(&all.iter().map(|what| entry(what)).collect::<Vec<_>>());
    assert!(began(&["created", "triggered", "setup"]));
    assert!(!began(&["created", "triggered"]));
    assert!(!began(&["triggered", "setup", "triggered"]));
}
