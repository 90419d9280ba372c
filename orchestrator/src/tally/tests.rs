//! The promises of the merge: each window once, in whatever order; one histogram of all samples; the
//! equations at every step.

use common::clock::UnixMicros;
use common::counters::{Counters, ErrorKind};
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::Position;
use common::latency::{Latencies, LatencyKind};
use common::plan::{Plan, PlanFormat, Share, read};
use common::wire::{ClassicMetrics, Ending, MachineLoad, Metrics, Topic, Window};
use proptest::prelude::*;

use super::{Arrived, Closing, EndedBy, Tally};
use crate::messages::StoredParticipant;
use crate::model::Totals;

/// When the tests here start: 2026-11-23T23:40:00Z.
const START: UnixMicros = 1_795_477_200_000_000;

fn plan() -> Plan {
    let text = "name = \"p\"\n[target]\nurl = \"http://127.0.0.1:8081/ping\"\n[load]\nmode = \"tsunami\"\n\
                rate = 1000\nmax_in_flight = 64\nduration = \"30s\"\n";
    read(text, PlanFormat::Toml).unwrap()
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn participant(name: &str, epoch: Option<u64>, index: u32, of: u32) -> StoredParticipant {
    let share = Share {
        index,
        of,
        rate_per_s: Some(1_000.0),
        target_throughput: None,
        requests: None,
        connections: None,
        max_in_flight: Some(64),
    };
    StoredParticipant { node_id: node(name), epoch: epoch.map(Epoch), share }
}

fn tally(participants: &[StoredParticipant]) -> Tally {
    let mut tally = Tally::new(TestId::new("t1").unwrap(), plan(), participants);
    tally.started(START);
    tally
}

fn at(partition: i32, offset: i64) -> Position {
    Position { topic: Topic::Metrics, partition, offset }
}

/// One window's own requests: (completed, failed, dropped, left open) and its latencies in µs.
#[derive(Debug, Clone, Default)]
struct Own {
    completed: u64,
    failed: u64,
    dropped: u64,
    opened: u64,
    latencies_us: Vec<u64>,
}

/// A driver's whole test: cumulative windows, the last of them final, with nothing in flight.
fn windows(name: &str, epoch: u64, owns: &[Own]) -> Vec<Metrics> {
    let mut counters = Counters::default();
    let mut all = Vec::new();
    for (seq, own) in owns.iter().enumerate() {
        let last = seq + 1 == owns.len();
        let closing = if last { counters.in_flight() } else { 0 };
        let opened = if last { 0 } else { own.opened };
        counters.scheduled += own.completed + own.failed + own.dropped + opened;
        counters.sent += own.completed + own.failed + opened;
        counters.completed += own.completed + closing;
        counters.completed_in_schedule += own.completed;
        counters.failed += own.failed;
        counters.dropped_in_flight += own.dropped;
        *counters.errors.entry(ErrorKind::Reset).or_default() += own.failed;
        let mut latencies = Latencies::new();
        let n = usize::try_from(own.completed + own.failed + closing).unwrap();
        for us in own.latencies_us.iter().cycle().take(if own.latencies_us.is_empty() { 0 } else { n }) {
            latencies.of_mut(LatencyKind::Response).record_us(*us);
        }
        let from_us = START + seq as i64 * 1_000_000;
        let window = Window {
            epoch: Epoch(epoch),
            seq: seq as u64,
            from_us,
            to_us: from_us + 1_000_000,
            counters: counters.clone(),
            latencies,
            busy: 0.25,
            machine: MachineLoad::default(),
            is_final: last,
            ending: last.then(|| Ending {
                schedule_from_us: START,
                schedule_to_us: START + owns.len() as i64 * 1_000_000,
                engine: "wire".to_owned(),
                workers: 1,
                precision: None,
                connections_opened: 3,
                handshakes: 0,
                cut_short: None,
            }),
        };
        all.push(Metrics {
            node_id: node(name),
            test_id: Some(TestId::new("t1").unwrap()),
            report_id: None,
            classic: ClassicMetrics::default(),
            ours: Some(Box::new(window)),
        });
    }
    all
}

fn classic(name: &str, requests: Option<u64>, responses: Option<u64>, complete: bool) -> Metrics {
    Metrics {
        node_id: node(name),
        test_id: None,
        report_id: None,
        classic: ClassicMetrics {
            mean_ms: Some(1.5),
            num_requests: requests,
            num_responses: responses,
            complete,
            ..ClassicMetrics::default()
        },
        ours: None,
    }
}

fn window_of(metrics: &Metrics) -> &Window {
    metrics.ours.as_ref().unwrap()
}

#[track_caller]
fn equations(tally: &Tally, now: UnixMicros) {
    let sums = |totals: &Totals, who: &str| {
        let n = |value: Option<u64>| value.unwrap_or(0);
        assert_eq!(
            n(totals.scheduled),
            n(totals.sent) + n(totals.dropped),
            "{who}: scheduled = sent + dropped"
        );
        let parts = n(totals.completed) + n(totals.failed) + n(totals.in_flight) + totals.unresolved;
        assert_eq!(n(totals.sent), parts, "{who}: sent = completed + failed + in flight + unresolved");
        assert_eq!(n(totals.dropped), totals.dropped_by.in_flight + totals.dropped_by.late, "{who}");
    };
    let fleet = tally.totals();
    sums(&fleet, "fleet");
    let drivers = tally.drivers(now);
    drivers.iter().filter(|driver| driver.totals.unknown_from.is_empty()).for_each(|driver| {
        sums(&driver.totals, &driver.node_id);
    });
    let sent: u64 = drivers.iter().filter_map(|driver| driver.totals.sent).sum();
    assert_eq!(fleet.sent.unwrap_or(0), sent, "the drivers' numbers sum to the fleet's");
}

fn owns() -> impl Strategy<Value = Vec<Own>> {
    let own = (0..20_u64, 0..5_u64, 0..5_u64, 0..4_u64, prop::collection::vec(1..5_000_000_u64, 1..6));
    let own = own.prop_map(|(completed, failed, dropped, opened, latencies_us)| Own {
        completed,
        failed,
        dropped,
        opened,
        latencies_us,
    });
    prop::collection::vec(own, 1..8)
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_of_windows_gives_the_same(
        a in owns(),
        b in owns(),
        shuffle in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..40),
    ) {
        let participants = [participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)];
        let records: Vec<Metrics> = [windows("a", 7, &a), windows("b", 9, &b)].concat();
        let mut one = Latencies::new();
        records.iter().for_each(|record| one.merge(&window_of(record).latencies));

        let mut in_order = tally(&participants);
        for (offset, record) in (0..).zip(&records) {
            prop_assert_eq!(in_order.arrived(record, at(0, offset), START), Arrived::New);
            equations(&in_order, START);
        }

        let mut order: Vec<usize> = (0..records.len()).collect();
        for (index, _) in &shuffle {
            let place = index.index(order.len());
            let last = order.len() - 1;
            order.swap(place, last);
        }
        let mut shuffled = tally(&participants);
        for (step, index) in order.iter().enumerate() {
            let position = at(0, *index as i64);
            prop_assert_eq!(shuffled.arrived(&records[*index], position, START), Arrived::New);
            if let Some((again, same_offset)) = shuffle.get(step) {
                // Redelivered by Kafka (same offset), or sent twice by the driver (another offset).
                let again = order[again.index(step + 1)];
                let position = if *same_offset { at(0, again as i64) } else { at(1, step as i64) };
                prop_assert_eq!(shuffled.arrived(&records[again], position, START), Arrived::Duplicate);
            }
            equations(&shuffled, START);
        }

        prop_assert_eq!(shuffled.totals(), in_order.totals());
        prop_assert_eq!(shuffled.drivers(START), in_order.drivers(START));
        prop_assert_eq!(shuffled.completeness(), in_order.completeness());
        prop_assert!(shuffled.completeness().missing.is_empty() && shuffled.all_ended());

        let dropped = in_order.totals().dropped.unwrap();
        let response = in_order.totals().latency_ms.response;
        prop_assert_eq!(response, one.of(LatencyKind::Response).stats(dropped), "one histogram of all samples");
        let buckets = in_order.fleet.of(LatencyKind::Response).buckets();
        prop_assert!(buckets.eq(one.of(LatencyKind::Response).buckets()), "bit for bit");
    }

    #[test]
    fn the_equations_hold_between_heartbeats_and_windows_of_any_age(
        a in owns(),
        beats in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..20),
        lost in any::<bool>(),
    ) {
        let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
        let records = windows("a", 7, &a);
        let mut sent = 0;
        for (offset, (index, as_window)) in (0..).zip(&beats) {
            let record = &records[index.index(records.len())];
            if *as_window {
                tally.arrived(record, at(0, offset), START + offset);
            } else {
                tally.beat(&node("a"), Epoch(7), &window_of(record).counters, Some(0.5), START + offset);
            }
            equations(&tally, START);
            let now = tally.totals().sent.unwrap();
            prop_assert!(now >= sent, "totals never go back: {} after {}", now, sent);
            sent = now;
        }
        if lost {
            tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
        } else {
            tally.finish();
        }
        equations(&tally, START);
        let totals = tally.totals();
        prop_assert!(lost || totals.in_flight == Some(0));
    }

    #[test]
    fn a_test_counted_again_with_what_came_late_is_as_if_it_had_come_in_time(
        a in owns(),
        b in owns(),
        late in prop::collection::vec(any::<bool>(), 16),
        ends in prop::sample::select(&[None, Some(EndedBy::Lost), Some(EndedBy::Overdue), Some(EndedBy::Stopped)][..]),
        beats_on in any::<bool>(),
    ) {
        let participants = [participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)];
        let records: Vec<Metrics> = [windows("a", 7, &a), windows("b", 9, &b)].concat();
        let (mut live, mut in_time) = (tally(&participants), tally(&participants));
        for (offset, (record, late)) in (0..).zip(records.iter().zip(late.iter().cycle())) {
            in_time.arrived(record, at(0, offset), START);
            if !late {
                live.arrived(record, at(0, offset), START);
            }
        }
        if beats_on {
            // Heartbeats told more than the windows that arrived.
            for tally in [&mut live, &mut in_time] {
                tally.beat(&node("a"), Epoch(7), &window_of(&records[a.len() - 1]).counters, Some(0.5), START);
            }
        }
        for (node_id, epoch) in [("a", 7), ("b", 9)] {
            if let Some(by) = ends {
                live.ended(&node(node_id), Some(Epoch(epoch)), by);
                in_time.ended(&node(node_id), Some(Epoch(epoch)), by);
            }
        }
        let closing = live.closing(Some("someone"));
        live.finish();
        let kept = serde_json::to_string(&closing).unwrap();
        let closing: Closing = serde_json::from_str(&kept).unwrap();
        in_time.finish();

        // From the store the records come in the order of arrival: the late ones last.
        let mut again = tally(&participants);
        let order = records.iter().zip(late.iter().cycle()).filter(|(_, late)| !**late);
        let order = order.chain(records.iter().zip(late.iter().cycle()).filter(|(_, late)| **late));
        for (offset, (record, _)) in (0..).zip(order) {
            again.arrived(record, at(0, offset), START);
        }
        again.close(&closing);
        prop_assert_eq!(again.totals(), in_time.totals());
        prop_assert_eq!(again.drivers(START), in_time.drivers(START));
        prop_assert_eq!(again.completeness(), in_time.completeness());
        prop_assert_eq!(again.facts(None).drivers.len(), 2);
        equations(&again, START);
    }

    #[test]
    fn seconds_sum_to_the_totals(a in owns(), b in owns()) {
        let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
        for (offset, record) in (0..).zip(&[windows("a", 7, &a), windows("b", 9, &b)].concat()) {
            tally.arrived(record, at(0, offset), START);
        }
        let seconds = tally.take_windows();
        let totals = tally.totals();
        for fleet in [true, false] {
            let of = seconds.iter().filter(|second| second.node_id.is_none() == fleet);
            prop_assert_eq!(Some(of.clone().map(|second| second.sent).sum()), totals.sent);
            prop_assert_eq!(Some(of.map(|second| second.completed).sum()), totals.completed);
        }
        let seqs: Vec<u64> =
            seconds.iter().filter(|second| second.node_id.is_none()).map(|second| second.seq).collect();
        prop_assert_eq!(seqs, (0..a.len().max(b.len()) as u64).collect::<Vec<_>>());
    }
}

