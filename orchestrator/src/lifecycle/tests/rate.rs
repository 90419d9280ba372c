//! Changes of the rate: refused with the reason, or ordered for one instant.

use common::plan::RateChange;
use common::wire::RateApplied;

use super::*;

fn runs(name: &str) -> NodeFacts {
    says(name, DriverState::Running, None)
}

/// A test of drivers a and b that runs since 1 s.
fn running_with(plan: Plan) -> Lifecycle {
    let mut life = Lifecycle::new(test_id("t"), plan, RULES, 0);
    let idle = [node("a", Some(1)), node("b", Some(1))];
    life.trigger(&idle).unwrap();
    life.step(at(0), &idle, &[]);
    life.step(at(0), &[says("a", DriverState::Ready, None), says("b", DriverState::Ready, None)], &[]);
    assert_eq!(life.started_at(), Some(1_000_000));
    life
}

fn running(load: &str) -> Lifecycle {
    running_with(plan(load))
}

const OPEN: &str = "mode = 'tsunami'\nrate = 10\nduration = '10s'";

#[track_caller]
fn refused(life: &mut Lifecycle, rate: f64, ms: u64, nodes: &[NodeFacts], expected: &str) {
    let error = life.change_rate(rate, at(ms), nodes).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(life.rate_changes().is_empty());
}

#[test]
fn changes_hold_from_an_instant_ahead_and_keep_their_order() {
    let (mut life, both) = (running(OPEN), [runs("a"), runs("b")]);
    let (first, detail) = life.change_rate(30.0, at(3_000), &both).unwrap().unwrap();
    assert_eq!(first, RateChange { number: 1, rate_per_s: 30.0, at_us: 4_350_000 });
    assert_eq!(detail, "from 10/s to 30/s at 3.4 s");
    let (second, detail) = life.change_rate(10.0, at(3_000), &both).unwrap().unwrap();
    assert_eq!((second.number, second.at_us), (2, 4_351_000), "at least a millisecond later");
    assert_eq!(detail, "from 30/s to 10/s at 3.4 s");
    assert_eq!(life.change_rate(10.0, at(3_100), &both), Ok(None), "it has this rate");
    life.take_back_rate();
    assert_eq!(life.rate_changes(), [first]);
    assert_eq!(life.change_rate(30.0, at(3_100), &both), Ok(None));
}

#[test]
fn only_a_running_test_changes_its_rate() {
    let both = [runs("a"), runs("b")];
    refused(&mut life(), 20.0, 0, &both, "test t is configured: only a running test's rate can be changed");
    refused(&mut running(OPEN), 20.0, 500, &both, "test t is starting");
    let drains = ["a", "b"].map(|name| says(name, DriverState::Draining, None));
    refused(&mut running(OPEN), 20.0, 10_900, &drains, "test t is draining");
    refused(&mut running(OPEN), 20.0, 9_900, &both, "after the start, before another rate could take effect");
    let mut stopping = running(OPEN);
    stopping.stop(StoppedBy::the_user(), at(2_000));
    refused(&mut stopping, 20.0, 2_100, &both, "test t is draining");
}

#[test]
fn a_plan_without_a_rate_of_its_own_is_refused() {
    let both = [runs("a"), runs("b")];
    let closed = "mode = 'avalanche'\nconnections = 4\nduration = '10s'";
    refused(&mut running(closed), 20.0, 2_000, &both, "a closed loop (avalanche) has no rate");
    let mut staged = plan(OPEN);
    let stage =
        common::plan::program::Stage { level: 9.0, ramp: Duration::ZERO, hold: Duration::from_secs(9) };
    staged.load.stages = vec![stage];
    refused(&mut running_with(staged), 20.0, 2_000, &both, "its stages say how the rate changes");
    let capped = format!("{OPEN}\ntarget_throughput = 15");
    refused(&mut running(&capped), 20.0, 2_000, &both, "20/s are more than load.target_throughput = 15");
}

#[test]
fn sessions_that_think_need_room_at_the_new_rate() {
    let text = "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nrate = 10\nduration = '10s'\nmax_sessions = 50\n\
                [requests.a]\npath = '/'\n[scenarios.s]\nsteps = ['a', { think = '2s' }, 'a']\n";
    let ours = |name: &str| NodeFacts { max_rate: Some(45.0), ..runs(name) };
    let (mut life, both) = (running_with(fixtures::plan(text)), [ours("a"), ours("b")]);
    let little = "30 sessions/s that think 2s each are 60 at a time on a driver, and load.max_sessions is 50";
    refused(&mut life, 30.0, 2_000, &both, little);
    refused(&mut life, 24.0, 2_000, &both, "a: safety.max_rate = 45");
    assert!(life.change_rate(22.0, at(2_000), &both).unwrap().is_some(), "44 requests/s");
}

#[test]
fn drivers_that_cannot_obey_are_named() {
    let both = || [runs("a"), runs("b")];
    let [a, b] = both();
    let old = [a.clone(), NodeFacts { changes_rate: false, ..b.clone() }];
    refused(&mut running(OPEN), 20.0, 2_000, &old, "b does not change the rate of a running test");
    let low = [a.clone(), NodeFacts { max_rate: Some(15.0), ..b.clone() }];
    refused(&mut running(OPEN), 20.0, 2_000, &low, "b: safety.max_rate = 15");
    for liveness in [Liveness::Alive, Liveness::Deaf] {
        let classic = [a.clone(), b.clone(), NodeFacts { liveness, ..node("old", None) }];
        refused(&mut running(OPEN), 20.0, 2_000, &classic, "old is a classic driver");
    }
}

#[test]
fn requests_that_end_it_move_its_end() {
    let (mut life, both) = (running("mode = 'tsunami'\nrate = 10\nrequests = 100"), [runs("a"), runs("b")]);
    let (change, _) = life.change_rate(1.0, at(4_650), &both).unwrap().unwrap();
    assert_eq!(change.at_us, 6_000_000, "5 s after the start: 50 are left, at 1/s");
    assert!(life.change_rate(2.0, at(50_000), &both).unwrap().is_some(), "it ends after 55 s");
}

#[test]
fn a_driver_that_obeys_late_or_not_at_all_is_named_once() {
    let mut life = running(OPEN);
    life.change_rate(30.0, at(3_000), &[runs("a"), runs("b")]).unwrap();
    let reports = |name: &str, at| {
        let rate_change = Some(RateApplied { change: 1, at });
        NodeFacts { rate_change, ..runs(name) }
    };
    let parts = [part("a", Some(1), None), part("b", Some(1), None)];
    let texts = |life: &mut Lifecycle, ms, nodes: &[NodeFacts]| -> Vec<String> {
        let effects = life.step(at(ms), nodes, &parts);
        let text = |effect| match effect {
            Effect::Note { what, detail, .. } if what.starts_with("rate") => Some(detail),
            _ => None,
        };
        effects.into_iter().filter_map(text).collect()
    };
    assert_eq!(texts(&mut life, 5_000, &[reports("a", 4_350_000), runs("b")]), [""; 0], "b has some time");
    let late = [reports("a", 5_850_000), runs("b")];
    let expected = "a: changed its rate to 30/s 1.5 s after the other drivers: the order reached it late";
    assert_eq!(texts(&mut life, 6_000, &late), [expected]);
    assert_eq!(texts(&mut life, 9_400, &late), ["b: did not change its rate to 30/s: see its log"]);
    assert_eq!(texts(&mut life, 9_500, &late), [""; 0]);
}
