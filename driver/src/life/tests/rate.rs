//! Changes of the rate of the test that runs.

use common::plan::RateChange;
use common::wire::{ChangeRate, RateApplied};

use super::*;

fn order(id: &str, revision: u32, number: u32) -> Input {
    let change = RateChange { number, rate_per_s: 50.0, at_us: 7 };
    Input::ChangeRate(ChangeRate { test_id: test(id), revision, change })
}

/// A driver that runs the second config of a test of ours.
fn running() -> Driver {
    let mut driver = Driver::new();
    driver.ours("t", 2, 5, &["d1"]);
    driver.yes("t", Some(2), 0);
    driver
}

#[test]
fn a_change_of_the_running_tests_rate_is_obeyed_once_and_reported_while_it_runs() {
    let mut driver = running();
    assert_eq!(driver.step(order("t", 2, 1)), ["RATE 1 50"]);
    assert_eq!(driver.step(order("t", 2, 1)), ["ignored t: this change of the rate came twice"]);
    let applied = RateApplied { change: 1, at: 9 };
    assert_eq!(driver.step(Input::RateChanged(applied)), ["running t/2 rate 1 at 9"]);
    // One was not received: what comes after it holds all the same, and the earlier one does not any more.
    assert_eq!(driver.step(order("t", 2, 3)), ["RATE 3 50"]);
    assert_eq!(driver.step(order("t", 2, 2)), ["ignored t: this change of the rate came twice"]);
    assert_eq!(driver.step(Input::Ended), ["idle"], "the next test has a rate of its own");
}

#[test]
fn a_change_for_another_test_life_or_revision_is_ignored() {
    let idle = Driver::new().step(order("t", 2, 1));
    assert_eq!(idle, ["ignored t: it changes the rate of a test that does not run here"]);
    let mut driver = running();
    let other = ["ignored t: it changes the rate of another test"];
    assert_eq!(driver.step(order("t", 1, 1)), other);
    assert_eq!(driver.step(order("u", 2, 1)), ["ignored u: it changes the rate of another test"]);
    driver.no("t", Some(2), 0);
    assert_eq!(driver.step(order("t", 2, 1)), ["ignored t: the test is being stopped"]);
    let mut classic = Driver::new();
    classic.classic("t", 0);
    classic.yes("t", None, 0);
    assert_eq!(classic.step(order("t", 1, 1)), other, "no orchestrator of ours leads it");
}
