//! Classic nodes by when they send heartbeats: whether their silence shows that the process has ended.

use super::*;

fn facts(story: &Story) -> crate::registry::NodeFacts {
    story.registry.facts(&id("old"), story.now).unwrap()
}

fn test(story: &mut Story, runs: bool) {
    let busy = if runs { [(id("old"), None)].into() } else { BTreeMap::new() };
    story.registry.set_busy(busy, story.now);
}

#[test]
fn one_that_sends_heartbeats_only_in_tests_may_listen_while_it_is_stale() {
    let mut story = Story::new();
    story.registry.register(&register("old", None, "127.0.0.1"), story.now);
    story.silence(71.0);
    story.is("old", Liveness::Stale);
    assert!(facts(&story).beats_only_in_tests() && !facts(&story).may_be_gone());
    test(&mut story, true);
    story.silence(0.5);
    story.is("old", Liveness::Stale);
    assert!(!facts(&story).beat_in_test, "it was silent before: it has sent no heartbeat in this test");
    story.beats("old", None, 0.5, 6.0);
    story.is("old", Liveness::Alive);
    assert!(facts(&story).beat_in_test);
    story.silence(11.5);
    story.is("old", Liveness::Lost);
    test(&mut story, false);
    story.silence(60.0);
    story.is("old", Liveness::Stale);
    assert!(facts(&story).beats_only_in_tests(), "as before");
}

#[test]
fn one_that_sends_heartbeats_while_idle_may_be_gone_when_they_do_not_come() {
    let mut story = Story::new();
    story.beats("old", None, 2.0, 9.0);
    assert!(!facts(&story).may_be_gone());
    test(&mut story, true);
    story.beats("old", None, 2.0, 8.0);
    test(&mut story, false);
    story.silence(0.5);
    assert!(facts(&story).is_alive() && facts(&story).may_be_gone(), "none since its test");
    story.silence(0.75);
    story.beats("old", None, 2.0, 1.0);
    assert!(!facts(&story).may_be_gone(), "its process goes on");
    story.silence(7.0);
    story.is("old", Liveness::Suspect);
    assert!(facts(&story).may_be_gone(), "one is overdue");
    story.silence(30.0);
    story.is("old", Liveness::Stale);
    assert!(!facts(&story).beats_only_in_tests());
}

#[test]
fn a_late_report_shows_that_a_deaf_node_was_not_deaf() {
    let mut story = Story::new();
    story.beats("old", None, 1.0, 5.0);
    story.registry.mark_deaf(&id("old"), story.now);
    story.silence(40.0);
    story.is("old", Liveness::Deaf);
    assert!(!facts(&story).beats_only_in_tests(), "it is left out until it shows something");
    story.registry.metrics(&report("old", "t"), story.now);
    story.is("old", Liveness::Alive);
}

#[test]
fn a_driver_is_on_this_host_where_both_name_the_same_kernel() {
    let on_this_host = |kernel: Option<&str>, registers: bool| {
        let registry = Registry::new(LEADER, Patience::default()).under(kernel.map(str::to_owned));
        let mut story = Story { registry, ..Story::new() };
        if registers {
            story.registry.register(&register("a", Some(9), "127.0.0.1:0"), story.now);
        }
        story.registry.heartbeat(&beat("a", Some(9), true), story.now);
        story.registry.facts(&id("a"), story.now).unwrap().on_this_host
    };
    assert!(on_this_host(Some("kernel-1"), true));
    assert!(!on_this_host(Some("kernel-2"), true), "another machine");
    assert!(!on_this_host(None, true), "this orchestrator does not know its own");
    assert!(!on_this_host(Some("kernel-1"), false), "it has not registered yet");
}