/// Ten completed requests a second, each 1 ms.
fn steady(n: usize) -> Vec<Own> {
    vec![Own { completed: 10, latencies_us: vec![1_000], ..Own::default() }; n]
}

#[test]
fn a_second_of_the_fleet_waits_for_every_driver_that_lives() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
    let (a, b) = (windows("a", 7, &steady(3)), windows("b", 9, &steady(3)));
    let fleet = |tally: &mut Tally| -> Vec<(u64, u64)> {
        let seconds = tally.take_windows();
        seconds.iter().filter(|second| second.node_id.is_none()).map(|one| (one.seq, one.sent)).collect()
    };
    tally.arrived(&a[0], at(0, 0), START);
    assert_eq!(fleet(&mut tally), [], "b has not told its first second");
    tally.arrived(&b[0], at(0, 1), START);
    assert_eq!(fleet(&mut tally), [(0, 20)]);
    tally.arrived(&a[1], at(0, 2), START);
    tally.ended(&node("b"), Some(Epoch(9)), EndedBy::Lost);
    assert_eq!(fleet(&mut tally), [(1, 10)], "a lost driver is not waited for");
    tally.arrived(&a[2], at(0, 3), START);
    assert_eq!(fleet(&mut tally), [(2, 10)]);
}

#[test]
fn a_window_that_is_missing_is_named_and_the_next_second_spans_the_gap() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let a = windows("a", 7, &steady(5));
    for (offset, seq) in [(0, 0), (1, 1), (2, 3), (3, 4)] {
        tally.arrived(&a[seq], at(0, offset), START);
    }
    let completeness = tally.completeness();
    assert_eq!((completeness.windows_expected, completeness.windows_received), (5, 4));
    let missing = &completeness.missing[0];
    assert_eq!((missing.from_seq, missing.to_seq), (2, 2));
    assert_eq!(
        (&*missing.from, &*missing.to),
        ("2026-11-23T23:40:02.000000Z", "2026-11-23T23:40:03.000000Z")
    );
    let totals = tally.totals();
    assert_eq!(totals.sent, Some(50), "counters are cumulative: nothing is lost of them");
    assert_eq!(totals.latency_ms.coverage, Some(0.8), "the samples of one second in five are");
    assert_eq!(tally.take_windows().len(), 4, "seconds 0 and 1, of a and of the fleet");
    tally.finish();
    let seconds = tally.take_windows();
    let of_a: Vec<_> = seconds.iter().filter(|second| second.node_id.is_some()).collect();
    assert_eq!((of_a[0].seq, of_a[0].sent, &*of_a[0].from), (3, 20, "2026-11-23T23:40:02.000000Z"));
    assert_eq!((of_a[1].seq, of_a[1].sent), (4, 10));
    assert_eq!(tally.arrived(&a[2], at(0, 9), START), Arrived::New, "it revises the report");
    assert_eq!(tally.totals().latency_ms.coverage, Some(1.0));
    assert!(tally.completeness().missing.is_empty());
}

