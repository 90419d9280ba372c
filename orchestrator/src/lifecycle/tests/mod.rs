//! A test's life in tables: what the state machine sees, and which effects it returns.

mod barrier;
mod doubt;
mod lead;
mod rate;
mod steps;

use common::wire::{PROTOCOL, Unit};

use super::*;
pub(super) use crate::fixtures::node_id as id;
use crate::fixtures::{self, test_id};
use crate::registry::{Liveness, Protocol};

pub(super) const RULES: Rules = Rules {
    ready_timeout: Duration::from_secs(10),
    start_delay: Duration::from_secs(1),
    classic: ClassicRules {
        delay_unit: Unit::Seconds,
        known_for: Duration::from_secs(5),
        trigger_gap: Duration::from_secs(2),
        deaf_after: Duration::from_secs(15),
        silent_for: Duration::from_secs(60),
    },
};

pub(super) fn at(ms: u64) -> Now {
    Now { elapsed: Duration::from_millis(ms), unix_us: i64::try_from(ms).unwrap() * 1_000 }
}

pub(super) fn plan(load: &str) -> Plan {
    fixtures::plan(&format!("[target]\nurl = 'http://127.0.0.1:1/'\n[load]\n{load}\n"))
}

fn life() -> Lifecycle {
    Lifecycle::new(test_id("t"), plan("mode = 'tsunami'\nrate = 10\nduration = '10s'"), RULES, 0)
}

pub(super) fn node(name: &str, epoch: Option<u64>) -> NodeFacts {
    NodeFacts {
        node_id: id(name),
        epoch: epoch.map(Epoch),
        liveness: Liveness::Alive,
        silent_for: Duration::ZERO,
        seen_at: Duration::ZERO,
        known_since: Duration::ZERO,
        state: None,
        is_resolving: false,
        fetched_bytes: None,
        refusal: None,
        warning: None,
        test_id: None,
        revision: None,
        steps: None,
        max_rate: None,
        on_this_host: false,
        build: None,
        calibrated: None,
        protocol: Protocol::Registered(Some(PROTOCOL)),
        said_no_at: None,
        interval: Duration::from_secs(1),
        beats_idle: true,
        beat_in_test: false,
        quiet_since_test: false,
        reads_programs: epoch.is_some(),
        changes_rate: epoch.is_some(),
        rate_change: None,
    }
}

pub(super) fn says(name: &str, state: DriverState, refusal: Option<&str>) -> NodeFacts {
    NodeFacts {
        state: Some(state),
        refusal: refusal.map(str::to_owned),
        test_id: Some(test_id("t")),
        revision: Some(1),
        ..node(name, Some(1))
    }
}

pub(super) fn part(name: &str, epoch: Option<u64>, ended_by: Option<EndedBy>) -> PartSeen {
    PartSeen {
        node_id: id(name),
        epoch: epoch.map(Epoch),
        ended_by,
        last_report_at: None,
        window_at: None,
        reports: 0,
        report_interval: None,
        rose_at: None,
        mean_latency: None,
        silent: false,
        sent: None,
    }
}

/// The effects without their notes.
pub(super) fn without_notes(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().filter(|effect| !matches!(effect, Effect::Note { .. })).collect()
}

/// Two drivers of ours, ready, and the trigger out at 1 s.
fn started() -> Lifecycle {
    let mut life = life();
    life.trigger(&[node("a", Some(1)), node("b", Some(1))]).unwrap();
    life.step(at(0), &[node("a", Some(1)), node("b", Some(1))], &[]);
    let ready = [says("a", DriverState::Ready, None), says("b", DriverState::Ready, None)];
    life.step(at(0), &ready, &[]);
    life
}

