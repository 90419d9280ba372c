//! Classic drivers: their own sums, as they say them.

use super::*;

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
fn a_classic_driver_that_was_not_known_at_the_trigger_joins_where_it_names_the_test() {
    let mut tally = tally(&[participant("a", Some(7), 0, 1)]);
    let nameless = classic("c", None, None, false);
    let report = Metrics { test_id: Some(TestId::new("t1").unwrap()), ..nameless.clone() };
    assert_eq!(tally.arrived(&nameless, at(0, 3), START), Arrived::Foreign);
    assert_eq!(tally.arrived(&report, at(0, 4), START), Arrived::New);
    let check = |tally: &Tally, ended_by| {
        let facts = tally.facts(None);
        let told: Vec<_> =
            facts.drivers.iter().map(|driver| (driver.joined, driver.other_life, driver.ended_by)).collect();
        assert_eq!(told, [(false, false, None), (true, false, ended_by)]);
    };
    check(&tally, None);
    tally.finish();
    check(&tally, Some(EndedBy::Silence));
}