#[test]
fn a_driver_that_starts_anew_is_two_parts_and_the_first_is_incomplete() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    tally.arrived(&windows("a", 7, &steady(5))[1], at(0, 0), START);
    tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
    for (offset, record) in (1..).zip(&windows("a", 8, &steady(3))) {
        assert_eq!(tally.arrived(record, at(0, offset), START), Arrived::New);
    }
    equations(&tally, START);
    let drivers = tally.drivers(START);
    assert_eq!((drivers[0].epoch, drivers[0].totals.sent, &*drivers[0].state), (Some(7), Some(20), "lost"));
    assert_eq!((drivers[1].epoch, drivers[1].totals.sent, &*drivers[1].state), (Some(8), Some(30), "done"));
    assert_eq!(tally.totals().sent, Some(50));
    let completeness = tally.completeness();
    let missing: Vec<_> = completeness.missing.iter().map(|run| (run.from_seq, run.to_seq)).collect();
    assert_eq!(missing, [(0, 0), (2, 2)], "of the first life: its first, and at least its final one");
}

#[test]
fn what_a_lost_driver_had_in_flight_is_unresolved_until_it_is_back() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let counters =
        Counters { scheduled: 12, sent: 10, completed: 6, failed: 1, dropped_late: 2, ..Counters::default() };
    tally.beat(&node("a"), Epoch(7), &counters, Some(0.4), START);
    let live = tally.totals();
    assert_eq!((live.in_flight, live.unresolved), (Some(3), 0));
    tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
    let lost = tally.totals();
    assert_eq!((lost.in_flight, lost.unresolved, lost.latency_ms.coverage), (Some(0), 3, Some(0.0)));
    tally.back(&node("a"), Some(Epoch(7)));
    assert_eq!(tally.totals().unresolved, 0);
    assert!(!tally.all_ended());
    let end = windows("a", 7, &steady(1));
    tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
    tally.arrived(&end[0], at(0, 0), START);
    assert_eq!(tally.ended_by(&node("a"), Some(Epoch(7))), Some(EndedBy::FinalWindow), "its own word wins");
    assert_eq!(tally.totals().sent, Some(10), "of the final window, though a heartbeat was further");
}