#[test]
fn the_trigger_goes_out_when_every_driver_is_ready() {
    let mut life = life();
    let idle = [node("a", Some(1)), node("b", Some(1))];
    life.trigger(&idle).unwrap();
    assert_eq!(without_notes(life.step(at(0), &idle, &[])), [Effect::PublishConfig { revision: 1 }]);
    assert_eq!(life.state(at(0), &idle), TestState::Starting);
    let half = [says("a", DriverState::Ready, None), node("b", Some(1))];
    assert_eq!(without_notes(life.step(at(100), &half, &[])), []);
    let ready = [says("a", DriverState::Ready, None), says("b", DriverState::Ready, None)];
    assert_eq!(
        without_notes(life.step(at(200), &ready, &[])),
        [Effect::PublishTrigger { start_at_ms: 1_200, revision: 1 }, Effect::Answer(Ok(()))]
    );
    assert_eq!(life.state(at(1_100), &ready), TestState::Starting);
    assert_eq!(life.state(at(1_200), &ready), TestState::Running);
    assert_eq!(life.started_at(), Some(1_200_000));
}

#[test]
fn a_driver_that_refuses_is_named_and_the_test_is_configured_again() {
    let mut life = life();
    life.trigger(&[node("a", Some(1))]).unwrap();
    life.step(at(0), &[node("a", Some(1))], &[]);
    let refuses = [says("a", DriverState::Refused, Some("target 10.0.0.1 is not allowed"))];
    let effects = without_notes(life.step(at(100), &refuses, &[]));
    assert_eq!(effects[0], Effect::PublishStop, "no driver stays ready for it");
    let Effect::Answer(Err(error)) = &effects[1] else { panic!("{effects:?}") };
    assert_eq!(error.to_string(), "a: target 10.0.0.1 is not allowed");
    assert!(!life.is_under_way());
    life.trigger(&[node("a", Some(1))]).unwrap();
    assert_eq!(
        without_notes(life.step(at(200), &[node("a", Some(1))], &[])),
        [Effect::PublishConfig { revision: 2 }]
    );
}

#[test]
fn warnings_of_ready_drivers_are_noted_before_the_trigger() {
    let mut life = life();
    life.trigger(&[node("a", Some(1)), node("b", Some(1))]).unwrap();
    life.step(at(0), &[node("a", Some(1)), node("b", Some(1))], &[]);
    let warns = |name: &str, warning: &str| NodeFacts {
        warning: Some(warning.to_owned()),
        ..says(name, DriverState::Ready, None)
    };
    let half = [warns("a", "too fast"), node("b", Some(1))];
    assert_eq!(without_notes(life.step(at(100), &half, &[])), [], "not before all are ready");
    let ready = [warns("a", "too fast"), warns("b", "beware")];
    let effects = life.step(at(200), &ready, &[]);
    let warned = |driver: &str, detail: &str| Effect::Note {
        what: "warned",
        driver: Some(id(driver)),
        detail: detail.to_owned(),
    };
    let expected = [warned("a", "a: too fast"), warned("b", "b: beware")];
    assert_eq!(effects[..2], expected, "each names its driver");
    assert!(matches!(effects[2], Effect::PublishTrigger { .. }), "{effects:?}");
}

#[test]
fn a_driver_that_does_not_answer_in_time_is_named() {
    let mut life = life();
    life.trigger(&[node("a", Some(1))]).unwrap();
    life.step(at(0), &[node("a", Some(1))], &[]);
    assert_eq!(without_notes(life.step(at(10_000), &[node("a", Some(1))], &[])), []);
    // The config took three seconds to reach Kafka: they do not count against the driver.
    life.config_published(at(3_000));
    assert_eq!(without_notes(life.step(at(13_000), &[node("a", Some(1))], &[])), []);
    let effects = without_notes(life.step(at(13_001), &[node("a", Some(1))], &[]));
    assert!(format!("{effects:?}").contains("did not become ready within 10s"), "{effects:?}");
}

/// The time-out to become ready counts from the last byte of data files that a driver received, within a bound.
#[test]
fn drivers_that_fetch_data_files_are_waited_for_while_they_get_on() {
    let both = [node("a", Some(1)), node("b", Some(1))];
    let fetching = |bytes: u64| {
        let a = NodeFacts { fetched_bytes: Some(bytes), ..says("a", DriverState::Idle, None) };
        [a, says("b", DriverState::Ready, None)]
    };
    let mut life = life();
    life.trigger(&both).unwrap();
    life.step(at(0), &both, &[]);
    for ms in (0..=60_000).step_by(250) {
        assert_eq!(without_notes(life.step(at(ms), &fetching(ms), &[])), [], "{ms}");
    }
    assert_eq!(without_notes(life.step(at(70_000), &fetching(60_000), &[])), []);
    let late = without_notes(life.step(at(70_001), &fetching(60_000), &[]));
    assert!(format!("{late:?}").contains("a\", NotReady"), "{late:?}");
}

