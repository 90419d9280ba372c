//! Drivers that are lost, late, silent, restarted or foreign.

use common::figures::Figures;

use super::*;

#[test]
fn a_second_of_the_fleet_waits_for_every_driver_that_lives() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
    let (a, b) = (windows("a", 7, &steady(3)), windows("b", 9, &steady(3)));
    let fleet = |tally: &mut Tally| -> Vec<(u64, u64)> {
        let seconds = tally.take_windows();
        seconds.iter().filter(|second| second.node_id.is_none()).map(|one| (one.seq, one.sent)).collect()
    };
    tally.arrived(&a[0], at(0, 0), START);
    assert_eq!(fleet(&mut tally), [], "b has not sent its first second");
    tally.arrived(&b[0], at(0, 1), START);
    assert_eq!(fleet(&mut tally), [(0, 20)]);
    tally.arrived(&a[1], at(0, 2), START);
    tally.ended(&node("b"), Some(Epoch(9)), EndedBy::Lost);
    assert_eq!(fleet(&mut tally), [(1, 10)], "the fleet does not wait for a lost driver");
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
    assert_eq!((live.in_flight, live.unresolved), (Some(3), Some(0)));
    tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
    let lost = tally.totals();
    assert_eq!((lost.in_flight, lost.unresolved, lost.latency_ms.coverage), (Some(0), Some(3), Some(0.0)));
    tally.back(&node("a"), Some(Epoch(7)));
    assert_eq!(tally.totals().unresolved, Some(0));
    assert!(!tally.all_ended());
    let end = windows("a", 7, &steady(1));
    tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
    tally.arrived(&end[0], at(0, 0), START);
    assert_eq!(
        tally.ended_by(&node("a"), Some(Epoch(7))),
        Some(EndedBy::FinalWindow),
        "its own end replaces the concluded one"
    );
    assert_eq!(tally.totals().sent, Some(10), "of the final window, though a heartbeat was further");
}

#[test]
fn a_driver_that_never_reported_is_unknown_not_zero() {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
    for (offset, record) in (0..).zip(&windows("a", 7, &steady(4))) {
        tally.arrived(record, at(0, offset), START);
    }
    assert_eq!(tally.totals().unknown_from, Vec::<String>::new(), "while it may still report");
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
fn warm_up_is_left_out_of_percentiles_ratios_and_coverage() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let mut record = windows("a", 7, &steady(1)).remove(0);
    let window = record.ours.as_mut().unwrap();
    let Figures { counters, latencies } = &mut window.figures.all;
    counters.scheduled += 9;
    counters.sent += 5;
    counters.completed += 5;
    counters.dropped_in_flight += 4;
    counters.warmup.scheduled = 9;
    counters.warmup.sent = 5;
    counters.warmup.completed = 5;
    counters.warmup.dropped_in_flight = 4;
    (0..5).for_each(|_| latencies.of_mut(LatencyKind::WarmupResponse).record_us(9_000_000));
    tally.arrived(&record, at(0, 0), START);
    let totals = tally.totals();
    assert_eq!((totals.scheduled, totals.warmup.scheduled), (Some(19), 9), "totals include it");
    assert_eq!((totals.latency_ms.coverage, totals.latency_ms.response.count), (Some(1.0), 10));
    assert_eq!(totals.latency_ms.response.max, Some(1.0));
    assert!(totals.latency_ms.response.lower_bounds.is_empty(), "its drops make no bound");
    assert_eq!(tally.facts(None).fleet.dropped_ratio(), Some(0.0));
}

#[test]
fn foreign_nodes_and_other_tests_are_not_counted() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let stranger = windows("z", 7, &steady(1));
    assert_eq!(tally.arrived(&stranger[0], at(0, 0), START), Arrived::Foreign);
    assert_eq!(tally.facts(None).foreign, ["z"]);
    let mut other_test = windows("a", 7, &steady(1)).remove(0);
    other_test.test_id = Some(test_id("t2"));
    assert_eq!(tally.arrived(&other_test, at(0, 1), START), Arrived::Foreign);
    assert_eq!(tally.totals().sent, Some(0));
    for life in 8..40 {
        let record = windows("a", life, &steady(1)).remove(0);
        tally.arrived(&record, at(0, life as i64), START);
    }
    assert_eq!(tally.drivers(START).len(), crate::tally::limits::MAX_LIVES, "lives are bounded");
}

#[test]
fn a_test_that_never_started_expects_nothing() {
    let tally = Tally::new(test_id("t1"), plan(), &[participant("a", Some(7), 0, 1)]);
    assert_eq!(tally.completeness().windows_expected, 0);
    assert_eq!(tally.totals().sent, Some(0));
    assert_eq!(Tally::new(test_id("t1"), plan(), &[]).totals().failed, Some(0));
}