#[test]
fn a_driver_that_never_said_a_word_is_unknown_not_zero() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
    for (offset, record) in (0..).zip(&windows("a", 7, &steady(4))) {
        tally.arrived(record, at(0, offset), START);
    }
    assert_eq!(tally.totals().unknown_from, Vec::<String>::new(), "while it may still speak");
    tally.finish();
    let totals = tally.totals();
    assert_eq!(
        (totals.sent, totals.unknown_from, totals.latency_ms.coverage),
        (Some(40), vec!["b".into()], None)
    );
    assert_eq!(tally.drivers(START)[1].totals.sent, None);
    assert_eq!(tally.completeness().windows_expected, 8, "as long as the others went on");
}

#[test]
fn throughput_is_of_the_schedule_from_the_first_start_to_the_last_end() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
    let a = windows("a", 7, &steady(2));
    tally.arrived(&a[0], at(0, 0), START + 1_050_000);
    assert_eq!(
        tally.drivers(START)[0].totals.throughput_per_s,
        Some(10.0 / 1.05),
        "live: up to its last word"
    );
    let later: Vec<Metrics> = [windows("a", 7, &steady(2)), windows("b", 9, &steady(4))].concat();
    for (offset, record) in (1..).zip(&later) {
        tally.arrived(record, at(0, offset), START);
    }
    assert_eq!(tally.totals().throughput_per_s, Some(60.0 / 4.0));
    assert_eq!(tally.drivers(START)[0].totals.throughput_per_s, Some(10.0));
    assert_eq!(tally.drivers(START + 9_000_000)[0].age_ms, Some(0), "a final word does not age");
}