/// The time-out to become ready counts from when the drivers have the target's addresses. A driver that never gets them
/// delays the start by 20 s and the time-out.
#[test]
fn drivers_that_resolve_the_targets_name_are_waited_for_within_a_bound() {
    let resolves = NodeFacts { is_resolving: true, ..says("a", DriverState::Idle, None) };
    let resolving = [resolves, node("b", Some(1))];
    let barrier = || {
        let mut life = life();
        life.trigger(&[node("a", Some(1)), node("b", Some(1))]).unwrap();
        life.step(at(0), &[node("a", Some(1)), node("b", Some(1))], &[]);
        for ms in (0..=15_000).step_by(250) {
            assert_eq!(without_notes(life.step(at(ms), &resolving, &[])), [], "{ms}");
        }
        life
    };
    let ready = [says("a", DriverState::Ready, None), says("b", DriverState::Ready, None)];
    let effects = without_notes(barrier().step(at(15_250), &ready, &[]));
    assert_eq!(effects.last(), Some(&Effect::Answer(Ok(()))), "{effects:?}");

    let mut life = barrier();
    let idle = [node("a", Some(1)), node("b", Some(1))];
    assert_eq!(without_notes(life.step(at(25_000), &idle, &[])), []);
    let late = without_notes(life.step(at(25_001), &idle, &[]));
    assert!(format!("{late:?}").contains("did not become ready"), "{late:?}");

    let mut life = barrier();
    for ms in (15_000..=30_000).step_by(250) {
        assert_eq!(without_notes(life.step(at(ms), &resolving, &[])), [], "{ms}");
    }
    let late = without_notes(life.step(at(30_001), &resolving, &[]));
    assert!(format!("{late:?}").contains("did not become ready"), "{late:?}");
}

#[test]
fn a_test_is_over_when_every_final_window_is_in() {
    let mut life = started();
    let nodes = [says("a", DriverState::Running, None), says("b", DriverState::Draining, None)];
    let (a, b) = (part("a", Some(1), None), part("b", Some(1), Some(EndedBy::FinalWindow)));
    assert_eq!(without_notes(life.step(at(5_000), &nodes, &[a, b.clone()])), []);
    let a = part("a", Some(1), Some(EndedBy::FinalWindow));
    assert_eq!(without_notes(life.step(at(12_000), &nodes, &[a, b])), [Effect::Finish]);
    assert_eq!(life.state(at(12_000), &nodes), TestState::Finished);
}

#[test]
fn a_lost_driver_ends_its_part_and_is_waited_for_again_when_it_is_back() {
    let mut life = started();
    let lost = [NodeFacts { liveness: Liveness::Lost, ..node("a", Some(1)) }, node("b", Some(1))];
    let ended = Effect::PartEnded(id("a"), Some(Epoch(1)), EndedBy::Lost);
    let parts = [part("a", Some(1), None), part("b", Some(1), None)];
    assert_eq!(without_notes(life.step(at(5_000), &lost, &parts)), [ended]);
    let back = [node("a", Some(1)), node("b", Some(1))];
    let parts = [part("a", Some(1), Some(EndedBy::Lost)), part("b", Some(1), None)];
    assert_eq!(
        without_notes(life.step(at(6_000), &back, &parts)),
        [Effect::PartBack(id("a"), Some(Epoch(1)))]
    );
}

#[test]
fn a_driver_that_does_something_else_is_lost_once() {
    let mut life = started();
    let elsewhere = NodeFacts { test_id: TestId::new("other").ok(), ..says("a", DriverState::Running, None) };
    let nodes = [elsewhere, says("b", DriverState::Running, None)];
    let still = |ended_by| [part("a", Some(1), ended_by), part("b", Some(1), None)];
    let lost = Effect::PartEnded(id("a"), Some(Epoch(1)), EndedBy::Lost);
    assert_eq!(without_notes(life.step(at(31_002), &nodes, &still(None))), [lost]);
    assert_eq!(
        life.step(at(31_100), &nodes, &still(Some(EndedBy::Lost))),
        [],
        "it is alive, but busy with another test"
    );
}

