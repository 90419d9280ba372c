//! Classic drivers: their own sums, as they report them.

use super::*;
use crate::participant::Reading;
use crate::verdict::Reported;

#[test]
fn classic_reports_are_identified_by_position_and_shown_as_sent() {
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
fn a_classic_driver_that_was_not_known_at_the_trigger_joins_where_it_names_the_test() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let nameless = classic("c", None, None, false);
    let report = Metrics { test_id: Some(test_id("t1")), ..nameless.clone() };
    assert_eq!(tally.arrived(&nameless, at(0, 3), START), Arrived::Foreign);
    assert_eq!(tally.arrived(&report, at(0, 4), START), Arrived::New);
    let check = |tally: &Tally, ended_by| {
        let facts = tally.facts(None);
        let parts: Vec<_> =
            facts.drivers.iter().map(|driver| (driver.joined, driver.other_life, driver.ended_by)).collect();
        assert_eq!(parts, [(false, false, None), (true, false, ended_by)]);
    };
    check(&tally, None);
    tally.finish();
    check(&tally, Some(EndedBy::Silence));
}

/// The fleet of one of ours, which sent 30 requests, and a classic driver with these reports of (requests, answers).
fn beside_ours(reports: &[(Option<u64>, Option<u64>)]) -> Tally {
    let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("c", None, 1, 2)]);
    for (offset, record) in (0..).zip(&windows("a", 7, &steady(3))) {
        tally.arrived(record, at(0, offset), START);
    }
    for (offset, (requests, answers)) in (3..).zip(reports) {
        tally.arrived(&classic("c", *requests, *answers, false), at(0, offset), START);
    }
    tally.finish();
    equations(&tally, START);
    tally
}

#[test]
fn how_requests_ended_is_null_where_a_driver_reports_only_what_it_sent() {
    let tally = beside_ours(&[(Some(12), None), (Some(17), None)]);
    let row = &tally.drivers(START)[1].totals;
    assert_eq!((row.sent, row.completed, row.failed), (Some(17), None, None));
    assert_eq!((row.in_flight, row.unresolved, row.end_unknown), (None, None, 17));
    let totals = tally.totals();
    assert_eq!((totals.sent, totals.completed, totals.failed), (Some(47), Some(30), Some(0)));
    assert_eq!((totals.unresolved, totals.end_unknown), (Some(0), 17));
    assert_eq!((totals.unknown_from, totals.ends_unknown_from), (vec![], vec!["c".to_owned()]));
    assert_eq!(totals.latency_ms.coverage, None);
    let facts = tally.facts(None);
    assert_eq!(facts.drivers[1].unresolved, 17);
    assert_eq!((facts.fleet.sent(), facts.fleet.completed()), (47, 30));
    assert_eq!(facts.fleet.reported, Reported { sent: true, completed: false, failed: false });
}

#[test]
fn a_fleet_in_which_no_driver_reports_answers_has_no_count_of_them() {
    let mut tally = tally(&[participant("c", None, 0, 1)]);
    tally.arrived(&classic("c", Some(17), None, false), at(0, 0), START);
    tally.finish();
    equations(&tally, START);
    let totals = tally.totals();
    assert_eq!((totals.sent, totals.completed, totals.unresolved), (Some(17), None, None));
    assert_eq!((totals.failed, totals.in_flight, totals.dropped), (None, None, Some(0)));
}

#[test]
fn counts_of_an_interval_are_added_up() {
    // The plan asks each for 30,000.
    let reports: Vec<_> = [4_100, 6_300, 6_250, 6_270, 6_260].map(|n| (Some(n), Some(n - 50))).into();
    let tally = beside_ours(&reports);
    let row = &tally.drivers(START)[1].totals;
    assert_eq!((row.sent, row.completed, row.unresolved), (Some(29_180), Some(28_930), Some(250)));
    assert_eq!(tally.totals().sent, Some(29_210));
    let facts = tally.facts(None);
    assert_eq!(facts.drivers[1].as_classic.reading, Some(Reading::PerInterval));
}

#[test]
fn counts_that_fit_neither_are_unknown() {
    let tally = beside_ours(&[(Some(20_000), None), (Some(19_000), None), (Some(20_000), None)]);
    assert_eq!(tally.drivers(START)[1].totals.sent, None);
    assert_eq!((tally.totals().sent, tally.totals().unknown_from), (Some(30), vec!["c".to_owned()]));
    let facts = tally.facts(None);
    let classic = &facts.drivers[1].as_classic;
    assert_eq!((classic.reading, classic.at_least), (Some(Reading::Unknown), Some(20_000)));
    assert_eq!(facts.drivers[1].sample.reported, Reported::NONE);
}