#[test]
fn warm_up_is_left_out_of_percentiles_ratios_and_coverage() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let mut record = windows("a", 7, &steady(1)).remove(0);
    let window = record.ours.as_mut().unwrap();
    let counters = &mut window.counters;
    counters.scheduled += 9;
    counters.sent += 5;
    counters.completed += 5;
    counters.dropped_in_flight += 4;
    counters.warmup.scheduled = 9;
    counters.warmup.sent = 5;
    counters.warmup.completed = 5;
    counters.warmup.dropped_in_flight = 4;
    (0..5).for_each(|_| window.latencies.of_mut(LatencyKind::WarmupResponse).record_us(9_000_000));
    tally.arrived(&record, at(0, 0), START);
    let totals = tally.totals();
    assert_eq!((totals.scheduled, totals.warmup.scheduled), (Some(19), 9), "totals include it");
    assert_eq!((totals.latency_ms.coverage, totals.latency_ms.response.count), (Some(1.0), 10));
    assert_eq!(totals.latency_ms.response.max, Some(1.0));
    assert!(totals.latency_ms.response.lower_bounds.is_empty(), "its drops make no bound");
    assert_eq!(tally.facts(None).fleet.dropped_ratio(), Some(0.0));
}

#[test]
fn classic_reports_are_told_apart_by_position_and_shown_as_sent() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("c", None, 1, 2)]);
    for (offset, record) in (0..).zip(&windows("a", 7, &steady(3))) {
        tally.arrived(record, at(0, offset), START);
    }
    let report = classic("c", Some(10), Some(8), false);
    assert_eq!(tally.arrived(&report, at(0, 3), START), Arrived::New);
    assert_eq!(tally.arrived(&report, at(0, 3), START), Arrived::Duplicate);
    assert_eq!(tally.arrived(&classic("c", Some(20), Some(20), true), at(0, 4), START), Arrived::New);
    equations(&tally, START);
    let row = &tally.drivers(START)[1];
    assert!(row.approximate && row.epoch.is_none());
    assert_eq!((row.totals.latency_ms.response.mean, row.totals.latency_ms.response.p99), (Some(1.5), None));
    assert_eq!(row.ended_by.as_deref(), Some("status"));
    let totals = tally.totals();
    assert_eq!((totals.sent, totals.latency_ms.coverage), (Some(50), Some(0.6)));
    assert_eq!(totals.latency_ms.response.count, 30, "fleet percentiles leave it out");
    assert!(tally.all_ended());
}

