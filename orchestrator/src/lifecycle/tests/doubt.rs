//! A test whose trigger may or may not have been published when the orchestrator ended.

use common::wire::DriverState;

use super::*;

#[test]
fn a_driver_of_which_nothing_has_arrived_does_not_show_that_the_trigger_was_not_published() {
    let before = started();
    let (participants, plan) = (before.participants().to_vec(), before.plan().clone());
    let mut life =
        Lifecycle::resumed(test_id("t"), plan, RULES, 1, participants, 1_000_000, at(1)).doubtful(at(1));
    let of = |state| {
        ["a", "b"].map(|name| NodeFacts { seen_at: Duration::from_millis(2), state, ..node(name, Some(1)) })
    };
    assert!(life.step(at(10), &of(None), &[]).is_empty());
    assert!(life.step(at(3_100), &of(None), &[]).is_empty(), "they may run it");
    let idle = of(Some(DriverState::Idle));
    assert!(life.step(at(3_200), &idle, &[]).is_empty());
    assert!(life.step(at(6_300), &idle, &[]).contains(&Effect::PublishStop));
}