/// Steps every 200 ms with drivers whose heartbeats arrive each time. Returns the first effects other than notes.
fn beating(
    life: &mut Lifecycle,
    ms: std::ops::Range<u64>,
    parts: impl Fn(u64) -> Vec<PartSeen>,
) -> Vec<Effect> {
    let in_touch =
        |name, ms| NodeFacts { seen_at: Duration::from_millis(ms), ..says(name, DriverState::Running, None) };
    ms.step_by(200)
        .map(|ms| without_notes(life.step(at(ms), &[in_touch("a", ms), in_touch("b", ms)], &parts(ms))))
        .find(|effects| !effects.is_empty())
        .unwrap_or_default()
}

#[test]
fn a_driver_that_beats_on_past_the_end_without_its_last_window_is_overdue() {
    let mut life = started();
    let reports_on = |ms: u64| PartSeen { window_at: Some(ms as i64 * 1_000), ..part("a", Some(1), None) };
    let parts = |ms| vec![reports_on(ms), part("b", Some(1), Some(EndedBy::FinalWindow))];
    // Started at 1 s; 10 s and a drain of 6 s.
    assert_eq!(beating(&mut life, 2_000..77_000, parts), [], "its last window may come for a minute");
    let effects = beating(&mut life, 77_000..78_000, parts);
    let overdue = Effect::PartEnded(id("a"), Some(Epoch(1)), EndedBy::Overdue);
    assert_eq!(effects, [overdue, Effect::PublishStop, Effect::Finish], "and it receives a stop");
}

#[test]
fn a_driver_that_beats_without_windows_is_overdue_though_nothing_bounds_its_test() {
    let load = plan("mode = 'avalanche'\nconnections = 1\nrequests = 1000000");
    let participants = common::plan::share_out(&load, &[id("a"), id("b")]).unwrap();
    let participant = |(node_id, share)| Participant { node_id, epoch: Some(Epoch(1)), share };
    let participants = participants.into_iter().map(participant).collect();
    let mut life = Lifecycle::resumed(test_id("t"), load, RULES, 1, participants, 1_000_000, at(1_000));
    let silent = PartSeen { window_at: Some(20_000_000), ..part("a", Some(1), None) };
    let parts = |ms: u64| {
        let reports = PartSeen { window_at: Some(ms as i64 * 1_000), ..part("b", Some(1), None) };
        let silent = PartSeen { window_at: Some(20_000_000.min(ms as i64 * 1_000)), ..silent.clone() };
        vec![silent, reports]
    };
    assert_eq!(beating(&mut life, 2_000..90_000, parts), []);
    let overdue = Effect::PartEnded(id("a"), Some(Epoch(1)), EndedBy::Overdue);
    assert_eq!(beating(&mut life, 90_000..91_000, parts), [overdue], "the others go on");
}

#[test]
fn windows_that_an_outage_of_kafka_delayed_may_still_come() {
    let mut life = started();
    let parts = |_| vec![part("a", Some(1), None), part("b", Some(1), Some(EndedBy::FinalWindow))];
    assert_eq!(beating(&mut life, 2_000..60_000, parts), []);
    // No record arrives for ten minutes: that time does not count.
    let out_of_touch = [says("a", DriverState::Running, None), says("b", DriverState::Idle, None)];
    assert_eq!(without_notes(life.step(at(660_000), &out_of_touch, &parts(0))), []);
    assert_eq!(beating(&mut life, 660_200..720_000, parts), [], "the minute starts again");
    assert_eq!(beating(&mut life, 720_000..721_000, parts).len(), 3);
}

#[test]
fn a_driver_started_again_is_lost_in_its_earlier_life() {
    let mut life = started();
    let nodes = [node("a", Some(2)), node("b", Some(1))];
    let effects =
        without_notes(life.step(at(5_000), &nodes, &[part("a", Some(1), None), part("b", Some(1), None)]));
    assert_eq!(effects, [Effect::PartEnded(id("a"), Some(Epoch(1)), EndedBy::Lost)]);
}

