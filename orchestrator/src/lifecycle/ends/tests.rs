//! The ends of classic drivers' parts in tables. `old` is a classic driver beside `a`, one of ours; the common start is
//! at 8 s.

use super::super::Effect;
use super::super::tests::{at, beside_a_classic_one, id, node, part, says, without_notes};
use crate::participant::{EndedBy, PartSeen};
use crate::registry::{Liveness, NodeFacts};
use common::wire::DriverState;

const TSUNAMI: &str = "mode = 'tsunami'\ndelay = '2s'\nrequests = 6";
const AVALANCHE: &str = "mode = 'avalanche'\nconnections = 1\nrequests = 6";

/// What is known of `old` at a look.
#[derive(Clone)]
struct Old {
    reports: u64,
    sent: Option<u64>,
    /// ms of its last report, and of the last one that raised its count.
    last_report_ms: u64,
    rose_ms: u64,
    interval_ms: u64,
    mean_ms: u64,
    liveness: Liveness,
    beat_in_test: bool,
    beats_idle: bool,
}

/// Alive, with heartbeats, and no report yet.
const BEATS: Old = Old {
    reports: 0,
    sent: None,
    last_report_ms: 0,
    rose_ms: 0,
    interval_ms: 0,
    mean_ms: 0,
    liveness: Liveness::Alive,
    beat_in_test: true,
    beats_idle: true,
};

fn us(ms: u64) -> i64 {
    i64::try_from(ms).unwrap() * 1_000
}

impl Old {
    fn reported(reports: u64, sent: Option<u64>, at_ms: u64) -> Self {
        Self { reports, sent, last_report_ms: at_ms, rose_ms: at_ms, interval_ms: 2_000, ..BEATS }
    }

    fn facts(&self) -> NodeFacts {
        NodeFacts {
            liveness: self.liveness,
            beat_in_test: self.beat_in_test,
            beats_idle: self.beats_idle,
            ..node("old", None)
        }
    }

    fn seen(&self) -> PartSeen {
        PartSeen {
            reports: self.reports,
            sent: self.sent,
            last_report_at: (self.reports > 0).then(|| us(self.last_report_ms)),
            rose_at: self.sent.map(|_| us(self.rose_ms)),
            report_interval: (self.reports > 1).then(|| std::time::Duration::from_millis(self.interval_ms)),
            mean_latency: Some(std::time::Duration::from_millis(self.mean_ms)),
            ..part("old", None, None)
        }
    }
}

/// Steps once at `ours_done_ms`, where ours is done by then, and again at `at_ms`. Checks how `old` has ended.
#[track_caller]
fn check(
    what: &str,
    load: &str,
    ours_done_ms: Option<u64>,
    at_ms: u64,
    old: &Old,
    expected: Option<EndedBy>,
) {
    let mut life = beside_a_classic_one(load);
    let nodes = [says("a", DriverState::Idle, None), old.facts()];
    if let Some(done_ms) = ours_done_ms {
        let ours = part("a", Some(1), Some(EndedBy::FinalWindow));
        life.step(at(done_ms), &[says("a", DriverState::Idle, None), BEATS.facts()], &[ours, BEATS.seen()]);
    }
    let ours = part("a", Some(1), ours_done_ms.map(|_| EndedBy::FinalWindow));
    let effects = without_notes(life.step(at(at_ms), &nodes, &[ours, old.seen()]));
    let ended = effects.iter().find_map(|effect| match effect {
        Effect::PartEnded(node, None, by) if *node == id("old") => Some(*by),
        _ => None,
    });
    assert_eq!(ended, expected, "{what}: {effects:?}");
}