#[test]
fn a_classic_driver_that_does_not_count_is_null_not_zero() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("c", None, 1, 2)]);
    tally.arrived(&classic("c", None, None, false), at(0, 3), START);
    let totals = tally.totals();
    assert_eq!(
        (totals.unknown_from, totals.latency_ms.coverage, totals.sent),
        (vec!["c".into()], None, Some(0))
    );
    let row = &tally.drivers(START)[1].totals;
    assert_eq!((row.sent, row.scheduled, row.dropped, row.in_flight), (None, None, None, None));
    equations(&tally, START);
}

#[test]
fn strangers_and_figures_that_cannot_be_are_not_counted() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let stranger = windows("z", 7, &steady(1));
    assert_eq!(tally.arrived(&stranger[0], at(0, 0), START), Arrived::Foreign);
    assert_eq!(tally.facts(None).foreign, ["z"]);
    let mut other_test = windows("a", 7, &steady(1)).remove(0);
    other_test.test_id = Some(TestId::new("t2").unwrap());
    assert_eq!(tally.arrived(&other_test, at(0, 1), START), Arrived::Foreign);
    let mut absurd = windows("a", 7, &steady(1)).remove(0);
    absurd.ours.as_mut().unwrap().counters.sent = u64::MAX;
    assert_eq!(tally.arrived(&absurd, at(0, 2), START), Arrived::Foreign);
    let mut far = windows("a", 7, &steady(1)).remove(0);
    far.ours.as_mut().unwrap().seq = u64::MAX;
    assert_eq!(tally.arrived(&far, at(0, 3), START), Arrived::Foreign);
    assert_eq!(tally.totals().sent, Some(0));
    for life in 8..40 {
        let record = windows("a", life, &steady(1)).remove(0);
        tally.arrived(&record, at(0, life as i64), START);
    }
    assert_eq!(tally.drivers(START).len(), super::MAX_LIVES, "lives are bounded");
}

#[test]
fn a_test_that_never_started_expects_nothing() {
    let tally = Tally::new(TestId::new("t1").unwrap(), plan(), &[participant("a", Some(7), 0, 1)]);
    assert_eq!(tally.completeness().windows_expected, 0);
    assert_eq!(tally.totals().sent, Some(0));
    assert_eq!(Tally::new(TestId::new("t1").unwrap(), plan(), &[]).totals().failed, Some(0));
}