#[test]
fn a_stop_is_published_and_waits_for_the_last_windows() {
    let mut life = started();
    let nodes = [node("a", Some(1)), node("b", Some(1))];
    assert_eq!(without_notes(life.stop(StoppedBy::the_user(), at(3_000))), [Effect::PublishStop]);
    assert_eq!(
        without_notes(life.stop(StoppedBy::the_user(), at(3_001))),
        [],
        "repeating it changes nothing"
    );
    let waits = [part("a", Some(1), None), part("b", Some(1), Some(EndedBy::FinalWindow))];
    assert_eq!(without_notes(life.step(at(4_000), &nodes, &waits)), []);
    let effects = without_notes(life.step(at(18_001), &nodes, &waits));
    assert_eq!(effects, [Effect::PartEnded(id("a"), Some(Epoch(1)), EndedBy::Stopped), Effect::Finish]);
}

#[test]
fn classic_drivers_receive_the_config_once_they_listen_and_the_trigger_after_a_gap() {
    let load = plan("mode = 'tsunami'\ndelay = '1s'\nrequests = 3");
    let mut life = Lifecycle::new(test_id("t"), load, RULES, 0);
    let nodes = [node("old", None)];
    life.trigger(&nodes).unwrap();
    assert_eq!(without_notes(life.step(at(4_999), &nodes, &[])), [], "it may not listen yet");
    assert_eq!(without_notes(life.step(at(5_000), &nodes, &[])), [Effect::PublishConfig { revision: 1 }]);
    assert_eq!(without_notes(life.step(at(5_100), &nodes, &[])), []);
    assert_eq!(without_notes(life.step(at(6_900), &nodes, &[])), []);
    let effects = without_notes(life.step(at(7_000), &nodes, &[]));
    assert_eq!(effects[0], Effect::PublishTrigger { start_at_ms: 8_000, revision: 1 });
}

/// A test with one classic driver and one of ours: config at 5 s, trigger at 7 s, common start at 8 s.
pub(super) fn beside_a_classic_one(load: &str) -> Lifecycle {
    let mut life = Lifecycle::new(test_id("t"), plan(load), RULES, 0);
    life.trigger(&[node("a", Some(1)), node("old", None)]).unwrap();
    let ready = [says("a", DriverState::Ready, None), node("old", None)];
    for ms in [5_000, 5_100, 7_000] {
        life.step(at(ms), &ready, &[]);
    }
    assert_eq!(life.started_at(), Some(8_000_000));
    life
}

#[test]
fn a_classic_driver_may_be_done_before_the_common_start() {
    let check = |no_at: u64, reports: u64, ends: bool| {
        let mut life = beside_a_classic_one("mode = 'avalanche'\nconnections = 1\nrequests = 9");
        let said_no_at = Some(Duration::from_millis(no_at));
        let nodes = [says("a", DriverState::Ready, None), NodeFacts { said_no_at, ..node("old", None) }];
        let last_report_at = (reports > 0).then_some(7_100_000);
        let old = PartSeen { reports, last_report_at, ..part("old", None, None) };
        let effects = without_notes(life.step(at(7_600), &nodes, &[part("a", Some(1), None), old]));
        let expected = [Effect::PartEnded(id("old"), None, EndedBy::Word)];
        assert_eq!(effects, expected[..usize::from(ends)], "NO at {no_at} ms, {reports} reports");
    };
    check(7_500, 1, true);
    check(6_000, 1, true); // a driver that starts on the config
    check(4_900, 1, false); // before the config: of an earlier test
    check(6_000, 0, false); // without a report of this test: of an earlier test
}

/// One of ours, and a classic driver that sends heartbeats while idle; `quiet`: it has sent none since its last test.
fn after_a_test(quiet: bool, liveness: Liveness) -> [NodeFacts; 2] {
    let old = NodeFacts { quiet_since_test: quiet, liveness, ..node("old", None) };
    [NodeFacts { known_since: Duration::ZERO, ..node("a", Some(1)) }, old]
}