#[test]
fn one_that_has_sent_no_report_is_waited_for_while_it_sends_heartbeats() {
    let silent = Old { beat_in_test: false, ..BEATS };
    let gone = Old { liveness: Liveness::Lost, ..BEATS };
    let deaf = Some(EndedBy::Deaf);
    // 6 requests, 2 s apart: over after 12 s, 15 s of patience behind them.
    check("no heartbeat: 15 s", TSUNAMI, Some(20_000), 23_000, &silent, None);
    check("no heartbeat: after it", TSUNAMI, Some(20_000), 23_001, &silent, deaf);
    check("heartbeats: until its schedule must be over", TSUNAMI, Some(20_000), 35_000, &BEATS, None);
    check("heartbeats: after it", TSUNAMI, Some(20_000), 35_001, &BEATS, deaf);
    check("its heartbeats stopped", TSUNAMI, Some(20_000), 23_001, &gone, Some(EndedBy::Lost));
    check("a closed loop: while ours go on", AVALANCHE, None, 600_000, &BEATS, None);
    check("60 s after ours", AVALANCHE, Some(10_000), 70_000, &BEATS, None);
    check("more than 60 s after ours", AVALANCHE, Some(10_000), 70_001, &BEATS, deaf);
}

#[test]
fn one_without_a_report_is_shown_as_silent_once() {
    let mut life = beside_a_classic_one(TSUNAMI);
    let nodes = [says("a", DriverState::Running, None), BEATS.facts()];
    let ours = part("a", Some(1), None);
    assert_eq!(life.step(at(23_000), &nodes, &[ours.clone(), BEATS.seen()]), []);
    let effects = life.step(at(23_001), &nodes, &[ours.clone(), BEATS.seen()]);
    let detail = "old: reports at its end, or did not start".to_owned();
    let note = Effect::Note { what: "driver_silent", driver: Some(id("old")), detail };
    assert_eq!(effects, [note, Effect::Silent(id("old"))]);
    let noted = PartSeen { silent: true, ..BEATS.seen() };
    assert_eq!(life.step(at(24_000), &nodes, &[ours, noted]), []);
}

#[test]
fn a_count_ends_a_part_once_it_stands() {
    let count = Some(EndedBy::Count);
    let total = |sent, at_ms| Old::reported(sent, Some(sent), at_ms);
    check("5 of 6", TSUNAMI, None, 25_000, &total(5, 18_000), None);
    check("6 of 6, just now", TSUNAMI, None, 25_000, &total(6, 20_000), None);
    check("three of its intervals ago", TSUNAMI, None, 26_000, &total(6, 20_000), count);
    let quick = Old { interval_ms: 10, ..total(6, 20_000) };
    check("quick reports: 2 s", TSUNAMI, None, 22_000, &quick, count);
    check("quick reports: before", TSUNAMI, None, 21_999, &quick, None);
    let repeats = Old { reports: 400, last_report_ms: 26_000, ..total(6, 20_000) };
    check("it repeats its last total", TSUNAMI, None, 26_000, &repeats, count);

    let each = |reports, at_ms| Old::reported(reports, None, at_ms);
    check("the sixth report", TSUNAMI, None, 25_900, &each(6, 20_000), None);
    check("and no other", TSUNAMI, None, 26_000, &each(6, 20_000), count);
    let early = Old { interval_ms: 100, ..each(6, 9_000) };
    check("six reports before the schedule can be over", TSUNAMI, None, 12_000, &early, None);
    let often = Old { interval_ms: 100, ..each(31, 26_000) };
    check("more reports than requests come at an interval", TSUNAMI, None, 40_000, &often, None);
    check("and end by silence", TSUNAMI, None, 41_001, &often, Some(EndedBy::Silence));
}

#[test]
fn one_whose_heartbeats_stop_is_lost_unless_it_may_be_at_its_end() {
    let with = |old: Old, liveness, beats_idle| Old { liveness, beats_idle, ..old };
    let (lost, silence) = (Some(EndedBy::Lost), Some(EndedBy::Silence));
    let reported = |reports, sent| Old::reported(reports, sent, 14_000);
    let at_end = Old::reported(1, None, 20_000);
    use Liveness::{Alive, Lost, Suspect};
    check("3 of 6, gone", TSUNAMI, None, 29_001, &with(reported(3, Some(3)), Lost, true), lost);
    check("no counts, 3 reports, gone", TSUNAMI, None, 29_001, &with(reported(3, None), Lost, true), lost);
    check(
        "and with heartbeats in tests alone",
        TSUNAMI,
        None,
        29_001,
        &with(reported(3, None), Lost, false),
        lost,
    );
    check("not before 15 s", TSUNAMI, None, 29_000, &with(reported(3, None), Lost, true), None);
    check(
        "overdue heartbeats: not yet",
        TSUNAMI,
        None,
        36_000,
        &with(reported(3, None), Suspect, true),
        None,
    );
    let gone = with(at_end.clone(), Lost, false);
    check("one report at its end, heartbeats in tests alone", TSUNAMI, None, 35_001, &gone, silence);
    check("the same, with heartbeats while idle", TSUNAMI, None, 35_001, &with(at_end, Lost, true), lost);
    let no_beats = Old { beat_in_test: false, ..with(reported(3, None), Lost, true) };
    check("it never sent a heartbeat", TSUNAMI, None, 29_001, &no_beats, silence);
    let stalls = with(reported(3, None), Alive, true);
    check("it sends heartbeats: until its schedule must be over", TSUNAMI, None, 35_000, &stalls, None);
    check("and then it fell silent", TSUNAMI, None, 35_001, &stalls, silence);
    let stalls = with(reported(3, Some(3)), Alive, true);
    check("a closed loop whose target stalls", AVALANCHE, Some(13_000), 73_000, &stalls, None);
}

