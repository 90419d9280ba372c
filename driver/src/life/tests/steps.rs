//! Setup and teardown, as the orchestrator asks for them.

use common::wire::{StepsAsk, StepsOf, StepsReport, StepsState};

use super::*;

fn ask(id: &str, run: StepsOf) -> Input {
    let drivers = [NodeId::new("d1").unwrap()].into();
    Input::Asked(Epoch(5), Box::new(StepsAsk { test_id: test(id), revision: 1, run, drivers }))
}

fn ended(id: &str, run: StepsOf) -> Input {
    let report = StepsReport::running(test(id), 1, run);
    Input::StepsEnded(Box::new(StepsReport { state: StepsState::Completed, ..report }))
}

#[test]
fn setup_runs_once_for_a_test_that_is_ready_and_its_report_goes_with_the_start() {
    let mut driver = Driver::new();
    assert_eq!(driver.ours("t", 1, 5, &["d1"]), ["ready t/1"]);
    assert_eq!(driver.step(ask("t", StepsOf::Setup)), ["RUN setup t", "ready t/1 setup running"]);
    assert!(driver.step(ask("t", StepsOf::Setup)).is_empty(), "asked twice");
    assert_eq!(driver.step(ended("t", StepsOf::Setup)), ["ready t/1 setup completed"]);
    assert!(driver.step(ask("t", StepsOf::Setup)).is_empty(), "it does not run again");
    assert_eq!(driver.yes("t", Some(1), 0), ["START t 9000", "running t/1"]);
}

#[test]
fn setup_of_a_test_that_is_not_held_fails() {
    let mut driver = Driver::new();
    let words = driver.step(ask("t", StepsOf::Setup));
    assert_eq!(words, ["idle setup failed: this driver does not hold the test any more"]);
}

#[test]
fn a_request_for_other_drivers_or_of_an_earlier_orchestrator_is_not_carried_out() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 6, &["d1"]);
    assert!(driver.step(ask("t", StepsOf::Setup)).is_empty(), "epoch 5 was replaced by 6");
    let drivers = [NodeId::new("d2").unwrap()].into();
    let other = StepsAsk { test_id: test("t"), revision: 1, run: StepsOf::Setup, drivers };
    assert!(driver.step(Input::Asked(Epoch(6), Box::new(other))).is_empty());
}

#[test]
fn a_stop_ends_setup_and_teardown_runs_after_it_in_either_order() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 5, &["d1"]);
    driver.step(ask("t", StepsOf::Setup));
    assert_eq!(driver.no("t", Some(1), 0), ["STOP STEPS", "idle"]);
    assert!(driver.step(ended("t", StepsOf::Setup)).is_empty(), "its end comes too late");
    assert_eq!(driver.step(ask("t", StepsOf::Teardown)), ["RUN teardown t", "idle teardown running"]);
    assert_eq!(driver.step(ended("t", StepsOf::Teardown)), ["idle teardown completed"]);

    let mut driver = Driver::new();
    driver.ours("t", 1, 5, &["d1"]);
    driver.step(ask("t", StepsOf::Setup));
    let words = driver.step(ask("t", StepsOf::Teardown));
    assert_eq!(words, ["STOP STEPS", "RUN teardown t", "ready t/1 teardown running"]);
    assert_eq!(driver.no("t", Some(1), 0), ["idle teardown running"], "the stop does not end it");
}

#[test]
fn teardown_waits_for_the_end_of_the_load() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 5, &["d1"]);
    driver.yes("t", Some(1), 0);
    assert_eq!(driver.step(ask("t", StepsOf::Teardown)), ["running t/1 teardown running"]);
    assert_eq!(driver.step(Input::Ended), ["RUN teardown t", "idle teardown running"]);
}

#[test]
fn the_next_test_ends_what_is_left_of_the_last_one() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 5, &["d1"]);
    driver.yes("t", Some(1), 0);
    driver.step(Input::Ended);
    driver.step(ask("t", StepsOf::Teardown));
    let words = driver.ours("u", 1, 5, &["d1"]);
    assert_eq!(words, ["STOP STEPS", "idle", "ready u/1"]);
    assert!(driver.step(ended("t", StepsOf::Teardown)).is_empty());
}

#[test]
fn a_request_that_comes_again_ends_nothing_of_what_runs_now() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 5, &["d1"]);
    driver.step(ask("t", StepsOf::Setup));
    driver.no("t", Some(1), 0);
    driver.step(ask("t", StepsOf::Teardown));
    assert!(driver.step(ask("t", StepsOf::Setup)).is_empty(), "teardown goes on");
    driver.ours("u", 1, 5, &["d1"]);
    driver.step(ask("u", StepsOf::Setup));
    for late in [StepsOf::Setup, StepsOf::Teardown] {
        assert!(driver.step(ask("t", late)).is_empty(), "setup of u goes on");
    }
    assert_eq!(driver.step(ended("u", StepsOf::Setup)), ["ready u/1 setup completed"]);
    driver.yes("u", Some(1), 0);
    assert!(driver.step(ask("t", StepsOf::Teardown)).is_empty(), "u runs");
}

#[test]
fn setup_ends_where_the_orchestrator_is_started_again_or_the_driver_leaves() {
    for (input, words) in [
        (Input::OrchestratorSeen(Epoch(6)), vec!["STOP STEPS", "idle"]),
        (Input::Leave, vec!["STOP STEPS", "idle", "LEFT"]),
    ] {
        let mut driver = Driver::new();
        driver.ours("t", 1, 5, &["d1"]);
        driver.step(ask("t", StepsOf::Setup));
        assert_eq!(driver.step(input), words);
    }
}