#[test]
fn a_classic_driver_without_a_heartbeat_since_its_last_test_is_waited_for_and_then_left_out() {
    let load = "mode = 'tsunami'\ndelay = '1s'\nrequests = 3";
    let triggered = |nodes: &[NodeFacts]| {
        let mut life = Lifecycle::new(test_id("t"), plan(load), RULES, 0);
        life.trigger(nodes).unwrap();
        assert_eq!(life.participants().len(), 2, "it still counts as alive");
        assert_eq!(life.step(at(6_000), nodes, &[]), [], "its next heartbeat may come");
        life
    };
    for (quiet, liveness) in [(true, Liveness::Alive), (false, Liveness::Suspect)] {
        let mut life = triggered(&after_a_test(quiet, liveness));
        let effects = life.step(at(8_000), &after_a_test(false, Liveness::Alive), &[]);
        assert_eq!(without_notes(effects), [Effect::PublishConfig { revision: 1 }], "it came");
        assert_eq!(life.participants().len(), 2);

        let mut life = triggered(&after_a_test(quiet, liveness));
        let nodes = after_a_test(quiet, liveness);
        assert_eq!(life.step(at(9_000), &nodes, &[]), [], "three of its intervals");
        let effects = life.step(at(9_001), &nodes, &[]);
        assert_eq!(without_notes(effects), [Effect::Rechosen, Effect::PublishConfig { revision: 1 }]);
        assert_eq!(life.participants().len(), 1);
    }
    let mut life = triggered(&after_a_test(true, Liveness::Alive));
    let effects = without_notes(life.step(at(6_100), &after_a_test(true, Liveness::Stale), &[]));
    assert_eq!(
        effects,
        [Effect::Rechosen, Effect::PublishConfig { revision: 1 }],
        "its process has certainly ended"
    );

    let load = "drivers = ['old']\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\ndelay = '1s'\nrequests = 3";
    let named = fixtures::plan(load);
    let mut life = Lifecycle::new(test_id("t"), named, RULES, 0);
    let nodes = [NodeFacts { quiet_since_test: true, ..node("old", None) }];
    life.trigger(&nodes).unwrap();
    life.step(at(0), &nodes, &[]);
    let effects = without_notes(life.step(at(9_001), &nodes, &[]));
    let Effect::Answer(Err(error)) = &effects[0] else { panic!("{effects:?}") };
    assert_eq!(error.to_string(), "old: is lost");
}

#[test]
fn the_start_warns_of_classic_drivers_that_it_leaves_out() {
    let load = "mode = 'tsunami'\ndelay = '1s'\nrequests = 3";
    let mut life = Lifecycle::new(test_id("t"), plan(load), RULES, 0);
    let deaf = NodeFacts { liveness: Liveness::Deaf, ..node("b", None) };
    let gone = NodeFacts { quiet_since_test: true, ..node("c", None) };
    let nodes = [node("a", Some(1)), deaf, gone];
    life.trigger(&nodes).unwrap();
    life.step(at(6_000), &nodes, &[]);
    let effects = life.step(at(9_001), &nodes, &[]);
    let notes: Vec<&str> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Note { what: "driver_left_out", detail, .. } => Some(detail.as_str()),
            _ => None,
        })
        .collect();
    let expected = [
        "driver b is left out: it showed nothing of its last test (deaf); restart it, so that it registers again",
        "driver c is left out: its heartbeats stopped; look whether its process still runs",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn classic_drivers_that_keep_appearing_do_not_hold_a_test_up_for_ever() {
    let mut life =
        Lifecycle::new(test_id("t"), plan("mode = 'tsunami'\ndelay = '1s'\nrequests = 5"), RULES, 0);
    let newcomer = |ms: u64| NodeFacts { known_since: Duration::from_millis(ms), ..node("old", None) };
    life.trigger(&[newcomer(0)]).unwrap();
    for ms in (0..=15_000).step_by(1_000) {
        assert_eq!(life.step(at(ms), &[newcomer(ms)], &[]), []);
    }
    let effects = without_notes(life.step(at(15_001), &[newcomer(15_000)], &[]));
    assert!(matches!(&effects[..], [Effect::Answer(Err(CommandError::Drivers { .. }))]), "{effects:?}");
    assert!(!life.is_under_way());
}