#[test]
fn one_that_goes_on_receives_a_stop_once_ours_are_done_where_no_other_listens() {
    #[track_caller]
    fn runs(
        what: &str,
        load: &str,
        ours_done: bool,
        other: Option<NodeFacts>,
        old: &Old,
        expected: &[Effect],
    ) {
        let mut life = beside_a_classic_one(load);
        let ours = part("a", Some(1), ours_done.then_some(EndedBy::FinalWindow));
        let nodes: Vec<_> =
            [says("a", DriverState::Idle, None), old.facts()].into_iter().chain(other).collect();
        let effects = without_notes(life.step(at(old.last_report_ms + 300), &nodes, &[ours, old.seen()]));
        assert_eq!(effects, expected, "{what}");
    }
    let runs_on = [Effect::PartEnded(id("old"), None, EndedBy::RunsOn), Effect::Finish];
    let stop = [Effect::PublishStop];
    let nine = Old::reported(9, Some(9), 16_000);
    runs("9 of 6, while ours send", AVALANCHE, false, None, &nine, &[]);
    runs("9 of 6", AVALANCHE, true, None, &nine, &stop);
    runs("beside another one", AVALANCHE, true, Some(node("other", None)), &nine, &runs_on);
    let quiet = NodeFacts { liveness: Liveness::Stale, beats_idle: false, ..node("other", None) };
    runs("beside one that may listen", AVALANCHE, true, Some(quiet), &nine, &runs_on);
    let gone = NodeFacts { liveness: Liveness::Stale, ..node("other", None) };
    runs("beside one that is gone", AVALANCHE, true, Some(gone), &nine, &stop);
    // Without a total: at twice the time that the load takes, which is 24 s.
    runs("reports after 24 s", TSUNAMI, true, None, &Old::reported(9, None, 32_100), &stop);
    runs("reports before", TSUNAMI, true, None, &Old::reported(9, None, 31_000), &[]);
    // Each answer takes a second: 36 s.
    let slow = |at_ms| Old { mean_ms: 1_000, ..Old::reported(9, None, at_ms) };
    runs("of a slow target, before 36 s", TSUNAMI, true, None, &slow(43_000), &[]);
    runs("of a slow target, after 36 s", TSUNAMI, true, None, &slow(44_100), &stop);
}

#[test]
fn one_that_does_not_heed_the_stop_ends_the_test_as_running_on() {
    let mut life = beside_a_classic_one(AVALANCHE);
    let ours = part("a", Some(1), Some(EndedBy::FinalWindow));
    let step = |life: &mut super::super::Lifecycle, ms: u64| {
        let old = Old::reported(ms, Some(ms), ms - 100);
        let nodes = [says("a", DriverState::Idle, None), old.facts()];
        without_notes(life.step(at(ms), &nodes, &[ours.clone(), old.seen()]))
    };
    assert_eq!(step(&mut life, 20_000), [Effect::PublishStop]);
    assert_eq!(step(&mut life, 35_000), [], "it has 15 s, and no second stop goes out");
    let ends = [Effect::PartEnded(id("old"), None, EndedBy::RunsOn), Effect::Finish];
    assert_eq!(step(&mut life, 35_001), ends);
    assert!(!life.is_under_way());
}
